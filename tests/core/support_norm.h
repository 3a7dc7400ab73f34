/* Support for tests: one op of batch normalization with what stands behind it, on activations of
 * either kind of number, in the op's own layout. */
#ifndef TESTS_CORE_SUPPORT_NORM_H
#define TESTS_CORE_SUPPORT_NORM_H

#include "core/number.h"
#include "core/plan.h"
#include "core/spec.h"

struct norm_size {
    struct shape shape;
    int64_t samples;
    int block;
    enum number number;
};

/* (samples, count) each */
struct norm_arrays {
    void *x, *other, *dy;  /* in; other: what a sum adds */
    void *y, *dx, *dother; /* out */
};

struct norm_run {
    struct spec spec;
    struct plan plan;
    struct norm_size size;
    int64_t shard_size;
    int members;
    bool evaluate;
    int64_t count; /* numbers of one sample in that layout */
    struct norm_arrays at;
    real *parameters; /* (plan.numbers); what is not learned: also out */
    real *gradients;  /* (plan.parameters); out */
    char kernel[64];  /* what computed them … */
    int layers;       /* … and how many layers in one */
};

/* `words` begin with batch_norm2d. All arrays are zero; one shard, one member. */
void norm_open(struct norm_run *run, const char *words, const struct norm_size *size);
void norm_close(struct norm_run *run);

/* Fills x, other, dy and the parameters with draws; channels that do not exist stay zero. */
void norm_draw(struct norm_run *run, uint64_t seed);
/* The same numbers in an open run of reals. */
void norm_widen(const struct norm_run *from, struct norm_run *to);

/* Forward and backward over the samples, `chain` layers at most in one. */
void norm_compute(struct norm_run *run, int chain);

#endif
