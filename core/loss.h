/* Losses: the table of kinds. A loss reads one shard's outputs and labels and gives the sum of the
 * losses and the gradient of the batch's mean. Knows nothing of batches beyond the divisor. */
#ifndef CORE_LOSS_H
#define CORE_LOSS_H

#include "core/spec.h"
#include "core/tensor.h"

struct loss_call {
    const void *options;
    const real *y;          /* (samples, classes) outputs of the network */
    const uint16_t *labels; /* (samples) */
    real *dy; /* (samples, classes) gradient of the mean over `batch`; NULL: not wanted */
    int64_t samples, classes;
    int64_t batch;   /* samples of the whole batch */
    double loss_sum; /* out: sum over the samples */
    int64_t correct; /* out: samples whose largest output (the first of equals) is the label's */
};

struct loss_kind {
    struct kind kind;
    void (*run)(struct loss_call *call);
};

extern const struct kinds loss_kinds;
extern const struct loss_kind loss_cross_entropy;

#endif
