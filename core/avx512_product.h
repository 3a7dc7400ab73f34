/* Products: convolutions of images row by row (avx512_row.h), as the forward pass of a layer needs
 * them, and with other weights its data gradient. Knows windows and padding, knows nothing of
 * layers.
 *
 * What is read stands in planes of 1 or 16 channels, what is written in panels of 16. Some rows of
 * an image are computed at once. Where they want padding, what they read is copied to where it
 * stands around the pixels, except for rows of zeros above and below planes of 16, which are left
 * out of the sums. */
#ifndef CORE_AVX512_PRODUCT_H
#define CORE_AVX512_PRODUCT_H

#include "core/avx512_row.h"
#include "core/block.h"
#include "core/padding.h"

/* What is asked for. */
struct avx512_wish {
    struct padding padding;    /* of what is read: windows, and lanes: 1 or 16 */
    int64_t channels, filters; /* that are read, written */
    int members;
};

/* Where the rows of an image are read: some at once. */
struct avx512_stage {
    bool used;                    /* else they are read where they are */
    int64_t above;                /* rows of zeros that are left out */
    int64_t rows;                 /* of an image, with those of padding that are not left out */
    int64_t row, plane, image;    /* numbers; image: of all planes */
    int64_t bare_row, bare_plane; /* of what is copied */
    real *numbers;                /* (members, image), zero where nothing is ever written */
};

/* What one row of taps reads for a pixel: runs of neighbouring numbers. */
struct avx512_runs {
    int64_t count, run; /* numbers of each */
    int64_t weights;    /* numbers of its weights in a panel */
    int64_t *at;        /* where they begin, row of taps after row, counted from the first used */
};

struct avx512_product {
    struct avx512_wish wish;
    struct avx512_row_kind kind;
    struct avx512_row_cut cut, last; /* last: of a panel that is left over, alone */
    struct avx512_stage stage;
    int64_t planes, panels; /* of what is read; of what is written */
    int64_t height, width;  /* of what is written */
    int64_t rows_at_once;   /* of it */
    struct avx512_runs runs;
    real *w, *start; /* as avx512_row wants them, a group of kind.panels after the other */
};

/* False when there are no tiles for that. */
bool avx512_product_make(const struct avx512_wish *wish, struct avx512_product *out);
void avx512_product_reserve(struct avx512_product *product, struct block *memory);
/* Once, before anything is put or run. */
void avx512_product_fill(struct avx512_product *product);

/* Where a weight is: filter, channel, row and column of its tap. */
struct avx512_weight {
    int64_t filter, channel, row, column;
};
/* Its place in w; where kind.pairs, also the one behind it. Like that for `start`. What is never
 * written is zero. */
int64_t avx512_product_place(const struct avx512_product *product, const struct avx512_weight *at);

/* Rows of an image (planes, height, width, lanes) as they are read: stage.row from row to row,
 * stage.plane from plane to plane. */
struct avx512_rows {
    const real *numbers;
    int64_t first; /* which row that is: 0 is the first one that is not left out */
};

/* What rows first … end − 1 of what is written read, rows_at_once at most. It stands there until
 * the member asks for others. */
struct avx512_rows avx512_product_rows(const struct avx512_product *product, int member,
                                       const real *image, int64_t first, int64_t end);

/* Where a row goes. */
struct avx512_target {
    real *y;
    int64_t step, panel; /* from one pixel to the next, from one panel to the next */
};
/* Row number `row` of an image that wants no padding beside its rows. */
void avx512_product_row(const struct avx512_product *product, const real *image, int64_t row,
                        struct avx512_target target);
/* All rows of an image: y (panels, height, width, 16). */
void avx512_product_run(const struct avx512_product *product, int member, const real *image,
                        real *y);

#endif
