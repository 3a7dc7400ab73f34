/* The tiles of avx512_tiles.h: a template. Each avx512_tiles_NUMBER.c includes it once, with
 *
 *   TILE_TARGET                   in front of each function: the instructions it is compiled for
 *   TILE_MULTIPLY(sums, a, b)     sums + a·b, lane by lane; all are vectors of 32-bit lanes
 *
 * and makes its struct tiles by TILE_TABLE. */
#ifndef CORE_AVX512_TILE_H
#define CORE_AVX512_TILE_H

#include "core/avx512_tiles.h"

#include <immintrin.h>

#define TILE_INLINE TILE_TARGET static inline __attribute__((always_inline))

/* In front of loops over rows and vectors: unrolled early, or the sums would live in memory. */
#define TILE_UNROLL _Pragma("GCC unroll 16")

#define TILE_ALL ((__mmask16)0xffff)

TILE_INLINE void tile_ahead(const tiles_word *word, const struct tiles_ahead *ahead)
{
    word += ahead->first;
    for (int64_t i = ahead->count; i > 0; i--, word += ahead->step)
        _mm_prefetch((const char *)word, _MM_HINT_T0);
}

/* ---- dot ---- */

/* The sums of four vectors, lane by lane of the result. */
TILE_INLINE __m128 tile_fold(const __m512 *sums)
{
    __m512 ab =
        _mm512_add_ps(_mm512_unpacklo_ps(sums[0], sums[1]), _mm512_unpackhi_ps(sums[0], sums[1]));
    __m512 cd =
        _mm512_add_ps(_mm512_unpacklo_ps(sums[2], sums[3]), _mm512_unpackhi_ps(sums[2], sums[3]));
    __m512 all = _mm512_add_ps(_mm512_shuffle_ps(ab, cd, 0x44), _mm512_shuffle_ps(ab, cd, 0xee));
    __m512 half = _mm512_add_ps(all, _mm512_shuffle_f32x4(all, all, 0x4e));
    return _mm_add_ps(_mm512_castps512_ps128(half), _mm512_extractf32x4_ps(half, 1));
}

TILE_INLINE void tile_dot_step(const struct tiles_dot *t, int64_t k, __mmask16 lanes, int rows,
                               __m512 sums[][TILES_DOT_COLUMNS])
{
    __m512i b[TILES_DOT_COLUMNS];
    TILE_UNROLL
    for (int c = 0; c < TILES_DOT_COLUMNS; c++)
        b[c] = _mm512_maskz_loadu_epi32(lanes, t->b[c] + k);
    tile_ahead(t->b[0] + k, &t->ahead);
    TILE_UNROLL
    for (int r = 0; r < rows; r++) {
        __m512i a = _mm512_loadu_si512(t->a + r * t->a_step + k);
        TILE_UNROLL
        for (int c = 0; c < TILES_DOT_COLUMNS; c++)
            sums[r][c] = TILE_MULTIPLY(sums[r][c], a, b[c]);
    }
}

TILE_INLINE void tile_dot(const struct tiles_dot *t, const int rows)
{
    __m512 sums[TILES_DOT_ROWS][TILES_DOT_COLUMNS];
    int64_t k = 0;
    TILE_UNROLL
    for (int r = 0; r < rows; r++)
        TILE_UNROLL
    for (int c = 0; c < TILES_DOT_COLUMNS; c++)
        sums[r][c] = _mm512_setzero_ps();
    for (; k + TILES_LANES <= t->words; k += TILES_LANES)
        tile_dot_step(t, k, TILE_ALL, rows, sums);
    if (k < t->words)
        tile_dot_step(t, k, (__mmask16)((1u << (t->words - k)) - 1), rows, sums);
    const __mmask16 columns = t->columns;
    const real *start = t->start;
    const int64_t c_step = t->c_step;
    real *c = t->c;
    TILE_UNROLL
    for (int r = 0; r < rows; r++, c += c_step) {
        __m512 before = _mm512_maskz_loadu_ps(columns, start ? start : c);
        __m512 sum = _mm512_castps128_ps512(tile_fold(sums[r]));
        _mm512_mask_storeu_ps(c, columns, _mm512_add_ps(before, sum));
    }
}

