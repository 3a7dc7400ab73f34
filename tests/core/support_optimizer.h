/* Support for tests: an optimizer alone, on a few weights, with gradients from the test. */
#ifndef TESTS_CORE_SUPPORT_OPTIMIZER_H
#define TESTS_CORE_SUPPORT_OPTIMIZER_H

#include "core/arena.h"
#include "core/optimizer.h"

enum { OPTIMIZER_WEIGHTS_MAX = 80, OPTIMIZER_SLOTS_MAX = 4 };

struct optimizer_run {
    struct arena arena;
    struct variant optimizer;
    int64_t count, step; /* updates done */
    double base_lr;
    real w[OPTIMIZER_WEIGHTS_MAX], g[OPTIMIZER_WEIGHTS_MAX];
    real state[OPTIMIZER_SLOTS_MAX * OPTIMIZER_WEIGHTS_MAX];
};

/* An optimizer of words such as "adam lr=0.1", with `count` weights and gradients of 0. */
void optimizer_open(struct optimizer_run *run, const char *words, int64_t count);
/* The next update, with the gradients in run->g and `factor` times the rate of the options. */
void optimizer_step(struct optimizer_run *run, double factor);
void optimizer_close(struct optimizer_run *run);

/* Every optimizer of optimizers.txt: all weights after each step, each within a relative tolerance.
 */
void check_golden_optimizers(double tolerance);
/* The same of clips.txt, whose gradients are clipped before. */
void check_golden_clips(double tolerance);

#endif
