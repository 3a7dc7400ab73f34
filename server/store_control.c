/* Store's control: see store_control.h. */
#include "server/store_control.h"

#include "server/store_inside.h"

#include <stdlib.h>
#include <string.h>

/* ---- edits ---- */

static const char count_edits[] =
    "SELECT count(*) FROM edit WHERE job = ?1 AND (step IS NULL) = ?2";
static const char select_edits[] =
    "SELECT number, coalesce(step, -1), returns, changes FROM edit"
    " WHERE job = ?1 AND (step IS NULL) = ?2 ORDER BY number LIMIT ?3";
static const char select_first_spec[] =
    "SELECT coalesce(first_spec, spec) FROM job_text WHERE job = ?1";
static const char insert_edit[] = "INSERT INTO edit (job, changes, was_spec, was_plan, created_at)"
                                  " SELECT job, ?2, spec, plan, ?3 FROM job_text WHERE job = ?1";
static const char set_text[] =
    "UPDATE job_text SET first_spec = coalesce(first_spec, spec), spec = ?2, plan = ?3"
    " WHERE job = ?1";
static const char set_length[] =
    "UPDATE job SET revision = revision + 1, progress = CASE WHEN progress IS NULL THEN NULL ELSE"
    " json_set(progress, '$.steps', ?2, '$.epochs', ?3,"
    " '$.fraction', min(1.0, json_extract(progress, '$.step') * 1.0 / ?2)) END WHERE number = ?1";
static const char take_edit[] =
    "UPDATE edit SET step = ?3, returns = ?4, was_spec = NULL, was_plan = NULL"
    " WHERE number = ?1 AND job = ?2 AND step IS NULL";

static const char count_waiting[] = "SELECT count(*) FROM edit WHERE job = ?1 AND step IS NULL";
#define FIRST_WAITING "FROM edit WHERE job = ?1 AND step IS NULL ORDER BY number LIMIT 1"
static const char restore_text[] = "UPDATE job_text SET spec = (SELECT was_spec " FIRST_WAITING
                                   "), plan = (SELECT was_plan " FIRST_WAITING ") WHERE job = ?1";
static const char restore_length[] =
    "UPDATE job SET progress = json_set(progress, '$.steps', json_extract(t.plan, '$.steps'),"
    " '$.epochs', json_extract(t.plan, '$.epochs'), '$.fraction',"
    " min(1.0, json_extract(progress, '$.step') * 1.0 / json_extract(t.plan, '$.steps')))"
    " FROM job_text t WHERE t.job = ?1 AND number = ?1 AND progress IS NOT NULL"
    " AND json_extract(t.plan, '$.steps') > 0";
static const char delete_waiting[] = "DELETE FROM edit WHERE job = ?1 AND step IS NULL";
static const char insert_warning[] =
    "INSERT INTO event (job, name, step, at, data) SELECT ?1, 'warning',"
    " coalesce((SELECT step FROM event WHERE job = ?1 ORDER BY number DESC LIMIT 1), 0), ?2,"
    " json_object('detail', 'the job ended before it could take the newest changes of its course:"
    " they are taken back')";
/* Not store_job_touch: an edit is no fruit of training. */
static const char revise[] = "UPDATE job SET revision = revision + 1 WHERE number = ?1";
static const char select_frontier[] =
    "SELECT coalesce(max(step), 0) FROM metric WHERE job = ?1 AND series ="
    " (SELECT number FROM series WHERE name = 'train_loss')";

void edit_list_drop(struct edit_list *list)
{
    for (int i = 0; i < list->count; i++)
        free(list->rows[i].changes);
    free(list->rows);
    *list = (struct edit_list){0};
}

/* At most as many as there were when they were counted. */
static bool read_edits(struct db *db, struct sqlite3_stmt *statement, struct edit_list *out,
                       struct error *error)
{
    bool row = true;

