/* conv2d for every processor: im2col and a matrix product, but the columns are a view of x and are
 * never written down (see portable_conv2d.h and gemm.h). x_block is GEMM_LANES, or 1 where no dx is
 * wanted; y is in blocks. Serves what oneDNN does not, and builds without it.
 *
 * Other padding than none is put around a copy of x, and the gradient of that copy folded back. */
#include "core/portable_conv2d.h"

#include "core/isa.h"
#include "core/kernels.h"
#include "core/layer.h"
#include "core/matrix.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* STAGE_MAX: how many times the size of x may be spent on x with its padding. */
enum { STAGE_MAX = 16, GATHER_TASKS = 16 };

static int64_t lanes_of(int64_t panels)
{
    return panels * GEMM_LANES;
}

static void pack(struct op *op, const real *parameters)
{
    struct portable_conv2d *s = op->state;
    portable_conv2d_fill(s);
    portable_conv2d_pack(s, parameters);
}

struct gemm_axis portable_conv2d_pixels(const struct portable_conv2d *s, enum conv2d_axis axis,
                                        const struct conv2d_lot *lot)
{
    struct gemm_axis pixels = s->axes[axis];
    pixels.count = pixels.count / s->sizes.lot * lot->samples;
    return pixels;
}

real *portable_conv2d_stage(const struct portable_conv2d *s, const struct conv2d_stage *stage,
                            const struct conv2d_lot *lot)
{
    return stage->numbers + lot->member * s->sizes.lot * stage->sample;
}

const real *portable_conv2d_staged(const struct portable_conv2d *s,
                                   const struct conv2d_stage *stage, const struct conv2d_lot *lot,
                                   const real *bare)
{
    bare += lot->first * stage->planes * padding_bare(&stage->padding);
    if (!stage->used)
        return bare;
    real *whole = portable_conv2d_stage(s, stage, lot);
    padding_put(&stage->padding, lot->samples * stage->planes, bare, whole);
    return whole;
}

static struct conv2d_lot lot_at(const struct portable_conv2d *s, const struct op_call *call,
                                int64_t first)
{
    int64_t left = call->samples - first;
    struct conv2d_lot lot = {.first = first,
                             .samples = left < s->sizes.lot ? left : s->sizes.lot,
                             .member = call->member};
    lot.x = portable_conv2d_staged(s, &s->x, &lot, call->x);
    return lot;
}

static void forward(struct op *op, const struct op_call *call)
{
    const struct portable_conv2d *s = op->state;
    const struct conv2d_sizes *z = &s->sizes;
    int64_t panel = portable_conv2d_panel(s);

    for (int64_t first = 0; first < call->samples; first += z->lot) {
        struct conv2d_lot lot = lot_at(s, call, first);
        real *y = (real *)call->y + first * z->y_sample;
        for (int64_t g = 0; g < z->groups; g++)
            gemm_run(s->gemm, &(struct gemm){.rows = portable_conv2d_pixels(s, CONV2D_PIXELS, &lot),
                                             .inner = s->axes[CONV2D_WEIGHTS],
                                             .a = lot.x + g * z->planes * s->x.plane,
                                             .b = s->numbers.packed + g * z->panels * panel,
                                             .c = y + g * z->panels * z->y_plane,
                                             .columns = lanes_of(z->panels),
                                             .b_panel = panel,
                                             .c_panel = z->y_plane,
                                             .start = s->numbers.start + lanes_of(g * z->panels),
                                             .lanewise = s->depthwise});
    }
}

static void weights_backward(const struct portable_conv2d *s, const struct conv2d_lot *lot,
                             const real *dy, real *slot)
{
    const struct conv2d_sizes *z = &s->sizes;
    int64_t panel = portable_conv2d_panel(s);
    for (int64_t g = 0; g < z->groups; g++)
        gemm_run(s->gemm, &(struct gemm){.rows = s->axes[CONV2D_WEIGHTS],
                                         .inner = portable_conv2d_pixels(s, CONV2D_PIXELS, lot),
                                         .a = lot->x + g * z->planes * s->x.plane,
                                         .b = dy + g * z->panels * z->y_plane,
                                         .c = slot + g * z->panels * panel,
                                         .columns = lanes_of(z->panels),
                                         .b_panel = z->y_plane,
                                         .c_panel = panel,
                                         .add = lot->first > 0,
                                         .lanewise = s->depthwise});
}

