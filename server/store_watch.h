/* Store, watched: what somebody asks who wants to know how it is. */
#ifndef SERVER_STORE_WATCH_H
#define SERVER_STORE_WATCH_H

#include "server/store.h"

/* Seconds that the oldest write without an answer has waited; 0: there is none. Any thread. */
double store_writer_delay(struct store *store);

/* Since when the job that waits longest is queued, Unix milliseconds; 0: none waits. */
bool store_queued_since(struct db *db, int64_t *out, struct error *error) MUST_CHECK;

/* Bytes of the database's file, and of the log beside it that holds what is not yet in there. */
struct store_sizes {
    int64_t file, log;
};
struct store_sizes store_sizes(const struct store *store);

#endif
