/* Runner's rows: metrics are gathered and handed to the store some ten times a second, together
 * with the progress. Training does not wait for the disk: while one batch of rows is on its way the
 * next one fills, and only a full one waits. Rows that an earlier life stored are compared there:
 * training that is not deterministic fails the job instead of mixing two curves. */
#include "server/runner_parts.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static const double flush_seconds = 0.1;
static const double progress_seconds = 0.25;

enum { ROWS_OF_STEP = 3 };

/* The series that an evaluation stores; that of a training loss is stored step by step. */
static const char *const measured_names[] = {"train_accuracy", "val_accuracy", "val_loss", NULL};

/* Rows and events on their way. */
struct delivery {
    int64_t job;
    struct metric_row *rows;
    size_t count;
    struct runner_found found[RUNNER_EVALUATIONS];
    size_t found_count;
    char *progress; /* NULL: not this time */
    /* A leaf: guards what follows, the only part that both threads touch at once. */
    pthread_mutex_t lock;
    pthread_cond_t done;
    bool under_way;
    struct error error; /* of the last one; kind ERROR_NONE: it went well */
};

bool runner_rows_open(struct runner_rows *rows, struct error *error)
{
    struct delivery *delivery = calloc(1, sizeof(*delivery));
    if (delivery) {
        pthread_mutex_init(&delivery->lock, NULL);
        pthread_cond_init(&delivery->done, NULL);
        delivery->rows = calloc(RUNNER_ROWS, sizeof(*delivery->rows));
    }
    rows->delivery = delivery;
    rows->rows = calloc(RUNNER_ROWS, sizeof(*rows->rows));
    return (delivery && delivery->rows && rows->rows) ||
           error_set(error, ERROR_MEMORY, "", "no memory for the job's rows");
}

static void drop_found(struct runner_found *found, size_t *count)
{
    while (*count > 0)
        free(found[--*count].event);
}

static bool stop_at_first(void *context, const struct metric_row *row)
{
    (void)row;
    *(bool *)context = true;
    return false;
}

/* Whether an earlier life has stored what was measured at the step, and so the event. */
static bool was_measured(struct db *db, int64_t job, int64_t step, bool *out, struct error *error)
{
    const struct metric_query query = {
        .job = job, .names = measured_names, .from = step, .to = step};
    *out = false;
    return store_metrics_read(db, &query, stop_at_first, out, error);
}

/* Its rows are compared with those of an earlier life, and the event is not repeated. */
static bool deliver_found(struct db *db, int64_t job, const struct runner_found *found,
                          struct error *error)
{
    bool told;
    return was_measured(db, job, found->step, &told, error) &&
           store_metrics_add(db, job, found->rows, found->count, error) &&
           (told || store_event_add(db, job, "evaluation", found->step, found->event, error));
}

static bool deliver(struct db *db, void *context, struct error *error)
{
    const struct delivery *delivery = context;
    if (delivery->count > 0 &&
        !store_metrics_add(db, delivery->job, delivery->rows, delivery->count, error))
        return false;
    for (size_t i = 0; i < delivery->found_count; i++)
        if (!deliver_found(db, delivery->job, &delivery->found[i], error))
            return false;
    return !delivery->progress || store_job_progress(db, delivery->job, delivery->progress, error);
}

static void delivered(void *context, const struct error *error)
{
    struct delivery *delivery = context;
    pthread_mutex_lock(&delivery->lock);
    delivery->error = error ? *error : (struct error){0};
    delivery->under_way = false;
    pthread_cond_signal(&delivery->done); /* under the lock: who waits may drop all this next */
    pthread_mutex_unlock(&delivery->lock);
}

static bool is_under_way(struct delivery *delivery)
{
    pthread_mutex_lock(&delivery->lock);
    bool under_way = delivery->under_way;
    pthread_mutex_unlock(&delivery->lock);
    return under_way;
}

