/* max_pool2d over blocks of channels: each lane of a vector is a channel. oneDNN's pooling is as
 * fast but lets a NaN vanish, and a diverged run would look healthy. Same rules as the reference:
 * the first of equals wins, a NaN wins over everything and the last NaN over the others. */
#include "core/kernels.h"
#include "core/layer.h"

#include <stdlib.h>
#include <string.h>

enum { LANES_MAX = 16, TAPS_MAX = 255 };

struct pool_state {
    const struct max_pool2d_options *options;
    struct shape in, out;
    uint8_t *winners;    /* (shards, shard_count): the window's tap, in reading order */
    int64_t shard_count; /* winners of one shard, padding channels included */
};

/* One image of one block of channels: x (height, width, lanes), the rest (out.height, out.width,
 * lanes). */
struct plane {
    const struct pool_state *pool;
    const real *x, *dy;
    real *y, *dx;
    uint8_t *winners;
};

/* The part of a window that lies inside the image. */
struct window {
    int64_t top, left; /* of the whole window; negative in the padding */
    int64_t ky, ky_end, kx, kx_end;
};

static inline int64_t clip_end(int64_t start, int64_t kernel, int64_t size)
{
    return size - start < kernel ? size - start : kernel;
}

static inline struct window window_at(const struct pool_state *s, int64_t oy, int64_t ox)
{
    const struct max_pool2d_options *o = s->options;
    struct window w = {.top = oy * o->stride[0] - o->padding[0],
                       .left = ox * o->stride[1] - o->padding[1]};
    w.ky = w.top < 0 ? -w.top : 0;
    w.kx = w.left < 0 ? -w.left : 0;
    w.ky_end = clip_end(w.top, o->kernel_size[0], s->in.height);
    w.kx_end = clip_end(w.left, o->kernel_size[1], s->in.width);
    return w;
}

static inline __attribute__((always_inline)) void
forward_window(const struct plane *p, const struct window *w, int64_t out, const int lanes)
{
    const struct pool_state *s = p->pool;
    int64_t width = s->options->kernel_size[1];
    real best[LANES_MAX];
    int32_t winner[LANES_MAX];

    for (int l = 0; l < lanes; l++) {
        best[l] = p->x[((w->top + w->ky) * s->in.width + w->left + w->kx) * lanes + l];
        winner[l] = (int32_t)(w->ky * width + w->kx);
    }
    for (int64_t ky = w->ky; ky < w->ky_end; ky++)
        for (int64_t kx = w->kx; kx < w->kx_end; kx++) {
            const real *x = p->x + ((w->top + ky) * s->in.width + w->left + kx) * lanes;
            int32_t tap = (int32_t)(ky * width + kx);
            for (int l = 0; l < lanes; l++) {
                int take = (x[l] > best[l]) | (x[l] != x[l]);
                best[l] = take ? x[l] : best[l];
                winner[l] = take ? tap : winner[l];
            }
        }
    for (int l = 0; l < lanes; l++) {
        p->y[out * lanes + l] = best[l];
        p->winners[out * lanes + l] = (uint8_t)winner[l];
    }
}

/* Adds dy to the winner's place; the other taps get 0 added, so that lanes need not part. */
static inline __attribute__((always_inline)) void
backward_window(const struct plane *p, const struct window *w, int64_t out, const int lanes)
{
    const struct pool_state *s = p->pool;
    const real *dy = p->dy + out * lanes;
    const uint8_t *winners = p->winners + out * lanes;

    for (int64_t ky = w->ky; ky < w->ky_end; ky++)
        for (int64_t kx = w->kx; kx < w->kx_end; kx++) {
            real *dx = p->dx + ((w->top + ky) * s->in.width + w->left + kx) * lanes;
            int32_t tap = (int32_t)(ky * s->options->kernel_size[1] + kx);
            for (int l = 0; l < lanes; l++)
                dx[l] += winners[l] == tap ? dy[l] : 0;
        }
}

static inline __attribute__((always_inline)) void plane_run(const struct plane *p, const int lanes)
{
    const struct shape *out = &p->pool->out;
    for (int64_t oy = 0; oy < out->height; oy++)
        for (int64_t ox = 0; ox < out->width; ox++) {
            struct window w = window_at(p->pool, oy, ox);
            if (p->dx)
                backward_window(p, &w, oy * out->width + ox, lanes);
            else
                forward_window(p, &w, oy * out->width + ox, lanes);
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

/* All images and blocks of one shard. Pointers of `first` that are NULL stay so. */
static void run_planes(const struct op *op, const struct op_call *call, const struct plane *first)
{
    const struct pool_state *s = op->state;
    int lanes = op->x_block;
    int64_t x_size = s->in.height * s->in.width * lanes,
            y_size = s->out.height * s->out.width * lanes;
    int64_t planes = call->samples * (op->x_count / x_size);
    for (int64_t i = 0; i < planes; i++) {
        struct plane p = {.pool = s, .winners = first->winners + i * y_size};
        if (first->dx) {
            p.dy = first->dy + i * y_size;
            p.dx = first->dx + i * x_size;
        } else {
            p.x = first->x + i * x_size;
            p.y = first->y + i * y_size;
        }
        (lanes == 16 ? plane16 : lanes == 8 ? plane8 : plane1)(&p);
    }
}

static void forward(struct op *op, const struct op_call *call)
{
    const struct pool_state *s = op->state;
    struct plane first = {
        .x = call->x, .y = call->y, .winners = s->winners + call->shard * s->shard_count};
    run_planes(op, call, &first);
}

static void backward(struct op *op, const struct op_call *call)
{
    const struct pool_state *s = op->state;
    struct plane first = {
        .dy = call->dy, .dx = call->dx, .winners = s->winners + call->shard * s->shard_count};
    if (!call->dx)
        return;
    memset(call->dx, 0, (size_t)(call->samples * op->x_count) * sizeof *call->dx);
    run_planes(op, call, &first);
}

static void drop(struct op *op)
{
    free(op->state);
}

bool blocked_max_pool2d_make(const struct op_setup *setup, struct op *op, struct error *error)
{
    const struct plan_layer *layer = setup->layer;
    const struct max_pool2d_options *options = layer->options;
    if (saturating_product(options->kernel_size[0], options->kernel_size[1]) > TAPS_MAX)
        return false;
    struct pool_state *s = calloc(1, sizeof *s);
    if (!s)
        return error_set(error, ERROR_MEMORY, layer->pointer, "no memory for the layer");
    s->options = options;
    s->in = layer->input;
    s->out = layer->output;
    s->shard_count = saturating_product(setup->shard_size, op_count(&s->out, setup->block));
    block_reserve(setup->memory, &s->winners, saturating_product(setup->shards, s->shard_count), 1);
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
