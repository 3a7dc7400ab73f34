/* Loops over rows for batch normalization. A template: each batch_norm2d_INSTRUCTIONS.c includes it
 * once, with
 *
 *   LOOPS_TARGET   in front of each function: the instructions it is compiled for
 *   LOOPS_BYTES    size of a vector register
 *   LOOPS_KERNEL   the name of its struct rows_kernel
 *   LOOPS_ROUNDS   if the processor rounds to bf16 itself
 *
 * Compilers left to themselves compute sums of doubles over floats one by one. */
#ifndef CORE_BATCH_NORM2D_LOOPS_H
#define CORE_BATCH_NORM2D_LOOPS_H

#include "core/batch_norm2d_vectors.h"

/* Bytes. */
enum { LOOPS_AHEAD = 4096 };

/* Has what lies LOOPS_AHEAD behind number i fetched: processors by themselves look no further than
 * the end of a page. What lies behind the end of the array is no matter: nothing is read. It does
 * not pay where x is read for the first time after its writer, from a cache. */
LOOPS_INLINE void fetch(enum number number, const void *array, int64_t i)
{
    uintptr_t at = (uintptr_t)array + (uintptr_t)i * number_size(number);
    __builtin_prefetch((const void *)(at + LOOPS_AHEAD));
}

/* ---- sums of reals ---- */

/* Numbers up to the end of the words that hold bit `bit`. */
static inline int64_t stretch(int64_t left, int bit)
{
    int64_t most = (WORD_ROWS - bit) * LANES;
    return left < most ? left : most;
}

LOOPS_INLINE void add_moments(const struct rows_moments *rows)
{
    few_double around[few_vectors], sums[few_vectors], squares[few_vectors];
    few_load(&rows->to->around, around);
    few_load(&rows->to->sums, sums);
    few_load(&rows->to->products, squares);
    for (int64_t i = 0; i < rows->count; i += LANES) {
        LOOPS_UNROLL
        for (int v = 0; v < few_vectors; v++) {
            few_double d = few_widen(few_get(NUMBER_REAL, rows->x, i + v * few_lanes)) - around[v];
            sums[v] += d;
            squares[v] += d * d;
        }
    }
    few_save(sums, &rows->to->sums);
    few_save(squares, &rows->to->products);
}

LOOPS_INLINE void add_slopes(const struct rows_slopes *rows, int bit)
{
    few_double around[few_vectors], sums[few_vectors], products[few_vectors];
    const uint32_t *passed = rows->passed;
    few_load(&rows->to->around, around);
    few_load(&rows->to->sums, sums);
    few_load(&rows->to->products, products);
    for (int64_t i = 0; i < rows->count; bit = 0) {
        few_words words[few_vectors];
        LOOPS_UNROLL
        for (int v = 0; v < few_vectors; v++)
            words[v] = few_words_get(passed, v);
        uint32_t at = (uint32_t)1 << bit;
        for (int64_t end = i + stretch(rows->count - i, bit); i < end; i += LANES, at <<= 1) {
            fetch(NUMBER_REAL, rows->x, i);
            fetch(NUMBER_REAL, rows->dy, i);
            LOOPS_UNROLL
            for (int v = 0; v < few_vectors; v++) {
                int64_t k = i + v * few_lanes;
                few_double d =
                    few_widen(few_where(few_get(NUMBER_REAL, rows->dy, k), words[v], at));
                sums[v] += d;
                products[v] += d * (few_widen(few_get(NUMBER_REAL, rows->x, k)) - around[v]);
            }
        }
        passed += passed ? LANES : 0;
    }
    few_save(sums, &rows->to->sums);
    few_save(products, &rows->to->products);
}

/* ---- sums of bf16: their few digits are worth no doubles number by number, so those of some rows
 * are summed as they are computed ---- */

LOOPS_INLINE void piece_add(const many *piece, struct double_lanes *to)
{
    few_double sums[few_vectors];
    struct lanes lanes;
    few_load(to, sums);
    LOOPS_UNROLL
    for (int v = 0; v < many_vectors; v++)
        *(many_loose *)(lanes.value + v * many_lanes) = piece[v];
    LOOPS_UNROLL
    for (int v = 0; v < few_vectors; v++)
        sums[v] += few_widen(few_get(NUMBER_REAL, lanes.value, v * few_lanes));
    few_save(sums, to);
}