/* Σ dy over the pixels of each channel of a plane, in float by several sums side by side. */
VECTOR_CLONES static void add_plane(const real *restrict dy, int64_t count,
                                    double sums[restrict GEMM_LANES])
{
    enum { WIDE = 8 * GEMM_LANES };
    real wide[WIDE] = {0};
    int64_t i = 0;
    for (; i + WIDE <= count; i += WIDE)
        for (int64_t j = 0; j < WIDE; j++)
            wide[j] += dy[i + j];
    for (; i < count; i += GEMM_LANES)
        for (int64_t j = 0; j < GEMM_LANES; j++)
            wide[j] += dy[i + j];
    for (int64_t j = 0; j < WIDE; j++)
        sums[j % GEMM_LANES] += (double)wide[j];
}

static void bias_backward(const struct conv2d_sizes *z, const struct op_call *call, real *bias)
{
    for (int64_t panel = 0; panel < z->groups * z->panels; panel++) {
        double sums[GEMM_LANES] = {0};
        for (int64_t n = 0; n < call->samples; n++)
            add_plane((const real *)call->dy + n * z->y_sample + panel * z->y_plane, z->y_plane,
                      sums);
        for (int64_t lane = 0; lane < GEMM_LANES; lane++)
            bias[lanes_of(panel) + lane] = (real)sums[lane];
    }
}

static void backward(struct op *op, const struct op_call *call)
{
    const struct portable_conv2d *s = op->state;
    const struct conv2d_sizes *z = &s->sizes;
    real *slot = s->numbers.slots + call->shard * portable_conv2d_slot(s);

    for (int64_t first = 0; first < call->samples; first += z->lot) {
        struct conv2d_lot lot = lot_at(s, call, first);
        weights_backward(s, &lot, (const real *)call->dy + first * z->y_sample, slot);
        if (call->dx)
            portable_conv2d_data(s, &lot, call);
    }
    if (s->bias >= 0)
        bias_backward(z, call, slot + portable_conv2d_slot_bias(s));
}

/* A task takes a range of panels. */
static void gather(struct op *op, const struct op_gather *gather)
{
    const struct portable_conv2d *s = op->state;
    int64_t panels = s->sizes.groups * s->sizes.panels, panel = portable_conv2d_panel(s);
    int64_t first = panels * gather->task / op->gather_tasks,
            end = panels * (gather->task + 1) / op->gather_tasks;
    int64_t slot = portable_conv2d_slot(s), bias = portable_conv2d_slot_bias(s) + lanes_of(first);

    shards_sum(s->numbers.slots + first * panel, slot, gather->shards,
               s->numbers.sum + first * panel, (end - first) * panel);
    if (s->bias >= 0)
        shards_sum(s->numbers.slots + bias, slot, gather->shards, s->numbers.sum + bias,
                   lanes_of(end - first));
    for (int64_t i = first; i < end; i++)
        portable_conv2d_unpack(s, i, gather->gradients);
}

static void drop(struct op *op)
{
    free(op->state);
}

/* ---- making ---- */

static void reserve_stage(struct conv2d_stage *stage, const struct op_setup *setup, int64_t lot)
{
    int64_t numbers = saturating_product(lot, stage->sample);
    if (stage->used)
        block_reserve(setup->memory, &stage->numbers,
                      saturating_product(setup->cut.members, numbers), sizeof(real));
}

