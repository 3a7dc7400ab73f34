/* Plan: shapes, counts, problems and warnings, against numbers worked out by hand. */
#include "core/layer.h"
#include "tests/core/network.h"
#include "tests/core/support.h"
#include "tests/core/support_job.h"
#include "tests/harness.h"

#include <stdlib.h>
#include <string.h>

static const struct data_shape fashion = {{1, 28, 28, 0}, 10, 60000, 10000};

TEST("LeNet-5 has the shapes, parameters and multiply-adds of the lecture")
{
    struct spec *spec = network_new();
    struct plan plan;
    network_lenet5(spec, 10);
    network_plan(spec, &fashion, &plan);

    CHECK_INT(plan.totals.learned, 61706);
    CHECK_INT(plan.layers[0].output.channels, 6);
    CHECK_INT(plan.layers[0].output.height, 28);
    CHECK_INT(plan.layers[2].output.width, 14);
    CHECK_INT(plan.layers[3].output.height, 10);
    CHECK_INT(plan.layers[6].output.channels, 400);
    CHECK_INT(plan.layers[6].output.flat, 1);
    CHECK_INT(plan.layers[0].parameters, 6 * (25 * 1 + 1));
    CHECK_INT(plan.layers[3].parameters, 16 * (25 * 6 + 1));
    CHECK_INT(plan.layers[0].multiply_adds, 25 * 6 * 28 * 28);
    CHECK_INT(plan.totals.multiply_adds, 117600 + 240000 + 48000 + 10080 + 840);
    CHECK_INT(plan.steps_per_epoch, 938);
    CHECK_INT(plan.steps, 938);
    plan_drop(&plan);
    network_free(spec);
}

TEST("tensors are named and shaped as in PyTorch's nn.Sequential, and begin on cache lines")
{
    struct spec *spec = network_new();
    struct plan plan;
    network_lenet5(spec, 10);
    network_plan(spec, &fashion, &plan);

    CHECK_INT(plan.tensor_count, 10);
    CHECK_TEXT(plan.tensors[0].name, "0.weight");
    CHECK_TEXT(plan.tensors[1].name, "0.bias");
    CHECK_TEXT(plan.tensors[2].name, "3.weight");
    CHECK_TEXT(plan.tensors[9].name, "11.bias");
    CHECK_INT(plan.tensors[2].rank, 4);
    CHECK_INT(plan.tensors[2].dims[0], 16);
    CHECK_INT(plan.tensors[2].dims[1], 6);
    CHECK_INT(plan.tensors[4].dims[1], 400);
    for (int i = 0; i < plan.tensor_count; i++)
        CHECK_INT(plan.tensors[i].offset % 16, 0);
    plan_drop(&plan);
    network_free(spec);
}

TEST("receptive fields grow by (k − 1) times the stride so far")
{
    struct spec *spec = network_new();
    struct plan plan;
    network_lenet5(spec, 10);
    network_plan(spec, &fashion, &plan);

    CHECK_INT(plan.layers[0].receptive_field[0], 5);
    CHECK_INT(plan.layers[2].receptive_field[0], 6);
    CHECK_INT(plan.layers[3].receptive_field[0], 14);
    CHECK_INT(plan.layers[5].receptive_field[0], 16);
    CHECK_INT(plan.layers[5].stride[0], 4);
    CHECK_INT(plan.layers[7].receptive_field[0], 0);
    plan_drop(&plan);
    network_free(spec);
}

TEST("a window's output is floor((H + 2p − k) / s) + 1, as counted by sliding it")
{
    for (int64_t size = 1; size <= 12; size++)
        for (int64_t kernel = 1; kernel <= 5; kernel++)
            for (int64_t stride = 1; stride <= 4; stride++)
                for (int64_t padding = 0; padding <= 3; padding++) {
                    int64_t count = 0;
                    for (int64_t at = -padding; at + kernel <= size + padding; at += stride)
                        count++;
                    CHECK_INT(window_output(&(struct sliding){size, kernel, stride, 1, padding,
                                                              padding, PADDING_ZEROS, false}),
                              count);
                }
}

/* The first window always counts when a part of it may stand out; a later one does when the one
 * before left something over and it begins inside the image or the padding before it. */
static int64_t count_with_ceil_mode(const struct sliding *w)
{
    int64_t count = 0, end = w->size + w->behind;
    for (int64_t at = -w->before; at + w->kernel - w->stride < end && at < w->size; at += w->stride)
        count++;
    return count;
}

TEST("with ceil_mode a last window that is not full counts, if it begins inside")
{
    for (int64_t size = 1; size <= 12; size++)
        for (int64_t kernel = 1; kernel <= 5; kernel++)
            for (int64_t stride = 1; stride <= 4; stride++)
                for (int64_t padding = 0; padding <= kernel / 2; padding++) {
                    const struct sliding w = {size,    kernel,  stride,        1,
                                              padding, padding, PADDING_ZEROS, true};
                    CHECK_INT(window_output(&w), count_with_ceil_mode(&w));
                }
}