LOOPS_INLINE void around_load(const struct rows_sums *from, many *around)
{
    struct lanes lanes;
    for (int lane = 0; lane < LANES; lane++)
        lanes.value[lane] = (real)from->around.value[lane];
    many_load(&lanes, around);
}

/* Up to the end of a piece. */
static inline int64_t piece_end(int64_t i, int64_t count)
{
    return i + LANES * ROWS_PIECE < count ? i + LANES * ROWS_PIECE : count;
}

LOOPS_INLINE void add_moments_bf16(const struct rows_moments *rows)
{
    many around[many_vectors];
    around_load(rows->to, around);
    for (int64_t i = 0; i < rows->count;) {
        many sums[many_vectors] = {0}, squares[many_vectors] = {0};
        for (int64_t end = piece_end(i, rows->count); i < end; i += LANES) {
            LOOPS_UNROLL
            for (int v = 0; v < many_vectors; v++) {
                many d = many_get(NUMBER_BF16, rows->x, i + v * many_lanes) - around[v];
                sums[v] += d;
                squares[v] += d * d;
            }
        }
        piece_add(sums, &rows->to->sums);
        piece_add(squares, &rows->to->products);
    }
}

LOOPS_INLINE void add_slopes_bf16(const struct rows_slopes *rows, int bit)
{
    many around[many_vectors];
    around_load(rows->to, around);
    for (int64_t i = 0; i < rows->count;) {
        many sums[many_vectors] = {0}, products[many_vectors] = {0};
        many_words words[many_vectors];
        int64_t row = bit + i / LANES;
        uint32_t at = (uint32_t)1 << row % WORD_ROWS;
        LOOPS_UNROLL
        for (int v = 0; v < many_vectors; v++)
            words[v] =
                many_words_get(rows->passed ? rows->passed + row / WORD_ROWS * LANES : NULL, v);
        for (int64_t end = piece_end(i, rows->count); i < end; i += LANES, at <<= 1) {
            fetch(NUMBER_BF16, rows->x, i);
            fetch(NUMBER_BF16, rows->dy, i);
            LOOPS_UNROLL
            for (int v = 0; v < many_vectors; v++) {
                int64_t k = i + v * many_lanes;
                many dy = many_where(many_get(NUMBER_BF16, rows->dy, k), words[v], at);
                sums[v] += dy;
                products[v] += dy * (many_get(NUMBER_BF16, rows->x, k) - around[v]);
            }
        }
        piece_add(sums, &rows->to->sums);
        piece_add(products, &rows->to->products);
    }
}

/* ---- one number at a time ---- */

LOOPS_INLINE void normal(const struct rows_normal *rows, int bit, enum number number, bool other,
                         bool relu)
{
    many mean[many_vectors], scale[many_vectors], shift[many_vectors];
    uint32_t *passed = rows->passed;
    many_load(&rows->by->mean, mean);
    many_load(&rows->by->scale, scale);
    many_load(&rows->by->shift, shift);
    for (int64_t i = 0; i < rows->count; bit = 0) {
        many_words words[many_vectors];
        LOOPS_UNROLL
        for (int v = 0; v < many_vectors; v++)
            words[v] = bit > 0 && relu ? many_words_get(passed, v) : (many_words){0};
        uint32_t at = (uint32_t)1 << bit;
        for (int64_t end = i + stretch(rows->count - i, bit); i < end; i += LANES, at <<= 1) {
            if (other)
                fetch(number, rows->other, i);
            LOOPS_UNROLL
            for (int v = 0; v < many_vectors; v++) {
                int64_t k = i + v * many_lanes;
                many value = (many_get(number, rows->x, k) - mean[v]) * scale[v] + shift[v];
                value = other ? value + many_get(number, rows->other, k) : value;
                many_mask kept = ~(value <= 0);
                if (relu) {
                    words[v] |= __builtin_convertvector(kept, many_words) & at;
                    value = (many)((many_mask)value & kept);
                }
                many_put(number, rows->y, k, value);
            }
        }
        LOOPS_UNROLL
        for (int v = 0; relu && v < many_vectors; v++)
            *(many_words_loose *)(passed + v * many_lanes) = words[v];
        passed += relu ? LANES : 0;
    }
}