/* Until the last delivery has ended. False when it has failed, which is said once. */
static bool wait_delivered(struct delivery *delivery, struct error *error)
{
    pthread_mutex_lock(&delivery->lock);
    while (delivery->under_way)
        pthread_cond_wait(&delivery->done, &delivery->lock);
    struct error failure = delivery->error;
    delivery->error = (struct error){0};
    pthread_mutex_unlock(&delivery->lock);
    free(delivery->progress);
    delivery->progress = NULL;
    drop_found(delivery->found, &delivery->found_count);
    return failure.kind == ERROR_NONE ||
           error_set(error, failure.kind, failure.where, "%s", failure.text);
}

void runner_rows_close(struct runner_rows *rows)
{
    struct delivery *delivery = rows->delivery;
    struct error ignored = {0};
    if (delivery) {
        if (!wait_delivered(delivery, &ignored))
            rows->count = 0; /* whoever wanted to know has asked before */
        pthread_cond_destroy(&delivery->done);
        pthread_mutex_destroy(&delivery->lock);
        free(delivery->rows);
        free(delivery);
    }
    drop_found(rows->found, &rows->found_count);
    free(rows->rows);
}

/* Sends off what has been gathered. After a failure nothing waits any more: the job fails, and its
 * cause is known. */
static bool send_off(struct runner *runner, bool with_progress, struct error *error)
{
    struct runner_rows *rows = &runner->rows;
    struct delivery *delivery = rows->delivery;
    struct metric_row *filled = rows->rows;
    double now = clock_seconds();

    delivery->job = runner->job->number;
    delivery->count = rows->count;
    rows->rows = delivery->rows;
    delivery->rows = filled;
    rows->count = 0;
    memcpy(delivery->found, rows->found, rows->found_count * sizeof(rows->found[0]));
    delivery->found_count = rows->found_count;
    rows->found_count = 0;
    rows->flushed_at = now;
    if (with_progress) {
        delivery->progress = progress_text(runner);
        if (!delivery->progress)
            return error_set(error, ERROR_MEMORY, "", "no memory for the progress");
        rows->progress_at = now;
    }
    delivery->under_way = true; /* nobody else looks yet */
    store_write_later(runner->world->store, deliver, delivered, delivery);
    return true;
}

static bool flush(struct runner *runner, bool with_progress, struct error *error)
{
    if (wait_delivered(runner->rows.delivery, error))
        return send_off(runner, with_progress, error);
    runner->rows.count = 0;
    drop_found(runner->rows.found, &runner->rows.found_count);
    return false;
}

bool runner_rows_wait(const struct runner_rows *rows)
{
    return rows->count > 0 || rows->found_count > 0;
}

bool runner_send(struct runner *runner, struct error *error)
{
    return flush(runner, true, error);
}

bool runner_flush(struct runner *runner, struct error *error)
{
    return flush(runner, true, error) && wait_delivered(runner->rows.delivery, error);
}

/* There must be room for what the next step brings. */
static bool is_full(const struct runner_rows *rows)
{
    return rows->count + ROWS_OF_STEP > RUNNER_ROWS || rows->found_count == RUNNER_EVALUATIONS;
}

static bool send_in_time(struct runner *runner, struct error *error)
{
    const struct runner_rows *rows = &runner->rows;
    double now = clock_seconds();
    if (!is_full(rows) && (now - rows->flushed_at < flush_seconds || is_under_way(rows->delivery)))
        return true;
    return flush(runner, now - rows->progress_at >= progress_seconds, error);
}

bool runner_report(struct runner *runner, const struct step_report *report, struct error *error)
{
    struct runner_rows *rows = &runner->rows;
    int64_t at = clock_milliseconds();
    const struct metric_row fresh[ROWS_OF_STEP] = {
        {.series = "train_loss", .step = report->step, .value = report->train_loss, .at = at},
        {.series = "lr", .step = report->step, .value = report->lr, .at = at},
        {.series = "grad_norm", .step = report->step, .value = report->grad_norm, .at = at},
    };
    for (int i = 0; i < ROWS_OF_STEP; i++)
        rows->rows[rows->count++] = fresh[i];
    return send_in_time(runner, error);
}

bool runner_report_found(struct runner *runner, const struct runner_found *found,
                         struct error *error)
{
    struct runner_rows *rows = &runner->rows;
    rows->found[rows->found_count++] = *found;
    return send_in_time(runner, error);
}
