/* Loops over rows for batch normalization. A template: each batch_norm2d_INSTRUCTIONS.c includes it
 * once, with
 *
 *   LOOPS_TARGET   in front of each function: the instructions it is compiled for
 *   LOOPS_BYTES    size of a vector register
 *   LOOPS_KERNEL   the name of its struct rows_kernel
 *
 * Compilers left to themselves compute sums of doubles over floats one by one. */
#ifndef CORE_BATCH_NORM2D_LOOPS_H
#define CORE_BATCH_NORM2D_LOOPS_H

#include "core/batch_norm2d_kernel.h"

#define LOOPS_INLINE LOOPS_TARGET static inline __attribute__((always_inline))

/* In front of loops over a row's vectors: unrolled early, or sums would live in memory. */
#define LOOPS_UNROLL _Pragma("GCC unroll 16")

/* Vectors of `count` reals, and of what they are made from or turn into. */
#define LOOPS_TYPES(name, count)                                                                   \
    enum { name##_lanes = (count), name##_vectors = LANES / name##_lanes };                        \
    typedef real name __attribute__((vector_size((count) * sizeof(real))));                        \
    typedef real name##_loose                                                                      \
        __attribute__((vector_size((count) * sizeof(real)), aligned(sizeof(real)), may_alias));    \
    typedef double name##_double __attribute__((vector_size((count) * sizeof(double))));           \
    typedef double name##_double_loose                                                             \
        __attribute__((vector_size((count) * sizeof(double)), aligned(sizeof(double))));           \
    typedef float name##_float __attribute__((vector_size((count) * sizeof(float))));              \
    typedef uint32_t name##_words __attribute__((vector_size((count) * sizeof(uint32_t))));        \
    typedef uint32_t name##_words_loose                                                            \
        __attribute__((vector_size((count) * sizeof(uint32_t)), aligned(sizeof(uint32_t))));       \
    typedef bf16 name##_bf16                                                                       \
        __attribute__((vector_size((count) * sizeof(bf16)), aligned(sizeof(bf16)), may_alias));    \
    typedef __typeof__((name){0} > (name){0}) name##_mask;                                         \
                                                                                                   \
    LOOPS_INLINE name name##_get(enum number number, const void *array, int64_t i)                 \
    {                                                                                              \
        if (number == NUMBER_REAL)                                                                 \
            return *(const name##_loose *)((const real *)array + i);                               \
        const name##_bf16 *narrow = (const name##_bf16 *)((const bf16 *)array + i);                \
        name##_words bits;                                                                         \
        LOOPS_UNROLL                                                                               \
        for (int lane = 0; lane < (count); lane++)                                                 \
            bits[lane] = (*narrow)[lane];                                                          \
        return __builtin_convertvector((name##_float)(bits << 16), name);                          \
    }                                                                                              \
                                                                                                   \
    /* The same where its bit is set, else 0. */                                                   \
    LOOPS_INLINE name name##_where(name value, name##_words words, uint32_t bit)                   \
    {                                                                                              \
        name##_mask set = __builtin_convertvector((words & bit) != 0, name##_mask);                \
        return (name)((name##_mask)value & set);                                                   \
    }                                                                                              \
                                                                                                   \
    /* All bits when there is nothing to read. */                                                  \
    LOOPS_INLINE name##_words name##_words_get(const uint32_t *words, int v)                       \
    {                                                                                              \
        return words ? *(const name##_words_loose *)(words + v * name##_lanes)                     \
                     : ~(name##_words){0};                                                         \
    }

/* Vectors of a register of doubles, and of a register of reals. */
LOOPS_TYPES(few, LOOPS_BYTES / (int)sizeof(double))
LOOPS_TYPES(many, LOOPS_BYTES / (int)sizeof(real))

LOOPS_INLINE void many_put(enum number number, void *array, int64_t i, many value)
{
    if (number == NUMBER_REAL) {
        *(many_loose *)((real *)array + i) = value;
        return;
    }
    many_words bits = (many_words) __builtin_convertvector(value, many_float);
    many_words rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16, quiet = bits >> 16 | 0x40;
    many_words nan = (many_words)((bits & 0x7fffffff) > 0x7f800000);
    rounded = (rounded & ~nan) | (quiet & nan);
    *(many_bf16 *)((bf16 *)array + i) = __builtin_convertvector(rounded, many_bf16);
}

LOOPS_INLINE few_double few_widen(few value)
{
    few_double wide;
    LOOPS_UNROLL
    for (int lane = 0; lane < few_lanes; lane++)
        wide[lane] = (double)value[lane];
    return wide;
}

LOOPS_INLINE void few_load(const struct double_lanes *from, few_double *to)
{
    LOOPS_UNROLL
    for (int v = 0; v < few_vectors; v++)
        to[v] = *(const few_double_loose *)(from->value + v * few_lanes);
}

LOOPS_INLINE void few_save(const few_double *from, struct double_lanes *to)
{
    LOOPS_UNROLL
    for (int v = 0; v < few_vectors; v++)
        *(few_double_loose *)(to->value + v * few_lanes) = from[v];
}

LOOPS_INLINE void many_load(const struct lanes *from, many *to)
{
    LOOPS_UNROLL
    for (int v = 0; v < many_vectors; v++)
        to[v] = *(const many_loose *)(from->value + v * many_lanes);
}

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

/* ---- sums ---- */

LOOPS_INLINE void add_moments(const struct rows_moments *rows, enum number number)
{
    few_double around[few_vectors], sums[few_vectors], squares[few_vectors];
    few_load(&rows->to->around, around);
    few_load(&rows->to->sums, sums);
    few_load(&rows->to->products, squares);
    for (int64_t i = 0; i < rows->count; i += LANES) {
        LOOPS_UNROLL
        for (int v = 0; v < few_vectors; v++) {
            few_double d = few_widen(few_get(number, rows->x, i + v * few_lanes)) - around[v];
            sums[v] += d;
            squares[v] += d * d;
        }
    }
    few_save(sums, &rows->to->sums);
    few_save(squares, &rows->to->products);
}

/* Numbers up to the end of the words that hold bit `bit`. */
static inline int64_t stretch(int64_t left, int bit)
{
    int64_t most = (WORD_ROWS - bit) * LANES;
    return left < most ? left : most;
}

LOOPS_INLINE void add_slopes(const struct rows_slopes *rows, int bit, enum number number)
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
            fetch(number, rows->x, i);
            fetch(number, rows->dy, i);
            LOOPS_UNROLL
            for (int v = 0; v < few_vectors; v++) {
                int64_t k = i + v * few_lanes;
                few_double d = few_widen(few_where(few_get(number, rows->dy, k), words[v], at));
                sums[v] += d;
                products[v] += d * (few_widen(few_get(number, rows->x, k)) - around[v]);
            }
        }
        passed += passed ? LANES : 0;
    }
    few_save(sums, &rows->to->sums);
    few_save(products, &rows->to->products);
}

/* ---- one number at a time ---- */

/* A NaN goes through the ReLU. */
LOOPS_INLINE many clamp(many value)
{
    return (many)((many_mask)value & ~(value <= 0));
}

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
                if (relu)
                    words[v] |= __builtin_convertvector(value > 0, many_words) & at;
                many_put(number, rows->y, k, relu ? clamp(value) : value);
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
    LOOPS_TARGET static void moments_##name(const struct rows_moments *rows)                       \
    {                                                                                              \
        add_moments(rows, number);                                                                 \
    }                                                                                              \
    LOOPS_TARGET static void slopes_##name(const struct rows_slopes *rows, int bit)                \
    {                                                                                              \
        add_slopes(rows, bit, number);                                                             \
    }                                                                                              \
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
