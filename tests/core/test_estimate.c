/* Estimates: how the pieces add up, with speeds made up; and that measuring knows every kind. */
#include "tests/harness.h"

#include "core/estimate.h"
#include "core/layer.h"
#include "core/optimizer.h"
#include "tests/core/network.h"
#include "tests/core/support.h"
#include "tests/core/support_job.h"
#include "tests/core/support_words.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A machine that takes a second for each unit of work in layers of one kind and no time else. */
static struct speed *busy_with(const char *kind)
{
    struct speed *speed = calloc(1, sizeof(*speed));

    CHECK(speed != NULL);
    speed->block = 1;
    for (size_t i = 0; i < layer_kinds.count; i++)
        speed->layers[i].unit = strcmp(layer_kinds.rows[i]->name, kind) == 0;
    return speed;
}

/* Seconds of one epoch, less what meetings take. */
static double epoch_seconds(const char *model, const char *kind, int64_t batch_size, int threads)
{
    const struct data_shape data = {{2, 8, 8, 0}, 10, 64, 0};
    struct spec *spec = network_new();
    struct speed *speed = busy_with(kind);
    struct estimate estimate;
    struct plan plan;

    layers_from_words(&spec->arena, model, &spec->model);
    spec->run.batch_size = batch_size;
    network_plan(spec, &data, &plan);
    estimate_make(spec, &plan, speed, threads, &estimate);
    plan_drop(&plan);
    network_free(spec);
    free(speed);
    return round(estimate.seconds_per_epoch);
}

#define NET                                                                                        \
    "conv2d out_channels=4 kernel_size=3 | relu | conv2d out_channels=3 kernel_size=3 | "          \
    "max_pool2d kernel_size=2 | flatten | linear out_features=10"

TEST("an estimate counts both passes of every layer, and of the first one no gradient of the data")
{
    const double first = 9 * 2 * 4 * 36 * 2.0 / 3, second = 9 * 4 * 3 * 16;

    CHECK(epoch_seconds(NET, "conv2d", 64, 1) == 64 * (first + second));
    CHECK(epoch_seconds(NET, "linear", 64, 1) == 64 * 12 * 10);
    CHECK(epoch_seconds(NET, "relu", 64, 1) == 64 * 4 * 36);
    CHECK(epoch_seconds(NET, "max_pool2d", 64, 1) == 64 * 3 * 4 * 4); /* reads, four a number */
    CHECK(epoch_seconds(NET, "tanh", 64, 1) == 0);
    /* Before anything learns there is nothing to go back for. */
    CHECK(epoch_seconds("relu | flatten | linear out_features=10", "relu", 64, 1) == 64 * 64);
}

TEST("an estimate shares shards between threads, and a batch that is not full costs as much")
{
    double alone = epoch_seconds(NET, "relu", 64, 1);

    CHECK(epoch_seconds(NET, "relu", 64, 2) == alone / 2);
    CHECK(epoch_seconds(NET, "relu", 64, 3) == alone * 3 / 8); /* eight shards in three turns */
    CHECK(epoch_seconds(NET, "relu", 64, 8) == alone / 8);
    CHECK(epoch_seconds(NET, "relu", 40, 1) == alone * 80 / 64);
}

/* ReLUs take time, and an update with adam a second for each parameter. `tests` samples of the test
 * split; each_steps 0: evaluations by epoch. */
static struct estimate estimate_run(const char *optimizer, int64_t epochs, int64_t each_steps,
                                    int64_t tests, int64_t *parameters)
{
    const struct data_shape data = {{2, 8, 8, 0}, 10, 640, tests};
    struct spec *spec = network_new();
    struct speed *speed = busy_with("relu");
    struct estimate estimate;
    struct plan plan;

    layers_from_words(&spec->arena, NET, &spec->model);
    network_optimizer(spec, optimizer);
    spec->run.epochs = epochs;
    if (each_steps > 0)
        spec->evaluate_every = (struct spec_every){true, FIELD_ABSENT, each_steps};
    network_plan(spec, &data, &plan);
    for (size_t i = 0; i < optimizer_kinds.count; i++)
        speed->updates[i] = optimizer_kinds.rows[i] == &optimizer_adam.kind ? 1 : 0;
    estimate_make(spec, &plan, speed, 1, &estimate);
    *parameters = plan.parameters;
    plan_drop(&plan);
    network_free(spec);
    free(speed);
    return estimate;
}

TEST("a run's estimate has its evaluations, which go forward alone, and the optimizer's updates")
{
    const double epoch = 640 * 144, test = 128 * 144 / 2.0;
    int64_t parameters;
    struct estimate none = estimate_run("sgd", 3, 0, 0, &parameters);
    struct estimate each = estimate_run("sgd", 3, 0, 128, &parameters);
    struct estimate often = estimate_run("sgd", 3, 7, 128, &parameters);
    struct estimate adam = estimate_run("adam", 1, 0, 0, &parameters);

    CHECK(round(none.seconds_per_epoch) == epoch && round(none.seconds) == 3 * epoch);
    CHECK(round(each.seconds_per_epoch) == epoch && round(each.seconds) == 3 * (epoch + test));
    CHECK(round(often.seconds) == 3 * epoch + 5 * test); /* steps 7, 14, 21, 28 and the last, 30 */
    CHECK(round(adam.seconds) == epoch + 10 * (double)parameters);
}

