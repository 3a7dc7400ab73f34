/* conv2d by oneDNN: direct convolution in blocked layouts. Weights are reordered once a step for
 * the forward pass and once for the data gradient; each shard leaves its weight gradient in the
 * primitive's own layout, the sum of the shards is brought back into PyTorch's.
 *
 * oneDNN's vector kernels want whole blocks of channels. So the channels of a blocked layout are
 * rounded up to whole blocks and computed like real ones: see conv2d_weights.h. They pad with zeros
 * alone, and not with many. Other padding is put around x in a scratch image first, and the
 * gradient of that image folded back: the primitives then see no padding at all. */
#if TRAIND_ONEDNN
#include "core/conv2d_weights.h"
#include "core/layer.h"
#include "core/matrix.h"
#include "core/onednn.h"
#include "core/padding.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How many times the size of x may be spent on x with its padding. */
enum { STAGE_MAX = 16 };

/* The directions; `data` only when dx is wanted; the rest are reorders. */
struct primitives {
    struct onednn_primitive forward, data, weights;
    struct onednn_primitive pack_forward, pack_data, unpack;
};

/* The layer's own weights and biases in the flat arrays. */
struct place {
    int64_t weight, bias; /* offsets; bias −1: none */
    int64_t filters;      /* numbers of the bias */
};

/* x with its padding around it, where the primitives cannot pad. */
struct stage {
    struct padding padding;
    int64_t images; /* of one sample: blocks of channels */
    int64_t count;  /* numbers of one shard; 0: the primitives pad by themselves */
    real *numbers;  /* (members, count): x, and then the gradient of what was put there */
};

struct conv2d_state {
    struct onednn shared;
    struct primitives primitives;
    struct conv2d_weights weights;
    struct place place;
    struct stage stage;
    real *padded, *padded_bias; /* plain order, channels rounded up */
    real *packed_forward, *packed_data;
    int64_t slot_size, bias_at; /* one shard's gradient: weights, then (a cache line on) the bias */
    real *slots, *sum;          /* (shards, slot_size) and (slot_size) */
    real *summed_plain;         /* as padded */
    char kernel[64];
};

static void pack(struct op *op, const real *parameters)
{
    struct conv2d_state *s = op->state;
    conv2d_weights_put(&s->weights, parameters + s->place.weight, s->padded);
    if (s->place.bias >= 0)
        memcpy(s->padded_bias, parameters + s->place.bias, (size_t)s->place.filters * sizeof(real));
    onednn_run(&s->shared, &s->primitives.pack_forward, 0,
               (const void *[]){s->padded, s->packed_forward});
    if (s->primitives.data.primitive)
        onednn_run(&s->shared, &s->primitives.pack_data, 0,
                   (const void *[]){s->padded, s->packed_data});
}

/* What the primitives read. They read whole shards: samples that are missing become zero. */
static const real *staged(const struct conv2d_state *s, const struct op_call *call)
{
    const struct stage *stage = &s->stage;
    real *numbers = stage->numbers + call->member * stage->count;
    int64_t images = call->samples * stage->images;
    int64_t used = images * padding_whole(&stage->padding);
    if (stage->count == 0)
        return call->x;
    padding_put(&stage->padding, images, call->x, numbers);
    memset(numbers + used, 0, (size_t)(stage->count - used) * sizeof *numbers);
    return numbers;
}

static void forward(struct op *op, const struct op_call *call)
{
    struct conv2d_state *s = op->state;
    onednn_run(&s->shared, &s->primitives.forward, call->member,
               (const void *[]){staged(s, call), s->packed_forward, call->y, s->padded_bias});
}

static void backward(struct op *op, const struct op_call *call)
{
    struct conv2d_state *s = op->state;
    const struct stage *stage = &s->stage;
    real *slot = s->slots + call->shard * s->slot_size;
    real *dx = stage->count ? stage->numbers + call->member * stage->count : call->dx;
    onednn_run(&s->shared, &s->primitives.weights, call->member,
               (const void *[]){staged(s, call), call->dy, slot, slot + s->bias_at});
    if (!call->dx)
        return;
    onednn_run(&s->shared, &s->primitives.data, call->member,
               (const void *[]){call->dy, s->packed_data, dx});
    if (stage->count)
        padding_fold(&stage->padding, call->samples * stage->images, dx, call->dx);
}

