/* Split: see split.h. */
#include "core/split.h"

#include "core/rng.h"

#include <stdlib.h>

int64_t split_held_out(int64_t count, double fraction)
{
    return (int64_t)floor((double)count * fraction + 0.5);
}

void split_reserve(struct split *split, const struct spec *spec, const struct plan *plan,
                   struct block *block)
{
    bool fraction = either_is_number(&spec->dataset.validation);
    *split = (struct split){.train = plan->data.train_samples,
                            .held_out = fraction ? plan->data.validation_samples : 0,
                            .order_epoch = -1};
    if (split->held_out > 0)
        block_reserve(block, &split->samples, split->train + split->held_out,
                      sizeof *split->samples);
    if (spec->dataset.shuffle)
        block_reserve(block, &split->order, split->train, sizeof *split->order);
}

static int compare(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

/* File order on both sides: an epoch that is not shuffled reads the file from front to back. */
void split_draw(struct split *split, uint64_t seed)
{
    const struct rng rng = {seed, RNG_SPLIT, 0};
    if (!split->samples)
        return;
    rng_permutation(&rng, split->samples, (uint32_t)(split->train + split->held_out));
    qsort(split->samples, (size_t)split->train, sizeof *split->samples, compare);
    qsort(split->samples + split->train, (size_t)split->held_out, sizeof *split->samples, compare);
}

void split_seek(struct split *split, uint64_t seed, int64_t epoch)
{
    const struct rng rng = {seed, RNG_SHUFFLE, (uint32_t)epoch};
    if (!split->order || epoch == split->order_epoch)
        return;
    rng_permutation(&rng, split->order, (uint32_t)split->train);
    for (int64_t i = 0; split->samples && i < split->train; i++)
        split->order[i] = split->samples[split->order[i]];
    split->order_epoch = epoch;
}

const uint32_t *split_epoch(const struct split *split)
{
    return split->order ? split->order : split->samples;
}

const uint32_t *split_train(const struct split *split)
{
    return split->samples;
}

const uint32_t *split_validation(const struct split *split)
{
    return split->samples ? split->samples + split->train : NULL;
}
