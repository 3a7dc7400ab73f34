/* Model: see model.h. */
#include "core/model.h"

#include "core/batch.h"
#include "core/layer.h"
#include "core/loss.h"

#include <stdlib.h>
#include <string.h>

/* What flows between two ops: values forward, gradients backward, for one shard or for all of them.
 */
struct edge {
    int64_t count;     /* numbers of one sample */
    bool whole_values; /* one buffer per shard, because someone reads the whole batch; else one per
                          thread */
    bool whole_gradients;
    bool want_gradient;
    bool kept; /* its writer reads the values once more in the backward pass */
    real *values, *gradients;
};

/* One op and its edges. An op that works in place has x == y. */
struct node {
    struct op op;
    int x, y;  /* edges */
    int layer; /* plan layer; −1: a conversion put in between */
};

struct shard_result {
    double loss_sum;
    int64_t correct;
};

struct model {
    struct model_setup setup;
    struct block block;
    struct node *nodes;
    struct edge *edges;
    int node_count, edge_count;
    struct shard_result *results; /* (shards) */
    atomic_bool failed;           /* a kernel's work is missing */
    /* of the pass that runs */
    struct model_batch batch;
    int64_t active_shards;
};

static struct edge *edge_add(struct model *model, int64_t count)
{
    struct edge *edge = &model->edges[model->edge_count++];
    *edge = (struct edge){.count = count};
    return edge;
}

static void node_link(struct model *model, struct node *node)
{
    node->x = model->edge_count - 1;
    if (!(node->op.traits & OP_IN_PLACE))
        edge_add(model, node->op.y_count);
    node->y = model->edge_count - 1;
    model->edges[node->y].kept |= (node->op.traits & OP_READS_Y) != 0;
    if (node->op.traits & OP_WHOLE_BATCH) {
        model->edges[node->x].whole_values = true;
        model->edges[node->y].whole_gradients = true;
    }
    model->node_count++;
}

/* Adds the op of plan layer `index`, with a conversion before it when its kernel wants another
 * layout. */
static bool node_add(struct model *model, int index, bool want_dx, struct error *error)
{
    const struct plan *plan = model->setup.plan;
    const struct node *last = model->node_count ? &model->nodes[model->node_count - 1] : NULL;
    struct op_setup setup = {.plan = plan,
                             .layer = &plan->layers[index],
                             .shard_size = plan->cut.shard_size,
                             .shards = plan->cut.shards,
                             .members = model->setup.threads,
                             .keepers = model->setup.threads,
                             .block = last ? last->op.y_block : 1,
                             .want_dx = want_dx,
                             .keep_x = model->edges[model->edge_count - 1].kept,
                             .seed = (uint64_t)model->setup.spec->run.seed,
                             .memory = &model->block,
                             .failed = &model->failed,
                             .dry = model->setup.dry};
    struct op op;
    if (!kernels_make(&setup, model->setup.kernels, &op, error))
        return false;
    if (op.x_block != setup.block) {
        struct node *conversion = &model->nodes[model->node_count];
        conversion->layer = -1;
        if (!layout_make(&setup, op.x_block, &conversion->op, error)) {
            if (op.drop)
                op.drop(&op);
            return false;
        }
        node_link(model, conversion);
        model->edges[conversion->x].want_gradient |= want_dx;
    }
    struct node *node = &model->nodes[model->node_count];
    node->op = op;
    node->layer = index;
    node_link(model, node);
    model->edges[node->x].want_gradient |= want_dx;
    return true;
}

static void reserve_edges(struct model *model)
{
    const struct plan *plan = model->setup.plan;
    model->edges[model->edge_count - 1].want_gradient = true;
    for (int i = 0; i < model->edge_count; i++) {
        struct edge *edge = &model->edges[i];
        int64_t shard = saturating_product(plan->cut.shard_size, edge->count);
        block_reserve(
            &model->block, &edge->values,
            saturating_product(edge->whole_values ? plan->cut.shards : model->setup.threads, shard),
            sizeof(real));
        if (edge->want_gradient)
            block_reserve(
                &model->block, &edge->gradients,
                saturating_product(edge->whole_gradients ? plan->cut.shards : model->setup.threads,
                                   shard),
                sizeof(real));
    }
}

bool model_make(const struct model_setup *setup, struct model **out, struct error *error)
{
    const struct plan *plan = setup->plan;
    struct model *model = calloc(1, sizeof *model);
    bool learned_before = false;

    kernels_greet_thread();
    *out = NULL;
    if (model) {
        size_t room = (size_t)plan->layer_count * 2 + 1;
        model->setup = *setup;
        model->nodes = calloc(room, sizeof *model->nodes);
        model->edges = calloc(room, sizeof *model->edges);
    }
    if (!model || !model->nodes || !model->edges) {
        model_free(model);
        return error_set(error, ERROR_MEMORY, "model", "no memory for %d layers",
                         plan->layer_count);
    }
    edge_add(model, shape_elements(&plan->data.sample));
    for (int i = 0; i < plan->layer_count; i++) {
        if (!node_add(model, i, learned_before, error)) {
            model_free(model);
            return false;
        }
        learned_before |= plan->layers[i].tensors > 0;
    }
    reserve_edges(model);
    block_reserve(&model->block, &model->results, plan->cut.shards, sizeof *model->results);
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
        if (model->nodes[i].layer == index)
            return model->nodes[i].op.kernel;
    return "";
}

bool model_failed(struct model *model)
{
    return atomic_exchange(&model->failed, false);
}

bool model_halted(const struct model *model)
{
    return model->setup.halt && atomic_load(model->setup.halt);
}

struct packing {
    struct model *model;
    const real *parameters;
};

