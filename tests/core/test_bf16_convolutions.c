/* Convolutions in bf16: against the reference on numbers that bf16 holds, what serves them, and
 * networks of them. */
#include "tests/harness.h"

#include "core/kernels.h"
#include "tests/core/support.h"
#include "tests/core/support_conv2d.h"
#include "tests/core/support_job.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static void need_bf16(void)
{
    struct error error = {0};

    if (!kernels_have_bf16(KERNELS_BEST, &error))
        SKIP("%s", error.text);
}

TEST_SLOW("in bf16 conv2d of random shapes and options computes what the reference does, y and dx "
          "rounded once, weight gradients not at all",
          240)
{
    need_bf16();
    for (uint64_t number = 0; number < 1000; number++) {
        struct lot lot = roll_lot(roll_conv2d, number);

        lot.precision = PRECISION_BF16;
        compare(&lot, number, number % 4 == 3);
    }
}

/* Shapes whose weight gradients are our own: of pairs of images, with and without one left over. */
static void roll_own(struct dice *dice, struct lot *lot)
{
    int64_t kernel = roll(dice, 2, 5), padding = roll(dice, 0, 2);

    lot->input = (struct shape){roll(dice, 16, 70), roll(dice, 0, 9) + 4 * kernel,
                                roll(dice, 0, 9) + 4 * kernel, 0};
    snprintf(lot->words, sizeof(lot->words),
             "conv2d out_channels=%" PRId64 " kernel_size=%" PRId64 " padding=%" PRId64
             " stride=%" PRId64 " bias=%s flip_kernel=%s",
             roll(dice, 16, 70), kernel, padding, roll(dice, 1, 2),
             roll(dice, 0, 1) == 0 ? "true" : "false", roll(dice, 0, 3) == 0 ? "true" : "false");
}

TEST_SLOW(
    "in bf16 our own weight gradients are the reference's, for even and odd numbers of images", 240)
{
    need_bf16();
    for (uint64_t number = 0; number < 100; number++) {
        struct lot lot = roll_lot(roll_own, number);

        lot.precision = PRECISION_BF16;
        lot.block = 16;
        lot.way.shard_size += 2;
        compare(&lot, number, false);
    }
}

/* Layers whose first input is in that layout, and what serves them. */
#define ANY "oneDNN jit_bf16:avx512_core_bf16"
#define OWN ", dw own"
#define POINTS "oneDNN jit_bf16_1x1:avx512_core_bf16"
#define DEPTHWISE "oneDNN jit_dw:avx512_core_bf16"

static const struct served {
    const char *words;
    int64_t channels;
    int block;
    const char *kernel;
} served[] = {
    /* clang-format off */
    {"conv2d out_channels=32 kernel_size=3 padding=1", 1, 1, ANY},
    {"conv2d out_channels=10 kernel_size=5 padding=2", 3, 1, ANY},
    {"conv2d out_channels=16 kernel_size=5", 9, 16, ANY},
    {"conv2d out_channels=64 kernel_size=3 padding=1", 64, 16, ANY OWN},
    {"conv2d out_channels=64 kernel_size=3 stride=2 padding=1 bias=false", 37, 16, ANY},
    {"conv2d out_channels=64 kernel_size=1", 32, 16, POINTS},
    {"conv2d out_channels=64 kernel_size=1", 64, 16, POINTS OWN},
    {"conv2d out_channels=64 kernel_size=1 stride=2", 64, 16, ANY},
    {"conv2d out_channels=48 kernel_size=3 padding=2 dilation=2", 32, 16, ANY OWN},
    {"conv2d out_channels=64 kernel_size=3 padding=1 groups=4", 64, 16, ANY},
    {"conv2d out_channels=64 kernel_size=3 padding=1 groups=64", 64, 16, DEPTHWISE},
    {"conv2d out_channels=37 kernel_size=3 stride=2 padding=1 groups=37", 37, 16, DEPTHWISE},
    {"conv2d out_channels=32 kernel_size=3 padding=same padding_mode=reflect", 16, 16,
     ANY ", padded before"},
    /* clang-format on */
};

