/* What reading, writing and documenting a spec share, inside spec_*.c. Knows no field by name. */
#ifndef SERVER_SPEC_WALK_H
#define SERVER_SPEC_WALK_H

#include "server/spec_json.h"

enum {
    POINTER_SIZE = sizeof(((struct problem *)0)->pointer),
    LIST_MAX = 256, /* items, where the row gives no bound */
    LABELS_MAX = 64,
    LABEL_KEY_MAX = 64, /* bytes */
    LABEL_VALUE_MAX = 256
};

/* The rows of struct job_meta. */
extern const struct fields job_meta_fields;

struct spec_reader {
    struct arena *arena;
    struct problems *problems;
    bool memory_gone;
};

/* One value that a row describes: where it stands in the JSON, and where it goes. */
struct spec_value {
    const struct field *field;
    const json_t *json;
    void *at;
    const char *pointer;
};

/* spec_from_json without spec_complete: what rows alone say, which is also what the schema says. */
bool spec_read_rows(const json_t *job, struct spec *spec, struct job_meta *meta,
                    struct problems *problems, struct error *error) MUST_CHECK;

/* Reads BOOL, INT, REAL, TEXT, CHOICE, PAIR, REALS2, EITHER. What is wrong becomes a problem, and
 * the value keeps its default. */
void spec_read_scalar(struct spec_reader *reader, const struct spec_value *value);
void spec_read_labels(struct spec_reader *reader, const struct spec_value *value);

/* "found 3.5; want an integer from 1 to 4096", with the allowed names where there are some. */
struct problem *spec_wrong(struct spec_reader *reader, const struct spec_value *value);

/* How many bytes or items a row allows: its own maximum, or the usual one. */
size_t spec_list_max(const struct field *field);

/* What was found, shortened for a message: `the string "0.001"`, `true`, `a list of 3`. */
void spec_describe_found(const json_t *json, char *out, size_t size);
/* What a row wants: "a number above 0 and up to 1". */
void spec_describe_wanted(const struct field *field, char *out, size_t size);
/* How an item of a list is written that has several values: "[step, lr]". */
void spec_describe_item(const struct fields *fields, char *out, size_t size);

#endif
