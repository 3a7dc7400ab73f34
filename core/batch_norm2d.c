/* batch_norm2d in any layout, exact over the whole batch: every shard leaves mean and squared
 * deviations of its samples, and they are put together in shard order. Ioffe and Szegedy 2015; the
 * joining of partial variances is Chan, Golub and LeVeque 1983. Sums in double.
 *
 * As in PyTorch, a batch is normalized by its biased variance, and the running variance learns from
 * the unbiased one. */
#include "core/kernels.h"
#include "core/layer.h"

#include <stdlib.h>
#include <string.h>

/* Numbers are taken in rows of this many; number i of a row belongs to channel i mod block. */
enum { LANES = 16 };

/* y = (x − mean)·scale + shift, one number a channel each. */
struct affine {
    real *mean, *scale, *shift;
};

/* dx = dy·same − (x − mean)·lean − level. */
struct slope {
    real *same, *lean, *level;
};

struct tensors {
    int64_t weight, bias, mean, variance; /* offsets into the flat array; weight −1: not affine */
};

struct extent {
    int64_t channels, rounded; /* rounded up to whole blocks */
    int64_t pixels, shard_size;
    int block;
};

struct batch_norm_state {
    const struct batch_norm2d_options *options;
    struct tensors tensors;
    struct extent extent;
    real *weight, *bias; /* (rounded): 0 in channels that only fill up a block */
    double *slots;       /* (shards, 2, rounded) */
    double *mean, *sum; /* (2, rounded) mean and squared deviations, sums of dy and dy·(x − mean) */
    double *running;    /* (2, rounded) as packed */
    int64_t count;      /* numbers of a channel in the batch */
    struct affine batch, fixed; /* by the batch's own statistics, by the running ones */
    struct slope slope;
};

/* ---- rows of numbers ---- */

/* A channel group of one sample: `count` numbers, and what every lane of a row has in common. */
VECTOR_CLONES static void add_values(const real *x, int64_t count, double sums[LANES])
{
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES)
        for (int64_t lane = 0; lane < LANES; lane++)
            sums[lane] += (double)x[i + lane];
    for (int64_t lane = 0; i < count; i++, lane++)
        sums[lane] += (double)x[i];
}

VECTOR_CLONES static void add_squares(const real *x, int64_t count, const double mean[LANES],
                                      double sums[LANES])
{
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES)
        for (int64_t lane = 0; lane < LANES; lane++) {
            double d = (double)x[i + lane] - mean[lane];
            sums[lane] += d * d;
        }
    for (int64_t lane = 0; i < count; i++, lane++) {
        double d = (double)x[i] - mean[lane];
        sums[lane] += d * d;
    }
}

struct pair_of_rows {
    const real *x, *dy;
    int64_t count;
};

VECTOR_CLONES static void add_slopes(struct pair_of_rows in, const double mean[LANES],
                                     double sums[LANES], double products[LANES])
{
    int64_t i = 0;
    for (; i + LANES <= in.count; i += LANES)
        for (int64_t lane = 0; lane < LANES; lane++) {
            sums[lane] += (double)in.dy[i + lane];
            products[lane] += (double)in.dy[i + lane] * ((double)in.x[i + lane] - mean[lane]);
        }
    for (int64_t lane = 0; i < in.count; i++, lane++) {
        sums[lane] += (double)in.dy[i];
        products[lane] += (double)in.dy[i] * ((double)in.x[i] - mean[lane]);
    }
}

VECTOR_CLONES static void normalize(const real *restrict x, real *restrict y, int64_t count,
                                    real lanes[3][LANES])
{
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES)
        for (int64_t lane = 0; lane < LANES; lane++)
            y[i + lane] = (x[i + lane] - lanes[0][lane]) * lanes[1][lane] + lanes[2][lane];
    for (int64_t lane = 0; i < count; i++, lane++)
        y[i] = (x[i] - lanes[0][lane]) * lanes[1][lane] + lanes[2][lane];
}

