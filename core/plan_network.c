/* Planning a network: walks the layers, and the layers inside layers, by the rows of their options.
 * Knows no layer by name. */
#include "core/plan_network.h"

#include "core/init.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Slices of the flat arrays begin on a cache line, so that ranges of them never share one. */
enum { TENSOR_ALIGN = 16, TENSORS_PER_LAYER = 4 };

/* Above these a job cannot fit anywhere this program runs; they keep all later products inside
 * int64_t. */
#define ACTIVATION_LIMIT ((int64_t)1 << 31)
#define PARAMETER_LIMIT ((int64_t)1 << 31)

/* A chain of layers: "5.body" and what its first layer reads. */
struct chain {
    const struct variants *layers;
    const char *path, *pointer; /* "" and "/model" at the top */
    int depth;
    int source; /* what it begins with: a layer, or −1 for the data */
};

/* What a list of layers needs room for, all that they hold included. */
struct room {
    size_t layers;
    int depth, deepest; /* of the list, and of what lies deepest in it */
};

/* Saturates at the limit instead of overflowing: the caller reports what reaches it. */
static int64_t product_capped(const int64_t *factors, int count, int64_t limit)
{
    int64_t product = 1;
    for (int i = 0; i < count; i++)
        if (__builtin_mul_overflow(product, factors[i], &product) || product > limit)
            return limit + 1;
    return product;
}

/* Text made in the plan's arena; "" when memory is gone, which plan_make notices. */
PRINTF_LIKE(2, 3) static const char *text(struct layer_planning *planning, const char *format, ...)
{
    char *made = NULL;
    va_list list;
    va_start(list, format);
    int length = vasprintf(&made, format, list);
    va_end(list);
    char *kept = length < 0 ? NULL : arena_copy_text(&planning->plan->arena, made);
    if (length >= 0)
        free(made);
    planning->memory_gone |= kept == NULL;
    return kept ? kept : "";
}

/* The options' key of how a tensor begins: the row that it points into. */
static const char *init_key(const struct plan_layer *layer, const struct variant *init)
{
    const struct fields *options = &layer->kind->options;
    for (size_t i = 0; i < options->count; i++)
        if (options->rows[i].kinds == &init_kinds &&
            field_at(&options->rows[i], layer->options) == init)
            return options->rows[i].name;
    return "";
}

static void check_init(struct layer_planning *planning, const struct plan_tensor *tensor)
{
    char pointer[sizeof planning->problems->items[0].pointer];
    if (!tensor->init)
        return;
    snprintf(pointer, sizeof pointer, "%s", planning->layer->pointer);
    pointer_push(pointer, sizeof pointer, init_key(planning->layer, tensor->init));
    init_check(tensor, pointer, planning->problems);
}

void plan_tensor_add(struct layer_planning *planning, const char *suffix,
                     const struct plan_tensor *wanted)
{
    struct plan *plan = planning->plan;
    struct plan_tensor *tensor = &plan->tensors[plan->tensor_count++];
    *tensor = *wanted;
    tensor->name = text(planning, "%s.%s", planning->layer->path, suffix);
    tensor->count = product_capped(tensor->dims, tensor->rank, PARAMETER_LIMIT);
    planning->layer->tensors++;
    if (plan->numbers + tensor->count > PARAMETER_LIMIT) {
        problem_add(planning->problems, planning->layer->pointer,
                    "the network would have more than %lld parameters", (long long)PARAMETER_LIMIT);
        tensor->count = 0;
    }
    plan->numbers += (tensor->count + TENSOR_ALIGN - 1) / TENSOR_ALIGN * TENSOR_ALIGN;
    check_init(planning, tensor);
    if (!tensor->learned)
        return;
    planning->layer->parameters += tensor->count;
    plan->totals.learned += tensor->count;
}

/* What is learned comes first, so that gradients and optimizer state need room for nothing else. */
static void place_tensors(struct plan *plan)
{
    plan->numbers = 0;
    for (int learned = 1; learned >= 0; learned--) {
        for (int i = 0; i < plan->tensor_count; i++) {
            struct plan_tensor *tensor = &plan->tensors[i];
            if (tensor->learned != learned)
                continue;
            tensor->offset = plan->numbers;
            plan->numbers += (tensor->count + TENSOR_ALIGN - 1) / TENSOR_ALIGN * TENSOR_ALIGN;
        }
        if (learned)
            plan->parameters = plan->numbers;
    }
}

