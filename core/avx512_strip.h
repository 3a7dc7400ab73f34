/* Strips: gradients of weights, for some weights at once and 16 filters each, summed up over the
 * pixels of an image's rows. Knows nothing of layers.
 *
 * A strip is `length` weights whose numbers of x lie side by side for every pixel. With pixels
 * (r, p) of dy and lanes f of a panel v, for each strip and its number i
 *
 *   dw[strip.dw + i·16](v, f) += Σ x[strip.x + r·x_row + p·x_step + i]·dy(r, p, v, f)
 *
 * Sums are taken in the order of rows and pixels, whatever other strips are computed beside. */
#ifndef CORE_AVX512_STRIP_H
#define CORE_AVX512_STRIP_H

#include "core/tensor.h"

#include <stdbool.h>

struct avx512_strip {
    int64_t x, dw;
};

struct avx512_strips {
    const struct avx512_strip *strips;
    const real *x, *dy; /* dy: (rows, dy_row), pixels of 16 lanes side by side */
    real *dw;
    real *db; /* Σ dy of the panels is added there, 16 filters side by side; NULL: not wanted */
    int64_t rows, pixels;
    int64_t x_row, x_step, dy_row;
    int64_t dy_panel, dw_panel; /* from one panel to the next */
};

/* What a tile is compiled for. */
struct avx512_strip_kind {
    int strips, length;
    int panels; /* 1 or 2 */
    bool pairs; /* of filters there are 8 at most; two pixels are computed in a vector. One panel,
                   x_step 1, length 3, 5 or 7, and x may be read one number behind the last */
};

typedef void avx512_strip_tile(const struct avx512_strips *strips);

/* The longest strip. */
enum { AVX512_STRIP_MAX = 8 };

/* How many strips of that length one tile can take: at least 1. */
int avx512_strip_most(int length, int panels, bool pairs);
avx512_strip_tile *avx512_strip_tile_of(const struct avx512_strip_kind *kind);

#endif
