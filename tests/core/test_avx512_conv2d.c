/* conv2d by AVX-512: against the reference, inside its rule and at the rule's edges, and which
 * layers it serves. */
#include "tests/harness.h"

#include "core/isa.h"
#include "core/kernels.h"
#include "tests/core/support_conv2d.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char name[] = "own direct, AVX-512";

/* False where it serves nothing: another processor, or a build without oneDNN. */
static bool here(void)
{
    return isa_best() == ISA_AVX512 && strstr(kernels_describe(KERNELS_BEST), "oneDNN") != NULL;
}

static const char *roll_mode(struct dice *dice)
{
    static const char *const modes[] = {"zeros",   "zeros",     "zeros",
                                        "reflect", "replicate", "circular"};
    return modes[roll(dice, 0, 5)];
}

/* Sizes around those of whole tiles; padding that its mode allows, and more than a kernel reaches.
 */
static void roll_rest(struct dice *dice, struct lot *lot, const int64_t kernel[2])
{
    const char *mode = roll_mode(dice);
    int64_t *sides[] = {&lot->input.height, &lot->input.width}, padding[2];
    size_t length = strlen(lot->words);

    for (int axis = 0; axis < 2; axis++) {
        int64_t free;

        padding[axis] = roll(dice, 0, 2) == 0 ? kernel[axis] / 2 : roll(dice, 0, 4);
        free = kernel[axis] - 2 * padding[axis];
        *sides[axis] = roll(dice, free > 1 ? free : 1, roll(dice, 0, 1) == 0 ? 12 : 40);
        if (strcmp(mode, "zeros") != 0 && *sides[axis] <= padding[axis])
            *sides[axis] = padding[axis] + 1;
    }
    snprintf(lot->words + length, sizeof(lot->words) - length,
             " kernel_size=%" PRId64 ",%" PRId64 " padding=%" PRId64 ",%" PRId64
             " padding_mode=%s bias=%s flip_kernel=%s",
             kernel[0], kernel[1], padding[0], padding[1], mode,
             roll(dice, 0, 2) == 0 ? "false" : "true", roll(dice, 0, 2) == 0 ? "true" : "false");
}

static void roll_first(struct dice *dice, struct lot *lot)
{
    const int64_t kernel[] = {roll(dice, 1, 7), roll(dice, 1, 3) * 2 + 1};

    lot->input.channels = roll(dice, 1, 12);
    snprintf(lot->words, sizeof(lot->words), "conv2d out_channels=%" PRId64,
             roll(dice, 0, 1) == 0 ? roll(dice, 1, 8) : roll(dice, 9, 50));
    roll_rest(dice, lot, kernel);
}

static void roll_few(struct dice *dice, struct lot *lot)
{
    const int64_t kernel[] = {roll(dice, 1, 7), roll(dice, 1, 7)};

    lot->input.channels = roll(dice, 1, 12);
    snprintf(lot->words, sizeof(lot->words), "conv2d out_channels=%" PRId64, roll(dice, 1, 50));
    roll_rest(dice, lot, kernel);
}

static void roll_blocks(struct dice *dice, struct lot *lot)
{
    const int64_t kernel[] = {roll(dice, 1, 7), roll(dice, 1, 3) * 2 + 1};
    bool wide = roll(dice, 0, 1) == 0;

    lot->input.channels = roll(dice, 11, wide ? 32 : 16);
    snprintf(lot->words, sizeof(lot->words), "conv2d out_channels=%" PRId64,
             roll(dice, 1, wide ? 16 : 32));
    roll_rest(dice, lot, kernel);
    lot->input.width += 14;
}

/* Compares, and counts how many the kernel has computed. */
static int compare_lots(roll_layer *layer, bool first, uint64_t lots)
{
    int own = 0;

    for (uint64_t number = 0; number < lots; number++) {
        struct lot lot = roll_lot(layer, number);
        struct layer_run run;

        lot.block = first ? 1 : 16;
        lot.way.want_dx = !first;
        compare(&lot, number, number % 4 == 3);
        layer_open(&run, lot.words, &lot.input, lot.samples);
        run.block = lot.block;
        layer_compute(&run, &lot.way);
        own += strcmp(run.kernel, name) == 0;
        layer_close(&run);
    }
    return own;
}

TEST_SLOW("first layers of few channels by AVX-512 compute what the reference does", 240)
{
    if (!here())
        SKIP("%s", kernels_describe(KERNELS_BEST));
    CHECK_INT(compare_lots(roll_first, true, 300), 300);
}

TEST_SLOW("layers of few channels by AVX-512 compute what the reference does", 240)
{
    if (!here())
        SKIP("%s", kernels_describe(KERNELS_BEST));
    CHECK(compare_lots(roll_few, false, 300) > 250); /* not 1 × 1, nor more padding than taps */
}

TEST_SLOW("layers of one and two blocks of channels by AVX-512 compute what the reference does",
          240)
{
    if (!here())
        SKIP("%s", kernels_describe(KERNELS_BEST));
    CHECK(compare_lots(roll_blocks, false, 200) > 100);
}

