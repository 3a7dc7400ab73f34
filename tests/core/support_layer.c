/* Support for tests: one op with its buffers. */
#include "tests/core/support_layer.h"

#include "core/kernels.h"
#include "core/layer.h"
#include "core/optimizer.h"
#include "core/rng.h"
#include "tests/core/support_job.h"
#include "tests/harness.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static real *zeros(int64_t count)
{
    real *values = calloc((size_t)count + 1, sizeof(*values));

    CHECK(values != NULL);
    return values;
}

/* Plans the layer; its problems are the caller's matter, but for one. */
static void plan_alone(struct layer_run *run, const char *words, const struct shape *input,
                       struct problems *problems)
{
    const struct data_shape data = {*input, 2, run->samples, 0};
    struct error error = {0};

    spec_init(&run->spec);
    snprintf(run->spec.dataset.name, sizeof(run->spec.dataset.name), "test");
    run->spec.model.items = arena_take(&run->spec.arena, sizeof(*run->spec.model.items));
    run->spec.model.count = 1;
    variant_from_words(&run->spec.arena, &layer_kinds, words, run->spec.model.items);
    variant_from_words(&run->spec.arena, &optimizer_kinds, "sgd", &run->spec.optimizer);
    if (!spec_complete(&run->spec, problems, &error) || problems->count > 0 ||
        !spec_settle(&run->spec, &data, NULL, &error) ||
        !plan_make(&run->spec, &data, &run->plan, problems, NULL, &error))
        FAIL("%s", error.text);
    /* One layer alone seldom ends in class scores; that is the plan's last remark and no matter
     * here. */
    if (problems->count == 1 && strstr(problems->items[0].detail, "the last layer gives") != NULL)
        problems->count = 0;
}

bool layer_try(struct layer_run *run, const char *words, const struct shape *input, int64_t samples)
{
    struct problems problems = {0};

    memset(run, 0, sizeof(*run));
    run->samples = samples;
    plan_alone(run, words, input, &problems);
    if (problems.count > 0)
        return false;
    run->x_count = shape_elements(input);
    run->y_count = shape_elements(&run->plan.layers[0].output);
    run->parameters = zeros(run->plan.numbers);
    run->gradients = zeros(run->plan.parameters);
    run->x = zeros(samples * run->x_count);
    run->dx = zeros(samples * run->x_count);
    run->y = zeros(samples * run->y_count);
    run->dy = zeros(samples * run->y_count);
    return true;
}

void layer_open(struct layer_run *run, const char *words, const struct shape *input,
                int64_t samples)
{
    if (!layer_try(run, words, input, samples))
        FAIL("%s cannot be planned", words);
}

void layer_close(struct layer_run *run)
{
    real *all[] = {run->parameters, run->gradients, run->x, run->dx, run->y, run->dy};

    for (size_t i = 0; i < COUNT_OF(all); i++)
        free(all[i]);
    plan_drop(&run->plan);
    spec_drop(&run->spec);
}

/* An array in a layout of the op's. */
struct images {
    struct layout layout;
    int64_t count; /* numbers of one sample */
    unsigned char *numbers;
};

static struct images images_new(struct layout layout, int64_t count, int64_t samples)
{
    struct images images = {layout, count, NULL};

    images.numbers = calloc((size_t)(samples * count) + 1, number_size(layout.number));
    CHECK(images.numbers != NULL);
    return images;
}

static void *sample(const struct images *images, int64_t n)
{
    return images->numbers + n * images->count * (int64_t)number_size(images->layout.number);
}

/* Plain (channels, pixels) to or from (channels / block, pixels, block). */
static void to_block(const struct shape *shape, const real *plain, const struct images *images,
                     int64_t n)
{
    int64_t pixels = shape->height * shape->width, block = images->layout.block;

    for (int64_t c = 0; c < shape->channels; c++)
        for (int64_t p = 0; p < pixels; p++)
            number_put(images->layout.number, sample(images, n),
                       c / block * pixels * block + p * block + c % block, plain[c * pixels + p]);
}

