/* Matrix products in plain C: see matrix.h. */
#include "core/matrix.h"

#include <string.h>

static inline int64_t step_of(int64_t step, int64_t row)
{
    return step ? step : row;
}

VECTOR_CLONES void matrix_add_ab(const real *a, const real *b, real *c, struct matrix_size size)
{
    int64_t b_step = step_of(size.b_step, size.columns),
            c_step = step_of(size.c_step, size.columns);
    for (int64_t i = 0; i < size.rows; i++) {
        real *restrict row = c + i * c_step;
        for (int64_t k = 0; k < size.inner; k++) {
            real factor = a[i * size.inner + k];
            const real *restrict from = b + k * b_step;
            for (int64_t j = 0; j < size.columns; j++)
                row[j] += factor * from[j];
        }
    }
}

VECTOR_CLONES void matrix_add_abt(const real *a, const real *b, real *c, struct matrix_size size)
{
    /* Sixteen running sums, so that a dot product can be a vector without reordering by the
     * compiler. */
    enum { LANES = 16 };
    int64_t b_step = step_of(size.b_step, size.inner), c_step = step_of(size.c_step, size.columns);
    for (int64_t i = 0; i < size.rows; i++)
        for (int64_t j = 0; j < size.columns; j++) {
            const real *restrict p = a + i * size.inner, *restrict q = b + j * b_step;
            real lanes[LANES] = {0}, sum = 0;
            int64_t k = 0;
            for (; k + LANES <= size.inner; k += LANES)
                for (int lane = 0; lane < LANES; lane++)
                    lanes[lane] += p[k + lane] * q[k + lane];
            for (; k < size.inner; k++)
                sum += p[k] * q[k];
            for (int lane = 0; lane < LANES; lane++)
                sum += lanes[lane];
            c[i * c_step + j] += sum;
        }
}

VECTOR_CLONES void matrix_add_atb(const real *a, const real *b, real *c, struct matrix_size size)
{
    int64_t b_step = step_of(size.b_step, size.columns),
            c_step = step_of(size.c_step, size.columns);
    for (int64_t k = 0; k < size.inner; k++)
        for (int64_t i = 0; i < size.rows; i++) {
            real factor = a[k * size.rows + i];
            real *restrict row = c + i * c_step;
            const real *restrict from = b + k * b_step;
            for (int64_t j = 0; j < size.columns; j++)
                row[j] += factor * from[j];
        }
}

VECTOR_CLONES void shards_sum(const real *slots, int64_t stride, int64_t shards, real *out,
                              int64_t count)
{
    memcpy(out, slots, (size_t)count * sizeof *out);
    for (int64_t shard = 1; shard < shards; shard++) {
        const real *restrict from = slots + shard * stride;
        for (int64_t i = 0; i < count; i++)
            out[i] += from[i];
    }
}
