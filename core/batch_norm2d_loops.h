/* Loops over rows for batch normalization. A template: each batch_norm2d_INSTRUCTIONS.c includes it
 * once, with what vector.h wants and
 *
 *   LOOPS_KERNEL   the name of its struct rows_kernel
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
VECTOR_INLINE void fetch(enum number number, const void *array, int64_t i)
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

VECTOR_TARGET static void moments_real(const struct rows_moments *rows)
{
    doubles around[ROW_DOUBLES], sums[ROW_DOUBLES], squares[ROW_DOUBLES];
    doubles_load(&rows->to->around, around);
    doubles_load(&rows->to->sums, sums);
    doubles_load(&rows->to->products, squares);
    for (int64_t i = 0; i < rows->count; i += LANES) {
        VECTOR_UNROLL
        for (int v = 0; v < ROW_DOUBLES; v++) {
            doubles d = few_widen(few_load((const real *)rows->x + i + v * DOUBLES)) - around[v];
            sums[v] += d;
            squares[v] += d * d;
        }
    }
    doubles_save(sums, &rows->to->sums);
    doubles_save(squares, &rows->to->products);
}

VECTOR_TARGET static void slopes_real(const struct rows_slopes *rows, int bit)
{
    doubles around[ROW_DOUBLES], sums[ROW_DOUBLES], products[ROW_DOUBLES];
    const uint32_t *passed = rows->passed;
    doubles_load(&rows->to->around, around);
    doubles_load(&rows->to->sums, sums);
    doubles_load(&rows->to->products, products);
    for (int64_t i = 0; i < rows->count; bit = 0) {
        few_words words[ROW_DOUBLES];
        VECTOR_UNROLL
        for (int v = 0; v < ROW_DOUBLES; v++)
            words[v] = few_passed(passed, v);
        uint32_t at = (uint32_t)1 << bit;
        for (int64_t end = i + stretch(rows->count - i, bit); i < end; i += LANES, at <<= 1) {
            fetch(NUMBER_REAL, rows->x, i);
            fetch(NUMBER_REAL, rows->dy, i);
            VECTOR_UNROLL
            for (int v = 0; v < ROW_DOUBLES; v++) {
                int64_t k = i + v * DOUBLES;
                doubles d =
                    few_widen(few_where(few_load((const real *)rows->dy + k), words[v], at));
                sums[v] += d;
                products[v] += d * (few_widen(few_load((const real *)rows->x + k)) - around[v]);
            }
        }
        if (passed)
            passed += LANES;
    }
    doubles_save(sums, &rows->to->sums);
    doubles_save(products, &rows->to->products);
}

/* ---- sums of bf16: their few digits are worth no doubles number by number, so those of some rows
 * are summed as they are computed ---- */

VECTOR_INLINE void piece_add(const vector *piece, struct double_lanes *to)
{
    doubles sums[ROW_DOUBLES];
    struct lanes lanes;
    doubles_load(to, sums);
    VECTOR_UNROLL
    for (int v = 0; v < ROW_VECTORS; v++)
        *(vector_loose *)(lanes.value + v * VECTOR_LANES) = piece[v];
    VECTOR_UNROLL
    for (int v = 0; v < ROW_DOUBLES; v++)
        sums[v] += few_widen(few_load(lanes.value + v * DOUBLES));
    doubles_save(sums, to);
}

VECTOR_INLINE void around_load(const struct rows_sums *from, vector *around)
{
    struct lanes lanes;
    for (int lane = 0; lane < LANES; lane++)
        lanes.value[lane] = (real)from->around.value[lane];
    lanes_load(&lanes, around);
}

/* Up to the end of a piece. */
static inline int64_t piece_end(int64_t i, int64_t count)
{
    return i + LANES * ROWS_PIECE < count ? i + LANES * ROWS_PIECE : count;
}

VECTOR_TARGET static void moments_bf16(const struct rows_moments *rows)
{
    vector around[ROW_VECTORS];
    around_load(rows->to, around);
    for (int64_t i = 0; i < rows->count;) {
        vector sums[ROW_VECTORS] = {0}, squares[ROW_VECTORS] = {0};
        for (int64_t end = piece_end(i, rows->count); i < end; i += LANES) {
            VECTOR_UNROLL
            for (int v = 0; v < ROW_VECTORS; v++) {
                vector d = vector_load(NUMBER_BF16, rows->x, i + v * VECTOR_LANES) - around[v];
                sums[v] += d;
                squares[v] += d * d;
            }
        }
        piece_add(sums, &rows->to->sums);
        piece_add(squares, &rows->to->products);
    }
}

