/* Model: runs passes over a batch. See model.h. */
#include "core/layer.h"
#include "core/loss.h"
#include "core/model_state.h"

#include <string.h>

bool model_failed(struct model *model)
{
    return atomic_exchange(&model->run->failed, false);
}

bool model_cut_short(struct model *model)
{
    return atomic_exchange(&model->run->cut_short, false);
}

/* Notes what it says: `halt` may be taken back before the pass ends. */
static bool halted(struct model *model)
{
    if (!model->setup.halt || !atomic_load(model->setup.halt))
        return false;
    atomic_store(&model->run->cut_short, true);
    return true;
}

static void count_time(struct model *model, const struct node *node, enum profile_phase phase,
                       int member, int64_t began)
{
    profile_end(model->run->profile, member, profile_cell((int)(node - model->nodes), phase),
                began);
}

struct packing {
    struct model *model;
    const real *parameters;
};

/* All that a node has to pack: its parts, then the rest. */
static int pack_tasks(const struct node *node)
{
    return node->op.pack_tasks + (node->op.pack != NULL);
}

/* Task numbers count the ops' tasks one after another. */
static void pack_task(void *context, int task, int member)
{
    struct packing *packing = context;
    struct node *node = packing->model->nodes;
    int64_t began = profile_begin(packing->model->run->profile);
    for (; task >= pack_tasks(node); node++)
        task -= pack_tasks(node);
    if (task < node->op.pack_tasks)
        node->op.pack_part(&node->op, packing->parameters, task);
    else
        node->op.pack(&node->op, packing->parameters);
    count_time(packing->model, node, PROFILE_PACK, member, began);
}

void model_pack(struct model *model, struct team *team, const real *parameters)
{
    struct packing packing = {model, parameters};
    int tasks = 0;
    for (int i = 0; i < model->node_count; i++)
        tasks += pack_tasks(&model->nodes[i]);
    team_run(team, tasks, pack_task, &packing);
}

/* ---- one op of one shard ---- */

/* Where the shard's values or gradients of an edge lie; NULL where they are not wanted. */
static void *edge_place(const struct model *model, int edge, bool gradients,
                        const struct op_call *call)
{
    const struct edge *e = &model->edges[edge];
    bool whole = gradients ? e->whole_gradients : e->whole_values;
    unsigned char *base = gradients ? e->gradients : e->values;
    int64_t at = whole ? call->shard : call->member;
    return base ? base + at * model->setup.plan->cut.shard_size * edge_bytes(e) : NULL;
}

/* Kernels of a fixed shape read all samples of a shard: what lies behind the real ones must be
 * finite forward and zero backward. */
static void clear_tail(const struct model *model, void *buffer, int edge, int64_t samples)
{
    int64_t missing = model->setup.plan->cut.shard_size - samples;
    int64_t bytes = edge_bytes(&model->edges[edge]);
    if (buffer && missing > 0)
        memset((unsigned char *)buffer + samples * bytes, 0, (size_t)(missing * bytes));
}

/* The places of one op's call. */
struct places {
    const void *xs[LAYER_BRANCHES_MAX + 1];
    void *dxs[LAYER_BRANCHES_MAX + 1];
};

static void place(const struct model *model, const struct node *node, struct op_call *call,
                  struct places *places, bool gradients)
{
    int64_t shard = model->setup.plan->cut.shard_size;
    for (int k = 0; k < node->inputs; k++) {
        const struct input *input = &model->inputs[node->first_input + k];
        places->xs[k] = edge_place(model, input->edge, false, call);
        places->dxs[k] = gradients ? edge_place(model, input->edge, true, call) : NULL;
        if (places->dxs[k] && input->adds)
            places->dxs[k] = model->other + (call->member * model->other_bytes + input->at) * shard;
    }
    call->keeper = node->by_shard ? call->shard : call->member;
    call->xs = places->xs;
    call->dxs = places->dxs;
    call->x = places->xs[0];
    call->dx = places->dxs[0];
    call->y = edge_place(model, node->y, false, call);
    call->dy = gradients ? edge_place(model, node->y, true, call) : NULL;
}

static void add_gradient(const struct model *model, const struct edge *edge, void *sum,
                         const void *other)
{
    numbers_add(edge->layout.number, sum, other, sum,
                model->setup.plan->cut.shard_size * edge->count);
}

static void forward_node(struct model *model, struct node *node, struct op_call *call)
{
    int64_t began = profile_begin(model->run->profile);
    struct places places;
    place(model, node, call, &places, false);
    node->op.forward(&node->op, call);
    clear_tail(model, call->y, node->y, call->samples);
    count_time(model, node, PROFILE_FORWARD, call->member, began);
}

