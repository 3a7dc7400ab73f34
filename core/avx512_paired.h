/* Paired: images of bf16 as words, each of two pixels' numbers of one channel, which processors
 * with AVX512-BF16 multiply and add at once. Knows nothing of layers.
 *
 * Rows are those of blocks of 16 channels; word number i of a row is (pixel i·step, pixel i·step +
 * apart), missing pixels being zero. */
#ifndef CORE_AVX512_PAIRED_H
#define CORE_AVX512_PAIRED_H

#include "core/number.h"

struct avx512_paired {
    int64_t pixels, before; /* of a row, and zeros in front of them */
    int64_t step, apart;
    int64_t words;
};

/* Pixels of room for a row with its zeros, which paired rows are made from. */
int64_t avx512_paired_room(const struct avx512_paired *paired);

/* A row of pixels as words: (words, 16). `room` is all zero at first, and nobody else writes it. */
void avx512_paired_put(const struct avx512_paired *paired, const bf16 *row, bf16 *room,
                       real *words);

/* Σ over (rows, words, 16) of both numbers of each word, added to sums (16). */
void avx512_paired_add(const real *words, int64_t count, real *sums);

#endif
