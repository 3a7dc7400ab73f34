/* Probe: see speed_probe.h. */
#include "core/speed_probe.h"

#include "core/optimizer.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

double probe_clock(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* One layer for a layer that holds layers. */
static bool give_layer(struct arena *arena, struct variants *list)
{
    list->count = 1;
    list->items = arena_take(arena, sizeof *list->items);
    return list->items && variant_make(arena, &layer_kinds, &layer_relu.kind, list->items);
}

static bool give_lists(struct arena *arena, struct variant_lists *lists)
{
    lists->count = 1;
    lists->items = arena_take(arena, sizeof *lists->items);
    return lists->items && give_layer(arena, lists->items);
}

/* Gives what must be given. */
static bool give_required(struct arena *arena, const struct variant *layer,
                          const struct probe_words *words)
{
    bool good = true;
    for (size_t i = 0; good && i < layer->kind->options.count; i++) {
        const struct field *field = &layer->kind->options.rows[i];
        int64_t *whole = field_at(field, layer->options);
        if (!(field->flags & FIELD_REQUIRED))
            continue;
        if (field->type == FIELD_INT)
            whole[0] = words->size;
        if (field->type == FIELD_PAIR)
            whole[0] = whole[1] = words->window;
        if (field->type == FIELD_VARIANTS)
            good = give_layer(arena, (struct variants *)whole);
        if (field->type == FIELD_VARIANT_LISTS)
            good = give_lists(arena, (struct variant_lists *)whole);
    }
    return good;
}

/* The layer, and flatten behind it. */
static bool make_spec(struct spec *spec, const struct probe_words *words, struct error *error)
{
    spec_init(spec);
    spec->model.items = arena_take_array(&spec->arena, 2, sizeof *spec->model.items);
    spec->model.count = 2;
    if (!spec->model.items ||
        !variant_make(&spec->arena, &layer_kinds, words->kind, &spec->model.items[0]) ||
        !variant_make(&spec->arena, &layer_kinds, &layer_flatten.kind, &spec->model.items[1]) ||
        !variant_make(&spec->arena, &optimizer_kinds, &optimizer_sgd.kind, &spec->optimizer) ||
        !give_required(&spec->arena, &spec->model.items[0], words))
        return error_set(error, ERROR_MEMORY, "speed", "no memory to try a layer");
    memcpy(spec->dataset.name, "probe", sizeof "probe"); /* a spec wants one */
    spec->run.seed = 1;
    spec->run.batch_size = words->samples;
    spec->run.precision = (int)words->precision;
    return true;
}

/* Plans for as many classes as come out, once that is known. */
static bool make_plan(struct probe *probe, const struct probe_words *words, bool *fits,
                      struct error *error)
{
    struct problems *problems = calloc(1, sizeof *problems);
    struct data_shape data = {words->sample, 2, words->samples, 0, false};
    bool good = problems && spec_complete(&probe->spec, problems, error) &&
                spec_settle(&probe->spec, &data, NULL, error);
    *fits = good && problems->count == 0;
    for (int round = 0; good && *fits && round < 2; round++) {
        plan_drop(&probe->plan);
        problems->count = 0;
        good = plan_make(&probe->spec, &data, &probe->plan, problems, NULL, error);
        *fits = good && probe->plan.layer_count > 1 && (round == 0 || problems->count == 0);
        if (*fits) {
            probe->layer = &probe->plan.layers[probe->plan.layer_count - 2];
            data.classes = shape_elements(&probe->layer->output);
        }
    }
    if (!problems)
        error_set(error, ERROR_MEMORY, "speed", "no memory to try a layer");
    free(problems);
    return good;
}

static bool make_op(struct probe *probe, const struct probe_words *words, struct error *error)
{
    const struct op_setup setup = {.plan = &probe->plan,
                                   .layer = probe->layer,
                                   .cut.shard_size = words->samples,
                                   .cut.shards = 1,
                                   .cut.members = 1,
                                   .cut.keepers = 1,
                                   .block = words->x.block,
                                   .number = words->x.number,
                                   .precision = words->precision,
                                   .want_dx = true,
                                   .memory = &probe->memory,
                                   .failed = &probe->failed};
    struct block *memory = &probe->memory;
    struct op *op = &probe->op;
    if (!kernels_make(&setup, words->kernels, op, error))
        return false;
    block_reserve(memory, &probe->parameters, probe->plan.numbers, sizeof(real));
    block_reserve(memory, &probe->gradients, probe->plan.numbers, sizeof(real));
    block_reserve(memory, &probe->x, words->samples * op->x.count, number_size(op->x.number));
    block_reserve(memory, &probe->y, words->samples * op->y.count, number_size(op->y.number));
    block_reserve(memory, &probe->dx, words->samples * op->x.count, number_size(op->x.number));
    block_reserve(memory, &probe->dy, words->samples * op->y.count, number_size(op->y.number));
    if (!block_take(memory, error))
        return false;
    if (op->traits & OP_IN_PLACE) {
        probe->y = probe->x;
        probe->dx = probe->dy;
    }
    return true;
}

bool probe_make(struct probe *probe, const struct probe_words *words, struct error *error)
{
    bool fits = false;
    memset(probe, 0, sizeof *probe);
    probe->samples = words->samples;
    return make_spec(&probe->spec, words, error) && make_plan(probe, words, &fits, error) && fits &&
           make_op(probe, words, error);
}

void probe_drop(struct probe *probe)
{
    if (probe->op.drop)
        probe->op.drop(&probe->op);
    block_drop(&probe->memory);
    plan_drop(&probe->plan);
    spec_drop(&probe->spec);
}

/* Numbers as a network has them: of both signs, none too small to be quick. */
static void fill(enum number number, void *values, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        number_put(number, values, i, (real)(2 * (i * 7 % 16) - 15) / 16);
}

static void pass(struct probe *probe, struct op_call *call)
{
    struct op *op = &probe->op;
    const struct op_whole whole = {probe->samples, 1};
    struct op_gather gather = {.samples = probe->samples,
                               .shards = 1,
                               .x = probe->x,
                               .dy = probe->dy,
                               .gradients = probe->gradients};
    if (op->pack)
        op->pack(op, probe->parameters);
    if (op->barrier) {
        op->barrier->collect(op, call);
        op->barrier->combine(op, &whole);
    }
    op->forward(op, call);
    if (op->barrier) {
        op->barrier->collect_back(op, call);
        op->barrier->combine_back(op, &whole);
    }
    op->backward(op, call);
    for (gather.task = 0; gather.task < op->gather_tasks; gather.task++)
        op->gather(op, &gather);
}

double probe_run(struct probe *probe)
{
    /* Every source is the one x: joins only read them, and write gradients that nobody wants. */
    const void *xs[LAYER_BRANCHES_MAX + 1];
    void *dxs[LAYER_BRANCHES_MAX + 1];
    struct op_call call = {.samples = probe->samples,
                           .train = true,
                           .x = probe->x,
                           .y = probe->y,
                           .dx = probe->dx,
                           .dy = probe->dy,
                           .xs = xs,
                           .dxs = dxs};
    for (int i = 0; i < probe->layer->source_count; i++) {
        xs[i] = probe->x;
        dxs[i] = probe->dx;
    }
    fill(NUMBER_REAL, probe->parameters, probe->plan.numbers);
    fill(probe->op.x.number, probe->x, probe->samples * probe->op.x.count);
    fill(probe->op.y.number, probe->dy, probe->samples * probe->op.y.count);
    double start = probe_clock();
    pass(probe, &call);
    return probe_clock() - start;
}
