/* Estimate: adds up what the pieces of a step take. See estimate.h and speed.h. */
#include "core/estimate.h"

#include "core/layer.h"
#include "core/optimizer.h"

/* What threads need to be told of work and to meet again, a few times a step. */
#define STEP_OVERHEAD 1e-5

static size_t row_of(const struct kinds *kinds, const struct kind *kind)
{
    size_t row = 0;
    while (row < kinds->count && kinds->rows[row] != kind)
        row++;
    return row;
}

/* Which of the passes there are. */
enum passes { EVALUATED, TRAINED_FIRST, TRAINED };

/* The share of both passes that is needed. A product has one matrix product forward and two
 * backward, of which the one towards the data is left out where nothing before it learns. */
static double share(const struct plan_layer *layer, enum passes passes)
{
    bool products = layer->multiply_adds > 0;
    if (passes == EVALUATED)
        return products ? 1.0 / 3 : 0.5;
    if (passes == TRAINED_FIRST)
        return products ? 2.0 / 3 : 0.5;
    return 1;
}

/* One thread, one shard. */
static double shard_seconds(const struct plan *plan, const struct speed *speed, bool train)
{
    bool learned = false;
    double sum = 0;
    for (int i = 0; i < plan->layer_count; i++) {
        const struct plan_layer *layer = &plan->layers[i];
        size_t row = row_of(&layer_kinds, layer->kind);
        enum passes passes = !train ? EVALUATED : learned ? TRAINED : TRAINED_FIRST;
        if (row >= SPEED_LAYERS_MAX)
            return NAN;
        const struct speed_cost *cost = &speed->layers[row];
        double sample = speed_work(plan, layer, speed->block) * cost->unit +
                        speed_numbers(plan, layer, speed->block) * cost->number;
        sum += sample * share(layer, passes) * (double)plan->cut.shard_size +
               (double)layer->parameters * speed->weight * (train ? 1 : 1.0 / 3);
        learned |= layer->tensors > 0;
    }
    return sum;
}

/* Shards are taken in turns: with nine of them, eight threads are no faster than five. */
static double batch_seconds(const struct plan *plan, const struct speed *speed, bool train,
                            int threads)
{
    int64_t turns = (plan->cut.shards + threads - 1) / threads;
    return shard_seconds(plan, speed, train) * (double)turns + STEP_OVERHEAD;
}

/* Evaluations of the whole run: the end is always evaluated. */
static double evaluations(const struct spec *spec, const struct plan *plan)
{
    const struct spec_every *every = &spec->evaluate_every;
    double each = every->epochs != FIELD_ABSENT
                      ? (double)every->epochs * (double)plan->steps_per_epoch
                      : (double)every->steps;
    return ceil((double)plan->steps / each);
}

void estimate_make(const struct spec *spec, const struct plan *plan, const struct speed *speed,
                   int threads, struct estimate *out)
{
    size_t row = row_of(&optimizer_kinds, spec->optimizer.kind);
    double update = row < SPEED_OPTIMIZERS_MAX ? speed->updates[row] : NAN;
    double step = batch_seconds(plan, speed, true, threads) +
                  (double)plan->parameters * update / (double)threads;
    double batches = ceil((double)plan->data.validation_samples / (double)plan->batch_size);
    double evaluation = batches * batch_seconds(plan, speed, false, threads);

    out->seconds_per_epoch = step * (double)plan->steps_per_epoch;
    out->seconds = step * (double)plan->steps;
    if (plan->data.validation_samples > 0)
        out->seconds += evaluation * evaluations(spec, plan);
}
