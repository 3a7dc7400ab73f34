/* batch_norm2d in any layout, exact over the whole batch: every shard leaves mean and squared
 * deviations of its samples, and they are put together in shard order. Ioffe and Szegedy 2015; the
 * joining of partial variances is Chan, Golub and LeVeque 1983. Sums in double.
 *
 * As in PyTorch, a batch is normalized by its biased variance, and the running variance learns from
 * the unbiased one. */
#include "core/batch_norm2d_rows.h"
#include "core/kernels.h"
#include "core/layer.h"

#include <stdlib.h>
#include <string.h>

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
    enum number number; /* of x, y and what is added */
};

struct batch_norm_state {
    const struct batch_norm2d_options *options;
    const struct rows_kernel *kernel;
    struct tensors tensors;
    struct extent extent;
    bool sum_with, relu; /* a residual's other input is added, a ReLU stands behind it */
    uint32_t *passed;    /* (shards, shard_size, words) what the ReLU let through */
    real *weight, *bias; /* (rounded): 0 in channels that only fill up a block */
    double *slots;       /* (shards, 2, rounded) */
    double *mean, *sum; /* (2, rounded) mean and squared deviations, sums of dy and dy·(x − mean) */
    double *running;    /* (2, rounded) as packed */
    int64_t count;      /* numbers of a channel in the batch */
    struct affine batch, fixed; /* by the batch's own statistics, by the running ones */
    struct slope slope;
};

/* ---- one shard ---- */

/* A group of channels that lie together, in one sample. */
struct place {
    int64_t sample, first; /* first channel */
};

static int64_t group_numbers(const struct batch_norm_state *s)
{
    return s->extent.pixels * s->extent.block;
}

/* Where it lies; NULL stays NULL. */
static const void *place_in(const struct batch_norm_state *s, const void *array, struct place place)
{
    int64_t at = (place.sample * s->extent.rounded + place.first) * s->extent.pixels;
    return array ? (const unsigned char *)array + at * (int64_t)number_size(s->extent.number)
                 : NULL;
}

static void *place_out(const struct batch_norm_state *s, void *array, struct place place)
{
    return (void *)(uintptr_t)place_in(s, array, place);
}

static int64_t sample_words(const struct batch_norm_state *s)
{
    return saturating_product(s->extent.rounded / s->extent.block, rows_words(group_numbers(s)));
}

static uint32_t *place_passed(const struct batch_norm_state *s, int shard, struct place place)
{
    int64_t sample = shard * s->extent.shard_size + place.sample;
    return s->relu ? s->passed + sample * sample_words(s) +
                         place.first / s->extent.block * rows_words(group_numbers(s))
                   : NULL;
}

static struct lanes spread(const struct batch_norm_state *s, const real *values, int64_t first)
{
    struct lanes lanes;
    for (int64_t lane = 0; lane < LANES; lane++)
        lanes.value[lane] = values[first + lane % s->extent.block];
    return lanes;
}

static struct double_lanes spread_double(const struct batch_norm_state *s, const double *values,
                                         int64_t first)
{
    struct double_lanes lanes;
    for (int64_t lane = 0; lane < LANES; lane++)
        lanes.value[lane] = values[first + lane % s->extent.block];
    return lanes;
}

static void fold(const struct batch_norm_state *s, const struct double_lanes *lanes, double *out)
{
    for (int lane = 0; lane < s->extent.block; lane++)
        out[lane] = 0;
    for (int lane = 0; lane < LANES; lane++)
        out[lane % s->extent.block] += lanes->value[lane];
}

/* Mean and squared deviations of channels first … first + block − 1 over the shard, reading it
 * once: n numbers' deviations from one of them sum up to n·(mean − pivot), and the squared ones to
 * Σ(x − mean)² + n·(mean − pivot)². Of two sums like these the difference keeps its digits: no
 * number of n is further than √(n − 1) standard deviations from their mean (Samuelson 1968), so it
 * is at least an nth of them. */
static void collect_group(const struct batch_norm_state *s, const struct op_call *call,
                          int64_t first, double *slot)
{
    double n = (double)(call->samples * s->extent.pixels);
    struct rows_moments rows = {.count = group_numbers(s)};
    const void *x = place_in(s, call->x, (struct place){0, first});
    for (int64_t lane = 0; lane < LANES; lane++)
        rows.pivot.value[lane] = (double)number_get(s->extent.number, x, lane % s->extent.block);
    for (int64_t i = 0; i < call->samples; i++) {
        rows.x = place_in(s, call->x, (struct place){i, first});
        rows_add_moments(s->kernel, s->extent.number, &rows);
    }
    double *mean = slot + first, *squares = mean + s->extent.rounded;
    fold(s, &rows.sums, mean);
    fold(s, &rows.squares, squares);
    for (int lane = 0; lane < s->extent.block; lane++) {
        double away = mean[lane] / n, left = squares[lane] - mean[lane] * away;
        mean[lane] = rows.pivot.value[lane] + away;
        squares[lane] = left < 0 ? 0 : left;
    }
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
    const void *other = s->sum_with ? call->xs[1] : NULL;
    for (int64_t first = 0; first < s->extent.rounded; first += s->extent.block) {
        struct rows_normal rows = {.count = group_numbers(s),
                                   .mean = spread(s, by->mean, first),
                                   .scale = spread(s, by->scale, first),
                                   .shift = spread(s, by->shift, first)};
        for (int64_t i = 0; i < call->samples; i++) {
            struct place place = {i, first};
            rows.x = place_in(s, call->x, place);
            rows.other = place_in(s, other, place);
            rows.y = place_out(s, call->y, place);
            rows.passed = place_passed(s, call->shard, place);
            rows_normalize(s->kernel, s->extent.number, &rows);
        }
    }
}

