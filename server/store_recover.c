/* Store's recovery: what a daemon that died left in the middle goes back to where it can begin
 * again. */
#include "server/store_inside.h"

static const char select_interrupted[] =
    "SELECT number, state, fruitless FROM job WHERE state IN (?1, ?2, ?3) ORDER BY number LIMIT 1";
static const char count_fruitless[] = "UPDATE job SET fruitless = fruitless + 1 WHERE number = ?1";

/* A job that kills its daemon before it stores a single row would do so at every start, for ever.
 */
enum { FRUITLESS_MOST = 20 };

bool store_job_recover(struct db *db, struct error *error)
{
    const struct sql_list list =
        SQL_LIST(sql_text(job_state_name(JOB_RUNNING)), sql_text(job_state_name(JOB_PAUSING)),
                 sql_text(job_state_name(JOB_CANCELLING)));
    struct sqlite3_stmt *statement = NULL;
    bool row = false;

    for (;;) {
        if (!sql_query(&db->sql, select_interrupted, list, &statement, error) ||
            !sql_step(&db->sql, statement, &row, error))
            return false;
        if (!row)
            return true;
        struct job_move move = {.number = sql_column_integer(statement, 0),
                                .from =
                                    (enum job_state)job_state_find(sql_column_text(statement, 1)),
                                .to = JOB_QUEUED,
                                .reason = "restarted"};
        bool hopeless = sql_column_integer(statement, 2) + 1 >= FRUITLESS_MOST;
        sql_reset(statement);
        if (move.from == JOB_CANCELLING) {
            move.to = JOB_CANCELLED;
            move.reason = NULL;
        } else if (hopeless) {
            move.to = JOB_FAILED;
            move.reason = "crash_loop: the daemon died under it again and again before it had "
                          "stored a single row";
        }
        if (!sql_run(&db->sql, count_fruitless, SQL_LIST(sql_integer(move.number)), error) ||
            !store_job_change(db, &move, move.to == JOB_QUEUED, error))
            return false;
    }
}
