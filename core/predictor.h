/* Predictor: a planned network with given numbers that only answers, as it does in evaluations: a
 * sample's answer does not depend on what else is asked with it. Knows nothing of training, files
 * or threads: one thread at a time may use it, any one.
 *
 * The answers of one that is `as_trained` are, digit for digit, those of the job's own
 * evaluations. */
#ifndef CORE_PREDICTOR_H
#define CORE_PREDICTOR_H

#include "core/model.h"

struct predictor_setup {
    const struct spec *spec; /* complete and planned; borrowed for the predictor's life */
    const struct plan *plan; /* of this spec; borrowed */
    const float *numbers;    /* (plan.numbers), copied */
    const struct normalization *normalization; /* copied */
    enum kernel_choice kernels;
    bool as_trained; /* batches are cut as in training; else sample by sample, which takes less
                        memory and is faster for few */
};

struct predictor;

/* Takes all memory. ERROR_MEMORY; ERROR_UNSUPPORTED when the precision is none of this machine. */
bool predictor_new(const struct predictor_setup *setup, struct predictor **out,
                   struct error *error) MUST_CHECK;
void predictor_free(struct predictor *predictor); /* NULL is allowed */

/* The numbers that it has (plan.numbers). */
const real *predictor_numbers(const struct predictor *predictor);
/* What it holds in memory. */
int64_t predictor_bytes(const struct predictor *predictor);

/* split->images[order[first + i]], or [first + i] when order is NULL. */
struct predictor_batch {
    const struct dataset_split *split;
    const uint32_t *order;
    int64_t first, samples;
    real *scores;                  /* (samples, classes), filled; NULL: not wanted */
    const struct model_look *look; /* NULL, or who sees each layer's output of every sample */
};
/* Any number of samples. The sums in *out are those of evaluations: batch by batch of the plan's
 * size where it is as_trained. ERROR_MEMORY when a kernel could not do its work. */
bool predictor_run(struct predictor *predictor, const struct predictor_batch *batch,
                   struct model_result *out, struct error *error) MUST_CHECK;

#endif
