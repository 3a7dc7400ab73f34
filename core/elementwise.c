/* Activations: a table of functions that look at one number at a time and so work in any layout.
 *
 * Where the output tells the derivative, the op works in place and keeps nothing else. All are
 * written so that a NaN stays one: a diverged run must not look healthy. */
#include "core/kernels.h"
#include "core/layer.h"
#include "core/vector_math.h"

#include <stdlib.h>
#include <string.h>

/* What one call reads and writes. y may be x, and dx may be dy. */
struct elements {
    const void *options;
    const real *x; /* backward: only where the row needs it */
    real *y;
    const real *dy;
    real *dx;
    int64_t count;
};

typedef void elements_run(const struct elements *e);

/* y = f(x) with dy NULL, else dx = f′(y)·dy, which may be written over dy. */
typedef void bf16_run(const bf16 *from, const bf16 *dy, bf16 *to, int64_t count);

struct activation {
    const struct layer_kind *layer;
    bool needs_x; /* backward reads x and not y */
    elements_run *forward, *backward;
    bf16_run *bf16; /* NULL: as reals */
};

/* In front of a loop whose arrays are the same or apart: no number meets another one. */
#define APART _Pragma("GCC ivdep")

/* ---- relu, leaky_relu: one comparison, so worth vectors. The signs of x and y agree. ---- */

VECTOR_CLONES static void clamp(const real *x, real *y, int64_t count)
{
    APART
    for (int64_t i = 0; i < count; i++)
        y[i] = x[i] < 0 ? 0 : x[i];
}

VECTOR_CLONES static void mask(const real *y, const real *dy, real *dx, int64_t count)
{
    APART
    for (int64_t i = 0; i < count; i++)
        dx[i] = y[i] > 0 ? dy[i] : 0;
}

static void relu_forward(const struct elements *e)
{
    clamp(e->x, e->y, e->count);
}

static void relu_backward(const struct elements *e)
{
    mask(e->y, e->dy, e->dx, e->count);
}

static void relu_bf16(const bf16 *from, const bf16 *dy, bf16 *to, int64_t count)
{
    if (dy)
        bf16_mask_all(from, dy, to, count);
    else
        bf16_clamp_all(from, to, count);
}

VECTOR_CLONES static void lean(const real *x, real *y, int64_t count, real slope)
{
    APART
    for (int64_t i = 0; i < count; i++)
        y[i] = x[i] > 0 ? x[i] : x[i] * slope;
}

VECTOR_CLONES static void lean_back(const real *y, const real *dy, real *dx, int64_t count,
                                    real slope)
{
    APART
    for (int64_t i = 0; i < count; i++)
        dx[i] = y[i] > 0 ? dy[i] : dy[i] * slope;
}

static real leaky_relu_slope(const struct elements *e)
{
    return (real)((const struct leaky_relu_options *)e->options)->negative_slope;
}

static void leaky_relu_forward(const struct elements *e)
{
    lean(e->x, e->y, e->count, leaky_relu_slope(e));
}

static void leaky_relu_backward(const struct elements *e)
{
    lean_back(e->y, e->dy, e->dx, e->count, leaky_relu_slope(e));
}

/* ---- elu, sigmoid, tanh: the derivative is a polynomial of y ---- */

static real elu_alpha(const struct elements *e)
{
    return (real)((const struct elu_options *)e->options)->alpha;
}

VECTOR_CLONES static void elu(const real *x, real *y, int64_t count, real alpha)
{
    APART
    for (int64_t i = 0; i < count; i++) {
        real below = alpha * vector_expm1(x[i]);
        y[i] = x[i] > 0 ? x[i] : below;
    }
}

static void elu_forward(const struct elements *e)
{
    elu(e->x, e->y, e->count, elu_alpha(e));
}

/* d/dx α(eˣ − 1) = αeˣ = y + α */
VECTOR_CLONES static void elu_back(const real *y, const real *dy, real *dx, int64_t count,
                                   real alpha)
{
    APART
    for (int64_t i = 0; i < count; i++)
        dx[i] = y[i] > 0 ? dy[i] : dy[i] * (y[i] + alpha);
}

static void elu_backward(const struct elements *e)
{
    elu_back(e->y, e->dy, e->dx, e->count, elu_alpha(e));
}

VECTOR_CLONES static void sigmoid(const real *x, real *y, int64_t count)
{
    APART
    for (int64_t i = 0; i < count; i++)
        y[i] = vector_sigmoid(x[i]);
}

static void sigmoid_forward(const struct elements *e)
{
    sigmoid(e->x, e->y, e->count);
}

