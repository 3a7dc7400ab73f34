/* Pooling over blocks of channels: each lane of a vector is a channel. Serves max_pool2d,
 * avg_pool2d and adaptive_avg_pool2d, whose windows are all made of one span of rows and one of
 * columns.
 *
 * oneDNN's max pooling is as fast but lets a NaN vanish, and a diverged run would look healthy.
 * Same rules as the reference: the first of equals wins, a NaN wins over everything and the last
 * NaN over the others. */
#include "core/kernels.h"
#include "core/layer.h"

#include <stdlib.h>
#include <string.h>

enum { LANES_MAX = 16, TAPS_MAX = 255 };

/* In front of a loop over lanes: unrolled into single lanes first, it would not become a vector. */
#define WHOLE _Pragma("GCC unroll 1")

/* The part of an axis that one output looks at. */
struct span {
    int64_t first, end; /* inside the image; never empty */
    int64_t divisor;    /* what it counts for in a mean */
};

enum work { MAX_FORWARD, MAX_BACKWARD, MEAN_FORWARD, MEAN_BACKWARD };

struct pool_state {
    struct shape in, out;
    struct span *rows, *columns; /* of each output; one allocation */
    bool max;
    uint8_t *winners;    /* max: (shards, shard_count): place in the window, in reading order */
    int64_t shard_count; /* winners of one shard, padding channels included */
};

/* One image of one block of channels: x, dx (height, width, lanes), the rest (out.height,
 * out.width, lanes). */
struct plane {
    const struct pool_state *pool;
    enum work work;
    const real *x, *dy;
    real *y, *dx;
    uint8_t *winners;
};

/* One window on one plane, and where its output lies in the plane. */
struct window {
    const struct span *rows, *columns;
    int64_t out;
};

static inline __attribute__((always_inline)) void
max_forward(const struct plane *p, const struct window *w, const int lanes)
{
    int64_t width = p->pool->in.width;
    real best[LANES_MAX];
    int32_t winner[LANES_MAX], tap = 0;

    WHOLE
    for (int l = 0; l < lanes; l++) {
        best[l] = p->x[(w->rows->first * width + w->columns->first) * lanes + l];
        winner[l] = 0;
    }
    for (int64_t iy = w->rows->first; iy < w->rows->end; iy++)
        for (int64_t ix = w->columns->first; ix < w->columns->end; ix++, tap++) {
            const real *x = p->x + (iy * width + ix) * lanes;
            WHOLE
            for (int l = 0; l < lanes; l++) {
                int take = (x[l] > best[l]) | (x[l] != x[l]);
                best[l] = take ? x[l] : best[l];
                winner[l] = take ? tap : winner[l];
            }
        }
    WHOLE
    for (int l = 0; l < lanes; l++) {
        p->y[w->out * lanes + l] = best[l];
        p->winners[w->out * lanes + l] = (uint8_t)winner[l];
    }
}

/* Adds dy to the winner's place; the other taps get 0 added, so that lanes need not part. */
static inline __attribute__((always_inline)) void
max_backward(const struct plane *p, const struct window *w, const int lanes)
{
    const real *dy = p->dy + w->out * lanes;
    const uint8_t *winners = p->winners + w->out * lanes;
    int32_t tap = 0;

    for (int64_t iy = w->rows->first; iy < w->rows->end; iy++)
        for (int64_t ix = w->columns->first; ix < w->columns->end; ix++, tap++) {
            real *dx = p->dx + (iy * p->pool->in.width + ix) * lanes;
            WHOLE
            for (int l = 0; l < lanes; l++)
                dx[l] += winners[l] == tap ? dy[l] : 0;
        }
}

static inline __attribute__((always_inline)) void
mean_forward(const struct plane *p, const struct window *w, const int lanes)
{
    real sum[LANES_MAX] = {0}, divisor = (real)(w->rows->divisor * w->columns->divisor);

    for (int64_t iy = w->rows->first; iy < w->rows->end; iy++)
        for (int64_t ix = w->columns->first; ix < w->columns->end; ix++) {
            const real *x = p->x + (iy * p->pool->in.width + ix) * lanes;
            for (int l = 0; l < lanes; l++)
                sum[l] += x[l];
        }
    for (int l = 0; l < lanes; l++)
        p->y[w->out * lanes + l] = sum[l] / divisor;
}

static inline __attribute__((always_inline)) void
mean_backward(const struct plane *p, const struct window *w, const int lanes)
{
    real share[LANES_MAX], divisor = (real)(w->rows->divisor * w->columns->divisor);

    for (int l = 0; l < lanes; l++)
        share[l] = p->dy[w->out * lanes + l] / divisor;
    for (int64_t iy = w->rows->first; iy < w->rows->end; iy++)
        for (int64_t ix = w->columns->first; ix < w->columns->end; ix++) {
            real *dx = p->dx + (iy * p->pool->in.width + ix) * lanes;
            for (int l = 0; l < lanes; l++)
                dx[l] += share[l];
        }
}

