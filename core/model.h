/* Model: a planned network made ready to run: ops in order, the buffers between them, and the
 * passes over a batch. Knows nothing of optimizers, epochs or where samples come from beyond a
 * split and an order.
 *
 * A pass runs one task per shard: input, forward, loss and, in training, backward, without meeting
 * other shards. In training, ops that look at the whole batch (op.h: barriers) cut it into
 * segments: one task per shard and segment, forward, then backward from the last segment to the
 * first. Then `gather` takes the weight gradients, and the caller updates. */
#ifndef CORE_MODEL_H
#define CORE_MODEL_H

#include "core/batch.h"
#include "core/kernels.h"
#include "core/profile.h"
#include "core/team.h"

struct model;

struct model_setup {
    const struct spec *spec;
    const struct plan *plan;
    int threads;
    enum kernel_choice kernels;
    const atomic_bool *halt; /* NULL, or: once true, training passes leave shards out */
    bool dry;                /* only model_block's size is wanted: never taken, never run */
    bool forward_only;       /* no training pass will come: nothing is kept for gradients */
};

/* Makes the ops and reckons the memory; takes none of the large blocks yet. */
bool model_make(const struct model_setup *setup, struct model **out,
                struct error *error) MUST_CHECK;
void model_free(struct model *model); /* NULL is allowed */

/* Further arrays of the job may join the model's block before it is taken: see block.h. */
struct block *model_block(struct model *model);
bool model_take(struct model *model, struct error *error) MUST_CHECK;

/* Sees what each op of a pass has made of a shard's samples, the one that computes plan layer
 * `layer` last: (samples, channels, height, width). Only what lies there as plain reals is shown:
 * with the reference kernels, the output of every layer. */
struct model_look {
    void (*see)(void *context, int layer, const real *values);
    void *context;
};

/* Which samples a pass sees: split->images[order[first + i]], or [first + i] when order is NULL. */
struct model_batch {
    const struct batch_input *input; /* how they become numbers */
    const struct dataset_split *split;
    const uint32_t *order;
    int64_t first, samples; /* samples ≤ plan.batch_size */
    bool train;             /* with augmentation and the backward pass */
    int64_t epoch;          /* counted from 0, for draws in training */
    /* Of passes that do not train; NULL: not wanted. */
    real *scores; /* (samples, classes) gets the network's outputs */
    const struct model_look *look;
};

struct model_result {
    double loss_sum;
    int64_t correct;
};

/* Since the last call: whether a kernel could not do its work or `halt` cut a training pass short,
 * so that results and gradients mean nothing. */
bool model_failed(struct model *model);
bool model_cut_short(struct model *model);

/* Brings the parameters into the kernels' layouts. Before the first pass after they changed. */
void model_pack(struct model *model, struct team *team, const real *parameters);
/* One pass. Sums are taken in shard order. */
struct model_result model_pass(struct model *model, struct team *team,
                               const struct model_batch *batch);
/* After a training pass: all weight gradients of the batch's mean loss into the flat array. */
void model_gather(struct model *model, struct team *team, real *gradients);

/* After a training pass that counts: what is learned beside gradients (running statistics) into the
 * flat array. */
void model_commit(struct model *model, real *numbers);

/* Which kernel serves plan layer `index`. */
const char *model_kernel(const struct model *model, int index);

/* The ops that the layers have become, in the order of computing. */
struct model_op {
    int layer, layers; /* the plan layers from … on that it computes; 0: it changes the layout for
                          an op behind it */
    const char *kernel;
};
int model_ops(const struct model *model);
struct model_op model_op(const struct model *model, int index);
/* From now on every pass adds its times to *profile, made for model_ops ops; borrowed. NULL: no
 * more. Between passes. */
void model_profile(struct model *model, struct profile *profile);

#endif
