/* What the files of the portable conv2d share: the state of one layer, and the views by which its
 * three directions are matrix products (see gemm.h).
 *
 * x stands with its padding around it, in planes of x_block channels: (height, width, x_block)
 * numbers each. y and dy are in blocks of GEMM_LANES channels. With a pixel p of y and a weight k
 * (channel and tap), x[pixels(p) + weights(k)] is what the weight reads for that pixel. So
 *
 *   y(p, f)  = Σₖ x[pixels(p) + weights(k)]·W(k, f)
 *   dW(k, f) = Σₚ x[weights(k) + pixels(p)]·dy(p, f)
 *   dx[pixels(p) + weights(c, t)] += Σ_f dy(p, f)·W(f, c), tap by tap
 *
 * A depthwise layer is the same without the sum over channels, lane by lane. */
#ifndef CORE_PORTABLE_CONV2D_H
#define CORE_PORTABLE_CONV2D_H

#include "core/conv2d_weights.h"
#include "core/gemm.h"
#include "core/op.h"
#include "core/padding.h"

/* Sizes, fixed by the layer's shape. Groups and channels as conv2d_weights arranges them. */
struct conv2d_sizes {
    int64_t groups;
    int64_t filters;        /* of a group, in whole panels; 1 when depthwise */
    int64_t planes, panels; /* of a group: of x, of y */
    int64_t taps, weights;  /* weights: of one filter */
    int64_t x_plane, y_plane;
    int64_t x_sample, y_sample; /* numbers of a sample; of x its padding included */
    int64_t lot;                /* so many samples are computed at once */
};

/* The axes of the products. */
enum conv2d_axis {
    CONV2D_PIXELS,  /* of x; other: y */
    CONV2D_WEIGHTS, /* of x; other: a panel of weights, or of their gradient */
    CONV2D_BACK,    /* the pixels of dy; other: x */
    CONV2D_FILTERS, /* of dy; other: a panel of the weights of one tap */
    CONV2D_AXES
};

struct portable_conv2d {
    const struct gemm_kernel *gemm;
    struct conv2d_weights arranged;
    struct padding padding; /* of a plane of x */
    struct shape out;
    bool depthwise, staged; /* staged: x is copied, its padding around it */
    bool filled;
    struct conv2d_sizes sizes;
    struct gemm_axis axes[CONV2D_AXES];
    struct gemm_place *places[CONV2D_AXES]; /* theirs */
    int64_t weight, bias;                   /* offsets into the flat arrays; bias −1: none */
    real *packed, *start; /* (panels, weights, lanes), and the bias in whole panels */
    real *packed_back;    /* (groups, taps, planes, filters, lanes); NULL: dx is not wanted */
    real *stage;          /* (members, lot, x_sample) */
    real *slots, *sum;    /* (shards, slot) and (slot): as packed, then as start */
    char kernel[48];
};

/* Sizes and axes out of `arranged`, `padding` and `out`, and the memory of their places, which are
 * filled in when there is memory. */
void portable_conv2d_measure(struct portable_conv2d *s, const struct op_setup *setup);
void portable_conv2d_fill(struct portable_conv2d *s);
/* Where in a plane of x tap `tap` reads for the first pixel. */
int64_t portable_conv2d_tap(const struct portable_conv2d *s, int64_t tap);

/* Flat weights into both packed orders. */
void portable_conv2d_pack(struct portable_conv2d *s, const real *parameters);
/* The weights and biases of a panel from where they stand in `sum` into the flat array. */
void portable_conv2d_unpack(const struct portable_conv2d *s, int64_t panel, real *gradients);

/* Where the biases stand in a slot, behind the weights; and the numbers of a slot. */
static inline int64_t portable_conv2d_slot_bias(const struct portable_conv2d *s)
{
    const struct conv2d_sizes *z = &s->sizes;
    return saturating_product(z->groups * z->panels * GEMM_LANES, z->weights);
}

static inline int64_t portable_conv2d_slot(const struct portable_conv2d *s)
{
    return portable_conv2d_slot_bias(s) + s->sizes.groups * s->sizes.panels * GEMM_LANES;
}

#endif
