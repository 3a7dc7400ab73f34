/* conv2d by oneDNN: direct convolution in blocked layouts. Weights are reordered once a step for
 * the forward pass and once for the data gradient; each shard leaves its weight gradient in the
 * primitive's own layout, the sum of the shards is brought back into PyTorch's.
 *
 * oneDNN's vector kernels want whole blocks of channels. So the channels of a blocked layout are
 * rounded up to whole blocks and computed like real ones: their weights and biases are zero, so
 * their outputs and gradients are and stay exactly zero. */
#if TRAIND_ONEDNN
#include "core/layer.h"
#include "core/matrix.h"
#include "core/onednn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The directions; `data` only when dx is wanted; the rest are reorders. */
struct primitives {
    struct onednn_primitive forward, data, weights;
    struct onednn_primitive pack_forward, pack_data, unpack;
};

/* The layer's weights: where they lie in the flat arrays and in what shape the primitives see them.
 */
struct geometry {
    int64_t weight, bias;    /* offsets; bias −1: none */
    int64_t filters, inputs; /* real channels */
    dnnl_dims_t dims;        /* (filters, inputs, height, width), channels rounded up */
};

struct conv2d_state {
    struct onednn shared;
    struct primitives primitives;
    struct geometry geometry;
    real *padded, *padded_bias; /* (dims) and (dims[0]): plain order, channels rounded up */
    real *packed_forward, *packed_data;
    int64_t slot_size, bias_at; /* one shard's gradient: weights, then (a cache line on) the bias */
    real *slots, *sum;          /* (shards, slot_size) and (slot_size) */
    real *summed_plain;         /* (dims) */
    char kernel[64];
};

static void pack(struct op *op, const real *parameters)
{
    struct conv2d_state *s = op->state;
    int64_t taps = s->geometry.dims[2] * s->geometry.dims[3];
    size_t row = (size_t)(s->geometry.inputs * taps) * sizeof(real);
    for (int64_t f = 0; f < s->geometry.filters; f++)
        memcpy(s->padded + f * s->geometry.dims[1] * taps,
               parameters + s->geometry.weight + f * s->geometry.inputs * taps, row);
    if (s->geometry.bias >= 0)
        memcpy(s->padded_bias, parameters + s->geometry.bias,
               (size_t)s->geometry.filters * sizeof(real));
    onednn_run(&s->shared, &s->primitives.pack_forward, 0,
               (const void *[]){s->padded, s->packed_forward});
    if (s->primitives.data.primitive)
        onednn_run(&s->shared, &s->primitives.pack_data, 0,
                   (const void *[]){s->padded, s->packed_data});
}

static void forward(struct op *op, const struct op_call *call)
{
    struct conv2d_state *s = op->state;
    onednn_run(&s->shared, &s->primitives.forward, call->member,
               (const void *[]){call->x, s->packed_forward, call->y, s->padded_bias});
}

static void backward(struct op *op, const struct op_call *call)
{
    struct conv2d_state *s = op->state;
    real *slot = s->slots + call->shard * s->slot_size;
    onednn_run(&s->shared, &s->primitives.weights, call->member,
               (const void *[]){call->x, call->dy, slot, slot + s->bias_at});
    if (call->dx)
        onednn_run(&s->shared, &s->primitives.data, call->member,
                   (const void *[]){call->dy, s->packed_data, call->dx});
}

static void gather(struct op *op, const struct op_gather *gather)
{
    struct conv2d_state *s = op->state;
    real *plain = s->summed_plain;
    int64_t taps = s->geometry.dims[2] * s->geometry.dims[3];
    size_t row = (size_t)(s->geometry.inputs * taps) * sizeof(real);
    shards_sum(s->slots, s->slot_size, gather->shards, s->sum, s->slot_size);
    onednn_run(&s->shared, &s->primitives.unpack, 0, (const void *[]){s->sum, plain});
    for (int64_t f = 0; f < s->geometry.filters; f++)
        memcpy(gather->gradients + s->geometry.weight + f * s->geometry.inputs * taps,
               plain + f * s->geometry.dims[1] * taps, row);
    if (s->geometry.bias >= 0)
        memcpy(gather->gradients + s->geometry.bias, s->sum + s->bias_at,
               (size_t)s->geometry.filters * sizeof(real));
}