VECTOR_CLONES static void sigmoid_back(const real *y, const real *dy, real *dx, int64_t count)
{
    APART
    for (int64_t i = 0; i < count; i++)
        dx[i] = dy[i] * (1 - y[i]) * y[i];
}

static void sigmoid_backward(const struct elements *e)
{
    sigmoid_back(e->y, e->dy, e->dx, e->count);
}

VECTOR_CLONES static void hyperbolic(const real *x, real *y, int64_t count)
{
    APART
    for (int64_t i = 0; i < count; i++)
        y[i] = vector_tanh(x[i]);
}

static void tanh_forward(const struct elements *e)
{
    hyperbolic(e->x, e->y, e->count);
}

VECTOR_CLONES static void tanh_back(const real *y, const real *dy, real *dx, int64_t count)
{
    APART
    for (int64_t i = 0; i < count; i++)
        dx[i] = dy[i] * (1 - y[i] * y[i]);
}

static void tanh_backward(const struct elements *e)
{
    tanh_back(e->y, e->dy, e->dx, e->count);
}

/* ---- silu, gelu: two inputs may give the same output, so the derivative needs x ---- */

VECTOR_CLONES static void silu(const real *x, real *y, int64_t count)
{
    APART
    for (int64_t i = 0; i < count; i++)
        y[i] = x[i] * vector_sigmoid(x[i]);
}

static void silu_forward(const struct elements *e)
{
    silu(e->x, e->y, e->count);
}

VECTOR_CLONES static void silu_back(const real *x, const real *dy, real *dx, int64_t count)
{
    APART
    for (int64_t i = 0; i < count; i++) {
        real s = vector_sigmoid(x[i]);
        dx[i] = dy[i] * (s * (1 + x[i] * (1 - s)));
    }
}

static void silu_backward(const struct elements *e)
{
    silu_back(e->x, e->dy, e->dx, e->count);
}

static const real sqrt_half = (real)0.70710678118654752440;        /* √½ */
static const real normal_top = (real)0.39894228040143267794;       /* 1/√(2π) */
static const real sqrt_two_over_pi = (real)0.79788456080286535588; /* √(2/π) */
static const real gelu_cube = (real)0.044715; /* Hendrycks and Gimpel 2016, equation 2 */

VECTOR_CLONES static void gelu_exact(const real *x, real *y, int64_t count)
{
    APART
    for (int64_t i = 0; i < count; i++)
        y[i] = x[i] / 2 * (1 + vector_erf(x[i] * sqrt_half));
}

/* Φ + xφ */
VECTOR_CLONES static void gelu_exact_back(const real *x, const real *dy, real *dx, int64_t count)
{
    APART
    for (int64_t i = 0; i < count; i++) {
        real below = (1 + vector_erf(x[i] * sqrt_half)) / 2;
        real density = normal_top * vector_exp(-x[i] * x[i] / 2);
        dx[i] = dy[i] * (below + x[i] * density);
    }
}

static inline real gelu_inner(real x)
{
    return vector_tanh(sqrt_two_over_pi * (x + gelu_cube * x * x * x));
}

VECTOR_CLONES static void gelu_tanh(const real *x, real *y, int64_t count)
{
    APART
    for (int64_t i = 0; i < count; i++)
        y[i] = x[i] / 2 * (1 + gelu_inner(x[i]));
}

VECTOR_CLONES static void gelu_tanh_back(const real *x, const real *dy, real *dx, int64_t count)
{
    APART
    for (int64_t i = 0; i < count; i++) {
        real t = gelu_inner(x[i]), slope = sqrt_two_over_pi * (1 + 3 * gelu_cube * x[i] * x[i]);
        dx[i] = dy[i] * ((1 + t) / 2 + x[i] / 2 * (1 - t * t) * slope);
    }
}

static bool gelu_is_exact(const struct elements *e)
{
    return ((const struct gelu_options *)e->options)->approximate == GELU_EXACT;
}

static void gelu_forward(const struct elements *e)
{
    if (gelu_is_exact(e))
        gelu_exact(e->x, e->y, e->count);
    else
        gelu_tanh(e->x, e->y, e->count);
}

static void gelu_backward(const struct elements *e)
{
    if (gelu_is_exact(e))
        gelu_exact_back(e->x, e->dy, e->dx, e->count);
    else
        gelu_tanh_back(e->x, e->dy, e->dx, e->count);
}

/* ---- the table and the op ---- */

