/* Pooling of bf16 as they stand, without widening them: where nothing is added up. A template, like
 * pool2d_tile.h and for blocks of whole vectors of halves.
 *
 * Above 0, bf16 are in the order of their bits as whole numbers; what is below is negative there,
 * too, and loses against the 0 that a ReLU begins with. */
#ifndef CORE_POOL2D_HALVES_H
#define CORE_POOL2D_HALVES_H

#include "core/pool2d_tile.h"

#define HALVES_LANES (VECTOR_BYTES >= 32 ? 16 : 8)

typedef int16_t halves VECTOR_OF(HALVES_LANES * 2);
typedef int16_t halves_loose VECTOR_LOOSE(HALVES_LANES * 2);
typedef uint8_t halves_bytes VECTOR_OF(HALVES_LANES);
typedef uint8_t halves_loose_bytes VECTOR_LOOSE(HALVES_LANES);

VECTOR_INLINE halves halves_splat(int value)
{
    return (halves){0} + (int16_t)value;
}

VECTOR_INLINE halves halves_load(const void *array, int64_t at)
{
    return *(const halves_loose *)((const bf16 *)array + at);
}

VECTOR_INLINE void halves_store(void *array, int64_t at, halves values)
{
    *(halves_loose *)((bf16 *)array + at) = values;
}

#if defined(__SSE2__) && VECTOR_BYTES >= 32

VECTOR_INLINE halves halves_choose(halves mask, halves a, halves b)
{
    return (halves)_mm256_blendv_epi8((__m256i)b, (__m256i)a, (__m256i)mask);
}

VECTOR_INLINE halves halves_most(halves a, halves b)
{
    return (halves)_mm256_max_epi16((__m256i)a, (__m256i)b);
}

VECTOR_INLINE halves halves_load_bytes(const uint8_t *from)
{
    return (halves)_mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)from));
}

VECTOR_INLINE void halves_store_bytes(uint8_t *to, halves values)
{
    __m256i all = (__m256i)values;
    _mm_storeu_si128((__m128i *)to, _mm_packus_epi16(_mm256_castsi256_si128(all),
                                                     _mm256_extracti128_si256(all, 1)));
}

#else

VECTOR_INLINE halves halves_choose(halves mask, halves a, halves b)
{
    return (mask & a) | (~mask & b);
}

VECTOR_INLINE halves halves_most(halves a, halves b)
{
#if defined(__SSE2__)
    return (halves)_mm_max_epi16((__m128i)a, (__m128i)b);
#else
    return halves_choose(a > b, a, b);
#endif
}

VECTOR_INLINE halves halves_load_bytes(const uint8_t *from)
{
    return __builtin_convertvector(*(const halves_loose_bytes *)from, halves);
}

VECTOR_INLINE void halves_store_bytes(uint8_t *to, halves values)
{
#if defined(__SSE2__)
    _mm_storel_epi64((__m128i *)to, _mm_packus_epi16((__m128i)values, (__m128i)values));
#else
    *(halves_loose_bytes *)to = __builtin_convertvector(values, halves_bytes);
#endif
}

#endif

/* ---- forward, with a ReLU ---- */

/* *seen gathers the largest bits but for the sign: those of a NaN are above those of ∞. */
VECTOR_INLINE halves halves_max(const struct pool_window *w, const struct pool_form form,
                                halves *won, halves *seen)
{
    halves best = halves_splat(0), winner = halves_splat(POOL2D_NOTHING);
    for (int64_t r = 0; r < form.rows; r++)
        for (int64_t c = 0; c < form.columns; c++) {
            halves x = halves_load(w->x, w->at + r * w->row_step + c * w->column_step);
            halves tap = halves_splat((int)(r * w->taps + c));
            winner = halves_choose(x > best, tap, winner);
            best = halves_most(x, best);
            *seen = halves_most(x & halves_splat(0x7fff), *seen);
        }
    *won = winner;
    return best;
}

VECTOR_INLINE bool halves_forward(const struct pool2d_plane *p, const struct pool2d_part *part,
                                  const struct pool_form form)
{
    const struct pool2d_axis *rows = &p->windows->rows, *columns = &p->windows->columns;
    const int64_t block = p->block, down = rows->stride, on = columns->stride * block;
    const int64_t top = rows->padding, left = columns->padding * block;
    uint8_t *winners = p->winners;
    void *y = p->y;
    struct pool_window w = {
        .x = p->x, .row_step = columns->in * block, .column_step = block, .taps = form.columns};
    halves seen = halves_splat(0);
    if (block % HALVES_LANES != 0)
        return pool_forward(p, part, form);
    for (int64_t oy = part->rows.first; oy < part->rows.end; oy++)
        for (int64_t ox = part->columns.first; ox < part->columns.end; ox++)
            for (int64_t lane = 0; lane < block; lane += HALVES_LANES) {
                const int64_t to = (oy * columns->out + ox) * block + lane;
                halves winner;
                w.at = (oy * down - top) * w.row_step + ox * on - left + lane;
                halves_store(y, to, halves_max(&w, form, &winner, &seen));
                halves_store_bytes(winners + to, winner);
            }
    int16_t largest = 0;
    for (int lane = 0; lane < HALVES_LANES; lane++)
        largest = seen[lane] > largest ? seen[lane] : largest;
    return largest <= 0x7f80;
}

/* ---- backward, of windows that do not overlap ---- */

/* A row of cells that `cells->rows` rows of outputs look at: one or none. */
VECTOR_INLINE void halves_back_row(const struct pool_cells *c, const struct pool_form form)
{
    const int64_t block = c->block;
    for (int64_t i = 0; i < c->cells; i++)
        for (int64_t lane = 0; lane < block; lane += HALVES_LANES) {
            const int64_t at = c->at + i * block + lane,
                          to = c->to + i * form.stride * block + lane;
            halves winner = halves_load_bytes(c->from.winners + at);
            halves dy = halves_load(c->from.dy, at);
            VECTOR_UNROLL
            for (int r = 0; r < form.stride; r++)
                halves_store(c->dx, to + r * block, (winner == halves_splat((int)c->tap + r)) & dy);
        }
}

VECTOR_INLINE bool halves_back(const struct pool2d_plane *p, const struct pool2d_part *part,
                               const struct pool_form form)
{
    const struct pool2d_axis *rows = &p->windows->rows;
    struct pool_cells cells = pool_cells(p, part, form);
    if (p->block % HALVES_LANES != 0 || rows->kernel > rows->stride)
        return pool_back_cells(p, part, form);
    for (int64_t iy = part->rows.first; iy < part->rows.end; iy++) {
        pool_cells_at(&cells, p, part, iy);
        if (cells.rows == 0) {
            cells.at = 0;             /* any output */
            cells.tap = -form.stride; /* its winner is none of these */
        }
        halves_back_row(&cells, form);
    }
    return true;
}

#endif