static void backward_node(struct model *model, struct node *node, struct op_call *call)
{
    int64_t began = profile_begin(model->run->profile);
    struct places places;
    place(model, node, call, &places, true);
    if (!call->dy)
        return; /* nothing with weights lies before this op's output */
    node->op.backward(&node->op, call);
    for (int k = 0; k < node->inputs; k++) {
        const struct input *input = &model->inputs[node->first_input + k];
        const struct edge *edge = &model->edges[input->edge];
        clear_tail(model, places.dxs[k], input->edge, call->samples);
        if (places.dxs[k] && input->adds)
            add_gradient(model, edge, edge_place(model, input->edge, true, call), places.dxs[k]);
    }
    count_time(model, node, PROFILE_BACKWARD, call->member, began);
}

static void collect(struct model *model, struct node *node, struct op_call *call, bool back)
{
    int64_t began = profile_begin(model->run->profile);
    struct places places;
    place(model, node, call, &places, back);
    if (!back)
        node->op.barrier->collect(&node->op, call);
    else if (call->dy)
        node->op.barrier->collect_back(&node->op, call);
    count_time(model, node, back ? PROFILE_BACKWARD : PROFILE_FORWARD, call->member, began);
}

/* ---- one shard ---- */

static struct op_call shard_call(const struct model *model, int shard, int member)
{
    const struct plan *plan = model->setup.plan;
    const struct model_batch *batch = &model->run->batch;
    int64_t first = shard * plan->cut.shard_size, left = batch->samples - first;
    return (struct op_call){.samples = left < plan->cut.shard_size ? left : plan->cut.shard_size,
                            .shard = shard,
                            .member = member,
                            .train = batch->train,
                            .epoch = (uint32_t)batch->epoch,
                            .first = batch->first + first};
}

static uint16_t *shard_labels(const struct model *model, const struct op_call *call)
{
    return model->run->labels + call->shard * model->setup.plan->cut.shard_size;
}

static void shard_input(struct model *model, const struct op_call *call)
{
    const struct model_batch *batch = &model->run->batch;
    struct batch_part part = {.input = batch->input,
                              .split = batch->split,
                              .order = batch->order,
                              .first = call->first,
                              .samples = call->samples,
                              .train = call->train,
                              .epoch = call->epoch,
                              .member = call->member};
    int64_t began = profile_begin(model->run->profile);
    real *x = edge_place(model, 0, false, call);
    batch_fill(&part, x, shard_labels(model, call));
    clear_tail(model, x, 0, call->samples);
    profile_end(model->run->profile, call->member, PROFILE_DATA, began);
}

static void shard_loss(struct model *model, const struct op_call *call)
{
    const struct plan *plan = model->setup.plan;
    int64_t began = profile_begin(model->run->profile);
    struct loss_call loss = {.loss = &model->setup.spec->loss,
                             .labels = shard_labels(model, call),
                             .y = edge_place(model, model->loss_edge, false, call),
                             .dy = call->train ? edge_place(model, model->loss_edge, true, call)
                                               : NULL,
                             .samples = call->samples,
                             .classes = plan->data.classes,
                             .batch = model->run->batch.samples};
    loss_run(&loss);
    clear_tail(model, loss.dy, model->loss_edge, call->samples);
    model->run->results[call->shard] = (struct shard_result){loss.loss_sum, loss.correct};
    profile_end(model->run->profile, call->member, PROFILE_LOSS, began);
}

static void show(const struct model *model, const struct node *node, const struct op_call *call)
{
    const struct model_look *look = model->run->batch.look;
    const struct edge *edge = &model->edges[node->y];
    if (look && node->layers > 0 && edge->layout.block == 1 && edge->layout.number == NUMBER_REAL)
        look->see(look->context, node->layer + node->layers - 1, call->y);
}

static void give_scores(const struct model *model, const struct op_call *call)
{
    const struct plan *plan = model->setup.plan;
    real *scores = model->run->batch.scores;
    if (scores)
        memcpy(scores + call->shard * plan->cut.shard_size * plan->data.classes,
               edge_place(model, model->loss_edge, false, call),
               (size_t)(call->samples * plan->data.classes) * sizeof *scores);
}

static void evaluate_task(void *context, int shard, int member)
{
    struct model *model = context;
    struct op_call call = shard_call(model, shard, member);
    shard_input(model, &call);
    for (int i = 0; i < model->node_count; i++) {
        forward_node(model, &model->nodes[i], &call);
        show(model, &model->nodes[i], &call);
    }
    give_scores(model, &call);
    shard_loss(model, &call);
}