    while (sql_step(&db->sql, statement, &row, error)) {
        if (!row)
            return true;
        struct edit_row *edit = &out->rows[out->count++];
        edit->number = sql_column_integer(statement, 0);
        edit->step = sql_column_integer(statement, 1);
        edit->returns = sql_column_integer(statement, 2);
        if (!sql_copy_text(statement, 3, &edit->changes, error)) {
            sql_reset(statement);
            return false;
        }
    }
    return false;
}

bool store_edit_list(struct db *db, int64_t job, enum edit_choice which, struct edit_list *out,
                     struct error *error)
{
    const struct sql_value number = sql_integer(job), waiting = sql_integer(which == EDITS_WAITING);
    struct sqlite3_stmt *statement = NULL;
    int64_t room = 0;

    *out = (struct edit_list){0};
    if (!sql_get(&db->sql, count_edits, SQL_LIST(number, waiting), &room, error))
        return false;
    if (room == 0)
        return true;
    out->rows = calloc((size_t)room, sizeof(*out->rows));
    if (!out->rows)
        return error_set(error, ERROR_MEMORY, "", "no memory for the job's edits");
    if (sql_query(&db->sql, select_edits, SQL_LIST(number, waiting, sql_integer(room)), &statement,
                  error) &&
        read_edits(db, statement, out, error))
        return true;
    edit_list_drop(out);
    return false;
}

bool store_edit_first_spec(struct db *db, int64_t job, char **out, struct error *error)
{
    struct sqlite3_stmt *statement = NULL;
    bool row = false;

    *out = NULL;
    if (!sql_query(&db->sql, select_first_spec, SQL_LIST(sql_integer(job)), &statement, error) ||
        !sql_step(&db->sql, statement, &row, error))
        return false;
    if (!row)
        return error_set(error, ERROR_NOT_FOUND, "", "there is no such job");
    bool good = sql_copy_text(statement, 0, out, error);
    sql_reset(statement);
    return good;
}

bool store_edit_add(struct db *db, const struct edit_new *edit, struct error *error)
{
    const struct sql_value job = sql_integer(edit->job);

    return sql_run(&db->sql, insert_edit,
                   SQL_LIST(job, sql_text(edit->changes), sql_integer(clock_milliseconds())),
                   error) &&
           sql_run(&db->sql, set_text, SQL_LIST(job, sql_text(edit->spec), sql_text(edit->plan)),
                   error) &&
           sql_run(&db->sql, set_length,
                   SQL_LIST(job, sql_integer(edit->steps), sql_integer(edit->epochs)), error);
}

bool store_edit_take(struct db *db, const struct edit_taken *taken, struct error *error)
{
    const struct sql_value job = sql_integer(taken->job);

    if (!sql_run(&db->sql, take_edit,
                 SQL_LIST(sql_integer(taken->number), job, sql_integer(taken->step),
                          sql_integer(taken->returns)),
                 error))
        return false;
    if (sql_changes(&db->sql) == 0)
        return error_set(error, ERROR_CONFLICT, "", "the edit has been taken already");
    return store_event_add(db, taken->job, "edit", taken->step, taken->event, error) &&
           sql_run(&db->sql, revise, SQL_LIST(job), error);
}

bool store_edit_frontier(struct db *db, int64_t job, int64_t *out, struct error *error)
{
    return sql_get(&db->sql, select_frontier, SQL_LIST(sql_integer(job)), out, error);
}

bool store_edit_void(struct db *db, int64_t job, struct error *error)
{
    const struct sql_value number = sql_integer(job);
    int64_t waiting = 0;

    if (!sql_get(&db->sql, count_waiting, SQL_LIST(number), &waiting, error))
        return false;
    return waiting == 0 ||
           (sql_run(&db->sql, restore_text, SQL_LIST(number), error) &&
            sql_run(&db->sql, restore_length, SQL_LIST(number), error) &&
            sql_run(&db->sql, delete_waiting, SQL_LIST(number), error) &&
            store_event_insert(db, insert_warning,
                               SQL_LIST(number, sql_integer(clock_milliseconds())), error));
}

