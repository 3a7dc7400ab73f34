/* Runner's rows: metrics are gathered and stored some ten times a second, in one write with the
 * progress. Rows that an earlier life stored are compared there: training that is not deterministic
 * fails the job instead of mixing two curves. */
#include "server/runner_parts.h"

#include <stdlib.h>

static const double flush_seconds = 0.1;
static const double progress_seconds = 0.25;

enum { ROWS_OF_STEP = 3 };

struct flush {
    int64_t job;
    const struct runner_rows *rows;
    const char *progress;
};

static bool flush_work(struct db *db, void *context, struct error *error)
{
    const struct flush *flush = context;
    if (flush->rows->count > 0 &&
        !store_metrics_add(db, flush->job, flush->rows->rows, flush->rows->count, error))
        return false;
    return !flush->progress || store_job_progress(db, flush->job, flush->progress, error);
}

static bool flush_now(struct runner *runner, bool with_progress, struct error *error)
{
    struct flush flush = {.job = runner->job->number, .rows = &runner->rows};
    char *text = NULL;
    double now = clock_seconds();
    if (with_progress) {
        text = progress_text(runner);
        if (!text)
            return error_set(error, ERROR_MEMORY, "", "no memory for the progress");
        flush.progress = text;
        runner->progress.stored_at = now;
    }
    bool good = store_write(runner->world->store, flush_work, &flush, error);
    free(text);
    runner->rows.count =
        0; /* also after a failure: the job fails, and its cause is already known */
    runner->rows.flushed_at = now;
    return good;
}

bool runner_flush(struct runner *runner, struct error *error)
{
    return flush_now(runner, true, error);
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
    double now = clock_seconds();
    if (rows->count + ROWS_OF_STEP > RUNNER_ROWS || now - rows->flushed_at >= flush_seconds)
        return flush_now(runner, now - runner->progress.stored_at >= progress_seconds, error);
    return true;
}
