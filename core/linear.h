/* What the kernels of the linear layer share: state, bias, and how the weight gradient is cut into
 * tasks. */
#ifndef CORE_LINEAR_H
#define CORE_LINEAR_H

#include "core/op.h"

struct linear_state {
    int64_t in, out;
    int64_t weight, bias;   /* offsets into the flat arrays; bias −1: none */
    const real *parameters; /* since the last pack */
    atomic_bool *failed;
};

struct linear_range {
    int64_t first, end; /* outputs */
};

/* State, counts, pack and drop of an op for setup->layer; the caller adds forward, backward and
 * gather. The state has `size` bytes, zero but for the struct linear_state in front. */
bool linear_make(const struct op_setup *setup, size_t size, struct op *op,
                 struct error *error) MUST_CHECK;

/* The outputs of gather task `task`: by shape alone. */
struct linear_range linear_range(const struct op *op, int task);

/* y (samples, out) = the bias, or 0. */
void linear_fill_bias(const struct linear_state *state, const struct op_call *call);
/* The bias gradient of the task's outputs: sums over the samples in order. */
void linear_gather_bias(const struct op *op, const struct op_gather *gather);

#endif