TEST("in bf16 the vector kernels for that serve convolutions, whatever their groups and padding")
{
    need_bf16();
    for (size_t i = 0; i < COUNT_OF(served); i++) {
        struct layer_run run;

        layer_open(&run, served[i].words, &(struct shape){served[i].channels, 9, 10, 0}, 3);
        run.block = served[i].block;
        run.spec.run.precision = PRECISION_BF16;
        layer_compute(&run, &(struct layer_way){KERNELS_BEST, 2, 1, served[i].block > 1});
        if (strcmp(run.kernel, served[i].kernel) != 0)
            FAIL("%s is served by \"%s\"", served[i].words, run.kernel);
        layer_close(&run);
    }
}

TEST("what the library cannot convolve in bf16, or would fill up with zeros for, is computed in "
     "reals")
{
    static const char *const words[] = {"conv2d out_channels=20 kernel_size=3 stride=2 dilation=2",
                                        "conv2d out_channels=7 kernel_size=3"};
    struct layer_run run;

    need_bf16();
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        layer_open(&run, words[i], &(struct shape){16, 9, 10, 0}, 3);
        run.spec.run.precision = PRECISION_BF16;
        layer_compute(&run, &(struct layer_way){KERNELS_BEST, 2, 1, true});
        CHECK(strstr(run.kernel, "bf16") == NULL);
        layer_close(&run);
    }
}

/* ---- networks ---- */

static const char *const networks[] = {
    lenet5_words,
    "conv2d out_channels=32 kernel_size=3 padding=1 | relu | conv2d out_channels=64 kernel_size=3 "
    "padding=1 | relu | max_pool2d kernel_size=2 | conv2d out_channels=64 kernel_size=3 padding=1 "
    "padding_mode=replicate | relu | adaptive_avg_pool2d output_size=1 | flatten | "
    "linear out_features=10",
    "conv2d out_channels=16 kernel_size=3 padding=1 bias=false | batch_norm2d | relu | residual "
    "body=(conv2d out_channels=32 kernel_size=3 stride=2 padding=1 bias=false | batch_norm2d | "
    "relu | conv2d out_channels=32 kernel_size=3 padding=1 bias=false | batch_norm2d) "
    "shortcut=(conv2d out_channels=32 kernel_size=1 stride=2 bias=false | batch_norm2d) | relu | "
    "adaptive_avg_pool2d output_size=1 | flatten | linear out_features=10",
    "conv2d out_channels=16 kernel_size=3 padding=1 | batch_norm2d | relu | conv2d "
    "out_channels=16 kernel_size=3 padding=1 groups=16 | conv2d out_channels=40 kernel_size=1 | "
    "relu | max_pool2d kernel_size=2 | flatten | linear out_features=10",
};

enum { STEPS = 20 };

static void losses_of(const char *model, enum spec_precision precision, double losses[STEPS])
{
    const struct data_shape shape = {{1, 28, 28, 0}, 10, 320, 0};
    const struct job_words words = {.model = model,
                                    .optimizer = "sgd lr=0.04 momentum=0.9",
                                    .batch_size = 32,
                                    .epochs = 2,
                                    .seed = 3,
                                    .validation = -1,
                                    .normalize = "standard",
                                    .precision = precision};
    struct dataset *dataset;
    struct trainer *trainer;
    struct job job;

    make_idx_dataset("set", &shape, 1);
    dataset = open_dataset("set");
    job_make(&job, &words, dataset);
    CHECK_INT(job.plan.steps, STEPS);
    trainer = job_trainer(&job, 2, KERNELS_BEST);
    for (int i = 0; i < STEPS; i++)
        losses[i] = step(trainer).train_loss;
    trainer_free(trainer);
    job_drop(&job);
    dataset_release(dataset);
}

TEST_SLOW("networks of convolutions train in bf16 nearly as in single precision", 120)
{
    need_bf16();
    for (size_t n = 0; n < COUNT_OF(networks); n++) {
        double single[STEPS], half[STEPS];
        bool same = true;

        losses_of(networks[n], PRECISION_FP32, single);
        losses_of(networks[n], PRECISION_BF16, half);
        for (int i = 0; i < STEPS; i++) {
            double behind = i > 0 ? 0.1 * fabs(single[i] - single[i - 1]) : 0; /* of a step */

            if (!(fabs(half[i] - single[i]) <= 0.02 + behind))
                FAIL("network %zu, step %d: %g instead of %g", n, i, half[i], single[i]);
            same = same && half[i] == single[i];
        }
        CHECK(!same);
    }
}