TEST("adaptive pooling sees what its parts see, and everything when there is one part")
{
    const struct data_shape data = {{3, 14, 7, 0}, 4, 10, 0};
    struct spec *spec = network_new();
    struct adaptive_avg_pool2d_options *options;
    struct plan plan;

    network_conv2d(spec, 4, 3, 1, 1);
    options = network_layer(spec, "adaptive_avg_pool2d");
    options->output_size[0] = 7;
    options->output_size[1] = 3;
    options = network_layer(spec, "adaptive_avg_pool2d");
    options->output_size[0] = options->output_size[1] = 1;
    network_layer(spec, "flatten");
    network_plan(spec, &data, &plan);
    CHECK_INT(plan.layers[1].output.height, 7);
    CHECK_INT(plan.layers[1].output.width, 3);
    CHECK_INT(plan.layers[1].receptive_field[0], 4);
    CHECK_INT(plan.layers[1].receptive_field[1], 5);
    CHECK_INT(plan.layers[1].stride[0], 2);
    CHECK_INT(plan.layers[2].output.channels, 4);
    CHECK_INT(plan.layers[2].receptive_field[0], 0);
    plan_drop(&plan);
    network_free(spec);
}

TEST("the cut of a batch depends on the batch alone and covers it")
{
    for (int64_t batch = 1; batch <= 700; batch++) {
        struct spec *spec = network_new();
        struct plan plan;
        network_layer(spec, "flatten");
        network_linear(spec, 10);
        spec->run.batch_size = batch;
        network_plan(spec, &fashion, &plan);
        CHECK(plan.cut.shards * plan.cut.shard_size >= batch);
        CHECK((plan.cut.shards - 1) * plan.cut.shard_size < batch);
        plan_drop(&plan);
        network_free(spec);
    }
}

TEST("epochs, max_steps, limit and drop_last give the steps one counts by hand")
{
    struct spec *spec = network_new();
    struct plan plan;
    network_layer(spec, "flatten");
    network_linear(spec, 10);
    spec->run.epochs = 3;
    spec->dataset.limit = 1000;
    network_plan(spec, &fashion, &plan);
    CHECK_INT(plan.data.train_samples, 1000);
    CHECK_INT(plan.steps_per_epoch, 16); /* 15 × 64 + 40 */
    CHECK_INT(plan.steps, 48);
    plan_drop(&plan);

    spec->run.drop_last = true;
    network_plan(spec, &fashion, &plan);
    CHECK_INT(plan.steps_per_epoch, 15);
    CHECK_INT(plan.steps, 45);
    plan_drop(&plan);
    network_free(spec);
}

TEST("the cosine goes from lr to its minimum, per epoch or per step, as PyTorch computes it")
{
    struct spec *spec = network_new();
    struct plan plan;
    network_layer(spec, "flatten");
    network_linear(spec, 10);
    ((struct sgd_options *)spec->optimizer.options)->lr = 0.1;
    variant_from_words(&spec->arena, &schedule_kinds, "cosine eta_min=0.01", &spec->lr_schedule);
    spec->run.epochs = 4;
    network_plan(spec, &fashion, &plan);
    /* 0.01 + 0.045 (1 + cos(π e / 4)), e = 0 … 3 */
    CHECK_NEAR(plan_lr(spec, &plan, 1), 0.1, 1e-15);
    CHECK_NEAR(plan_lr(spec, &plan, 938), 0.1, 1e-15);
    CHECK_NEAR(plan_lr(spec, &plan, 939), 0.08681980515339464, 1e-14);
    CHECK_NEAR(plan_lr(spec, &plan, 2 * 938 + 1), 0.055, 1e-14);
    CHECK_NEAR(plan_lr(spec, &plan, 4 * 938), 0.023180194846605367, 1e-14);

    ((struct schedule_common *)spec->lr_schedule.common)->unit = UNIT_STEP;
    CHECK_NEAR(plan_lr(spec, &plan, 1 + 2 * 938), 0.055, 1e-14);
    CHECK(plan_lr(spec, &plan, 4 * 938) > 0.01);
    CHECK_NEAR(plan_lr(spec, &plan, 4 * 938), 0.01, 1e-3);
    plan_drop(&plan);
    network_free(spec);
}

TEST("the fingerprint changes with a shape, a name and the optimizer, and not with the rate")
{
    uint8_t prints[4][32];
    for (int i = 0; i < 4; i++) {
        struct spec *spec = network_new();
        struct plan plan;
        network_conv2d(spec, i == 1 ? 5 : 4, 3, 1, 1);
        network_layer(spec, "flatten");
        network_linear(spec, 10);
        if (i == 2)
            network_optimizer(spec, "adam");
        if (i == 3)
            ((struct sgd_options *)spec->optimizer.options)->lr = 0.5;
        network_plan(spec, &fashion, &plan);
        plan_fingerprint(spec, &plan, prints[i]);
        plan_drop(&plan);
        network_free(spec);
    }
    CHECK(memcmp(prints[0], prints[1], 32) != 0);
    CHECK(memcmp(prints[0], prints[2], 32) != 0);
    CHECK(memcmp(prints[0], prints[3], 32) == 0);
}

