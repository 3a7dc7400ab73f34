/* linear by oneDNN's sgemm: the same products as the reference, row-major. */
#if TRAIND_ONEDNN
#include "core/linear.h"
#include "core/onednn.h"

/* The library takes work space by itself and may not get it. */
static void note(const struct linear_state *s, dnnl_status_t status)
{
    if (status != dnnl_success)
        atomic_store(s->failed, true);
}

static void forward(struct op *op, const struct op_call *call)
{
    const struct linear_state *s = op->state;
    linear_fill_bias(s, call);
    note(s, dnnl_sgemm('N', 'T', call->samples, s->out, s->in, 1, call->x, s->in,
                       s->parameters + s->weight, s->in, 1, call->y, s->out));
}

static void backward(struct op *op, const struct op_call *call)
{
    const struct linear_state *s = op->state;
    if (call->dx)
        note(s, dnnl_sgemm('N', 'N', call->samples, s->in, s->out, 1, call->dy, s->out,
                           s->parameters + s->weight, s->in, 0, call->dx, s->in));
}

static void gather(struct op *op, const struct op_gather *gather)
{
    const struct linear_state *s = op->state;
    struct linear_range range = linear_range(op, gather->task);
    note(s, dnnl_sgemm('T', 'N', range.end - range.first, s->in, gather->samples, 1,
                       (const real *)gather->dy + range.first, s->out, gather->x, s->in, 0,
                       gather->gradients + s->weight + range.first * s->in, s->in));
    linear_gather_bias(op, gather);
}

bool onednn_linear_make(const struct op_setup *setup, struct op *op, struct error *error)
{
    if (!linear_make(setup, sizeof(struct linear_state), op, error))
        return false;
    op->kernel = "oneDNN sgemm";
    op->forward = forward;
    op->backward = backward;
    op->gather = gather;
    return true;
}

#endif
