/* Runner: the story of one job. The parts are in runner_*.c. */
#include "server/runner_parts.h"

#include "server/cadence.h"

#include <math.h>
#include <string.h>

/* printf writes the sign of a NaN, which says nothing. */
static double plain_nan(double value)
{
    return isnan(value) ? fabs(value) : value;
}

static bool runner_step(struct runner *runner, struct error *error)
{
    struct step_report report;
    double start = clock_seconds();
    struct error cause = {0};
    if (!trainer_step(runner->trainer, &report, &cause))
        /* A stop dropped the step: it is as if it had not begun, and the next look sees the stop.
         */
        return cause.kind == ERROR_CANCELLED ||
               error_set(error, cause.kind, cause.where, "%s", cause.text);
    progress_count(&runner->progress, report.samples, clock_seconds() - start);
    if (report.finite)
        runner->last = report; /* otherwise the weights still stand at the step before */
    if (!runner_report(runner, &report, error))
        return false;
    if (!report.finite)
        return error_set(
            error, ERROR_DIVERGED, "",
            "training left the finite numbers at step %lld: train_loss %g, grad_norm %g, lr %g",
            (long long)report.step, plain_nan(report.train_loss), plain_nan(report.grad_norm),
            report.lr);
    return true;
}

/* What is due at the step that the job stands at. Once more after a resume: a stop may have cut it
 * short. */
static bool runner_settle(struct runner *runner, enum runner_wish *wish, struct error *error)
{
    if (!runner_look(runner, wish, error))
        return false;
    if (*wish == WISH_GO && runner_evaluation_due(runner) && !runner_evaluate(runner, wish, error))
        return false;
    if (*wish == WISH_GO && runner->last.step > 0 &&
        cadence_due(&runner->spec.checkpoint.every, &runner->last))
        return runner_save(runner, error);
    return true;
}

static bool runner_train(struct runner *runner, enum runner_wish *wish, struct error *error)
{
    progress_begin(&runner->progress, runner->last.step);
    if (!runner_settle(runner, wish, error))
        return false;
    while (*wish == WISH_GO && !trainer_ended(runner->trainer)) {
        if (!runner_step(runner, error) || !runner_settle(runner, wish, error))
            return false;
    }
    if (*wish == WISH_STOP || *wish == WISH_CANCEL)
        return runner_save(runner, error);
    return *wish == WISH_LEAVE || runner_flush(runner, error);
}

void runner_run(const struct runner_world *world, const struct job_row *job,
                struct runner_signals *signals)
{
    struct runner runner = {.world = world, .job = job, .signals = signals};
    struct error error = {0};
    enum runner_wish wish = WISH_GO;
    /* A cancel between the claim and now found no worker to tell: the first look asks the store. */
    atomic_store(&signals->cancel, true);
    log_line(world->log, LOG_INFO, "job %s: starts", job->id);
    bool good = runner_open(&runner, &error) && runner_resume(&runner, &error) &&
                runner_train(&runner, &wish, &error);
    if (!good && runner.rows.count > 0 && !runner_flush(&runner, NULL))
        log_line(world->log, LOG_WARNING, "job %s: its last rows are not stored", job->id);
    runner_conclude(&runner, wish, good ? NULL : &error);
    runner_close(&runner);
}
