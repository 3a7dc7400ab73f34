/* Ops that look at one number at a time and so work in any layout, in place. */
#include "core/kernels.h"

/* Written so that a NaN stays one: a diverged run must not look healthy. x and y may be the same.
 */
VECTOR_CLONES static void clamp(const real *x, real *y, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        y[i] = x[i] < 0 ? 0 : x[i];
}

/* dy and dx may be the same. */
VECTOR_CLONES static void mask(const real *y, const real *dy, real *dx, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        dx[i] = y[i] > 0 ? dy[i] : 0;
}

static void relu_forward(struct op *op, const struct op_call *call)
{
    clamp(call->x, call->y, call->samples * op->x_count);
}

/* The forward pass kept y alone, and y > 0 exactly where x > 0. */
static void relu_backward(struct op *op, const struct op_call *call)
{
    if (call->dx)
        mask(call->y, call->dy, call->dx, call->samples * op->x_count);
}

bool relu_make(const struct op_setup *setup, struct op *op, struct error *error)
{
    (void)error;
    int64_t count = op_count(&setup->layer->input, setup->block);
    *op = (struct op){.kernel = "in place, any layout",
                      .x_count = count,
                      .y_count = count,
                      .x_block = setup->block,
                      .y_block = setup->block,
                      .in_place = true,
                      .forward = relu_forward,
                      .backward = relu_backward};
    return true;
}
