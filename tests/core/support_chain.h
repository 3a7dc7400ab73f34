/* Support for tests: some layers without weights, one behind the other, computed by the ops of a
 * kernel set; one op may compute several of them. */
#ifndef TESTS_CORE_SUPPORT_CHAIN_H
#define TESTS_CORE_SUPPORT_CHAIN_H

#include "core/number.h"
#include "core/plan.h"
#include "core/spec.h"
#include "core/trainer.h"

struct chain_run {
    struct spec spec;
    struct plan plan;
    int64_t samples;
    int64_t x_count, y_count; /* of one sample in plain layout, as are … */
    real *x, *dy;             /* … (samples, x_count) and (samples, y_count); in */
    real *y, *dx;             /* out */
    char kernel[64];          /* what the first op is */
    int ops;
};

/* Layers with " | " between them. Fails the test when they cannot be planned. */
void chain_open(struct chain_run *run, const char *words, const struct shape *input,
                int64_t samples);
void chain_close(struct chain_run *run);

/* Forward and backward, shard by shard. Fails the test when an op writes behind its samples, or
 * something into a channel that does not exist. */
struct chain_way {
    enum kernel_choice kernels;
    int64_t shard_size;
    int block;          /* the layout of x; all ops must take it as it comes, … */
    enum number number; /* … and the numbers */
};
void chain_compute(struct chain_run *run, const struct chain_way *way);

#endif
