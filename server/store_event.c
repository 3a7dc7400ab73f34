/* Store's events: what happened, in order, for streams that resume where they stopped. Knows
 * nothing of streams. */
#include "server/store_inside.h"

#include <stdio.h>
#include <string.h>

#define SELECT_EVENT                                                                               \
    "SELECT e.number, e.job, j.id, e.name, e.step, e.data, e.at FROM event e JOIN job j ON "       \
    "j.number = e.job "

/* Of a job that was deleted the one event is left that says so. */
#define WITH_DELETIONS(events, deletions)                                                          \
    "SELECT * FROM (" SELECT_EVENT "WHERE e.number > ?1 AND j.state <> 'deleted'" events           \
    " ORDER BY e.number LIMIT ?2) UNION ALL"                                                       \
    " SELECT * FROM (SELECT event, job, id, 'deleted', step, '{}', at FROM deletion"               \
    " WHERE event > ?1" deletions " ORDER BY event LIMIT ?2) ORDER BY 1 LIMIT ?2"
static const char select_of_all[] = WITH_DELETIONS("", "");
static const char select_of_job[] = WITH_DELETIONS(" AND e.job = ?3", " AND job = ?3");
/* The partial index event_quiet serves this. */
static const char select_quiet[] =
    WITH_DELETIONS(" AND e.job = ?3 AND e.name <> 'metrics'", " AND job = ?3");
static const char insert_event[] =
    "INSERT INTO event (job, name, step, at, data) VALUES (?1, ?2, ?3, ?4, ?5)";
/* Not max(number): that goes back when the newest events are deleted. */
static const char select_newest[] =
    "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'event'), 0)";

bool store_event_insert(struct db *db, const char *text, struct sql_list list, struct error *error)
{
    if (!sql_run(&db->sql, text, list, error))
        return false;
    db->newest_event = sql_last_key(&db->sql);
    return true;
}

bool store_event_add(struct db *db, int64_t job, const char *name, int64_t step, const char *data,
                     struct error *error)
{
    const struct sql_list list = SQL_LIST(sql_integer(job), sql_text(name), sql_integer(step),
                                          sql_integer(clock_milliseconds()), sql_text(data));

    return store_event_insert(db, insert_event, list, error);
}

static bool query_events(struct db *db, const struct event_query *query, struct sqlite3_stmt **out,
                         struct error *error)
{
    const struct sql_value after = sql_integer(query->after);
    const struct sql_value limit = sql_integer(query->limit > 0 ? query->limit : 0);

    if (query->job != 0)
        return sql_query(&db->sql, query->quiet ? select_quiet : select_of_job,
                         SQL_LIST(after, limit, sql_integer(query->job)), out, error);
    return sql_query(&db->sql, select_of_all, SQL_LIST(after, limit), out, error);
}

bool store_events_read(struct db *db, const struct event_query *query, event_each *each,
                       void *context, struct error *error)
{
    struct sqlite3_stmt *statement = NULL;
    bool row = true;

    if (!query_events(db, query, &statement, error))
        return false;
    while (sql_step(&db->sql, statement, &row, error)) {
        if (!row)
            return true;
        struct event_row event = {.number = sql_column_integer(statement, 0),
                                  .job = sql_column_integer(statement, 1),
                                  .name = sql_column_text(statement, 3),
                                  .step = sql_column_integer(statement, 4),
                                  .data = sql_column_text(statement, 5),
                                  .at = sql_column_integer(statement, 6)};
        snprintf(event.job_id, sizeof(event.job_id), "%s", sql_column_text(statement, 2));
        if (!each(context, &event)) {
            sql_reset(statement);
            return true;
        }
    }
    return false;
}

bool store_event_newest(struct db *db, int64_t *out, struct error *error)
{
    return sql_get(&db->sql, select_newest, SQL_NONE, out, error);
}
