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
    double base_lr; /* that of the options with which the run began */
};

struct optimizer_kind {
    struct kind kind;
    /* The learning rates that are usual with it, lowest and highest: a plan warns far outside. */
    double usual_lr[2];
    /* How many numbers of state each parameter needs. */
    int (*slots)(const void *options);
    /* What a slot below `slots` is called: as in the state dict of PyTorch's optimizer. */
    const char *(*slot_name)(const void *options, int slot);
    /* What every number of a slot is before the first step. NULL: zero. */
    double (*initial)(const void *options, int slot);
    /* A word for what the slots hold, where options change that and not their number: a checkpoint
     * of the one must not pass for the other. "" is the default's; NULL: always the same. */
    const char *(*form)(const void *options);
    /* The rate in the options: what schedules start from. */
    double (*base_lr)(const void *options);
    void (*update)(const struct update *update);
    /* Rules between options; adds problems under `pointer`. NULL: none. */
    void (*check)(const void *options, const char *pointer, struct problems *problems);
};

extern const struct kinds optimizer_kinds;
extern const struct optimizer_kind optimizer_sgd, optimizer_adagrad, optimizer_rmsprop,
    optimizer_adam, optimizer_adamw, optimizer_nadam, optimizer_adabound;

/* slot_name of adam and its relatives. */
const char *adam_slot_name(const void *options, int slot);
/* What a slot of that optimizer is called. */
const char *optimizer_slot_name(const struct variant *optimizer, int slot);
/* The rate in its options. */
double optimizer_base_lr(const struct variant *optimizer);
/* What every number of a slot is before the first step. */
double optimizer_initial(const struct variant *optimizer, int slot);
/* Writes it all: slots × slot_stride numbers. */
void optimizer_begin(const struct variant *optimizer, real *state, int64_t slot_stride);

enum sgd_formulation { SGD_PYTORCH, SGD_CLASSIC };

struct sgd_options {
    double lr, momentum, dampening, weight_decay;
    bool nesterov;
    int formulation; /* enum sgd_formulation */
};
struct adagrad_options {
    double lr, lr_decay, eps, initial_accumulator_value, weight_decay;
    bool eps_inside_sqrt;
};
struct rmsprop_options {
    double lr, alpha, eps, momentum, weight_decay;
    bool centered, eps_inside_sqrt;
};
struct adam_options {
    double lr, betas[2], eps, weight_decay;
    bool amsgrad, bias_correction, eps_inside_sqrt;
};
struct adamw_options {
    double lr, betas[2], eps, weight_decay;
    bool amsgrad;
};
struct nadam_options {
    double lr, betas[2], eps, weight_decay, momentum_decay;
};
struct adabound_options {
    double lr, betas[2], final_lr, gamma, eps, weight_decay;
};

#endif
