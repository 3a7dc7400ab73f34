/* Vectors for batch normalization's loops beside those of core/vector.h: a register of doubles and
 * what becomes doubles, and the bits of what passed. A part of batch_norm2d_loops.h, which says
 * what must be defined before. */
#ifndef CORE_BATCH_NORM2D_VECTORS_H
#define CORE_BATCH_NORM2D_VECTORS_H

#include "core/batch_norm2d_kernel.h"
#include "core/vector.h"

enum {
    ROW_VECTORS = LANES / VECTOR_LANES,
    DOUBLES = VECTOR_BYTES / (int)sizeof(double),
    ROW_DOUBLES = LANES / DOUBLES
};

typedef double doubles VECTOR_OF(VECTOR_BYTES);
typedef double doubles_loose VECTOR_LOOSE(VECTOR_BYTES);
/* As many reals as a register holds doubles, and words of what passed. */
typedef real few VECTOR_OF(DOUBLES * sizeof(real));
typedef real few_loose VECTOR_LOOSE(DOUBLES * sizeof(real));
typedef uint32_t few_words VECTOR_OF(DOUBLES * 4);
typedef uint32_t few_words_loose VECTOR_LOOSE(DOUBLES * 4);
typedef vector_bit few_mask VECTOR_OF(DOUBLES * sizeof(real));
typedef uint32_t vector_words_loose VECTOR_LOOSE(VECTOR_LANES * 4);

/* ---- lanes ---- */

VECTOR_INLINE void lanes_load(const struct lanes *from, vector *to)
{
    VECTOR_UNROLL
    for (int v = 0; v < ROW_VECTORS; v++)
        to[v] = vector_load(NUMBER_REAL, from->value, v * VECTOR_LANES);
}

VECTOR_INLINE void doubles_load(const struct double_lanes *from, doubles *to)
{
    VECTOR_UNROLL
    for (int v = 0; v < ROW_DOUBLES; v++)
        to[v] = *(const doubles_loose *)(from->value + v * DOUBLES);
}

VECTOR_INLINE void doubles_save(const doubles *from, struct double_lanes *to)
{
    VECTOR_UNROLL
    for (int v = 0; v < ROW_DOUBLES; v++)
        *(doubles_loose *)(to->value + v * DOUBLES) = from[v];
}

/* ---- reals that become doubles ---- */

VECTOR_INLINE few few_load(const real *from)
{
    return *(const few_loose *)from;
}

/* Number by number: the compiler then finds the one instruction that converts all. */
VECTOR_INLINE doubles few_widen(few value)
{
    doubles wide;
    VECTOR_UNROLL
    for (int lane = 0; lane < DOUBLES; lane++)
        wide[lane] = (double)value[lane];
    return wide;
}

/* ---- what passed: all of it when there are no words ---- */

VECTOR_INLINE few_words few_passed(const uint32_t *words, int v)
{
    if (!words)
        return ~(few_words){0};
    return *(const few_words_loose *)(words + v * DOUBLES);
}

VECTOR_INLINE vector_words vector_passed(const uint32_t *words, int v)
{
    if (!words)
        return ~(vector_words){0};
    return *(const vector_words_loose *)(words + v * VECTOR_LANES);
}

/* The same where that bit is set, else 0. */
VECTOR_INLINE few few_where(few value, few_words words, uint32_t bit)
{
    return (few)((few_mask)value & __builtin_convertvector((words & bit) != 0, few_mask));
}

VECTOR_INLINE vector vector_where(vector value, vector_words words, uint32_t bit)
{
    vector_bits set = __builtin_convertvector((words & bit) != 0, vector_bits);
    return (vector)((vector_bits)value & set);
}

#endif
