/* Target: what stands behind the method in a request: path and query, taken apart and decoded once.
 * Knows no route. */
#ifndef SERVER_HTTP_TARGET_H
#define SERVER_HTTP_TARGET_H

#include "core/error.h"

enum { TARGET_SIZE_MAX = 2048, TARGET_SEGMENTS = 8, TARGET_QUERIES = 16 };

struct target_query {
    const char *name, *value;
};

struct target {
    char *path;                            /* as sent, without the query */
    const char *segments[TARGET_SEGMENTS]; /* between the slashes, decoded; all in `store` */
    int segment_count;                     /* −1: more than any route has */
    struct target_query queries[TARGET_QUERIES];
    int query_count;
    char *store;
};

/* Takes `text` apart. ERROR_INVALID for what is no path, for bad escapes and control characters,
 * and for a query name that comes twice. Drop it in every case. */
bool target_parse(const char *text, struct target *out, struct error *error) MUST_CHECK;
void target_drop(struct target *target);

/* NULL when absent. */
const char *target_query(const struct target *target, const char *name);

/* Whether the path has the form of `pattern` ("/v1/jobs/{id}"); the {…} parts go to params. */
bool target_matches(const struct target *target, const char *pattern, const char *params[4]);

#endif
