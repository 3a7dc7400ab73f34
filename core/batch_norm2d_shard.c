/* Batch normalization of one shard: what it adds to the statistics of the batch, then its numbers.
 * Samples and groups are taken as they lie in memory, so that what comes next can be fetched. */
#include "core/batch_norm2d_state.h"

#include <string.h>

/* One group of one sample, at that number of the shard. */
struct place {
    int64_t sample, group, at;
};

/* The places in order: begins with {0}; false behind the last one. */
static bool place_valid(const struct batch_norm_state *s, const struct op_call *call,
                        const struct place *place)
{
    return place->sample < call->samples && place->group < s->extent.groups;
}

static void place_next(const struct batch_norm_state *s, struct place *place)
{
    place->at += s->extent.pixels * s->extent.block;
    if (++place->group == s->extent.groups) {
        place->group = 0;
        place->sample++;
    }
}

/* NULL stays NULL. */
static const void *read_at(const struct batch_norm_state *s, const void *array, int64_t at)
{
    size_t bytes = (size_t)at * number_size(s->extent.number);
    return array ? (const unsigned char *)array + bytes : NULL;
}

static void *write_at(const struct batch_norm_state *s, void *array, int64_t at)
{
    size_t bytes = (size_t)at * number_size(s->extent.number);
    return array ? (unsigned char *)array + bytes : NULL;
}

static uint32_t *passed_at(const struct batch_norm_state *s, const struct op_call *call,
                           const struct place *place)
{
    int64_t sample = call->shard * s->extent.shard_size + place->sample;
    int64_t group = sample * s->extent.groups + place->group;
    return s->relu ? s->passed + group * batch_norm_words(&s->extent) : NULL;
}

/* ---- sums ---- */

/* The member's sums, all 0. */
static struct rows_sums *sums_clear(const struct batch_norm_state *s, const struct op_call *call)
{
    struct rows_sums *sums = s->sums + call->member * s->extent.groups;
    memset(sums, 0, (size_t)s->extent.groups * sizeof *sums);
    return sums;
}

static void fold(const struct batch_norm_state *s, const struct double_lanes *lanes, double *out)
{
    for (int lane = 0; lane < s->extent.block; lane++)
        out[lane] = 0;
    for (int lane = 0; lane < LANES; lane++)
        out[lane % s->extent.block] += lanes->value[lane];
}

/* Into the shard's slot. */
static void sums_fold(const struct batch_norm_state *s, const struct op_call *call,
                      const struct rows_sums *sums)
{
    double *slot = s->by.slots + call->shard * 2 * s->extent.rounded;
    for (int64_t g = 0; g < s->extent.groups; g++) {
        fold(s, &sums[g].sums, slot + g * s->extent.block);
        fold(s, &sums[g].products, slot + s->extent.rounded + g * s->extent.block);
    }
}

/* n numbers' deviations from a pivot sum up to n·(mean − pivot), and the squared ones to
 * Σ(x − mean)² + n·(mean − pivot)²: mean and squared deviations from one reading of x. The
 * difference keeps its digits when the pivot is one of the numbers: none of them is further than
 * √(n − 1) standard deviations from their mean (Samuelson 1968), so what is left is at least an nth
 * of what it is taken from. */
static void find_moments(const struct batch_norm_state *s, const struct op_call *call,
                         const struct rows_sums *sums)
{
    double *mean = s->by.slots + call->shard * 2 * s->extent.rounded;
    double *squares = mean + s->extent.rounded, n = (double)(call->samples * s->extent.pixels);
    for (int64_t c = 0; c < s->extent.rounded; c++) {
        double away = mean[c] / n, left = squares[c] - mean[c] * away;
        mean[c] = sums[c / s->extent.block].around.value[c % s->extent.block] + away;
        squares[c] = left < 0 ? 0 : left;
    }
}

void batch_norm_collect(struct op *op, const struct op_call *call)
{
    const struct batch_norm_state *s = op->state;
    struct rows_sums *sums = sums_clear(s, call);
    int64_t count = s->extent.pixels * s->extent.block;
    for (int64_t g = 0; g < s->extent.groups; g++)
        for (int64_t lane = 0; lane < LANES; lane++)
            sums[g].around.value[lane] =
                (double)number_get(s->extent.number, call->x, g * count + lane % s->extent.block);
    for (struct place p = {0}; place_valid(s, call, &p); place_next(s, &p)) {
        const struct rows_moments rows = {
            .x = read_at(s, call->x, p.at), .count = count, .to = &sums[p.group]};
        rows_add_moments(s->kernel, s->extent.number, &rows);
    }
    sums_fold(s, call, sums);
    find_moments(s, call, sums);
}

/* Σdy·(x − mean) from the sums around what a real holds of the mean. */
static void correct_products(const struct batch_norm_state *s, const struct op_call *call,
                             const struct rows_sums *sums)
{
    double *slot = s->by.slots + call->shard * 2 * s->extent.rounded;
    for (int64_t c = 0; c < s->extent.rounded; c++) {
        double around = sums[c / s->extent.block].around.value[c % s->extent.block];
        slot[s->extent.rounded + c] -= slot[c] * (s->by.batch[c] - around);
    }
}

void batch_norm_collect_back(struct op *op, const struct op_call *call)
{
    const struct batch_norm_state *s = op->state;
    struct rows_sums *sums = sums_clear(s, call);
    for (int64_t g = 0; g < s->extent.groups; g++)
        for (int64_t lane = 0; lane < LANES; lane++)
            sums[g].around.value[lane] = (double)s->batch[g].mean.value[lane];
    for (struct place p = {0}; place_valid(s, call, &p); place_next(s, &p)) {
        const struct rows_slopes rows = {.x = read_at(s, call->x, p.at),
                                         .dy = read_at(s, call->dy, p.at),
                                         .passed = passed_at(s, call, &p),
                                         .count = s->extent.pixels * s->extent.block,
                                         .to = &sums[p.group]};
        rows_add_slopes(s->kernel, s->extent.number, &rows);
    }
    sums_fold(s, call, sums);
    correct_products(s, call, sums);
}

/* ---- numbers ---- */

void batch_norm_forward(struct op *op, const struct op_call *call)
{
    const struct batch_norm_state *s = op->state;
    const struct rows_affine *by = call->train ? s->batch : s->fixed;
    const void *other = s->sum_with ? call->xs[1] : NULL;
    for (struct place p = {0}; place_valid(s, call, &p); place_next(s, &p)) {
        const struct rows_normal rows = {.x = read_at(s, call->x, p.at),
                                         .other = read_at(s, other, p.at),
                                         .y = write_at(s, call->y, p.at),
                                         .passed = passed_at(s, call, &p),
                                         .count = s->extent.pixels * s->extent.block,
                                         .by = &by[p.group]};
        rows_normalize(s->kernel, s->extent.number, &rows);
    }
}

void batch_norm_backward(struct op *op, const struct op_call *call)
{
    const struct batch_norm_state *s = op->state;
    void *dother = s->sum_with ? call->dxs[1] : NULL;
    for (struct place p = {0}; place_valid(s, call, &p); place_next(s, &p)) {
        const struct rows_gradient rows = {.x = read_at(s, call->x, p.at),
                                           .dy = read_at(s, call->dy, p.at),
                                           .passed = passed_at(s, call, &p),
                                           .dx = write_at(s, call->dx, p.at),
                                           .dother = write_at(s, dother, p.at),
                                           .count = s->extent.pixels * s->extent.block,
                                           .by = &s->slope[p.group]};
        rows_gradient(s->kernel, s->extent.number, &rows);
    }
}