TEST("what is not known of the machine is not guessed")
{
    const struct data_shape data = {{2, 8, 8, 0}, 10, 64, 0};
    struct spec *spec = network_new();
    struct speed *speed = busy_with("relu");
    struct estimate estimate;
    struct plan plan;

    layers_from_words(&spec->arena, NET, &spec->model);
    network_plan(spec, &data, &plan);
    for (size_t i = 0; i < layer_kinds.count; i++)
        if (layer_kinds.rows[i] == &layer_max_pool2d.kind)
            speed->layers[i].unit = NAN;
    estimate_make(spec, &plan, speed, 1, &estimate);
    CHECK(isnan(estimate.seconds_per_epoch) && isnan(estimate.seconds));
    plan_drop(&plan);
    network_free(spec);
    free(speed);
}

static double seconds_used(void)
{
    struct timespec time;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* Processor time of an epoch by one thread, which is the caller. */
static double trained_seconds(const struct job *job, enum kernel_choice kernels)
{
    struct trainer *trainer = job_trainer(job, 1, kernels);
    double start;

    step(trainer);
    start = seconds_used();
    while (!trainer_ended(trainer))
        step(trainer);
    start = seconds_used() - start;
    trainer_free(trainer);
    return start * (double)job->plan.steps / (double)(job->plan.steps - 1);
}

static const char *const nets[] = {
    lenet5_words,
    "conv2d out_channels=32 kernel_size=3 | batch_norm2d | relu | conv2d out_channels=32 "
    "kernel_size=3 | gelu | avg_pool2d kernel_size=2 | flatten | linear out_features=10"};

static void check_measured(const struct speed *speed)
{
    for (size_t i = 0; i < layer_kinds.count; i++)
        if (!(speed->layers[i].unit > 0 && speed->layers[i].number >= 0))
            FAIL("%s was not measured", layer_kinds.rows[i]->name);
    for (size_t i = 0; i < optimizer_kinds.count; i++)
        CHECK(speed->updates[i] > 0);
}

static void check_estimates(enum kernel_choice kernels, enum spec_precision precision,
                            struct dataset *dataset)
{
    struct error error = {0};
    struct speed speed;

    CHECK(speed_measure(kernels, precision, NULL, &speed, &error));
    check_measured(&speed);
    for (size_t i = 0; i < COUNT_OF(nets); i++) {
        const struct job_words words = {.model = nets[i]};
        struct estimate estimate;
        struct job job;
        double needed;

        job_make(&job, &words, dataset);
        job.spec.run.precision = (int)precision;
        estimate_make(&job.spec, &job.plan, &speed, 1, &estimate);
        needed = trained_seconds(&job, kernels);
        printf("%s, precision %d: estimated %g s, needed %g s\n", kernel_choice_names[kernels],
               (int)precision, estimate.seconds, needed);
        /* Right within a factor of two on a quiet machine; here others may be at work. */
        if (!(estimate.seconds > needed / 5 && estimate.seconds < needed * 5))
            FAIL("estimated %g s, needed %g s", estimate.seconds, needed);
        job_drop(&job);
    }
}

TEST("measuring knows every kind of layer and optimizer, and what follows is near what training "
     "takes, in every precision")
{
    static const struct data_shape data = {{1, 28, 28, 0}, 10, 640, 0};
    struct error error = {0};
    struct dataset *dataset;

    if (test_slowdown() > 1)
        SKIP("a slow build does not get round to all of them");
    make_idx_dataset("set", &data, 1);
    dataset = open_dataset("set");
    for (int kernels = KERNELS_BEST; kernels <= KERNELS_REFERENCE; kernels++)
        check_estimates((enum kernel_choice)kernels, PRECISION_FP32, dataset);
    if (kernels_have_bf16(KERNELS_BEST, &error))
        check_estimates(KERNELS_BEST, PRECISION_BF16, dataset);
    dataset_release(dataset);
}

TEST("measuring that is told to end tries nothing more, and what it has not tried stays unknown")
{
    const atomic_bool enough = true;
    struct error error = {0};
    struct speed speed;

    CHECK(speed_measure(KERNELS_REFERENCE, PRECISION_FP32, &enough, &speed, &error));
    for (size_t i = 0; i < layer_kinds.count; i++)
        CHECK(isnan(speed.layers[i].unit));
    for (size_t i = 0; i < optimizer_kinds.count; i++)
        CHECK(isnan(speed.updates[i]));
}
