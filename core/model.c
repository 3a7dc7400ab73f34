/* Model: makes the graph of ops from a plan. See model.h; model_buffers.c reckons the memory
 * between them, model_pass.c runs it. */
#include "core/layer.h"
#include "core/model_state.h"

#include <stdlib.h>

static int edge_add(struct model *model, const struct edge *edge)
{
    model->edges[model->edge_count] = *edge;
    return model->edge_count++;
}

static int readers(const struct plan *plan, int value)
{
    int count = value == plan->layer_count - 1; /* the loss */
    for (int i = 0; i < plan->layer_count; i++)
        for (int k = 0; k < plan->layers[i].source_count; k++)
            count += plan->layers[i].sources[k] == value;
    return count;
}

/* ---- chains ---- */

/* Whether layer `next` reads the one before it, alone, and else only what lies before `first`. */
static bool continues(const struct plan *plan, int first, int next)
{
    const struct plan_layer *layer = &plan->layers[next];
    bool reads = false;
    for (int i = 0; i < layer->source_count; i++) {
        if (layer->sources[i] != next - 1 && layer->sources[i] >= first)
            return false;
        reads |= layer->sources[i] == next - 1;
    }
    return reads && readers(plan, next - 1) == 1;
}

static int chain_length(const struct plan *plan, int first)
{
    int length = 1;
    while (first + length < plan->layer_count && continues(plan, first, first + length))
        length++;
    return length;
}

/* What layers first … first + layers − 1 read from outside, in op_call's order. */
struct outside {
    int values[2 * LAYER_BRANCHES_MAX];
    int count;
};

static struct outside look_outside(const struct plan *plan, int first, int layers)
{
    struct outside outside = {.count = 0};
    for (int i = first; i < first + layers; i++)
        for (int k = 0; k < plan->layers[i].source_count; k++)
            if (i == first || plan->layers[i].sources[k] != i - 1)
                outside.values[outside.count++] = plan->layers[i].sources[k];
    return outside;
}

/* Whether something with weights lies in these layers or before them. */
static bool reaches_weights(const struct model *model, int first, int layers)
{
    const struct plan *plan = model->setup.plan;
    struct outside outside = look_outside(plan, first, layers);
    for (int i = first; i < first + layers; i++)
        if (plan->layers[i].parameters > 0)
            return true;
    for (int i = 0; i < outside.count; i++)
        if (model->edges[model->value_edge[outside.values[i] + 1]].want_gradient)
            return true;
    return false;
}

static bool barrier_behind(const struct plan *plan, int index)
{
    for (int i = index + 1; i < plan->layer_count; i++)
        if (((const struct layer_kind *)plan->layers[i].kind)->whole_batch)
            return true;
    return false;
}

/* Appends a node whose op and inputs are known; makes the edge it writes, unless it works in place.
 */
static void node_finish(struct model *model, struct node *node, bool want_gradient, bool kept)
{
    const struct op *op = &node->op;
    if (op->barrier)
        model->segments++;
    node->segment = model->segments - 1;
    node->y = model->inputs[node->first_input].edge;
    if (!(op->traits & OP_IN_PLACE))
        node->y = edge_add(model, &(struct edge){.count = op->y.count,
                                                 .layout = {op->y.block, op->y.number},
                                                 .original = -1,
                                                 .want_gradient = want_gradient});
    model->edges[node->y].kept |= kept || (op->traits & OP_READS_Y);
    model->node_count++;
}

static bool same_layout(struct layout a, struct layout b)
{
    return a.block == b.block && a.number == b.number;
}

/* The output of a layer, or for −1 the data, in that layout: the edge it is on, a conversion that
 * is there already, or a new one. −1 when memory is gone. */
static int value_in(struct model *model, int value, struct layout layout, struct error *error)
{
    const struct plan *plan = model->setup.plan;
    const struct shape *shape = value < 0 ? &plan->data.sample : &plan->layers[value].output;
    int from = model->value_edge[value + 1];
    const struct edge *edge = &model->edges[from];
    if (same_layout(edge->layout, layout))
        return from;
    for (int i = 0; i < model->edge_count; i++)
        if (model->edges[i].original == from && same_layout(model->edges[i].layout, layout))
            return i;
    struct node *node = &model->nodes[model->node_count];
    *node = (struct node){.first_input = model->input_count, .inputs = 1};
    if (!layout_make(shape, edge->layout, layout, &node->op, error))
        return -1;
    model->inputs[model->input_count++] = (struct input){.edge = from};
    node_finish(model, node, edge->want_gradient, edge->kept);
    model->edges[node->y].original = from;
    return node->y;
}

/* Brings what the node reads into the layout that its op wants. */
static bool link_inputs(struct model *model, struct node *node, struct error *error)
{
    const struct plan *plan = model->setup.plan;
    struct outside outside = look_outside(plan, node->layer, node->layers);
    int edges[COUNT_OF(outside.values)];
    const struct layout layout = {node->op.x.block, node->op.x.number};
    for (int i = 0; i < outside.count; i++) {
        edges[i] = value_in(model, outside.values[i], layout, error);
        if (edges[i] < 0)
            return false;
    }
    node->first_input = model->input_count;
    node->inputs = outside.count;
    for (int i = 0; i < outside.count; i++)
        model->inputs[model->input_count++] = (struct input){.edge = edges[i]};
    return true;
}

/* A join in place on an input that wants no gradient would have none for its others, which may. */
static bool joins_late(const struct plan_layer *layer, const struct edge *first)
{
    return layer->source_count > 1 && !first->want_gradient;
}

