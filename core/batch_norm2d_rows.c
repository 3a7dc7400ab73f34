/* Rows of numbers for batch normalization. */
#include "core/batch_norm2d_rows.h"

#include <string.h>

VECTOR_CLONES static void add(const real *x, int64_t count, double *sums)
{
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES)
        for (int64_t lane = 0; lane < LANES; lane++)
            sums[lane] += (double)x[i + lane];
    for (int64_t lane = 0; i < count; i++, lane++)
        sums[lane] += (double)x[i];
}

void rows_add(const real *x, int64_t count, struct double_lanes *sums)
{
    add(x, count, sums->value);
}

VECTOR_CLONES static void add_squares(const real *x, int64_t count, const double *mean,
                                      double *restrict sums)
{
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES)
        for (int64_t lane = 0; lane < LANES; lane++) {
            double d = (double)x[i + lane] - mean[lane];
            sums[lane] += d * d;
        }
    for (int64_t lane = 0; i < count; i++, lane++) {
        double d = (double)x[i] - mean[lane];
        sums[lane] += d * d;
    }
}

void rows_add_squares(const real *x, int64_t count, const struct double_lanes *mean,
                      struct double_lanes *sums)
{
    add_squares(x, count, mean->value, sums->value);
}

VECTOR_CLONES static void mask(real *restrict dy, const real *restrict y, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        dy[i] = y[i] > 0 ? dy[i] : 0;
}

VECTOR_CLONES static void add_slopes(const struct rows_slopes *rows, const double *mean,
                                     double *restrict sums, double *restrict products)
{
    const real *x = rows->x, *dy = rows->dy;
    int64_t i = 0;
    for (; i + LANES <= rows->count; i += LANES)
        for (int64_t lane = 0; lane < LANES; lane++) {
            sums[lane] += (double)dy[i + lane];
            products[lane] += (double)dy[i + lane] * ((double)x[i + lane] - mean[lane]);
        }
    for (int64_t lane = 0; i < rows->count; i++, lane++) {
        sums[lane] += (double)dy[i];
        products[lane] += (double)dy[i] * ((double)x[i] - mean[lane]);
    }
}

void rows_add_slopes(struct rows_slopes *rows)
{
    if (rows->y)
        mask(rows->dy, rows->y, rows->count);
    add_slopes(rows, rows->mean->value, rows->sums.value, rows->products.value);
}

/* Written once, compiled for each of its uses. A NaN goes through the ReLU. */
__attribute__((always_inline)) static inline void
normalize_rows(const struct rows_normal *rows, real *restrict y, bool other, bool relu)
{
    const struct lanes mean = rows->mean, scale = rows->scale, shift = rows->shift;
    const real *x = rows->x, *r = rows->other;
    int64_t i = 0;
    for (; i + LANES <= rows->count; i += LANES)
        for (int64_t lane = 0; lane < LANES; lane++) {
            real value = (x[i + lane] - mean.value[lane]) * scale.value[lane] + shift.value[lane];
            value = other ? value + r[i + lane] : value;
            y[i + lane] = relu && value <= 0 ? 0 : value;
        }
    for (int64_t lane = 0; i < rows->count; i++, lane++) {
        real value = (x[i] - mean.value[lane]) * scale.value[lane] + shift.value[lane];
        value = other ? value + r[i] : value;
        y[i] = relu && value <= 0 ? 0 : value;
    }
}

VECTOR_CLONES static void normalize(const struct rows_normal *rows, real *y)
{
    normalize_rows(rows, y, false, false);
}

VECTOR_CLONES static void normalize_relu(const struct rows_normal *rows, real *y)
{
    normalize_rows(rows, y, false, true);
}

VECTOR_CLONES static void normalize_add(const struct rows_normal *rows, real *y)
{
    normalize_rows(rows, y, true, false);
}

VECTOR_CLONES static void normalize_add_relu(const struct rows_normal *rows, real *y)
{
    normalize_rows(rows, y, true, true);
}

void rows_normalize(const struct rows_normal *rows)
{
    if (rows->other && rows->relu)
        normalize_add_relu(rows, rows->y);
    else if (rows->other)
        normalize_add(rows, rows->y);
    else if (rows->relu)
        normalize_relu(rows, rows->y);
    else
        normalize(rows, rows->y);
}

VECTOR_CLONES static void gradient(const struct rows_gradient *rows, real *restrict dx)
{
    const struct lanes mean = rows->mean, same = rows->same, lean = rows->lean, level = rows->level;
    const real *x = rows->x, *dy = rows->dy;
    int64_t i = 0;
    for (; i + LANES <= rows->count; i += LANES)
        for (int64_t lane = 0; lane < LANES; lane++)
            dx[i + lane] = dy[i + lane] * same.value[lane] -
                           (x[i + lane] - mean.value[lane]) * lean.value[lane] - level.value[lane];
    for (int64_t lane = 0; i < rows->count; i++, lane++)
        dx[i] = dy[i] * same.value[lane] - (x[i] - mean.value[lane]) * lean.value[lane] -
                level.value[lane];
}

void rows_gradient(const struct rows_gradient *rows)
{
    if (rows->dx)
        gradient(rows, rows->dx);
    if (rows->dother)
        memcpy(rows->dother, rows->dy, (size_t)rows->count * sizeof *rows->dy);
}
