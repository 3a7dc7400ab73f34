/* The inside of batch normalization: batch_norm2d.c makes it and knows the whole batch,
 * batch_norm2d_shard.c one shard. Nobody else includes this. */
#ifndef CORE_BATCH_NORM2D_STATE_H
#define CORE_BATCH_NORM2D_STATE_H

#include "core/batch_norm2d_rows.h"
#include "core/layer.h"
#include "core/op.h"

struct batch_norm_tensors {
    int64_t weight, bias, mean, variance; /* offsets into the flat array; weight −1: not affine */
};

/* A group is the `block` channels that lie together. */
struct batch_norm_extent {
    int64_t channels, groups;
    int64_t rounded; /* channels of all groups */
    int64_t pixels, shard_size;
    int block;
    enum number number; /* of x, y and what is added */
};

/* Arrays of `rounded` numbers, or of two times that many. Channels that only fill up a group have
 * weight 0 and bias 0. */
struct batch_norm_channels {
    real *weight, *bias;
    double *batch;   /* mean and variance of the batch */
    double *sums;    /* of dy and of dy·(x − mean) */
    double *running; /* mean and variance, as packed */
    double *slots;   /* (shards, 2, rounded): what a shard collects */
};

struct batch_norm_state {
    const struct batch_norm2d_options *options;
    const struct rows_kernel *kernel;
    struct batch_norm_tensors tensors;
    struct batch_norm_extent extent;
    bool sum_with, relu; /* a residual's other input is added, a ReLU stands behind it */
    int64_t count;       /* numbers of a channel in the batch */
    struct batch_norm_channels by;
    struct rows_affine *batch, *fixed; /* (groups) by the batch's statistics, by the running ones */
    struct rows_slope *slope;          /* (groups) */
    struct rows_sums *sums;            /* (members, groups) */
    uint32_t *passed; /* (shards, shard_size, groups, words) what the ReLU let through */
};

/* Words of what passed of one group in one sample. */
static inline int64_t batch_norm_words(const struct batch_norm_extent *extent)
{
    return rows_words(extent->pixels * extent->block);
}

/* The op's functions for one shard: see op.h. */
void batch_norm_collect(struct op *op, const struct op_call *call);
void batch_norm_forward(struct op *op, const struct op_call *call);
void batch_norm_collect_back(struct op *op, const struct op_call *call);
void batch_norm_backward(struct op *op, const struct op_call *call);

#endif
