/* Runner's checkpoints: the trainer's bytes into the store and back. A checkpoint carries the
 * numbers that were measured on exactly its weights, and only those: "best" then means the best
 * measured. */
#include "server/runner_parts.h"
#include "server/spec_json.h"

#include "core/checkpoint.h"
#include "server/job_data.h"
#include "server/safetensors.h"
#include "server/store_network.h"

#include <jansson.h>

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Value of a metric for the weights as they stand; NaN when it was not measured on them. */
static double measured_value(const struct runner *runner, int metric)
{
    if (metric == METRIC_TRAIN_LOSS)
        return runner->last.train_loss;
    return runner->measured.step == runner->last.step ? runner->measured.found.values[metric] : NAN;
}

/* Larger is better; NaN cannot be best. */
static double checkpoint_score(const struct runner *runner)
{
    int metric = runner->spec.checkpoint.metric;
    double value = measured_value(runner, metric);
    if (!isfinite(value))
        return NAN;
    return spec_metric_larger_is_better(metric) ? value : -value;
}

static char *checkpoint_metrics(const struct runner *runner)
{
    json_t *metrics = json_object();
    for (int metric = 0; metric < SPEC_METRICS; metric++) {
        double value = measured_value(runner, metric);
        if (isfinite(value) &&
            json_object_set_new(metrics, spec_metrics[metric], json_real(value)) != 0) {
            json_decref(metrics);
            return NULL;
        }
    }
    char *text = metrics ? json_text(metrics, NULL) : NULL;
    json_decref(metrics);
    return text;
}

struct refusal {
    int64_t job, checkpoint, step;
    const char *event;
};

static bool refusal_work(struct db *db, void *context, struct error *error)
{
    const struct refusal *refusal = context;
    return store_checkpoint_refuse(db, refusal->job, refusal->checkpoint, error) &&
           store_event_add(db, refusal->job, "warning", refusal->step, refusal->event, error);
}

/* Size and digest of the file that users will download, from the bytes just saved. */
static bool describe_file(const struct runner *runner, struct checkpoint_file *out,
                          struct error *error)
{
    const struct safetensors_meta meta = {.step = runner->last.step};
    struct checkpoint_view view;
    struct safetensors file = {0};
    bool good = checkpoint_open(runner->checkpoint, checkpoint_size(&runner->plan), &view, error) &&
                safetensors_init(&runner->plan, &meta, &file, error) &&
                safetensors_digest(&file, view.parameters, out->sha256, error);

    out->bytes = (int64_t)file.size;
    safetensors_drop(&file);
    return good;
}

/* What the job's network must know of its data set, beside what the caller wants. */
struct company {
    int64_t job;
    char *data;
    store_work *also;
    void *context;
};

static bool company_work(struct db *db, void *context, struct error *error)
{
    const struct company *company = context;
    return store_job_data_put(db, company->job, company->data, error) &&
           (!company->also || company->also(db, company->context, error));
}

/* `how`: passing, replace, also, context. */
static bool save(struct runner *runner, struct checkpoint_new how, struct error *error)
{
    if (!runner_flush(runner, error))
        return false;
    char *metrics = checkpoint_metrics(runner);
    if (!metrics)
        return error_set(error, ERROR_MEMORY, "", "no memory for the checkpoint's metrics");
    const struct spec_checkpoint *wanted = &runner->spec.checkpoint;
    double start = clock_seconds();
    trainer_save(runner->trainer, runner->checkpoint);
    struct checkpoint_new checkpoint = how;
    checkpoint.job = runner->job->number;
    checkpoint.step = runner->last.step;
    checkpoint.epoch = runner->last.epoch;
    checkpoint.bytes = runner->checkpoint;
    checkpoint.size = checkpoint_size(&runner->plan);
    checkpoint.metrics = metrics;
    checkpoint.score = checkpoint_score(runner);
    checkpoint.keep_last = (int)wanted->keep_last;
    checkpoint.keep_best = (int)wanted->keep_best;
    struct company company = {.job = checkpoint.job, .also = how.also, .context = how.context};
    checkpoint.also = company_work;
    checkpoint.context = &company;
    bool good = describe_file(runner, &checkpoint.file, error) &&
                job_data_text(runner->dataset, trainer_normalization(runner->trainer),
                              &company.data, error) &&
                store_checkpoint_add(runner->world->store, &checkpoint, error);
    if (good)
        instruments_checkpoint(runner->world->instruments, checkpoint.size,
                               clock_seconds() - start);
    free(company.data);
    free(metrics);
    return good;
}