static void pack_task(void *context, int task, int member)
{
    struct packing *packing = context;
    struct op *op = &packing->model->nodes[task].op;
    (void)member;
    if (op->pack)
        op->pack(op, packing->parameters);
}

void model_pack(struct model *model, struct team *team, const real *parameters)
{
    struct packing packing = {model, parameters};
    team_run(team, model->node_count, pack_task, &packing);
}

/* ---- one shard ---- */

static real *edge_place(const struct model *model, int edge, bool gradients,
                        const struct op_call *call)
{
    const struct edge *e = &model->edges[edge];
    bool whole = gradients ? e->whole_gradients : e->whole_values;
    real *base = gradients ? e->gradients : e->values;
    int64_t at = whole ? call->shard : call->member;
    return base ? base + at * model->setup.plan->cut.shard_size * e->count : NULL;
}

/* Kernels of a fixed shape read all samples of a shard: what lies behind the real ones must be
 * finite forward and zero backward. */
static void clear_tail(const struct model *model, real *buffer, int64_t count, int64_t samples)
{
    int64_t missing = model->setup.plan->cut.shard_size - samples;
    if (buffer && missing > 0)
        memset(buffer + samples * count, 0, (size_t)(missing * count) * sizeof *buffer);
}

static void forward(struct model *model, struct op_call *call)
{
    for (int i = 0; i < model->node_count; i++) {
        struct node *node = &model->nodes[i];
        call->x = edge_place(model, node->x, false, call);
        call->y = edge_place(model, node->y, false, call);
        node->op.forward(&node->op, call);
        clear_tail(model, call->y, node->op.y_count, call->samples);
    }
}

static void backward(struct model *model, struct op_call *call)
{
    for (int i = model->node_count - 1; i >= 0; i--) {
        struct node *node = &model->nodes[i];
        call->x = edge_place(model, node->x, false, call);
        call->y = edge_place(model, node->y, false, call);
        call->dy = edge_place(model, node->y, true, call);
        call->dx = edge_place(model, node->x, true, call);
        if (!call->dy)
            break; /* nothing with weights lies before this op */
        node->op.backward(&node->op, call);
        clear_tail(model, call->dx, node->op.x_count, call->samples);
    }
}

static void shard_loss(struct model *model, const struct op_call *call, const uint16_t *labels)
{
    const struct plan *plan = model->setup.plan;
    int last = model->edge_count - 1;
    struct loss_call loss = {.loss = &model->setup.spec->loss,
                             .labels = labels,
                             .y = edge_place(model, last, false, call),
                             .dy = model->batch.train ? edge_place(model, last, true, call) : NULL,
                             .samples = call->samples,
                             .classes = plan->data.classes,
                             .batch = model->batch.samples};
    loss_run(&loss);
    clear_tail(model, loss.dy, plan->data.classes, call->samples);
    model->results[call->shard] = (struct shard_result){loss.loss_sum, loss.correct};
}

static void shard_task(void *context, int task, int member)
{
    struct model *model = context;
    const struct plan *plan = model->setup.plan;
    const struct model_batch *batch = &model->batch;
    int64_t first = task * plan->cut.shard_size, left = batch->samples - first;
    struct op_call call = {.samples = left < plan->cut.shard_size ? left : plan->cut.shard_size,
                           .shard = task,
                           .member = member,
                           .keeper = member,
                           .train = batch->train,
                           .epoch = (uint32_t)batch->epoch,
                           .first = batch->first + first};
    struct batch_part part = {.split = batch->split,
                              .order = batch->order,
                              .first = batch->first + first,
                              .samples = call.samples,
                              .sample_size = model->edges[0].count,
                              .normalize = model->setup.spec->dataset.normalize};
    uint16_t labels[BATCH_SHARD_MAX];

    if (batch->train && model_halted(model))
        return;

    real *x = edge_place(model, 0, false, &call);
    batch_fill(&part, x, labels);
    clear_tail(model, x, model->edges[0].count, call.samples);
    forward(model, &call);
    shard_loss(model, &call, labels);
    if (batch->train)
        backward(model, &call);
}

struct model_result model_pass(struct model *model, struct team *team,
                               const struct model_batch *batch)
{
    const struct plan *plan = model->setup.plan;
    struct model_result result = {0};
    model->batch = *batch;
    model->active_shards = (batch->samples + plan->cut.shard_size - 1) / plan->cut.shard_size;
    team_run(team, (int)model->active_shards, shard_task, model);
    for (int64_t shard = 0; shard < model->active_shards; shard++) {
        result.loss_sum += model->results[shard].loss_sum;
        result.correct += model->results[shard].correct;
    }
    return result;
}

/* ---- the whole batch ---- */

struct gathering {
    struct model *model;
    real *gradients;
};

/* Task numbers count the ops' gather tasks one after another. */
static void gather_task(void *context, int task, int member)
{
    struct gathering *gathering = context;
    struct model *model = gathering->model;
    struct node *node = model->nodes;
    (void)member;
    for (; task >= node->op.gather_tasks; node++)
        task -= node->op.gather_tasks;
    struct op_gather gather = {.task = task,
                               .samples = model->batch.samples,
                               .shards = model->active_shards,
                               .gradients = gathering->gradients};
    if (node->op.traits & OP_WHOLE_BATCH) {
        gather.x = model->edges[node->x].values;
        gather.dy = model->edges[node->y].gradients;
    }
    node->op.gather(&node->op, &gather);
}

void model_gather(struct model *model, struct team *team, real *gradients)
{
    struct gathering gathering = {model, gradients};
    int tasks = 0;
    for (int i = 0; i < model->node_count; i++)
        tasks += model->nodes[i].op.gather_tasks;
    team_run(team, tasks, gather_task, &gathering);
}
