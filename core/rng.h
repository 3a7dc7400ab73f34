/* Counter-based random numbers: every draw is a pure function of (seed, stream, epoch, index), so
 * nothing about randomness is ever saved and a resumed job continues bit for bit.
 *
 * Philox4x32-10: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC
 * 2011. */
#ifndef CORE_RNG_H
#define CORE_RNG_H

#include <stdint.h>

/* What a draw is for. Part of every stored run: never renumber, only append. */
enum rng_stream {
    RNG_WEIGHTS = 1,
    RNG_SHUFFLE = 2,
    RNG_DROPOUT = 3,
    RNG_AUGMENT = 4,
    RNG_SPLIT = 5,
    RNG_SYNTHETIC = 6
};

struct rng {
    uint64_t seed;
    uint32_t stream; /* enum rng_stream in the low byte, a layer's number above it */
    uint32_t epoch;
};

struct rng_block {
    uint32_t word[4];
};

/* The generator itself: counter and key in, four words out. */
struct rng_block rng_philox(struct rng_block counter, uint32_t key0, uint32_t key1);

/* Four independent words for draw number `index`. */
struct rng_block rng_draw(const struct rng *rng, uint64_t index);

/* Uniform in [0, 1) with 53 bits, from draw `index`. */
double rng_uniform(const struct rng *rng, uint64_t index);

/* Standard normal (Box and Muller 1958), from draw `index`. */
double rng_normal(const struct rng *rng, uint64_t index);

/* Uniform integer in [0, bound), bound ≥ 1, without bias (Lemire 2019, over further words of the
 * draw). */
uint32_t rng_below(const struct rng *rng, uint64_t index, uint32_t bound);

/* Fills order[0..count) with a permutation of 0..count−1 (Fisher and Yates). */
void rng_permutation(const struct rng *rng, uint32_t *order, uint32_t count);

#endif
