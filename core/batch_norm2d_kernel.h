/* Between batch_norm2d_rows.c and the loops of each instruction set. */
#ifndef CORE_BATCH_NORM2D_KERNEL_H
#define CORE_BATCH_NORM2D_KERNEL_H

#include "core/batch_norm2d_rows.h"

enum { ROWS_NUMBERS = NUMBER_BF16 + 1 };

/* Counts are of whole rows; the first one's bit in its words of what passed is `bit`, and bits
 * below that are left alone. */
typedef void rows_moments_run(const struct rows_moments *rows);
typedef void rows_normal_run(const struct rows_normal *rows, int bit);
typedef void rows_slopes_run(const struct rows_slopes *rows, int bit);
typedef void rows_gradient_run(const struct rows_gradient *rows, int bit);

struct rows_kernel {
    rows_moments_run *moments[ROWS_NUMBERS];
    rows_normal_run *normal[ROWS_NUMBERS][2][2]; /* with `other`; with a ReLU */
    rows_slopes_run *slopes[ROWS_NUMBERS];
    rows_gradient_run *gradient[ROWS_NUMBERS][2][2]; /* with dx; with dother */
};

extern const struct rows_kernel rows_baseline;
#if defined(__x86_64__)
extern const struct rows_kernel rows_avx2, rows_avx512, rows_avx512_bf16;
#endif

#endif
