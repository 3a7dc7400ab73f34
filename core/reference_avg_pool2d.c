/* avg_pool2d and adaptive_avg_pool2d by their definition, in plain layout. The oracle of every
 * faster kernel. */
#include "core/kernels.h"
#include "core/layer.h"

#include <stdlib.h>
#include <string.h>

struct pool_state {
    const struct plan_layer *layer;
};

/* The pixels that one output is the mean of, and what their sum is divided by. */
struct window {
    int64_t top, bottom, left, right; /* bottom and right are behind the last ones */
    int64_t divisor;
};

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* With count_include_pad the window counts as far as the padding reaches, but not what ceil_mode
 * lets stand out behind it. */
static struct window avg_window(const struct plan_layer *layer, int64_t oy, int64_t ox)
{
    const struct pool2d_options *o = layer->options;
    const struct shape *in = &layer->input;
    struct window w = {.top = oy * o->stride[0] - o->padding[0],
                       .left = ox * o->stride[1] - o->padding[1]};
    w.bottom = least(w.top + o->kernel_size[0], in->height + o->padding[0]);
    w.right = least(w.left + o->kernel_size[1], in->width + o->padding[1]);
    int64_t whole = (w.bottom - w.top) * (w.right - w.left);
    w.top = w.top < 0 ? 0 : w.top;
    w.left = w.left < 0 ? 0 : w.left;
    w.bottom = least(w.bottom, in->height);
    w.right = least(w.right, in->width);
    w.divisor = o->count_include_pad ? whole : (w.bottom - w.top) * (w.right - w.left);
    return w;
}

static struct window adaptive_window(const struct plan_layer *layer, int64_t oy, int64_t ox)
{
    const struct shape *in = &layer->input, *out = &layer->output;
    struct window w = {.top = oy * in->height / out->height,
                       .bottom = ((oy + 1) * in->height + out->height - 1) / out->height,
                       .left = ox * in->width / out->width,
                       .right = ((ox + 1) * in->width + out->width - 1) / out->width};
    w.divisor = (w.bottom - w.top) * (w.right - w.left);
    return w;
}

static struct window window_at(const struct plan_layer *layer, int64_t output)
{
    int64_t oy = output / layer->output.width, ox = output % layer->output.width;
    return layer->kind == &layer_avg_pool2d.kind ? avg_window(layer, oy, ox)
                                                 : adaptive_window(layer, oy, ox);
}

static void forward(struct op *op, const struct op_call *call)
{
    const struct plan_layer *layer = ((const struct pool_state *)op->state)->layer;
    const struct shape *in = &layer->input, *out = &layer->output;

    for (int64_t image = 0; image < call->samples * in->channels; image++) {
        const real *x = (const real *)call->x + image * in->height * in->width;
        for (int64_t p = 0; p < out->height * out->width; p++) {
            struct window w = window_at(layer, p);
            real sum = 0;
            for (int64_t iy = w.top; iy < w.bottom; iy++)
                for (int64_t ix = w.left; ix < w.right; ix++)
                    sum += x[iy * in->width + ix];
            ((real *)call->y)[image * out->height * out->width + p] = sum / (real)w.divisor;
        }
    }
}

static void backward(struct op *op, const struct op_call *call)
{
    const struct plan_layer *layer = ((const struct pool_state *)op->state)->layer;
    const struct shape *in = &layer->input, *out = &layer->output;

    if (!call->dx)
        return;
    memset(call->dx, 0, (size_t)(call->samples * op->x.count) * sizeof(real));
    for (int64_t image = 0; image < call->samples * in->channels; image++) {
        real *dx = (real *)call->dx + image * in->height * in->width;
        for (int64_t p = 0; p < out->height * out->width; p++) {
            struct window w = window_at(layer, p);
            real share =
                ((const real *)call->dy)[image * out->height * out->width + p] / (real)w.divisor;
            for (int64_t iy = w.top; iy < w.bottom; iy++)
                for (int64_t ix = w.left; ix < w.right; ix++)
                    dx[iy * in->width + ix] += share;
        }
    }
}

static void drop(struct op *op)
{
    free(op->state);
}

bool reference_avg_pool2d_make(const struct op_setup *setup, struct op *op, struct error *error)
{
    const struct plan_layer *layer = setup->layer;
    if (setup->block != 1)
        return false;
    struct pool_state *s = calloc(1, sizeof *s);
    if (!s)
        return error_set(error, ERROR_MEMORY, layer->pointer, "no memory for the layer");
    s->layer = layer;
    *op = (struct op){.kernel = "reference: plain loops",
                      .x.count = shape_elements(&layer->input),
                      .y.count = shape_elements(&layer->output),
                      .x.block = 1,
                      .y.block = 1,
                      .state = s,
                      .forward = forward,
                      .backward = backward,
                      .drop = drop};
    return true;
}