VECTOR_TARGET static void slopes_bf16(const struct rows_slopes *rows, int bit)
{
    vector around[ROW_VECTORS];
    around_load(rows->to, around);
    for (int64_t i = 0; i < rows->count;) {
        vector sums[ROW_VECTORS] = {0}, products[ROW_VECTORS] = {0};
        vector_words words[ROW_VECTORS];
        int64_t row = bit + i / LANES;
        uint32_t at = (uint32_t)1 << row % WORD_ROWS;
        VECTOR_UNROLL
        for (int v = 0; v < ROW_VECTORS; v++)
            words[v] =
                vector_passed(rows->passed ? rows->passed + row / WORD_ROWS * LANES : NULL, v);
        for (int64_t end = piece_end(i, rows->count); i < end; i += LANES, at <<= 1) {
            fetch(NUMBER_BF16, rows->x, i);
            fetch(NUMBER_BF16, rows->dy, i);
            VECTOR_UNROLL
            for (int v = 0; v < ROW_VECTORS; v++) {
                int64_t k = i + v * VECTOR_LANES;
                vector dy = vector_where(vector_load(NUMBER_BF16, rows->dy, k), words[v], at);
                sums[v] += dy;
                products[v] += dy * (vector_load(NUMBER_BF16, rows->x, k) - around[v]);
            }
        }
        piece_add(sums, &rows->to->sums);
        piece_add(products, &rows->to->products);
    }
}

/* ---- one number at a time ---- */

VECTOR_INLINE void normal(const struct rows_normal *rows, int bit, enum number number, bool other,
                          bool relu)
{
    vector mean[ROW_VECTORS], scale[ROW_VECTORS], shift[ROW_VECTORS];
    uint32_t *passed = rows->passed;
    lanes_load(&rows->by->mean, mean);
    lanes_load(&rows->by->scale, scale);
    lanes_load(&rows->by->shift, shift);
    for (int64_t i = 0; i < rows->count; bit = 0) {
        vector_words words[ROW_VECTORS];
        VECTOR_UNROLL
        for (int v = 0; v < ROW_VECTORS; v++)
            words[v] = relu && bit > 0 ? vector_passed(passed, v) : (vector_words){0};
        uint32_t at = (uint32_t)1 << bit;
        for (int64_t end = i + stretch(rows->count - i, bit); i < end; i += LANES, at <<= 1) {
            if (other)
                fetch(number, rows->other, i);
            VECTOR_UNROLL
            for (int v = 0; v < ROW_VECTORS; v++) {
                int64_t k = i + v * VECTOR_LANES;
                vector value = (vector_load(number, rows->x, k) - mean[v]) * scale[v] + shift[v];
                value = other ? value + vector_load(number, rows->other, k) : value;
                vector_bits kept = ~(value <= 0);
                if (relu) {
                    words[v] |= __builtin_convertvector(kept, vector_words) & at;
                    value = (vector)((vector_bits)value & kept);
                }
                vector_store(number, rows->y, k, value);
            }
        }
        VECTOR_UNROLL
        for (int v = 0; relu && v < ROW_VECTORS; v++)
            *(vector_words_loose *)(passed + v * VECTOR_LANES) = words[v];
        if (relu)
            passed += LANES;
    }
}

VECTOR_INLINE void gradient(const struct rows_gradient *rows, int bit, enum number number, bool dx,
                            bool dother)
{
    vector mean[ROW_VECTORS], same[ROW_VECTORS], lean[ROW_VECTORS], level[ROW_VECTORS];
    const uint32_t *passed = rows->passed;
    lanes_load(&rows->by->mean, mean);
    lanes_load(&rows->by->same, same);
    lanes_load(&rows->by->lean, lean);
    lanes_load(&rows->by->level, level);
    for (int64_t i = 0; i < rows->count; bit = 0) {
        vector_words words[ROW_VECTORS];
        VECTOR_UNROLL
        for (int v = 0; v < ROW_VECTORS; v++)
            words[v] = vector_passed(passed, v);
        uint32_t at = (uint32_t)1 << bit;
        for (int64_t end = i + stretch(rows->count - i, bit); i < end; i += LANES, at <<= 1) {
            fetch(number, rows->x, i);
            fetch(number, rows->dy, i);
            VECTOR_UNROLL
            for (int v = 0; v < ROW_VECTORS; v++) {
                int64_t k = i + v * VECTOR_LANES;
                vector dy = vector_where(vector_load(number, rows->dy, k), words[v], at);
                if (dx)
                    vector_store(number, rows->dx, k,
                                 dy * same[v] -
                                     (vector_load(number, rows->x, k) - mean[v]) * lean[v] -
                                     level[v]);
                if (dother)
                    vector_store_exact(number, rows->dother, k, dy);
            }
        }
        if (passed)
            passed += LANES;
    }
}

/* ---- the table ---- */

#define LOOPS_NORMAL(name, number, other, relu)                                                    \
    VECTOR_TARGET static void name(const struct rows_normal *rows, int bit)                        \
    {                                                                                              \
        normal(rows, bit, number, other, relu);                                                    \
    }
#define LOOPS_GRADIENT(name, number, dx, dother)                                                   \
    VECTOR_TARGET static void name(const struct rows_gradient *rows, int bit)                      \
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
