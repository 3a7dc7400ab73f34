/* Matrix products in plain C, row-major, for the reference kernels. Loops run so that the innermost
 * one is over neighbours in memory and the compiler makes vectors of it; each result is summed in
 * one fixed order. */
#ifndef CORE_MATRIX_H
#define CORE_MATRIX_H

#include "core/tensor.h"

struct matrix_size {
    int64_t rows, columns;  /* of the result */
    int64_t inner;          /* length of the sums */
    int64_t b_step, c_step; /* from one row of B, of C, to the next; 0: they lie close */
};

/* C (rows, columns) += A (rows, inner) · B (inner, columns) */
void matrix_add_ab(const real *a, const real *b, real *c, struct matrix_size size);
/* C (rows, columns) += A (rows, inner) · B (columns, inner)ᵀ */
void matrix_add_abt(const real *a, const real *b, real *c, struct matrix_size size);
/* C (rows, columns) += A (inner, rows)ᵀ · B (inner, columns) */
void matrix_add_atb(const real *a, const real *b, real *c, struct matrix_size size);

/* out[i] = slot₀[i] + slot₁[i] + …, in that order: slot k begins at slots + k·stride. */
void shards_sum(const real *slots, int64_t stride, int64_t shards, real *out, int64_t count);

#endif
