/* Store's tables of what trained networks need and say. Knows nothing of what the texts mean. */
#include "server/store_network.h"

#include "server/store_inside.h"

#include <stdlib.h>

static const char select_data[] = "SELECT data FROM job_data WHERE job = ?1";
static const char insert_data[] = "INSERT INTO job_data (job, data) VALUES (?1, ?2)"
                                  " ON CONFLICT (job) DO NOTHING";

static const char select_evaluation[] =
    "SELECT data, worst, created_at FROM evaluation WHERE checkpoint = ?1 AND split = ?2";
static const char insert_evaluation[] =
    "INSERT INTO evaluation (checkpoint, split, data, worst, created_at)"
    " SELECT number, ?2, ?3, ?4, ?5 FROM checkpoint WHERE number = ?1 AND complete = 1"
    " ON CONFLICT (checkpoint, split) DO NOTHING";

/* Stands at the first row. */
static bool query_row(struct db *db, const char *text, struct sql_list list,
                      struct sqlite3_stmt **out, struct error *error)
{
    bool row = false;

    return sql_query(&db->sql, text, list, out, error) && sql_step(&db->sql, *out, &row, error) &&
           (row || error_set(error, ERROR_NOT_FOUND, "", "nothing of the kind is stored"));
}

bool store_job_data_get(struct db *db, int64_t job, char **out, struct error *error)
{
    struct sqlite3_stmt *statement = NULL;

    *out = NULL;
    if (!query_row(db, select_data, SQL_LIST(sql_integer(job)), &statement, error))
        return false;
    bool good = sql_copy_text(statement, 0, out, error);
    sql_reset(statement);
    return good;
}

bool store_job_data_put(struct db *db, int64_t job, const char *text, struct error *error)
{
    return sql_run(&db->sql, insert_data, SQL_LIST(sql_integer(job), sql_text(text)), error);
}

void evaluation_row_drop(struct evaluation_row *row)
{
    free(row->data);
    free(row->worst);
    *row = (struct evaluation_row){0};
}

bool store_evaluation_get(struct db *db, int64_t checkpoint, const char *split,
                          struct evaluation_row *out, struct error *error)
{
    struct sqlite3_stmt *statement = NULL;

    *out = (struct evaluation_row){0};
    if (!query_row(db, select_evaluation, SQL_LIST(sql_integer(checkpoint), sql_text(split)),
                   &statement, error))
        return false;
    out->created_at = sql_column_integer(statement, 2);
    bool good = sql_copy_text(statement, 0, &out->data, error) &&
                sql_copy_text(statement, 1, &out->worst, error);
    sql_reset(statement);
    if (!good)
        evaluation_row_drop(out);
    return good;
}

bool store_evaluation_put(struct db *db, int64_t checkpoint, const char *split,
                          const struct evaluation_row *row, struct error *error)
{
    return sql_run(&db->sql, insert_evaluation,
                   SQL_LIST(sql_integer(checkpoint), sql_text(split), sql_text(row->data),
                            sql_text(row->worst), sql_integer(row->created_at)),
                   error);
}
