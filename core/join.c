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

static void sum_forward(struct op *op, const struct op_call *call)
{
    numbers_add(op->x.number, call->xs[0], call->xs[1], call->y, call->samples * op->y.count);
}

static void sum_backward(struct op *op, const struct op_call *call)
{
    for (int i = 0; i < 2; i++)
        if (call->dxs[i] && call->dxs[i] != call->dy)
            memcpy(call->dxs[i], call->dy,
                   (size_t)(call->samples * op->y.count) * number_size(op->y.number));
}

bool residual_make(const struct op_setup *setup, struct op *op, struct error *error)
{
    int64_t count = op_count(&setup->layer->output, setup->block);
    (void)error;
    *op = (struct op){.kernel = setup->keep_x ? "any layout" : "in place, any layout",
                      .x.count = count,
                      .y.count = count,
                      .x.block = setup->block,
                      .y.block = setup->block,
                      .x.number = setup->number,
                      .y.number = setup->number,
                      .traits = setup->keep_x ? 0 : OP_IN_PLACE,
                      .forward = sum_forward,
                      .backward = sum_backward};
    return true;
}

/* ---- concatenation ---- */

struct concat_state {
    int inputs;
    size_t bytes[LAYER_BRANCHES_MAX]; /* of one sample of each input */
};

static void concat_forward(struct op *op, const struct op_call *call)
{
    const struct concat_state *s = op->state;
    unsigned char *y = call->y;
    for (int64_t n = 0; n < call->samples; n++)
        for (int i = 0; i < s->inputs; y += s->bytes[i++])
            memcpy(y, (const unsigned char *)call->xs[i] + (size_t)n * s->bytes[i], s->bytes[i]);
}

static void concat_backward(struct op *op, const struct op_call *call)
{
    const struct concat_state *s = op->state;
    const unsigned char *dy = call->dy;
    for (int64_t n = 0; n < call->samples; n++)
        for (int i = 0; i < s->inputs; dy += s->bytes[i++])
            if (call->dxs[i])
                memcpy((unsigned char *)call->dxs[i] + (size_t)n * s->bytes[i], dy, s->bytes[i]);
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
        s->bytes[i] = (size_t)op_count(shape, setup->block) * number_size(setup->number);
        whole_blocks &= shape->channels % setup->block == 0;
    }
    if (!whole_blocks) {
        free(s);
        return false;
    }
    *op = (struct op){.kernel = "by channel",
                      .x.count = (int64_t)(s->bytes[0] / number_size(setup->number)),
                      .y.count = op_count(&layer->output, setup->block),
                      .x.block = setup->block,
                      .y.block = setup->block,
                      .x.number = setup->number,
                      .y.number = setup->number,
                      .state = s,
                      .forward = concat_forward,
                      .backward = concat_backward,
                      .drop = drop};
    return true;
}
