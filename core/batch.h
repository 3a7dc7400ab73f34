/* Batch: samples of a split as the network's input numbers: augmented where that is wanted, then
 * normalized. Knows nothing of layers. */
#ifndef CORE_BATCH_H
#define CORE_BATCH_H

#include "core/block.h"
#include "core/dataset.h"
#include "core/normalize.h"

/* Largest shard that a plan makes. */
enum { BATCH_SHARD_MAX = SPEC_BATCH_MAX / PLAN_SHARDS_MOST };

/* How a job's samples become numbers: the same for every batch of it. */
struct batch_input {
    struct shape shape; /* of one sample */
    struct normalization normalization;
    const struct variants *augment; /* borrowed from the spec */
    uint64_t seed;
    real *scratch; /* (members, 2, elements of a sample); NULL where nothing is augmented */
};

struct batch_part {
    const struct batch_input *input;
    const struct dataset_split *split;
    const uint32_t *order;  /* NULL: file order */
    int64_t first, samples; /* positions in the order */
    bool train;             /* with augmentation … */
    uint32_t epoch;         /* … whose draws belong to this epoch, counted from 0 */
    int member;             /* whose scratch memory is used */
};

/* Reserves the arrays for `members` threads. */
void batch_reserve(struct batch_input *input, const struct spec *spec, const struct plan *plan,
                   int members, struct block *block);

/* x (samples, channels, height, width) and labels (samples) are filled. One part at a time for each
 * member. */
void batch_fill(const struct batch_part *part, real *x, uint16_t *labels);

#endif
