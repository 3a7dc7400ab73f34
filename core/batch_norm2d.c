/* batch_norm2d in any layout, exact over the whole batch: every shard leaves mean and squared
 * deviations of its samples, and they are put together in shard order. Ioffe and Szegedy 2015; the
 * joining of partial variances is Chan, Golub and LeVeque 1983. Sums in double.
 *
 * As in PyTorch, a batch is normalized by its biased variance, and the running variance learns from
 * the unbiased one. */
#include "core/batch_norm2d_state.h"
#include "core/kernels.h"

#include <stdlib.h>
#include <string.h>

/* ---- the whole batch ---- */

/* `statistics` are means, then variances. */
static void set_affine(const struct batch_norm_state *s, const double *statistics,
                       struct rows_affine *out)
{
    for (int64_t g = 0; g < s->extent.groups; g++)
        for (int64_t lane = 0; lane < LANES; lane++) {
            int64_t c = g * s->extent.block + lane % s->extent.block;
            double variance = statistics[s->extent.rounded + c];
            out[g].mean.value[lane] = (real)statistics[c];
            out[g].scale.value[lane] =
                (real)((double)s->by.weight[c] / sqrt(variance + s->options->eps));
            out[g].shift.value[lane] = s->by.bias[c];
        }
}

static void combine(struct op *op, const struct op_whole *whole)
{
    struct batch_norm_state *s = op->state;
    double *mean = s->by.batch, *squares = mean + s->extent.rounded;
    int64_t done = 0;
    memset(mean, 0, (size_t)(2 * s->extent.rounded) * sizeof *mean);
    for (int64_t shard = 0; shard < whole->shards; shard++) {
        const double *slot = s->by.slots + shard * 2 * s->extent.rounded;
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
    set_affine(s, s->by.batch, s->batch);
}

/* 1 / σ of the batch. */
static double inverse_deviation(const struct batch_norm_state *s, int64_t c)
{
    return 1 / sqrt(s->by.batch[s->extent.rounded + c] + s->options->eps);
}

/* With x̂ = (x − mean)/σ and N numbers a channel:
 * dx = weight/σ · (dy − Σdy/N − x̂·Σ(dy·x̂)/N), as in Ioffe and Szegedy, their sums done. */
static void combine_back(struct op *op, const struct op_whole *whole)
{
    struct batch_norm_state *s = op->state;
    double *sums = s->by.sums, *products = sums + s->extent.rounded, n = (double)s->count;
    memset(sums, 0, (size_t)(2 * s->extent.rounded) * sizeof *sums);
    for (int64_t shard = 0; shard < whole->shards; shard++)
        for (int64_t c = 0; c < 2 * s->extent.rounded; c++)
            sums[c] += s->by.slots[shard * 2 * s->extent.rounded + c];
    for (int64_t g = 0; g < s->extent.groups; g++)
        for (int64_t lane = 0; lane < LANES; lane++) {
            int64_t c = g * s->extent.block + lane % s->extent.block;
            double inverse = inverse_deviation(s, c), scale = (double)s->by.weight[c] * inverse;
            struct rows_slope *slope = &s->slope[g];
            slope->mean.value[lane] = s->batch[g].mean.value[lane];
            slope->same.value[lane] = (real)scale;
            slope->lean.value[lane] = (real)(scale * inverse * inverse * products[c] / n);
            slope->level.value[lane] = (real)(scale * sums[c] / n);
        }
}

static void gather(struct op *op, const struct op_gather *gather)
{
    const struct batch_norm_state *s = op->state;
    for (int64_t c = 0; c < s->extent.channels; c++) {
        double product = s->by.sums[s->extent.rounded + c] * inverse_deviation(s, c);
        gather->gradients[s->tensors.weight + c] = (real)product;
        gather->gradients[s->tensors.bias + c] = (real)s->by.sums[c];
    }
}

/* The variance of a single number is not known: it teaches nothing. */
static void commit(struct op *op, real *numbers)
{
    const struct batch_norm_state *s = op->state;
    double momentum = s->options->momentum, n = (double)s->count;
    real *mean = numbers + s->tensors.mean, *variance = numbers + s->tensors.variance;
    for (int64_t c = 0; c < s->extent.channels; c++) {
        mean[c] = (real)((1 - momentum) * (double)mean[c] + momentum * s->by.batch[c]);
        if (s->count > 1)
            variance[c] = (real)((1 - momentum) * (double)variance[c] +
                                 momentum * s->by.batch[s->extent.rounded + c] * n / (n - 1));
    }
}

static void pack(struct op *op, const real *numbers)
{
    struct batch_norm_state *s = op->state;
    for (int64_t c = 0; c < s->extent.channels; c++) {
        s->by.weight[c] = s->tensors.weight < 0 ? 1 : numbers[s->tensors.weight + c];
        s->by.bias[c] = s->tensors.weight < 0 ? 0 : numbers[s->tensors.bias + c];
        s->by.running[c] = (double)numbers[s->tensors.mean + c];
        s->by.running[s->extent.rounded + c] = (double)numbers[s->tensors.variance + c];
    }
    set_affine(s, s->by.running, s->fixed);
}

static const struct op_barrier barrier = {batch_norm_collect, combine, batch_norm_collect_back,
                                          combine_back, commit};

static void drop(struct op *op)
{
    free(op->state);
}

static void reserve(struct batch_norm_state *s, const struct op_setup *setup)
{
    struct block *memory = setup->memory;
    const struct batch_norm_extent *extent = &s->extent;
    double **doubles[] = {&s->by.batch, &s->by.sums, &s->by.running};
    block_reserve(memory, &s->by.weight, extent->rounded, sizeof *s->by.weight);
    block_reserve(memory, &s->by.bias, extent->rounded, sizeof *s->by.bias);
    for (size_t i = 0; i < COUNT_OF(doubles); i++)
        block_reserve(memory, doubles[i], 2 * extent->rounded, sizeof **doubles[i]);
    block_reserve(memory, &s->by.slots, saturating_product(setup->cut.shards, 2 * extent->rounded),
                  sizeof *s->by.slots);
    block_reserve(memory, &s->batch, extent->groups, sizeof *s->batch);
    block_reserve(memory, &s->fixed, extent->groups, sizeof *s->fixed);
    block_reserve(memory, &s->slope, extent->groups, sizeof *s->slope);
    block_reserve(memory, &s->sums, saturating_product(setup->cut.members, extent->groups),
                  sizeof *s->sums);
    int64_t shard = saturating_product(
        extent->shard_size, saturating_product(extent->groups, batch_norm_words(extent)));
    if (s->relu)
        block_reserve(memory, &s->passed, saturating_product(setup->cut.shards, shard),
                      sizeof *s->passed);
}

static struct batch_norm_tensors find_tensors(const struct op_setup *setup, bool affine)
{
    const struct plan_tensor *tensor = setup->plan->tensors + setup->layer->first_tensor;
    struct batch_norm_tensors found = {.weight = -1, .bias = -1};
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
    int64_t groups = (layer->input.channels + setup->block - 1) / setup->block;
    s->options = options;
    s->tensors = find_tensors(setup, options->affine);
    s->kernel = rows_best();
    s->extent = (struct batch_norm_extent){
        .channels = layer->input.channels,
        .groups = groups,
        .rounded = groups * setup->block,
        .pixels = layer->input.height * layer->input.width,
        .shard_size = setup->cut.shard_size,
        .block = setup->block,
        .number = setup->number,
    };
    reserve(s, setup);
    *op = (struct op){.kernel = "over the whole batch, any layout",
                      .x.count = count,
                      .y.count = count,
                      .x.block = setup->block,
                      .y.block = setup->block,
                      .x.number = setup->number,
                      .y.number = setup->number,
                      .layers = 1 + s->sum_with + s->relu,
                      .gather_tasks = options->affine,
                      .barrier = &barrier,
                      .state = s,
                      .pack = pack,
                      .forward = batch_norm_forward,
                      .backward = batch_norm_backward,
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
