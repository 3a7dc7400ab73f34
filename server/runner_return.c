/* Runner's answer to divergence. A return must leave the same job however often its daemon dies: so
 * the checkpoint that is gone back to is stored anew, with the smaller rate and the count of
 * returns, in the same write that takes back all that came after it. */
#include "server/runner_parts.h"
#include "server/spec_json.h"

#include "core/divergence.h"

#include <jansson.h>

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* printf writes the sign of a NaN, which says nothing. */
static double plain_nan(double value)
{
    return isnan(value) ? fabs(value) : value;
}

static void describe(const struct step_report *report, char *out, size_t size)
{
    (void)snprintf(
        out, size,
        "training left the finite numbers at step %lld: train_loss %g, grad_norm %g, lr %g",
        (long long)report->step, plain_nan(report->train_loss), plain_nan(report->grad_norm),
        report->lr);
}

struct back {
    int64_t job, step;
    const char *event;
};

static bool back_work(struct db *db, void *context, struct error *error)
{
    const struct back *back = context;
    return store_metrics_forget(db, back->job, back->step, error) &&
           store_checkpoint_forget(db, back->job, back->step, error) &&
           store_event_add(db, back->job, "warning", back->step, back->event, error);
}

/* {"step": 40, "detail": "…", "rollback": {"from": 57, "to": 40, "lr_factor": [1.0, 0.5], "retry":
 * 1}} */
static char *event_text(const struct runner *runner, const struct step_report *report,
                        double factor_before)
{
    double factor = trainer_lr_factor(runner->trainer);
    int64_t to = runner->last.step;
    char cause[200], detail[400];
    describe(report, cause, sizeof(cause));
    (void)snprintf(detail, sizeof(detail),
                   "%s; back to step %" PRId64 " and on with %g times the schedule's rate", cause,
                   to, factor);
    RUNNER_LOG(runner, LOG_WARNING, "%s", detail);
    json_t *event = json_pack("{s:I, s:s, s:{s:I, s:I, s:[f,f], s:I}}", "step", (json_int_t)to,
                              "detail", detail, "rollback", "from", (json_int_t)report->step, "to",
                              (json_int_t)to, "lr_factor", factor_before, factor, "retry",
                              (json_int_t)trainer_retries(runner->trainer));
    char *text = event ? json_text(event, NULL) : NULL;
    json_decref(event);
    return text;
}

static bool store_return(struct runner *runner, const struct step_report *report,
                         double factor_before, struct error *error)
{
    char *event = event_text(runner, report, factor_before);
    struct back back = {.job = runner->job->number, .step = runner->last.step, .event = event};
    bool good = event ? runner_save_again(runner, back_work, &back, error)
                      : error_set(error, ERROR_MEMORY, "", "no memory to go back");
    free(event);
    return good;
}

/* A checkpoint that a stop has left is passed over: a run that was never stopped has none there. */
static bool load_earlier(struct runner *runner, struct error *error)
{
    bool found;
    return runner_take_newest(runner, false, &found, error) &&
           (found ||
            (course_suppose(runner, 0, error) && trainer_start_over(runner->trainer, error)));
}

/* Back to older weights, and not to older wishes: what the user has changed since holds at once. */
static bool go_back(struct runner *runner, const struct step_report *report, struct error *error)
{
    double factor = trainer_lr_factor(runner->trainer);
    int64_t retries = trainer_retries(runner->trainer), edits = trainer_edits(runner->trainer);
    /* What was measured stays told, although its steps now have never been. */
    if (!runner_flush(runner, error) || !load_earlier(runner, error) ||
        !course_repeat(runner, edits, error))
        return false;
    trainer_count_return(runner->trainer, factor, retries);
    if (!runner_stand(runner, error))
        return false;
    runner->course.frontier = runner->last.step;
    pace_begin(&runner->pace, clock_seconds());
    return store_return(runner, report, factor, error);
}

bool runner_diverged(struct runner *runner, const struct step_report *report, struct error *error)
{
    char cause[200];
    describe(report, cause, sizeof(cause));
    if (trainer_may_return(runner->trainer))
        return go_back(runner, report, error);
    if (runner->spec.on_divergence.kind == &divergence_stop) {
        (void)snprintf(runner->ending, sizeof(runner->ending), "diverged: %s", cause);
        return true;
    }
    int64_t retries = trainer_retries(runner->trainer);
    if (retries == 0)
        return error_set(error, ERROR_DIVERGED, "", "%s", cause);
    return error_set(error, ERROR_DIVERGED, "", "%s, after %" PRId64 " return%s to a checkpoint",
                     cause, retries, retries == 1 ? "" : "s");
}