static bool too_big(const struct shape *shape)
{
    return product_capped((int64_t[]){shape->channels, shape->height, shape->width}, 3,
                          ACTIVATION_LIMIT) > ACTIVATION_LIMIT;
}

/* Calls visit for every chain that the options of a layer hold, in the order of the rows. */
typedef bool chain_visit(void *context, const struct field *field, const struct variants *chain,
                         int64_t index);

static bool visit_chains(const struct variant *layer, chain_visit *visit, void *context)
{
    const struct fields *options = &layer->kind->options;
    for (size_t i = 0; i < options->count; i++) {
        const struct field *field = &options->rows[i];
        const void *value = layer->options ? field_at(field, layer->options) : NULL;
        if (field->kinds != &layer_kinds)
            continue;
        if (field->type == FIELD_VARIANTS && !visit(context, field, value, -1))
            return false;
        const struct variant_lists *lists = value;
        for (size_t k = 0; field->type == FIELD_VARIANT_LISTS && k < lists->count; k++)
            if (!visit(context, field, &lists->items[k], (int64_t)k))
                return false;
    }
    return true;
}

static bool add_room(void *context, const struct field *field, const struct variants *chain,
                     int64_t index);

static struct room count_room(const struct variants *chain, int depth)
{
    struct room room = {.depth = depth, .deepest = depth};
    for (size_t i = 0; i < chain->count && depth <= LAYER_DEPTH_MAX; i++) {
        struct room inside = {.depth = depth, .deepest = depth};
        if (chain->items[i].kind)
            visit_chains(&chain->items[i], add_room, &inside);
        room.layers += inside.layers + 1;
        room.deepest = inside.deepest > room.deepest ? inside.deepest : room.deepest;
    }
    return room;
}

static bool add_room(void *context, const struct field *field, const struct variants *chain,
                     int64_t index)
{
    struct room *room = context, inside = count_room(chain, room->depth + 1);
    (void)field;
    (void)index;
    room->layers += inside.layers;
    room->deepest = inside.deepest > room->deepest ? inside.deepest : room->deepest;
    return true;
}

const struct shape *plan_source_shape(const struct layer_planning *planning, int index)
{
    const struct plan *plan = planning->plan;
    int source = planning->layer->sources[index];
    return source < 0 ? &plan->data.sample : &plan->layers[source].output;
}

/* Where an input is looked at from: the widest field of all sources, 0 (everything) being the
 * widest. */
static void look_through(const struct plan *plan, struct plan_layer *layer)
{
    for (int axis = 0; axis < 2; axis++) {
        layer->receptive_field[axis] = layer->stride[axis] = 1;
        for (int i = 0; i < layer->source_count; i++) {
            int source = layer->sources[i];
            int64_t field = source < 0 ? 1 : plan->layers[source].receptive_field[axis];
            int64_t stride = source < 0 ? 1 : plan->layers[source].stride[axis];
            bool all = layer->receptive_field[axis] == 0 || field == 0;
            if (field > layer->receptive_field[axis])
                layer->receptive_field[axis] = field;
            if (all)
                layer->receptive_field[axis] = 0;
            if (stride > layer->stride[axis])
                layer->stride[axis] = stride;
        }
    }
}

/* The chains of one layer on their way to being planned. */
struct joining {
    struct layer_planning *planning;
    const struct chain *outer;
    const char *path, *pointer;
    int source;
    int *ends;
    int count;
};

static bool plan_chain(struct layer_planning *planning, const struct chain *chain, int *end);

static bool plan_inner(void *context, const struct field *field, const struct variants *layers,
                       int64_t index)
{
    struct joining *joining = context;
    struct layer_planning *planning = joining->planning;
    bool listed = index >= 0;
    struct chain chain = {
        .layers = layers, .depth = joining->outer->depth + 1, .source = joining->source};
    chain.path = listed ? text(planning, "%s.%s.%lld", joining->path, field->name, (long long)index)
                        : text(planning, "%s.%s", joining->path, field->name);
    chain.pointer =
        listed ? text(planning, "%s/%s/%lld", joining->pointer, field->name, (long long)index)
               : text(planning, "%s/%s", joining->pointer, field->name);
    return plan_chain(planning, &chain, &joining->ends[joining->count++]);
}

