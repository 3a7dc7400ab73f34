/* Model: the buffers between ops: which edges need one for every shard, and where gradients of
 * several readers wait to be added. */
#include "core/model_state.h"

#include <stdlib.h>

/* In which segments an edge's values and gradients are touched. */
struct touched {
    int first_value, first_gradient, last_gradient;
};

static void touch(struct touched *touched, int value, int gradient)
{
    if (value < touched->first_value)
        touched->first_value = value;
    if (gradient < touched->first_gradient)
        touched->first_gradient = gradient;
    if (gradient > touched->last_gradient)
        touched->last_gradient = gradient;
}

/* An op with a barrier is at work on both sides of it: it reads x before and behind, writes y
 * behind, reads dy on both sides and writes dx before. */
static struct touched edge_touched(const struct model *model, int edge)
{
    struct touched touched = {model->segments, model->segments, -1};
    if (edge == 0)
        touch(&touched, 0, 0);
    for (int i = 0; i < model->node_count; i++) {
        const struct node *node = &model->nodes[i];
        int before = node->segment - (node->op.barrier != NULL);
        for (int k = 0; k < node->inputs; k++)
            if (model->inputs[node->first_input + k].edge == edge)
                touch(&touched, before, before);
        if (node->y == edge) {
            touch(&touched, node->segment, node->segment);
            touch(&touched, node->segment, before);
        }
    }
    if (edge == model->loss_edge)
        touch(&touched, model->segments - 1, model->segments - 1);
    return touched;
}

/* A thread's own buffer lasts for one task: what a later segment or a gather reads must lie in the
 * whole batch's. Values of the last segment are read again in the same task. */
static void decide_wholes(struct model *model)
{
    for (int i = 0; i < model->edge_count; i++) {
        struct touched touched = edge_touched(model, i);
        model->edges[i].whole_values = touched.first_value < model->segments - 1;
        model->edges[i].whole_gradients = touched.first_gradient < touched.last_gradient;
    }
    for (int i = 0; i < model->node_count; i++) {
        const struct node *node = &model->nodes[i];
        if (!(node->op.traits & OP_WHOLE_BATCH))
            continue;
        model->edges[model->inputs[node->first_input].edge].whole_values = true;
        model->edges[node->y].whole_gradients = true;
    }
}

/* The first reader from behind writes an edge's gradient, the others add theirs. */
static void decide_adds(struct model *model, bool *written)
{
    written[model->loss_edge] = true;
    for (int i = model->node_count - 1; i >= 0; i--) {
        const struct node *node = &model->nodes[i];
        int64_t others = 0;
        for (int k = 0; k < node->inputs; k++) {
            struct input *input = &model->inputs[node->first_input + k];
            const struct edge *edge = &model->edges[input->edge];
            if (input->edge == node->y)
                continue;
            input->adds = written[input->edge] && edge->want_gradient;
            input->at = others;
            others += input->adds ? edge_bytes(edge) : 0;
            written[input->edge] = true;
        }
        if (others > model->other_bytes)
            model->other_bytes = others;
    }
}

static void reserve(struct model *model)
{
    const struct plan *plan = model->setup.plan;
    int64_t all = plan->cut.shards, threads = model->setup.threads, size = plan->cut.shard_size;
    for (int i = 0; i < model->edge_count; i++) {
        struct edge *edge = &model->edges[i];
        int64_t shard = saturating_product(size, edge_bytes(edge));
        block_reserve(&model->block, &edge->values,
                      saturating_product(edge->whole_values ? all : threads, shard), 1);
        if (edge->want_gradient && !model->setup.forward_only)
            block_reserve(&model->block, &edge->gradients,
                          saturating_product(edge->whole_gradients ? all : threads, shard), 1);
    }
    if (model->other_bytes > 0 && !model->setup.forward_only)
        block_reserve(&model->block, &model->other,
                      saturating_product(threads, saturating_product(size, model->other_bytes)), 1);
    block_reserve(&model->block, &model->run->results, all, sizeof *model->run->results);
    block_reserve(&model->block, &model->run->labels, all * size, sizeof *model->run->labels);
}

bool model_reserve(struct model *model, struct error *error)
{
    bool *written = calloc((size_t)model->edge_count, sizeof *written);
    if (!written)
        return error_set(error, ERROR_MEMORY, "model", "no memory for the network");
    decide_adds(model, written);
    free(written);
    decide_wholes(model);
    reserve(model);
    return true;
}
