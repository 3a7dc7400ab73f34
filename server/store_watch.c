/* Store, watched: see store_watch.h. */
#include "server/store_watch.h"

#include "server/process.h"
#include "server/store_inside.h"

#include <stdio.h>

/* A job that came back to the queue waits since then, which its newest `state` event tells. */
static const char queued_since[] =
    "SELECT coalesce(min((SELECT at FROM event WHERE event.job = job.number AND name = 'state'"
    " ORDER BY number DESC LIMIT 1)), 0) FROM job WHERE state = 'queued'";

bool store_queued_since(struct db *db, int64_t *out, struct error *error)
{
    return sql_get(&db->sql, queued_since, SQL_NONE, out, error);
}

struct store_sizes store_sizes(const struct store *store)
{
    char log[1200];

    (void)snprintf(log, sizeof(log), "%s-wal", store->path);
    return (struct store_sizes){file_bytes(store->path), file_bytes(log)};
}
