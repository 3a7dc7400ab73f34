/* Runner's evaluations: in pieces, so that a stop or a cancel need not wait for the end of a split.
 */
#include "server/runner_parts.h"
#include "server/spec_json.h"

#include "server/cadence.h"

#include <jansson.h>

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

bool runner_evaluation_due(const struct runner *runner)
{
    return runner->last.step > trainer_observed(runner->trainer) &&
           cadence_due(&runner->spec.evaluate_every, &runner->last);
}

/* Without a validation split an evaluation is a look at the training alone. */
static bool is_validated(const struct runner *runner)
{
    return runner->plan.data.validation_samples > 0;
}

static json_t *finite_or_null(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

/* A row and a member of the event for each series that was measured. */
static bool found_fill(struct runner_found *found, const struct runner *runner, json_t *event)
{
    bool validated = is_validated(runner), good = true;
    int64_t at = clock_milliseconds();
    for (int metric = 0; metric < SPEC_METRICS; metric++) {
        double value = runner->measured.found.values[metric];
        const char *name = spec_metrics[metric];
        bool missing = strncmp(name, "val_", 4) == 0 ? !validated : isnan(value);
        if (missing || metric == METRIC_TRAIN_LOSS)
            continue;
        found->rows[found->count++] = (struct metric_row){
            .series = name, .step = runner->measured.step, .value = value, .at = at};
        good = good && json_object_set_new(event, name, finite_or_null(value)) == 0;
    }
    return good;
}

static bool found_report(struct runner *runner, double seconds, struct error *error)
{
    struct runner_found found = {.step = runner->measured.step};
    json_t *event = json_pack("{s:I, s:I}", "step", (json_int_t)found.step, "epoch",
                              (json_int_t)runner->last.epoch);
    bool whole = event && found_fill(&found, runner, event) &&
                 json_object_set_new(event, "seconds", json_real(seconds)) == 0;
    found.event = whole ? json_text(event, NULL) : NULL;
    json_decref(event);
    if (!found.event)
        return error_set(error, ERROR_MEMORY, "", "no memory for the evaluation");
    return runner_report_found(runner, &found, error);
}

/* What the validation split says of the weights as they stand. */
static bool validate(struct runner *runner, enum runner_wish *wish, struct observation *found,
                     struct error *error)
{
    struct evaluation evaluation;
    trainer_evaluation_begin(runner->trainer, SPLIT_VALIDATION, &evaluation);
    while (!evaluation.done) {
        if (!runner_look(runner, wish, error))
            return false;
        if (*wish != WISH_GO)
            return true;
        trainer_evaluate_batch(runner->trainer, &evaluation);
    }
    double total = (double)evaluation.total;
    found->values[METRIC_VAL_LOSS] = evaluation.loss_sum / total;
    found->values[METRIC_VAL_ACCURACY] = (double)evaluation.correct / total;
    return true;
}

static bool measure(struct runner *runner, enum runner_wish *wish, struct error *error)
{
    struct observation found = trainer_training(runner->trainer);
    double start = clock_seconds();
    /* Rows do not wait for an evaluation. */
    if (is_validated(runner) &&
        (!runner_send(runner, error) || !validate(runner, wish, &found, error)))
        return false;
    if (*wish != WISH_GO)
        return true;
    runner->measured = (struct runner_measured){.step = runner->last.step, .found = found};
    return found_report(runner, clock_seconds() - start, error);
}

bool runner_evaluate(struct runner *runner, enum runner_wish *wish, struct error *error)
{
    if (runner->measured.step != runner->last.step && !measure(runner, wish, error))
        return false;
    if (*wish != WISH_GO)
        return true;
    instruments_evaluation(runner->world->instruments);
    /* Rows do not hold all that the trainer has counted, and those that an older version stored
     * hold none of it. */
    struct observation training = trainer_training(runner->trainer);
    struct observation *found = &runner->measured.found;
    found->values[METRIC_TRAIN_LOSS] = training.values[METRIC_TRAIN_LOSS];
    found->values[METRIC_TRAIN_ACCURACY] = training.values[METRIC_TRAIN_ACCURACY];
    struct control_news news = trainer_observe(runner->trainer, found);
    if (news.reduced)
        RUNNER_LOG(runner, LOG_INFO, "the rate falls from %g to %g", news.rate_before, news.rate);
    return true;
}

static bool recall(void *context, const struct metric_row *row)
{
    struct runner *runner = context;
    if (strcmp(row->series, spec_metrics[METRIC_TRAIN_LOSS]) == 0) {
        runner->last.train_loss = row->value;
        return true;
    }
    for (int metric = 0; metric < SPEC_METRICS; metric++)
        if (strcmp(row->series, spec_metrics[metric]) == 0)
            runner->measured.found.values[metric] = row->value;
    runner->measured.step = row->step;
    return true;
}

bool runner_recall(struct runner *runner, struct error *error)
{
    int64_t step = runner->last.step;
    const struct metric_query query = {
        .job = runner->job->number, .names = spec_metrics, .from = step, .to = step};
    runner->measured = (struct runner_measured){.found = {{NAN, NAN, NAN, NAN}}};
    if (step == 0)
        return true;
    return store_metrics_read(runner->reader, &query, recall, runner, error);
}
