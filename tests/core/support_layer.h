/* Support for tests: one layer alone, computed by the kernels of either set, in plain layout on
 * both sides. */
#ifndef TESTS_CORE_SUPPORT_LAYER_H
#define TESTS_CORE_SUPPORT_LAYER_H

#include "core/rng.h"
#include "core/spec.h"
#include "core/trainer.h"

struct layer_run {
    struct spec spec; /* whose precision counts */
    struct plan plan;
    int64_t samples;
    struct rng draws; /* seed and epoch for layers that draw */
    bool evaluate;    /* not in training */
    int block; /* layout that is offered to the kernel; 0: plain. A kernel may take another one. */
    int64_t x_count, y_count; /* of one sample */
    real *parameters;         /* (plan.numbers); in; what is not learned: also out */
    real *x, *dy;             /* (samples, x_count) and (samples, y_count); in */
    real *y, *dx, *gradients; /* out, of the last layer_compute */
    char kernel[128];         /* what computed them */
};

/* A layer from its words (see support_job.h), all its arrays zero. Fails the test when it cannot be
 * planned. */
void layer_open(struct layer_run *run, const char *words, const struct shape *input,
                int64_t samples);
/* The same, but false when it cannot be planned, such as a window larger than its image. Close it
 * then too. */
bool layer_try(struct layer_run *run, const char *words, const struct shape *input,
               int64_t samples);
void layer_close(struct layer_run *run);

/* Forward and backward over the samples in shards of shard_size; `members` > 1 lets the shards take
 * turns with the scratch memory of several threads. dx is left alone when it is not wanted. */
struct layer_way {
    enum kernel_choice kernels;
    int64_t shard_size;
    int members;
    bool want_dx;
};
void layer_compute(struct layer_run *run, const struct layer_way *way);

/* Fills an array with draws from [−1, 1), rounded to float32 so that every build has the same. */
void fill_symmetric(real *values, int64_t count, uint64_t seed, uint32_t epoch);
/* The default initial weights, `factor` times, rounded to float32. */
void fill_parameters(const struct plan *plan, uint64_t seed, double factor, real *parameters);

#endif
