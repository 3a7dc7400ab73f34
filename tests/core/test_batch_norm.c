/* Batch normalization: over the whole batch, however it is cut, and with the right variances. */
#include "tests/harness.h"

#include "tests/core/support.h"
#include "tests/core/support_job.h"
#include "tests/core/support_layer.h"
#include "tests/core/support_norm.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

TEST("batch norm normalizes by the biased variance, and its running variance learns from the "
     "unbiased one")
{
    struct layer_run run;
    const struct layer_way way = {KERNELS_BEST, 2, 1, true};
    const double values[] = {1, 2, 4, 9, 16, 20}, n = 6;
    double mean = 0, squares = 0;

    layer_open(&run, "batch_norm2d momentum=0.25 eps=0.0001", &(struct shape){1, 1, 2, 0}, 3);
    run.parameters[run.plan.tensors[0].offset] = 1;
    run.parameters[run.plan.tensors[3].offset] = 1; /* the running variance begins at 1 */
    for (int i = 0; i < 6; i++) {
        run.x[i] = (real)values[i];
        mean += values[i] / n;
    }
    for (int i = 0; i < 6; i++)
        squares += (values[i] - mean) * (values[i] - mean);
    layer_compute(&run, &way);
    for (int i = 0; i < 6; i++)
        CHECK(fabs((double)run.y[i] - (values[i] - mean) / sqrt(squares / n + 0.0001)) < 1e-6);
    CHECK_NEAR((double)run.parameters[run.plan.tensors[2].offset], 0.25 * mean, 1e-6);
    CHECK_NEAR((double)run.parameters[run.plan.tensors[3].offset], 0.75 + 0.25 * squares / (n - 1),
               1e-6);
    layer_close(&run);
}

TEST("batch norm gives the same over one shard and over many, also around a large mean")
{
    const struct shape shape = {17, 5, 3, 0};
    struct layer_run whole, cut;

    layer_open(&whole, "batch_norm2d", &shape, 23);
    layer_open(&cut, "batch_norm2d", &shape, 23);
    fill_parameters(&whole.plan, 3, 1, whole.parameters);
    fill_symmetric(whole.x, 23 * whole.x_count, 3, 0);
    fill_symmetric(whole.dy, 23 * whole.y_count, 3, 1);
    for (int64_t i = 0; i < 23 * whole.x_count; i++)
        whole.x[i] += 300; /* ε²Σx² − mean² would have nothing left of the variance */
    memcpy(cut.parameters, whole.parameters, (size_t)whole.plan.numbers * sizeof(real));
    memcpy(cut.x, whole.x, (size_t)(23 * whole.x_count) * sizeof(real));
    memcpy(cut.dy, whole.dy, (size_t)(23 * whole.y_count) * sizeof(real));
    cut.block = 16;
    layer_compute(&whole, &(struct layer_way){KERNELS_BEST, 23, 1, true});
    layer_compute(&cut, &(struct layer_way){KERNELS_BEST, 3, 2, true});
    for (int64_t i = 0; i < 23 * whole.y_count; i++) {
        CHECK(fabs((double)(whole.y[i] - cut.y[i])) < 2e-6);
        CHECK(fabs((double)(whole.dx[i] - cut.dx[i])) < 2e-6);
    }
    for (int64_t i = 0; i < whole.plan.numbers; i++)
        CHECK(fabs((double)(whole.parameters[i] - cut.parameters[i])) < 1e-5);
    layer_close(&whole);
    layer_close(&cut);
}

TEST("a batch of a single number a channel teaches no variance and spoils nothing")
{
    struct layer_run run;

    layer_open(&run, "batch_norm2d", &(struct shape){2, 1, 1, 0}, 1);
    fill_parameters(&run.plan, 3, 1, run.parameters);
    run.x[0] = 5;
    run.x[1] = -7;
    run.dy[0] = run.dy[1] = 1;
    layer_compute(&run, &(struct layer_way){KERNELS_BEST, 1, 1, true});
    CHECK(run.y[0] == run.parameters[run.plan.tensors[1].offset]);
    CHECK(run.dx[0] == 0 && run.dx[1] == 0);
    CHECK_NEAR((double)run.parameters[run.plan.tensors[2].offset], 0.5, 1e-6);
    CHECK(run.parameters[run.plan.tensors[3].offset] == 1);
    layer_close(&run);
}

TEST("in an evaluation batch norm uses the running statistics and changes none")
{
    struct layer_run run;
    real *mean, *variance;

    layer_open(&run, "batch_norm2d eps=0.5", &(struct shape){1, 1, 1, 0}, 2);
    run.evaluate = true;
    run.parameters[run.plan.tensors[0].offset] = 3;
    run.parameters[run.plan.tensors[1].offset] = 1;
    mean = run.parameters + run.plan.tensors[2].offset;
    variance = run.parameters + run.plan.tensors[3].offset;
    *mean = 10;
    *variance = 3.5;
    run.x[0] = 12;
    run.x[1] = 4;
    layer_compute(&run, &(struct layer_way){KERNELS_BEST, 2, 1, false});
    CHECK_NEAR((double)run.y[0], 1 + 3 * 2 / 2.0, 1e-6);
    CHECK_NEAR((double)run.y[1], 1 - 3 * 6 / 2.0, 1e-6);
    CHECK(*mean == 10 && *variance == 3.5);
    layer_close(&run);
}

