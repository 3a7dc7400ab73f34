/* Store's jobs: the queue, and each job's way from state to state. Knows nothing of training. */
#include "server/store_inside.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define SELECT_JOB                                                                                 \
    "SELECT j.number, j.id, j.state, j.reason, t.meta, t.spec, t.plan, j.progress, j.priority, "   \
    "j.revision,"                                                                                  \
    " j.restarts, j.created_at, j.started_at, j.finished_at FROM job j JOIN job_text t ON t.job "  \
    "= j.number "

static const char select_by_id[] = SELECT_JOB "WHERE j.id = ?1 AND j.state <> 'deleted'";
static const char select_by_number[] = SELECT_JOB "WHERE j.number = ?1 AND j.state <> 'deleted'";
static const char insert_job[] =
    "INSERT INTO job (id, state, priority, created_at, name) VALUES (?1, ?2, ?3, ?4,"
    " coalesce(json_extract(?5, '$.name'), ''))";
static const char insert_text[] =
    "INSERT INTO job_text (job, meta, spec, plan) VALUES (?1, ?2, ?3, ?4)";
static const char insert_labels[] = "INSERT INTO label (job, name, value) SELECT ?1, pair.key, "
                                    "pair.value FROM json_each(?2, '$.labels') AS pair";
static const char count_states[] = "SELECT state, count(*) FROM job GROUP BY state";
static const char select_state[] = "SELECT state FROM job WHERE number = ?1";

/* The literal allows the index of waiting jobs alone, and SQLite would rather sort all of them. */
#define SELECT_NEXT                                                                                \
    "SELECT number FROM job INDEXED BY job_waiting WHERE state = 'queued'"                         \
    " ORDER BY priority DESC, number LIMIT 1"

static const char next_plan[] = "SELECT plan FROM job_text WHERE job = (" SELECT_NEXT ")";
static const char claim[] =
    "UPDATE job SET state = ?1, reason = NULL, revision = revision + 1, fruitless = max(fruitless, "
    "0),"
    " started_at = CASE started_at WHEN 0 THEN ?2 ELSE started_at END"
    " WHERE number = (" SELECT_NEXT ") RETURNING number";

static const char move_job[] =
    "UPDATE job SET state = ?3, reason = ?4, revision = revision + 1, restarts = restarts + ?5,"
    " finished_at = ?6 WHERE number = ?1 AND state = ?2";

/* A job's step is that of its newest event: what the store has heard of it. */
#define INSERT_OWN_EVENT                                                                           \
    "INSERT INTO event (job, name, step, at, data) SELECT number, ?2,"                             \
    " coalesce((SELECT e.step FROM event e WHERE e.job = ?1 ORDER BY e.number DESC LIMIT 1), 0), " \
    "?3, "

/* A merge patch with null leaves the key out. */
static const char insert_state_event[] = INSERT_OWN_EVENT
    "json_patch(json_object('state', state, 'revision', revision), json_object('reason', reason))"
    " FROM job WHERE number = ?1";
static const char insert_end_event[] =
    INSERT_OWN_EVENT "json_patch(json_object('state', state), json_object('reason', reason)) FROM "
                     "job WHERE number = ?1";

static const char set_progress[] =
    "UPDATE job SET progress = ?2, revision = revision + 1 WHERE number = ?1";
/* A life that has borne fruit is none of the fruitless ones: its death makes it 0. */
static const char touch[] =
    "UPDATE job SET revision = revision + 1, fruitless = -1 WHERE number = ?1";

/* ---- rows ---- */

void job_row_drop(struct job_row *row)
{
    free(row->reason);
    free(row->meta);
    free(row->spec);
    free(row->plan);
    free(row->progress);
    *row = (struct job_row){0};
}

static bool read_row(struct db *db, struct sqlite3_stmt *statement, struct job_row *out,
                     struct error *error)
{
    const char *id = sql_column_text(statement, 1);
    int state = job_state_find(sql_column_text(statement, 2));

    *out = (struct job_row){.number = sql_column_integer(statement, 0)};
    if (strlen(id) != JOB_ID_SIZE - 1 || state < 0)
        return error_set(error, ERROR_CORRUPT, db->sql.where, "job %" PRId64 " has a broken row",
                         out->number);
    memcpy(out->id, id, JOB_ID_SIZE);
    out->state = (enum job_state)state;
    out->priority = sql_column_integer(statement, 8);
    out->revision = sql_column_integer(statement, 9);
    out->restarts = sql_column_integer(statement, 10);
    out->created_at = sql_column_integer(statement, 11);
    out->started_at = sql_column_integer(statement, 12);
    out->finished_at = sql_column_integer(statement, 13);
    if (sql_copy_text(statement, 3, &out->reason, error) &&
        sql_copy_text(statement, 4, &out->meta, error) &&
        sql_copy_text(statement, 5, &out->spec, error) &&
        sql_copy_text(statement, 6, &out->plan, error) &&
        sql_copy_text(statement, 7, &out->progress, error))
        return true;
    job_row_drop(out);
    return false;
}

