/* conv2d by its definition as a matrix product: im2col writes the pixels that each output reads as
 * one column, Y = W·columns + b, for each group of channels apart. Plain layout. The oracle of
 * every faster kernel.
 *
 * W is (N, K) with K = C/G·k₁·k₂, columns are (G·K, P) with P = output pixels of one sample; group
 * g has rows g·N/G … of W and rows g·K … of the columns. */
#include "core/kernels.h"
#include "core/layer.h"
#include "core/matrix.h"

#include <stdlib.h>
#include <string.h>

struct conv2d_state {
    const struct conv2d_options *options;
    struct sliding windows[2];
    struct shape in, out;
    int64_t k, pixels;    /* K and P */
    int64_t weight, bias; /* offsets into the flat arrays; bias −1: none */
    int64_t slot_size;    /* numbers of one shard's gradient: N·K, then N */
    const real *parameters;
    real *columns; /* (members, G·K, P) scratch */
    real *slots;   /* (shards, slot_size) */
};

/* One row of the columns: what weight number `row` of its group reads at every output. */
struct column_row {
    int64_t channel, tap[2];
    real *values; /* (P) */
};

/* A flipped kernel is turned by 180°: the last weight reads the first pixel. */
static struct column_row column_row(const struct conv2d_state *s, real *columns, int64_t row)
{
    int64_t width = s->windows[1].kernel, taps = s->windows[0].kernel * width;
    int64_t tap = s->options->flip_kernel ? taps - 1 - row % taps : row % taps;
    return (struct column_row){.channel = row / taps,
                               .tap = {tap / width, tap % width},
                               .values = columns + row * s->pixels};
}

static int64_t column_rows(const struct conv2d_state *s)
{
    return s->options->groups * s->k;
}

static void im2col(const struct conv2d_state *s, const real *x, real *columns)
{
    for (int64_t row = 0; row < column_rows(s); row++) {
        struct column_row r = column_row(s, columns, row);
        const real *image = x + r.channel * s->in.height * s->in.width;
        for (int64_t oy = 0; oy < s->out.height; oy++) {
            int64_t iy = window_reads(&s->windows[0], oy, r.tap[0]);
            for (int64_t ox = 0; ox < s->out.width; ox++) {
                int64_t ix = window_reads(&s->windows[1], ox, r.tap[1]);
                r.values[oy * s->out.width + ox] =
                    iy < 0 || ix < 0 ? 0 : image[iy * s->in.width + ix];
            }
        }
    }
}

/* The transpose of im2col: adds each column entry to the pixel it was read from. */
static void col2im(const struct conv2d_state *s, real *columns, real *dx)
{
    memset(dx, 0, (size_t)shape_elements(&s->in) * sizeof *dx);
    for (int64_t row = 0; row < column_rows(s); row++) {
        struct column_row r = column_row(s, columns, row);
        real *image = dx + r.channel * s->in.height * s->in.width;
        for (int64_t oy = 0; oy < s->out.height; oy++) {
            int64_t iy = window_reads(&s->windows[0], oy, r.tap[0]);
            for (int64_t ox = 0; ox < s->out.width; ox++) {
                int64_t ix = window_reads(&s->windows[1], ox, r.tap[1]);
                if (iy >= 0 && ix >= 0)
                    image[iy * s->in.width + ix] += r.values[oy * s->out.width + ox];
            }
        }
    }
}

static void pack(struct op *op, const real *parameters)
{
    struct conv2d_state *s = op->state;
    s->parameters = parameters;
}

static void forward(struct op *op, const struct op_call *call)
{
    struct conv2d_state *s = op->state;
    real *columns = s->columns + call->member * column_rows(s) * s->pixels;
    int64_t filters = s->out.channels, groups = s->options->groups, rows = filters / groups;

    for (int64_t n = 0; n < call->samples; n++) {
        real *y = (real *)call->y + n * op->y.count;
        im2col(s, (const real *)call->x + n * op->x.count, columns);
        for (int64_t f = 0; f < filters; f++) {
            real bias = s->bias < 0 ? 0 : s->parameters[s->bias + f];
            for (int64_t p = 0; p < s->pixels; p++)
                y[f * s->pixels + p] = bias;
        }
        for (int64_t g = 0; g < groups; g++)
            matrix_add_ab(s->parameters + s->weight + g * rows * s->k,
                          columns + g * s->k * s->pixels, y + g * rows * s->pixels,
                          (struct matrix_size){rows, s->pixels, s->k});
    }
}

