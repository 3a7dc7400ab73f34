/* Runner's evaluations: in pieces, so that a stop or a cancel need not wait for the end of a split.
 * Rows and event are one write: after a resume the rows are compared and the event is not repeated.
 */
#include "server/runner_parts.h"
#include "server/spec_json.h"

#include "server/cadence.h"

#include <jansson.h>

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The series that an evaluation stores, by enum spec_metric; that of a training loss is stored step
 * by step. */
static const char *const measured_names[] = {"train_accuracy", "val_accuracy", "val_loss", NULL};

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

struct result {
    int64_t job, step;
    struct metric_row rows[SPEC_METRICS];
    size_t count;
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
        !store_metrics_add(db, result->job, result->rows, result->count, error))
        return false;
    return stored_before ||
           store_event_add(db, result->job, "evaluation", result->step, result->event, error);
}

static json_t *finite_or_null(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

/* A row and a member of the event for each series that was measured. */
static bool result_fill(struct result *result, const struct runner *runner, json_t *event)
{
    bool validated = is_validated(runner), good = true;
    int64_t at = clock_milliseconds();
    for (int metric = 0; metric < SPEC_METRICS; metric++) {
        double value = runner->measured.found.values[metric];
        const char *name = spec_metrics[metric];
        bool missing = strncmp(name, "val_", 4) == 0 ? !validated : isnan(value);
        if (missing || metric == METRIC_TRAIN_LOSS)
            continue;
        result->rows[result->count++] = (struct metric_row){
            .series = name, .step = runner->measured.step, .value = value, .at = at};
        good = good && json_object_set_new(event, name, finite_or_null(value)) == 0;
    }
    return good;
}

static bool result_store(struct runner *runner, double seconds, struct error *error)
{
    struct result result = {.job = runner->job->number, .step = runner->measured.step};
    json_t *event = json_pack("{s:I, s:I}", "step", (json_int_t)result.step, "epoch",
                              (json_int_t)runner->last.epoch);
    bool whole = event && result_fill(&result, runner, event) &&
                 json_object_set_new(event, "seconds", json_real(seconds)) == 0;
    char *text = whole ? json_text(event, NULL) : NULL;
    json_decref(event);
    if (!text)
        return error_set(error, ERROR_MEMORY, "", "no memory for the evaluation");
    result.event = text;
    bool good = store_write(runner->world->store, result_work, &result, error);
    free(text);
    return good;
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
    if (!runner_flush(runner, error)) /* rows do not wait for an evaluation */
        return false;
    if (is_validated(runner) && !validate(runner, wish, &found, error))
        return false;
    if (*wish != WISH_GO)
        return true;
    runner->measured = (struct runner_measured){.step = runner->last.step, .found = found};
    return result_store(runner, clock_seconds() - start, error);
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
