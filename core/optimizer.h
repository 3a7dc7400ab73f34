/* Optimizers: the table of kinds and their update rules over flat arrays. PyTorch's formulas and
 * defaults. Knows nothing of layers, schedules or batches.
 *
 * To add one: one file optimizer_NAME.c and one row in optimizers.c. */
#ifndef CORE_OPTIMIZER_H
#define CORE_OPTIMIZER_H

#include "core/spec.h"
#include "core/tensor.h"

/* One update of a range of the flat arrays. Elementwise: ranges may run in any order, in any
 * thread. */
struct update {
    const void *options;
    real *w;       /* (count) parameters, changed */
    const real *g; /* (count) gradients of the mean loss */
    real *state;   /* slot k of these elements begins at state + k·slot_stride */
    int64_t slot_stride;
    int64_t count;
    int64_t step; /* optimizer step, counted from 1 */
    double lr;
};

struct optimizer_kind {
    struct kind kind;
    /* How many numbers of state each parameter needs. */
    int (*slots)(const void *options);
    /* The rate in the options: what schedules start from. */
    double (*base_lr)(const void *options);
    void (*update)(const struct update *update);
    /* Rules between options; adds problems under `pointer`. NULL: none. */
    void (*check)(const void *options, const char *pointer, struct problems *problems);
};

extern const struct kinds optimizer_kinds;
extern const struct optimizer_kind optimizer_sgd, optimizer_adam;

struct sgd_options {
    double lr, momentum, dampening, weight_decay;
    bool nesterov;
};
struct adam_options {
    double lr, betas[2], eps, weight_decay;
    bool bias_correction;
};

#endif
