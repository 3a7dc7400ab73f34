/* Store's arrivals: with which event the rows of a series came, and which were taken back, so that
 * a client can ask for what is new alone. Knows no series by name. */
#include "server/store_inside.h"

static const char select_last[] =
    "SELECT step FROM arrival WHERE job = ?1 AND series = ?2 ORDER BY event DESC LIMIT 1";
static const char lower_steps[] =
    "UPDATE arrival SET step = ?3 WHERE job = ?1 AND series = ?2 AND step > ?3";
static const char insert_arrival[] =
    "INSERT INTO arrival (job, series, step, event) VALUES (?1, ?2, ?3, ?4)";
static const char delete_arrivals[] =
    "DELETE FROM arrival WHERE job = ?1 AND series = ?2 AND step > ?3";
static const char insert_withdrawal[] =
    "INSERT INTO withdrawal (job, event, step) VALUES (?1, ?2, ?3)"
    " ON CONFLICT DO UPDATE SET step = min(step, excluded.step)";

bool arrival_add(struct db *db, int64_t job, int64_t series, int64_t step, struct error *error)
{
    const struct sql_value job_value = sql_integer(job), series_value = sql_integer(series);
    const struct sql_value step_value = sql_integer(step);
    struct sqlite3_stmt *statement = NULL;
    bool row = false, late = false;

    if (!sql_query(&db->sql, select_last, SQL_LIST(job_value, series_value), &statement, error) ||
        !sql_step(&db->sql, statement, &row, error))
        return false;
    late = row && sql_column_integer(statement, 0) > step;
    sql_reset(statement);
    /* Rows before some that came earlier: whoever has not heard of this event needs them. */
    if (late &&
        !sql_run(&db->sql, lower_steps, SQL_LIST(job_value, series_value, step_value), error))
        return false;
    return sql_run(&db->sql, insert_arrival,
                   SQL_LIST(job_value, series_value, step_value, sql_integer(db->newest_event)),
                   error);
}

bool arrival_cut(struct db *db, int64_t job, int64_t series, int64_t step, struct error *error)
{
    return sql_run(&db->sql, delete_arrivals,
                   SQL_LIST(sql_integer(job), sql_integer(series), sql_integer(step)), error);
}

/* Nobody has heard of the next event yet, and who hears of it has seen the rows gone. */
bool arrival_withdraw(struct db *db, int64_t job, int64_t step, struct error *error)
{
    return sql_run(&db->sql, insert_withdrawal,
                   SQL_LIST(sql_integer(job), sql_integer(db->newest_event + 1), sql_integer(step)),
                   error);
}
