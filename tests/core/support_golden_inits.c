/* Support for tests: golden initial weights, and the fans of planned layers. */
#include "tests/core/support_golden.h"

#include "core/init.h"
#include "tests/core/support_golden_file.h"
#include "tests/core/support_job.h"
#include "tests/core/support_layer.h"
#include "tests/harness.h"

#include <stdio.h>

enum { NUMBERS_MAX = 256, INIT_KINDS_MAX = 64 };

/* One block of the file on its way. */
struct block_read {
    char words[200];
    struct arena arena;
    struct variant init;
    struct plan_tensor tensor;
    uint64_t number;
    bool seen[INIT_KINDS_MAX];
};

static void begin_block(struct block_read *block, const char *words)
{
    snprintf(block->words, sizeof(block->words), "%s", words);
    variant_from_words(&block->arena, &init_kinds, words, &block->init);
    block->tensor = (struct plan_tensor){.name = "weight", .init = &block->init, .count = 1};
    for (size_t i = 0; i < init_kinds.count; i++)
        block->seen[i] |= block->init.kind == init_kinds.rows[i];
}

static void read_dims(struct block_read *block, char *text)
{
    double dims[PLAN_RANK_MAX];

    block->tensor.rank = (int)golden_numbers(text, dims, PLAN_RANK_MAX);
    for (int i = 0; i < block->tensor.rank; i++) {
        block->tensor.dims[i] = (int64_t)dims[i];
        block->tensor.count *= block->tensor.dims[i];
    }
}

static void read_fans(struct block_read *block, char *text)
{
    double fans[2];

    CHECK_INT(golden_numbers(text, fans, 2), 2);
    block->tensor.fan_in = (int64_t)fans[0];
    block->tensor.fan_out = (int64_t)fans[1];
}

static void check_block(struct block_read *block, char *text,
                        const struct golden_tolerance *tolerance)
{
    const struct rng rng = {block->number++, RNG_WEIGHTS, 0};
    struct error error = {0};
    real values[NUMBERS_MAX];

    CHECK(block->tensor.count <= NUMBERS_MAX);
    if (!init_tensor(&block->tensor, &rng, values, &error))
        FAIL("%s: %s", block->words, error.text);
    check_golden_values(block->words, values, text, tolerance);
}

/* The fans that the plan gives a layer's weight. */
static void check_fans(const char *words, const char *shape, char *text)
{
    const struct shape input = {golden_value(shape, "channels"), golden_value(shape, "height"),
                                golden_value(shape, "width"), (int)golden_value(shape, "flat")};
    struct layer_run run;
    double fans[2];

    golden_numbers(text, fans, 2);
    layer_open(&run, words, &input, 1);
    CHECK_TEXT(run.plan.tensors[0].name, "0.weight");
    CHECK_INT(run.plan.tensors[0].fan_in, (int64_t)fans[0]);
    CHECK_INT(run.plan.tensors[0].fan_out, (int64_t)fans[1]);
    layer_close(&run);
}

void check_golden_inits(const struct golden_tolerance *tolerance)
{
    struct block_read block = {0};
    struct golden golden;
    char layer[200] = "", shape[200] = "", *rest;

    CHECK(init_kinds.count <= INIT_KINDS_MAX);
    golden_open(&golden, "inits.txt");
    while (golden_next(&golden)) {
        if ((rest = golden_rest(&golden, "init")) != NULL)
            begin_block(&block, rest);
        else if ((rest = golden_rest(&golden, "dims")) != NULL)
            read_dims(&block, rest);
        else if ((rest = golden_rest(&golden, "fans")) != NULL)
            read_fans(&block, rest);
        else if ((rest = golden_rest(&golden, "values")) != NULL)
            check_block(&block, rest, tolerance);
        else if ((rest = golden_rest(&golden, "layer")) != NULL)
            snprintf(layer, sizeof(layer), "%s", rest);
        else if ((rest = golden_rest(&golden, "shape")) != NULL)
            snprintf(shape, sizeof(shape), "%s", rest);
        else if ((rest = golden_rest(&golden, "planned")) != NULL)
            check_fans(layer, shape, rest);
    }
    CHECK(layer[0] != '\0');
    for (size_t i = 0; i < init_kinds.count; i++)
        if (!block.seen[i])
            FAIL("inits.txt has no %s", init_kinds.rows[i]->name);
    golden_close(&golden);
    arena_drop(&block.arena);
}
