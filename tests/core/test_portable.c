/* Our own kernels for any processor: against the reference, with every instruction set, and what
 * they serve. */
#include "tests/harness.h"

#include "core/kernels.h"
#include "core/layer.h"
#include "tests/core/support.h"
#include "tests/core/support_conv2d.h"
#include "tests/core/support_job.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void roll_linear(struct dice *dice, struct lot *lot)
{
    lot->input = (struct shape){roll(dice, 1, 900), 1, 1, 1};
    snprintf(lot->words, sizeof(lot->words), "linear out_features=%" PRId64 " bias=%s",
             roll(dice, 1, 300), roll(dice, 0, 3) == 0 ? "false" : "true");
}

/* Sums of several blocks, panels in pairs and alone, images computed together and one by one. */
static void roll_large(struct dice *dice, struct lot *lot)
{
    int64_t kernel = roll(dice, 1, 3), side = roll(dice, kernel, 20);

    lot->input = (struct shape){roll(dice, 30, 130), side, side, 0};
    snprintf(lot->words, sizeof(lot->words),
             "conv2d out_channels=%" PRId64 " kernel_size=%" PRId64 " padding=%" PRId64
             " stride=%" PRId64,
             roll(dice, 10, 130), kernel, roll(dice, 0, 1), roll(dice, 1, 2));
}

TEST_SLOW("conv2d of random shapes and options: our own kernels compute what the reference does",
          240)
{
    compare_many_by(KERNELS_PORTABLE, roll_conv2d, 1500);
}

TEST_SLOW("our own kernels compute large convolutions as the reference does", 240)
{
    compare_many_by(KERNELS_PORTABLE, roll_large, 60);
}

TEST("linear of random shapes: our own kernel computes what the reference computes")
{
    compare_many_by(KERNELS_PORTABLE, roll_linear, 300);
}

/* A layer's numbers with an instruction set. */
static void compute_with(const char *set, const struct lot *lot, uint64_t number,
                         struct layer_run *run)
{
    struct layer_way way = lot->way;

    CHECK(setenv("TRAIND_MAX_ISA", set, 1) == 0);
    way.kernels = KERNELS_PORTABLE;
    layer_open(run, lot->words, &lot->input, lot->samples);
    run->block = lot->block;
    fill_parameters(&run->plan, number, 1, run->parameters);
    fill_symmetric(run->x, lot->samples * run->x_count, number, 0);
    fill_symmetric(run->dy, lot->samples * run->y_count, number, 1);
    layer_compute(run, &way);
}

TEST_SLOW("layers have the same digits with every instruction set", 120)
{
    static const char *const sets[] = {"avx512", "avx2", "baseline"};

    for (uint64_t number = 0; number < 150; number++) {
        struct lot lot = roll_lot(number % 3 == 0 ? roll_linear : roll_conv2d, number);
        struct layer_run runs[COUNT_OF(sets)];

        for (size_t i = 0; i < COUNT_OF(sets); i++) {
            compute_with(sets[i], &lot, number, &runs[i]);
            check_numbers("y", runs[i].y, runs[0].y, lot.samples * runs[0].y_count);
            check_numbers("dx", runs[i].dx, runs[0].dx, lot.samples * runs[0].x_count);
            check_numbers("the gradient", runs[i].gradients, runs[0].gradients,
                          runs[0].plan.parameters);
        }
        for (size_t i = 0; i < COUNT_OF(sets); i++)
            layer_close(&runs[i]);
    }
}

static const struct served {
    const char *words;
    int64_t channels;
    const char *kernel; /* a part of its name */
} served[] = {
    {"conv2d out_channels=32 kernel_size=3 padding=1", 3, "own matrix"},
    {"conv2d out_channels=30 kernel_size=3 stride=2 dilation=2", 20, "own matrix"},
    {"conv2d out_channels=32 kernel_size=3 padding=same padding_mode=circular", 16, "own matrix"},
    {"conv2d out_channels=64 kernel_size=3 groups=4 flip_kernel=true", 32, "own matrix"},
    {"conv2d out_channels=64 kernel_size=3 padding=1 groups=32", 32, "own matrix"},
    {"conv2d out_channels=37 kernel_size=3 padding=1 groups=37", 37, "own depthwise"},
    {"conv2d out_channels=64 kernel_size=5 stride=2 padding=2 groups=64", 64, "own depthwise"},
    /* More zeros than numbers, in the padding or in the weights: better left to plain loops. */
    {"conv2d out_channels=2 kernel_size=3 padding=500", 2, "reference"},
    {"conv2d out_channels=111 kernel_size=3 padding=1 groups=37", 37, "reference"},
};

TEST("our own kernels serve every kind of convolution but those that are mostly zeros")
{
    for (size_t i = 0; i < COUNT_OF(served); i++) {
        struct lot lot = {.input = {served[i].channels, 7, 8, 0},
                          .samples = 3,
                          .block = 16,
                          .way = {KERNELS_PORTABLE, 2, 1, true}};
        struct layer_run run;

        snprintf(lot.words, sizeof(lot.words), "%s", served[i].words);
        layer_open(&run, lot.words, &lot.input, lot.samples);
        run.block = lot.block;
        layer_compute(&run, &lot.way);
        if (strstr(run.kernel, served[i].kernel) == NULL)
            FAIL("%s is served by \"%s\"", lot.words, run.kernel);
        layer_close(&run);
        compare(&lot, i, false);
    }
}

TEST("a network has our own kernels or shared ones throughout, its images blocked behind the first")
{
    const struct data_shape shape = {{1, 28, 28, 0}, 10, 40, 0};
    const struct job_words words = {.model = lenet5_words, .batch_size = 16};
    struct dataset *dataset;
    struct trainer *trainer;
    struct job job;

    make_idx_dataset("set", &shape, 1);
    dataset = open_dataset("set");
    job_make(&job, &words, dataset);
    trainer = job_trainer(&job, 2, KERNELS_PORTABLE);
    for (int i = 0; i < job.plan.layer_count; i++) {
        const char *kernel = trainer_kernel(trainer, i);

        if (strstr(kernel, "reference") != NULL || strstr(kernel, "oneDNN") != NULL ||
            (job.plan.layers[i].multiply_adds > 0 && strstr(kernel, "own") == NULL))
            FAIL("layer %d, %s, is served by \"%s\"", i, job.plan.layers[i].kind->name, kernel);
    }
    while (!trainer_ended(trainer))
        step(trainer);
    trainer_free(trainer);
    job_drop(&job);
    dataset_release(dataset);
}

TEST("kernel sets have the names that users give them, and say what they are")
{
    enum kernel_choice choice = KERNELS_REFERENCE;

    for (int i = 0; kernel_choice_names[i] != NULL; i++) {
        CHECK(kernels_choose(kernel_choice_names[i], &choice));
        CHECK_INT(choice, i);
    }
    CHECK_INT(choice, KERNELS_REFERENCE);
    CHECK(!kernels_choose("fast", &choice) && !kernels_choose("", &choice));
    CHECK(setenv("TRAIND_MAX_ISA", "baseline", 1) == 0);
    CHECK(strstr(kernels_describe(KERNELS_PORTABLE), "baseline") != NULL);
    CHECK(strncmp(kernels_describe(KERNELS_PORTABLE), "own", 3) == 0);
}