static inline __attribute__((always_inline)) void plane_run(const struct plane *p, const int lanes)
{
    const struct pool_state *s = p->pool;
    for (int64_t oy = 0; oy < s->out.height; oy++)
        for (int64_t ox = 0; ox < s->out.width; ox++) {
            struct window w = {s->rows + oy, s->columns + ox, oy * s->out.width + ox};
            if (p->work == MAX_FORWARD)
                max_forward(p, &w, lanes);
            else if (p->work == MAX_BACKWARD)
                max_backward(p, &w, lanes);
            else if (p->work == MEAN_FORWARD)
                mean_forward(p, &w, lanes);
            else
                mean_backward(p, &w, lanes);
        }
}

VECTOR_CLONES static void plane16(const struct plane *p)
{
    plane_run(p, 16);
}

VECTOR_CLONES static void plane8(const struct plane *p)
{
    plane_run(p, 8);
}

static void plane1(const struct plane *p)
{
    plane_run(p, 1);
}

/* All images and blocks of one shard. */
static void run_planes(const struct op *op, const struct op_call *call, enum work work)
{
    const struct pool_state *s = op->state;
    int lanes = op->x_block;
    int64_t x_size = s->in.height * s->in.width * lanes,
            y_size = s->out.height * s->out.width * lanes;
    int64_t planes = call->samples * (op->x_count / x_size);
    bool ahead = work == MAX_FORWARD || work == MEAN_FORWARD;
    for (int64_t i = 0; i < planes; i++) {
        struct plane p = {.pool = s, .work = work};
        if (s->max)
            p.winners = s->winners + call->shard * s->shard_count + i * y_size;
        if (ahead) {
            p.x = (const real *)call->x + i * x_size;
            p.y = (real *)call->y + i * y_size;
        } else {
            p.dy = (const real *)call->dy + i * y_size;
            p.dx = (real *)call->dx + i * x_size;
        }
        (lanes == 16 ? plane16 : lanes == 8 ? plane8 : plane1)(&p);
    }
}

static void forward(struct op *op, const struct op_call *call)
{
    run_planes(op, call, ((const struct pool_state *)op->state)->max ? MAX_FORWARD : MEAN_FORWARD);
}

static void backward(struct op *op, const struct op_call *call)
{
    if (!call->dx)
        return;
    memset(call->dx, 0, (size_t)(call->samples * op->x_count) * sizeof(real));
    run_planes(op, call,
               ((const struct pool_state *)op->state)->max ? MAX_BACKWARD : MEAN_BACKWARD);
}

/* ---- making ---- */

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* As in PyTorch, a mean with padding counts the window as far as the padding reaches, but not what
 * ceil_mode lets stand out behind it. */
static void pool_spans(const struct pool2d_options *o, int axis, int64_t size, struct span *spans,
                       int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        int64_t start = i * o->stride[axis] - o->padding[axis];
        int64_t end = least(start + o->kernel_size[axis], size + o->padding[axis]);
        struct span span = {start < 0 ? 0 : start, least(end, size), end - start};
        if (!o->count_include_pad)
            span.divisor = span.end - span.first;
        spans[i] = span;
    }
}

static void adaptive_spans(int64_t size, struct span *spans, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        struct span span = {i * size / count, ((i + 1) * size + count - 1) / count, 0};
        span.divisor = span.end - span.first;
        spans[i] = span;
    }
}

static void fill_spans(struct pool_state *s, const struct plan_layer *layer)
{
    if (layer->kind == &layer_adaptive_avg_pool2d.kind) {
        adaptive_spans(s->in.height, s->rows, s->out.height);
        adaptive_spans(s->in.width, s->columns, s->out.width);
    } else {
        pool_spans(layer->options, 0, s->in.height, s->rows, s->out.height);
        pool_spans(layer->options, 1, s->in.width, s->columns, s->out.width);
    }
}

static void drop(struct op *op)
{
    struct pool_state *s = op->state;
    free(s->rows);
    free(s);
}

/* A winner's place must fit its byte. */
static bool can_serve(const struct plan_layer *layer)
{
    const struct pool2d_options *o = layer->options;
    return layer->kind != &layer_max_pool2d.kind ||
           saturating_product(o->kernel_size[0], o->kernel_size[1]) <= TAPS_MAX;
}

static struct pool_state *state_new(const struct plan_layer *layer)
{
    struct pool_state *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->in = layer->input;
    s->out = layer->output;
    s->max = layer->kind == &layer_max_pool2d.kind;
    s->rows = calloc((size_t)(s->out.height + s->out.width), sizeof *s->rows);
    if (!s->rows) {
        free(s);
        return NULL;
    }
    s->columns = s->rows + s->out.height;
    fill_spans(s, layer);
    return s;
}

bool blocked_pool2d_make(const struct op_setup *setup, struct op *op, struct error *error)
{
    if (!can_serve(setup->layer))
        return false;
    struct pool_state *s = state_new(setup->layer);
    if (!s)
        return error_set(error, ERROR_MEMORY, setup->layer->pointer, "no memory for the layer");
    s->shard_count = saturating_product(setup->shard_size, op_count(&s->out, setup->block));
    if (s->max)
        block_reserve(setup->memory, &s->winners, saturating_product(setup->shards, s->shard_count),
                      1);
    *op = (struct op){.kernel = "own: lanes of channels",
                      .x_count = op_count(&s->in, setup->block),
                      .y_count = op_count(&s->out, setup->block),
                      .x_block = setup->block,
                      .y_block = setup->block,
                      .state = s,
                      .forward = forward,
                      .backward = backward,
                      .drop = drop};
    return true;
}