static void collect_back(struct op *op, const struct op_call *call)
{
    const struct batch_norm_state *s = op->state;
    double *slot = s->slots + call->shard * 2 * s->extent.rounded;
    for (int64_t first = 0; first < s->extent.rounded; first += s->extent.block) {
        struct rows_slopes rows = {.count = group_numbers(s),
                                   .mean = spread_double(s, s->mean, first)};
        for (int64_t i = 0; i < call->samples; i++) {
            struct place place = {i, first};
            rows.x = place_in(s, call->x, place);
            rows.dy = place_in(s, call->dy, place);
            rows.passed = place_passed(s, call->shard, place);
            rows_add_slopes(s->kernel, s->extent.number, &rows);
        }
        fold(s, &rows.sums, slot + first);
        fold(s, &rows.products, slot + s->extent.rounded + first);
    }
}

static void backward(struct op *op, const struct op_call *call)
{
    const struct batch_norm_state *s = op->state;
    void *dother = s->sum_with ? call->dxs[1] : NULL;
    for (int64_t first = 0; first < s->extent.rounded; first += s->extent.block) {
        struct rows_gradient rows = {.count = group_numbers(s),
                                     .mean = spread(s, s->batch.mean, first),
                                     .same = spread(s, s->slope.same, first),
                                     .lean = spread(s, s->slope.lean, first),
                                     .level = spread(s, s->slope.level, first)};
        for (int64_t i = 0; i < call->samples; i++) {
            struct place place = {i, first};
            rows.x = place_in(s, call->x, place);
            rows.dy = place_in(s, call->dy, place);
            rows.passed = place_passed(s, call->shard, place);
            rows.dx = place_out(s, call->dx, place);
            rows.dother = place_out(s, dother, place);
            rows_gradient(s->kernel, s->extent.number, &rows);
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
    int64_t shard = saturating_product(s->extent.shard_size, sample_words(s));
    if (s->relu)
        block_reserve(setup->memory, &s->passed, saturating_product(setup->shards, shard),
                      sizeof *s->passed);
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

static bool make(const struct op_setup *setup, struct batch_norm_state *s, struct op *op)
{
    const struct plan_layer *layer = setup->layer;
    const struct batch_norm2d_options *options = layer->options;
    int64_t count = op_count(&layer->input, setup->block);
    s->options = options;
    s->tensors = find_tensors(setup, options->affine);
    s->extent = (struct extent){.channels = layer->input.channels,
                                .rounded = (layer->input.channels + setup->block - 1) /
                                           setup->block * setup->block,
                                .pixels = layer->input.height * layer->input.width,
                                .shard_size = setup->shard_size,
                                .block = setup->block,
                                .number = setup->number};
    s->kernel = rows_best();
    reserve(s, setup);
    *op = (struct op){.kernel = "over the whole batch, any layout",
                      .x_count = count,
                      .y_count = count,
                      .x_block = setup->block,
                      .y_block = setup->block,
                      .x_number = setup->number,
                      .y_number = setup->number,
                      .layers = 1 + s->sum_with + s->relu,
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

bool batch_norm2d_make(const struct op_setup *setup, struct op *op, struct error *error)
{
    struct batch_norm_state *s = calloc(1, sizeof *s);
    if (!s)
        return error_set(error, ERROR_MEMORY, setup->layer->pointer, "no memory for the layer");
    return make(setup, s, op);
}

/* Together with the sum of a residual, a ReLU or both behind it: one pass over memory instead of
 * three. */
bool batch_norm2d_fused_make(const struct op_setup *setup, struct op *op, struct error *error)
{
    const struct plan_layer *layer = setup->layer;
    int layers = 1;
    bool sum_with = layers < setup->chain && layer[layers].kind == &layer_residual.kind;
    layers += sum_with;
    bool relu = layers < setup->chain && layer[layers].kind == &layer_relu.kind;
    if (!sum_with && !relu)
        return false;
    struct batch_norm_state *s = calloc(1, sizeof *s);
    if (!s)
        return error_set(error, ERROR_MEMORY, layer->pointer, "no memory for the layer");
    s->sum_with = sum_with;
    s->relu = relu;
    make(setup, s, op);
    op->kernel = sum_with && relu ? "batch norm, sum and relu in one, any layout"
                 : relu           ? "batch norm and relu in one, any layout"
                                  : "batch norm and sum in one, any layout";
    return true;
}
