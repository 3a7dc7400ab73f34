/* Paired images: see avx512_paired.h. */
#if defined(__x86_64__) && TRAIND_ONEDNN
#include "core/avx512_paired.h"

#include "core/avx512.h"

#include <immintrin.h>

#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl")))

TARGET void avx512_paired_put(const bf16 *first, const bf16 *second, int64_t count, real *words)
{
    for (int64_t i = 0; i < count; i += AVX512_LANES) {
        __m512i one = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(first + i)));
        if (second) {
            __m512i two = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(second + i)));
            one = _mm512_or_si512(one, _mm512_slli_epi32(two, 16));
        }
        _mm512_storeu_si512(words + i, one);
    }
}

AVX512_TARGET void avx512_paired_add(const real *words, int64_t count, real *sums)
{
    const avx512_places ones = (avx512_places){0} + 0x3f803f80; /* pairs of 1 */
    avx512_vector all[4] = {{0}, {0}, {0}, {0}};
    int64_t i = 0;
    for (; i + 4 <= count; i += 4)
        for (int k = 0; k < 4; k++)
            avx512_add_bf16(&all[k], avx512_load(words + (i + k) * AVX512_LANES),
                            (avx512_vector)ones);
    for (; i < count; i++)
        avx512_add_bf16(&all[0], avx512_load(words + i * AVX512_LANES), (avx512_vector)ones);
    avx512_store(sums, avx512_load(sums) + ((all[0] + all[1]) + (all[2] + all[3])));
}
#endif