/* Plans the layer itself, all that it holds being planned. */
static bool plan_layer_itself(struct layer_planning *planning, const struct variant *variant,
                              const struct joining *joining)
{
    struct plan *plan = planning->plan;
    struct plan_layer *layer = &plan->layers[plan->layer_count];
    int *sources = arena_take_array(&plan->arena, (size_t)joining->count, sizeof *sources);

    if (!sources) {
        planning->memory_gone = true;
        return false;
    }
    memcpy(sources, joining->ends, (size_t)joining->count * sizeof *sources);

    *layer = (struct plan_layer){.kind = variant->kind,
                                 .options = variant->options,
                                 .path = joining->path,
                                 .pointer = joining->pointer,
                                 .sources = sources,
                                 .source_count = joining->count,
                                 .first_tensor = plan->tensor_count};
    planning->layer = layer;
    layer->input = *plan_source_shape(planning, 0);
    look_through(plan, layer);
    ((const struct layer_kind *)layer->kind)->plan(planning);
    plan->layer_count++;
    if (too_big(&layer->output)) {
        problem_add(planning->problems, layer->pointer,
                    "one sample's output would have more than %lld numbers",
                    (long long)ACTIVATION_LIMIT);
        return false;
    }
    if (__builtin_add_overflow(plan->totals.multiply_adds, layer->multiply_adds,
                               &plan->totals.multiply_adds))
        plan->totals.multiply_adds = INT64_MAX;
    return !planning->lost;
}

static bool plan_one(struct layer_planning *planning, const struct chain *chain, size_t index,
                     int *end)
{
    const struct variant *variant = &chain->layers->items[index];
    int ends[LAYER_BRANCHES_MAX + 1] = {*end};
    struct joining joining = {
        .planning = planning,
        .outer = chain,
        .path = chain->depth ? text(planning, "%s.%zu", chain->path, index)
                             : text(planning, "%zu", index),
        .pointer = text(planning, "%s/%zu", chain->pointer, index),
        .source = *end,
        .ends = ends,
    };
    if (!visit_chains(variant, plan_inner, &joining))
        return false;
    if (joining.count == 0)
        joining.count = 1; /* it holds none: it reads what is before it */
    if (!plan_layer_itself(planning, variant, &joining))
        return false;
    *end = planning->plan->layer_count - 1;
    return true;
}

static bool plan_chain(struct layer_planning *planning, const struct chain *chain, int *end)
{
    *end = chain->source;
    for (size_t i = 0; i < chain->layers->count; i++)
        if (!plan_one(planning, chain, i, end))
            return false;
    return true;
}

static bool take(struct plan *plan, const struct room *room)
{
    plan->layers = arena_take_array(&plan->arena, room->layers, sizeof *plan->layers);
    plan->tensors =
        arena_take_array(&plan->arena, room->layers * TENSORS_PER_LAYER, sizeof *plan->tensors);
    return plan->layers && plan->tensors;
}

bool plan_network(struct layer_planning *planning, const struct variants *model)
{
    struct chain chain = {.layers = model, .path = "", .pointer = "/model", .source = -1};
    struct room room = count_room(model, 0);
    int end = -1;
    if (room.deepest > LAYER_DEPTH_MAX || room.layers > LAYERS_MAX) {
        problem_add(planning->problems, chain.pointer,
                    room.deepest > LAYER_DEPTH_MAX
                        ? "layers are nested more than %d deep"
                        : "more than %d layers in all, those inside others included",
                    room.deepest > LAYER_DEPTH_MAX ? LAYER_DEPTH_MAX : LAYERS_MAX);
        return false;
    }
    if (!take(planning->plan, &room)) {
        planning->memory_gone = true;
        return false;
    }
    bool whole = model->count > 0 && plan_chain(planning, &chain, &end);
    place_tensors(planning->plan);
    return whole;
}
