/* Vectors of numbers as wide as one instruction set has them. A template: whoever includes it
 * defines before
 *
 *   VECTOR_TARGET   in front of each function: the instructions it is compiled for
 *   VECTOR_BYTES    size of a vector register
 *   VECTOR_ROUNDS   if the processor rounds to bf16 itself (AVX512-BF16); it takes what is below
 *                   2^−126 for 0
 *
 * Each lane gets the digits that plain C would give one number. Knows nothing of layers. */
#ifndef CORE_VECTOR_H
#define CORE_VECTOR_H

#include "core/number.h"

#include <stdbool.h>

#if defined(__SSE2__)
#include <immintrin.h>
#endif

#ifdef TRAIND_REAL_DOUBLE
#define VECTOR_LANES (VECTOR_BYTES / 8)
typedef int64_t vector_bit;
#else
#define VECTOR_LANES (VECTOR_BYTES / 4)
typedef int32_t vector_bit;
#endif

#define VECTOR_OF(size) __attribute__((vector_size(size)))
/* At any address, over any type. */
#define VECTOR_LOOSE(size) __attribute__((vector_size(size), aligned(1), may_alias))

typedef real vector VECTOR_OF(VECTOR_BYTES);
typedef real vector_loose VECTOR_LOOSE(VECTOR_BYTES);
/* Of comparisons: all bits of a lane, or none; or whole numbers. */
typedef vector_bit vector_bits VECTOR_OF(VECTOR_BYTES);
typedef float vector_floats VECTOR_OF(VECTOR_LANES * 4);
typedef uint32_t vector_words VECTOR_OF(VECTOR_LANES * 4);
typedef bf16 vector_halves VECTOR_OF(VECTOR_LANES * 2);
typedef bf16 vector_loose_halves VECTOR_LOOSE(VECTOR_LANES * 2);
typedef uint8_t vector_bytes VECTOR_OF(VECTOR_LANES);
typedef uint8_t vector_loose_bytes VECTOR_LOOSE(VECTOR_LANES);

#define VECTOR_INLINE VECTOR_TARGET static inline __attribute__((always_inline))

/* In front of loops over a few vectors: unrolled early, or they would live in memory. */
#define VECTOR_UNROLL _Pragma("GCC unroll 16")

VECTOR_INLINE vector vector_splat(real value)
{
    return (vector){0} + value;
}

VECTOR_INLINE vector_bits vector_bits_splat(int value)
{
    return (vector_bits){0} + value;
}

/* ---- masks: which lanes something holds for; | joins them ---- */

#if !defined(TRAIND_REAL_DOUBLE) && defined(__SSE2__) && VECTOR_BYTES == 64

typedef __mmask16 vector_mask;

VECTOR_INLINE vector_mask vector_above(vector a, vector b)
{
    return _mm512_cmp_ps_mask((__m512)a, (__m512)b, _CMP_GT_OQ);
}

VECTOR_INLINE vector_mask vector_is_nan(vector a)
{
    return _mm512_cmp_ps_mask((__m512)a, (__m512)a, _CMP_UNORD_Q);
}

VECTOR_INLINE vector_mask vector_same(vector_bits a, vector_bits b)
{
    return _mm512_cmpeq_epi32_mask((__m512i)a, (__m512i)b);
}

VECTOR_INLINE vector_bits vector_choose_bits(vector_mask mask, vector_bits a, vector_bits b)
{
    return (vector_bits)_mm512_mask_mov_epi32((__m512i)b, mask, (__m512i)a);
}

#else

typedef vector_bits vector_mask;

VECTOR_INLINE vector_mask vector_above(vector a, vector b)
{
    return a > b;
}

VECTOR_INLINE vector_mask vector_is_nan(vector a)
{
    return a != a;
}

VECTOR_INLINE vector_mask vector_same(vector_bits a, vector_bits b)
{
    return a == b;
}

VECTOR_INLINE vector_bits vector_choose_bits(vector_mask mask, vector_bits a, vector_bits b)
{
#if !defined(TRAIND_REAL_DOUBLE) && defined(__SSE2__) && VECTOR_BYTES == 32
    return (vector_bits)_mm256_blendv_epi8((__m256i)b, (__m256i)a, (__m256i)mask);
#else
    return (mask & a) | (~mask & b);
#endif
}