static bool get_row(struct db *db, struct sqlite3_stmt *statement, struct job_row *out,
                    struct error *error)
{
    bool row = false;

    if (!sql_step(&db->sql, statement, &row, error))
        return false;
    if (!row)
        return error_set(error, ERROR_NOT_FOUND, "", "there is no such job");
    bool good = read_row(db, statement, out, error);
    sql_reset(statement);
    return good;
}

bool store_job_get(struct db *db, const char *id, struct job_row *out, struct error *error)
{
    struct sqlite3_stmt *statement = NULL;

    *out = (struct job_row){0};
    return sql_query(&db->sql, select_by_id, SQL_LIST(sql_text(id)), &statement, error) &&
           get_row(db, statement, out, error);
}

bool store_job_get_number(struct db *db, int64_t number, struct job_row *out, struct error *error)
{
    struct sqlite3_stmt *statement = NULL;

    *out = (struct job_row){0};
    return sql_query(&db->sql, select_by_number, SQL_LIST(sql_integer(number)), &statement,
                     error) &&
           get_row(db, statement, out, error);
}

bool store_job_counts(struct db *db, int64_t counts[JOB_STATES], struct error *error)
{
    struct sqlite3_stmt *statement = NULL;
    bool row = true;

    memset(counts, 0, JOB_STATES * sizeof(counts[0]));
    if (!sql_query(&db->sql, count_states, SQL_NONE, &statement, error))
        return false;
    while (sql_step(&db->sql, statement, &row, error)) {
        if (!row)
            return true;
        int state = job_state_find(sql_column_text(statement, 0));
        if (state >= 0)
            counts[state] = sql_column_integer(statement, 1);
    }
    return false;
}

/* ---- changes ---- */

/* Base 32 of RFC 4648 in lower case: five random bits a character. */
static bool draw_id(char out[JOB_ID_SIZE], struct error *error)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
    uint64_t bits = 0;

    if (getrandom(&bits, sizeof(bits), 0) != (ssize_t)sizeof(bits))
        return error_set(error, ERROR_IO, "store", "the system gives no random numbers");
    for (int i = 0; i < JOB_ID_SIZE - 1; i++, bits >>= 5)
        out[i] = letters[bits & 31];
    out[JOB_ID_SIZE - 1] = '\0';
    return true;
}

static bool add_state_event(struct db *db, int64_t number, struct error *error)
{
    const struct sql_list list =
        SQL_LIST(sql_integer(number), sql_text("state"), sql_integer(clock_milliseconds()));

    return store_event_insert(db, insert_state_event, list, error);
}

static bool add_end_event(struct db *db, int64_t number, struct error *error)
{
    const struct sql_list list =
        SQL_LIST(sql_integer(number), sql_text("end"), sql_integer(clock_milliseconds()));

    return store_event_insert(db, insert_end_event, list, error);
}

bool store_job_add(struct db *db, const struct job_new *job, struct job_row *out,
                   struct error *error)
{
    char id[JOB_ID_SIZE];

    *out = (struct job_row){0};
    if (!draw_id(id, error) ||
        !sql_run(&db->sql, insert_job,
                 SQL_LIST(sql_text(id), sql_text(job_state_name(JOB_QUEUED)),
                          sql_integer(job->priority), sql_integer(clock_milliseconds()),
                          sql_text(job->meta)),
                 error))
        return false;
    int64_t number = sql_last_key(&db->sql);
    return sql_run(&db->sql, insert_text,
                   SQL_LIST(sql_integer(number), sql_text(job->meta), sql_text(job->spec),
                            sql_text(job->plan)),
                   error) &&
           sql_run(&db->sql, insert_labels, SQL_LIST(sql_integer(number), sql_text(job->meta)),
                   error) &&
           add_state_event(db, number, error) && store_job_get_number(db, number, out, error);
}

bool store_job_next(struct db *db, char **plan, struct error *error)
{
    struct sqlite3_stmt *statement = NULL;
    bool row = false;

    *plan = NULL;
    if (!sql_query(&db->sql, next_plan, SQL_NONE, &statement, error) ||
        !sql_step(&db->sql, statement, &row, error))
        return false;
    if (!row)
        return error_set(error, ERROR_NOT_FOUND, "", "no job waits");
    bool good = sql_copy_text(statement, 0, plan, error);
    sql_reset(statement);
    return good;
}

