/* Tests of completing a spec: what the user left out is filled in, wherever it stands. */
#include "tests/core/network.h"
#include "tests/harness.h"

#include <stdlib.h>
#include <string.h>

/* A list of one layer, of that type. */
static struct variants one(struct spec *spec, const char *type)
{
    struct variants list = {.count = 1};

    list.items = arena_take_array(&spec->arena, 1, sizeof *list.items);
    CHECK(list.items != NULL);
    if (!variant_make(&spec->arena, &layer_kinds, kinds_find(&layer_kinds, type), list.items))
        FAIL("no memory for a %s", type);
    return list;
}

static struct pool2d_options *pool_inside(struct variants *list)
{
    struct pool2d_options *options = list->items[0].options;

    options->kernel_size[0] = options->kernel_size[1] = 3;
    return options;
}

static void complete(struct spec *spec)
{
    struct problems *problems = calloc(1, sizeof *problems);
    struct error error = {.kind = ERROR_NONE};

    CHECK(problems && spec_complete(spec, problems, &error));
    CHECK_INT((int64_t)problems->count, 0);
    free(problems);
}

TEST("a layer's defaults that follow from its other options are filled in at any depth")
{
    struct spec *spec = network_new();
    struct residual_options *residual = network_layer(spec, "residual");
    struct pool2d_options *body, *branch;

    residual->body = one(spec, "max_pool2d");
    body = pool_inside(&residual->body);
    residual->shortcut = one(spec, "concat");
    struct concat_options *concat = residual->shortcut.items[0].options;
    struct variants branches[2] = {{NULL, 0}, one(spec, "avg_pool2d")};
    concat->branches = (struct variant_lists){branches, 2};
    branch = pool_inside(&branches[1]);
    CHECK_INT(body->stride[0], 0);
    complete(spec);
    CHECK_INT(body->stride[0], 3);
    CHECK_INT(branch->stride[1], 3);
    network_free(spec);
}

TEST("default kinds are filled in once, and chosen ones stay")
{
    struct spec *spec = network_new();

    network_layer(spec, "flatten");
    CHECK(!spec->loss.kind);
    complete(spec);
    CHECK_TEXT(spec->loss.kind->name, "cross_entropy");
    CHECK_TEXT(spec->lr_schedule.kind->name, "constant");
    const void *options = spec->lr_schedule.common;
    complete(spec);
    CHECK(spec->lr_schedule.common == options);
    network_free(spec);
}

/* `depth` residual layers inside each other, around an activation. */
static struct variants tower(struct spec *spec, int depth)
{
    struct variants list = one(spec, depth > 0 ? "residual" : "tanh");

    if (depth > 0)
        ((struct residual_options *)list.items[0].options)->body = tower(spec, depth - 1);
    return list;
}

TEST("layers as deep inside others as they may lie are planned, one deeper is a problem")
{
    static const struct data_shape data = {
        .sample = {1, 4, 4, 0}, .classes = 2, .train_samples = 8};
    for (int depth = LAYER_DEPTH_MAX; depth <= LAYER_DEPTH_MAX + 1; depth++) {
        struct problems *problems = calloc(1, sizeof *problems);
        struct error error = {.kind = ERROR_NONE};
        struct spec *spec = network_new();
        struct plan plan;

        CHECK(problems != NULL);
        spec->model = tower(spec, depth);
        complete(spec);
        CHECK(spec_settle(spec, &data, NULL, &error));
        CHECK(plan_make(spec, &data, &plan, problems, NULL, &error));
        /* The activation's images are no scores: the one problem of the smaller. */
        CHECK_INT((int64_t)problems->count, 1);
        bool deep = strstr(problems->items[0].detail, "nested more than") != NULL;
        CHECK_INT(deep, depth > LAYER_DEPTH_MAX);
        CHECK_INT(plan.layer_count, deep ? 0 : LAYER_DEPTH_MAX + 1);
        plan_drop(&plan);
        network_free(spec);
        free(problems);
    }
}

TEST("branches beside each other are not deeper than one of them")
{
    static const struct data_shape data = {
        .sample = {1, 4, 4, 0}, .classes = 64 * 16, .train_samples = 8};
    struct spec *spec = network_new();
    struct concat_options *concat = network_layer(spec, "concat");
    struct variants branches[LAYER_BRANCHES_MAX];
    struct plan plan;

    for (size_t i = 0; i < COUNT_OF(branches); i++)
        branches[i] = one(spec, "relu");
    concat->branches = (struct variant_lists){branches, COUNT_OF(branches)};
    network_layer(spec, "flatten");
    network_plan(spec, &data, &plan);
    CHECK_INT(plan.layer_count, LAYER_BRANCHES_MAX + 2);
    CHECK_INT(plan.layers[LAYER_BRANCHES_MAX].output.channels, LAYER_BRANCHES_MAX);
    plan_drop(&plan);
    network_free(spec);
}
