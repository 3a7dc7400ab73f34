/* conv2d by oneDNN: which primitives compute a layer, and in which layouts. See onednn_conv2d.h.
 *
 * oneDNN's vector kernels want whole blocks of channels. So the channels of a blocked layout are
 * rounded up to whole blocks and computed like real ones: see conv2d_weights.h. They pad with zeros
 * alone, and not with many. Other padding is put around x in a scratch image first, and the
 * gradient of that image folded back: the primitives then see no padding at all. */
#if TRAIND_ONEDNN
#include "core/layer.h"
#include "core/onednn_conv2d_ways.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How many times the size of x may be spent on x with its padding. */
enum { STAGE_MAX = 16 };

/* Channels in whole blocks. */
static int64_t whole(int64_t channels, int block)
{
    return op_count(&(struct shape){channels, 1, 1, 0}, block);
}

static struct onednn_making describe(struct onednn_conv2d *s, const struct op_setup *setup,
                                     int block_out)
{
    const struct plan_layer *layer = setup->layer;
    const struct conv2d_options *options = layer->options;
    const struct sliding *windows = s->stage.padding.windows;
    struct onednn_making m = {.state = s,
                              .setup = setup,
                              .in = layer->input,
                              .out = layer->output,
                              .y_block = block_out,
                              .bias = options->bias};
    const struct layout x = {setup->block, setup->number}, y = {block_out, setup->number};
    int skipped = s->arranged.dims[0] == 1; /* a single group needs no name */
    int rank = CONV2D_RANK - skipped;
    const int64_t *dims = s->arranged.dims + skipped;

    for (int axis = 0; axis < 2; axis++) {
        const struct sliding *w = &windows[axis];
        m.windows.stride[axis] = w->stride;
        m.windows.dilation[axis] = w->kernel > 1 ? w->dilation - 1 : 0;
        m.windows.before[axis] = s->stage.count ? 0 : w->before;
        m.windows.behind[axis] = s->stage.count ? 0 : w->behind;
    }
    m.in.channels = whole(m.in.channels, setup->block);
    m.in.height += s->stage.count ? windows[0].before + windows[0].behind : 0;
    m.in.width += s->stage.count ? windows[1].before + windows[1].behind : 0;
    m.out.channels = whole(m.out.channels, block_out);
    m.x = m.dx = onednn_images(setup->cut.shard_size, &m.in, x);
    if (s->stage.count)
        m.dx =
            onednn_images(setup->cut.shard_size, &m.in, (struct layout){setup->block, NUMBER_REAL});
    m.y = onednn_images(setup->cut.shard_size, &m.out, y);
    m.w = onednn_any(rank, dims, setup->number);
    m.dw = onednn_any(rank, dims, NUMBER_REAL);
    m.plain = onednn_plain(rank, dims, NUMBER_REAL);
    m.b = onednn_plain(1, &m.out.channels, NUMBER_REAL);
    return m;
}

/* ---- memory ---- */

static void reserve_reader(struct onednn_reader *reader, struct block *memory)
{
    if (reader->primitive.primitive)
        block_reserve(memory, &reader->packed,
                      onednn_bytes(onednn_chosen(&reader->primitive, dnnl_query_weights_md)), 1);
}

static void reserve_slots(const struct onednn_making *m)
{
    struct onednn_slots *slots = &m->state->slots;
    struct block *memory = m->setup->memory;
    int64_t line = BLOCK_ALIGN / sizeof(real);
    struct avx512_gradient *own = &m->state->own.gradient;
    if (m->state->own.used) {
        avx512_gradient_reserve(own, memory);
        slots->bias_at = avx512_gradient_biases(own);
        slots->size = own->slot;
    } else {
        int64_t bytes = onednn_bytes(onednn_chosen(&m->state->weights, dnnl_query_diff_weights_md));
        slots->bias_at = whole(bytes / (int64_t)sizeof(real), (int)line);
        slots->size = slots->bias_at + (m->bias ? whole(m->out.channels, (int)line) : 0);
    }
    block_reserve(memory, &slots->shards, saturating_product(m->setup->cut.shards, slots->size),
                  sizeof(real));
    block_reserve(memory, &slots->sum, slots->size, sizeof(real));
    block_reserve(memory, &slots->plain, conv2d_weights_count(&m->state->arranged), sizeof(real));
}

static void reserve_stage(struct onednn_stage *stage, const struct op_setup *setup)
{
    int64_t numbers = saturating_product(setup->cut.members, stage->count);
    if (stage->count == 0)
        return;
    block_reserve(setup->memory, &stage->numbers, numbers, number_size(setup->number));
    if (setup->number == NUMBER_REAL || !setup->want_dx)
        return;
    block_reserve(setup->memory, &stage->gradients, numbers, sizeof(real));
    block_reserve(setup->memory, &stage->folded,
                  saturating_product(setup->cut.members, padding_bare(&stage->padding)),
                  sizeof(real));
}

