/* Rows of numbers for batch normalization: LANES at a time, number i of a row belongs to channel i
 * mod block. They are reals or bf16 (enum number); what is reckoned from them is real or double, in
 * the same order with every instruction set. Knows nothing of layers, shards or layouts beyond
 * that. */
#ifndef CORE_BATCH_NORM2D_ROWS_H
#define CORE_BATCH_NORM2D_ROWS_H

#include "core/number.h"

#include <stdbool.h>

enum {
    LANES = 16,
    WORD_ROWS = 32, /* rows whose bits make up LANES words of what passed: bit r of word l is for
                      lane l of row r, so that no bit ever moves to another lane */
    ROWS_PIECE = 8  /* rows of bf16 whose sums are real, before they are added up in double */
};

/* One number for each lane of a row. */
struct lanes {
    real value[LANES];
};
struct double_lanes {
    double value[LANES];
};

/* What a group of channels that lie together is summed up to, around a number for each lane, which
 * a real can hold. */
struct rows_sums {
    struct double_lanes around, sums, products;
};
/* y = (x − mean)·scale + shift */
struct rows_affine {
    struct lanes mean, scale, shift;
};
/* dx = dy·same − (x − mean)·lean − level */
struct rows_slope {
    struct lanes mean, same, lean, level;
};

/* sums += x − around and products += (x − around)²; here `around` must be numbers of x's kind. */
struct rows_moments {
    const void *x;
    int64_t count;
    struct rows_sums *to;
};

/* y by the affine, plus `other` when it is not NULL, through a ReLU when `passed` is not: there is
 * left what was above 0. */
struct rows_normal {
    const void *x, *other;
    void *y;
    uint32_t *passed; /* (rows_words(count)) */
    int64_t count;
    const struct rows_affine *by;
};

/* sums += dy and products += dy·(x − around), where dy counts only where it passed: everywhere when
 * `passed` is NULL. */
struct rows_slopes {
    const void *x, *dy;
    const uint32_t *passed;
    int64_t count;
    struct rows_sums *to;
};

/* dx by the slope and dother = dy, each where it is not NULL, of the dy that passed. dother may be
 * dy itself. */
struct rows_gradient {
    const void *x, *dy;
    const uint32_t *passed;
    void *dx, *dother;
    int64_t count;
    const struct rows_slope *by;
};

/* How they are computed: one for each instruction set, and its functions for each kind of number.
 */
struct rows_kernel;
const struct rows_kernel *rows_best(void);

void rows_add_moments(const struct rows_kernel *kernel, enum number number,
                      const struct rows_moments *rows);
void rows_normalize(const struct rows_kernel *kernel, enum number number,
                    const struct rows_normal *rows);
void rows_add_slopes(const struct rows_kernel *kernel, enum number number,
                     const struct rows_slopes *rows);
void rows_gradient(const struct rows_kernel *kernel, enum number number,
                   const struct rows_gradient *rows);

/* Words of what passed of that many numbers. */
static inline int64_t rows_words(int64_t count)
{
    int64_t whole = LANES * WORD_ROWS;
    return (count / whole + (count % whole > 0)) * LANES;
}

#endif
