/* Convolutions: the fast kernels against the reference on random shapes and options, what serves
 * which of them, true convolution, and weights that are not shared. */
#include "tests/harness.h"

#include "core/kernels.h"
#include "core/layer.h"
#include "tests/core/support_conv2d.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TEST_SLOW("conv2d of random shapes and options: the best kernel computes what the reference does",
          240)
{
    compare_many(roll_conv2d, 1500);
}

TEST_SLOW("locally_connected2d of random shapes and options gives the same in any shards", 120)
{
    compare_many(roll_locally_connected2d, 200);
}

/* A layer with inputs, weights and gradients drawn from `seed`. */
static void open_drawn(struct layer_run *run, const char *words, const struct shape *input,
                       int64_t samples)
{
    layer_open(run, words, input, samples);
    fill_parameters(&run->plan, 1, 1, run->parameters);
    fill_symmetric(run->x, samples * run->x_count, 2, 0);
    fill_symmetric(run->dy, samples * run->y_count, 2, 1);
}

/* Each kernel of the weight turned by 180°. */
static void turn(const struct plan_tensor *tensor, const real *from, real *to)
{
    int64_t taps = tensor->dims[2] * tensor->dims[3];

    for (int64_t i = 0; i < tensor->count; i++)
        to[i / taps * taps + taps - 1 - i % taps] = from[i];
}

static void check_flip(const char *words, const struct layer_way *way)
{
    const struct shape input = {6, 7, 9, 0};
    struct layer_run flipped, plain;
    const struct plan_tensor *weight;
    char longer[200];
    real *turned;

    snprintf(longer, sizeof(longer), "%s flip_kernel=true", words);
    open_drawn(&flipped, longer, &input, 5);
    open_drawn(&plain, words, &input, 5);
    weight = &plain.plan.tensors[0];
    turn(weight, flipped.parameters + weight->offset, plain.parameters + weight->offset);
    CHECK(memcmp(flipped.parameters, plain.parameters, (size_t)weight->count * sizeof(real)) != 0);
    layer_compute(&flipped, way);
    layer_compute(&plain, way);
    turned = calloc((size_t)weight->count, sizeof(*turned));
    CHECK(turned != NULL);
    turn(weight, flipped.gradients + weight->offset, turned);
    /* The reference sums over the taps in the order of the weights, which is the other way round.
     */
    for (int64_t i = 0; i < 5 * plain.y_count; i++)
        CHECK(fabs((double)(flipped.y[i] - plain.y[i])) < 1e-5);
    for (int64_t i = 0; i < 5 * plain.x_count; i++)
        CHECK(fabs((double)(flipped.dx[i] - plain.dx[i])) < 1e-5);
    check_numbers("the weight's gradient", turned, plain.gradients + weight->offset, weight->count);
    check_numbers("the bias's gradient", flipped.gradients + flipped.plan.tensors[1].offset,
                  plain.gradients + plain.plan.tensors[1].offset, plain.plan.tensors[1].count);
    free(turned);
    layer_close(&flipped);
    layer_close(&plain);
}

TEST("true convolution, flip_kernel, is cross-correlation with the kernel turned by 180°")
{
    static const char *const words[] = {
        "conv2d out_channels=4 kernel_size=3", "conv2d out_channels=4 kernel_size=2,3 padding=same",
        "conv2d out_channels=6 kernel_size=4 groups=6 padding=1,2 padding_mode=circular",
        "conv2d out_channels=4 kernel_size=3,1 groups=2 stride=2 dilation=2,1 padding=1"};

    for (size_t i = 0; i < COUNT_OF(words); i++) {
        check_flip(words[i], &(struct layer_way){KERNELS_BEST, 2, 1, true});
        check_flip(words[i], &(struct layer_way){KERNELS_REFERENCE, 5, 1, true});
    }
}

TEST("a flipped kernel reads its last weight first")
{
    struct layer_run run;

    layer_open(&run, "conv2d out_channels=1 kernel_size=1,3 bias=false flip_kernel=true",
               &(struct shape){1, 1, 4, 0}, 1);
    memcpy(run.x, (const real[]){1, 10, 100, 1000}, 4 * sizeof(real));
    memcpy(run.parameters, (const real[]){1, 2, 3}, 3 * sizeof(real));
    layer_compute(&run, &(struct layer_way){KERNELS_BEST, 1, 1, true});
    check_numbers("y", run.y, (const real[]){123, 1230}, 2);
    layer_close(&run);
}

/* ---- what serves what ---- */