static void reserve(const struct onednn_making *m)
{
    struct onednn_conv2d *s = m->state;
    struct block *memory = m->setup->memory;
    block_reserve(memory, &s->padded, conv2d_weights_count(&s->arranged), sizeof(real));
    block_reserve(memory, &s->padded_bias, m->out.channels, sizeof(real));
    reserve_reader(&s->forward, memory);
    reserve_reader(&s->data, memory);
    reserve_slots(m);
    reserve_stage(&s->stage, m->setup);
    onednn_reserve(&s->shared, memory);
}

/* ---- padding around x ---- */

/* False when there is nothing to put around x, or too much. */
static bool stage_fill(struct onednn_stage *stage, const struct op_setup *setup)
{
    const struct padding *padding = &stage->padding;
    stage->count = saturating_product(saturating_product(setup->cut.shard_size, stage->images),
                                      padding_whole(padding));
    return padding->windows[0].behind + padding->windows[1].behind > 0 &&
           padding_whole(padding) <= saturating_product(STAGE_MAX, padding_bare(padding));
}

/* False when the layer's padding cannot be had in this way. */
static bool stage_make(const struct op_setup *setup, bool staged, struct onednn_stage *out)
{
    const struct plan_layer *layer = setup->layer;
    const struct sliding *w = out->padding.windows;
    *out =
        (struct onednn_stage){.padding = {.lanes = setup->block, .number = setup->number},
                              .images = (layer->input.channels + setup->block - 1) / setup->block};
    conv2d_windows(layer->options, &layer->input, out->padding.windows);
    if (staged)
        return stage_fill(out, setup);
    return w[0].mode == PADDING_ZEROS || w[0].behind + w[1].behind == 0;
}

/* ---- the op ---- */

static struct onednn_place place_of(const struct op_setup *setup)
{
    const struct plan_layer *layer = setup->layer;
    const struct plan_tensor *tensors = setup->plan->tensors + layer->first_tensor;
    const struct conv2d_options *options = layer->options;
    return (struct onednn_place){tensors[0].offset, options->bias ? tensors[1].offset : -1,
                                 layer->output.channels};
}

static void add_name(char *text, size_t size, const char *direction,
                     const struct onednn_primitive *primitive, const char *forward)
{
    size_t length = strlen(text);
    if (primitive->primitive && strcmp(onednn_name(primitive), forward) != 0)
        snprintf(text + length, size - length, ", %s %s", direction, onednn_name(primitive));
}

/* The forward primitive's implementation, and those of the others that differ from it. */
static void name(struct onednn_conv2d *s)
{
    const char *forward = onednn_name(&s->forward.primitive);
    snprintf(s->kernel, sizeof s->kernel, "oneDNN %s", forward);
    add_name(s->kernel, sizeof s->kernel, "dx", &s->data.primitive, forward);
    add_name(s->kernel, sizeof s->kernel, "dw", &s->weights, forward);
    if (s->own.used)
        strncat(s->kernel, ", dw own", sizeof s->kernel - strlen(s->kernel) - 1);
    if (s->stage.count)
        strncat(s->kernel, ", padded before", sizeof s->kernel - strlen(s->kernel) - 1);
}

/* Tries one pair of layouts and one way for the groups to stand. */
static bool make_with(const struct op_setup *setup, const struct conv2d_wish *wish, struct op *op)
{
    const struct plan_layer *layer = setup->layer;
    struct conv2d_weights arranged;
    struct onednn_stage stage;
    if (!conv2d_weights_arrange(layer, wish, &arranged) || !stage_make(setup, wish->staged, &stage))
        return false;
    struct onednn_conv2d *s = calloc(1, sizeof *s);
    if (!s)
        return false;
    s->arranged = arranged;
    s->stage = stage;
    s->place = place_of(setup);
    struct op made = {.kernel = s->kernel,
                      .x.count = op_count(&layer->input, wish->x_block),
                      .y.count = op_count(&layer->output, wish->y_block),
                      .x.block = wish->x_block,
                      .y.block = wish->y_block,
                      .x.number = setup->number,
                      .y.number = setup->number,
                      .gather_tasks = 1,
                      .state = s};
    onednn_conv2d_serve(&made);
    struct onednn_making making = describe(s, setup, wish->y_block);
    if (!onednn_start(&s->shared, setup) || !onednn_conv2d_make_directions(&making)) {
        made.drop(&made);
        return false;
    }
    reserve(&making);
    name(s);
    *op = made;
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

/* Where most channels of the blocks would be computed for nothing, kernels for few channels were
 * measured to be faster with reals: 1.5 times on LeNet's layers. */
bool onednn_bf16_conv2d_make(const struct op_setup *setup, struct op *op, struct error *error)
{
    int64_t in = setup->layer->input.channels, out = setup->layer->output.channels;
    return setup->number == NUMBER_BF16 &&
           2 * in * out >= whole(in, setup->block) * whole(out, 16) &&
           onednn_conv2d_make(setup, op, error);
}

/* By the library's matrix products, which our own kernels outdo where they can serve. */
bool onednn_gemm_conv2d_make(const struct op_setup *setup, struct op *op, struct error *error)
{
    (void)error;
    return setup->settle && make_any(setup, op);
}

#endif