bool runner_save(struct runner *runner, bool passing, struct error *error)
{
    if (runner->last.step == 0)
        return runner_flush(runner, error);
    return save(runner, (struct checkpoint_new){.passing = passing}, error);
}

bool runner_save_again(struct runner *runner, store_work *also, void *context, struct error *error)
{
    return save(runner, (struct checkpoint_new){.replace = true, .also = also, .context = context},
                error);
}

static bool read_bytes(struct runner *runner, const struct checkpoint_row *row, struct error *error)
{
    if (checkpoint_numbers_at(&runner->plan, row->bytes) == 0)
        return error_set(error, ERROR_CORRUPT, "checkpoint", "it has %" PRId64 " bytes and not %zu",
                         row->bytes, checkpoint_size(&runner->plan));
    return store_checkpoint_read(runner->reader, row->number, 0, runner->checkpoint,
                                 (size_t)row->bytes, error);
}

/* Says that a checkpoint is no good, in the log and as an event, and makes room for a good one of
 * that step. */
static bool refuse(struct runner *runner, const struct checkpoint_row *row,
                   const struct error *cause, struct error *error)
{
    char detail[512];
    (void)snprintf(detail, sizeof(detail), "the checkpoint of step %" PRId64 " cannot be used: %s",
                   row->step, cause->text);
    RUNNER_LOG(runner, LOG_WARNING, "%s", detail);
    json_t *event = json_pack("{s:I, s:s}", "step", (json_int_t)row->step, "detail", detail);
    char *text = event ? json_text(event, NULL) : NULL;
    json_decref(event);
    if (!text)
        return error_set(error, ERROR_MEMORY, "", "no memory for a warning");
    struct refusal refusal = {
        .job = row->job, .checkpoint = row->number, .step = row->step, .event = text};
    bool good = store_write(runner->world->store, refusal_work, &refusal, error);
    free(text);
    return good;
}

/* The report that the trainer gave, or would have given, at this step, as far as cadences and
 * people need it. */
static struct step_report report_at(const struct plan *plan, int64_t step, int64_t length)
{
    struct step_report report = {
        .step = step, .train_loss = NAN, .lr = NAN, .grad_norm = NAN, .finite = true};
    if (step > 0) {
        report.epoch = (step - 1) / plan->steps_per_epoch + 1;
        report.epoch_ended = step % plan->steps_per_epoch == 0;
        report.ended = step >= length;
    }
    return report;
}

/* Damage is survivable, the next older one will do. A sound checkpoint that belongs to another
 * network is not: then this program is not the one that began the job. */
static bool take_row(struct runner *runner, const struct checkpoint_row *row, bool *found,
                     struct error *error)
{
    size_t size = (size_t)row->bytes;
    struct error cause = {0};
    *found = read_bytes(runner, row, &cause) &&
             course_suppose(runner, checkpoint_edits(runner->checkpoint, size), &cause) &&
             trainer_load(runner->trainer, runner->checkpoint, size, &cause);
    if (*found)
        return true;
    if (cause.kind != ERROR_CORRUPT && cause.kind != ERROR_NOT_FOUND)
        return error_set(error, cause.kind, cause.where, "%s", cause.text);
    return refuse(runner, row, &cause, error);
}

bool runner_take_newest(struct runner *runner, bool passing, bool *found, struct error *error)
{
    struct checkpoint_row *rows = NULL;
    int count = 0;
    *found = false;
    if (!store_checkpoint_list(runner->reader, runner->job->number, &rows, &count, error))
        return false;
    bool good = true;
    for (int i = count - 1; i >= 0 && good && !*found; i--)
        if (passing || !rows[i].passing)
            good = take_row(runner, &rows[i], found, error);
    for (int i = 0; i < count; i++)
        checkpoint_row_drop(&rows[i]);
    free(rows);
    /* Drawn weights are not those that the job was to begin with. */
    if (good && !*found && runner->spec.init_from.given)
        return error_set(error, ERROR_CORRUPT, "",
                         "no checkpoint of the job is good, and the weights that it began with are "
                         "gone");
    return good;
}

bool runner_stand(struct runner *runner, struct error *error)
{
    runner->last = report_at(&runner->plan, trainer_steps_done(runner->trainer),
                             trainer_length(runner->trainer));
    return runner_recall(runner, error);
}

bool runner_resume(struct runner *runner, struct error *error)
{
    bool found;
    if (!runner_take_newest(runner, true, &found, error) ||
        (!found && !course_suppose(runner, 0, error)) || !runner_stand(runner, error))
        return false;
    if (runner->last.step > 0)
        RUNNER_LOG(runner, LOG_INFO, "the job continues");
    return true;
}