static void gather(struct op *op, const struct op_gather *gather)
{
    struct conv2d_state *s = op->state;
    shards_sum(s->slots, s->slot_size, gather->shards, s->sum, s->slot_size);
    onednn_run(&s->shared, &s->primitives.unpack, 0, (const void *[]){s->sum, s->summed_plain});
    conv2d_weights_take(&s->weights, s->summed_plain, gather->gradients + s->place.weight);
    if (s->place.bias >= 0)
        memcpy(gather->gradients + s->place.bias, s->sum + s->bias_at,
               (size_t)s->place.filters * sizeof(real));
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

/* ---- making ---- */

/* The descriptors that the three directions share. */
struct directions {
    const struct op_setup *setup;
    const struct conv2d_options *options;
    dnnl_memory_desc_t x, y, w, b; /* w left open */
    dnnl_memory_desc_t w_plain;    /* as conv2d_weights_put writes it */
    int64_t channels;              /* that come out, rounded up to whole blocks */
    dnnl_dims_t stride, dilation;  /* dilation counts the pixels left out */
    dnnl_dims_t before, behind;    /* padding */
};

static struct directions describe(const struct conv2d_state *s, const struct op_setup *setup,
                                  int block_out)
{
    const struct plan_layer *layer = setup->layer;
    const struct sliding *windows = s->stage.padding.windows;
    struct directions d = {.setup = setup, .options = layer->options};
    struct shape in = layer->input, out = layer->output;
    int skipped = s->weights.dims[0] == 1; /* a single group needs no name */

    for (int axis = 0; axis < 2; axis++) {
        d.stride[axis] = windows[axis].stride;
        d.dilation[axis] = windows[axis].kernel > 1 ? windows[axis].dilation - 1 : 0;
        d.before[axis] = s->stage.count ? 0 : windows[axis].before;
        d.behind[axis] = s->stage.count ? 0 : windows[axis].behind;
    }
    in.channels = op_count(&(struct shape){in.channels, 1, 1, 0}, setup->block);
    in.height += s->stage.count ? windows[0].before + windows[0].behind : 0;
    in.width += s->stage.count ? windows[1].before + windows[1].behind : 0;
    d.channels = out.channels = op_count(&(struct shape){out.channels, 1, 1, 0}, block_out);
    d.x = onednn_images(setup->shard_size, &in, setup->block);
    d.y = onednn_images(setup->shard_size, &out, block_out);
    d.w = onednn_any(CONV2D_RANK - skipped, s->weights.dims + skipped);
    d.w_plain = onednn_plain(CONV2D_RANK - skipped, s->weights.dims + skipped);
    d.b = onednn_plain(1, &out.channels);
    return d;
}

/* All three directions, or none. */
static bool make_directions(struct conv2d_state *s, const struct directions *d)
{
    const dnnl_memory_desc_t *bias = d->options->bias ? &d->b : NULL;
    dnnl_convolution_desc_t desc;
    struct onednn_wish wish = {.operation = &desc, .settle = d->setup->settle};

    if (dnnl_dilated_convolution_forward_desc_init(
            &desc, dnnl_forward_training, dnnl_convolution_direct, &d->x, &d->w, bias, &d->y,
            d->stride, d->dilation, d->before, d->behind) != dnnl_success ||
        !onednn_make(&s->shared, &wish, &s->primitives.forward))
        return false;
    wish.hint = s->primitives.forward.desc;
    if (dnnl_dilated_convolution_backward_weights_desc_init(
            &desc, dnnl_convolution_direct, &d->x, &d->w, bias, &d->y, d->stride, d->dilation,
            d->before, d->behind) != dnnl_success ||
        !onednn_make(&s->shared, &wish, &s->primitives.weights))
        return false;
    return !d->setup->want_dx ||
           (dnnl_dilated_convolution_backward_data_desc_init(
                &desc, dnnl_convolution_direct, &d->x, &d->w, &d->y, d->stride, d->dilation,
                d->before, d->behind) == dnnl_success &&
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
    s->slot_size = s->bias_at + (d->options->bias ? (d->channels + 15) / 16 * 16 : 0);
    return onednn_args(&s->shared, &s->primitives.forward, forward_args) &&
           onednn_args(&s->shared, &s->primitives.weights, weight_args) &&
           (!data || onednn_args(&s->shared, &s->primitives.data, data_args)) &&
           onednn_make_reorder(&s->shared, &d->w_plain, w, &s->primitives.pack_forward) &&
           onednn_make_reorder(&s->shared, dw, &d->w_plain, &s->primitives.unpack) &&
           (!data || onednn_make_reorder(&s->shared, &d->w_plain, wd, &s->primitives.pack_data));
}

static void reserve(struct conv2d_state *s, const struct op_setup *setup,
                    const struct directions *d)
{
    int64_t weights = conv2d_weights_count(&s->weights);
    block_reserve(setup->memory, &s->padded, weights, sizeof(real));
    block_reserve(setup->memory, &s->padded_bias, d->channels, sizeof(real));
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
    block_reserve(setup->memory, &s->stage.numbers,
                  saturating_product(setup->members, s->stage.count), sizeof(real));
    onednn_reserve(&s->shared, setup->memory);
}

/* False when there is nothing to put around x, or too much. */
static bool stage_fill(struct stage *stage, const struct op_setup *setup)
{
    const struct padding *padding = &stage->padding;
    stage->count = saturating_product(saturating_product(setup->shard_size, stage->images),
                                      padding_whole(padding));
    return padding->windows[0].behind + padding->windows[1].behind > 0 &&
           padding_whole(padding) <= saturating_product(STAGE_MAX, padding_bare(padding));
}

/* False when the layer's padding cannot be had in this way. */
static bool stage_make(const struct op_setup *setup, bool staged, struct stage *out)
{
    const struct plan_layer *layer = setup->layer;
    const struct sliding *w = out->padding.windows;
    *out = (struct stage){.padding.lanes = setup->block,
                          .images = (layer->input.channels + setup->block - 1) / setup->block};
    conv2d_windows(layer->options, &layer->input, out->padding.windows);
    if (staged)
        return stage_fill(out, setup);
    return w[0].mode == PADDING_ZEROS || w[0].behind + w[1].behind == 0;
}

static struct place place_of(const struct op_setup *setup)
{
    const struct plan_layer *layer = setup->layer;
    const struct plan_tensor *tensors = setup->plan->tensors + layer->first_tensor;
    const struct conv2d_options *options = layer->options;
    return (struct place){tensors[0].offset, options->bias ? tensors[1].offset : -1,
                          layer->output.channels};
}

/* Tries one pair of layouts and one way for the groups to stand. */
static bool make_with(const struct op_setup *setup, const struct conv2d_wish *wish, struct op *op)
{
    const struct plan_layer *layer = setup->layer;
    const char *name = "";
    struct conv2d_weights weights;
    struct stage stage;
    if (!conv2d_weights_arrange(layer, wish, &weights) || !stage_make(setup, wish->staged, &stage))
        return false;
    struct conv2d_state *s = calloc(1, sizeof *s);
    if (!s)
        return false;
    s->weights = weights;
    s->stage = stage;
    struct directions d = describe(s, setup, wish->y_block);
    struct op made = {.state = s};
    if (!onednn_start(&s->shared, setup) || !make_directions(s, &d) || !make_args(s, &d)) {
        drop(&made);
        return false;
    }
    s->place = place_of(setup);
    reserve(s, setup, &d);
    dnnl_primitive_desc_query(s->primitives.forward.desc, dnnl_query_impl_info_str, 0, &name);
    snprintf(s->kernel, sizeof s->kernel, "oneDNN %s%s", name,
             s->stage.count ? ", padded before" : "");
    *op = (struct op){.kernel = s->kernel,
                      .x_count = op_count(&layer->input, wish->x_block),
                      .y_count = op_count(&layer->output, wish->y_block),
                      .x_block = wish->x_block,
                      .y_block = wish->y_block,
                      .gather_tasks = 1,
                      .state = s,
                      .pack = pack,
                      .forward = forward,
                      .backward = backward,
                      .gather = gather,
                      .drop = drop};
    return true;
}

/* Tries all ways in the order of what was measured. */
static bool make_any(const struct op_setup *setup, struct op *op)
{
    const int blocks[] = {16, 8, 1};
    for (int staged = 0; staged < 2; staged++)
        for (size_t i = 0; i < COUNT_OF(blocks) - !setup->settle; i++)
            for (int depthwise = 1; depthwise >= 0; depthwise--) {
                const struct conv2d_wish wish = {setup->block, blocks[i], depthwise, staged};
                if (make_with(setup, &wish, op))
                    return true;
            }
    return false;
}

bool onednn_conv2d_make(const struct op_setup *setup, struct op *op, struct error *error)
{
    (void)error;
    return !setup->settle && make_any(setup, op);
}

/* By the library's matrix products, which our own kernels outdo where they can serve. */
bool onednn_gemm_conv2d_make(const struct op_setup *setup, struct op *op, struct error *error)
{
    (void)error;
    return setup->settle && make_any(setup, op);
}

#endif
