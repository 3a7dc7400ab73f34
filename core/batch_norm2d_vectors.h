/* Vectors for batch normalization's loops: numbers of a row as wide as one instruction set has
 * them. A part of batch_norm2d_loops.h, which says what must be defined before. */
#ifndef CORE_BATCH_NORM2D_VECTORS_H
#define CORE_BATCH_NORM2D_VECTORS_H

#include "core/batch_norm2d_kernel.h"

#if defined(TRAIND_REAL_DOUBLE)
#undef LOOPS_ROUNDS
#define LOOPS_ROUNDS 0
#endif
#if LOOPS_ROUNDS
#include <immintrin.h>
#endif

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

/* What the processor rounds is the same but for numbers below 2^−126, which become 0. */
LOOPS_INLINE many_bf16 many_round(many value)
{
#if LOOPS_ROUNDS
    return (many_bf16)_mm512_cvtneps_pbh((__m512)value);
#else
    many_words bits = (many_words) __builtin_convertvector(value, many_float);
    many_words rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16, quiet = bits >> 16 | 0x40;
    many_words nan = (many_words)((bits & 0x7fffffff) > 0x7f800000);
    rounded = (rounded & ~nan) | (quiet & nan);
    return __builtin_convertvector(rounded, many_bf16);
#endif
}

LOOPS_INLINE void many_put(enum number number, void *array, int64_t i, many value)
{
    if (number == NUMBER_REAL)
        *(many_loose *)((real *)array + i) = value;
    else
        *(many_bf16 *)((bf16 *)array + i) = many_round(value);
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

#endif
