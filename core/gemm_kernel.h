/* Between gemm.c and the tiles of each instruction set. */
#ifndef CORE_GEMM_KERNEL_H
#define CORE_GEMM_KERNEL_H

#include "core/gemm.h"

enum { GEMM_ROWS_MAX = 8, GEMM_PANELS_MAX = 2 };

/* A few rows of one or two panels. */
struct gemm_tile {
    const real *a[GEMM_ROWS_MAX];
    real *c[GEMM_ROWS_MAX];
    /* The indices of the sum; `other` is in B. */
    const struct gemm_place *places;
    int64_t count, a_step, b_step;
    const real *b;
    int64_t b_panel, c_panel;
    bool add;          /* C += sum */
    const real *start; /* else C = start + sum; never NULL then */
};

typedef void gemm_tile_run(const struct gemm_tile *tile);

struct gemm_kernel {
    const char *name;
    int rows, panels;                                     /* of the largest tile */
    gemm_tile_run *tiles[GEMM_PANELS_MAX][GEMM_ROWS_MAX]; /* of 1… panels and 1… rows */
    gemm_tile_run *lanewise[GEMM_ROWS_MAX];               /* one panel */
};

extern const struct gemm_kernel gemm_baseline;
#if defined(__x86_64__)
extern const struct gemm_kernel gemm_avx2, gemm_avx512;
#endif

#endif
