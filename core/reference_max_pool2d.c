/* max_pool2d by its definition, in plain layout. Of equal values the first in reading order wins,
 * and a NaN wins over everything, as in PyTorch. The oracle of every faster kernel. */
#include "core/kernels.h"
#include "core/layer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct pool_state {
    const struct pool2d_options *options;
    struct shape in, out;
    int32_t *winners;    /* (shards, shard_size, y_count): index into the input image */
    int64_t shard_count; /* winners of one shard */
};

/* Index of the winner of output (oy, ox) in one image. */
static int32_t winner(const struct pool_state *s, const real *image, int64_t oy, int64_t ox)
{
    const struct pool2d_options *o = s->options;
    int64_t best = -1;
    for (int64_t ky = 0; ky < o->kernel_size[0]; ky++)
        for (int64_t kx = 0; kx < o->kernel_size[1]; kx++) {
            int64_t iy = oy * o->stride[0] - o->padding[0] + ky,
                    ix = ox * o->stride[1] - o->padding[1] + kx;
            if (iy < 0 || iy >= s->in.height || ix < 0 || ix >= s->in.width)
                continue;
            int64_t at = iy * s->in.width + ix;
            if (best < 0 || image[at] > image[best] || isnan(image[at]))
                best = at;
        }
    return (int32_t)best;
}

static void forward(struct op *op, const struct op_call *call)
{
    const struct pool_state *s = op->state;
    int64_t pixels_in = s->in.height * s->in.width, pixels_out = s->out.height * s->out.width;
    int32_t *winners = s->winners + call->shard * s->shard_count;

    for (int64_t image = 0; image < call->samples * s->in.channels; image++) {
        const real *x = (const real *)call->x + image * pixels_in;
        for (int64_t p = 0; p < pixels_out; p++) {
            int32_t at = winner(s, x, p / s->out.width, p % s->out.width);
            winners[image * pixels_out + p] = at;
            ((real *)call->y)[image * pixels_out + p] = x[at];
        }
    }
}

static void backward(struct op *op, const struct op_call *call)
{
    const struct pool_state *s = op->state;
    int64_t pixels_in = s->in.height * s->in.width, pixels_out = s->out.height * s->out.width;
    const int32_t *winners = s->winners + call->shard * s->shard_count;

    if (!call->dx)
        return;
    memset(call->dx, 0, (size_t)(call->samples * op->x.count) * sizeof(real));
    for (int64_t image = 0; image < call->samples * s->in.channels; image++)
        for (int64_t p = 0; p < pixels_out; p++)
            ((real *)call->dx)[image * pixels_in + winners[image * pixels_out + p]] +=
                ((const real *)call->dy)[image * pixels_out + p];
}

static void drop(struct op *op)
{
    free(op->state);
}

bool reference_max_pool2d_make(const struct op_setup *setup, struct op *op, struct error *error)
{
    const struct plan_layer *layer = setup->layer;
    if (setup->block != 1)
        return false;
    struct pool_state *s = calloc(1, sizeof *s);
    if (!s)
        return error_set(error, ERROR_MEMORY, layer->pointer, "no memory for the layer");
    s->options = layer->options;
    s->in = layer->input;
    s->out = layer->output;
    s->shard_count = saturating_product(setup->cut.shard_size, shape_elements(&s->out));
    block_reserve(setup->memory, &s->winners, saturating_product(setup->cut.shards, s->shard_count),
                  sizeof *s->winners);
    *op = (struct op){.kernel = "reference: plain loops",
                      .x.count = shape_elements(&s->in),
                      .y.count = shape_elements(&s->out),
                      .x.block = 1,
                      .y.block = 1,
                      .state = s,
                      .forward = forward,
                      .backward = backward,
                      .drop = drop};
    return true;
}
