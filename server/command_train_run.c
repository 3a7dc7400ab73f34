/* traind train: the loop. It is the runner's without the world around it: what a diverged run goes
 * back to is kept in memory, at the steps at which a server would store it. */
#include "server/command_train_parts.h"

#include "core/checkpoint.h"
#include "core/divergence.h"
#include "server/cadence.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* The signals stay blocked and are fetched here, so that no step is ever cut short and no handler
 * is needed. */
static bool stop_wanted(struct training *training)
{
    static const struct timespec at_once = {0, 0};

    if (!training->stopped)
        training->stopped = sigtimedwait(&training->stop_signals, NULL, &at_once) > 0;
    return training->stopped;
}

/* ---- evaluation ---- */

static bool is_validated(const struct training *training)
{
    return training->plan.data.validation_samples > 0;
}

/* False when a stop cut it short. */
static bool validate(struct training *training, struct observation *found)
{
    struct evaluation evaluation;

    trainer_evaluation_begin(training->trainer, SPLIT_VALIDATION, &evaluation);
    while (!evaluation.done && !stop_wanted(training))
        trainer_evaluate_batch(training->trainer, &evaluation);
    if (!evaluation.done)
        return false;
    training->evaluation = evaluation;
    found->values[METRIC_VAL_LOSS] = evaluation.loss_sum / (double)evaluation.total;
    found->values[METRIC_VAL_ACCURACY] = (double)evaluation.correct / (double)evaluation.total;
    return true;
}

static void evaluate(struct training *training)
{
    struct observation found = trainer_training(training->trainer);
    const struct spec_early_stopping *stopping = &training->spec.early_stopping;

    training->evaluation = (struct evaluation){0};
    bool whole = !is_validated(training) || validate(training, &found);
    train_show_evaluation(training);
    if (!whole)
        return;
    struct control_news news = trainer_observe(training->trainer, &found);
    if (news.reduced)
        train_show_note(training, "the rate falls from %g to %g", news.rate_before, news.rate);
    if (trainer_wants_end(training->trainer)) {
        train_show_note(training, "%s has not improved in %" PRId64 " evaluations: early stopping",
                        spec_metrics[stopping->metric], stopping->patience);
        training->ended = true;
    }
}

/* What is said at the end is of the weights that there are then. */
static void evaluate_end(struct training *training)
{
    struct observation unused;

    training->evaluation = (struct evaluation){0};
    if (is_validated(training) && !validate(training, &unused))
        training->evaluation = (struct evaluation){0};
}

/* ---- divergence ---- */

static bool keeps(const struct training *training)
{
    return training->spec.on_divergence.kind != &divergence_fail;
}

static bool keep_first(struct training *training, struct error *error)
{
    if (!keeps(training))
        return true;
    training->kept = malloc(checkpoint_size(&training->plan));
    if (!training->kept)
        return error_set(error, ERROR_MEMORY, "train", "no memory to keep a checkpoint");
    trainer_save(training->trainer, training->kept);
    return true;
}

static bool give_up(const struct training *training, const struct step_report *report,
                    struct error *error)
{
    int64_t retries = trainer_retries(training->trainer);
    char after[64] = "";

    if (retries > 0)
        snprintf(after, sizeof(after), ", after %" PRId64 " return%s to a checkpoint", retries,
                 retries == 1 ? "" : "s");
    return error_set(error, ERROR_DIVERGED, training->options->spec_path,
                     "diverged at step %lld%s: the loss or its gradient is not a finite number; "
                     "a smaller lr may help",
                     (long long)report->step, after);
}

/* The kept checkpoint again, with or without another try. */
static bool diverged(struct training *training, const struct step_report *report,
                     struct error *error)
{
    struct trainer *trainer = training->trainer;
    size_t size = checkpoint_size(&training->plan);
    bool again = trainer_may_return(trainer);

    if (!keeps(training) || (!again && training->spec.on_divergence.kind == &divergence_rollback))
        return give_up(training, report, error);
    if (again ? !trainer_return(trainer, training->kept, size, error)
              : !trainer_load(trainer, training->kept, size, error))
        return false;
    training->ended = !again;
    training->last.step = trainer_steps_done(trainer);
    training->screen.loss_sum = 0;
    training->screen.loss_samples = 0;
    train_show_note(training, "diverged at step %" PRId64 ": back to step %" PRId64 ", %s",
                    report->step, training->last.step,
                    again ? "with a smaller rate" : "where the run ends");
    if (again)
        trainer_save(trainer, training->kept);
    else
        evaluate_end(training);
    return true;
}

/* ---- */

static bool take_step(struct training *training, struct error *error)
{
    struct step_report report;
    double began = clock_seconds();

    if (!trainer_step(training->trainer, &report, error))
        return false;
    if (!report.finite)
        return diverged(training, &report, error);
    training->last = report;
    train_show_step(training, clock_seconds() - began);
    if (cadence_due(&training->spec.evaluate_every, &report))
        evaluate(training);
    if (keeps(training) && !training->stopped &&
        cadence_due(&training->spec.checkpoint.every, &report))
        trainer_save(training->trainer, training->kept);
    return true;
}

bool train_run(struct training *training, struct error *error)
{
    train_show_start(training);
    if (!keep_first(training, error))
        return false;
    while (!training->ended && !trainer_ended(training->trainer) && !stop_wanted(training))
        if (!take_step(training, error))
            return false;
    return true;
}