VECTOR_CLONES static void denormalize(struct pair_of_rows in, real *restrict dx,
                                      real lanes[4][LANES])
{
    int64_t i = 0;
    for (; i + LANES <= in.count; i += LANES)
        for (int64_t lane = 0; lane < LANES; lane++)
            dx[i + lane] = in.dy[i + lane] * lanes[1][lane] -
                           (in.x[i + lane] - lanes[0][lane]) * lanes[2][lane] - lanes[3][lane];
    for (int64_t lane = 0; i < in.count; i++, lane++)
        dx[i] = in.dy[i] * lanes[1][lane] - (in.x[i] - lanes[0][lane]) * lanes[2][lane] -
                lanes[3][lane];
}

/* ---- one shard ---- */

static void spread(const struct batch_norm_state *s, const real *values, int64_t first,
                   real lanes[LANES])
{
    for (int64_t lane = 0; lane < LANES; lane++)
        lanes[lane] = values[first + lane % s->extent.block];
}

static void fold(const struct batch_norm_state *s, const double lanes[LANES], double *out)
{
    for (int lane = 0; lane < s->extent.block; lane++)
        out[lane] = 0;
    for (int lane = 0; lane < LANES; lane++)
        out[lane % s->extent.block] += lanes[lane];
}

/* Mean and squared deviations of channels first … first + block − 1 over the shard. */
static void collect_group(const struct batch_norm_state *s, const struct op_call *call,
                          int64_t first, double *slot)
{
    int64_t count = s->extent.pixels * s->extent.block,
            sample = s->extent.rounded * s->extent.pixels;
    const real *x = call->x + first * s->extent.pixels;
    double lanes[LANES] = {0}, mean[LANES];
    for (int64_t n = 0; n < call->samples; n++)
        add_values(x + n * sample, count, lanes);
    fold(s, lanes, slot + first);
    for (int lane = 0; lane < s->extent.block; lane++)
        slot[first + lane] /= (double)(call->samples * s->extent.pixels);
    for (int lane = 0; lane < LANES; lane++)
        mean[lane] = slot[first + lane % s->extent.block];
    memset(lanes, 0, sizeof lanes);
    for (int64_t n = 0; n < call->samples; n++)
        add_squares(x + n * sample, count, mean, lanes);
    fold(s, lanes, slot + s->extent.rounded + first);
}

static void collect(struct op *op, const struct op_call *call)
{
    const struct batch_norm_state *s = op->state;
    for (int64_t first = 0; first < s->extent.rounded; first += s->extent.block)
        collect_group(s, call, first, s->slots + call->shard * 2 * s->extent.rounded);
}

static void forward(struct op *op, const struct op_call *call)
{
    const struct batch_norm_state *s = op->state;
    const struct affine *by = call->train ? &s->batch : &s->fixed;
    int64_t count = s->extent.pixels * s->extent.block,
            sample = s->extent.rounded * s->extent.pixels;
    for (int64_t first = 0; first < s->extent.rounded; first += s->extent.block) {
        real lanes[3][LANES];
        spread(s, by->mean, first, lanes[0]);
        spread(s, by->scale, first, lanes[1]);
        spread(s, by->shift, first, lanes[2]);
        for (int64_t n = 0; n < call->samples; n++) {
            int64_t at = n * sample + first * s->extent.pixels;
            normalize(call->x + at, call->y + at, count, lanes);
        }
    }
}

static void collect_back(struct op *op, const struct op_call *call)
{
    const struct batch_norm_state *s = op->state;
    double *slot = s->slots + call->shard * 2 * s->extent.rounded;
    int64_t count = s->extent.pixels * s->extent.block,
            sample = s->extent.rounded * s->extent.pixels;
    for (int64_t first = 0; first < s->extent.rounded; first += s->extent.block) {
        double mean[LANES], sums[LANES] = {0}, products[LANES] = {0};
        for (int lane = 0; lane < LANES; lane++)
            mean[lane] = s->mean[first + lane % s->extent.block];
        for (int64_t n = 0; n < call->samples; n++) {
            int64_t at = n * sample + first * s->extent.pixels;
            add_slopes((struct pair_of_rows){call->x + at, call->dy + at, count}, mean, sums,
                       products);
        }
        fold(s, sums, slot + first);
        fold(s, products, slot + s->extent.rounded + first);
    }
}