static void drop(struct op *op)
{
    struct conv2d_state *s = op->state;
    struct onednn_primitive *all[] = {&s->primitives.forward,   &s->primitives.data,
                                      &s->primitives.weights,   &s->primitives.pack_forward,
                                      &s->primitives.pack_data, &s->primitives.unpack};
    for (size_t i = 0; i < COUNT_OF(all); i++)
        onednn_drop(&s->shared, all[i]);
    onednn_end(&s->shared);
    free(s);
}

/* The descriptors that the three directions share. */
struct directions {
    const struct op_setup *setup;
    const struct conv2d_options *options;
    struct shape in, out;          /* channels rounded up to whole blocks */
    dnnl_memory_desc_t x, y, w, b; /* w left open */
    dnnl_dims_t stride, padding;
};

static struct directions describe(const struct op_setup *setup, int block_out)
{
    const struct plan_layer *layer = setup->layer;
    struct directions d = {
        .setup = setup, .options = layer->options, .in = layer->input, .out = layer->output};
    d.in.channels = (d.in.channels + setup->block - 1) / setup->block * setup->block;
    d.out.channels = (d.out.channels + block_out - 1) / block_out * block_out;
    d.x = onednn_images(setup->shard_size, &d.in, setup->block);
    d.y = onednn_images(setup->shard_size, &d.out, block_out);
    d.w = onednn_any(4, (const int64_t[]){d.out.channels, d.in.channels, d.options->kernel_size[0],
                                          d.options->kernel_size[1]});
    d.b = onednn_plain(1, &d.out.channels);
    for (int axis = 0; axis < 2; axis++) {
        d.stride[axis] = d.options->stride[axis];
        d.padding[axis] = d.options->padding[axis];
    }
    return d;
}

/* All three directions, or none. */
static bool make_directions(struct conv2d_state *s, const struct directions *d)
{
    const struct conv2d_options *o = d->options;
    const dnnl_memory_desc_t *bias = o->bias ? &d->b : NULL;
    dnnl_convolution_desc_t desc;
    struct onednn_wish wish = {.operation = &desc, .settle = d->setup->settle};

    if (dnnl_convolution_forward_desc_init(&desc, dnnl_forward_training, dnnl_convolution_direct,
                                           &d->x, &d->w, bias, &d->y, d->stride, d->padding,
                                           d->padding) != dnnl_success ||
        !onednn_make(&s->shared, &wish, &s->primitives.forward))
        return false;
    wish.hint = s->primitives.forward.desc;
    if (dnnl_convolution_backward_weights_desc_init(&desc, dnnl_convolution_direct, &d->x, &d->w,
                                                    bias, &d->y, d->stride, d->padding,
                                                    d->padding) != dnnl_success ||
        !onednn_make(&s->shared, &wish, &s->primitives.weights))
        return false;
    return !d->setup->want_dx || (dnnl_convolution_backward_data_desc_init(
                                      &desc, dnnl_convolution_direct, &d->x, &d->w, &d->y,
                                      d->stride, d->padding, d->padding) == dnnl_success &&
                                  onednn_make(&s->shared, &wish, &s->primitives.data));
}

