/* conv2d by AVX-512 for few channels, where oneDNN is weak: direct, by products of rows (see
 * avx512_product.h), with fused multiply-adds. x_block is 1 for few channels where no dx is wanted,
 * else 16; y is in blocks of 16.
 *
 * An image is computed after the other. Where a weight stands in the kernels' own orders is
 * computed once; packing and gathering go by these lists. */
#if defined(__x86_64__) && TRAIND_ONEDNN
#include "core/avx512_conv2d.h"

#include "core/avx512.h"
#include "core/isa.h"
#include "core/kernels.h"
#include "core/layer.h"
#include "core/matrix.h"

#include <stdlib.h>
#include <string.h>

/* For each weight in the layer's own order, where it stands. */
struct places {
    int32_t *forward, *data, *slot;
};

/* Numbers in the flat arrays. */
struct flat {
    int64_t weight, bias;  /* offsets; bias −1: none */
    int64_t filters, each; /* each: weights of a filter */
};

struct avx512_conv2d {
    struct avx512_product forward;
    struct avx512_gradient gradient;
    struct avx512_data data;
    const struct plan_layer *layer;
    struct flat flat;
    struct places places; /* filled in with the first weights */
    bool filled;
    int64_t x_image, y_image; /* numbers */
    real *slots, *sum;        /* (shards, gradient.slot) and (gradient.slot) */
};

/* ---- weights ---- */

static void fill(struct avx512_conv2d *s)
{
    const struct conv2d_options *options = s->layer->options;
    int64_t columns = options->kernel_size[1], taps = options->kernel_size[0] * columns;

    avx512_product_fill(&s->forward);
    avx512_gradient_fill(&s->gradient);
    if (s->data.way != AVX512_NO_DATA)
        avx512_product_fill(&s->data.product);
    for (int64_t i = 0; i < s->flat.filters * s->flat.each; i++) {
        int64_t tap = options->flip_kernel ? taps - 1 - i % taps : i % taps;
        const struct avx512_weight at = {.filter = i / s->flat.each,
                                         .channel = i % s->flat.each / taps,
                                         .row = tap / columns,
                                         .column = tap % columns};
        s->places.forward[i] = (int32_t)avx512_product_place(&s->forward, &at);
        s->places.slot[i] = (int32_t)avx512_gradient_place(&s->gradient, &at);
        if (s->data.way != AVX512_NO_DATA)
            s->places.data[i] = (int32_t)avx512_data_place(&s->data, &at);
    }
    s->filled = true;
}

/* The numbers of pairs stand twice, side by side. */
static void scatter(const real *from, const int32_t *places, int64_t count, int twice, real *to)
{
    for (int64_t i = 0; i < count; i++)
        to[places[i]] = to[places[i] + twice] = from[i];
}

static void pack(struct op *op, const real *parameters)
{
    struct avx512_conv2d *s = op->state;
    const real *weights = parameters + s->flat.weight;
    int64_t count = s->flat.filters * s->flat.each;
    int twice = s->forward.kind.pairs;

    if (!s->filled)
        fill(s);
    scatter(weights, s->places.forward, count, twice, s->forward.w);
    if (s->data.way != AVX512_NO_DATA)
        scatter(weights, s->places.data, count, 0, s->data.product.w);
    for (int64_t i = 0; s->flat.bias >= 0 && i < s->flat.filters; i++)
        s->forward.start[i << twice] = s->forward.start[(i << twice) + twice] =
            parameters[s->flat.bias + i];
}

static void gather(struct op *op, const struct op_gather *gather)
{
    struct avx512_conv2d *s = op->state;
    real *weights = gather->gradients + s->flat.weight;

    shards_sum(s->slots, s->gradient.slot, gather->shards, s->sum, s->gradient.slot);
    for (int64_t i = 0; i < s->flat.filters * s->flat.each; i++)
        weights[i] = s->sum[s->places.slot[i]];
    if (s->flat.bias >= 0)
        memcpy(gather->gradients + s->flat.bias, s->sum + avx512_gradient_biases(&s->gradient),
               (size_t)s->flat.filters * sizeof *weights);
}

/* ---- shards ---- */

static void forward(struct op *op, const struct op_call *call)
{
    const struct avx512_conv2d *s = op->state;
    for (int64_t n = 0; n < call->samples; n++)
        avx512_product_run(&s->forward, call->member, (const real *)call->x + n * s->x_image,
                           (real *)call->y + n * s->y_image);
}

static void backward(struct op *op, const struct op_call *call)
{
    const struct avx512_conv2d *s = op->state;
    const struct avx512_samples samples = {call->x, call->dy, call->samples, call->member, NULL};

    avx512_gradient_run(&s->gradient, &samples, s->slots + call->shard * s->gradient.slot,
                        s->flat.bias >= 0);
    for (int64_t n = 0; call->dx && n < call->samples; n++)
        avx512_data_run(&s->data, call->member, (const real *)call->dy + n * s->y_image,
                        (real *)call->dx + n * s->x_image);
}