#endif

/* a where the mask holds, else b. */
VECTOR_INLINE vector vector_choose(vector_mask mask, vector a, vector b)
{
    return (vector)vector_choose_bits(mask, (vector_bits)a, (vector_bits)b);
}

/* ---- order ---- */

#if VECTOR_LANES == 16
#define VECTOR_EVENS 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
#define VECTOR_ODDS 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31
#define VECTOR_LOW 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define VECTOR_HIGH 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#elif VECTOR_LANES == 8
#define VECTOR_EVENS 0, 2, 4, 6, 8, 10, 12, 14
#define VECTOR_ODDS 1, 3, 5, 7, 9, 11, 13, 15
#define VECTOR_LOW 0, 8, 1, 9, 2, 10, 3, 11
#define VECTOR_HIGH 4, 12, 5, 13, 6, 14, 7, 15
#elif VECTOR_LANES == 4
#define VECTOR_EVENS 0, 2, 4, 6
#define VECTOR_ODDS 1, 3, 5, 7
#define VECTOR_LOW 0, 4, 1, 5
#define VECTOR_HIGH 2, 6, 3, 7
#elif VECTOR_LANES == 2
#define VECTOR_EVENS 0, 2
#define VECTOR_ODDS 1, 3
#define VECTOR_LOW 0, 2
#define VECTOR_HIGH 1, 3
#endif

/* Every second number of a, then of b: the first of each pair, the second of each pair. */
VECTOR_INLINE vector vector_evens(vector a, vector b)
{
    return __builtin_shufflevector(a, b, VECTOR_EVENS);
}

VECTOR_INLINE vector vector_odds(vector a, vector b)
{
    return __builtin_shufflevector(a, b, VECTOR_ODDS);
}

/* Numbers of a and b in turn: those of the lower halves, those of the upper ones. */
VECTOR_INLINE vector vector_zip_low(vector a, vector b)
{
    return __builtin_shufflevector(a, b, VECTOR_LOW);
}

VECTOR_INLINE vector vector_zip_high(vector a, vector b)
{
    return __builtin_shufflevector(a, b, VECTOR_HIGH);
}

/* ---- between words and what is narrower. The compiler converts vectors as well, but number by
 * number where their sizes are far apart. ---- */

#if defined(TRAIND_REAL_DOUBLE) || !defined(__SSE2__)

VECTOR_INLINE vector_bits vector_load_bytes(const uint8_t *from)
{
    return __builtin_convertvector(*(const vector_loose_bytes *)from, vector_bits);
}

/* Of whole numbers from 0 to 255. */
VECTOR_INLINE void vector_store_bytes(uint8_t *to, vector_bits values)
{
    *(vector_loose_bytes *)to = __builtin_convertvector(values, vector_bytes);
}

VECTOR_INLINE vector_words vector_load_halves(const bf16 *from)
{
    return __builtin_convertvector(*(const vector_loose_halves *)from, vector_words);
}

/* Of whole numbers from 0 to 65535. */
VECTOR_INLINE void vector_store_halves(bf16 *to, vector_words values)
{
    *(vector_loose_halves *)to = __builtin_convertvector(values, vector_halves);
}

#elif VECTOR_BYTES == 64

VECTOR_INLINE vector_bits vector_load_bytes(const uint8_t *from)
{
    return (vector_bits)_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)from));
}

VECTOR_INLINE void vector_store_bytes(uint8_t *to, vector_bits values)
{
    _mm_storeu_si128((__m128i *)to, _mm512_cvtepi32_epi8((__m512i)values));
}

VECTOR_INLINE vector_words vector_load_halves(const bf16 *from)
{
    return (vector_words)_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)from));
}

VECTOR_INLINE void vector_store_halves(bf16 *to, vector_words values)
{
    _mm256_storeu_si256((__m256i *)to, _mm512_cvtepi32_epi16((__m512i)values));
}

#elif VECTOR_BYTES == 32

VECTOR_INLINE vector_bits vector_load_bytes(const uint8_t *from)
{
    return (vector_bits)_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)from));
}

