/* Store's repeats: see store_control.h. */
#include "server/store_control.h"

#include "server/store_inside.h"

#include <stdio.h>

static const char select_repeat[] =
    "SELECT i.job, i.sha256, j.id FROM idempotency i JOIN job j ON j.number = i.job"
    " WHERE i.key = ?1";
static const char insert_repeat[] =
    "INSERT INTO idempotency (key, sha256, job, created_at) VALUES (?1, ?2, ?3, ?4)";

bool store_repeat_find(struct db *db, const char *key, struct repeat_row *out, struct error *error)
{
    struct sqlite3_stmt *statement = NULL;
    bool row = false;

    *out = (struct repeat_row){0};
    if (!sql_query(&db->sql, select_repeat, SQL_LIST(sql_text(key)), &statement, error) ||
        !sql_step(&db->sql, statement, &row, error))
        return false;
    if (!row)
        return true;
    out->job = sql_column_integer(statement, 0);
    (void)snprintf(out->sha256, sizeof(out->sha256), "%s", sql_column_text(statement, 1));
    (void)snprintf(out->id, sizeof(out->id), "%s", sql_column_text(statement, 2));
    sql_reset(statement);
    return true;
}

bool store_repeat_put(struct db *db, const char *key, const char *sha256, int64_t job,
                      struct error *error)
{
    return sql_run(&db->sql, insert_repeat,
                   SQL_LIST(sql_text(key), sql_text(sha256), sql_integer(job),
                            sql_integer(clock_milliseconds())),
                   error);
}