static void from_block(const struct shape *shape, const struct images *images, int64_t n,
                       real *plain)
{
    int64_t pixels = shape->height * shape->width, block = images->layout.block;

    for (int64_t c = 0; c < shape->channels; c++)
        for (int64_t p = 0; p < pixels; p++)
            plain[c * pixels + p] = number_get(images->layout.number, sample(images, n),
                                               c / block * pixels * block + p * block + c % block);
}

/* Channels that only fill up a block stay zero: convolutions would learn from them otherwise. */
static void check_missing(const char *what, const struct shape *shape, const struct images *images,
                          int64_t n)
{
    int64_t pixels = shape->height * shape->width, block = images->layout.block;
    int64_t used = shape->channels % block, last = shape->channels / block * pixels * block;

    for (int64_t p = 0; used > 0 && p < pixels; p++)
        for (int64_t lane = used; lane < block; lane++) {
            real value =
                number_get(images->layout.number, sample(images, n), last + p * block + lane);

            if (value != 0)
                FAIL("%s has %g in a channel that does not exist", what, (double)value);
        }
}

/* The whole batch in the op's own layouts. An op that works in place has y == x and dx == dy. */
struct buffers {
    struct images x, y, dy, dx;
};

enum phase { COLLECT, FORWARD, COLLECT_BACK, BACKWARD, BOTH };

static void run_phase(struct op *op, struct op_call *call, enum phase phase)
{
    if (phase == COLLECT)
        op->barrier->collect(op, call);
    if (phase == FORWARD || phase == BOTH)
        op->forward(op, call);
    if (phase == COLLECT_BACK)
        op->barrier->collect_back(op, call);
    /* What lies behind the last samples may have been written; the backward pass must find zeros in
     * dy. */
    if (phase == BACKWARD || phase == BOTH)
        op->backward(op, call);
}

static void run_shards(struct op *op, const struct buffers *all, const struct layer_way *way,
                       const struct layer_run *run, enum phase phase)
{
    for (int64_t first = 0; first < run->samples; first += way->shard_size) {
        int64_t left = run->samples - first;
        struct op_call call = {.samples = left < way->shard_size ? left : way->shard_size,
                               .shard = (int)(first / way->shard_size),
                               .member = (int)(first / way->shard_size) % way->members,
                               .keeper = (int)(first / way->shard_size) % way->members,
                               .train = !run->evaluate,
                               .epoch = run->draws.epoch,
                               .first = first,
                               .x = sample(&all->x, first),
                               .y = sample(&all->y, first),
                               .dy = sample(&all->dy, first)};

        call.dx = way->want_dx ? sample(&all->dx, first) : NULL;
        run_phase(op, &call, phase);
    }
}

/* A barrier op's shards meet on the way, in training. */
static void run_passes(struct op *op, const struct buffers *all, const struct layer_way *way,
                       const struct layer_run *run)
{
    const struct op_whole whole = {run->samples,
                                   (run->samples + way->shard_size - 1) / way->shard_size};

    if (op->barrier == NULL || run->evaluate) {
        run_shards(op, all, way, run, op->barrier == NULL ? BOTH : FORWARD);
        return;
    }
    run_shards(op, all, way, run, COLLECT);
    op->barrier->combine(op, &whole);
    run_shards(op, all, way, run, FORWARD);
    run_shards(op, all, way, run, COLLECT_BACK);
    op->barrier->combine_back(op, &whole);
    run_shards(op, all, way, run, BACKWARD);
}

static struct buffers buffers_new(const struct op *op, int64_t room)
{
    const struct layout x = {op->x.block, op->x.number}, y = {op->y.block, op->y.number};
    bool apart = !(op->traits & OP_IN_PLACE);
    struct buffers all = {.x = images_new(x, op->x.count, room),
                          .dy = images_new(y, op->y.count, room)};

    all.y = apart ? images_new(y, op->y.count, room) : all.x;
    all.dx = apart ? images_new(x, op->x.count, room) : all.dy;
    return all;
}