/* In double: a long chain of additions in float would make the oracle the worse one. */
static real row_sum(const real *values, int64_t count)
{
    double sum = 0;
    for (int64_t i = 0; i < count; i++)
        sum += (double)values[i];
    return (real)sum;
}

static void weights_backward(struct conv2d_state *s, const real *dy, const real *columns,
                             real *slot)
{
    int64_t filters = s->out.channels, groups = s->options->groups, rows = filters / groups;

    for (int64_t g = 0; g < groups; g++)
        matrix_add_abt(dy + g * rows * s->pixels, columns + g * s->k * s->pixels,
                       slot + g * rows * s->k, (struct matrix_size){rows, s->k, s->pixels});
    for (int64_t f = 0; s->bias >= 0 && f < filters; f++)
        slot[filters * s->k + f] += row_sum(dy + f * s->pixels, s->pixels);
}

static void backward(struct op *op, const struct op_call *call)
{
    struct conv2d_state *s = op->state;
    int64_t column_count = column_rows(s) * s->pixels;
    real *columns = s->columns + call->member * column_count;
    real *slot = s->slots + call->shard * s->slot_size;
    int64_t groups = s->options->groups, rows = s->out.channels / groups;

    memset(slot, 0, (size_t)s->slot_size * sizeof *slot);
    for (int64_t n = 0; n < call->samples; n++) {
        const real *dy = (const real *)call->dy + n * op->y.count;
        im2col(s, (const real *)call->x + n * op->x.count, columns);
        weights_backward(s, dy, columns, slot);
        if (!call->dx)
            continue;
        memset(columns, 0, (size_t)column_count * sizeof *columns);
        for (int64_t g = 0; g < groups; g++)
            matrix_add_atb(s->parameters + s->weight + g * rows * s->k, dy + g * rows * s->pixels,
                           columns + g * s->k * s->pixels,
                           (struct matrix_size){s->k, s->pixels, rows});
        col2im(s, columns, (real *)call->dx + n * op->x.count);
    }
}

static void gather(struct op *op, const struct op_gather *gather)
{
    struct conv2d_state *s = op->state;
    int64_t weights = s->out.channels * s->k;
    shards_sum(s->slots, s->slot_size, gather->shards, gather->gradients + s->weight, weights);
    if (s->bias >= 0)
        shards_sum(s->slots + weights, s->slot_size, gather->shards, gather->gradients + s->bias,
                   s->out.channels);
}

static void drop(struct op *op)
{
    free(op->state);
}

bool reference_conv2d_make(const struct op_setup *setup, struct op *op, struct error *error)
{
    const struct plan_layer *layer = setup->layer;
    const struct plan_tensor *tensors = setup->plan->tensors + layer->first_tensor;
    if (setup->block != 1)
        return false;
    struct conv2d_state *s = calloc(1, sizeof *s);
    if (!s)
        return error_set(error, ERROR_MEMORY, layer->pointer, "no memory for the layer");
    s->options = layer->options;
    s->in = layer->input;
    s->out = layer->output;
    conv2d_windows(s->options, &s->in, s->windows);
    s->k = s->in.channels / s->options->groups * s->windows[0].kernel * s->windows[1].kernel;
    s->pixels = s->out.height * s->out.width;
    s->weight = tensors[0].offset;
    s->bias = s->options->bias ? tensors[1].offset : -1;
    s->slot_size = s->out.channels * s->k + (s->options->bias ? s->out.channels : 0);
    block_reserve(setup->memory, &s->columns,
                  saturating_product(setup->cut.members * column_rows(s), s->pixels), sizeof(real));
    block_reserve(setup->memory, &s->slots, setup->cut.shards * s->slot_size, sizeof(real));
    *op = (struct op){.kernel = "reference: im2col and matrix product",
                      .x.count = shape_elements(&s->in),
                      .y.count = shape_elements(&s->out),
                      .x.block = 1,
                      .y.block = 1,
                      .gather_tasks = 1,
                      .state = s,
                      .pack = pack,
                      .forward = forward,
                      .backward = backward,
                      .gather = gather,
                      .drop = drop};
    return true;
}
