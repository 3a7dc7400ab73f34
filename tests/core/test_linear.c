/* The linear layer: the vector kernels against the reference, for whole tiles and torn ones, in
 * reals and in bf16; and that numbers which are none stay where they belong. */
#include "tests/harness.h"

#include "core/isa.h"
#include "core/kernels.h"
#include "tests/core/support.h"
#include "tests/core/support_job.h"
#include "tests/core/support_lot.h"

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

/* Often the sizes at which tiles, blocks and vectors end, and their neighbours. */
static int64_t roll_size(struct dice *dice, const int64_t *ends, int64_t count, int64_t most)
{
    int64_t near = ends[roll(dice, 0, count - 1)] + roll(dice, -1, 1);

    return roll(dice, 0, 2) > 0 && near > 0 ? near : roll(dice, 1, most);
}

static void roll_linear(struct dice *dice, struct lot *lot)
{
    static const int64_t in[] = {1, 16, 32, 48, 96, 320, 640, 1280},
                         out[] = {1, 4, 8, 16, 128, 256};

    lot->input = (struct shape){roll_size(dice, in, COUNT_OF(in), 1500), 1, 1, 1};
    snprintf(lot->words, sizeof(lot->words), "linear out_features=%" PRId64 " bias=%s",
             roll_size(dice, out, COUNT_OF(out), 300), roll(dice, 0, 3) == 0 ? "false" : "true");
}

/* Shards of any size, the last one seldom full. */
static struct lot roll_whole(uint64_t number, enum spec_precision precision)
{
    struct lot lot = roll_lot(roll_linear, number);
    struct dice dice = {{number, RNG_SYNTHETIC, 11}, 0};

    lot.samples = roll(&dice, 1, 45);
    lot.way.shard_size = roll(&dice, 1, 40);
    lot.precision = precision;
    return lot;
}

TEST_SLOW("linear of random shapes in shards of any size computes what the reference does", 120)
{
    for (uint64_t number = 0; number < 400; number++) {
        struct lot lot = roll_whole(number, PRECISION_FP32);

        compare(&lot, number, number % 4 == 3);
    }
}

TEST_SLOW("in bf16 linear of random shapes computes what the reference does, y and dx rounded "
          "once, weight gradients not at all",
          120)
{
    need_bf16();
    for (uint64_t number = 0; number < 400; number++) {
        struct lot lot = roll_whole(number, PRECISION_BF16);

        compare(&lot, number, number % 4 == 3);
    }
}

TEST("linear layers of any size have our own kernels, with bf16 in a run of that precision")
{
    static const int64_t sizes[] = {1, 10, 37, 512};
    struct error error = {0};
    bool rounds = kernels_have_bf16(KERNELS_BEST, &error);

    if (strstr(kernels_describe(KERNELS_BEST), "oneDNN, AVX-512") == NULL)
        SKIP("%s", kernels_describe(KERNELS_BEST));
    for (size_t i = 0; i < COUNT_OF(sizes); i++)
        for (int precision = PRECISION_FP32; precision <= (rounds ? PRECISION_BF16 : 0);
             precision++) {
            struct layer_run run;
            char words[64];

            snprintf(words, sizeof(words), "linear out_features=%" PRId64, sizes[i]);
            layer_open(&run, words, &(struct shape){sizes[i] + 3, 1, 1, 1}, 5);
            run.spec.run.precision = (enum spec_precision)precision;
            layer_compute(&run, &(struct layer_way){KERNELS_BEST, 2, 1, true});
            if (strcmp(run.kernel, precision == PRECISION_BF16
                                       ? "own matrix products, AVX512-BF16"
                                       : "own matrix products, fused, AVX-512") != 0)
                FAIL("%s is served by \"%s\"", words, run.kernel);
            layer_close(&run);
        }
}

/* One layer's numbers, cut that way. */
static void compute_by(struct layer_run *run, const struct lot *lot, uint64_t number)
{
    layer_open(run, lot->words, &lot->input, lot->samples);
    run->spec.run.precision = lot->precision;
    fill_parameters(&run->plan, number, 1, run->parameters);
    fill_symmetric(run->x, lot->samples * run->x_count, number, 0);
    fill_symmetric(run->dy, lot->samples * run->y_count, number, 1);
    layer_compute(run, &lot->way);
}

static void check_cuts(enum spec_precision precision)
{
    static const int64_t shards[] = {1, 3, 8, 19, 45};

    for (uint64_t number = 0; number < 25; number++) {
        struct lot lot = roll_whole(1000 + number, precision);
        struct layer_run runs[COUNT_OF(shards)];

        lot.way.want_dx = true;
        for (size_t i = 0; i < COUNT_OF(shards); i++) {
            lot.way.shard_size = shards[i];
            lot.way.members = (int)i + 1;
            compute_by(&runs[i], &lot, number);
            check_numbers("y", runs[i].y, runs[0].y, lot.samples * runs[0].y_count);
            check_numbers("dx", runs[i].dx, runs[0].dx, lot.samples * runs[0].x_count);
            check_numbers("the gradient", runs[i].gradients, runs[0].gradients,
                          runs[0].plan.parameters);
        }
        for (size_t i = 0; i < COUNT_OF(shards); i++)
            layer_close(&runs[i]);
    }
}

