/* Windows of pooling: which inputs each output looks at, along rows and along columns. Knows
 * nothing of numbers. */
#ifndef CORE_POOL2D_WINDOWS_H
#define CORE_POOL2D_WINDOWS_H

#include "core/plan.h"

/* The inputs of an axis that one output looks at. */
struct pool2d_span {
    int64_t start;      /* may lie outside the image */
    int64_t first, end; /* inside; never empty */
    int64_t divisor;    /* what they count for in a mean */
};

/* From … to; `end` is behind the last one. */
struct pool2d_range {
    int64_t first, end;
};

struct pool2d_axis {
    int64_t in, out;
    int64_t kernel, stride, padding; /* kernel 0: windows of adaptive pooling, of any size */
    struct pool2d_span *spans;       /* (out) */
    struct pool2d_range *seen_by;    /* (in): the outputs that look at it; may be empty */
    struct pool2d_range whole;       /* the outputs whose windows lie inside the image */
    /* Output o begins a cell of `stride` inputs where its window starts. Of these cells all inputs
     * are there, and all outputs that could look at them. */
    struct pool2d_range cells;
};

/* For planes of single channels, whose rows are taken in vectors: lengths of rows in scratch
 * memory, all of them whole vectors with room for one more behind them. */
enum { POOL2D_VECTOR = 16 };
struct pool2d_lines {
    int64_t line;    /* of inputs: the padding, the row, and as far as the last vectors look */
    int64_t overlap; /* how many outputs before its own look into a cell */
    int64_t share;   /* of outputs: so many zeros, the row, and zeros up to the last cells */
    int64_t cells;   /* that hold inputs */
    int64_t work;    /* backward: where a row of cells is put together */
    int64_t scratch; /* numbers for a plane, in either direction */
    real *divisors;  /* of the columns of outputs */
    uint8_t *firsts; /* of them: their first tap inside the image */
};

struct pool2d_windows {
    struct pool2d_axis rows, columns;
    struct pool2d_lines lines;
    void *arrays; /* one allocation */
};

/* Of a layer max_pool2d, avg_pool2d or adaptive_avg_pool2d. False: memory is gone. */
bool pool2d_windows_make(const struct plan_layer *layer, struct pool2d_windows *windows);
void pool2d_windows_drop(struct pool2d_windows *windows);

#endif
