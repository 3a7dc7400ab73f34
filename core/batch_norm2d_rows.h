/* Rows of numbers for batch normalization: LANES at a time, number i of a row belongs to channel i
 * mod block. Knows nothing of layers, shards or layouts beyond that. */
#ifndef CORE_BATCH_NORM2D_ROWS_H
#define CORE_BATCH_NORM2D_ROWS_H

#include "core/tensor.h"

#include <stdbool.h>

enum { LANES = 16 };

/* One number for each lane of a row. */
struct lanes {
    real value[LANES];
};
struct double_lanes {
    double value[LANES];
};

/* sums += x, lane by lane. */
void rows_add(const real *x, int64_t count, struct double_lanes *sums);
/* sums += (x − mean)². */
void rows_add_squares(const real *x, int64_t count, const struct double_lanes *mean,
                      struct double_lanes *sums);

/* sums += dy and products += dy·(x − mean). With y, what a ReLU behind it let through counts alone:
 * dy is set to 0 where y is not above 0. */
struct rows_slopes {
    const real *x;
    real *dy;
    const real *y; /* NULL: no ReLU */
    int64_t count;
    const struct double_lanes *mean;
    struct double_lanes sums, products;
};
void rows_add_slopes(struct rows_slopes *rows);

/* y = (x − mean)·scale + shift, plus `other` when it is not NULL, through a ReLU when wanted. */
struct rows_normal {
    const real *x, *other;
    real *y;
    int64_t count;
    bool relu;
    struct lanes mean, scale, shift;
};
void rows_normalize(const struct rows_normal *rows);

/* dx = dy·same − (x − mean)·lean − level; dother = dy when it is not NULL. */
struct rows_gradient {
    const real *x, *dy;
    real *dx, *dother;
    int64_t count;
    struct lanes mean, same, lean, level;
};
void rows_gradient(const struct rows_gradient *rows);

#endif
