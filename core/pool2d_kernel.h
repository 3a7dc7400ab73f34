/* Between pool2d.c and the loops of each instruction set. */
#ifndef CORE_POOL2D_KERNEL_H
#define CORE_POOL2D_KERNEL_H

#include "core/number.h"
#include "core/pool2d_windows.h"

#include <stdbool.h>

/* Max pooling keeps the winner's place in its window: tap row × kernel width + tap column. Behind
 * or in front of a ReLU nothing passes where y is not above 0. */
enum { POOL2D_TAPS = 255, POOL2D_NOTHING = 255 };

enum pool2d_work {
    POOL2D_MAX,
    POOL2D_MAX_RELU, /* of max pooling and a ReLU, in either order */
    POOL2D_MEAN,
    POOL2D_SHARES, /* dy divided by what a window counts for */
    POOL2D_MAX_BACK,
    POOL2D_MEAN_BACK, /* reads shares */
    POOL2D_WORKS
};

enum { POOL2D_NUMBERS = NUMBER_BF16 + 1 };

/* One image of one block of channels. */
struct pool2d_plane {
    const struct pool2d_windows *windows;
    int64_t block;
    const void *x, *dy;
    void *y, *dx;
    int64_t x_room, y_room; /* numbers from x or dx, from y or dy on that the call may touch */
    uint8_t *winners;
    /* Backward pass of means in blocks: the shares of all outputs. Of single channels:
     * windows->lines.scratch numbers. */
    real *scratch;
};

/* A part of the outputs or, in backward passes, of the inputs; loops over cells have cells for its
 * columns. */
struct pool2d_part {
    struct pool2d_range rows, columns;
};

/* False: there may be a NaN in it, and a careful loop must go over it. */
typedef bool pool2d_part_run(const struct pool2d_plane *plane, const struct pool2d_part *part);
typedef void pool2d_plane_run(const struct pool2d_plane *plane);

/* A loop over whole windows of one size, or over cells of one width. */
struct pool2d_special {
    int64_t size[2]; /* forward: the kernel's height and width; backward: its width and stride */
    pool2d_part_run *run[POOL2D_NUMBERS];
};

enum { POOL2D_SPECIALS = 4 };

struct pool2d_loops {
    pool2d_part_run *any[POOL2D_NUMBERS]; /* any windows, careful */
    struct pool2d_special special[POOL2D_SPECIALS];
    pool2d_plane_run *single[POOL2D_NUMBERS]; /* whole planes of block 1; not adaptive pooling */
};

struct pool2d_kernel {
    const char *name;
    int lanes; /* blocks are multiples of it */
    struct pool2d_loops works[POOL2D_WORKS];
};

/* Planes of block 1 in adaptive pooling. */
void pool2d_adaptive(const struct pool2d_plane *plane, enum number number);
void pool2d_adaptive_back(const struct pool2d_plane *plane, enum number number);

extern const struct pool2d_kernel pool2d_baseline;
#if defined(__x86_64__)
extern const struct pool2d_kernel pool2d_avx2, pool2d_avx512;
#endif

#endif
