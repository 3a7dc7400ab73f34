/* Vectors of AVX-512 and their fused multiply-adds, for the tiles of avx512_*.c: functions whose
 * sums are held in registers. A file that includes it is compiled for any processor; only what has
 * AVX512_TARGET in front wants one with AVX-512.
 *
 * The multiply-adds are written as instructions: of `sum += w * x[i]` in loops as tight as these
 * gcc 12 makes separate broadcasts and spills of sums, which halves the speed. */
#ifndef CORE_AVX512_H
#define CORE_AVX512_H

#include "core/tensor.h"

#define AVX512_TARGET __attribute__((target("avx512f")))
#define AVX512_INLINE AVX512_TARGET static inline __attribute__((always_inline))
/* In front of loops over registers: unrolled early, or the sums would live in memory. */
#define AVX512_UNROLL _Pragma("GCC unroll 32")

enum { AVX512_LANES = 16 };

typedef float avx512_vector __attribute__((vector_size(64)));
typedef int32_t avx512_places __attribute__((vector_size(64)));
/* At any address. */
typedef float avx512_loose __attribute__((vector_size(64), aligned(4), may_alias));

AVX512_INLINE avx512_vector avx512_load(const float *from)
{
    return *(const avx512_loose *)from;
}

AVX512_INLINE void avx512_store(float *to, avx512_vector value)
{
    *(avx512_loose *)to = value;
}

/* A number in all lanes. */
AVX512_INLINE avx512_vector avx512_spread(const float *from)
{
    avx512_vector spread;
    __asm__("vbroadcastss %1, %0" : "=v"(spread) : "m"(*from));
    return spread;
}

/* Two neighbours in turn. */
AVX512_INLINE avx512_vector avx512_spread_two(const float *from)
{
    avx512_vector spread;
    __asm__("vbroadcastsd %1, %0" : "=v"(spread) : "m"(*(const float(*)[2])from));
    return spread;
}

/* sum += a·b */
AVX512_INLINE void avx512_add(avx512_vector *sum, avx512_vector a, avx512_vector b)
{
    __asm__("vfmadd231ps %2, %1, %0" : "+v"(*sum) : "v"(a), "v"(b));
}

/* sum += a·*b, … */
AVX512_INLINE void avx512_add_spread(avx512_vector *sum, avx512_vector a, const float *b)
{
    __asm__("vfmadd231ps %2%{1to16%}, %1, %0" : "+v"(*sum) : "v"(a), "m"(*b));
}

/* … and the same with pairs of bf16 in each lane: sum += a₀·b₀ + a₁·b₁. Wants AVX512-BF16. */
AVX512_INLINE void avx512_add_bf16(avx512_vector *sum, avx512_vector a, avx512_vector b)
{
    __asm__("vdpbf16ps %2, %1, %0" : "+v"(*sum) : "v"(a), "v"(b));
}

AVX512_INLINE void avx512_add_bf16_spread(avx512_vector *sum, avx512_vector a, const float *b)
{
    __asm__("vdpbf16ps %2%{1to16%}, %1, %0" : "+v"(*sum) : "v"(a), "m"(*b));
}

/* Two pixels of 8 channels in a vector: lane 2·f + i is channel f of pixel i. As one pixel of 16
 * channels, the last of them zero, and two such pixels together. */
AVX512_INLINE avx512_vector avx512_first_of_pair(avx512_vector pair)
{
    const avx512_places places = {0, 2, 4, 6, 8, 10, 12, 14, 16, 16, 16, 16, 16, 16, 16, 16};
    return __builtin_shuffle(pair, (avx512_vector){0}, places);
}

AVX512_INLINE avx512_vector avx512_second_of_pair(avx512_vector pair)
{
    const avx512_places places = {1, 3, 5, 7, 9, 11, 13, 15, 16, 16, 16, 16, 16, 16, 16, 16};
    return __builtin_shuffle(pair, (avx512_vector){0}, places);
}

AVX512_INLINE avx512_vector avx512_pair(avx512_vector first, avx512_vector second)
{
    const avx512_places places = {0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23};
    return __builtin_shuffle(first, second, places);
}

#endif