#define TILE_DOT(rows)                                                                             \
    TILE_TARGET static void dot_##rows(const struct tiles_dot *t)                                  \
    {                                                                                              \
        tile_dot(t, rows);                                                                         \
    }

/* ---- outer ---- */

TILE_INLINE void tile_outer(const struct tiles_outer *t, const int rows, const int vectors)
{
    __m512 sums[TILES_OUTER_ROWS][TILES_OUTER_VECTORS];
    __m512i b[TILES_OUTER_VECTORS];
    __mmask16 lanes[TILES_OUTER_VECTORS];
    const tiles_word *a = t->a, *from = t->b;
    TILE_UNROLL
    for (int v = 0; v < vectors; v++)
        lanes[v] = v < vectors - 1 ? TILE_ALL : t->last;
    TILE_UNROLL
    for (int r = 0; r < rows; r++)
        TILE_UNROLL
    for (int v = 0; v < vectors; v++)
        sums[r][v] = _mm512_setzero_ps();
    TILE_UNROLL
    for (int r = 0; r < rows; r++)
        TILE_UNROLL
    for (int v = 0; v < vectors; v++)
        __builtin_prefetch(t->c + r * t->c_step + v * TILES_LANES, 1);
    for (int64_t i = t->count; i > 0; i--, a += t->a_step, from += t->b_step) {
        TILE_UNROLL
        for (int v = 0; v < vectors; v++)
            b[v] = _mm512_maskz_loadu_epi32(lanes[v], from + v * TILES_LANES);
        tile_ahead(from, &t->ahead);
        TILE_UNROLL
        for (int r = 0; r < rows; r++) {
            __m512i one = _mm512_set1_epi32((int)a[r]);
            TILE_UNROLL
            for (int v = 0; v < vectors; v++)
                sums[r][v] = TILE_MULTIPLY(sums[r][v], one, b[v]);
        }
    }
    const int64_t c_step = t->c_step;
    const bool add = t->add;
    real *c = t->c;
    TILE_UNROLL
    for (int r = 0; r < rows; r++, c += c_step)
        TILE_UNROLL
    for (int v = 0; v < vectors; v++) {
        real *to = c + v * TILES_LANES;
        if (add)
            sums[r][v] = _mm512_add_ps(_mm512_maskz_loadu_ps(lanes[v], to), sums[r][v]);
        _mm512_mask_storeu_ps(to, lanes[v], sums[r][v]);
    }
}

#define TILE_OUTER(vectors, rows)                                                                  \
    TILE_TARGET static void outer_##vectors##_##rows(const struct tiles_outer *t)                  \
    {                                                                                              \
        tile_outer(t, rows, vectors);                                                              \
    }

/* ---- all of them ---- */

/* clang-format off */
#define TILE_OUTERS(v)                                                                             \
    TILE_OUTER(v, 1) TILE_OUTER(v, 2) TILE_OUTER(v, 3) TILE_OUTER(v, 4)                            \
    TILE_OUTER(v, 5) TILE_OUTER(v, 6) TILE_OUTER(v, 7) TILE_OUTER(v, 8)
#define TILE_ROW(v)                                                                                \
    {outer_##v##_1, outer_##v##_2, outer_##v##_3, outer_##v##_4,                                   \
     outer_##v##_5, outer_##v##_6, outer_##v##_7, outer_##v##_8}
#define TILE_TABLE(name)                                                                           \
    TILE_DOT(1) TILE_DOT(2) TILE_DOT(3) TILE_DOT(4) TILE_DOT(5) TILE_DOT(6)                        \
    TILE_OUTERS(1) TILE_OUTERS(2) TILE_OUTERS(3)                                                   \
    const struct tiles name = {                                                             \
        .dot = {dot_1, dot_2, dot_3, dot_4, dot_5, dot_6},                                         \
        .outer = {TILE_ROW(1), TILE_ROW(2), TILE_ROW(3)},                                          \
    };
/* clang-format on */

#endif
