/* Pooling: the fast kernel against the reference on random shapes, ties, NaN and large windows. */
#include "tests/harness.h"

#include "core/kernels.h"
#include "tests/core/support_lot.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* The options that max_pool2d and avg_pool2d share. */
static void roll_pool(struct dice *dice, struct lot *lot, const char *kind)
{
    int64_t k[2] = {roll(dice, 1, 4), roll(dice, 1, 4)};
    int64_t p[2] = {roll(dice, 0, k[0] / 2), roll(dice, 0, k[1] / 2)};

    lot->input = (struct shape){roll_channels(dice), roll_side(dice, k[0], p[0]),
                                roll_side(dice, k[1], p[1]), 0};
    snprintf(lot->words, sizeof(lot->words),
             "%s kernel_size=%" PRId64 ",%" PRId64 " stride=%" PRId64 ",%" PRId64
             " padding=%" PRId64 ",%" PRId64 " ceil_mode=%s",
             kind, k[0], k[1], roll(dice, 1, 4), roll(dice, 1, 4), p[0], p[1],
             roll(dice, 0, 1) == 0 ? "false" : "true");
}

static void roll_max_pool2d(struct dice *dice, struct lot *lot)
{
    roll_pool(dice, lot, "max_pool2d");
}

static void roll_avg_pool2d(struct dice *dice, struct lot *lot)
{
    roll_pool(dice, lot,
              roll(dice, 0, 1) == 0 ? "avg_pool2d" : "avg_pool2d count_include_pad=false");
}

static void roll_adaptive_avg_pool2d(struct dice *dice, struct lot *lot)
{
    lot->input = (struct shape){roll_channels(dice), roll(dice, 1, 12), roll(dice, 1, 12), 0};
    snprintf(lot->words, sizeof(lot->words), "adaptive_avg_pool2d output_size=%" PRId64 ",%" PRId64,
             roll(dice, 1, 14), roll(dice, 1, 14));
}

TEST_SLOW("max_pool2d of random shapes, with and without ties: the best kernel does what the "
          "reference does",
          120)
{
    compare_many(roll_max_pool2d, 400);
}

TEST_SLOW("avg_pool2d of random shapes: the best kernel does what the reference does", 120)
{
    compare_many(roll_avg_pool2d, 300);
}

TEST("adaptive_avg_pool2d of random shapes: the best kernel does what the reference does")
{
    compare_many(roll_adaptive_avg_pool2d, 200);
}

TEST("pools are served by the kernel over lanes of channels, in any layout")
{
    static const char *const words[] = {"max_pool2d kernel_size=2", "avg_pool2d kernel_size=3",
                                        "adaptive_avg_pool2d output_size=2"};

    for (size_t i = 0; i < COUNT_OF(words) * 3; i++) {
        const struct layer_way way = {KERNELS_BEST, 2, 1, true};
        struct layer_run run;

        layer_open(&run, words[i / 3], &(struct shape){17, 5, 6, 0}, 2);
        run.block = (int[]){1, 8, 16}[i % 3];
        layer_compute(&run, &way);
        CHECK_TEXT(run.kernel, "own: lanes of channels");
        layer_close(&run);
    }
}

TEST("of equal values in a window the first gets the gradient, as in PyTorch")
{
    static const real x[] = {7, 7, 3, 3, 0, 0, 7, 3, 3, 0, 0, 0};
    static const real dx[] = {1, 0, 2, 0, 3, 0, 0, 0, 0, 0, 0, 0};
    static const enum kernel_choice sets[] = {KERNELS_BEST, KERNELS_REFERENCE};

    for (size_t set = 0; set < COUNT_OF(sets); set++) {
        const struct layer_way way = {sets[set], 1, 1, true};
        struct layer_run run;

        layer_open(&run, "max_pool2d kernel_size=2 stride=2", &(struct shape){1, 2, 6, 0}, 1);
        memcpy(run.x, x, sizeof(x));
        memcpy(run.dy, (const real[]){1, 2, 3}, sizeof(real) * 3);
        layer_compute(&run, &way);
        check_numbers("y", run.y, (const real[]){7, 3, 0}, 3);
        check_numbers("dx", run.dx, dx, 12);
        layer_close(&run);
    }
}

TEST("a NaN in a window wins, in any place, channel and kernel set, as in PyTorch")
{
    static const struct layer_way ways[] = {{KERNELS_BEST, 1, 1, true},
                                            {KERNELS_REFERENCE, 1, 1, true}};
    const struct shape input = {17, 2, 2, 0};

    for (size_t i = 0; i < COUNT_OF(ways) * 17 * 4; i++) {
        size_t at = i / COUNT_OF(ways);
        struct layer_run run;

        layer_open(&run, "max_pool2d kernel_size=2", &input, 1);
        run.x[at] = (real)NAN;
        layer_compute(&run, &ways[i % COUNT_OF(ways)]);
        for (size_t channel = 0; channel < 17; channel++)
            CHECK(isnan(run.y[channel]) == (channel == at / 4));
        layer_close(&run);
    }
}

TEST("max_pool2d with windows of hundreds of pixels: the best kernel does what the reference does")
{
    static const char *const sizes[] = {"15,17", "16,16", "17,16", "1,300"};

    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        struct lot lot = {.input = {18, i == 3 ? 2 : 20, i == 3 ? 310 : 21, 0},
                          .samples = 3,
                          .way = {KERNELS_BEST, 2, 1, true}};

        snprintf(lot.words, sizeof(lot.words), "max_pool2d kernel_size=%s stride=2,3 padding=%s",
                 sizes[i], i == 3 ? "0" : "7");
        compare(&lot, i, i % 2 == 0);
    }
}