TEST("the variance of a batch keeps its digits far from zero, also when the first number lies far "
     "from the rest")
{
    static const double means[] = {1e4, 1e6}, away[] = {0, 300};
    static const int blocks[] = {1, 16};
    const struct layer_way way = {KERNELS_BEST, 7, 1, true};

    for (int i = 0; i < 8; i++) {
        double sum = 0, squares = 0, n = 20 * 9, mean = means[i & 1];
        struct layer_run run;

        layer_open(&run, "batch_norm2d momentum=1", &(struct shape){1, 3, 3, 0}, 20);
        run.block = blocks[i >> 1 & 1];
        fill_symmetric(run.x, 20 * 9, 3, (uint32_t)i);
        run.x[0] += (real)away[i >> 2];
        for (int k = 0; k < 20 * 9; k++) {
            run.x[k] += (real)mean;
            sum += (double)run.x[k];
        }
        for (int k = 0; k < 20 * 9; k++)
            squares += ((double)run.x[k] - sum / n) * ((double)run.x[k] - sum / n);
        layer_compute(&run, &way);
        CHECK_NEAR((double)run.parameters[run.plan.tensors[2].offset] / (sum / n), 1, 1e-7);
        CHECK_NEAR((double)run.parameters[run.plan.tensors[3].offset] / (squares / (n - 1)), 1,
                   1e-7);
        layer_close(&run);
    }
}

TEST("a NaN among the inputs of batch norm is seen in its variance and in its output")
{
    const struct layer_way way = {KERNELS_BEST, 2, 1, true};
    struct layer_run run;

    layer_open(&run, "batch_norm2d", &(struct shape){2, 3, 3, 0}, 4);
    fill_parameters(&run.plan, 3, 1, run.parameters);
    fill_symmetric(run.x, 4 * run.x_count, 3, 0);
    run.x[3 * run.x_count + 2] = (real)NAN;
    layer_compute(&run, &way);
    CHECK(isnan(run.parameters[run.plan.tensors[3].offset]));
    CHECK(!isnan(run.parameters[run.plan.tensors[3].offset + 1]));
    CHECK(isnan(run.y[0]) && !isnan(run.y[9]));
    layer_close(&run);
}

/* ---- several layers in one, and bf16 ---- */

static const char *const chains[] = {"batch_norm2d", "batch_norm2d affine=false | relu",
                                     "residual body=(batch_norm2d)",
                                     "residual body=(batch_norm2d) | relu", "batch_norm2d | relu"};
static const int layers[] = {1, 2, 2, 3, 2};
static const char *const kernels[] = {"over the whole batch", "batch norm and relu",
                                      "batch norm and sum", "batch norm, sum and relu",
                                      "batch norm and relu"};

/* Sizes with and without whole blocks and rows, and with a last shard that is not full. */
static const struct norm_size sizes[] = {
    {{16, 4, 4, 0}, 8, 16, NUMBER_REAL}, {{17, 5, 7, 0}, 7, 16, NUMBER_REAL},
    {{24, 3, 5, 0}, 5, 8, NUMBER_REAL},  {{3, 25, 22, 0}, 4, 1, NUMBER_REAL},
    {{5, 1, 1, 0}, 9, 1, NUMBER_REAL},   {{33, 24, 25, 0}, 3, 16, NUMBER_REAL}};

static bool has(const char *words, const char *what)
{
    return strstr(words, what) != NULL;
}

static void check_bytes(const char *what, const struct norm_run *run, const void *a, const void *b)
{
    int64_t all = run->size.samples * run->count;

    if (memcmp(a, b, (size_t)all * number_size(run->size.number)) != 0)
        FAIL("%s: %s differs", run->kernel, what);
}

static void open_like(struct norm_run *run, const char *words, const struct norm_run *other,
                      enum number number)
{
    struct norm_size size = other->size;

    size.number = number;
    norm_open(run, words, &size);
    run->shard_size = other->shard_size;
    run->members = other->members;
    run->evaluate = other->evaluate;
    norm_widen(other, run);
}

/* What stands behind a batch norm, by plain loops: y onwards, dy backwards. */
static void follow(const char *words, struct norm_run *run)
{
    real *y = run->at.y, *dy = run->at.dy, *other = run->at.other;

    for (int64_t i = 0; i < run->size.samples * run->count; i++) {
        y[i] = has(words, "residual") ? y[i] + other[i] : y[i];
        if (has(words, "relu")) {
            dy[i] = y[i] > 0 ? dy[i] : 0;
            y[i] = y[i] > 0 ? y[i] : 0;
        }
    }
}

