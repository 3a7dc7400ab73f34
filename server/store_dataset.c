/* Store's data sets: names and where their files are. Knows nothing of what the files hold. */
#include "server/store_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SELECT_DATASET "SELECT name, path, info, created_at FROM dataset "

static const char select_one[] = SELECT_DATASET "WHERE name = ?1";
static const char select_all[] = SELECT_DATASET "ORDER BY name";
static const char put[] =
    "INSERT INTO dataset (name, path, info, created_at) VALUES (?1, ?2, ?3, ?4)"
    " ON CONFLICT (name) DO UPDATE SET path = excluded.path, info = excluded.info";

static const char select_users[] =
    "SELECT id, state FROM job JOIN job_text ON job_text.job = job.number"
    " WHERE state IN (?2, ?3, ?4, ?5, ?6) AND json_extract(spec, '$.dataset.name') = ?1"
    " ORDER BY number LIMIT ?7";

void dataset_row_drop(struct dataset_row *row)
{
    free(row->path);
    free(row->info);
    *row = (struct dataset_row){0};
}

static bool read_row(struct sqlite3_stmt *statement, struct dataset_row *out, struct error *error)
{
    *out = (struct dataset_row){.created_at = sql_column_integer(statement, 3)};
    snprintf(out->name, sizeof(out->name), "%s", sql_column_text(statement, 0));
    if (sql_copy_text(statement, 1, &out->path, error) &&
        sql_copy_text(statement, 2, &out->info, error))
        return true;
    dataset_row_drop(out);
    return false;
}

bool store_dataset_put(struct db *db, const char *name, const char *path, const char *info,
                       struct error *error)
{
    const size_t room = sizeof(((struct dataset_row *)NULL)->name);

    if (name[0] == '\0' || strlen(name) >= room)
        return error_set(error, ERROR_INVALID, "", "a data set's name has 1 to %zu bytes",
                         room - 1);
    return sql_run(
        &db->sql, put,
        SQL_LIST(sql_text(name), sql_text(path), sql_text(info), sql_integer(clock_milliseconds())),
        error);
}

bool store_dataset_get(struct db *db, const char *name, struct dataset_row *out,
                       struct error *error)
{
    struct sqlite3_stmt *statement = NULL;
    bool row = false;

    *out = (struct dataset_row){0};
    if (!sql_query(&db->sql, select_one, SQL_LIST(sql_text(name)), &statement, error) ||
        !sql_step(&db->sql, statement, &row, error))
        return false;
    if (!row)
        return error_set(error, ERROR_NOT_FOUND, "", "there is no data set %s", name);
    bool good = read_row(statement, out, error);
    sql_reset(statement);
    return good;
}

/* A list that grows row by row. */
static bool append(struct dataset_row **rows, int *count, const struct dataset_row *row,
                   struct error *error)
{
    struct dataset_row *grown = realloc(*rows, ((size_t)*count + 1) * sizeof(*grown));

    if (!grown)
        return error_set(error, ERROR_MEMORY, "store", "out of memory");
    *rows = grown;
    grown[(*count)++] = *row;
    return true;
}

bool store_dataset_list(struct db *db, struct dataset_row **rows, int *count, struct error *error)
{
    struct sqlite3_stmt *statement = NULL;
    bool row = true;

    *rows = NULL;
    *count = 0;
    bool good = sql_query(&db->sql, select_all, SQL_NONE, &statement, error);
    while (good && row) {
        struct dataset_row next = {0};
        good = sql_step(&db->sql, statement, &row, error);
        if (!good || !row)
            break;
        good = read_row(statement, &next, error) && append(rows, count, &next, error);
        if (!good) {
            dataset_row_drop(&next);
            sql_reset(statement);
        }
    }
    if (good)
        return true;
    while (*count > 0)
        dataset_row_drop(&(*rows)[--*count]);
    free(*rows);
    *rows = NULL;
    return false;
}

bool store_dataset_users(struct db *db, const char *name, struct dataset_user *out, int room,
                         int *count, struct error *error)
{
    const struct sql_list list = SQL_LIST(
        sql_text(name), sql_text(job_state_name(JOB_QUEUED)), sql_text(job_state_name(JOB_RUNNING)),
        sql_text(job_state_name(JOB_PAUSING)), sql_text(job_state_name(JOB_PAUSED)),
        sql_text(job_state_name(JOB_CANCELLING)), sql_integer(room));
    struct sqlite3_stmt *statement = NULL;
    bool row = true;

    *count = 0;
    if (!sql_query(&db->sql, select_users, list, &statement, error))
        return false;
    for (;;) {
        if (!sql_step(&db->sql, statement, &row, error))
            return false;
        if (!row)
            return true;
        struct dataset_user *user = &out[(*count)++];
        snprintf(user->job, sizeof(user->job), "%s", sql_column_text(statement, 0));
        user->state = (enum job_state)job_state_find(sql_column_text(statement, 1));
    }
}
