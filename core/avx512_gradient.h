/* Gradients of a convolution's weights out of strips (avx512_strip.h), for samples of one shard.
 * Knows windows and padding, knows nothing of layers.
 *
 * x is in blocks of 16 channels, reals or bf16, or in planes of one channel, reals; dy has 16
 * channels side by side and x's numbers; the gradients are reals. Of bf16 two images are multiplied
 * and added at once; that wants AVX512-BF16.
 *
 * A slot holds the gradients of one shard: for each panel its weights, 16 filters side by side, and
 * behind all panels Σ dy of the filters, the gradients of their biases. */
#ifndef CORE_AVX512_GRADIENT_H
#define CORE_AVX512_GRADIENT_H

#include "core/avx512_paired.h"
#include "core/avx512_product.h"
#include "core/avx512_strip.h"

/* How x is read. */
enum avx512_source {
    AVX512_BARE,   /* where it is: rows and columns of zeros around it are left out */
    AVX512_STAGED, /* where a product reads it */
    AVX512_PAIRED  /* bf16: as AVX512_BARE, but it and dy of two images at once as words */
};

/* Images as they are read: from row to row, plane to plane, image (or pair of images) to image, and
 * from one pixel of dy to the next; dy's planes are its panels. */
struct avx512_view {
    int64_t row, plane, image, step;
};

/* Strips that one tile computes. */
struct avx512_batch {
    int64_t strip; /* the first one's number */
    int strips, length;
    int64_t x;                /* where strips are counted from */
    int64_t first[2], end[2]; /* rows and columns of dy that read pixels of x by them */
};

/* All of them. */
struct avx512_batches {
    int64_t strip_count, count;
    struct avx512_strip *strips;
    struct avx512_batch *list;
    int64_t complete; /* one that all of dy goes into; −1: there is none */
};

/* How many words pairs of images of bf16 make at once. */
struct avx512_words {
    int64_t x, dy;
};

struct avx512_shape {
    int64_t planes, run;           /* of x; run: channels of a plane */
    int64_t panels, height, width; /* of dy */
};

/* Images, as they are read, and rows of dy. */
struct avx512_share {
    int64_t images, rows;
};

struct avx512_gradient {
    struct padding padding;               /* of x */
    const struct avx512_product *product; /* AVX512_STAGED: must not move; else NULL */
    enum avx512_source source;
    enum avx512_strip_numbers numbers;
    struct avx512_shape shape;
    int64_t size[2], lead[2]; /* rows and columns of x as it is read; those that are left out */
    struct avx512_view x, dy;
    struct avx512_share at_once;
    int64_t panel, slot; /* numbers */
    struct avx512_batches batches;
    struct avx512_words words;
};

/* What is asked for. */
struct avx512_task {
    struct padding padding; /* of x: windows, lanes 1 or 16, and its numbers */
    int64_t channels, filters;
    const struct avx512_product *product; /* that reads the same x; NULL: none does */
};

/* False when x would have to be staged and no product does. */
bool avx512_gradient_make(const struct avx512_task *task, struct avx512_gradient *out);
void avx512_gradient_reserve(struct avx512_gradient *gradient, struct block *memory);
/* Once, before the first run. */
void avx512_gradient_fill(struct avx512_gradient *gradient);

/* Where a weight's gradient stands in a slot, and where those of the biases begin. */
int64_t avx512_gradient_place(const struct avx512_gradient *gradient,
                              const struct avx512_weight *at);
int64_t avx512_gradient_biases(const struct avx512_gradient *gradient);
/* The weights' gradients of a slot as (panels·16, channels, rows, columns), where x is in blocks;
 * bf16 have whole blocks of channels. */
void avx512_gradient_take(const struct avx512_gradient *gradient, const real *slot, real *plain);

/* x (count, planes, height, width, lanes) and dy (count, panels, height, width, 16). */
struct avx512_samples {
    const void *x, *dy;
    int64_t count;
    int member;  /* for what the product has staged */
    real *words; /* bf16: room for gradient.words.x + gradient.words.dy; any content */
};
/* slot = the gradients by all samples, in their order; those of biases only when they are wanted.
 */
void avx512_gradient_run(const struct avx512_gradient *gradient,
                         const struct avx512_samples *samples, real *slot, bool biases);

#endif
