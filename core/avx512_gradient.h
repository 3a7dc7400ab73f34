/* Gradients of a product's weights (avx512_product.h), image by image, out of strips
 * (avx512_strip.h). Knows nothing of layers.
 *
 * A slot holds the gradients of one shard: for each panel its weights, 16 filters side by side, and
 * behind all panels Σ dy of the filters, the gradients of their biases. */
#ifndef CORE_AVX512_GRADIENT_H
#define CORE_AVX512_GRADIENT_H

#include "core/avx512_product.h"
#include "core/avx512_strip.h"

/* Strips that one tile computes. */
struct avx512_batch {
    int64_t strip; /* the first one's number */
    int strips, length;
    int64_t x;                /* where strips are counted from */
    int64_t first[2], end[2]; /* rows and columns of dy that read pixels of x by them */
};

struct avx512_gradient {
    const struct avx512_product *product; /* must not move */
    int64_t panel, slot;                  /* numbers of a panel, of a slot */
    bool bare;                            /* x is read where it is, not where it has padding */
    int64_t rows_at_once;                 /* of dy */
    int64_t row, plane;                   /* numbers of x as it is read */
    int64_t size[2], lead[2]; /* its rows and columns, and those of padding that are left out */
    int64_t strip_count, batch_count;
    struct avx512_strip *strips;
    struct avx512_batch *batches;
    int64_t complete; /* a batch that all of dy goes into; −1: there is none */
};

void avx512_gradient_make(const struct avx512_product *product, struct avx512_gradient *out);
void avx512_gradient_reserve(struct avx512_gradient *gradient, struct block *memory);
/* Once, before the first run. */
void avx512_gradient_fill(struct avx512_gradient *gradient);

/* Where a weight's gradient stands in a slot, and where those of the biases begin. */
int64_t avx512_gradient_place(const struct avx512_gradient *gradient,
                              const struct avx512_weight *at);
int64_t avx512_gradient_biases(const struct avx512_gradient *gradient);

/* An image, and dy of it: (panels, height, width, 16). */
struct avx512_sample {
    int member;
    const real *x, *dy;
};
/* slot += the gradients by one sample; those of biases only when they are wanted. */
void avx512_gradient_add(const struct avx512_gradient *gradient, const struct avx512_sample *sample,
                         real *slot, bool biases);

#endif
