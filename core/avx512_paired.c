/* Paired images: see avx512_paired.h. */
#if defined(__x86_64__) && TRAIND_ONEDNN
#include "core/avx512_paired.h"

#include "core/avx512.h"

#include <immintrin.h>

#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl")))

/* The last pixel that a row's words look at. */
static int64_t last(const struct avx512_paired *p)
{
    return (p->words - 1) * p->step + p->apart;
}

int64_t avx512_paired_room(const struct avx512_paired *p)
{
    int64_t end = p->before + p->pixels;
    return last(p) < end ? end : last(p) + 1;
}

TARGET void avx512_paired_put(const struct avx512_paired *p, const bf16 *row, bf16 *room,
                              real *words)
{
    const __m512i turns =
        _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6,
                         21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    const bf16 *from = row;
    if (p->before > 0 || last(p) >= p->pixels) {
        memcpy(room + p->before * AVX512_LANES, row,
               (size_t)(p->pixels * AVX512_LANES) * sizeof *row);
        from = room;
    }
    const bf16 *second = from + p->apart * AVX512_LANES;
    for (int64_t i = 0; i < p->words; i++, words += AVX512_LANES) {
        int64_t at = i * p->step * AVX512_LANES;
        __m256i one = _mm256_loadu_si256((const __m256i *)(from + at));
        __m256i two = _mm256_loadu_si256((const __m256i *)(second + at));
        __m512i both = _mm512_inserti64x4(_mm512_castsi256_si512(one), two, 1);
        _mm512_storeu_si512(words, _mm512_permutexvar_epi16(turns, both));
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
