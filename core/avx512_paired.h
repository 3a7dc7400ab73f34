/* Paired: numbers of bf16 of two images as words, each of both images' numbers at one place, which
 * processors with AVX512-BF16 multiply and add at once. Knows nothing of layers. */
#ifndef CORE_AVX512_PAIRED_H
#define CORE_AVX512_PAIRED_H

#include "core/number.h"

/* words[i] = (first[i], second[i]), or (first[i], 0) where second is NULL; count: a multiple of 16.
 */
void avx512_paired_put(const bf16 *first, const bf16 *second, int64_t count, real *words);

/* Σ of both numbers of each word over (count, 16), added to sums (16). */
void avx512_paired_add(const real *words, int64_t count, real *sums);

#endif
