/* Adaptive pooling over planes of single channels, window by window: they have all sizes. */
#include "core/pool2d_kernel.h"

#include <string.h>

/* Written once, compiled for each kind of numbers. */
static inline __attribute__((always_inline)) void mean(const struct pool2d_plane *p,
                                                       const enum number number)
{
    const struct pool2d_axis *rows = &p->windows->rows, *columns = &p->windows->columns;
    for (int64_t o = 0; o < rows->out * columns->out; o++) {
        const struct pool2d_span ys = rows->spans[o / columns->out];
        const struct pool2d_span xs = columns->spans[o % columns->out];
        real sum = 0;
        for (int64_t iy = ys.first; iy < ys.end; iy++)
            for (int64_t ix = xs.first; ix < xs.end; ix++)
                sum += number_get(number, p->x, iy * columns->in + ix);
        number_put(number, p->y, o, sum / (real)(ys.divisor * xs.divisor));
    }
}

void pool2d_adaptive(const struct pool2d_plane *plane, enum number number)
{
    if (number == NUMBER_BF16)
        mean(plane, NUMBER_BF16);
    else
        mean(plane, NUMBER_REAL);
}

/* Sums in single precision, in the outputs' order. */
void pool2d_adaptive_back(const struct pool2d_plane *plane, enum number number)
{
    const struct pool2d_axis *rows = &plane->windows->rows, *columns = &plane->windows->columns;
    const int64_t inputs = rows->in * columns->in;
    real *sums = number == NUMBER_BF16 ? plane->scratch : plane->dx;
    memset(sums, 0, (size_t)inputs * sizeof *sums);
    for (int64_t o = 0; o < rows->out * columns->out; o++) {
        const struct pool2d_span ys = rows->spans[o / columns->out];
        const struct pool2d_span xs = columns->spans[o % columns->out];
        real dy = number == NUMBER_BF16 ? number_get(NUMBER_BF16, plane->dy, o)
                                        : number_get(NUMBER_REAL, plane->dy, o);
        real share = dy / (real)(ys.divisor * xs.divisor);
        for (int64_t iy = ys.first; iy < ys.end; iy++)
            for (int64_t ix = xs.first; ix < xs.end; ix++)
                sums[iy * columns->in + ix] += share;
    }
    if (number == NUMBER_BF16)
        bf16_round_all(sums, plane->dx, inputs);
}