VECTOR_INLINE __m128i vector_to_halves(__m256i words)
{
    return _mm_packus_epi32(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
}

VECTOR_INLINE void vector_store_bytes(uint8_t *to, vector_bits values)
{
    __m128i halves = vector_to_halves((__m256i)values);
    _mm_storel_epi64((__m128i *)to, _mm_packus_epi16(halves, halves));
}

VECTOR_INLINE vector_words vector_load_halves(const bf16 *from)
{
    return (vector_words)_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)from));
}

VECTOR_INLINE void vector_store_halves(bf16 *to, vector_words values)
{
    _mm_storeu_si128((__m128i *)to, vector_to_halves((__m256i)values));
}

#else

VECTOR_INLINE vector_bits vector_load_bytes(const uint8_t *from)
{
    __m128i bytes = _mm_loadu_si32(from), zero = _mm_setzero_si128();
    return (vector_bits)_mm_unpacklo_epi16(_mm_unpacklo_epi8(bytes, zero), zero);
}

VECTOR_INLINE void vector_store_bytes(uint8_t *to, vector_bits values)
{
    __m128i halves = _mm_packs_epi32((__m128i)values, (__m128i)values);
    _mm_storeu_si32(to, _mm_packus_epi16(halves, halves));
}

VECTOR_INLINE vector_words vector_load_halves(const bf16 *from)
{
    __m128i halves = _mm_loadl_epi64((const __m128i *)from);
    return (vector_words)_mm_unpacklo_epi16(halves, _mm_setzero_si128());
}

/* The one instruction that packs takes signed numbers. */
VECTOR_INLINE void vector_store_halves(bf16 *to, vector_words values)
{
    vector_bits as_signed = (vector_bits)(values << 16) >> 16;
    _mm_storel_epi64((__m128i *)to, _mm_packs_epi32((__m128i)as_signed, (__m128i)as_signed));
}

#endif

/* ---- numbers ---- */

/* Numbers at … at + VECTOR_LANES − 1 of an array; bf16 are widened. */
VECTOR_INLINE vector vector_load(enum number number, const void *array, int64_t at)
{
    if (number == NUMBER_REAL)
        return *(const vector_loose *)((const real *)array + at);
    vector_words words = vector_load_halves((const bf16 *)array + at) << 16;
    return __builtin_convertvector((vector_floats)words, vector);
}

/* The bits of bf16_round. */
VECTOR_INLINE vector_words vector_round(vector values)
{
    vector_words bits = (vector_words) __builtin_convertvector(values, vector_floats);
    vector_words rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16, quiet = bits >> 16 | 0x40;
    vector_words nan = (vector_words)((bits & 0x7fffffff) > 0x7f800000);
    return (nan & quiet) | (~nan & rounded);
}

#if defined(VECTOR_ROUNDS) && !defined(TRAIND_REAL_DOUBLE)

VECTOR_INLINE void vector_store_rounded(bf16 *to, vector values)
{
    *(vector_loose_halves *)to = (vector_loose_halves)_mm512_cvtneps_pbh((__m512)values);
}

#else

VECTOR_INLINE void vector_store_rounded(bf16 *to, vector values)
{
    vector_store_halves(to, vector_round(values));
}

#endif

VECTOR_INLINE void vector_store(enum number number, void *array, int64_t at, vector values)
{
    if (number == NUMBER_REAL)
        *(vector_loose *)((real *)array + at) = values;
    else
        vector_store_rounded((bf16 *)array + at, values);
}

/* The same of numbers that need no rounding, because they have been read from such an array. */
VECTOR_INLINE void vector_store_exact(enum number number, void *array, int64_t at, vector values)
{
    vector_words bits = (vector_words) __builtin_convertvector(values, vector_floats);
    if (number == NUMBER_REAL)
        *(vector_loose *)((real *)array + at) = values;
    else
        vector_store_halves((bf16 *)array + at, bits >> 16);
}

VECTOR_INLINE bool vector_has_nan(vector values)
{
    bool nan = false;
    for (int lane = 0; lane < VECTOR_LANES; lane++)
        nan |= isnan(values[lane]);
    return nan;
}

#endif
