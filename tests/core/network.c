/* Small specs for tests: see network.h. */
#include "tests/core/network.h"

#include "core/loss.h"
#include "tests/harness.h"

#include <stdlib.h>
#include <string.h>

enum { NETWORK_LAYERS = 64 };

static struct variant make(struct spec *spec, const struct kinds *kinds, const char *type)
{
    struct variant variant;
    const struct kind *kind = kinds_find(kinds, type);
    if (!kind || !variant_make(&spec->arena, kinds, kind, &variant))
        FAIL("no %s %s", kinds->noun, type);
    return variant;
}

struct spec *network_new(void)
{
    struct spec *spec = malloc(sizeof *spec);
    CHECK(spec != NULL);
    spec_init(spec);
    spec->run.seed = 1;
    memcpy(spec->dataset.name, "test", sizeof "test");
    spec->model.items = arena_take_array(&spec->arena, NETWORK_LAYERS, sizeof *spec->model.items);
    CHECK(spec->model.items != NULL);
    spec->optimizer = make(spec, &optimizer_kinds, "sgd");
    spec->lr_schedule = make(spec, &schedule_kinds, "constant");
    return spec;
}

void network_free(struct spec *spec)
{
    spec_drop(spec);
    free(spec);
}

void *network_layer(struct spec *spec, const char *type)
{
    CHECK(spec->model.count < NETWORK_LAYERS);
    spec->model.items[spec->model.count] = make(spec, &layer_kinds, type);
    return spec->model.items[spec->model.count++].options;
}

static void pair(int64_t out[2], int64_t value)
{
    out[0] = out[1] = value;
}

void network_conv2d(struct spec *spec, int64_t out_channels, int64_t kernel, int64_t stride,
                    int64_t padding)
{
    struct conv2d_options *options = network_layer(spec, "conv2d");
    options->out_channels = out_channels;
    pair(options->kernel_size, kernel);
    pair(options->stride, stride);
    pair(options->padding.pair, padding);
}

void network_max_pool2d(struct spec *spec, int64_t kernel, int64_t stride)
{
    struct pool2d_options *options = network_layer(spec, "max_pool2d");
    pair(options->kernel_size, kernel);
    pair(options->stride, stride);
}

void network_linear(struct spec *spec, int64_t out_features)
{
    ((struct linear_options *)network_layer(spec, "linear"))->out_features = out_features;
}

void network_lenet5(struct spec *spec, int64_t classes)
{
    network_conv2d(spec, 6, 5, 1, 2);
    network_layer(spec, "relu");
    network_max_pool2d(spec, 2, 2);
    network_conv2d(spec, 16, 5, 1, 0);
    network_layer(spec, "relu");
    network_max_pool2d(spec, 2, 2);
    network_layer(spec, "flatten");
    network_linear(spec, 120);
    network_layer(spec, "relu");
    network_linear(spec, 84);
    network_layer(spec, "relu");
    network_linear(spec, classes);
}

void *network_optimizer(struct spec *spec, const char *type)
{
    spec->optimizer = make(spec, &optimizer_kinds, type);
    return spec->optimizer.options;
}

void network_plan(struct spec *spec, const struct data_shape *data, struct plan *plan)
{
    struct error error = {.kind = ERROR_NONE};
    struct problems *problems = calloc(1, sizeof *problems);
    CHECK(problems != NULL);
    if (!spec_complete(spec, problems, &error) || !spec_settle(spec, data, NULL, &error) ||
        !plan_make(spec, data, plan, problems, NULL, &error))
        FAIL("%s: %s", error.where, error.text);
    if (problems->count > 0)
        FAIL("%s: %s", problems->items[0].pointer, problems->items[0].detail);
    free(problems);
}

struct trainer *network_trainer(const struct spec *spec, const struct plan *plan,
                                struct dataset *dataset, int threads, enum kernel_choice kernels)
{
    struct trainer_setup setup = {spec, plan, dataset, threads, kernels, NULL};
    struct trainer *trainer;
    struct error error = {.kind = ERROR_NONE};
    if (!trainer_new(&setup, &trainer, &error))
        FAIL("%s: %s", error.where, error.text);
    return trainer;
}
