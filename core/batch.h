/* Batch: samples of a split as the network's input numbers. Knows normalization; knows nothing of
 * layers. */
#ifndef CORE_BATCH_H
#define CORE_BATCH_H

#include "core/dataset.h"

/* Largest shard that a plan makes. */
enum { BATCH_SHARD_MAX = SPEC_BATCH_MAX / PLAN_SHARDS_MOST };

struct batch_part {
    const struct dataset_split *split;
    const uint32_t *order;  /* NULL: file order */
    int64_t first, samples; /* positions in the order */
    int64_t sample_size;    /* numbers of one sample */
    int normalize;          /* enum spec_normalize */
};

/* x (samples, sample_size) and labels (samples) are filled. */
void batch_fill(const struct batch_part *part, real *x, uint16_t *labels);

#endif
