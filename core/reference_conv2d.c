/* conv2d by its definition as a matrix product: im2col writes the pixels that each output reads as
 * one column, Y = W·columns + b. Plain layout. The oracle of every faster kernel.
 *
 * W is (N, K) with K = C·k₁·k₂, columns are (K, P) with P = output pixels of one sample. */
#include "core/kernels.h"
#include "core/layer.h"
#include "core/matrix.h"

#include <stdlib.h>
#include <string.h>

struct conv2d_state {
    const struct conv2d_options *options;
    struct shape in, out;
    int64_t k, pixels;    /* K and P */
    int64_t weight, bias; /* offsets into the flat arrays; bias −1: none */
    int64_t slot_size;    /* numbers of one shard's gradient: N·K, then N */
    const real *parameters;
    real *columns; /* (members, K, P) scratch */
    real *slots;   /* (shards, slot_size) */
};

/* The input pixel that tap (ky, kx) of output (oy, ox) reads; false outside the image, where zeros
 * are read. */
static inline bool tap(const struct conv2d_state *s, int64_t oy, int64_t ox, const int64_t k[2],
                       int64_t at[2])
{
    at[0] = oy * s->options->stride[0] - s->options->padding[0] + k[0];
    at[1] = ox * s->options->stride[1] - s->options->padding[1] + k[1];
    return at[0] >= 0 && at[0] < s->in.height && at[1] >= 0 && at[1] < s->in.width;
}

/* Calls for every row of the columns: channel c, tap k. */
struct column_row {
    int64_t channel, k[2];
    real *values; /* (P) */
};

static struct column_row column_row(const struct conv2d_state *s, real *columns, int64_t row)
{
    int64_t taps = s->options->kernel_size[0] * s->options->kernel_size[1];
    return (struct column_row){
        .channel = row / taps,
        .k = {row % taps / s->options->kernel_size[1], row % s->options->kernel_size[1]},
        .values = columns + row * s->pixels};
}

static void im2col(const struct conv2d_state *s, const real *x, real *columns)
{
    int64_t at[2];
    for (int64_t row = 0; row < s->k; row++) {
        struct column_row r = column_row(s, columns, row);
        const real *image = x + r.channel * s->in.height * s->in.width;
        for (int64_t oy = 0; oy < s->out.height; oy++)
            for (int64_t ox = 0; ox < s->out.width; ox++)
                r.values[oy * s->out.width + ox] =
                    tap(s, oy, ox, r.k, at) ? image[at[0] * s->in.width + at[1]] : 0;
    }
}

/* The transpose of im2col: adds each column entry to the pixel it was read from. */
static void col2im(const struct conv2d_state *s, real *columns, real *dx)
{
    int64_t at[2];
    memset(dx, 0, (size_t)shape_elements(&s->in) * sizeof *dx);
    for (int64_t row = 0; row < s->k; row++) {
        struct column_row r = column_row(s, columns, row);
        real *image = dx + r.channel * s->in.height * s->in.width;
        for (int64_t oy = 0; oy < s->out.height; oy++)
            for (int64_t ox = 0; ox < s->out.width; ox++)
                if (tap(s, oy, ox, r.k, at))
                    image[at[0] * s->in.width + at[1]] += r.values[oy * s->out.width + ox];
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
    real *columns = s->columns + call->member * s->k * s->pixels;
    int64_t filters = s->out.channels;

    for (int64_t n = 0; n < call->samples; n++) {
        real *y = call->y + n * op->y_count;
        im2col(s, call->x + n * op->x_count, columns);
        for (int64_t f = 0; f < filters; f++) {
            real bias = s->bias < 0 ? 0 : s->parameters[s->bias + f];
            for (int64_t p = 0; p < s->pixels; p++)
                y[f * s->pixels + p] = bias;
        }
        matrix_add_ab(s->parameters + s->weight, columns, y,
                      (struct matrix_size){filters, s->pixels, s->k});
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

static void backward(struct op *op, const struct op_call *call)
{
    struct conv2d_state *s = op->state;
    real *columns = s->columns + call->member * s->k * s->pixels;
    real *slot = s->slots + call->shard * s->slot_size;
    int64_t filters = s->out.channels;

    memset(slot, 0, (size_t)s->slot_size * sizeof *slot);
    for (int64_t n = 0; n < call->samples; n++) {
        const real *dy = call->dy + n * op->y_count;
        im2col(s, call->x + n * op->x_count, columns);
        matrix_add_abt(dy, columns, slot, (struct matrix_size){filters, s->k, s->pixels});
        for (int64_t f = 0; s->bias >= 0 && f < filters; f++)
            slot[filters * s->k + f] += row_sum(dy + f * s->pixels, s->pixels);
        if (!call->dx)
            continue;
        memset(columns, 0, (size_t)(s->k * s->pixels) * sizeof *columns);
        matrix_add_atb(s->parameters + s->weight, dy, columns,
                       (struct matrix_size){s->k, s->pixels, filters});
        col2im(s, columns, call->dx + n * op->x_count);
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
    s->k = s->in.channels * s->options->kernel_size[0] * s->options->kernel_size[1];
    s->pixels = s->out.height * s->out.width;
    s->weight = tensors[0].offset;
    s->bias = s->options->bias ? tensors[1].offset : -1;
    s->slot_size = s->out.channels * s->k + (s->options->bias ? s->out.channels : 0);
    block_reserve(setup->memory, &s->columns, saturating_product(setup->members * s->k, s->pixels),
                  sizeof(real));
    block_reserve(setup->memory, &s->slots, setup->shards * s->slot_size, sizeof(real));
    *op = (struct op){.kernel = "reference: im2col and matrix product",
                      .x_count = shape_elements(&s->in),
                      .y_count = shape_elements(&s->out),
                      .x_block = 1,
                      .y_block = 1,
                      .gather_tasks = 1,
                      .state = s,
                      .pack = pack,
                      .forward = forward,
                      .backward = backward,
                      .gather = gather,
                      .drop = drop};
    return true;
}
