/* Store's deleting: a job is gone with one short write; what it leaves behind is deleted piece by
 * piece, so that nobody waits long for the writer. See store_control.h. */
#include "server/store_control.h"

#include "server/store_inside.h"

#include "core/field.h"

/* ---- gone ---- */

static const char select_state[] = "SELECT state FROM job WHERE number = ?1";
static const char mark[] = "UPDATE job SET state = 'deleted' WHERE number = ?1";
static const char delete_labels[] = "DELETE FROM label WHERE job = ?1";
static const char delete_repeats[] = "DELETE FROM idempotency WHERE job = ?1";
/* They are no longer there either; store_checkpoint_sweep takes their bytes. */
static const char let_go[] = "UPDATE checkpoint SET complete = 0, best = 0 WHERE job = ?1";

/* The event's number is drawn as every other's is, and then kept where it outlives the job. */
static const char insert_event[] =
    "INSERT INTO event (job, name, step, at, data) SELECT ?1, 'deleted',"
    " coalesce((SELECT step FROM event WHERE job = ?1 ORDER BY number DESC LIMIT 1), 0), ?2, '{}'";
static const char insert_deletion[] =
    "INSERT INTO deletion (event, job, id, step, at) SELECT e.number, e.job, j.id, e.step, e.at"
    " FROM event e JOIN job j ON j.number = e.job WHERE e.number = ?1";
static const char delete_event[] = "DELETE FROM event WHERE number = ?1";

static bool check_ended(struct db *db, struct sql_value job, struct error *error)
{
    struct sqlite3_stmt *statement = NULL;
    bool row = false;

    if (!sql_query(&db->sql, select_state, SQL_LIST(job), &statement, error) ||
        !sql_step(&db->sql, statement, &row, error))
        return false;
    if (!row)
        return error_set(error, ERROR_NOT_FOUND, "", "there is no such job");
    int state = job_state_find(sql_column_text(statement, 0));
    sql_reset(statement);
    if (state < 0)
        return error_set(error, ERROR_NOT_FOUND, "", "there is no such job");
    return job_state_ended((enum job_state)state) ||
           error_set(
               error, ERROR_CONFLICT, "",
               "the job is %s: only one that has ended can be deleted, and cancelling ends it",
               job_state_name((enum job_state)state));
}

bool store_job_delete(struct db *db, int64_t number, struct error *error)
{
    const struct sql_value job = sql_integer(number), now = sql_integer(clock_milliseconds());
    struct sql *sql = &db->sql;

    return check_ended(db, job, error) && sql_run(sql, delete_labels, SQL_LIST(job), error) &&
           sql_run(sql, delete_repeats, SQL_LIST(job), error) &&
           sql_run(sql, let_go, SQL_LIST(job), error) &&
           store_event_insert(db, insert_event, SQL_LIST(job, now), error) &&
           sql_run(sql, insert_deletion, SQL_LIST(sql_integer(db->newest_event)), error) &&
           sql_run(sql, delete_event, SQL_LIST(sql_integer(db->newest_event)), error) &&
           sql_run(sql, mark, SQL_LIST(job), error);
}

/* ---- swept ---- */

static const char count_waiting[] = "SELECT EXISTS (SELECT 1 FROM deletion WHERE swept = 0)";
static const char next_job[] = "SELECT job FROM deletion WHERE swept = 0 ORDER BY event LIMIT 1";
static const char delete_job[] = "DELETE FROM job WHERE number = ?1";
static const char note_swept[] = "UPDATE deletion SET swept = 1 WHERE job = ?1";

/* What a job may have very much of: each takes some of it, and is run until there is none. The rest
 * goes with the job's row. */
static const char *const pieces[] = {
    "DELETE FROM metric WHERE (job, series, step) IN"
    " (SELECT job, series, step FROM metric WHERE job = ?1 LIMIT 1024)",
    "DELETE FROM stretch WHERE (job, series, shift, place) IN"
    " (SELECT job, series, shift, place FROM stretch WHERE job = ?1 LIMIT 1024)",
    "DELETE FROM arrival WHERE (job, series, event) IN"
    " (SELECT job, series, event FROM arrival WHERE job = ?1 LIMIT 1024)",
    "DELETE FROM event WHERE number IN (SELECT number FROM event WHERE job = ?1 LIMIT 1024)",
};

/* Gives pages at the end of the file back to the file system. */
static const char count_free[] = "PRAGMA freelist_count";
static const char give_back[] = "PRAGMA incremental_vacuum(64)";

static bool sweep_job(struct db *db, int64_t number, struct error *error)
{
    const struct sql_value job = sql_integer(number);
    bool more = false;

    if (!store_checkpoint_sweep(db, number, &more, error) || more)
        return more;
    for (size_t i = 0; i < COUNT_OF(pieces); i++)
        if (!sql_run(&db->sql, pieces[i], SQL_LIST(job), error))
            return false;
        else if (sql_changes(&db->sql) > 0)
            return true;
    return sql_run(&db->sql, delete_job, SQL_LIST(job), error) &&
           sql_run(&db->sql, note_swept, SQL_LIST(job), error);
}

static bool shrink(struct db *db, bool *more, struct error *error)
{
    int64_t before = 0, after = 0;

    if (!sql_get(&db->sql, count_free, SQL_NONE, &before, error) ||
        (before > 0 && !sql_run(&db->sql, give_back, SQL_NONE, error)) ||
        !sql_get(&db->sql, count_free, SQL_NONE, &after, error))
        return false;
    *more = after > 0 && after < before;
    return true;
}

static bool sweep_work(struct db *db, void *context, struct error *error)
{
    struct store *store = context;
    struct error missing = {0};
    int64_t number = 0;

    store->sweeping_more = sql_get(&db->sql, next_job, SQL_NONE, &number, &missing);
    if (store->sweeping_more)
        return sweep_job(db, number, error);
    if (missing.kind != ERROR_NOT_FOUND)
        return error_set(error, missing.kind, missing.where, "%s", missing.text);
    return shrink(db, &store->sweeping_more, error);
}

/* In the writer's thread, or in the caller's when the store is closing. After a failure, such as a
 * full disk, the next deletion or the next start goes on. */
static void sweep_done(void *context, const struct error *error)
{
    struct store *store = context;
    bool more = !error && store->sweeping_more;

    if (more) {
        store_write_later(store, sweep_work, sweep_done, store);
        return;
    }
    pthread_mutex_lock(&store->writer.lock);
    store->sweeping = false;
    pthread_mutex_unlock(&store->writer.lock);
}

void store_sweep(struct store *store)
{
    bool begin;

    pthread_mutex_lock(&store->writer.lock);
    begin = !store->sweeping;
    store->sweeping = true;
    pthread_mutex_unlock(&store->writer.lock);
    if (begin)
        store_write_later(store, sweep_work, sweep_done, store);
}

bool store_sweep_waits(struct db *db, bool *waits, struct error *error)
{
    int64_t some = 0;
    bool good = sql_get(&db->sql, count_waiting, SQL_NONE, &some, error);

    *waits = some != 0;
    return good;
}