static void buffers_drop(struct buffers *all)
{
    if (all->y.numbers != all->x.numbers)
        free(all->y.numbers);
    if (all->dx.numbers != all->dy.numbers)
        free(all->dx.numbers);
    free(all->x.numbers);
    free(all->dy.numbers);
}

static void run_op(struct layer_run *run, struct op *op, const struct layer_way *way)
{
    const struct plan_layer *layer = &run->plan.layers[0];
    int64_t shards = (run->samples + way->shard_size - 1) / way->shard_size, n;
    struct buffers all = buffers_new(op, shards * way->shard_size);
    struct op_gather gather = {.samples = run->samples,
                               .shards = shards,
                               .x = all.x.numbers,
                               .dy = all.dy.numbers,
                               .gradients = run->gradients};

    for (n = 0; n < run->samples; n++) {
        to_block(&layer->input, run->x + n * run->x_count, &all.x, n);
        to_block(&layer->output, run->dy + n * run->y_count, &all.dy, n);
    }
    if (op->pack != NULL)
        op->pack(op, run->parameters);
    for (int task = 0; task < op->pack_tasks; task++)
        op->pack_part(op, run->parameters, task);
    run_passes(op, &all, way, run);
    for (gather.task = 0; gather.task < op->gather_tasks; gather.task++) {
        gather.member = gather.task % way->members;
        op->gather(op, &gather);
    }
    if (op->barrier != NULL && !run->evaluate)
        op->barrier->commit(op, run->parameters);
    for (n = 0; n < run->samples; n++) {
        check_missing("y", &layer->output, &all.y, n);
        from_block(&layer->output, &all.y, n, run->y + n * run->y_count);
        if (way->want_dx)
            check_missing("dx", &layer->input, &all.dx, n);
        if (way->want_dx)
            from_block(&layer->input, &all.dx, n, run->dx + n * run->x_count);
    }
    buffers_drop(&all);
}

void layer_compute(struct layer_run *run, const struct layer_way *way)
{
    struct block memory = {0};
    struct error error = {0};
    struct op op = {0};
    const struct op_setup setup = {
        .plan = &run->plan,
        .layer = &run->plan.layers[0],
        .cut.shard_size = way->shard_size,
        .cut.shards = (run->samples + way->shard_size - 1) / way->shard_size,
        .cut.members = way->members,
        .cut.keepers = way->members,
        .block = run->block > 0 ? run->block : 1,
        .precision = run->spec.run.precision,
        .number = run->spec.run.precision == PRECISION_BF16 ? NUMBER_BF16 : NUMBER_REAL,
        .want_dx = way->want_dx,
        .seed = run->draws.seed,
        .memory = &memory};

    kernels_greet_thread();
    if (!kernels_make(&setup, way->kernels, &op, &error) || !block_take(&memory, &error))
        FAIL("%s", error.text);
    snprintf(run->kernel, sizeof(run->kernel), "%s", op.kernel);
    run_op(run, &op, way);
    if (op.drop != NULL)
        op.drop(&op);
    block_drop(&memory);
}

void fill_symmetric(real *values, int64_t count, uint64_t seed, uint32_t epoch)
{
    const struct rng rng = {seed, RNG_SYNTHETIC, epoch};

    for (int64_t i = 0; i < count; i++)
        values[i] = (real)(float)(2 * rng_uniform(&rng, (uint64_t)i) - 1);
}

void fill_parameters(const struct plan *plan, uint64_t seed, double factor, real *parameters)
{
    for (int i = 0; i < plan->tensor_count; i++) {
        const struct plan_tensor *tensor = &plan->tensors[i];
        const struct rng rng = {seed, RNG_WEIGHTS | (uint32_t)i << 8, 0};
        double bound = tensor->fan_in > 0 ? 1 / sqrt((double)tensor->fan_in) : 1;

        for (int64_t k = 0; k < tensor->count; k++) {
            double drawn = tensor->learned ? (2 * rng_uniform(&rng, (uint64_t)k) - 1) * bound
                                           : tensor->fill / factor;
            float value = (float)drawn;

            parameters[tensor->offset + k] = (real)(factor * (double)value);
        }
    }
}
