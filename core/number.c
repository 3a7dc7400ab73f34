/* Numbers: see number.h. */
#include "core/number.h"

VECTOR_CLONES static void widen(const bf16 *restrict from, real *restrict to, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        to[i] = bf16_widen(from[i]);
}

void bf16_widen_all(const bf16 *from, real *to, int64_t count)
{
    widen(from, to, count);
}

VECTOR_CLONES static void narrow(const real *restrict from, bf16 *restrict to, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        to[i] = bf16_round(from[i]);
}

void bf16_round_all(const real *from, bf16 *to, int64_t count)
{
    narrow(from, to, count);
}

/* The arrays are the same or apart: no number meets another one. */
#define APART _Pragma("GCC ivdep")

VECTOR_CLONES static void add_reals(const real *a, const real *b, real *sum, int64_t count)
{
    APART
    for (int64_t i = 0; i < count; i++)
        sum[i] = a[i] + b[i];
}

VECTOR_CLONES static void add_bf16(const bf16 *a, const bf16 *b, bf16 *sum, int64_t count)
{
    APART
    for (int64_t i = 0; i < count; i++)
        sum[i] = bf16_round(bf16_widen(a[i]) + bf16_widen(b[i]));
}

/* By bits alone: below zero are 8001 to ff80, above it 1 to 7f80; beyond infinity is no number. */
VECTOR_CLONES static void clamp(const bf16 *from, bf16 *to, int64_t count)
{
    APART
    for (int64_t i = 0; i < count; i++)
        to[i] = (uint16_t)(from[i] - 0x8001) < 0x7f80 ? 0 : from[i];
}

void bf16_clamp_all(const bf16 *from, bf16 *to, int64_t count)
{
    clamp(from, to, count);
}

VECTOR_CLONES static void mask(const bf16 *y, const bf16 *from, bf16 *to, int64_t count)
{
    APART
    for (int64_t i = 0; i < count; i++) {
        bf16 kept = (uint16_t)(y[i] - 1) < 0x7f80 ? 0xffff : 0;
        to[i] = from[i] & kept;
    }
}

void bf16_mask_all(const bf16 *y, const bf16 *from, bf16 *to, int64_t count)
{
    mask(y, from, to, count);
}

void numbers_add(enum number number, const void *a, const void *b, void *sum, int64_t count)
{
    if (number == NUMBER_BF16)
        add_bf16(a, b, sum, count);
    else
        add_reals(a, b, sum, count);
}