TEST("linear has the same digits however the batch is cut, and whoever's turn it is")
{
    check_cuts(PRECISION_FP32);
}

TEST("in bf16 linear has the same digits however the batch is cut, and whoever's turn it is")
{
    need_bf16();
    check_cuts(PRECISION_BF16);
}

/* A matrix, and where in it NaN must be: in one row (−1: none), in one column, nowhere else. */
struct expected {
    int64_t rows, columns, row, column;
};

static void check_nan(const char *what, const real *values, struct expected e)
{
    for (int64_t r = 0; r < e.rows; r++)
        for (int64_t c = 0; c < e.columns; c++)
            if (isnan(values[r * e.columns + c]) != (r == e.row || c == e.column))
                FAIL("%s of %" PRId64 "×%" PRId64 ": number (%" PRId64 ", %" PRId64 ") is %g", what,
                     e.rows, e.columns, r, c, (double)values[r * e.columns + c]);
}

/* One NaN at a time, in the last of its row: what only fills up vectors must not spread it. */
static void check_nans(struct lot *lot, uint64_t number)
{
    int64_t in = lot->input.channels, samples = lot->samples, out;
    struct layer_run run;

    compute_by(&run, lot, number);
    out = run.y_count;
    run.x[in - 1] = (real)NAN;
    layer_compute(&run, &lot->way);
    check_nan("y", run.y, (struct expected){samples, out, 0, -1});
    check_nan("dx", run.dx, (struct expected){samples, in, -1, -1});
    check_nan("dW", run.gradients, (struct expected){out, in, -1, in - 1});
    run.x[in - 1] = 1;
    run.dy[samples * out - 1] = (real)NAN;
    layer_compute(&run, &lot->way);
    check_nan("y", run.y, (struct expected){samples, out, -1, -1});
    check_nan("dx", run.dx, (struct expected){samples, in, samples - 1, -1});
    check_nan("dW", run.gradients, (struct expected){out, in, out - 1, -1});
    check_nan("db", run.gradients + run.plan.tensors[1].offset,
              (struct expected){1, out, -1, out - 1});
    run.dy[samples * out - 1] = 1;
    run.parameters[out * in - 1] = (real)NAN;
    layer_compute(&run, &lot->way);
    check_nan("y", run.y, (struct expected){samples, out, -1, out - 1});
    check_nan("dx", run.dx, (struct expected){samples, in, -1, in - 1});
    check_nan("dW", run.gradients, (struct expected){out, in, -1, -1});
    layer_close(&run);
}

TEST("a NaN stays in what depends on it: its row or column of y, dx and the gradients")
{
    struct error error = {0};
    bool rounds = kernels_have_bf16(KERNELS_BEST, &error);

    for (uint64_t number = 0; number < 60; number++) {
        struct lot lot = roll_whole(2000 + number, PRECISION_FP32);
        struct dice dice = {{number, RNG_SYNTHETIC, 12}, 0};

        lot.way.want_dx = true;
        lot.input.channels = roll(&dice, 1, 350);
        snprintf(lot.words, sizeof(lot.words), "linear out_features=%" PRId64, roll(&dice, 1, 140));
        if (number % 2 && rounds)
            lot.precision = PRECISION_BF16;
        check_nans(&lot, number);
    }
}

enum { STEPS = 12 };

static void losses_of(enum spec_precision precision, int threads, double losses[STEPS])
{
    const struct data_shape shape = {{1, 12, 12, 0}, 10, 320, 0};
    const struct job_words words = {.model = "flatten | linear out_features=301 | relu | "
                                             "linear out_features=77 bias=false | relu | "
                                             "linear out_features=10",
                                    .optimizer = "sgd lr=0.05 momentum=0.9",
                                    .batch_size = 50,
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
    CHECK(job.plan.steps >= STEPS);
    trainer = job_trainer(&job, threads, KERNELS_BEST);
    for (int i = 0; i < STEPS; i++)
        losses[i] = step(trainer).train_loss;
    trainer_free(trainer);
    job_drop(&job);
    dataset_release(dataset);
}

TEST("linear layers train in bf16 nearly as in single precision, and the same with any threads")
{
    double single[STEPS], half[STEPS], again[STEPS];
    bool same = true;

    need_bf16();
    losses_of(PRECISION_FP32, 2, single);
    losses_of(PRECISION_BF16, 1, half);
    losses_of(PRECISION_BF16, 3, again);
    for (int i = 0; i < STEPS; i++) {
        CHECK(again[i] == half[i]);
        CHECK_NEAR(half[i], single[i], 0.02);
        same = same && half[i] == single[i];
    }
    CHECK(!same);
}