bool store_job_claim(struct db *db, struct job_row *out, struct error *error)
{
    const struct sql_list list =
        SQL_LIST(sql_text(job_state_name(JOB_RUNNING)), sql_integer(clock_milliseconds()));
    struct sqlite3_stmt *statement = NULL;
    bool row = false;

    *out = (struct job_row){0};
    if (!sql_query(&db->sql, claim, list, &statement, error) ||
        !sql_step(&db->sql, statement, &row, error))
        return false;
    if (!row)
        return error_set(error, ERROR_NOT_FOUND, "", "no job waits");
    int64_t number = sql_column_integer(statement, 0);
    sql_reset(statement);
    return add_state_event(db, number, error) && store_job_get_number(db, number, out, error);
}

/* Bytes of the UTF-8 character at `text`, 0 when it is none. */
static int character_size(const unsigned char *text)
{
    static const struct {
        unsigned char first, mask;
        unsigned least; /* smaller ones have a shorter form, which is the only right one */
    } forms[] = {{0x00, 0x80, 0}, {0xC0, 0xE0, 0x80}, {0xE0, 0xF0, 0x800}, {0xF0, 0xF8, 0x10000}};

    for (int size = 1; size <= 4; size++) {
        if ((text[0] & forms[size - 1].mask) != forms[size - 1].first)
            continue;
        unsigned code = text[0] & (unsigned char)~forms[size - 1].mask;
        for (int i = 1; i < size; i++) {
            if ((text[i] & 0xC0) != 0x80)
                return 0;
            code = code << 6 | (text[i] & 0x3Fu);
        }
        bool surrogate = code >= 0xD800 && code <= 0xDFFF;
        return code < forms[size - 1].least || code > 0x10FFFF || surrogate ? 0 : size;
    }
    return 0;
}

/* A reason may hold a file's name, which may be any bytes; one that is not UTF-8 could never be
 * sent again. */
static const char *clean_reason(const char *reason, char *out, size_t room)
{
    size_t used = 0;

    if (!reason)
        return NULL;
    while (*reason && used + 4 < room) {
        int size = character_size((const unsigned char *)reason);
        if (size == 0)
            out[used++] = '?';
        for (int i = 0; i < size; i++)
            out[used++] = reason[i];
        reason += size > 0 ? size : 1;
    }
    out[used] = '\0';
    return out;
}

/* The update has found no job in `from`: says where the job is instead. */
static bool lost_race(struct db *db, const struct job_move *move, struct error *error)
{
    struct sqlite3_stmt *statement = NULL;
    bool row = false;

    if (!sql_query(&db->sql, select_state, SQL_LIST(sql_integer(move->number)), &statement,
                   error) ||
        !sql_step(&db->sql, statement, &row, error))
        return false;
    if (!row)
        return error_set(error, ERROR_NOT_FOUND, "", "there is no such job");
    error_set(error, ERROR_CONFLICT, "", "the job is %s, not %s", sql_column_text(statement, 0),
              job_state_name(move->from));
    sql_reset(statement);
    return false;
}

bool store_job_change(struct db *db, const struct job_move *move, int64_t restarts,
                      struct error *error)
{
    char buffer[600];
    const char *reason = clean_reason(move->reason, buffer, sizeof(buffer));
    bool ends = job_state_ended(move->to);
    const struct sql_list list =
        SQL_LIST(sql_integer(move->number), sql_text(job_state_name(move->from)),
                 sql_text(job_state_name(move->to)), sql_text(reason), sql_integer(restarts),
                 sql_integer(ends ? clock_milliseconds() : 0));

    if (!job_state_may_become(move->from, move->to))
        return error_set(error, ERROR_CONFLICT, "", "a job that is %s cannot become %s",
                         job_state_name(move->from), job_state_name(move->to));
    if (!sql_run(&db->sql, move_job, list, error))
        return false;
    if (sql_changes(&db->sql) == 0)
        return lost_race(db, move, error);
    if (ends && !store_edit_void(db, move->number, error))
        return false;
    return add_state_event(db, move->number, error) &&
           (!ends || add_end_event(db, move->number, error));
}

bool store_job_move(struct db *db, const struct job_move *move, struct error *error)
{
    return store_job_change(db, move, 0, error);
}

static bool update_one(struct db *db, const char *text, struct sql_list list, struct error *error)
{
    if (!sql_run(&db->sql, text, list, error))
        return false;
    return sql_changes(&db->sql) > 0 ||
           error_set(error, ERROR_NOT_FOUND, "", "there is no such job");
}

bool store_job_progress(struct db *db, int64_t number, const char *progress, struct error *error)
{
    return update_one(db, set_progress, SQL_LIST(sql_integer(number), sql_text(progress)), error);
}

bool store_job_touch(struct db *db, int64_t number, struct error *error)
{
    return update_one(db, touch, SQL_LIST(sql_integer(number)), error);
}
