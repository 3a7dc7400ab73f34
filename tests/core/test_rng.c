/* Random numbers: the generator against the vectors its authors published, the draws against
 * mathematics. */
#include "tests/harness.h"

#include "core/rng.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct philox_case {
    struct rng_block counter;
    uint32_t key0, key1;
    struct rng_block wanted;
};

/* philox4x32 with 10 rounds, from the file of known answers in the authors' Random123. */
static const struct philox_case philox_cases[] = {
    {{{0, 0, 0, 0}}, 0, 0, {{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}}},
    {{{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}},
     0xffffffff,
     0xffffffff,
     {{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}}},
    {{{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}},
     0xa4093822,
     0x299f31d0,
     {{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}}},
};

TEST("Philox4x32-10 gives the published answers")
{
    for (size_t i = 0; i < sizeof(philox_cases) / sizeof(philox_cases[0]); i++) {
        const struct philox_case *row = &philox_cases[i];
        struct rng_block got = rng_philox(row->counter, row->key0, row->key1);

        for (int word = 0; word < 4; word++)
            CHECK_INT(got.word[word], row->wanted.word[word]);
    }
}

TEST("a draw differs when seed, stream, epoch or index differs")
{
    const struct rng base = {5, RNG_WEIGHTS, 3};
    struct rng others[4] = {base, base, base, base};
    struct rng_block first = rng_draw(&base, 7);

    others[0].seed ^= 1;
    others[1].seed ^= UINT64_C(1) << 40;
    others[2].stream = RNG_SHUFFLE;
    others[3].epoch++;
    for (int i = 0; i < 4; i++) {
        struct rng_block other = rng_draw(&others[i], 7);

        CHECK(memcmp(&first, &other, sizeof(first)) != 0);
    }
    struct rng_block near = rng_draw(&base, 8), far = rng_draw(&base, 7 + (UINT64_C(1) << 32));
    struct rng_block again = rng_draw(&base, 7);

    CHECK(memcmp(&first, &near, sizeof(first)) != 0);
    CHECK(memcmp(&first, &far, sizeof(first)) != 0);
    CHECK(memcmp(&first, &again, sizeof(first)) == 0);
}

TEST("a run's draws stay what they were when the first runs were stored")
{
    const struct rng rng = {1, RNG_SHUFFLE, 2};
    struct rng_block draw = rng_draw(&rng, 3);
    struct rng_block wanted = rng_philox((struct rng_block){{3, 0, 2, RNG_SHUFFLE}}, 1, 0);

    CHECK(memcmp(&draw, &wanted, sizeof(draw)) == 0);
    CHECK_INT(RNG_WEIGHTS, 1);
    CHECK_INT(RNG_SHUFFLE, 2);
    CHECK_INT(RNG_SYNTHETIC, 6);
}

TEST("uniform draws lie in [0, 1) with the mean, variance and spread of the uniform distribution")
{
    enum { DRAWS = 200000, BINS = 20 };
    const struct rng rng = {42, RNG_WEIGHTS, 0};
    double sum = 0, squares = 0, chi = 0;
    int bins[BINS] = {0};

    for (uint64_t i = 0; i < DRAWS; i++) {
        double u = rng_uniform(&rng, i);

        CHECK(u >= 0.0 && u < 1.0);
        sum += u;
        squares += u * u;
        bins[(int)(u * BINS)]++;
    }
    double mean = sum / DRAWS;

    /* Four standard errors; the draws are fixed, so a passing test stays passing. */
    CHECK(fabs(mean - 0.5) < 4 * sqrt(1.0 / 12 / DRAWS));
    CHECK(fabs(squares / DRAWS - mean * mean - 1.0 / 12) < 0.001);
    for (int i = 0; i < BINS; i++)
        chi += (bins[i] - DRAWS / BINS) * (double)(bins[i] - DRAWS / BINS) / (DRAWS / (double)BINS);
    CHECK(chi < 43.8); /* 99.9 % of chi-square with 19 degrees of freedom */
}