/* ---- orders ---- */

/* As stored, but for the first, which is NULL there. */
const char *const stop_when_names[STOP_WHENS + 1] = {
    [STOP_NOW] = "now", [STOP_EPOCH] = "epoch", [STOP_CHECKPOINT] = "checkpoint"};

static const char select_orders[] =
    "SELECT state, coalesce(stop_when, 'now'),"
    " EXISTS (SELECT 1 FROM edit WHERE job = ?1 AND step IS NULL) FROM job WHERE number = ?1";
static const char set_stop_when[] = "UPDATE job SET stop_when = ?2, revision = revision + 1"
                                    " WHERE number = ?1";

const char *stop_when_name(enum stop_when when)
{
    return (unsigned)when < STOP_WHENS ? stop_when_names[when] : "unknown";
}

int stop_when_find(const char *name)
{
    for (int i = 0; i < STOP_WHENS; i++)
        if (strcmp(stop_when_names[i], name) == 0)
            return i;
    return -1;
}

bool store_job_orders(struct db *db, int64_t number, struct job_orders *out, struct error *error)
{
    struct sqlite3_stmt *statement = NULL;
    bool row = false;

    *out = (struct job_orders){0};
    if (!sql_query(&db->sql, select_orders, SQL_LIST(sql_integer(number)), &statement, error) ||
        !sql_step(&db->sql, statement, &row, error))
        return false;
    if (!row)
        return error_set(error, ERROR_NOT_FOUND, "", "there is no such job");
    int state = job_state_find(sql_column_text(statement, 0));
    int when = stop_when_find(sql_column_text(statement, 1));
    out->edits = sql_column_integer(statement, 2) != 0;
    sql_reset(statement);
    if (state < 0 || when < 0)
        return error_set(error, ERROR_CORRUPT, db->sql.where, "a job has a broken row");
    out->state = (enum job_state)state;
    out->when = (enum stop_when)when;
    return true;
}

bool store_job_stop_when(struct db *db, int64_t number, enum stop_when when, struct error *error)
{
    const char *stored = when == STOP_NOW ? NULL : stop_when_name(when);

    return sql_run(&db->sql, set_stop_when, SQL_LIST(sql_integer(number), sql_text(stored)), error);
}

/* ---- what a job is called ---- */

static const char set_meta[] = "UPDATE job_text SET meta = ?2 WHERE job = ?1";
static const char set_priority[] =
    "UPDATE job SET priority = ?2, name = coalesce(json_extract(?3, '$.name'), ''),"
    " revision = revision + 1 WHERE number = ?1";
static const char delete_labels[] = "DELETE FROM label WHERE job = ?1";
static const char insert_labels[] = "INSERT INTO label (job, name, value) SELECT ?1, pair.key, "
                                    "pair.value FROM json_each(?2, '$.labels') AS pair";
/* The step that the job's story has come to. */
static const char select_step[] =
    "SELECT coalesce((SELECT step FROM event WHERE job = ?1 ORDER BY number DESC LIMIT 1), 0)";

bool store_job_name(struct db *db, const struct job_naming *naming, struct error *error)
{
    const struct sql_value job = sql_integer(naming->job), meta = sql_text(naming->meta);
    int64_t step = 0;

    return sql_run(&db->sql, set_meta, SQL_LIST(job, meta), error) &&
           sql_run(&db->sql, set_priority, SQL_LIST(job, sql_integer(naming->priority), meta),
                   error) &&
           sql_run(&db->sql, delete_labels, SQL_LIST(job), error) &&
           sql_run(&db->sql, insert_labels, SQL_LIST(job, meta), error) &&
           sql_get(&db->sql, select_step, SQL_LIST(job), &step, error) &&
           store_event_add(db, naming->job, "edit", step, naming->event, error);
}