static void backward(struct op *op, const struct op_call *call)
{
    const struct batch_norm_state *s = op->state;
    int64_t count = s->extent.pixels * s->extent.block,
            sample = s->extent.rounded * s->extent.pixels;
    if (!call->dx)
        return;
    for (int64_t first = 0; first < s->extent.rounded; first += s->extent.block) {
        real lanes[4][LANES];
        spread(s, s->batch.mean, first, lanes[0]);
        spread(s, s->slope.same, first, lanes[1]);
        spread(s, s->slope.lean, first, lanes[2]);
        spread(s, s->slope.level, first, lanes[3]);
        for (int64_t n = 0; n < call->samples; n++) {
            int64_t at = n * sample + first * s->extent.pixels;
            denormalize((struct pair_of_rows){call->x + at, call->dy + at, count}, call->dx + at,
                        lanes);
        }
    }
}

/* ---- the whole batch ---- */

static void set_affine(const struct batch_norm_state *s, const double *mean, const double *variance,
                       const struct affine *out)
{
    for (int64_t c = 0; c < s->extent.rounded; c++) {
        out->mean[c] = (real)mean[c];
        out->scale[c] = (real)((double)s->weight[c] / sqrt(variance[c] + s->options->eps));
        out->shift[c] = s->bias[c];
    }
}

static void combine(struct op *op, const struct op_whole *whole)
{
    struct batch_norm_state *s = op->state;
    double *mean = s->mean, *squares = s->mean + s->extent.rounded;
    int64_t done = 0;
    memset(mean, 0, (size_t)(2 * s->extent.rounded) * sizeof *mean);
    for (int64_t shard = 0; shard < whole->shards; shard++) {
        const double *slot = s->slots + shard * 2 * s->extent.rounded;
        int64_t left = whole->samples - shard * s->extent.shard_size;
        int64_t count =
            (left < s->extent.shard_size ? left : s->extent.shard_size) * s->extent.pixels;
        double share = (double)count / (double)(done + count);
        for (int64_t c = 0; c < s->extent.rounded; c++) {
            double delta = slot[c] - mean[c];
            mean[c] += delta * share;
            squares[c] += slot[s->extent.rounded + c] + delta * delta * (double)done * share;
        }
        done += count;
    }
    s->count = done;
    for (int64_t c = 0; c < s->extent.rounded; c++)
        squares[c] /= (double)done; /* from here on the biased variance */
    set_affine(s, mean, squares, &s->batch);
}

/* With x̂ = (x − mean)/σ and N numbers a channel:
 * dx = weight/σ · (dy − Σdy/N − x̂·Σ(dy·x̂)/N), as in Ioffe and Szegedy, their sums done. */
static void combine_back(struct op *op, const struct op_whole *whole)
{
    struct batch_norm_state *s = op->state;
    memset(s->sum, 0, (size_t)(2 * s->extent.rounded) * sizeof *s->sum);
    for (int64_t shard = 0; shard < whole->shards; shard++)
        for (int64_t c = 0; c < 2 * s->extent.rounded; c++)
            s->sum[c] += s->slots[shard * 2 * s->extent.rounded + c];
    for (int64_t c = 0; c < s->extent.rounded; c++) {
        double inverse = 1 / sqrt(s->mean[s->extent.rounded + c] + s->options->eps);
        double scale = (double)s->weight[c] * inverse, n = (double)s->count;
        s->slope.same[c] = (real)scale;
        s->slope.lean[c] = (real)(scale * inverse * inverse * s->sum[s->extent.rounded + c] / n);
        s->slope.level[c] = (real)(scale * s->sum[c] / n);
    }
}

static void gather(struct op *op, const struct op_gather *gather)
{
    const struct batch_norm_state *s = op->state;
    for (int64_t c = 0; c < s->extent.channels; c++) {
        double inverse = 1 / sqrt(s->mean[s->extent.rounded + c] + s->options->eps);
        gather->gradients[s->tensors.weight + c] = (real)(s->sum[s->extent.rounded + c] * inverse);
        gather->gradients[s->tensors.bias + c] = (real)s->sum[c];
    }
}

