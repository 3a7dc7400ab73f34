/* Support for tests: specs, plans and trainers from words. */
#include "tests/core/support_job.h"

#include "core/augment.h"
#include "core/loss.h"
#include "core/normalize.h"
#include "core/optimizer.h"
#include "core/schedule.h"
#include "tests/core/support_words.h"
#include "tests/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char lenet5_words[] =
    "conv2d out_channels=6 kernel_size=5 padding=2 | relu | max_pool2d kernel_size=2 | "
    "conv2d out_channels=16 kernel_size=5 | relu | max_pool2d kernel_size=2 | flatten | "
    "linear out_features=120 | relu | linear out_features=84 | relu | linear out_features=10";

const char odd_net_words[] =
    "conv2d out_channels=5 kernel_size=3,2 stride=1,2 padding=1,0 | relu | "
    "conv2d out_channels=18 kernel_size=3 bias=false | relu | max_pool2d kernel_size=3,2 stride=2 "
    "| "
    "flatten | linear out_features=7 bias=false | relu | linear out_features=3";

static int64_t given(int64_t value)
{
    return value != 0 ? value : FIELD_ABSENT;
}

static void fill_spec(struct spec *spec, const struct job_words *words)
{
    const char *optimizer = words->optimizer != NULL ? words->optimizer : "sgd lr=0.01";

    spec_init(spec);
    snprintf(spec->dataset.name, sizeof(spec->dataset.name), "test");
    spec->dataset.shuffle = words->shuffle;
    spec->dataset.limit = given(words->limit);
    if (words->normalize != NULL)
        variant_from_words(&spec->arena, &normalize_kinds, words->normalize,
                           &spec->dataset.normalize);
    if (words->augment != NULL)
        variants_from_words(&spec->arena, &augment_kinds, words->augment, &spec->dataset.augment);
    if (words->validation > 0)
        spec->dataset.validation.number = words->validation;
    else if (words->validation < 0)
        spec->dataset.validation.choice = VALIDATION_NONE;
    spec->run.epochs = given(words->epochs);
    spec->run.max_steps = given(words->max_steps);
    spec->run.seed = words->seed;
    spec->run.drop_last = words->drop_last;
    spec->run.precision = words->precision;
    if (words->batch_size != 0)
        spec->run.batch_size = words->batch_size;
    layers_from_words(&spec->arena, words->model, &spec->model);
    variant_from_words(&spec->arena, &optimizer_kinds, optimizer, &spec->optimizer);
    if (words->schedule != NULL)
        variant_from_words(&spec->arena, &schedule_kinds, words->schedule, &spec->lr_schedule);
    if (words->loss != NULL)
        variant_from_words(&spec->arena, &loss_kinds, words->loss, &spec->loss);
}

void job_make(struct job *job, const struct job_words *words, struct dataset *dataset)
{
    struct problems problems = {0};
    struct error error = {0};

    fill_spec(&job->spec, words);
    job->dataset = dataset_share(dataset);
    if (!spec_complete(&job->spec, &problems, &error) ||
        !spec_settle(&job->spec, dataset_shape(dataset), NULL, &error) ||
        !plan_make(&job->spec, dataset_shape(dataset), &job->plan, &problems, NULL, &error))
        FAIL("%s", error.text);
    if (problems.count > 0)
        FAIL("%s: %s", problems.items[0].pointer, problems.items[0].detail);
}

void job_drop(struct job *job)
{
    plan_drop(&job->plan);
    spec_drop(&job->spec);
    dataset_release(job->dataset);
}

struct trainer *job_trainer(const struct job *job, int threads, enum kernel_choice kernels)
{
    const struct trainer_setup setup = {&job->spec, &job->plan, job->dataset,
                                        threads,    kernels,    NULL};
    struct trainer *trainer = NULL;
    struct error error = {0};

    if (!trainer_new(&setup, &trainer, &error))
        FAIL("%s: %s", error.where, error.text);
    return trainer;
}

struct step_report step(struct trainer *trainer)
{
    struct step_report report;
    struct error error = {0};

    if (!trainer_step(trainer, &report, &error))
        FAIL("%s", error.text);
    return report;
}