static void drop(struct op *op)
{
    free(op->state);
}

/* ---- making ---- */

/* What is computed here: by the shape alone, where it was measured to take less time than oneDNN's
 * primitives. Those compute whole blocks of 16 channels, of x and of y: 0.5 to 0.75 of their time
 * where they are filled to three quarters at most. Plain x takes 0.55 to 1 of it, and one block of
 * channels to one or two 0.85 to 1, unless rows are short. From 32 channels on both ways the
 * library has Winograd. */
static const struct served {
    int block;                 /* of x */
    int64_t channels, filters; /* at most */
    int64_t least_width;       /* of y */
    bool odd;                  /* kernels of 3, 5 or 7 columns alone: see avx512_row_cut */
} served[] = {
    {1, 12, INT64_MAX, 1, true},
    {16, 12, INT64_MAX, 1, false},
    {16, 16, 32, 14, true},
    {16, 32, 16, 14, true},
};

enum { KERNEL_MAX = 7 };

static bool serves(const struct op_setup *setup)
{
    const struct plan_layer *layer = setup->layer;
    const struct conv2d_options *o = layer->options;
    bool odd = o->kernel_size[1] % 2 == 1 && o->kernel_size[1] > 1;

    if (isa_best() != ISA_AVX512 || o->groups > 1 || o->stride[0] * o->stride[1] > 1 ||
        o->dilation[0] * o->dilation[1] > 1 || o->kernel_size[0] > KERNEL_MAX ||
        o->kernel_size[1] > KERNEL_MAX || (setup->block == 1 && setup->want_dx))
        return false;
    for (size_t i = 0; i < COUNT_OF(served); i++)
        if (served[i].block == setup->block && layer->input.channels <= served[i].channels &&
            layer->output.channels <= served[i].filters &&
            layer->output.width >= served[i].least_width && (odd || !served[i].odd))
            return true;
    return false;
}

static void reserve(struct avx512_conv2d *s, const struct op_setup *setup)
{
    int64_t weights = s->flat.filters * s->flat.each;
    int32_t **places[] = {&s->places.forward, &s->places.slot, &s->places.data};

    avx512_product_reserve(&s->forward, setup->memory);
    avx512_gradient_reserve(&s->gradient, setup->memory);
    for (int i = 0; i < 2 + setup->want_dx; i++)
        block_reserve(setup->memory, places[i], weights, sizeof **places[i]);
    if (setup->want_dx)
        avx512_data_reserve(&s->data, setup->memory);
    block_reserve(setup->memory, &s->slots, saturating_product(setup->cut.shards, s->gradient.slot),
                  sizeof(real));
    block_reserve(setup->memory, &s->sum, s->gradient.slot, sizeof(real));
}

static bool make_parts(const struct op_setup *setup, struct avx512_conv2d *s)
{
    const struct plan_layer *layer = setup->layer;
    struct avx512_wish wish = {.padding.lanes = setup->block,
                               .channels = layer->input.channels,
                               .filters = layer->output.channels,
                               .members = setup->cut.members};
    struct avx512_dy dy = {wish.channels, wish.filters, wish.members};

    conv2d_windows(layer->options, &layer->input, wish.padding.windows);
    const struct avx512_task task = {wish.padding, wish.channels, wish.filters, &s->forward};
    return avx512_product_make(&wish, &s->forward) && avx512_gradient_make(&task, &s->gradient) &&
           (!setup->want_dx || avx512_data_make(&wish.padding, &dy, &s->data));
}

bool avx512_conv2d_make(const struct op_setup *setup, struct op *op, struct error *error)
{
    const struct plan_layer *layer = setup->layer;
    const struct plan_tensor *tensors = setup->plan->tensors + layer->first_tensor;
    const struct conv2d_options *options = layer->options;
    struct avx512_conv2d made = {
        .layer = layer,
        .flat = {tensors[0].offset, options->bias ? tensors[1].offset : -1, layer->output.channels,
                 tensors[0].count / layer->output.channels},
        .x_image = op_count(&layer->input, setup->block),
        .y_image = op_count(&layer->output, AVX512_LANES),
    };

    if (!serves(setup) || !make_parts(setup, &made))
        return false;
    struct avx512_conv2d *s = malloc(sizeof *s);
    if (!s)
        return error_set(error, ERROR_MEMORY, layer->pointer, "no memory for the layer");
    *s = made;
    s->gradient.product = &s->forward; /* where it stays */
    reserve(s, setup);
    *op = (struct op){.kernel = "own direct, AVX-512",
                      .x.count = s->x_image,
                      .y.count = s->y_image,
                      .x.block = setup->block,
                      .y.block = AVX512_LANES,
                      .gather_tasks = 1,
                      .state = s,
                      .pack = pack,
                      .forward = forward,
                      .backward = backward,
                      .gather = gather,
                      .drop = drop};
    return true;
}
#endif
