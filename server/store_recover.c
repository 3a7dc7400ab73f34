/* Store's recovery: what a daemon that died left in the middle goes back to where it can begin
 * again. */
#include "server/store_inside.h"

static const char select_interrupted[] =
    "SELECT number, state, fruitless FROM job WHERE state IN (?1, ?2, ?3) ORDER BY number LIMIT 1";
static const char count_fruitless[] = "UPDATE job SET fruitless = fruitless + 1 WHERE number = ?1";

/* Lives in a row that a job has ended together with their daemons before it had stored anything
 * new: it would do so at every start, for ever. */
enum { FRUITLESS_MOST = 3 };

/* Where a job goes that was in this state when its daemon died. Who pauses a job wants it paused,
 * and the newest checkpoint is there. */
static const enum job_state homes[JOB_STATES] = {
    [JOB_RUNNING] = JOB_QUEUED, [JOB_PAUSING] = JOB_PAUSED, [JOB_CANCELLING] = JOB_CANCELLED};

static struct job_move way_home(int64_t number, enum job_state from, int64_t fruitless)
{
    struct job_move move = {.number = number, .from = from, .to = homes[from]};

    if (move.to == JOB_QUEUED)
        move.reason = "restarted";
    if (move.to != JOB_CANCELLED && fruitless >= FRUITLESS_MOST) {
        move.to = JOB_FAILED;
        move.reason = "crash_loop: the daemon died under it again and again before it had stored "
                      "anything new";
    }
    return move;
}

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
        enum job_state from = (enum job_state)job_state_find(sql_column_text(statement, 1));
        const struct job_move move =
            way_home(sql_column_integer(statement, 0), from, sql_column_integer(statement, 2) + 1);
        sql_reset(statement);
        if (!sql_run(&db->sql, count_fruitless, SQL_LIST(sql_integer(move.number)), error) ||
            !store_job_change(db, &move, !job_state_ended(move.to), error))
            return false;
    }
}
