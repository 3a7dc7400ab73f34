/* linear by its definition: Y = X·Wᵀ + b, dX = dY·W, dW = dYᵀ·X, db = Σ dY. The weight gradient is
 * taken over the whole batch at once, by ranges of outputs, so that no shard needs a buffer of the
 * size of W. */
#include "core/kernels.h"
#include "core/layer.h"
#include "core/linear.h"
#include "core/matrix.h"

#include <string.h>

static void forward(struct op *op, const struct op_call *call)
{
    const struct linear_state *s = op->state;
    linear_fill_bias(s, call);
    matrix_add_abt(call->x, s->parameters + s->weight, call->y,
                   (struct matrix_size){call->samples, s->out, s->in});
}

static void backward(struct op *op, const struct op_call *call)
{
    const struct linear_state *s = op->state;
    if (!call->dx)
        return;
    memset(call->dx, 0, (size_t)(call->samples * s->in) * sizeof(real));
    matrix_add_ab(call->dy, s->parameters + s->weight, call->dx,
                  (struct matrix_size){call->samples, s->in, s->out});
}

static void gather(struct op *op, const struct op_gather *gather)
{
    const struct linear_state *s = op->state;
    struct linear_range range = linear_range(op, gather->task);
    for (int64_t o = range.first; o < range.end; o++) {
        real *dw = gather->gradients + s->weight + o * s->in;
        memset(dw, 0, (size_t)s->in * sizeof *dw);
        for (int64_t n = 0; n < gather->samples; n++) {
            real factor = ((const real *)gather->dy)[n * s->out + o];
            const real *restrict x = (const real *)gather->x + n * s->in;
            for (int64_t i = 0; i < s->in; i++)
                dw[i] += factor * x[i];
        }
    }
    linear_gather_bias(op, gather);
}

bool reference_linear_make(const struct op_setup *setup, struct op *op, struct error *error)
{
    if (!linear_make(setup, sizeof(struct linear_state), op, error))
        return false;
    op->kernel = "reference: plain loops";
    op->forward = forward;
    op->backward = backward;
    op->gather = gather;
    return true;
}