/* The variance of a single number is not known: it teaches nothing. */
static void commit(struct op *op, real *numbers)
{
    const struct batch_norm_state *s = op->state;
    double momentum = s->options->momentum, n = (double)s->count;
    real *mean = numbers + s->tensors.mean, *variance = numbers + s->tensors.variance;
    for (int64_t c = 0; c < s->extent.channels; c++) {
        mean[c] = (real)((1 - momentum) * (double)mean[c] + momentum * s->mean[c]);
        if (s->count > 1)
            variance[c] = (real)((1 - momentum) * (double)variance[c] +
                                 momentum * s->mean[s->extent.rounded + c] * n / (n - 1));
    }
}

static void pack(struct op *op, const real *numbers)
{
    struct batch_norm_state *s = op->state;
    for (int64_t c = 0; c < s->extent.channels; c++) {
        s->weight[c] = s->tensors.weight < 0 ? 1 : numbers[s->tensors.weight + c];
        s->bias[c] = s->tensors.weight < 0 ? 0 : numbers[s->tensors.bias + c];
        s->running[c] = (double)numbers[s->tensors.mean + c];
        s->running[s->extent.rounded + c] = (double)numbers[s->tensors.variance + c];
    }
    set_affine(s, s->running, s->running + s->extent.rounded, &s->fixed);
}

static const struct op_barrier barrier = {collect, combine, collect_back, combine_back, commit};

static void drop(struct op *op)
{
    free(op->state);
}

static void reserve(struct batch_norm_state *s, const struct op_setup *setup)
{
    real **reals[] = {&s->weight,      &s->bias,       &s->batch.mean,  &s->batch.scale,
                      &s->batch.shift, &s->fixed.mean, &s->fixed.scale, &s->fixed.shift,
                      &s->slope.same,  &s->slope.lean, &s->slope.level};
    double **doubles[] = {&s->mean, &s->sum, &s->running};
    for (size_t i = 0; i < COUNT_OF(reals); i++)
        block_reserve(setup->memory, reals[i], s->extent.rounded, sizeof(real));
    for (size_t i = 0; i < COUNT_OF(doubles); i++)
        block_reserve(setup->memory, doubles[i], 2 * s->extent.rounded, sizeof(double));
    block_reserve(setup->memory, &s->slots,
                  saturating_product(setup->shards, 2 * s->extent.rounded), sizeof(double));
}

static struct tensors find_tensors(const struct op_setup *setup, bool affine)
{
    const struct plan_tensor *tensor = setup->plan->tensors + setup->layer->first_tensor;
    struct tensors found = {.weight = -1, .bias = -1};
    if (affine) {
        found.weight = tensor++->offset;
        found.bias = tensor++->offset;
    }
    found.mean = tensor[0].offset;
    found.variance = tensor[1].offset;
    return found;
}

bool batch_norm2d_make(const struct op_setup *setup, struct op *op, struct error *error)
{
    const struct plan_layer *layer = setup->layer;
    const struct batch_norm2d_options *options = layer->options;
    int64_t count = op_count(&layer->input, setup->block);
    struct batch_norm_state *s = calloc(1, sizeof *s);
    if (!s)
        return error_set(error, ERROR_MEMORY, layer->pointer, "no memory for the layer");
    *s =
        (struct batch_norm_state){.options = options,
                                  .tensors = find_tensors(setup, options->affine),
                                  .extent = {.channels = layer->input.channels,
                                             .rounded = (layer->input.channels + setup->block - 1) /
                                                        setup->block * setup->block,
                                             .pixels = layer->input.height * layer->input.width,
                                             .shard_size = setup->shard_size,
                                             .block = setup->block}};
    reserve(s, setup);
    *op = (struct op){.kernel = "over the whole batch, any layout",
                      .x_count = count,
                      .y_count = count,
                      .x_block = setup->block,
                      .y_block = setup->block,
                      .gather_tasks = options->affine,
                      .barrier = &barrier,
                      .state = s,
                      .pack = pack,
                      .forward = forward,
                      .backward = backward,
                      .gather = gather,
                      .drop = drop};
    return true;
}
