/* Tiles: the two products that a linear layer is made of, a few rows by some columns, held in
 * registers of AVX-512. They know nothing of layers, samples or shards.
 *
 * Everything is counted in words of 32 bits: one real, or two bf16, which are multiplied and added
 * by one instruction. Sums are reals in both cases.
 *
 *   dot     C(r, c) = Σₖ a(r, k)·b(c, k)   along the rows of both
 *   outer   C(r, k) = Σᵢ a(i, r)·b(i, k)   down the columns of both
 *
 * A dot is summed up lane by lane, and the lanes are added in a fixed order; an outer product in
 * the order of i. So the digits depend neither on a tile's rows nor on what else is computed. */
#ifndef CORE_AVX512_TILES_H
#define CORE_AVX512_TILES_H

#include "core/tensor.h"

#include <stdbool.h>

enum {
    TILES_LANES = 16,   /* words of a vector */
    TILES_DOT_ROWS = 6, /* of the largest tile, so that its sums fit into the registers */
    TILES_DOT_COLUMNS = 4,
    TILES_OUTER_ROWS = 8,
    TILES_OUTER_VECTORS = 3
};

typedef uint32_t tiles_word __attribute__((may_alias));

/* What is fetched from memory ahead while a tile is being computed: `count` words' surroundings
 * first, first + step, … from where it reads b (a dot: the first row of b). */
struct tiles_ahead {
    int64_t first, step, count;
};

struct tiles_dot {
    const tiles_word *a; /* rows of whole vectors, zero behind `words` */
    const tiles_word *b[TILES_DOT_COLUMNS];
    int64_t a_step, words;
    struct tiles_ahead ahead;
    real *c;
    int64_t c_step;
    const real *start; /* C = start + sums, start being one number a column; NULL: C += sums */
    uint16_t columns;  /* a bit for each column of C that there is */
};

struct tiles_outer {
    const tiles_word *a, *b;
    int64_t a_step, b_step, count; /* of i */
    struct tiles_ahead ahead;
    real *c;
    int64_t c_step;
    bool add;      /* C += sums, else C = sums */
    uint16_t last; /* a bit for each column of the last vector that there is */
};

typedef void tiles_dot_run(const struct tiles_dot *tile);
typedef void tiles_outer_run(const struct tiles_outer *tile);

/* By rows − 1; outer products by vectors − 1 first. */
struct tiles {
    tiles_dot_run *dot[TILES_DOT_ROWS];
    tiles_outer_run *outer[TILES_OUTER_VECTORS][TILES_OUTER_ROWS];
};

extern const struct tiles avx512_tiles_real, avx512_tiles_bf16;

#endif
