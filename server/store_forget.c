/* Store's forgetting: metric rows behind a step go, and the summaries of their series are made from
 * what is left, as are their stretches. Knows no series by name. */
#include "server/store_inside.h"

static const char next_series[] =
    "SELECT series FROM summary WHERE job = ?1 AND series > ?2 ORDER BY series LIMIT 1";
static const char delete_rows[] = "DELETE FROM metric WHERE job = ?1 AND series = ?2 AND step > ?3";
static const char delete_summary[] = "DELETE FROM summary WHERE job = ?1 AND series = ?2";

#define ROWS "FROM metric WHERE job = ?1 AND series = ?2 "
#define FINITE_ROW "(SELECT step, value " ROWS "AND value IS NOT NULL ORDER BY "

/* What store_metrics_add keeps: a series with rows but none that is finite has numbers of NULL. */
static const char insert_empty[] =
    "INSERT INTO summary (job, series) SELECT job, series " ROWS "LIMIT 1";
static const char insert_summary[] =
    "INSERT OR REPLACE INTO summary (job, series, step, last, min_step, min, max_step, max)"
    " SELECT ?1, ?2, last.step, last.value, low.step, low.value, high.step, high.value"
    " FROM " FINITE_ROW "step DESC LIMIT 1) last, " FINITE_ROW
    "value, step LIMIT 1) low, " FINITE_ROW "value DESC, step LIMIT 1) high";

static bool forget_series(struct db *db, int64_t job, int64_t series, int64_t step,
                          struct error *error)
{
    const struct sql_value job_value = sql_integer(job), series_value = sql_integer(series);
    const struct sql_list both = SQL_LIST(job_value, series_value);

    return sql_run(&db->sql, delete_rows, SQL_LIST(job_value, series_value, sql_integer(step)),
                   error) &&
           sql_run(&db->sql, delete_summary, both, error) &&
           sql_run(&db->sql, insert_empty, both, error) &&
           sql_run(&db->sql, insert_summary, both, error) &&
           stretches_cut(db, job, series, step, error) && arrival_cut(db, job, series, step, error);
}

bool store_metrics_forget(struct db *db, int64_t job, int64_t step, struct error *error)
{
    struct sqlite3_stmt *statement = NULL;
    int64_t series = 0;
    bool row = true;

    for (;;) {
        if (!sql_query(&db->sql, next_series, SQL_LIST(sql_integer(job), sql_integer(series)),
                       &statement, error) ||
            !sql_step(&db->sql, statement, &row, error))
            return false;
        if (!row)
            return arrival_withdraw(db, job, step, error) && store_job_touch(db, job, error);
        series = sql_column_integer(statement, 0);
        sql_reset(statement);
        if (!forget_series(db, job, series, step, error))
            return false;
    }
}
