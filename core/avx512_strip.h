/* Strips: gradients of weights, for some weights at once and 16 filters each, summed up over the
 * pixels of images. Knows nothing of layers.
 *
 * A strip is `length` weights whose numbers of x lie side by side for every pixel. With pixels
 * (n, r, p) of dy and lanes f of a panel v, for each strip and its number i
 *
 *   dw[strip.dw + i·16](v, f) +=
 *       Σ x[strip.x + n·x_image + r·x_row + p·x_step + i]·dy(n, r, p, v, f)
 *
 * Sums are taken in the order of images, rows and pixels, whatever other strips are computed
 * beside. */
#ifndef CORE_AVX512_STRIP_H
#define CORE_AVX512_STRIP_H

#include "core/tensor.h"

#include <stdbool.h>

struct avx512_strip {
    int64_t x, dw;
};

struct avx512_strips {
    const struct avx512_strip *strips;
    const real *x, *dy; /* dy: (images, rows, pixels of 16 lanes side by side) */
    real *dw;
    real *db; /* Σ dy of the panels is added there, 16 filters side by side; NULL: not wanted */
    int64_t images, rows, pixels;
    int64_t x_image, x_row, x_step;
    int64_t dy_image, dy_row;
    int64_t dy_panel, dw_panel; /* from one panel to the next */
};

/* What is multiplied. */
enum avx512_strip_numbers {
    AVX512_REALS,
    AVX512_PAIRS, /* two pixels in a vector; of filters there are 8 at most. One panel, x_step 1,
                     length 3, 5 or 7, and x may be read one number behind the last */
    AVX512_BF16   /* a number is a pair of bf16, of two pixels: those of x as far apart as those of
                     dy. Length 8; db must not be wanted */
};

/* What a tile is compiled for. */
struct avx512_strip_kind {
    int strips, length;
    int panels; /* 1 or 2 */
    enum avx512_strip_numbers numbers;
};

typedef void avx512_strip_tile(const struct avx512_strips *strips);

/* The longest strip. */
enum { AVX512_STRIP_MAX = 8 };

/* How many strips of that length one tile can take: at least 1. */
int avx512_strip_most(int length, int panels, enum avx512_strip_numbers numbers);
avx512_strip_tile *avx512_strip_tile_of(const struct avx512_strip_kind *kind);

#endif
