/* Matrix products C = A·B over views: in registers, by vectors of the best instruction set this
 * processor has. Knows nothing of layers.
 *
 * A need not lie in memory as a matrix. Its number (i, k) is a[row(i) + inner(k)], where both
 * indices are cut into runs that stand anywhere: so the columns of a convolution
 * (every output's pixels, im2col) are multiplied without ever being written down. B and C are in
 * panels of GEMM_LANES neighbouring columns.
 *
 * Every number of C is the sum of its products in the order of k, in blocks of GEMM_BLOCK summed up
 * apart: the digits depend neither on the instruction set nor on which other rows are computed
 * along with it. No multiplication is fused with its addition, see core/README.md; where the
 * processor has units for both side by side, nothing is lost by that. */
#ifndef CORE_GEMM_H
#define CORE_GEMM_H

#include "core/tensor.h"

#include <stdbool.h>

enum { GEMM_LANES = 16, GEMM_BLOCK = 256 };

/* A run of `run` > 0 indices: where the first stands in A and in the other matrix. */
struct gemm_place {
    int64_t a, other, run;
};

/* An index of a product: the runs at all places, one after the other. */
struct gemm_axis {
    const struct gemm_place *places;
    int64_t count;              /* of places */
    int64_t a_step, other_step; /* from one index of a run to the next */
};

struct gemm {
    struct gemm_axis rows;  /* of A and C */
    struct gemm_axis inner; /* of A and B, where a row of a panel is GEMM_LANES numbers */
    const real *a, *b;
    real *c;
    int64_t columns;          /* of B and C; the last panel of C may be narrower than the others */
    int64_t b_panel, c_panel; /* from one panel to the next */
    bool add;                 /* C += A·B */
    const real *start; /* else C = start + A·B: one number a column, in whole panels; NULL: 0 */
    bool lanewise; /* A holds GEMM_LANES numbers at each place, and lane is multiplied by lane: many
                      products at once. One panel */
};

/* The products of one instruction set. */
struct gemm_kernel;

const struct gemm_kernel *gemm_best(void);
const char *gemm_name(const struct gemm_kernel *kernel);

void gemm_run(const struct gemm_kernel *kernel, const struct gemm *gemm);

#endif