static void reserve(struct portable_conv2d *s, const struct op_setup *setup)
{
    const struct conv2d_sizes *z = &s->sizes;
    int64_t back = saturating_product(lanes_of(z->groups * z->planes), z->filters);
    block_reserve(setup->memory, &s->numbers.packed, portable_conv2d_slot_bias(s), sizeof(real));
    block_reserve(setup->memory, &s->numbers.start, lanes_of(z->groups * z->panels), sizeof(real));
    block_reserve(setup->memory, &s->numbers.slots,
                  saturating_product(setup->cut.shards, portable_conv2d_slot(s)), sizeof(real));
    block_reserve(setup->memory, &s->numbers.sum, portable_conv2d_slot(s), sizeof(real));
    reserve_stage(&s->x, setup, z->lot);
    if (!setup->want_dx)
        return;
    if (s->way == CONV2D_COLUMNS)
        back = z->columns * z->filters;
    else
        back = saturating_product(back, z->taps);
    block_reserve(setup->memory, &s->numbers.back, back, sizeof(real));
    block_reserve(setup->memory, &s->numbers.columns,
                  saturating_product(setup->cut.members, portable_conv2d_columns(s)), sizeof(real));
    reserve_stage(&s->dy, setup, z->lot);
}

/* False when the layer cannot be computed in these blocks, or only with too much for nothing. */
static bool arrange(const struct op_setup *setup, struct portable_conv2d *s)
{
    const struct plan_layer *layer = setup->layer;
    struct conv2d_wish wish = {.x_block = setup->block, .y_block = GEMM_LANES, .depthwise = true};
    struct padding *padding = &s->x.padding;

    padding->lanes = setup->block;
    conv2d_windows(layer->options, &layer->input, padding->windows);
    if (padding_whole(padding) > saturating_product(STAGE_MAX, padding_bare(padding)))
        return false;
    s->depthwise = conv2d_weights_arrange(layer, &wish, &s->arranged);
    wish.depthwise = false;
    return s->depthwise || conv2d_weights_arrange(layer, &wish, &s->arranged);
}

/* oneDNN computes whole blocks of channels, this only those that there are. With blocks filled to
 * three quarters at most that was measured at 0.6 to 0.9 of its time where fused multiply-adds are
 * no advantage. */
bool portable_few_conv2d_make(const struct op_setup *setup, struct op *op, struct error *error)
{
    const struct conv2d_options *options = setup->layer->options;
    int64_t channels = setup->layer->input.channels;
    int64_t rounded = (channels + GEMM_LANES - 1) / GEMM_LANES * GEMM_LANES;
    return isa_adds_apart() && setup->block == GEMM_LANES && setup->want_dx &&
           options->groups == 1 && options->kernel_size[0] * options->kernel_size[1] > 1 &&
           channels <= rounded / 4 * 3 && portable_conv2d_make(setup, op, error);
}

bool portable_conv2d_make(const struct op_setup *setup, struct op *op, struct error *error)
{
    const struct plan_layer *layer = setup->layer;
    const struct plan_tensor *tensors = setup->plan->tensors + layer->first_tensor;
    const struct conv2d_options *options = layer->options;
    struct portable_conv2d made = {.gemm = gemm_best(),
                                   .out = layer->output,
                                   .weight = tensors[0].offset,
                                   .bias = options->bias ? tensors[1].offset : -1};

    if (setup->block != GEMM_LANES && (setup->block != 1 || setup->want_dx))
        return false;
    if (!arrange(setup, &made))
        return false;
    struct portable_conv2d *s = malloc(sizeof *s);
    if (!s)
        return error_set(error, ERROR_MEMORY, layer->pointer, "no memory for the layer");
    *s = made;
    portable_conv2d_measure(s, setup);
    reserve(s, setup);
    snprintf(s->kernel, sizeof s->kernel, "own %s product, %s",
             s->depthwise ? "depthwise" : "matrix", gemm_name(s->gemm));
    int64_t panels = s->sizes.groups * s->sizes.panels;
    *op = (struct op){.kernel = s->kernel,
                      .x.count = op_count(&layer->input, setup->block),
                      .y.count = s->sizes.y_sample,
                      .x.block = setup->block,
                      .y.block = GEMM_LANES,
                      .gather_tasks = panels < GATHER_TASKS ? (int)panels : GATHER_TASKS,
                      .state = s,
                      .pack = pack,
                      .forward = forward,
                      .backward = backward,
                      .gather = gather,
                      .drop = drop};
    return true;
}