/* The op in front of segment `segment` > 0. */
static struct node *barrier(struct model *model, int segment)
{
    return &model->nodes[model->first_node[segment]];
}

static void forward_segment(struct model *model, struct op_call *call, int segment)
{
    if (segment == 0)
        shard_input(model, call);
    for (int i = model->first_node[segment]; i < model->first_node[segment + 1]; i++)
        forward_node(model, &model->nodes[i], call);
    if (segment + 1 < model->segments)
        collect(model, barrier(model, segment + 1), call, false);
}

static void backward_segment(struct model *model, struct op_call *call, int segment)
{
    int first = model->first_node[segment];
    if (segment + 1 < model->segments)
        backward_node(model, barrier(model, segment + 1), call);
    for (int i = model->first_node[segment + 1] - 1; i >= first + (segment > 0); i--)
        backward_node(model, &model->nodes[i], call);
    if (segment > 0)
        collect(model, barrier(model, segment), call, true);
}

static void forward_task(void *context, int shard, int member)
{
    struct model *model = context;
    struct op_call call = shard_call(model, shard, member);
    int segment = model->run->segment;
    if (halted(model))
        return;
    forward_segment(model, &call, segment);
    if (segment < model->segments - 1)
        return;
    shard_loss(model, &call);
    backward_segment(model, &call, segment);
}

static void backward_task(void *context, int shard, int member)
{
    struct model *model = context;
    struct op_call call = shard_call(model, shard, member);
    if (!halted(model))
        backward_segment(model, &call, model->run->segment);
}

/* ---- the whole batch ---- */

static void train(struct model *model, struct team *team)
{
    struct model_run *run = model->run;
    const struct op_whole whole = {run->batch.samples, run->active_shards};
    atomic_store(&run->cut_short, false);
    for (run->segment = 0; run->segment < model->segments; run->segment++) {
        struct node *node = barrier(model, run->segment);
        int64_t began = profile_begin(run->profile);
        if (run->segment > 0) {
            node->op.barrier->combine(&node->op, &whole);
            count_time(model, node, PROFILE_FORWARD, 0, began);
        }
        team_run(team, (int)run->active_shards, forward_task, model);
    }
    for (run->segment = model->segments - 2; run->segment >= 0; run->segment--) {
        struct node *node = barrier(model, run->segment + 1);
        int64_t began = profile_begin(run->profile);
        node->op.barrier->combine_back(&node->op, &whole);
        count_time(model, node, PROFILE_BACKWARD, 0, began);
        team_run(team, (int)run->active_shards, backward_task, model);
    }
}

struct model_result model_pass(struct model *model, struct team *team,
                               const struct model_batch *batch)
{
    int64_t size = model->setup.plan->cut.shard_size;
    struct model_run *run = model->run;
    struct model_result result = {0};
    run->batch = *batch;
    run->active_shards = (batch->samples + size - 1) / size;
    if (batch->train)
        train(model, team);
    else
        team_run(team, (int)run->active_shards, evaluate_task, model);
    for (int64_t shard = 0; shard < run->active_shards; shard++) {
        result.loss_sum += run->results[shard].loss_sum;
        result.correct += run->results[shard].correct;
    }
    return result;
}

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
    int64_t began = profile_begin(model->run->profile);
    for (; task >= node->op.gather_tasks; node++)
        task -= node->op.gather_tasks;
    struct op_gather gather = {.task = task,
                               .member = member,
                               .samples = model->run->batch.samples,
                               .shards = model->run->active_shards,
                               .gradients = gathering->gradients};
    if (node->op.traits & OP_WHOLE_BATCH) {
        gather.x = model->edges[model->inputs[node->first_input].edge].values;
        gather.dy = model->edges[node->y].gradients;
    }
    node->op.gather(&node->op, &gather);
    count_time(model, node, PROFILE_GATHER, member, began);
}

void model_gather(struct model *model, struct team *team, real *gradients)
{
    struct gathering gathering = {model, gradients};
    int tasks = 0;
    for (int i = 0; i < model->node_count; i++)
        tasks += model->nodes[i].op.gather_tasks;
    team_run(team, tasks, gather_task, &gathering);
}

void model_commit(struct model *model, real *numbers)
{
    for (int segment = 1; segment < model->segments; segment++) {
        struct op *op = &barrier(model, segment)->op;
        op->barrier->commit(op, numbers);
    }
}
