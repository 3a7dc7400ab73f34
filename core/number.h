/* Numbers: how those of an activation and of its gradient stand in memory, as reals or as bf16, the
 * upper half of a float (Intel's bfloat16: sign, 8 bits of exponent, 7 of fraction). Knows nothing
 * of layers. */
#ifndef CORE_NUMBER_H
#define CORE_NUMBER_H

#include "core/tensor.h"

#include <stddef.h>
#include <string.h>

enum number { NUMBER_REAL, NUMBER_BF16 };

typedef uint16_t bf16;

static inline size_t number_size(enum number number)
{
    return number == NUMBER_BF16 ? sizeof(bf16) : sizeof(real);
}

/* Exact. */
static inline real bf16_widen(bf16 value)
{
    uint32_t bits = (uint32_t)value << 16;
    float wide;
    memcpy(&wide, &bits, sizeof wide);
    return wide;
}

/* The nearest, of two as near the even one. NaN stays NaN; what is too large becomes infinite. */
static inline bf16 bf16_round(real value)
{
    float narrow = (float)value;
    uint32_t bits;
    memcpy(&bits, &narrow, sizeof bits);
    uint32_t rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16, quiet = bits >> 16 | 0x40;
    return (bf16)((bits & 0x7fffffff) > 0x7f800000 ? quiet : rounded);
}

/* count numbers each; the arrays lie apart. */
void bf16_widen_all(const bf16 *from, real *to, int64_t count);
void bf16_round_all(const real *from, bf16 *to, int64_t count);

/* A ReLU: what is below zero becomes zero, and what is no number stays that; and its derivative,
 * which keeps what stands beside numbers above zero. Results may lie over the inputs. */
void bf16_clamp_all(const bf16 *from, bf16 *to, int64_t count);
void bf16_mask_all(const bf16 *y, const bf16 *from, bf16 *to, int64_t count);

/* Number i of an array, for loops in whose functions `number` is a constant. */
static inline real number_get(enum number number, const void *array, int64_t i)
{
    return number == NUMBER_BF16 ? bf16_widen(((const bf16 *)array)[i]) : ((const real *)array)[i];
}

static inline void number_put(enum number number, void *array, int64_t i, real value)
{
    if (number == NUMBER_BF16)
        ((bf16 *)array)[i] = bf16_round(value);
    else
        ((real *)array)[i] = value;
}

/* sum = a + b, each rounded once; sum may be a or b. */
void numbers_add(enum number number, const void *a, const void *b, void *sum, int64_t count);

#endif
