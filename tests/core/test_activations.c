/* Activations beyond what the golden numbers and the differences show: far ends, NaN, and what they
 * do between layers. */
#include "tests/harness.h"

#include "core/kernels.h"
#include "core/number.h"
#include "tests/core/support.h"
#include "tests/core/support_job.h"
#include "tests/core/support_layer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const all[] = {"relu", "leaky_relu", "elu", "gelu", "gelu approximate=tanh",
                                  "silu", "sigmoid",    "tanh"};

TEST("a NaN goes through every activation, forward and backward")
{
    const struct layer_way way = {KERNELS_BEST, 1, 1, true};

    for (size_t i = 0; i < COUNT_OF(all); i++) {
        struct layer_run run;

        layer_open(&run, all[i], &(struct shape){1, 1, 3, 0}, 1);
        run.x[0] = (real)NAN;
        run.x[1] = 2;
        run.dy[1] = (real)NAN;
        layer_compute(&run, &way);
        CHECK(isnan(run.y[0]));
        CHECK(!isnan(run.y[1]) && isnan(run.dx[1]));
        CHECK(!isnan(run.y[2]) && !isnan(run.dx[2]));
        layer_close(&run);
    }
}

TEST("far from zero every activation is at its limit, with a gradient of 0 or its slope")
{
    static const struct {
        double y[2], dx[2]; /* at −100 and at 100 */
    } wanted[] = {{{0, 100}, {0, 1}}, {{-1, 100}, {0.01, 1}}, {{-1, 100}, {0, 1}},
                  {{0, 100}, {0, 1}}, {{0, 100}, {0, 1}},     {{0, 100}, {0, 1}},
                  {{0, 1}, {0, 0}},   {{-1, 1}, {0, 0}}};
    const struct layer_way way = {KERNELS_BEST, 1, 1, true};

    for (size_t i = 0; i < COUNT_OF(all); i++) {
        struct layer_run run;

        layer_open(&run, all[i], &(struct shape){1, 1, 2, 0}, 1);
        for (int k = 0; k < 2; k++) {
            run.x[k] = k == 0 ? -100 : 100;
            run.dy[k] = 1;
        }
        layer_compute(&run, &way);
        for (int k = 0; k < 2; k++)
            if (!(fabs((double)run.y[k] - wanted[i].y[k]) < 1e-6) ||
                !(fabs((double)run.dx[k] - wanted[i].dx[k]) < 1e-6))
                FAIL("%s of %g is %g with slope %g", all[i], (double)run.x[k], (double)run.y[k],
                     (double)run.dx[k]);
        layer_close(&run);
    }
}

/* Channels that do not fill their blocks, and activations that are not zero at zero, between
 * convolutions. */
static const char between_words[] = "conv2d out_channels=6 kernel_size=3 padding=1 | sigmoid | "
                                    "conv2d out_channels=17 kernel_size=3 "
                                    "| sigmoid | silu | max_pool2d kernel_size=2 | conv2d "
                                    "out_channels=6 kernel_size=3 | tanh | sigmoid | "
                                    "gelu | flatten | linear out_features=3";

/* Gradients of the first step, to be freed. */
static real *first_gradients(const struct job *job, enum kernel_choice kernels)
{
    size_t bytes = (size_t)job->plan.parameters * sizeof(real);
    struct trainer *trainer = job_trainer(job, 2, kernels);
    real *gradients = malloc(bytes);

    CHECK(gradients != NULL);
    step(trainer);
    memcpy(gradients, trainer_gradients(trainer), bytes);
    trainer_free(trainer);
    return gradients;
}

TEST("activations between convolutions of 6 and 17 channels: gradients in blocks of channels are "
     "the "
     "reference's")
{
    const struct data_shape shape = {{3, 14, 13, 0}, 3, 24, 0};
    const struct job_words words = {.model = between_words, .batch_size = 24};
    struct dataset *dataset;
    struct job job;
    real *best, *plain;

    make_idx_dataset("set", &shape, 5);
    dataset = open_dataset("set");
    job_make(&job, &words, dataset);
    best = first_gradients(&job, KERNELS_BEST);
    plain = first_gradients(&job, KERNELS_REFERENCE);
    for (int i = 0; i < job.plan.tensor_count; i++) {
        const struct plan_tensor *t = &job.plan.tensors[i];
        double largest = 0;

        for (int64_t k = 0; k < t->count; k++)
            largest = fmax(largest, fabs((double)plain[t->offset + k]));
        CHECK(largest > 0);
        for (int64_t k = 0; k < t->count; k++)
            if (!(fabs((double)best[t->offset + k] - (double)plain[t->offset + k]) <=
                  2e-5 * largest))
                FAIL("%s[%d] is %g, not %g", t->name, (int)k, (double)best[t->offset + k],
                     (double)plain[t->offset + k]);
    }
    free(best);
    free(plain);
    job_drop(&job);
    dataset_release(dataset);
}

TEST("a ReLU in bf16 does to each of its numbers what it does to reals")
{
    const struct layer_way way = {KERNELS_BEST, 1, 1, true};
    struct layer_run runs[2];

    for (int i = 0; i < 2; i++) {
        layer_open(&runs[i], "relu", &(struct shape){1, 256, 256, 0}, 1);
        for (int bits = 0; bits < 0x10000; bits++) {
            runs[i].x[bits] = bf16_widen((bf16)bits);
            runs[i].dy[bits] = bf16_widen((bf16)(bits * 7 + 3));
        }
        runs[i].spec.run.precision = i == 0 ? PRECISION_FP32 : PRECISION_BF16;
        layer_compute(&runs[i], &way);
    }
    for (int bits = 0; bits < 0x10000; bits++) {
        real y = runs[0].y[bits], dx = runs[0].dx[bits];

        CHECK(isnan(y) ? isnan(runs[1].y[bits]) : runs[1].y[bits] == y);
        CHECK(isnan(dx) ? isnan(runs[1].dx[bits]) : runs[1].dx[bits] == dx);
    }
    layer_close(&runs[0]);
    layer_close(&runs[1]);
}
