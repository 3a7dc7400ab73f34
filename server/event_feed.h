/* Event feed: the newest events as texts, made once for all streams that are up to date; older ones
 * are read from the store as they are asked for. HTTP thread only. Knows no stream. */
#ifndef SERVER_EVENT_FEED_H
#define SERVER_EVENT_FEED_H

#include "server/store.h"

struct event_feed;

struct feed_event {
    int64_t number, job;
    const char *name;
    const char *text; /* a JSON object that is not empty, of `size` bytes: see event_text.h */
    size_t size;
    bool ends; /* nothing follows of its job */
};

/* The newest event that anybody was told of. */
typedef int64_t event_feed_newest(void *context);

bool event_feed_new(event_feed_newest *newest, void *context, struct event_feed **out,
                    struct error *error) MUST_CHECK;
void event_feed_free(struct event_feed *feed); /* NULL is allowed */

/* The first event behind number *after, of one job or of all (job 0); NULL: there is none yet.
 * *after goes on to it, or to the last one that was looked at. *out is valid until the next call.
 */
bool event_feed_next(struct event_feed *feed, struct db *db, int64_t job, int64_t *after,
                     const struct feed_event **out, struct error *error) MUST_CHECK;

#endif