static const struct activation activations[] = {
    {&layer_relu, false, relu_forward, relu_backward, relu_bf16},
    {&layer_leaky_relu, false, leaky_relu_forward, leaky_relu_backward},
    {&layer_elu, false, elu_forward, elu_backward},
    {&layer_sigmoid, false, sigmoid_forward, sigmoid_backward},
    {&layer_tanh, false, tanh_forward, tanh_backward},
    {&layer_silu, true, silu_forward, silu_backward},
    {&layer_gelu, true, gelu_forward, gelu_backward},
};

struct activation_state {
    const struct activation *row;
    const void *options;
    int64_t pixels;
    int64_t missing; /* channels of the last block that must be cleared: f(0) is not 0 there */
};

/* The missing channels stay zero, or the next convolution would learn from them. */
static void clear_missing(const struct op *op, const struct op_call *call)
{
    const struct activation_state *s = op->state;
    int64_t last = op->y.count - s->pixels * op->y.block, size = (int64_t)number_size(op->y.number);
    unsigned char *y = call->y;
    for (int64_t n = 0; n < call->samples; n++)
        for (int64_t p = 0; p < s->pixels; p++)
            memset(y + (n * op->y.count + last + (p + 1) * op->y.block - s->missing) * size, 0,
                   (size_t)(s->missing * size));
}

/* bf16 numbers are widened, computed and rounded in pieces that stay in the nearest cache. */
enum { PIECE = 512 };

static void run_bf16(const struct activation_state *s, const bf16 *from, const bf16 *dy, bf16 *to,
                     int64_t count)
{
    real seen[PIECE], wide[PIECE];
    if (s->row->bf16) {
        s->row->bf16(from, dy, to, count);
        return;
    }
    for (int64_t i = 0; i < count; i += PIECE) {
        int64_t piece = count - i < PIECE ? count - i : PIECE;
        bf16_widen_all(from + i, seen, piece);
        if (dy)
            bf16_widen_all(dy + i, wide, piece);
        if (dy)
            s->row->backward(&(struct elements){s->options, seen, seen, wide, wide, piece});
        else
            s->row->forward(&(struct elements){s->options, seen, wide, NULL, NULL, piece});
        bf16_round_all(wide, to + i, piece);
    }
}

static void forward(struct op *op, const struct op_call *call)
{
    const struct activation_state *s = op->state;
    int64_t count = call->samples * op->x.count;
    if (op->x.number == NUMBER_BF16)
        run_bf16(s, call->x, NULL, call->y, count);
    else
        s->row->forward(&(struct elements){s->options, call->x, call->y, NULL, NULL, count});
    if (s->missing > 0)
        clear_missing(op, call);
}

static void backward(struct op *op, const struct op_call *call)
{
    const struct activation_state *s = op->state;
    int64_t count = call->samples * op->x.count;
    if (!call->dx)
        return;
    if (op->x.number == NUMBER_BF16)
        run_bf16(s, s->row->needs_x ? call->x : call->y, call->dy, call->dx, count);
    else
        s->row->backward(
            &(struct elements){s->options, call->x, call->y, call->dy, call->dx, count});
}

static void drop(struct op *op)
{
    free(op->state);
}

/* Asked of the function itself, so that no row can forget to say it. */
static bool keeps_zero(const struct activation_state *s)
{
    real zero = 0;
    s->row->forward(&(struct elements){.options = s->options, .x = &zero, .y = &zero, .count = 1});
    return zero == 0;
}

bool elementwise_make(const struct op_setup *setup, struct op *op, struct error *error)
{
    const struct plan_layer *layer = setup->layer;
    const struct activation *row = activations;
    int64_t count = op_count(&layer->input, setup->block);

    while (&row->layer->kind != layer->kind)
        if (++row == activations + COUNT_OF(activations))
            return false;
    struct activation_state *s = calloc(1, sizeof *s);
    if (!s)
        return error_set(error, ERROR_MEMORY, layer->pointer, "no memory for the layer");
    *s = (struct activation_state){
        .row = row, .options = layer->options, .pixels = layer->input.height * layer->input.width};
    if (!keeps_zero(s))
        s->missing = (setup->block - layer->input.channels % setup->block) % setup->block;
    bool in_place = !row->needs_x && !setup->keep_x;
    *op = (struct op){.kernel = in_place ? "in place, any layout" : "any layout",
                      .x.count = count,
                      .y.count = count,
                      .x.block = setup->block,
                      .y.block = setup->block,
                      .x.number = setup->number,
                      .y.number = setup->number,
                      .traits = (in_place ? OP_IN_PLACE : 0) | (row->needs_x ? 0 : OP_READS_Y),
                      .state = s,
                      .forward = forward,
                      .backward = backward,
                      .drop = drop};
    return true;
}
