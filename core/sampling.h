/* Sampling: what a job's spec makes of its data set, apart from any training: which samples each
 * of its splits has, and the numbers that they are normalized with. Equal to the trainer's. */
#ifndef CORE_SAMPLING_H
#define CORE_SAMPLING_H

#include "core/split.h"
#include "core/trainer.h"

struct sampling {
    struct block block; /* owns the arrays */
    struct split split;
    struct normalization normalization;
};

/* Draws the splits. `dataset` NULL: without measuring the normalization. A plan for this data set.
 */
bool sampling_make(struct sampling *out, const struct spec *spec, const struct plan *plan,
                   const struct dataset *dataset, struct error *error) MUST_CHECK;
void sampling_drop(struct sampling *sampling); /* a zeroed one is allowed */

/* Samples order[0 … count − 1] of the data set's training split or test split. */
struct sampling_part {
    bool of_training;
    const uint32_t *order; /* NULL: file order */
    int64_t count;
};
struct sampling_part sampling_part(const struct sampling *sampling, const struct plan *plan,
                                   enum data_split split);

#endif
