/* What the files of the AVX-512 conv2d share: one layer's state. */
#ifndef CORE_AVX512_CONV2D_H
#define CORE_AVX512_CONV2D_H

#include "core/avx512_gradient.h"
#include "core/op.h"

/* How dx is computed: by shape alone. */
enum avx512_way {
    AVX512_NO_DATA, /* not at all */
    AVX512_PULL,    /* a product of dy with the weights turned round: a pixel of dx looks at all
                       pixels of dy that looked at it */
    AVX512_COLUMNS  /* of few channels, all taps of a row of the kernel side by side: so the product
                       looks at one column of dy alone, and its numbers are added up afterwards */
};

/* The data gradient. */
struct avx512_data {
    enum avx512_way way;
    struct avx512_product product; /* reads dy */
    struct padding padding;        /* of x */
    int64_t channels, planes;
    bool folds;    /* dx is computed with padding around it, which is folded back then */
    int64_t whole; /* numbers of dx with it */
    real *wholes;  /* (members, whole) */
    int64_t row,
        lead;   /* by columns: numbers of a row, and of the zeros in front of and behind it */
    real *rows; /* (members, 2, row) */
};

/* Fills *out but for the memory. False when neither way can. */
struct avx512_dy {
    int64_t channels, filters; /* of the layer */
    int members;
};
bool avx512_data_make(const struct padding *x, const struct avx512_dy *dy, struct avx512_data *out);
void avx512_data_reserve(struct avx512_data *data, struct block *memory);
/* Where the layer's weight stands in product.w. */
int64_t avx512_data_place(const struct avx512_data *data, const struct avx512_weight *at);
/* dx of one image. */
void avx512_data_run(const struct avx512_data *data, int member, const real *dy, real *dx);

#endif
