/* Support for tests: one op of batch normalization with what stands behind it, on activations of
 * either kind of number, in the op's own layout. */
#ifndef TESTS_CORE_SUPPORT_NORM_H
#define TESTS_CORE_SUPPORT_NORM_H

#include "core/number.h"
#include "core/plan.h"
#include "core/spec.h"

struct norm_run {
    struct spec spec;
    struct plan plan;
    struct shape shape;
    int64_t samples, shard_size;
    int members, block;
    enum number number;
    bool evaluate;
    int64_t count;    /* numbers of one sample in that layout */
    int64_t first;    /* the batch norm's first tensor: weight, bias, running mean and variance */
    real *parameters; /* (plan.numbers); what is not learned: also out */
    void *x, *other;  /* (samples, count); in */
    void *dy;         /* in */
    void *y, *dx;     /* out */
    void *dother;     /* out, of a sum */
    real *gradients;  /* (plan.parameters); out */
    char kernel[64];  /* what computed them */
    int layers;       /* that it computes */
};

/* `words` begin with batch_norm2d. All arrays are zero. */
struct norm_size {
    struct shape shape;
    int64_t samples;
    int block;
    enum number number;
};
void norm_open(struct norm_run *run, const char *words, const struct norm_size *size);
void norm_close(struct norm_run *run);

/* Fills x, other, dy and the parameters with draws; channels that do not exist stay zero. */
void norm_draw(struct norm_run *run, uint64_t seed);
/* The same numbers in an open run of reals. */
void norm_widen(const struct norm_run *from, struct norm_run *to);

/* Forward and backward over the samples, `chain` layers at most in one. */
void norm_compute(struct norm_run *run, int chain);

#endif