static bool make_args(struct conv2d_state *s, const struct directions *d)
{
    bool bias = d->options->bias, data = s->primitives.data.primitive != NULL;
    const dnnl_memory_desc_t *w = onednn_chosen(&s->primitives.forward, dnnl_query_weights_md);
    const dnnl_memory_desc_t *dw =
        onednn_chosen(&s->primitives.weights, dnnl_query_diff_weights_md);
    const dnnl_memory_desc_t *wd =
        data ? onednn_chosen(&s->primitives.data, dnnl_query_weights_md) : NULL;
    const dnnl_memory_desc_t plain = onednn_plain(4, s->geometry.dims);
    const struct onednn_arg forward_args[] = {{DNNL_ARG_SRC, &d->x},
                                              {DNNL_ARG_WEIGHTS, w},
                                              {DNNL_ARG_DST, &d->y},
                                              {bias ? DNNL_ARG_BIAS : 0, &d->b},
                                              {0, NULL}};
    const struct onednn_arg weight_args[] = {{DNNL_ARG_SRC, &d->x},
                                             {DNNL_ARG_DIFF_DST, &d->y},
                                             {DNNL_ARG_DIFF_WEIGHTS, dw},
                                             {bias ? DNNL_ARG_DIFF_BIAS : 0, &d->b},
                                             {0, NULL}};
    const struct onednn_arg data_args[] = {
        {DNNL_ARG_DIFF_DST, &d->y}, {DNNL_ARG_WEIGHTS, wd}, {DNNL_ARG_DIFF_SRC, &d->x}, {0, NULL}};

    s->bias_at = (onednn_numbers(dw) + 15) / 16 * 16;
    s->slot_size = s->bias_at + (d->options->bias ? (s->geometry.dims[0] + 15) / 16 * 16 : 0);
    return onednn_args(&s->shared, &s->primitives.forward, forward_args) &&
           onednn_args(&s->shared, &s->primitives.weights, weight_args) &&
           (!data || onednn_args(&s->shared, &s->primitives.data, data_args)) &&
           onednn_make_reorder(&s->shared, &plain, w, &s->primitives.pack_forward) &&
           onednn_make_reorder(&s->shared, dw, &plain, &s->primitives.unpack) &&
           (!data || onednn_make_reorder(&s->shared, &plain, wd, &s->primitives.pack_data));
}

static void reserve(struct conv2d_state *s, const struct op_setup *setup)
{
    int64_t weights =
        s->geometry.dims[0] * s->geometry.dims[1] * s->geometry.dims[2] * s->geometry.dims[3];
    block_reserve(setup->memory, &s->padded, weights, sizeof(real));
    block_reserve(setup->memory, &s->padded_bias, s->geometry.dims[0], sizeof(real));
    block_reserve(setup->memory, &s->summed_plain, weights, sizeof(real));
    block_reserve(setup->memory, &s->packed_forward,
                  onednn_numbers(onednn_chosen(&s->primitives.forward, dnnl_query_weights_md)),
                  sizeof(real));
    if (s->primitives.data.primitive)
        block_reserve(setup->memory, &s->packed_data,
                      onednn_numbers(onednn_chosen(&s->primitives.data, dnnl_query_weights_md)),
                      sizeof(real));
    block_reserve(setup->memory, &s->slots, saturating_product(setup->shards, s->slot_size),
                  sizeof(real));
    block_reserve(setup->memory, &s->sum, s->slot_size, sizeof(real));
    onednn_reserve(&s->shared, setup->memory);
}

/* Tries one pair of layouts. */
static bool make_with(const struct op_setup *setup, int block_out, struct op *op)
{
    const struct plan_layer *layer = setup->layer;
    const struct plan_tensor *tensors = setup->plan->tensors + layer->first_tensor;
    const char *name = "";
    struct conv2d_state *s = calloc(1, sizeof *s);
    if (!s)
        return false;
    struct directions d = describe(setup, block_out);
    struct op made = {.state = s};
    s->geometry.filters = layer->output.channels;
    s->geometry.inputs = layer->input.channels;
    memcpy(s->geometry.dims, d.w.dims, sizeof s->geometry.dims);
    if (!onednn_start(&s->shared, setup) || !make_directions(s, &d) || !make_args(s, &d)) {
        drop(&made);
        return false;
    }
    s->geometry.weight = tensors[0].offset;
    s->geometry.bias = d.options->bias ? tensors[1].offset : -1;
    reserve(s, setup);
    dnnl_primitive_desc_query(s->primitives.forward.desc, dnnl_query_impl_info_str, 0, &name);
    snprintf(s->kernel, sizeof s->kernel, "oneDNN %s", name);
    *op = (struct op){.kernel = s->kernel,
                      .x_count = op_count(&layer->input, setup->block),
                      .y_count = op_count(&layer->output, block_out),
                      .x_block = setup->block,
                      .y_block = block_out,
                      .gather_tasks = 1,
                      .state = s,
                      .pack = pack,
                      .forward = forward,
                      .backward = backward,
                      .gather = gather,
                      .drop = drop};
    return true;
}

bool onednn_conv2d_make(const struct op_setup *setup, struct op *op, struct error *error)
{
    (void)error;
    return make_with(setup, 16, op) || make_with(setup, 8, op) ||
           (setup->settle && make_with(setup, 1, op));
}

#endif
