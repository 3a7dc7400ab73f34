/* Tile: the innermost part of a matrix product, a few rows of C by one or two panels, held in
 * registers. A template: each gemm_INSTRUCTIONS.c includes it once, with
 *
 *   TILE_TARGET   in front of each function: the instructions it is compiled for
 *   TILE_BYTES    size of a vector register
 *   TILE_ROWS     rows of the largest tile, so that its sums fit into the registers
 *   TILE_PANELS   its panels, 1 or 2
 *
 * and makes its struct gemm_kernel of the tiles by TILE_ONE_PANEL, TILE_TWO_PANELS and
 * TILE_LANEWISE. */
#ifndef CORE_GEMM_TILE_H
#define CORE_GEMM_TILE_H

#include "core/gemm_kernel.h"

enum {
    TILE_LANES = TILE_BYTES / (int)sizeof(real),
    TILE_VECTORS = GEMM_LANES / TILE_LANES, /* of a panel's row */
    TILE_WIDTH = TILE_PANELS * TILE_VECTORS
};

typedef real tile_vector __attribute__((vector_size(TILE_BYTES)));
/* The same at any address. */
typedef real tile_loose __attribute__((vector_size(TILE_BYTES), aligned(sizeof(real)), may_alias));

#define TILE_INLINE TILE_TARGET static inline __attribute__((always_inline))

/* What a tile computes: constants where it is compiled, so that all loops but those over the sum's
 * indices are unrolled. */
struct tile_size {
    int rows, panels;
    bool lanewise;
};

/* In front of loops over rows and vectors: unrolled early, or the sums would live in memory. */
#define TILE_UNROLL _Pragma("GCC unroll 16")

/* Where vector v of a row of panels lies. */
TILE_INLINE int64_t tile_place(int v, int64_t panel)
{
    return v / TILE_VECTORS * panel + v % TILE_VECTORS * TILE_LANES;
}

TILE_INLINE tile_vector tile_load(const real *from)
{
    return *(const tile_loose *)from;
}

TILE_INLINE void tile_run(const struct gemm_tile *t, const struct tile_size size)
{
    const int vectors = size.panels * TILE_VECTORS;
    tile_vector sums[TILE_ROWS][TILE_WIDTH], row[TILE_WIDTH];
    const real *a[TILE_ROWS];
    TILE_UNROLL
    for (int i = 0; i < size.rows; i++) {
        a[i] = t->a[i];
        TILE_UNROLL
        for (int v = 0; v < vectors; v++)
            sums[i][v] = (tile_vector){0};
    }
    for (int64_t o = 0; o < t->count; o++) {
        const real *b = t->b + t->places[o].other;
        int64_t at = t->places[o].a;
        for (int64_t left = t->places[o].run; left > 0; left--, at += t->a_step, b += t->b_step) {
            TILE_UNROLL
            for (int v = 0; v < vectors; v++)
                row[v] = tile_load(b + tile_place(v, t->b_panel));
            TILE_UNROLL
            for (int i = 0; i < size.rows; i++) {
                TILE_UNROLL
                for (int v = 0; v < vectors; v++)
                    if (size.lanewise)
                        sums[i][v] += row[v] * tile_load(a[i] + at + v * TILE_LANES);
                    else
                        sums[i][v] += row[v] * a[i][at];
            }
        }
    }
    const int64_t panel = t->c_panel;
    const bool add = t->add;
    TILE_UNROLL
    for (int v = 0; v < vectors; v++)
        row[v] = tile_load(t->start + v * TILE_LANES);
    TILE_UNROLL
    for (int i = 0; i < size.rows; i++) {
        real *c = t->c[i];
        TILE_UNROLL
        for (int v = 0; v < vectors; v++) {
            tile_loose *to = (tile_loose *)(c + tile_place(v, panel));
            tile_vector before = row[v];
            if (add)
                before = *to;
            *to = before + sums[i][v];
        }
    }
}

#define TILE_FUNCTION(name, rows, panels, lanewise)                                                \
    TILE_TARGET static void name##_##rows(const struct gemm_tile *t)                               \
    {                                                                                              \
        tile_run(t, (struct tile_size){rows, panels, lanewise});                                   \
    }

#endif
