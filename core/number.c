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

void numbers_add(enum number number, const void *a, const void *b, void *sum, int64_t count)
{
    if (number == NUMBER_BF16)
        add_bf16(a, b, sum, count);
    else
        add_reals(a, b, sum, count);
}
