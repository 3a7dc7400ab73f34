/* Profile: counting where the time goes says something true and changes no number. */
#include "tests/harness.h"

#include "core/trainer.h"
#include "tests/core/support.h"
#include "tests/core/support_job.h"

#include <string.h>
#include <time.h>

static const struct data_shape images = {{3, 13, 11, 0}, 3, 96, 20};

/* Barriers, a join, a layer over the whole batch, a change of layout. */
static const char words[] =
    "conv2d out_channels=16 kernel_size=3 padding=1 | batch_norm2d | relu | residual body=(conv2d "
    "out_channels=16 kernel_size=3 padding=1) | max_pool2d kernel_size=2 | flatten | "
    "linear out_features=3";

static const struct job_words run = {
    .model = words, .epochs = 4, .batch_size = 24, .seed = 4, .optimizer = "adam"};

static struct dataset *make_job(struct job *job)
{
    struct dataset *dataset;

    make_idx_dataset("set", &images, 3);
    dataset = open_dataset("set");
    job_make(job, &run, dataset);
    return dataset;
}

static double wall(void)
{
    struct timespec now;

    CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void start(struct trainer *trainer)
{
    struct error error = {0};

    if (!trainer_profile_start(trainer, &error))
        FAIL("%s", error.text);
}

/* Seconds of all cells. */
static double sum_of(const struct trainer *trainer)
{
    double sum = 0;

    for (int i = 0; i < trainer_profile_ops(trainer); i++) {
        struct op_profile op = trainer_profile_op(trainer, i);

        for (int phase = 0; phase < PROFILE_PHASES; phase++)
            sum += op.seconds[phase];
    }
    for (int part = 0; part < PROFILE_PARTS; part++)
        sum += trainer_profile_part(trainer, (enum profile_part)part);
    return sum;
}

TEST("a run that is profiled has the numbers of one that is not, to the bit")
{
    struct job job;
    struct dataset *dataset = make_job(&job);
    struct trainer *plain = job_trainer(&job, 2, KERNELS_BEST),
                   *watched = job_trainer(&job, 2, KERNELS_BEST);

    start(watched);
    while (!trainer_ended(plain)) {
        struct step_report a = step(plain), b = step(watched);

        CHECK(memcmp(&a.train_loss, &b.train_loss, sizeof(double)) == 0);
        CHECK(memcmp(&a.grad_norm, &b.grad_norm, sizeof(double)) == 0);
    }
    CHECK(memcmp(trainer_parameters(plain), trainer_parameters(watched),
                 (size_t)job.plan.numbers * sizeof(real)) == 0);
    trainer_free(plain);
    trainer_free(watched);
    job_drop(&job);
    dataset_release(dataset);
}

TEST("every layer's op has its times, and all times together fit into the clock's")
{
    struct job job;
    struct dataset *dataset = make_job(&job);
    struct trainer *trainer = job_trainer(&job, 2, KERNELS_BEST);
    int layers = 0;

    step(trainer);
    start(trainer);
    double began = wall();
    for (int i = 0; i < 8; i++)
        step(trainer);
    double elapsed = wall() - began;

    for (int i = 0; i < trainer_profile_ops(trainer); i++) {
        struct op_profile op = trainer_profile_op(trainer, i);

        CHECK(op.kernel[0] != '\0');
        if (op.layers == 0)
            continue;
        CHECK_INT(op.layer, layers);
        layers += op.layers;
        CHECK_TEXT(op.kernel, trainer_kernel(trainer, op.layer));
        CHECK(op.seconds[PROFILE_FORWARD] > 0 && op.seconds[PROFILE_BACKWARD] > 0);
        if (strcmp(job.plan.layers[op.layer].kind->name, "conv2d") == 0)
            CHECK(op.seconds[PROFILE_PACK] > 0 && op.seconds[PROFILE_GATHER] > 0);
    }
    CHECK_INT(layers, job.plan.layer_count);
    for (int part = 0; part < PROFILE_PARTS; part++)
        CHECK(trainer_profile_part(trainer, (enum profile_part)part) > 0);
    CHECK(sum_of(trainer) <= 2 * elapsed);

    start(trainer);
    CHECK(sum_of(trainer) == 0);
    trainer_free(trainer);
    job_drop(&job);
    dataset_release(dataset);
}

/* Of the layer whose path is given. */
static struct plan_work work_of(const struct job *job, const char *path)
{
    static struct plan_work work[64];

    CHECK(job->plan.layer_count <= (int)COUNT_OF(work));
    plan_work(&job->plan, work);
    for (int i = 0; i < job->plan.layer_count; i++)
        if (strcmp(job->plan.layers[i].path, path) == 0)
            return work[i];
    FAIL("there is no layer %s", path);
}

TEST("a step's multiply-adds: twice the forward pass in layers that learn first, else thrice")
{
    struct job job;
    struct dataset *dataset = make_job(&job);
    const int64_t first = 3 * 9 * 16 * 13 * 11, second = 16 * 9 * 16 * 13 * 11;

    CHECK_INT(work_of(&job, "0").forward, first);
    CHECK_INT(work_of(&job, "0").backward, first);
    CHECK_INT(work_of(&job, "3.body.0").forward, second);
    CHECK_INT(work_of(&job, "3.body.0").backward, 2 * second);
    CHECK_INT(work_of(&job, "6").backward, 2 * 16 * 6 * 5 * 3);
    CHECK_INT(work_of(&job, "2").forward + work_of(&job, "2").backward, 0);
    job_drop(&job);
    dataset_release(dataset);
}

TEST("branches beside a layer with weights do not learn by it")
{
    const struct job_words branches = {
        .model = "concat branches=(conv2d out_channels=4 kernel_size=1 | conv2d out_channels=4 "
                 "kernel_size=1)(relu | conv2d out_channels=5 kernel_size=1)() | flatten | linear "
                 "out_features=3"};
    struct job job;
    struct dataset *dataset;

    make_idx_dataset("set", &images, 3);
    dataset = open_dataset("set");
    job_make(&job, &branches, dataset);
    CHECK_INT(work_of(&job, "0.branches.0.0").backward, 4 * 3 * 13 * 11);
    CHECK_INT(work_of(&job, "0.branches.0.1").backward, 2 * 4 * 4 * 13 * 11);
    CHECK_INT(work_of(&job, "0.branches.1.1").backward, 5 * 3 * 13 * 11);
    CHECK(!work_of(&job, "0.branches.1.0").learned);
    CHECK(work_of(&job, "0").learned);
    job_drop(&job);
    dataset_release(dataset);
}
