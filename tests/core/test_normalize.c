/* Normalization: what "standard" measures, and on which samples; what a job tells of it. */
#include "tests/core/support.h"
#include "tests/core/support_batch.h"
#include "tests/core/support_job.h"
#include "tests/harness.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct shape picture = {2, 3, 5, 0};

/* By the definition, of pixel / divisor, over the samples that are not `left_out`. */
static void check_measured(const struct batch_stage *stage, const bool *left_out, double divisor)
{
    int64_t pixels = picture.height * picture.width;

    for (int64_t c = 0; c < picture.channels; c++) {
        double sum = 0, squares = 0, count = 0;

        for (int pass = 0; pass < 2; pass++)
            for (int64_t i = 0; i < stage->data.train_samples; i++)
                for (int64_t p = 0; p < pixels && !left_out[i]; p++) {
                    int64_t at = (i * picture.channels + c) * pixels + p;
                    double x = (stage->split.images ? (double)stage->images[at]
                                                    : (double)stage->reals[at]) /
                               divisor;

                    if (pass == 0) {
                        sum += x;
                        count++;
                    } else {
                        squares += (x - sum / count) * (x - sum / count);
                    }
                }
        CHECK_NEAR((double)stage->input.normalization.mean[c], sum / count, 1e-7);
        CHECK_NEAR((double)stage->input.normalization.std[c], sqrt(squares / count), 1e-7);
    }
}

TEST("standard measures the mean and deviation of what is learned from: after the limit, without "
     "what is held out")
{
    static const struct batch_words ways[] = {
        {.normalize = "standard"},
        {.normalize = "standard", .limit = 30},
        {.normalize = "standard", .validation = 0.25},
        {.normalize = "standard", .limit = 41, .validation = 0.5},
        {.normalize = "standard", .limit = 41, .validation = 0.5, .reals = true},
    };

    for (size_t w = 0; w < COUNT_OF(ways); w++) {
        struct batch_stage stage;
        bool left_out[50];

        batch_open(&stage, &picture, 50, 1);
        for (int64_t i = 0; i < 50 * shape_elements(&picture); i++)
            stage.reals[i] = (float)stage.images[i] * 1e-3f - 3;
        batch_settle(&stage, &ways[w]);
        for (int i = 0; i < 50; i++)
            left_out[i] = stage.samples.samples != NULL || i >= stage.samples.train;
        for (int64_t i = 0; stage.samples.samples != NULL && i < stage.samples.train; i++)
            left_out[stage.samples.samples[i]] = false;
        check_measured(&stage, left_out, ways[w].reals ? 1 : 255);
        batch_close(&stage);
    }
}

TEST("a channel of one value has a deviation of 1, and its numbers are 0")
{
    for (int reals = 0; reals < 2; reals++) {
        struct batch_stage stage;
        int64_t pixels = picture.height * picture.width;

        batch_open(&stage, &picture, 7, 1);
        for (int64_t i = 0; i < 7; i++)
            for (int64_t p = 0; p < pixels; p++) {
                stage.images[(2 * i + 1) * pixels + p] = 77;
                stage.reals[(2 * i + 1) * pixels + p] = 0.1f;
            }
        batch_settle(&stage, &(struct batch_words){.normalize = "standard", .reals = reals});
        CHECK(stage.input.normalization.std[1] == 1);
        CHECK(stage.input.normalization.std[0] != 1);
        real *x = batch_numbers(&stage, 0, 7, -1);
        for (int64_t i = 0; i < 7; i++)
            for (int64_t p = 0; p < pixels; p++)
                CHECK(x[(2 * i + 1) * pixels + p] == 0);
        free(x);
        batch_close(&stage);
    }
}

/* So many pixels that 32 bits do not hold the sum of their squares. */
TEST("large white images are measured without overflow")
{
    const struct shape large = {1, 1024, 1024, 0};
    struct batch_stage stage;

    batch_open(&stage, &large, 3, 1);
    memset(stage.images, 255, 3 << 20);
    memset(stage.images + (1 << 20), 0, 1 << 20);
    batch_settle(&stage, &(struct batch_words){.normalize = "standard"});
    CHECK_NEAR((double)stage.input.normalization.mean[0], 2.0 / 3, 1e-7);
    CHECK_NEAR((double)stage.input.normalization.std[0], sqrt(2.0) / 3, 1e-7);
    batch_close(&stage);
}

TEST("what is not said is scale for bytes and none for reals, and none gives pixels as they are")
{
    struct batch_stage stage;
    real *x;

    batch_open(&stage, &picture, 3, 1);
    batch_settle(&stage, &(struct batch_words){.seed = 1});
    CHECK_TEXT(stage.spec.dataset.normalize.kind->name, "scale");
    x = batch_numbers(&stage, 0, 3, -1);
    CHECK(x[7] == (real)stage.images[7] / 255);
    free(x);
    batch_close(&stage);

    batch_open(&stage, &picture, 3, 1);
    batch_settle(&stage, &(struct batch_words){.reals = true});
    CHECK_TEXT(stage.spec.dataset.normalize.kind->name, "none");
    x = batch_numbers(&stage, 0, 3, -1);
    CHECK(x[7] == (real)stage.images[7]);
    free(x);
    batch_close(&stage);
}

TEST("a trainer tells the numbers that its samples are normalized with")
{
    static const struct data_shape images = {{3, 6, 6, 0}, 4, 60, 20};
    static const char net[] = "flatten | linear out_features=4";
    static const char *const kinds[] = {"scale", "none", "standard",
                                        "mean_std mean=0.1,0.2,0.3 std=0.4,0.5,0.6"};
    make_idx_dataset("set", &images, 1);
    struct dataset *dataset = open_dataset("set");

    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        struct job job;
        job_make(&job, &(struct job_words){.model = net, .normalize = kinds[i]}, dataset);
        struct trainer *trainer = job_trainer(&job, 1, KERNELS_BEST);
        const struct normalization *n = trainer_normalization(trainer);

        CHECK_INT(n->channels, 3);
        CHECK(n->divisor == (i == 1 ? 1 : 255));
        CHECK(n->mean[2] == (i < 2 ? 0 : i == 3 ? (real)0.3 : n->mean[2]));
        CHECK(n->std[0] == (i < 2 ? 1 : i == 3 ? (real)0.4 : n->std[0]));
        CHECK(i != 2 || (n->mean[0] > (real)0.3 && n->mean[0] < (real)0.7 && n->std[0] < 1));
        trainer_free(trainer);
        job_drop(&job);
    }
    dataset_release(dataset);
}
