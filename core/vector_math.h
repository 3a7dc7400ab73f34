/* exp and its relatives without a branch or a call, so that a loop over an array becomes vectors.
 *
 * In float within 2 units in the last place of the true value, over all numbers: tests/core
 * compares them with the C library's in double. NaN stays NaN, infinities and overflow give what
 * the library's give, and results too small for a normal number are rounded once. Without fused
 * multiply-adds the digits are the same for every instruction set. In the double build they are the
 * library's own.
 *
 * The polynomials are minimax fits by the exchange algorithm of Remez, for the relative error of
 * the result; the largest one stands beside each. */
#ifndef CORE_VECTOR_MATH_H
#define CORE_VECTOR_MATH_H

#include "core/tensor.h"

#include <string.h>

#ifdef TRAIND_REAL_DOUBLE

static inline double vector_exp(double x)
{
    return exp(x);
}

static inline double vector_expm1(double x)
{
    return expm1(x);
}

static inline double vector_tanh(double x)
{
    return tanh(x);
}

static inline double vector_erf(double x)
{
    return erf(x);
}

static inline double vector_sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

#else

/* x = n·ln 2 + r, |r| ≤ ½ ln 2; r to all digits and e^r − 1 − r, less what is missing in r. */
struct vector_reduced {
    float n, r, rest;
};

/* NaN must get through comparisons: each keeps x where they are false. */
static inline float vector_clamp(float x, float low, float high)
{
    x = x < low ? low : x;
    return x > high ? high : x;
}

/* Added and taken away again, it rounds to an integer, whose bits stand last in between. */
#define VECTOR_ROUNDER 12582912.0F /* 1.5·2²³ */

/* Cody and Waite: the first part of ln 2 has so few digits that n times it is exact. */
static inline struct vector_reduced vector_reduce(float x)
{
    const float ln2_high = 0.693359375F, ln2_low = -2.12194440054690583e-4F;
    float n = (x * 1.44269504088896341F + VECTOR_ROUNDER) - VECTOR_ROUNDER;
    float high = x - n * ln2_high, low = n * ln2_low, r = high - low;
    /* (e^r − 1 − r) / r²; error 2^−32 */
    float q = 1.98458821354e-4F;
    q = q * r + 1.39406684611e-3F;
    q = q * r + 8.33338945720e-3F;
    q = q * r + 4.16663604286e-2F;
    q = q * r + 1.66666663698e-1F;
    q = q * r + 0.5F;
    return (struct vector_reduced){n, high, r * r * q - low};
}

/* 2ⁿ for an integer −126 ≤ n ≤ 127, by its bits. */
static inline float vector_power_of_two(float n)
{
    float shifted = n + (VECTOR_ROUNDER + 127), power;
    uint32_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    bits <<= 23;
    memcpy(&power, &bits, sizeof power);
    return power;
}

/* y·2ⁿ in two factors, so that neither leaves the normal numbers: |n| ≤ 250. */
static inline float vector_scale(float y, float n)
{
    float half = (n * 0.5F + VECTOR_ROUNDER) - VECTOR_ROUNDER;
    return y * vector_power_of_two(half) * vector_power_of_two(n - half);
}

static inline float vector_exp(float x)
{
    struct vector_reduced e = vector_reduce(vector_clamp(x, -104, 89)); /* beyond: 0, infinity */
    float sum = 1 + e.r, lost = e.r - (sum - 1);
    return vector_scale(sum + (lost + e.rest), e.n);
}

/* eˣ − 1 = 2ⁿ·(e^r − 1) + (2ⁿ − 1) */
static inline float vector_expm1(float x)
{
    struct vector_reduced e = vector_reduce(vector_clamp(x, -18, 89)); /* below: −1 */
    float half = vector_power_of_two(e.n - 1); /* 2ⁿ itself may be too large */
    return (half * (e.r + e.rest) + (half - 0.5F)) * 2;
}

/* Near 0 an odd polynomial, else 1 − 2 / (e²ˣ + 1). */
static inline float vector_tanh(float x)
{
    float t = vector_clamp(fabsf(x), 0, 10), u = x * x; /* beyond: 1 */
    /* (tanh(x)/x − 1)/x² of x² for |x| ≤ 0.55; error 2^−30 */
    float near = -6.27423465086e-3F;
    near = near * u + 2.10716754483e-2F;
    near = near * u - 5.38523090180e-2F;
    near = near * u + 1.33325861306e-1F;
    near = near * u - 3.33333175595e-1F;
    near = near * u * x + x;
    float far = copysignf(1 - 2 / (vector_exp(2 * t) + 1), x);
    return t > 0.55F ? far : near;
}

/* By e^−|x|, which cannot overflow: 1 / (1 + e^−x) or e^x / (1 + e^x), and what the sum in the
 * divisor lost. */
static inline float vector_sigmoid(float x)
{
    float e = vector_exp(-fabsf(x)), sum = 1 + e, lost = e - (sum - 1);
    float quotient = (x < 0 ? e : 1) / sum;
    return quotient - quotient * ((x < 0 ? 1 - quotient : quotient) * lost);
}

/* Near 0 an odd polynomial, else 1 − erfc, whose logarithm is smooth. */
static inline float vector_erf(float x)
{
    float t = fabsf(x), u = x * x;
    /* erf(x)/x − 1 of x² for |x| ≤ 1; error 2^−29 */
    float near = 7.85386348099e-5F;
    near = near * u - 8.01019434603e-4F;
    near = near * u + 5.18832777617e-3F;
    near = near * u - 2.68538119875e-2F;
    near = near * u + 1.12835851500e-1F;
    near = near * u - 3.76126258244e-1F;
    near = near * u + 1.28379165727e-1F;
    near = near * x + x;
    /* log erfc(t) for 1 ≤ t ≤ 4, weighted with erfc/erf; error 2^−29. Beyond, erf is 1. */
    t = vector_clamp(t, 1, 4);
    float far = 1.86378996169e-4F;
    far = far * t - 2.94765635289e-3F;
    far = far * t + 2.18380560865e-2F;
    far = far * t - 1.03106737776e-1F;
    far = far * t - 6.38144852417e-1F;
    far = far * t - 1.12708917819F;
    far = far * t - 3.41526004786e-4F;
    far = copysignf(1 - vector_exp(far), x);
    return fabsf(x) > 1 ? far : near;
}

#endif

#endif
