/* Philox4x32-10 and the draws made of it. Every number here is part of every stored run: a change
 * of any expression changes all of them. */
#include "core/rng.h"

#include <math.h>

enum { PHILOX_ROUNDS = 10, BLOCK_WORDS = 4 };

/* Multipliers and key increments of the paper; the increments are the golden ratio and √3 − 1,
 * times 2³². */
#define PHILOX_M0 UINT32_C(0xD2511F53)
#define PHILOX_M1 UINT32_C(0xCD9E8D57)
#define PHILOX_W0 UINT32_C(0x9E3779B9)
#define PHILOX_W1 UINT32_C(0xBB67AE85)

#define TWO_PI 6.283185307179586476925286766559

struct rng_block rng_philox(struct rng_block counter, uint32_t key0, uint32_t key1)
{
    for (int round = 0; round < PHILOX_ROUNDS; round++) {
        uint64_t product0 = (uint64_t)PHILOX_M0 * counter.word[0];
        uint64_t product1 = (uint64_t)PHILOX_M1 * counter.word[2];

        counter = (struct rng_block){{
            (uint32_t)(product1 >> 32) ^ counter.word[1] ^ key0,
            (uint32_t)product1,
            (uint32_t)(product0 >> 32) ^ counter.word[3] ^ key1,
            (uint32_t)product0,
        }};
        key0 += PHILOX_W0;
        key1 += PHILOX_W1;
    }
    return counter;
}

/* The seed is the key; purpose, epoch and index are the counter. Two draws that differ in any of
 * them never share a block. */
static struct rng_block next_block(const struct rng *rng, struct rng_block counter)
{
    return rng_philox(counter, (uint32_t)rng->seed, (uint32_t)(rng->seed >> 32));
}

struct rng_block rng_draw(const struct rng *rng, uint64_t index)
{
    const struct rng_block counter = {
        {(uint32_t)index, (uint32_t)(index >> 32), rng->epoch, rng->stream}};

    return next_block(rng, counter);
}

/* 53 bits of two words, as a fraction of 2⁵³: exact, and below 1. */
static double fraction(uint32_t high, uint32_t low)
{
    uint64_t bits = ((uint64_t)high << 32 | low) >> 11;

    return (double)bits * 0x1p-53;
}

double rng_uniform(const struct rng *rng, uint64_t index)
{
    struct rng_block block = rng_draw(rng, index);

    return fraction(block.word[0], block.word[1]);
}

double rng_normal(const struct rng *rng, uint64_t index)
{
    struct rng_block block = rng_draw(rng, index);
    /* 1 − u lies in (0, 1], so the logarithm is finite. */
    double radius = sqrt(-2.0 * log(1.0 - fraction(block.word[0], block.word[1])));

    return radius * cos(TWO_PI * fraction(block.word[2], block.word[3]));
}

uint32_t rng_below(const struct rng *rng, uint64_t index, uint32_t bound)
{
    struct rng_block block = rng_draw(rng, index);
    uint32_t refused = (uint32_t)-bound % bound; /* 2³² mod bound: so many products are too many */

    for (;;) {
        for (int i = 0; i < BLOCK_WORDS; i++) {
            uint64_t product = (uint64_t)block.word[i] * bound;

            if ((uint32_t)product >= refused)
                return (uint32_t)(product >> 32);
        }
        /* All words refused (likely only for bounds near 2³¹): the draw goes on from its own block.
         */
        block = next_block(rng, block);
    }
}

void rng_permutation(const struct rng *rng, uint32_t *order, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        order[i] = i;
    for (uint32_t i = count; i > 1; i--) {
        uint32_t other = rng_below(rng, i - 1, i);
        uint32_t kept = order[i - 1];

        order[i - 1] = order[other];
        order[other] = kept;
    }
}