LOOPS_INLINE void gradient(const struct rows_gradient *rows, int bit, enum number number, bool dx,
                           bool dother)
{
    many mean[many_vectors], same[many_vectors], lean[many_vectors], level[many_vectors];
    const uint32_t *passed = rows->passed;
    many_load(&rows->by->mean, mean);
    many_load(&rows->by->same, same);
    many_load(&rows->by->lean, lean);
    many_load(&rows->by->level, level);
    for (int64_t i = 0; i < rows->count; bit = 0) {
        many_words words[many_vectors];
        LOOPS_UNROLL
        for (int v = 0; v < many_vectors; v++)
            words[v] = many_words_get(passed, v);
        uint32_t at = (uint32_t)1 << bit;
        for (int64_t end = i + stretch(rows->count - i, bit); i < end; i += LANES, at <<= 1) {
            fetch(number, rows->x, i);
            fetch(number, rows->dy, i);
            LOOPS_UNROLL
            for (int v = 0; v < many_vectors; v++) {
                int64_t k = i + v * many_lanes;
                many dy = many_where(many_get(number, rows->dy, k), words[v], at);
                if (dx)
                    many_put(number, rows->dx, k,
                             dy * same[v] - (many_get(number, rows->x, k) - mean[v]) * lean[v] -
                                 level[v]);
                if (dother)
                    many_put(number, rows->dother, k, dy);
            }
        }
        passed += passed ? LANES : 0;
    }
}

/* ---- the table ---- */

#define LOOPS_NORMAL(name, number, other, relu)                                                    \
    LOOPS_TARGET static void name(const struct rows_normal *rows, int bit)                         \
    {                                                                                              \
        normal(rows, bit, number, other, relu);                                                    \
    }
#define LOOPS_GRADIENT(name, number, dx, dother)                                                   \
    LOOPS_TARGET static void name(const struct rows_gradient *rows, int bit)                       \
    {                                                                                              \
        gradient(rows, bit, number, dx, dother);                                                   \
    }
#define LOOPS_FUNCTIONS(name, number)                                                              \
    LOOPS_NORMAL(normal_##name, number, false, false)                                              \
    LOOPS_NORMAL(normal_relu_##name, number, false, true)                                          \
    LOOPS_NORMAL(normal_sum_##name, number, true, false)                                           \
    LOOPS_NORMAL(normal_sum_relu_##name, number, true, true)                                       \
    LOOPS_GRADIENT(gradient_other_##name, number, false, true)                                     \
    LOOPS_GRADIENT(gradient_##name, number, true, false)                                           \
    LOOPS_GRADIENT(gradient_both_##name, number, true, true)

LOOPS_TARGET static void moments_real(const struct rows_moments *rows)
{
    add_moments(rows);
}

LOOPS_TARGET static void moments_bf16(const struct rows_moments *rows)
{
    add_moments_bf16(rows);
}

LOOPS_TARGET static void slopes_real(const struct rows_slopes *rows, int bit)
{
    add_slopes(rows, bit);
}

LOOPS_TARGET static void slopes_bf16(const struct rows_slopes *rows, int bit)
{
    add_slopes_bf16(rows, bit);
}

LOOPS_FUNCTIONS(real, NUMBER_REAL)
LOOPS_FUNCTIONS(bf16, NUMBER_BF16)

const struct rows_kernel LOOPS_KERNEL = {
    .moments = {moments_real, moments_bf16},
    .normal = {{{normal_real, normal_relu_real}, {normal_sum_real, normal_sum_relu_real}},
               {{normal_bf16, normal_relu_bf16}, {normal_sum_bf16, normal_sum_relu_bf16}}},
    .slopes = {slopes_real, slopes_bf16},
    .gradient = {{{NULL, gradient_other_real}, {gradient_real, gradient_both_real}},
                 {{NULL, gradient_other_bf16}, {gradient_bf16, gradient_both_bf16}}},
};

#endif