/* The op of plan layer `index`, and of layers behind it when one kernel computes several. */
static bool op_of(struct model *model, int index, struct op *op, struct error *error)
{
    const struct plan *plan = model->setup.plan;
    const struct plan_layer *layer = &plan->layers[index];
    const struct edge *first = &model->edges[model->value_edge[layer->sources[0] + 1]];
    int64_t keepers = barrier_behind(plan, index) ? plan->cut.shards : model->setup.threads;
    struct op_setup setup = {.plan = plan,
                             .layer = layer,
                             .cut.shard_size = plan->cut.shard_size,
                             .cut.shards = plan->cut.shards,
                             .cut.members = model->setup.threads,
                             .cut.keepers = (int)keepers,
                             .block = first->layout.block,
                             .number = first->layout.number,
                             .precision = model->setup.spec->run.precision,
                             .chain = chain_length(plan, index),
                             .want_dx = first->want_gradient || layer->source_count > 1,
                             .keep_x = first->kept || joins_late(layer, first),
                             .seed = (uint64_t)model->setup.spec->run.seed,
                             .memory = &model->block,
                             .failed = &model->run->failed,
                             .dry = model->setup.dry};
    return kernels_make(&setup, model->setup.kernels, op, error);
}

/* Adds the node of plan layer `index`, with conversions before it where its kernel wants another
 * layout. Returns how many layers it computes; 0 when it failed. */
static int node_add(struct model *model, int index, struct error *error)
{
    const struct plan *plan = model->setup.plan;
    struct node node = {.layer = index, .by_shard = barrier_behind(plan, index)};
    if (!op_of(model, index, &node.op, error))
        return 0;
    node.layers = node.op.layers > 1 ? node.op.layers : 1;
    if (!link_inputs(model, &node, error)) {
        if (node.op.drop)
            node.op.drop(&node.op);
        return 0;
    }
    int last = index + node.layers - 1;
    model->nodes[model->node_count] = node;
    node_finish(model, &model->nodes[model->node_count], reaches_weights(model, index, node.layers),
                readers(plan, last) > 1);
    model->value_edge[last + 1] = model->nodes[model->node_count - 1].y;
    return node.layers;
}

/* ---- making and dropping ---- */

/* Every source may need a conversion before it, and the loss one. */
static bool take_lists(struct model *model)
{
    const struct plan *plan = model->setup.plan;
    size_t sources = 0;
    for (int i = 0; i < plan->layer_count; i++)
        sources += (size_t)plan->layers[i].source_count;
    size_t nodes = (size_t)plan->layer_count + sources + 1;
    model->nodes = calloc(nodes + 1, sizeof *model->nodes);
    model->edges = calloc(nodes + 1, sizeof *model->edges);
    model->inputs = calloc(nodes + sources + 1, sizeof *model->inputs);
    model->value_edge = calloc((size_t)plan->layer_count + 1, sizeof *model->value_edge);
    model->first_node = calloc((size_t)plan->layer_count + 2, sizeof *model->first_node);
    model->run = calloc(1, sizeof *model->run);
    return model->nodes && model->edges && model->inputs && model->value_edge &&
           model->first_node && model->run;
}

static bool build(struct model *model, struct error *error)
{
    const struct plan *plan = model->setup.plan;
    model->segments = 1;
    edge_add(model, &(struct edge){.count = shape_elements(&plan->data.sample),
                                   .layout = {1, NUMBER_REAL},
                                   .original = -1,
                                   .kept = readers(plan, -1) > 1});
    for (int i = 0, layers = 0; i < plan->layer_count; i += layers) {
        layers = node_add(model, i, error);
        if (layers == 0)
            return false;
    }
    model->loss_edge =
        value_in(model, plan->layer_count - 1, (struct layout){1, NUMBER_REAL}, error);
    if (model->loss_edge < 0)
        return false;
    for (int i = model->node_count - 1; i >= 0; i--)
        model->first_node[model->nodes[i].segment] = i;
    model->first_node[model->segments] = model->node_count;
    return model_reserve(model, error);
}

bool model_make(const struct model_setup *setup, struct model **out, struct error *error)
{
    struct model *model = calloc(1, sizeof *model);

    kernels_greet_thread();
    *out = NULL;
    if (model)
        model->setup = *setup;
    if (!model || !take_lists(model)) {
        model_free(model);
        return error_set(error, ERROR_MEMORY, "model", "no memory for %d layers",
                         setup->plan->layer_count);
    }
    if (!build(model, error)) {
        model_free(model);
        return false;
    }
    *out = model;
    return true;
}

void model_free(struct model *model)
{
    if (!model)
        return;
    for (int i = 0; i < model->node_count; i++)
        if (model->nodes[i].op.drop)
            model->nodes[i].op.drop(&model->nodes[i].op);
    block_drop(&model->block);
    free(model->nodes);
    free(model->edges);
    free(model->inputs);
    free(model->value_edge);
    free(model->first_node);
    free(model->run);
    free(model);
}

struct block *model_block(struct model *model)
{
    return &model->block;
}

bool model_take(struct model *model, struct error *error)
{
    return block_take(&model->block, error);
}

const char *model_kernel(const struct model *model, int index)
{
    for (int i = 0; i < model->node_count; i++)
        if (model->nodes[i].layer <= index &&
            index < model->nodes[i].layer + model->nodes[i].layers)
            return model->nodes[i].op.kernel;
    return "";
}