static const struct served {
    const char *words;
    int64_t channels;
    const char *kernel; /* a part of its name */
} served[] = {
    {"conv2d out_channels=32 kernel_size=3 padding=1 groups=32", 32, "jit_dw"},
    {"conv2d out_channels=64 kernel_size=3 padding=1 groups=64", 64, "jit_dw"},
    {"conv2d out_channels=256 kernel_size=3 padding=same groups=256", 256, "jit_dw"},
    {"conv2d out_channels=37 kernel_size=3 padding=1 groups=37", 37, "jit_dw"},
    {"conv2d out_channels=64 kernel_size=3 stride=2 padding=1 groups=64 flip_kernel=true", 64,
     "jit_dw"},
    {"conv2d out_channels=48 kernel_size=3 padding=1 groups=48 padding_mode=reflect", 48, "jit_dw"},
    {"conv2d out_channels=64 kernel_size=3 padding=1 groups=4", 32, "oneDNN jit:"},
    {"conv2d out_channels=64 kernel_size=3 padding=1 groups=16", 32, "oneDNN jit:"},
    {"conv2d out_channels=64 kernel_size=3 padding=1 groups=32", 32, "oneDNN jit:"},
    {"conv2d out_channels=20 kernel_size=3 padding=1 groups=5", 10, "oneDNN jit:"},
    {"conv2d out_channels=32 kernel_size=3 padding=2", 16, "oneDNN jit:"},
    {"conv2d out_channels=32 kernel_size=3 padding=same padding_mode=circular", 16, "padded"},
};

TEST("groups and padding modes stay in blocks of channels: the vector kernels serve them")
{
    if (strstr(kernels_describe(KERNELS_BEST), "oneDNN, AVX") == NULL)
        SKIP("%s", kernels_describe(KERNELS_BEST));
    for (size_t i = 0; i < COUNT_OF(served); i++) {
        struct layer_run run;

        layer_open(&run, served[i].words, &(struct shape){served[i].channels, 9, 10, 0}, 3);
        run.block = 16;
        layer_compute(&run, &(struct layer_way){KERNELS_BEST, 2, 1, true});
        if (strstr(run.kernel, served[i].kernel) == NULL || strstr(run.kernel, "oneDNN") == NULL)
            FAIL("%s is served by \"%s\"", served[i].words, run.kernel);
        layer_close(&run);
    }
}

/* ---- the last bit ---- */

static const char *const kept_words[] = {
    "conv2d out_channels=12 kernel_size=3 padding=same groups=3 padding_mode=reflect",
    "conv2d out_channels=6 kernel_size=3 padding=2 dilation=2 groups=6",
    "conv2d out_channels=12 kernel_size=2 stride=2 padding_mode=circular padding=1 "
    "flip_kernel=true",
    "locally_connected2d out_channels=5 kernel_size=3 padding=1 padding_mode=replicate",
};

TEST("outputs and input gradients of convolutions are the same to the bit for any shard and member")
{
    for (size_t i = 0; i < COUNT_OF(kept_words) * 2; i++) {
        enum kernel_choice kernels = i % 2 == 0 ? KERNELS_BEST : KERNELS_REFERENCE;
        struct layer_run whole, cut;

        open_drawn(&whole, kept_words[i / 2], &(struct shape){6, 8, 7, 0}, 11);
        open_drawn(&cut, kept_words[i / 2], &(struct shape){6, 8, 7, 0}, 11);
        layer_compute(&whole, &(struct layer_way){kernels, 11, 1, true});
        for (int64_t shard = 1; shard < 11; shard++) {
            layer_compute(&cut, &(struct layer_way){kernels, shard, 1 + (int)shard % 3, true});
            check_numbers("y", cut.y, whole.y, 11 * whole.y_count);
            check_numbers("dx", cut.dx, whole.dx, 11 * whole.x_count);
            /* Its weights are no matter of shards at all. */
            if (strstr(kept_words[i / 2], "locally") != NULL)
                check_numbers("the gradient", cut.gradients, whole.gradients,
                              whole.plan.parameters);
        }
        layer_close(&whole);
        layer_close(&cut);
    }
}

TEST("the weight gradients of a cut batch are the same to the bit, whichever thread takes a shard")
{
    for (size_t i = 0; i < COUNT_OF(kept_words) * 2; i++) {
        enum kernel_choice kernels = i % 2 == 0 ? KERNELS_BEST : KERNELS_REFERENCE;
        struct layer_run one, other;

        open_drawn(&one, kept_words[i / 2], &(struct shape){6, 8, 7, 0}, 11);
        open_drawn(&other, kept_words[i / 2], &(struct shape){6, 8, 7, 0}, 11);
        for (int members = 1; members <= 4; members++) {
            layer_compute(members == 1 ? &one : &other,
                          &(struct layer_way){kernels, 2, members, true});
            if (members > 1)
                check_numbers("the gradient", other.gradients, one.gradients, one.plan.parameters);
        }
        layer_close(&one);
        layer_close(&other);
    }
}

/* Forward and backward of one shard of two images with room for as many samples. */
static void run_shard(struct op *op, real *x, real *y, int64_t samples)
{
    struct op_call call = {.samples = samples, .train = true, .x = x, .y = y, .dy = y};

    op->forward(op, &call);
    for (int64_t i = 0; i < 2 * op->y.count; i++)
        y[i] = i < samples * op->y.count; /* dy, of missing samples zero */
    op->backward(op, &call);
}

