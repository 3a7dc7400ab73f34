/* Runner: the story of one job. The parts are in runner_*.c. */
#include "server/runner_parts.h"

#include "server/cadence.h"

#include <stdio.h>

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
    double now = clock_seconds();
    pace_count(&runner->pace, report.samples, now);
    instruments_step(runner->world->instruments, report.samples, now - start);
    if (report.finite)
        runner->last = report; /* otherwise the weights still stand at the step before */
    if (!runner_report(runner, &report, error))
        return false;
    return report.finite || runner_diverged(runner, &report, error);
}

/* Whether this is what a cancelled job was to go on to: an epoch's end, or a checkpoint. */
static bool runner_stops_here(const struct runner *runner, bool saved)
{
    const struct runner_course *course = &runner->course;
    return course->cancelling && (course->stop == STOP_EPOCH ? runner->last.epoch_ended : saved);
}

/* What is due at the step that the job stands at. Once more after a resume: a stop may have cut it
 * short. The evaluation comes before the checkpoint, which so knows of it. Nothing is due where a
 * step has spoilt the weights. */
static bool runner_settle(struct runner *runner, enum runner_wish *wish, struct error *error)
{
    if (runner->ending[0] != '\0')
        return true;
    if (!runner_look(runner, wish, error))
        return false;
    if (*wish == WISH_GO && runner_evaluation_due(runner) && !runner_evaluate(runner, wish, error))
        return false;
    bool due =
        runner->last.step > 0 && (cadence_due(&runner->spec.checkpoint.every, &runner->last) ||
                                  trainer_wants_end(runner->trainer));
    if (*wish == WISH_GO && due && !runner_save(runner, false, error))
        return false;
    if (*wish == WISH_GO && runner_stops_here(runner, due))
        *wish = WISH_CANCEL;
    return true;
}

/* Whether the job ends where it stands, and why if that is not its last step. */
static bool runner_ends(struct runner *runner)
{
    const struct spec_early_stopping *stopping = &runner->spec.early_stopping;
    if (trainer_ended(runner->trainer) || runner->ending[0] != '\0')
        return true;
    if (!trainer_wants_end(runner->trainer))
        return false;
    (void)snprintf(runner->ending, sizeof(runner->ending),
                   "early_stopping: %s has not improved in %lld evaluations",
                   spec_metrics[stopping->metric], (long long)stopping->patience);
    return true;
}

static bool runner_train(struct runner *runner, enum runner_wish *wish, struct error *error)
{
    pace_begin(&runner->pace, clock_seconds());
    if (!runner_settle(runner, wish, error))
        return false;
    while (*wish == WISH_GO) {
        bool ended = runner->last.ended;
        if (!course_take(runner, error))
            return false;
        /* An edit has made this step the last one, at which more is due. */
        if (runner->last.ended && !ended && !runner_settle(runner, wish, error))
            return false;
        if (*wish != WISH_GO || runner_ends(runner))
            break;
        if (!runner_step(runner, error) || !runner_settle(runner, wish, error))
            return false;
    }
    if (*wish == WISH_STOP || *wish == WISH_CANCEL || *wish == WISH_PAUSE)
        return runner_save(runner, *wish != WISH_CANCEL, error);
    return *wish == WISH_LEAVE || runner_flush(runner, error);
}

void runner_run(const struct runner_world *world, const struct job_row *job,
                struct runner_signals *signals)
{
    struct runner runner = {.world = world, .job = job, .signals = signals};
    struct error error = {0};
    RUNNER_LOG(&runner, LOG_INFO, "the job starts");
    bool good = runner_open(&runner, &error) && runner_resume(&runner, &error);
    for (bool over = false; !over;) {
        enum runner_wish wish = WISH_GO;
        /* An order between the claim, or the try to conclude, and now found nobody to tell: the
         * first look asks the store. */
        atomic_store(&signals->look, true);
        good = good && runner_train(&runner, &wish, &error);
        if (!good && runner_rows_wait(&runner.rows) && !runner_flush(&runner, NULL))
            RUNNER_LOG(&runner, LOG_WARNING, "the last rows are not stored");
        over = runner_conclude(&runner, wish, good ? NULL : &error);
    }
    runner_close(&runner);
}