static void check_fused(const char *words, struct norm_run *fused)
{
    struct norm_run ahead, back;

    open_like(&ahead, words, fused, NUMBER_REAL);
    open_like(&back, words, fused, NUMBER_REAL);
    norm_compute(fused, 3);
    norm_compute(&ahead, 1);
    CHECK_INT(ahead.layers, 1);
    follow(words, &ahead);
    memcpy(back.at.dy, ahead.at.dy, (size_t)(back.size.samples * back.count) * sizeof(real));
    norm_compute(&back, 1);
    check_bytes("y", fused, fused->at.y, ahead.at.y);
    check_bytes("dx", fused, fused->at.dx, back.at.dx);
    if (has(words, "residual"))
        check_bytes("dother", fused, fused->at.dother, ahead.at.dy);
    CHECK(memcmp(fused->parameters, back.parameters, (size_t)fused->plan.numbers * sizeof(real)) ==
          0);
    CHECK(memcmp(fused->gradients, back.gradients, (size_t)fused->plan.parameters * sizeof(real)) ==
          0);
    norm_close(&ahead);
    norm_close(&back);
}

TEST("batch norm with a sum, a ReLU or both in one gives what they give one after another")
{
    for (size_t c = 0; c < COUNT_OF(chains); c++)
        for (size_t i = 0; i < COUNT_OF(sizes); i++) {
            struct norm_run fused;

            norm_open(&fused, chains[c], &sizes[i]);
            norm_draw(&fused, 5 + i);
            fused.shard_size = 2 + (int64_t)i % 2;
            check_fused(chains[c], &fused);
            CHECK_INT(fused.layers, layers[c]);
            CHECK(strncmp(fused.kernel, kernels[c], strlen(kernels[c])) == 0);
            norm_close(&fused);
        }
}

/* The sums differ in their last digits, and so may a number before it is rounded, once. */
static void check_rounded(const char *what, const struct norm_run *narrow, const void *got,
                          const void *wide)
{
    for (int64_t i = 0; i < narrow->size.samples * narrow->count; i++) {
        real is = bf16_widen(((const bf16 *)got)[i]), wanted = ((const real *)wide)[i];
        real off = (real)2e-6 * (1 + (real)fabs((double)wanted));

        if (!(is >= bf16_widen(bf16_round(wanted - off)) &&
              is <= bf16_widen(bf16_round(wanted + off))))
            FAIL("%s: %s[%d] is %g, not %g", narrow->kernel, what, (int)i, (double)is,
                 (double)wanted);
    }
}

static void check_close(const char *what, const real *got, const real *wanted, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        if (!(fabs((double)(got[i] - wanted[i])) <= 1e-6 + 1e-6 * fabs((double)wanted[i])))
            FAIL("%s[%d] is %g, not %g", what, (int)i, (double)got[i], (double)wanted[i]);
}

static void check_narrow(const char *words, struct norm_run *narrow)
{
    struct norm_run wide;

    open_like(&wide, words, narrow, NUMBER_REAL);
    norm_compute(narrow, 3);
    norm_compute(&wide, 3);
    check_rounded("y", narrow, narrow->at.y, wide.at.y);
    check_rounded("dx", narrow, narrow->at.dx, wide.at.dx);
    check_rounded("dother", narrow, narrow->at.dother, wide.at.dother);
    check_close("numbers", narrow->parameters, wide.parameters, wide.plan.numbers);
    check_close("gradients", narrow->gradients, wide.gradients, wide.plan.parameters);
    norm_close(&wide);
}

TEST("batch norm of bf16 reckons like that of reals and rounds once at the end, in training and in "
     "an evaluation")
{
    for (size_t c = 0; c < COUNT_OF(chains); c++)
        for (size_t i = 0; i < 2 * COUNT_OF(sizes); i++) {
            struct norm_size size = sizes[i / 2];
            struct norm_run narrow;

            size.number = NUMBER_BF16;
            norm_open(&narrow, chains[c], &size);
            norm_draw(&narrow, 7 + i);
            narrow.shard_size = 3;
            narrow.evaluate = i % 2 > 0;
            check_narrow(chains[c], &narrow);
            CHECK_INT(narrow.layers, layers[c]);
            norm_close(&narrow);
        }
}

TEST("batch norm gives the same whichever member of the team takes a shard")
{
    for (size_t c = 0; c < COUNT_OF(chains); c++)
        for (size_t i = 0; i < COUNT_OF(sizes); i++) {
            struct norm_run alone, shared;

            norm_open(&alone, chains[c], &sizes[i]);
            norm_draw(&alone, 9 + i);
            alone.shard_size = 2;
            open_like(&shared, chains[c], &alone, NUMBER_REAL);
            shared.members = 3;
            norm_compute(&alone, 3);
            norm_compute(&shared, 3);
            check_bytes("y", &alone, shared.at.y, alone.at.y);
            check_bytes("dx", &alone, shared.at.dx, alone.at.dx);
            check_bytes("dother", &alone, shared.at.dother, alone.at.dother);
            norm_close(&alone);
            norm_close(&shared);
        }
}