TEST("a shard that is not full does not learn from what a diverged step left in memory")
{
    struct block memory = {0};
    struct error error = {0};
    struct layer_run run;
    struct op op;
    real *x, *y;

    open_drawn(&run, "conv2d out_channels=16 kernel_size=3 padding=1 padding_mode=reflect",
               &(struct shape){16, 4, 4, 0}, 2);
    const struct op_setup setup = {.plan = &run.plan,
                                   .layer = run.plan.layers,
                                   .cut.shard_size = 2,
                                   .cut.shards = 1,
                                   .cut.members = 1,
                                   .cut.keepers = 1,
                                   .block = 16,
                                   .memory = &memory};
    kernels_greet_thread();
    CHECK(kernels_make(&setup, KERNELS_BEST, &op, &error) && block_take(&memory, &error));
    x = calloc((size_t)(2 * op.x.count), sizeof(*x));
    y = calloc((size_t)(2 * op.y.count), sizeof(*y));
    CHECK(x != NULL && y != NULL);
    op.pack(&op, run.parameters);
    for (int64_t i = 0; i < 2 * op.x.count; i++)
        x[i] = (real)NAN;
    run_shard(&op, x, y, 2);
    memset(x, 0, (size_t)(2 * op.x.count) * sizeof(*x));
    run_shard(&op, x, y, 1);
    op.gather(&op, &(struct op_gather){.samples = 1, .shards = 1, .gradients = run.gradients});
    for (int64_t i = 0; i < run.plan.parameters; i++)
        CHECK(isfinite(run.gradients[i]));
    op.drop(&op);
    block_drop(&memory);
    free(x);
    free(y);
    layer_close(&run);
}

/* ---- weights that are not shared ---- */

/* The weights of filter f at every pixel become those of a conv2d's filter f. */
static void share(const struct layer_run *shared, struct layer_run *local)
{
    const struct plan_tensor *to = local->plan.tensors, *from = shared->plan.tensors;
    int64_t pixels = to[1].count / from[1].count, k = from[0].count / from[1].count;

    for (int64_t i = 0; i < to[0].count; i++)
        local->parameters[to[0].offset + i] =
            shared->parameters[from[0].offset + i / (pixels * k) * k + i % k];
    for (int64_t i = 0; i < to[1].count; i++)
        local->parameters[to[1].offset + i] = shared->parameters[from[1].offset + i / pixels];
}

TEST(
    "locally_connected2d with the same weights at every pixel is conv2d, whose gradient is the sum")
{
    static const char options[] =
        "out_channels=3 kernel_size=3,2 stride=2,1 padding=1 dilation=1,2";
    const struct layer_way way = {KERNELS_BEST, 3, 2, true};
    const struct shape input = {4, 7, 6, 0};
    struct layer_run shared, local;
    char words[200];
    int64_t pixels, k;

    snprintf(words, sizeof(words), "conv2d %s", options);
    open_drawn(&shared, words, &input, 7);
    snprintf(words, sizeof(words), "locally_connected2d %s", options);
    open_drawn(&local, words, &input, 7);
    share(&shared, &local);
    layer_compute(&shared, &way);
    layer_compute(&local, &way);
    pixels = local.y_count / 3;
    k = shared.plan.tensors[0].count / 3;
    for (int64_t i = 0; i < 7 * local.y_count; i++)
        CHECK(fabs((double)(local.y[i] - shared.y[i])) < 1e-5);
    for (int64_t i = 0; i < 7 * local.x_count; i++)
        CHECK(fabs((double)(local.dx[i] - shared.dx[i])) < 1e-5);
    for (int64_t i = 0; i < shared.plan.tensors[0].count; i++) {
        double sum = 0;

        for (int64_t pixel = 0; pixel < pixels; pixel++)
            sum += (double)local.gradients[(i / k * pixels + pixel) * k + i % k];
        CHECK(fabs(sum - (double)shared.gradients[i]) < 1e-4);
    }
    layer_close(&shared);
    layer_close(&local);
}

/* Samples of one number each, three times as many as one matrix product takes. */
TEST("locally_connected2d sums its weight gradient over all samples of a large batch")
{
    struct layer_run run;

    layer_open(&run, "locally_connected2d out_channels=1 kernel_size=1",
               &(struct shape){1, 1, 2, 0}, 50);
    for (int i = 0; i < 100; i++) {
        run.x[i] = (real)(i % 2 + 1);
        run.dy[i] = 1;
    }
    layer_compute(&run, &(struct layer_way){KERNELS_REFERENCE, 7, 1, true});
    check_numbers("weight", run.gradients + run.plan.tensors[0].offset, (const real[]){50, 100}, 2);
    check_numbers("bias", run.gradients + run.plan.tensors[1].offset, (const real[]){50, 50}, 2);
    layer_close(&run);
}
