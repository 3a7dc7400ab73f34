/* Joins: ops that read several inputs. The sum of a residual in any layout; concatenation by
 * channel where the layout keeps every input's channels together. Knows no arithmetic beyond that.
 */
#include "core/kernels.h"
#include "core/layer.h"

#include <stdlib.h>
#include <string.h>

static void drop(struct op *op)
{
    free(op->state);
}

/* ---- sum ---- */

VECTOR_CLONES static void sum(const real *a, const real *b, real *y, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        y[i] = a[i] + b[i];
}

static void sum_forward(struct op *op, const struct op_call *call)
{
    sum(call->xs[0], call->xs[1], call->y, call->samples * op->y_count);
}

static void sum_backward(struct op *op, const struct op_call *call)
{
    for (int i = 0; i < 2; i++)
        if (call->dxs[i] && call->dxs[i] != call->dy)
            memcpy(call->dxs[i], call->dy,
                   (size_t)(call->samples * op->y_count) * sizeof *call->dy);
}

bool residual_make(const struct op_setup *setup, struct op *op, struct error *error)
{
    int64_t count = op_count(&setup->layer->output, setup->block);
    (void)error;
    *op = (struct op){.kernel = setup->keep_x ? "any layout" : "in place, any layout",
                      .x_count = count,
                      .y_count = count,
                      .x_block = setup->block,
                      .y_block = setup->block,
                      .traits = setup->keep_x ? 0 : OP_IN_PLACE,
                      .forward = sum_forward,
                      .backward = sum_backward};
    return true;
}

/* ---- concatenation ---- */

struct concat_state {
    int inputs;
    int64_t counts[LAYER_BRANCHES_MAX]; /* numbers of one sample of each input */
};

static void concat_forward(struct op *op, const struct op_call *call)
{
    const struct concat_state *s = op->state;
    real *y = call->y;
    for (int64_t n = 0; n < call->samples; n++)
        for (int i = 0; i < s->inputs; y += s->counts[i++])
            memcpy(y, call->xs[i] + n * s->counts[i], (size_t)s->counts[i] * sizeof *y);
}

static void concat_backward(struct op *op, const struct op_call *call)
{
    const struct concat_state *s = op->state;
    const real *dy = call->dy;
    for (int64_t n = 0; n < call->samples; n++)
        for (int i = 0; i < s->inputs; dy += s->counts[i++])
            if (call->dxs[i])
                memcpy(call->dxs[i] + n * s->counts[i], dy, (size_t)s->counts[i] * sizeof *dy);
}

bool concat_make(const struct op_setup *setup, struct op *op, struct error *error)
{
    const struct plan *plan = setup->plan;
    const struct plan_layer *layer = setup->layer;
    struct concat_state *s = calloc(1, sizeof *s);
    if (!s)
        return error_set(error, ERROR_MEMORY, layer->pointer, "no memory for the layer");
    s->inputs = layer->source_count;
    bool whole_blocks = true;
    for (int i = 0; i < layer->source_count; i++) {
        int source = layer->sources[i];
        const struct shape *shape = source < 0 ? &plan->data.sample : &plan->layers[source].output;
        s->counts[i] = op_count(shape, setup->block);
        whole_blocks &= shape->channels % setup->block == 0;
    }
    if (!whole_blocks) {
        free(s);
        return false;
    }
    *op = (struct op){.kernel = "by channel",
                      .x_count = s->counts[0],
                      .y_count = op_count(&layer->output, setup->block),
                      .x_block = setup->block,
                      .y_block = setup->block,
                      .state = s,
                      .forward = concat_forward,
                      .backward = concat_backward,
                      .drop = drop};
    return true;
}
