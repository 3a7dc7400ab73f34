/* Support for the store's tests. */
#include "tests/server/store_support.h"

#include "server/store_inside.h"

#include <semaphore.h>
#include <stdlib.h>

void store_good(struct test_place place, bool good, const struct error *error)
{
    if (!good)
        test_fail(place, "fails: %s: %s: %s", error_kind_name(error->kind), error->where,
                  error->text);
    if (error->kind != ERROR_NONE)
        test_fail(place, "succeeds with an error: %s", error->text);
}

void store_fails(struct test_place place, bool good, const struct error *error,
                 enum error_kind wanted)
{
    if (good)
        test_fail(place, "succeeds and should be %s", error_kind_name(wanted));
    if (error->kind != wanted)
        test_fail(place, "is %s, not %s: %s", error_kind_name(error->kind), error_kind_name(wanted),
                  error->text);
    if (error->text[0] == '\0')
        test_fail(place, "fails without a text");
}

struct store *must_open(void)
{
    struct store *store = NULL;
    struct error error = {0};

    GOOD(store_open("data", &store, &error));
    return store;
}

void must_finish(struct store *store)
{
    struct error error = {0};

    GOOD(store_finish(store, &error));
}

struct db *must_read(struct store *store)
{
    struct db *db = NULL;
    struct error error = {0};

    GOOD(store_reader(store, &db, &error));
    return db;
}

/* ---- jobs ---- */

struct job_call {
    int64_t priority;
    struct job_row row;
};

static bool add_work(struct db *db, void *context, struct error *error)
{
    struct job_call *call = context;
    const struct job_new job = {
        .meta = "{}", .spec = "{\"a\":1}", .plan = "{\"b\":2}", .priority = call->priority};

    return store_job_add(db, &job, &call->row, error);
}

static bool claim_work(struct db *db, void *context, struct error *error)
{
    return store_job_claim(db, context, error);
}

static bool move_work(struct db *db, void *context, struct error *error)
{
    return store_job_move(db, context, error);
}

int64_t must_add(struct store *store, int64_t priority)
{
    struct job_call call = {.priority = priority};
    struct error error = {0};

    GOOD(store_write(store, add_work, &call, &error));
    int64_t number = call.row.number;
    job_row_drop(&call.row);
    return number;
}

bool try_add(struct store *store, struct job_row *out, struct error *error)
{
    struct job_call call = {0};
    bool good = store_write(store, add_work, &call, error);

    *out = call.row;
    return good;
}

bool try_claim(struct store *store, struct job_row *out, struct error *error)
{
    return store_write(store, claim_work, out, error);
}

bool try_move(struct store *store, const struct job_move *move, struct error *error)
{
    struct job_move copy = *move;

    return store_write(store, move_work, &copy, error);
}

struct job_row must_look(struct db *db, int64_t number)
{
    struct job_row row;
    struct error error = {0};

    GOOD(store_job_get_number(db, number, &row, &error));
    struct job_row copy = row;
    job_row_drop(&row);
    copy.reason = copy.meta = copy.spec = copy.plan = copy.progress = NULL;
    return copy;
}

int64_t count_jobs(struct db *db)
{
    int64_t counts[JOB_STATES], sum = 0;
    struct error error = {0};

    GOOD(store_job_counts(db, counts, &error));
    for (int i = 0; i < JOB_STATES; i++)
        sum += counts[i];
    return sum;
}

/* ---- metrics, events, SQL ---- */

struct rows_call {
    int64_t job;
    const struct metric_row *rows;
    size_t count;
};

static bool metrics_work(struct db *db, void *context, struct error *error)
{
    const struct rows_call *call = context;

    return store_metrics_add(db, call->job, call->rows, call->count, error);
}

bool try_metrics(struct store *store, int64_t job, const struct metric_row *rows, size_t count,
                 struct error *error)
{
    struct rows_call call = {job, rows, count};

    return store_write(store, metrics_work, &call, error);
}

struct event_call {
    int64_t job, step;
    const char *name;
};

static bool event_work(struct db *db, void *context, struct error *error)
{
    const struct event_call *call = context;

    return store_event_add(db, call->job, call->name, call->step, "{\"x\":1}", error);
}

bool try_event(struct store *store, int64_t job, const char *name, int64_t step,
               struct error *error)
{
    struct event_call call = {job, step, name};

    return store_write(store, event_work, &call, error);
}

struct sql_call {
    const char *text;
};

static bool sql_work(struct db *db, void *context, struct error *error)
{
    const struct sql_call *call = context;

    return sql_script(&db->sql, call->text, error);
}

bool try_sql(struct store *store, const char *text, struct error *error)
{
    struct sql_call call = {text};

    return store_write(store, sql_work, &call, error);
}

/* ---- the gate ---- */

struct gate {
    sem_t reached, opened, passed;
};

static bool gate_work(struct db *db, void *context, struct error *error)
{
    struct gate *gate = context;

    (void)db;
    (void)error;
    sem_post(&gate->reached);
    sem_wait(&gate->opened);
    return true;
}

static void gate_done(void *context, const struct error *error)
{
    struct gate *gate = context;

    (void)error;
    sem_post(&gate->passed);
}

struct gate *gate_close(struct store *store)
{
    struct gate *gate = calloc(1, sizeof(*gate));

    CHECK(gate);
    sem_init(&gate->reached, 0, 0);
    sem_init(&gate->opened, 0, 0);
    sem_init(&gate->passed, 0, 0);
    store_write_later(store, gate_work, gate_done, gate);
    sem_wait(&gate->reached);
    return gate;
}

void gate_open(struct gate *gate)
{
    sem_post(&gate->opened);
    sem_wait(&gate->passed);
    sem_destroy(&gate->reached);
    sem_destroy(&gate->opened);
    sem_destroy(&gate->passed);
    free(gate);
}

uint8_t *make_bytes(size_t size, unsigned seed)
{
    uint8_t *bytes = malloc(size > 0 ? size : 1);
    uint32_t state = seed * 2654435761u + 1;

    CHECK(bytes);
    for (size_t i = 0; i < size; i++) {
        state = state * 1664525u + 1013904223u;
        bytes[i] = (uint8_t)(state >> 24);
    }
    return bytes;
}