TEST("normal draws are finite and have mean 0, variance 1 and normal tails")
{
    enum { DRAWS = 200000 };
    const struct rng rng = {7, RNG_SYNTHETIC, 0};
    double sum = 0, squares = 0;
    int beyond_two = 0;

    for (uint64_t i = 0; i < DRAWS; i++) {
        double z = rng_normal(&rng, i);

        CHECK(isfinite(z));
        sum += z;
        squares += z * z;
        beyond_two += fabs(z) > 2.0;
    }
    CHECK(fabs(sum / DRAWS) < 4 / sqrt(DRAWS));
    CHECK(fabs(squares / DRAWS - 1) < 4 * sqrt(2.0 / DRAWS));
    CHECK(fabs(beyond_two / (double)DRAWS - 0.0455) < 0.002);
}

TEST("bounded draws stay below their bound and take every value equally often")
{
    enum { DRAWS = 90000, BOUND = 9 };
    const struct rng rng = {11, RNG_SPLIT, 0};
    static const uint32_t bounds[] = {1, 2, 3, 10, 1000, 0x80000001u, 0xffffffffu};
    int seen[BOUND] = {0};

    for (uint64_t i = 0; i < DRAWS; i++)
        seen[rng_below(&rng, i, BOUND)]++;
    for (int i = 0; i < BOUND; i++)
        CHECK(abs(seen[i] - DRAWS / BOUND) < 4 * 95); /* the standard deviation is 94 */
    for (size_t b = 0; b < sizeof(bounds) / sizeof(bounds[0]); b++)
        for (uint64_t i = 0; i < 1000; i++)
            CHECK(rng_below(&rng, i, bounds[b]) < bounds[b]);
}

TEST("a bound that refuses half of all words still gives unbiased draws")
{
    enum { DRAWS = 40000 };
    const struct rng rng = {3, RNG_SPLIT, 1};
    const uint32_t bound = 0x80000001u;
    double sum = 0;
    int low = 0;

    /* One draw in sixteen refuses a whole block and goes on to the next. */
    for (uint64_t i = 0; i < DRAWS; i++) {
        uint32_t value = rng_below(&rng, i, bound);

        sum += value / (double)bound;
        low += (value & 1) == 0;
    }
    CHECK(fabs(sum / DRAWS - 0.5) < 4 * sqrt(1.0 / 12 / DRAWS));
    CHECK(abs(low - DRAWS / 2) < 4 * 100);
}

TEST("a permutation holds every index once and depends on the epoch")
{
    enum { COUNT = 60000 };
    struct rng rng = {1, RNG_SHUFFLE, 1};
    uint32_t *order = malloc(COUNT * sizeof(*order));
    uint32_t *later = malloc(COUNT * sizeof(*later));
    unsigned char *seen = calloc(COUNT, 1);
    int fixed = 0, equal = 0;

    CHECK(order != NULL && later != NULL && seen != NULL);
    rng_permutation(&rng, order, COUNT);
    rng.epoch = 2;
    rng_permutation(&rng, later, COUNT);
    for (uint32_t i = 0; i < COUNT; i++) {
        CHECK(order[i] < COUNT && !seen[order[i]]);
        seen[order[i]] = 1;
        fixed += order[i] == i;
        equal += order[i] == later[i];
    }
    /* One fixed point and one agreement are expected; ten of them in a billion shuffles. */
    CHECK(fixed < 10 && equal < 10);
    free(order);
    free(later);
    free(seen);
}

TEST("every order of a short list is as likely as any other")
{
    enum { SHUFFLES = 60000 };
    int seen[6] = {0};

    for (uint32_t epoch = 0; epoch < SHUFFLES; epoch++) {
        const struct rng rng = {9, RNG_SHUFFLE, epoch};
        uint32_t order[3];

        rng_permutation(&rng, order, 3);
        seen[order[0] * 2 + (order[1] > order[2])]++;
    }
    for (int i = 0; i < 6; i++)
        CHECK(abs(seen[i] - SHUFFLES / 6) < 4 * 92);
}

TEST("a permutation of nothing and of one is no trouble")
{
    const struct rng rng = {1, RNG_SHUFFLE, 0};
    uint32_t order[1] = {77};

    rng_permutation(&rng, order, 0);
    CHECK_INT(order[0], 77);
    rng_permutation(&rng, order, 1);
    CHECK_INT(order[0], 0);
}
