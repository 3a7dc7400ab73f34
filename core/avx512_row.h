/* Rows of pixels: sums of products with weights for some pixels side by side, 16 channels at once.
 * Knows nothing of layers: a convolution is this in its forward pass, and in its data gradient with
 * other weights.
 *
 * With lanes f of a panel v, pixels p and taps t of a row of the kernel,
 *
 *   y(p, v, f) = start(v, f) + Σ x[run + j + (p + t)·step]·w(run, j, t, v, f)
 *
 * over all runs and their numbers j. The order of each sum is that of the weights, whatever other
 * pixels are computed beside it. */
#ifndef CORE_AVX512_ROW_H
#define CORE_AVX512_ROW_H

#include "core/tensor.h"

#include <stdbool.h>

struct avx512_row {
    const real *x;          /* where runs are counted from, for the row's first pixel */
    const int64_t *runs;    /* where each begins */
    int64_t run_count, run; /* numbers of each, side by side */
    const real *w;          /* (run_count, run, taps, panels, 16) */
    const real *start;      /* (panels, 16) */
    real *y;
    int64_t y_step, y_panel; /* from one pixel to the next, from one panel to the next */
    bool odd;                /* the last pair is one pixel: set by avx512_row_run */
};

/* What a row's tile is compiled for. */
struct avx512_row_kind {
    int taps;   /* computed together: x is read once for all; more than 1 only where they lie as far
                   apart as the pixels */
    int panels; /* together */
    int step;   /* numbers from one pixel of x to the next */
    bool pairs; /* two pixels in a vector, of 8 channels each: lane 2·f + i of w is channel f, for
                   both i, and so is start's; y's lanes from 8 on become zero */
};

typedef void avx512_row_tile(const struct avx512_row *row);

/* A row of `pixels` in tiles of much the same size. */
struct avx512_row_cut {
    avx512_row_tile *const *tiles; /* of 1… pixels, or pairs of them */
    int64_t count, size, longer;   /* so many; the first `longer` ones of size + 1 */
    int64_t x_step;                /* from one pixel, or pair of them, to the next */
    int width;                     /* 2 with pairs */
    bool odd;
};

/* False when there is no such kind. */
bool avx512_row_cut(const struct avx512_row_kind *kind, int64_t pixels, struct avx512_row_cut *out);

/* Changes row->x, row->y and row->odd. */
void avx512_row_run(const struct avx512_row_cut *cut, struct avx512_row *row);

#endif