TEST("large images, whose rows are computed some at once, give what the reference does")
{
    static const char *const words[] = {
        "conv2d out_channels=16 kernel_size=3 padding=1",
        "conv2d out_channels=5 kernel_size=5 padding=2",
        "conv2d out_channels=9 kernel_size=7,3 padding=3,1 padding_mode=reflect",
        "conv2d out_channels=20 kernel_size=2,4 padding=1,3",
    };

    for (size_t i = 0; i < COUNT_OF(words) * 2; i++) {
        struct lot lot = {.input = {i % 2 == 0 ? 6 : 16, 61, 150, 0},
                          .samples = 2,
                          .block = 16,
                          .way = {KERNELS_BEST, 2, 1, true}};

        snprintf(lot.words, sizeof(lot.words), "%s", words[i / 2]);
        compare(&lot, i, false);
        lot.input.channels = 1 + (int64_t)i % 3;
        lot.block = 1;
        lot.way.want_dx = false;
        compare(&lot, i, false);
    }
}

static const struct {
    const char *words;
    struct shape input;
    int block;
    bool served;
} choices[] = {
    {"conv2d out_channels=6 kernel_size=5 padding=2", {1, 28, 28, 0}, 1, true},
    {"conv2d out_channels=16 kernel_size=5", {6, 14, 14, 0}, 16, true},
    {"conv2d out_channels=16 kernel_size=3 padding=1", {16, 32, 32, 0}, 16, true},
    {"conv2d out_channels=64 kernel_size=3 padding=1", {3, 32, 32, 0}, 1, true},
    {"conv2d out_channels=16 kernel_size=3 padding=1", {16, 8, 8, 0}, 16, false},
    {"conv2d out_channels=32 kernel_size=3 padding=1", {32, 16, 16, 0}, 16, false},
    {"conv2d out_channels=16 kernel_size=1", {16, 32, 32, 0}, 16, false},
    {"conv2d out_channels=16 kernel_size=3 stride=2", {6, 32, 32, 0}, 16, false},
    {"conv2d out_channels=16 kernel_size=3 dilation=2", {6, 32, 32, 0}, 16, false},
    {"conv2d out_channels=12 kernel_size=3 groups=2", {6, 32, 32, 0}, 16, false},
    {"conv2d out_channels=8 kernel_size=9 padding=4", {1, 28, 28, 0}, 1, false},
};

TEST("AVX-512 serves convolutions of few channels, unless pixels or taps are left out")
{
    if (!here())
        SKIP("%s", kernels_describe(KERNELS_BEST));
    for (size_t i = 0; i < COUNT_OF(choices); i++) {
        struct layer_way way = {KERNELS_BEST, 2, 1, choices[i].block > 1};
        struct layer_run run;

        layer_open(&run, choices[i].words, &choices[i].input, 3);
        run.block = choices[i].block;
        layer_compute(&run, &way);
        if ((strcmp(run.kernel, name) == 0) != choices[i].served)
            FAIL("%s on %" PRId64 " channels is served by \"%s\"", choices[i].words,
                 choices[i].input.channels, run.kernel);
        layer_close(&run);
    }
}

/* The same layer on the whole batch and on shards of it. */
static void check_shards(const char *words, const struct shape *input, int block)
{
    struct layer_run runs[2];

    for (int i = 0; i < 2; i++) {
        struct layer_run *run = &runs[i];

        layer_open(run, words, input, 11);
        run->block = block;
        fill_parameters(&run->plan, 1, 1, run->parameters);
        fill_symmetric(run->x, 11 * run->x_count, 2, 0);
        fill_symmetric(run->dy, 11 * run->y_count, 2, 1);
        layer_compute(run, &(struct layer_way){KERNELS_BEST, i == 0 ? 11 : 3, 1 + i, block > 1});
    }
    check_numbers("y", runs[1].y, runs[0].y, 11 * runs[0].y_count);
    check_numbers("dx", runs[1].dx, runs[0].dx, 11 * runs[0].x_count);
    layer_compute(&runs[0], &(struct layer_way){KERNELS_BEST, 3, 3, block > 1});
    check_numbers("the gradient", runs[1].gradients, runs[0].gradients, runs[0].plan.parameters);
    layer_close(&runs[0]);
    layer_close(&runs[1]);
}

TEST("by AVX-512 too, digits depend neither on how a batch is cut nor on who computes a shard")
{
    check_shards("conv2d out_channels=6 kernel_size=5 padding=2", &(struct shape){1, 9, 13, 0}, 1);
    check_shards("conv2d out_channels=16 kernel_size=5", &(struct shape){6, 14, 14, 0}, 16);
    check_shards("conv2d out_channels=16 kernel_size=3 padding=1", &(struct shape){16, 9, 17, 0},
                 16);
    check_shards("conv2d out_channels=20 kernel_size=3 padding=1 padding_mode=circular",
                 &(struct shape){7, 8, 31, 0}, 16);
}