TEST("the memory that plan_bytes promises is what a trainer takes")
{
    struct spec *spec = network_new();
    struct plan plan;
    struct data_shape shape = {{1, 12, 12, 0}, 4, 64, 16};
    network_conv2d(spec, 7, 3, 1, 1);
    network_layer(spec, "relu");
    network_max_pool2d(spec, 2, 2);
    network_layer(spec, "flatten");
    network_linear(spec, 4);
    network_optimizer(spec, "adam");
    network_plan(spec, &shape, &plan);
    make_idx_dataset("data", &shape, 1);
    struct dataset *dataset = open_dataset("data");
    for (int threads = 1; threads <= 3; threads++) {
        struct trainer *trainer = network_trainer(spec, &plan, dataset, threads, KERNELS_BEST);
        CHECK_INT(plan_bytes(spec, &plan, threads), trainer_bytes(trainer));
        trainer_free(trainer);
    }
    dataset_release(dataset);
    plan_drop(&plan);
    network_free(spec);
}

/* A plan of one layer on 8 × 12 × 10 pixels. */
static void check_counts(const char *words, const struct plan_layer *wanted, int64_t fan_in)
{
    const struct data_shape data = {{8, 12, 10, 0}, 4, 10, 0};
    struct spec *spec = network_new();
    const struct plan_layer *layer;
    struct plan plan;

    network_layer(spec, "relu");
    variant_from_words(&spec->arena, &layer_kinds, words, &spec->model.items[0]);
    network_layer(spec, "flatten");
    network_linear(spec, 4);
    network_plan(spec, &data, &plan);
    layer = &plan.layers[0];
    CHECK_INT(layer->output.channels, wanted->output.channels);
    CHECK_INT(layer->output.height, wanted->output.height);
    CHECK_INT(layer->output.width, wanted->output.width);
    CHECK_INT(layer->parameters, wanted->parameters);
    CHECK_INT(layer->multiply_adds, wanted->multiply_adds);
    for (int axis = 0; axis < 2; axis++)
        CHECK_INT(layer->receptive_field[axis], wanted->receptive_field[axis]);
    CHECK_INT(plan.tensors[0].fan_in, fan_in);
    CHECK_INT(plan.tensors[0].fan_out, wanted->output.channels * 15);
    plan_drop(&plan);
    network_free(spec);
}

TEST("dilation, groups and weights that are not shared count as a textbook does")
{
    check_counts("conv2d out_channels=16 kernel_size=3,5 dilation=2,1",
                 &(struct plan_layer){.output = {16, 8, 6, 0},
                                      .parameters = 16 * (8 * 15 + 1),
                                      .multiply_adds = 16 * 8 * 6 * 8 * 15,
                                      .receptive_field = {5, 5}},
                 8 * 15);
    check_counts("conv2d out_channels=16 kernel_size=3,5 groups=4 padding=same",
                 &(struct plan_layer){.output = {16, 12, 10, 0},
                                      .parameters = 16 * (2 * 15 + 1),
                                      .multiply_adds = 16 * 12 * 10 * 2 * 15,
                                      .receptive_field = {3, 5}},
                 2 * 15);
    check_counts("conv2d out_channels=16 kernel_size=3,5 groups=8 bias=false stride=2 dilation=1,2",
                 &(struct plan_layer){.output = {16, 5, 1, 0},
                                      .parameters = 16 * 15,
                                      .multiply_adds = 16 * 5 * 15,
                                      .receptive_field = {3, 9}},
                 15);
    check_counts("locally_connected2d out_channels=6 kernel_size=3,5 padding=1,0 stride=3",
                 &(struct plan_layer){.output = {6, 4, 2, 0},
                                      .parameters = 6 * 4 * 2 * (8 * 15 + 1),
                                      .multiply_adds = 6 * 4 * 2 * 8 * 15,
                                      .receptive_field = {3, 5}},
                 8 * 15);
}

TEST("even kernels with \"same\" keep the size, the larger half of the padding behind")
{
    struct conv2d_options options = {.kernel_size = {2, 5},
                                     .stride = {1, 1},
                                     .dilation = {3, 2},
                                     .padding = {.choice = CONV2D_SAME}};
    struct sliding windows[2];

    conv2d_windows(&options, &(struct shape){1, 6, 7, 0}, windows);
    CHECK_INT(windows[0].before, 1);
    CHECK_INT(windows[0].behind, 2);
    CHECK_INT(windows[1].before, 4);
    CHECK_INT(windows[1].behind, 4);
    CHECK_INT(window_output(&windows[0]), 6);
    CHECK_INT(window_output(&windows[1]), 7);
}
