/* Split: which samples of a data set a job learns from and which it is judged by, and in what order
 * an epoch visits the former. Knows nothing of pixels or of networks. */
#ifndef CORE_SPLIT_H
#define CORE_SPLIT_H

#include "core/block.h"
#include "core/plan.h"

/* Index arrays in the job's block, for one thread. */
struct split {
    int64_t train;       /* samples that are learned from … */
    int64_t held_out;    /* … and training samples that are not, because validation takes them */
    uint32_t *samples;   /* (train + held_out): first the ones, then the others, each in file order;
                            NULL: the first `train` of the file, and none is held out */
    uint32_t *order;     /* (train) how the epoch visits them; NULL: as they stand */
    int64_t order_epoch; /* the epoch, counted from 0, that `order` belongs to; −1: none yet */
};

/* How many of `count` training samples a fraction holds out: the nearest whole number. */
int64_t split_held_out(int64_t count, double fraction);

/* Sets the counts and reserves the arrays. */
void split_reserve(struct split *split, const struct spec *spec, const struct plan *plan,
                   struct block *block);
/* After the block is taken: draws what is held out, a function of the seed and the counts alone. */
void split_draw(struct split *split, uint64_t seed);
/* Makes `order` that of an epoch, counted from 0. */
void split_seek(struct split *split, uint64_t seed, int64_t epoch);

/* Indices into the training split, as model_batch wants them: of this epoch, of all that is learned
 * from, of what is held out. NULL: file order. */
const uint32_t *split_epoch(const struct split *split);
const uint32_t *split_train(const struct split *split);
const uint32_t *split_validation(const struct split *split);

#endif
