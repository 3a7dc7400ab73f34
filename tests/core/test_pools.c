/* Pooling, alone and together with a ReLU: the fast kernels against the reference on random shapes,
 * ties, NaN and large windows. */
#include "tests/harness.h"

#include "core/kernels.h"
#include "tests/core/support.h"
#include "tests/core/support_chain.h"
#include "tests/core/support_job.h"
#include "tests/core/support_lot.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
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

TEST("pools are served by our own kernels, in any layout")
{
    static const char *const words[] = {"max_pool2d kernel_size=2", "avg_pool2d kernel_size=3",
                                        "adaptive_avg_pool2d output_size=2"};

    for (size_t i = 0; i < COUNT_OF(words) * 3; i++) {
        const struct layer_way way = {KERNELS_BEST, 2, 1, true};
        struct layer_run run;

        layer_open(&run, words[i / 3], &(struct shape){17, 5, 6, 0}, 2);
        run.block = (int[]){1, 8, 16}[i % 3];
        layer_compute(&run, &way);
        CHECK_TEXT(run.kernel, run.block > 1 ? "own: lanes of channels" : "own: lanes of pixels");
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

/* ---- chains of pools and ReLUs, to the last digit ---- */

/* Common windows as often as all others. */
static void roll_window(struct dice *dice, const char *kind, struct shape *input, char words[100])
{
    int64_t k[2] = {roll(dice, 1, 4), roll(dice, 1, 4)},
            s[2] = {roll(dice, 1, 4), roll(dice, 1, 4)};
    int64_t p[2] = {roll(dice, 0, k[0] / 2), roll(dice, 0, k[1] / 2)};
    int64_t side = roll(dice, 0, 5) == 0 ? 40 : 12;

    if (roll(dice, 0, 1) == 0) {
        k[0] = k[1] = roll(dice, 2, 3);
        s[0] = s[1] = roll(dice, 1, 3);
        p[0] = p[1] = roll(dice, 0, 1);
    }
    *input = (struct shape){roll_channels(dice), roll_side(dice, k[0], p[0]),
                            k[1] + roll(dice, 0, side), 0};
    snprintf(words, 100,
             "%s kernel_size=%" PRId64 ",%" PRId64 " stride=%" PRId64 ",%" PRId64
             " padding=%" PRId64 ",%" PRId64 " ceil_mode=%s",
             kind, k[0], k[1], s[0], s[1], p[0], p[1], roll(dice, 0, 1) == 0 ? "false" : "true");
}

static void roll_chain(struct dice *dice, struct lot *lot)
{
    static const char *const kinds[] = {"max_pool2d", "max_pool2d", "max_pool2d", "avg_pool2d",
                                        "avg_pool2d count_include_pad=false"};
    int64_t kind = roll(dice, 0, 5);
    char words[100];

    if (kind == 5) {
        lot->input = (struct shape){roll_channels(dice), roll(dice, 1, 12), roll(dice, 1, 12), 0};
        snprintf(lot->words, sizeof(lot->words),
                 "adaptive_avg_pool2d output_size=%" PRId64 ",%" PRId64, roll(dice, 1, 14),
                 roll(dice, 1, 14));
        return;
    }
    roll_window(dice, kinds[kind], &lot->input, words);
    snprintf(lot->words, sizeof(lot->words), "%s%s%s", kind == 1 ? "relu | " : "", words,
             kind == 2 ? " | relu" : "");
}

/* Numbers that bf16 can hold: any, few so that windows hold ties, none above zero, or some that
 * are not finite. */
static void draw_numbers(struct dice *dice, real *values, int64_t count)
{
    static const float odd[] = {NAN, -NAN, INFINITY, -INFINITY, -0.0F, 0, -1e-40F, 3e38F};
    int64_t manner = roll(dice, 0, 4);

    fill_symmetric(values, count, dice->next++, 0);
    for (int64_t i = 0; i < count; i++) {
        real value = bf16_widen(bf16_round(values[i]));

        if (manner == 1)
            value = (real)floor(3 * (double)value) / 2;
        if (manner == 2)
            value = -(real)fabs((double)value);
        if (manner == 3)
            value = value > 0 ? (real)0.5 : -(real)0.0;
        if (manner == 4 && roll(dice, 0, 30) == 0)
            value = bf16_widen(bf16_round((real)odd[roll(dice, 0, (int64_t)COUNT_OF(odd) - 1)]));
        values[i] = value;
    }
}

static void check_digits(const struct lot *lot, const char *what, enum number number,
                         const real *both[2], int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        real wanted = both[1][i];

        if (number == NUMBER_BF16)
            wanted = bf16_widen(bf16_round(wanted));
        if (both[0][i] != wanted && !(isnan(both[0][i]) && isnan(wanted)))
            FAIL("%s on %" PRId64 "×%" PRId64 "×%" PRId64 " in blocks of %d, %s: %s[%" PRId64
                 "] is %.9g, not %.9g",
                 lot->words, lot->input.channels, lot->input.height, lot->input.width, lot->block,
                 number == NUMBER_BF16 ? "bf16" : "reals", what, i, (double)both[0][i],
                 (double)wanted);
    }
}

static void compare_chains(const struct lot *lot, struct dice *dice, enum number number)
{
    static const char *const sets[] = {"avx512", "avx2", "baseline"};
    const struct chain_way plain = {KERNELS_REFERENCE, lot->samples, 1, NUMBER_REAL};
    const struct chain_way way = {KERNELS_PORTABLE, lot->way.shard_size, lot->block, number};
    struct chain_run wanted, run;

    chain_open(&wanted, lot->words, &lot->input, lot->samples);
    chain_open(&run, lot->words, &lot->input, lot->samples);
    draw_numbers(dice, wanted.x, lot->samples * wanted.x_count);
    draw_numbers(dice, wanted.dy, lot->samples * wanted.y_count);
    memcpy(run.x, wanted.x, (size_t)(lot->samples * run.x_count) * sizeof(real));
    memcpy(run.dy, wanted.dy, (size_t)(lot->samples * run.y_count) * sizeof(real));
    chain_compute(&wanted, &plain);
    for (size_t i = 0; i < COUNT_OF(sets); i++) {
        CHECK(setenv("TRAIND_MAX_ISA", sets[i], 1) == 0);
        chain_compute(&run, &way);
        check_digits(lot, "y", number, (const real *[]){run.y, wanted.y},
                     lot->samples * run.y_count);
        check_digits(lot, "dx", number, (const real *[]){run.dx, wanted.dx},
                     lot->samples * run.x_count);
    }
    chain_close(&wanted);
    chain_close(&run);
}

TEST_SLOW("pools with and without a ReLU have the reference's digits, in every layout, with every "
          "instruction set, as reals and as bf16",
          240)
{
    for (uint64_t number = 0; number < 1200; number++) {
        struct lot lot = roll_lot(roll_chain, number);
        struct dice dice = {{number, RNG_SYNTHETIC, 8}, 0};

        compare_chains(&lot, &dice, number % 2 ? NUMBER_BF16 : NUMBER_REAL);
    }
}

static const struct together {
    const char *words;
    int ops;
} together[] = {
    {"relu | max_pool2d kernel_size=2", 1},        {"max_pool2d kernel_size=3 stride=2 | relu", 1},
    {"relu | max_pool2d kernel_size=3 | relu", 2}, {"relu | relu | max_pool2d kernel_size=3", 2},
    {"relu | avg_pool2d kernel_size=2", 2},        {"leaky_relu | max_pool2d kernel_size=2", 2},
};

TEST("a ReLU and the max pooling beside it are one op, in any layout and kind of numbers")
{
    const struct shape input = {20, 9, 9, 0};

    for (size_t i = 0; i < COUNT_OF(together) * 6; i++) {
        const struct together *t = &together[i / 6];
        const struct chain_way way = {KERNELS_BEST, 2, (int[]){1, 8, 16}[i % 3],
                                      i % 2 ? NUMBER_BF16 : NUMBER_REAL};
        struct chain_run run;

        chain_open(&run, t->words, &input, 3);
        memset(run.x, 0, (size_t)(3 * run.x_count) * sizeof(real));
        memset(run.dy, 0, (size_t)(3 * run.y_count) * sizeof(real));
        chain_compute(&run, &way);
        if (run.ops != t->ops)
            FAIL("%s is %d ops, not %d", t->words, run.ops, t->ops);
        chain_close(&run);
    }
}

TEST("a network's ReLUs in front of its max pools are computed with them")
{
    const struct data_shape shape = {{1, 28, 28, 0}, 10, 40, 0};
    const struct job_words words = {.model = lenet5_words, .batch_size = 16};
    struct dataset *dataset;
    struct trainer *trainer;
    struct job job;
    int pools = 0;

    make_idx_dataset("set", &shape, 1);
    dataset = open_dataset("set");
    job_make(&job, &words, dataset);
    trainer = job_trainer(&job, 1, KERNELS_BEST);
    for (int i = 1; i < job.plan.layer_count; i++)
        if (strcmp(job.plan.layers[i].kind->name, "max_pool2d") == 0 &&
            strcmp(job.plan.layers[i - 1].kind->name, "relu") == 0) {
            pools++;
            CHECK_TEXT(trainer_kernel(trainer, i - 1), trainer_kernel(trainer, i));
            CHECK(strstr(trainer_kernel(trainer, i), "relu and max in one") != NULL);
        }
    CHECK_INT(pools, 2);
    trainer_free(trainer);
    job_drop(&job);
    dataset_release(dataset);
}
