/* Dropout: how much is dropped, what the draws depend on, and that an evaluation knows nothing of
 * it. */
#include "tests/harness.h"

#include "core/kernels.h"
#include "tests/core/support.h"
#include "tests/core/support_job.h"
#include "tests/core/support_lot.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct shape wide = {40, 20, 25, 0};
static const struct layer_way whole = {KERNELS_BEST, 2, 1, true};

/* Ones go in; what comes out is 0 or the factor. */
static void open_ones(struct layer_run *run, const char *words)
{
    layer_open(run, words, &wide, 2);
    for (int64_t i = 0; i < run->samples * run->x_count; i++)
        run->x[i] = run->dy[i] = 1;
}

TEST("dropout keeps a share of 1 − p, scaled so that the mean stays, and the gradient goes the "
     "same way")
{
    struct layer_run run;
    double kept = 0;

    open_ones(&run, "dropout p=0.3");
    layer_compute(&run, &whole);
    for (int64_t i = 0; i < 2 * run.x_count; i++) {
        CHECK(run.y[i] == 0 || run.y[i] == (real)(1 / (1 - 0.3)));
        CHECK(run.dx[i] == run.y[i]);
        kept += run.y[i] != 0;
    }
    /* 40,000 draws: four standard deviations */
    CHECK(fabs(kept / (2.0 * (double)run.x_count) - 0.7) < 4 * sqrt(0.21 / 40000));
    layer_close(&run);
}

TEST("dropout2d drops whole channels, others in each sample")
{
    struct layer_run run;
    int64_t pixels = wide.height * wide.width, different = 0, kept = 0;

    open_ones(&run, "dropout2d p=0.5");
    layer_compute(&run, &whole);
    for (int64_t c = 0; c < 2 * wide.channels; c++) {
        CHECK(run.y[c * pixels] == 0 || run.y[c * pixels] == 2);
        for (int64_t p = 1; p < pixels; p++)
            CHECK(run.y[c * pixels + p] == run.y[c * pixels]);
        kept += run.y[c * pixels] != 0;
        if (c < wide.channels)
            different += run.y[c * pixels] != run.y[(c + wide.channels) * pixels];
    }
    CHECK(kept > 20 && kept < 60 && different > 5);
    layer_close(&run);
}

TEST("in an evaluation dropout passes everything; with p = 1 it passes nothing in training")
{
    static const char *const words[] = {"dropout p=0.9", "dropout2d p=1", "dropout p=1"};

    for (size_t i = 0; i < 2 * COUNT_OF(words); i++) {
        struct layer_run run;

        open_ones(&run, words[i / 2]);
        run.evaluate = i % 2 == 0;
        layer_compute(&run, &whole);
        for (int64_t k = 0; k < 2 * run.x_count; k++) {
            if (run.evaluate)
                CHECK(run.y[k] == 1);
            else if (i > 2)
                CHECK(run.y[k] == 0 && run.dx[k] == 0);
        }
        layer_close(&run);
    }
}

/* How many outputs are kept under one (seed, epoch) and dropped under another. */
static int64_t unlike(struct layer_run *run, uint64_t seed, uint32_t epoch)
{
    int64_t count = run->samples * run->y_count, different = 0;
    real *before = malloc((size_t)count * sizeof(*before));

    CHECK(before != NULL);
    run->draws.seed = 1;
    run->draws.epoch = 0;
    layer_compute(run, &whole);
    memcpy(before, run->y, (size_t)count * sizeof(*before));
    run->draws.seed = seed;
    run->draws.epoch = epoch;
    layer_compute(run, &whole);
    for (int64_t i = 0; i < count; i++)
        different += before[i] != run->y[i];
    free(before);
    return different;
}

TEST("dropout draws anew in another epoch and under another seed, and the same otherwise")
{
    struct layer_run run;

    open_ones(&run, "dropout");
    CHECK_INT(unlike(&run, 1, 0), 0);
    CHECK(llabs(unlike(&run, 1, 1) - 20000) < 500);
    CHECK(llabs(unlike(&run, 2, 0) - 20000) < 500);
    layer_close(&run);
}

TEST("a NaN is never dropped")
{
    struct layer_run run;

    open_ones(&run, "dropout p=0.9");
    for (int64_t i = 0; i < 2 * run.x_count; i++)
        run.x[i] = (real)NAN;
    layer_compute(&run, &whole);
    for (int64_t i = 0; i < 2 * run.x_count; i++)
        CHECK(isnan(run.y[i]));
    layer_close(&run);
}

static void roll_dropout(struct dice *dice, struct lot *lot)
{
    lot->input = (struct shape){roll_channels(dice), roll(dice, 1, 9), roll(dice, 1, 9), 0};
    snprintf(lot->words, sizeof(lot->words), "%s p=0.%" PRId64,
             roll(dice, 0, 1) == 0 ? "dropout" : "dropout2d", roll(dice, 1, 9));
}

TEST("dropout gives the same in any layout and in any shards")
{
    compare_many(roll_dropout, 100);
}

/* The gradient of a linear layer for one sample is zero where its input is. */
static int64_t zeros_of_step(struct trainer *trainer, int64_t features, uint8_t *is_zero)
{
    int64_t zeros = 0;

    step(trainer);
    for (int64_t i = 0; i < features; i++)
        zeros += is_zero[i] = trainer_gradients(trainer)[i] == 0;
    return zeros;
}

TEST("two dropout layers draw on their own, and a trainer's next epoch draws anew")
{
    const struct data_shape shape = {{3, 40, 40, 0}, 2, 1, 0};
    const struct job_words words = {
        .model = "sigmoid | dropout | dropout | flatten | linear out_features=2",
        .batch_size = 1,
        .epochs = 2,
        .optimizer = "sgd lr=0"};
    uint8_t is_zero[2][4800];
    int64_t different = 0;
    struct dataset *dataset;
    struct trainer *trainer;
    struct job job;

    make_idx_dataset("set", &shape, 1);
    dataset = open_dataset("set");
    job_make(&job, &words, dataset);
    trainer = job_trainer(&job, 1, KERNELS_BEST);
    for (int epoch = 0; epoch < 2; epoch++)
        CHECK(llabs(zeros_of_step(trainer, 4800, is_zero[epoch]) - 3600) < 150);
    for (int i = 0; i < 4800; i++)
        different += is_zero[0][i] != is_zero[1][i];
    CHECK(llabs(different - 1800) < 150); /* 2 · ¼ · ¾ of them */
    trainer_free(trainer);
    job_drop(&job);
    dataset_release(dataset);
}
