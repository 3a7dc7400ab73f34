/* Runner's evaluations: in pieces, so that a stop or a cancel need not wait for the end of a split.
 * Rows and event are one write: after a resume the rows are compared and the event is not repeated.
 */
#include "server/runner_parts.h"
#include "server/spec_json.h"

#include "server/cadence.h"

#include <jansson.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const measured_names[] = {"val_accuracy", "val_loss", NULL};

bool runner_evaluation_due(const struct runner *runner)
{
    return runner->last.step > 0 && runner->measured.step != runner->last.step &&
           runner->plan.validation_samples > 0 &&
           cadence_due(&runner->spec.evaluate_every, &runner->last);
}

struct result {
    int64_t job, step;
    struct metric_row rows[2];
    const char *event;
};

static bool stop_at_first(void *context, const struct metric_row *row)
{
    (void)row;
    *(bool *)context = true;
    return false;
}

static bool result_work(struct db *db, void *context, struct error *error)
{
    const struct result *result = context;
    const struct metric_query query = {
        .job = result->job, .names = measured_names, .from = result->step, .to = result->step};
    bool stored_before = false;
    if (!store_metrics_read(db, &query, stop_at_first, &stored_before, error) ||
        !store_metrics_add(db, result->job, result->rows, COUNT_OF(result->rows), error))
        return false;
    return stored_before ||
           store_event_add(db, result->job, "evaluation", result->step, result->event, error);
}

static json_t *finite_or_null(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static bool result_store(struct runner *runner, double seconds, struct error *error)
{
    const struct runner_measured *measured = &runner->measured;
    int64_t at = clock_milliseconds();
    struct result result = {
        .job = runner->job->number,
        .step = measured->step,
        .rows =
            {{.series = "val_loss", .step = measured->step, .value = measured->val_loss, .at = at},
             {.series = "val_accuracy",
              .step = measured->step,
              .value = measured->val_accuracy,
              .at = at}},
    };
    json_t *event =
        json_pack("{s:I, s:I, s:o, s:o, s:f}", "step", (json_int_t)measured->step, "epoch",
                  (json_int_t)runner->last.epoch, "val_loss", finite_or_null(measured->val_loss),
                  "val_accuracy", finite_or_null(measured->val_accuracy), "seconds", seconds);
    char *text = event ? json_text(event, NULL) : NULL;
    json_decref(event);
    if (!text)
        return error_set(error, ERROR_MEMORY, "", "no memory for the evaluation");
    result.event = text;
    bool good = store_write(runner->world->store, result_work, &result, error);
    free(text);
    return good;
}

bool runner_evaluate(struct runner *runner, enum runner_wish *wish, struct error *error)
{
    struct evaluation evaluation;
    double start = clock_seconds();
    if (!runner_flush(runner, error)) /* rows do not wait for an evaluation */
        return false;
    trainer_evaluation_begin(runner->trainer, SPLIT_VALIDATION, &evaluation);
    while (!evaluation.done) {
        if (!runner_look(runner, wish, error))
            return false;
        if (*wish != WISH_GO)
            return true;
        trainer_evaluate_batch(runner->trainer, &evaluation);
    }
    double total = (double)evaluation.total;
    runner->measured = (struct runner_measured){.step = runner->last.step,
                                                .val_loss = evaluation.loss_sum / total,
                                                .val_accuracy = (double)evaluation.correct / total};
    return result_store(runner, clock_seconds() - start, error);
}

static bool recall(void *context, const struct metric_row *row)
{
    struct runner *runner = context;
    if (strcmp(row->series, "train_loss") == 0) {
        runner->last.train_loss = row->value;
        return true;
    }
    if (strcmp(row->series, "val_loss") == 0)
        runner->measured.val_loss = row->value;
    else
        runner->measured.val_accuracy = row->value;
    runner->measured.step = row->step;
    return true;
}

bool runner_recall(struct runner *runner, struct error *error)
{
    static const char *const names[] = {"train_loss", "val_accuracy", "val_loss", NULL};
    int64_t step = runner->last.step;
    const struct metric_query query = {
        .job = runner->job->number, .names = names, .from = step, .to = step};
    runner->measured = (struct runner_measured){.val_loss = NAN, .val_accuracy = NAN};
    if (step == 0)
        return true;
    return store_metrics_read(runner->reader, &query, recall, runner, error);
}
