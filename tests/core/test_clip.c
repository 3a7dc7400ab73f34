/* Clipping of gradients in a trainer. That the formula is PyTorch's stands in test_optimizers.c. */
#include "tests/harness.h"

#include "tests/core/support.h"
#include "tests/core/support_job.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct stage {
    struct dataset *dataset;
    struct job job;
    struct trainer *trainer;
};

static const struct job_words usual = {
    .model = "flatten | linear out_features=6 | relu | linear out_features=3",
    .optimizer = "sgd lr=0.1",
    .batch_size = 8,
    .epochs = 8};

/* A job on a small data set; its trainer is yet to be made, so that the spec can be changed. */
static void set_up(struct stage *stage, const struct job_words *words)
{
    const struct data_shape shape = {{1, 5, 4, 0}, 3, 44, 12};

    make_idx_dataset("set", &shape, 1);
    stage->dataset = open_dataset("set");
    job_make(&stage->job, words, stage->dataset);
    stage->trainer = NULL;
}

static void begin(struct stage *stage)
{
    trainer_free(stage->trainer);
    stage->trainer = job_trainer(&stage->job, 1, KERNELS_REFERENCE);
}

static void tear_down(struct stage *stage)
{
    trainer_free(stage->trainer);
    job_drop(&stage->job);
    dataset_release(stage->dataset);
}

static double norm_of(const struct stage *stage)
{
    double squares = 0;

    for (int64_t i = 0; i < stage->job.plan.parameters; i++)
        squares += pow((double)trainer_gradients(stage->trainer)[i], 2);
    return sqrt(squares);
}

TEST("clip_grad_norm makes long gradients as long as it says, leaves short ones, and grad_norm is "
     "what it was before")
{
    struct stage stage;

    set_up(&stage, &usual);
    begin(&stage);
    double raw = step(stage.trainer).grad_norm;
    stage.job.spec.run.clip_grad_norm = raw / 4;
    begin(&stage);
    CHECK_NEAR(step(stage.trainer).grad_norm, raw, 0);
    CHECK_NEAR(norm_of(&stage), raw / 4, 1e-5);
    stage.job.spec.run.clip_grad_norm = raw * 2;
    begin(&stage);
    CHECK_NEAR(step(stage.trainer).grad_norm, raw, 0);
    CHECK_NEAR(norm_of(&stage), raw, 1e-12);
    tear_down(&stage);
}

TEST("clip_grad_value comes after clip_grad_norm and keeps every number within its bounds")
{
    struct stage stage;
    double raw, low = 0, high = 0;
    real *scaled;

    set_up(&stage, &usual);
    begin(&stage);
    raw = step(stage.trainer).grad_norm;
    stage.job.spec.run.clip_grad_norm = raw / 2;
    begin(&stage);
    step(stage.trainer);
    size_t size = (size_t)stage.job.plan.parameters * sizeof(real);
    scaled = malloc(size);
    CHECK(scaled != NULL);
    memcpy(scaled, trainer_gradients(stage.trainer), size);
    stage.job.spec.run.clip_grad_value = raw / 20;
    begin(&stage);
    CHECK_NEAR(step(stage.trainer).grad_norm, raw, 0);
    for (int64_t i = 0; i < stage.job.plan.parameters; i++) {
        double bound = (double)(real)(raw / 20), got = (double)trainer_gradients(stage.trainer)[i];

        CHECK(got == fmax(-bound, fmin(bound, (double)scaled[i])));
        low = fmin(low, got);
        high = fmax(high, got);
    }
    CHECK(low == -high); /* both bounds were reached */
    free(scaled);
    tear_down(&stage);
}
