/* Support for tests: one op of batch normalization. */
#include "tests/core/support_norm.h"

#include "core/kernels.h"
#include "core/layer.h"
#include "core/optimizer.h"
#include "tests/core/support_layer.h"
#include "tests/core/support_words.h"
#include "tests/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *zeros(int64_t count, size_t size)
{
    void *values = calloc((size_t)count + 1, size);

    CHECK(values != NULL);
    return values;
}

static void plan_words(struct norm_run *run, const char *words)
{
    const struct data_shape data = {run->size.shape, 2, run->size.samples, 0};
    struct problems problems = {0};
    struct error error = {0};

    spec_init(&run->spec);
    snprintf(run->spec.dataset.name, sizeof(run->spec.dataset.name), "test");
    layers_from_words(&run->spec.arena, words, &run->spec.model);
    variant_from_words(&run->spec.arena, &optimizer_kinds, "sgd", &run->spec.optimizer);
    if (!spec_complete(&run->spec, &problems, &error) ||
        !spec_settle(&run->spec, &data, NULL, &error) ||
        !plan_make(&run->spec, &data, &run->plan, &problems, NULL, &error))
        FAIL("%s", error.text);
}

void norm_open(struct norm_run *run, const char *words, const struct norm_size *size)
{
    void **arrays[] = {&run->at.x, &run->at.other, &run->at.dy,
                       &run->at.y, &run->at.dx,    &run->at.dother};

    memset(run, 0, sizeof(*run));
    run->size = *size;
    run->shard_size = size->samples;
    run->members = 1;
    run->count = op_count(&size->shape, size->block);
    plan_words(run, words);
    run->parameters = zeros(run->plan.numbers, sizeof(real));
    run->gradients = zeros(run->plan.parameters, sizeof(real));
    for (size_t i = 0; i < COUNT_OF(arrays); i++)
        *arrays[i] = zeros(run->size.samples * run->count, number_size(run->size.number));
}

void norm_close(struct norm_run *run)
{
    void *arrays[] = {run->at.x,  run->at.other,  run->at.dy,      run->at.y,
                      run->at.dx, run->at.dother, run->parameters, run->gradients};

    for (size_t i = 0; i < COUNT_OF(arrays); i++)
        free(arrays[i]);
    plan_drop(&run->plan);
    spec_drop(&run->spec);
}

static void draw(const struct norm_run *run, void *array, uint64_t seed, uint32_t epoch)
{
    int64_t all = run->size.samples * run->count,
            pixels = run->size.shape.height * run->size.shape.width;
    real *drawn = zeros(all, sizeof(*drawn));

    fill_symmetric(drawn, all, seed, epoch);
    for (int64_t i = 0; i < all; i++) {
        int64_t group = i % run->count / (pixels * run->size.block);
        bool exists = group * run->size.block + i % run->size.block < run->size.shape.channels;

        number_put(run->size.number, array, i, exists ? drawn[i] : 0);
    }
    free(drawn);
}

void norm_draw(struct norm_run *run, uint64_t seed)
{
    fill_parameters(&run->plan, seed, 1, run->parameters);
    draw(run, run->at.x, seed, 0);
    draw(run, run->at.other, seed, 1);
    draw(run, run->at.dy, seed, 2);
}

void norm_widen(const struct norm_run *from, struct norm_run *to)
{
    CHECK(from->count == to->count && from->size.samples == to->size.samples);
    memcpy(to->parameters, from->parameters, (size_t)from->plan.numbers * sizeof(real));
    for (int64_t i = 0; i < from->size.samples * from->count; i++) {
        number_put(to->size.number, to->at.x, i, number_get(from->size.number, from->at.x, i));
        number_put(to->size.number, to->at.other, i,
                   number_get(from->size.number, from->at.other, i));
        number_put(to->size.number, to->at.dy, i, number_get(from->size.number, from->at.dy, i));
    }
}

/* ---- computing ---- */

enum phase { COLLECT, FORWARD, COLLECT_BACK, BACKWARD };

static void run_shard(struct norm_run *run, struct op *op, enum phase phase, struct op_call *call)
{
    int64_t at = call->first * run->count * (int64_t)number_size(run->size.number);
    const void *xs[] = {(char *)run->at.x + at, (char *)run->at.other + at};
    void *dxs[] = {(char *)run->at.dx + at, (char *)run->at.dother + at};

    call->train = !run->evaluate;
    call->xs = xs;
    call->dxs = dxs;
    call->x = xs[0];
    call->dx = dxs[0];
    call->y = (char *)run->at.y + at;
    call->dy = (char *)run->at.dy + at;
    if (phase == COLLECT)
        op->barrier->collect(op, call);
    else if (phase == FORWARD)
        op->forward(op, call);
    else if (phase == COLLECT_BACK)
        op->barrier->collect_back(op, call);
    else
        op->backward(op, call);
}

/* The members take turns, and take other shards in other phases. */
static void run_phase(struct norm_run *run, struct op *op, enum phase phase)
{
    for (int64_t first = 0; first < run->size.samples; first += run->shard_size) {
        int64_t left = run->size.samples - first, shard = first / run->shard_size;
        int member = (int)((shard + (int64_t)phase) % run->members);
        struct op_call call = {.samples = left < run->shard_size ? left : run->shard_size,
                               .shard = (int)shard,
                               .member = member,
                               .keeper = member,
                               .first = first};

        run_shard(run, op, phase, &call);
    }
}

static void run_passes(struct norm_run *run, struct op *op)
{
    const struct op_whole whole = {run->size.samples,
                                   (run->size.samples + run->shard_size - 1) / run->shard_size};
    struct op_gather gather = {
        .samples = whole.samples, .shards = whole.shards, .gradients = run->gradients};

    op->pack(op, run->parameters);
    if (run->evaluate) {
        run_phase(run, op, FORWARD);
        return;
    }
    run_phase(run, op, COLLECT);
    op->barrier->combine(op, &whole);
    run_phase(run, op, FORWARD);
    run_phase(run, op, COLLECT_BACK);
    op->barrier->combine_back(op, &whole);
    run_phase(run, op, BACKWARD);
    for (; gather.task < op->gather_tasks; gather.task++)
        op->gather(op, &gather);
    op->barrier->commit(op, run->parameters);
}

void norm_compute(struct norm_run *run, int chain)
{
    struct block memory = {0};
    struct error error = {0};
    struct op op = {0};
    const struct op_setup setup = {
        .plan = &run->plan,
        .layer = &run->plan.layers[0],
        .cut.shard_size = run->shard_size,
        .cut.shards = (run->size.samples + run->shard_size - 1) / run->shard_size,
        .cut.members = run->members,
        .cut.keepers = run->members,
        .block = run->size.block,
        .number = run->size.number,
        .precision = run->size.number == NUMBER_BF16 ? PRECISION_BF16 : PRECISION_FP32,
        .chain = chain,
        .want_dx = true,
        .memory = &memory};

    if (!kernels_make(&setup, KERNELS_BEST, &op, &error) || !block_take(&memory, &error))
        FAIL("%s", error.text);
    CHECK_INT(op.x.block, run->size.block);
    CHECK_INT(op.x.number, run->size.number);
    CHECK_INT(op.y.number, run->size.number);
    snprintf(run->kernel, sizeof(run->kernel), "%s", op.kernel);
    run->layers = op.layers;
    run_passes(run, &op);
    op.drop(&op);
    block_drop(&memory);
}
