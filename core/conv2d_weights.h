/* The weights of a conv2d as kernels for blocked layouts want them. Knows the layer's shapes and
 * the plain order of PyTorch; knows nothing of kernels.
 *
 * Vector kernels want whole blocks of channels in every group. So several groups of the layer may
 * stand together as one of the kernel's, and channels and groups are rounded up to whole blocks:
 * weights that the layer does not have are zero, so that what is computed with them is and stays
 * exactly zero, or is not looked at where it is a weight's gradient. */
#ifndef CORE_CONV2D_WEIGHTS_H
#define CORE_CONV2D_WEIGHTS_H

#include "core/plan.h"

enum { CONV2D_RANK = 5 };

struct conv2d_weights {
    int64_t groups, filters, inputs; /* the layer's groups; filters and inputs of one */
    int64_t taps;
    bool flip;
    int64_t together;          /* so many of the layer's groups make one of the kernel's */
    int64_t dims[CONV2D_RANK]; /* groups, filters, inputs, height, width as the kernel sees them */
};

/* What x and y of the kernel look like, and how the groups are to stand. */
struct conv2d_wish {
    int x_block, y_block;
    bool depthwise; /* each group alone, one channel in and one out: whole blocks of groups */
    bool staged;    /* the kernel sees x with its padding around it already */
};

/* False when the layer's groups do not fit into such blocks, or too much would be computed for
 * nothing. */
bool conv2d_weights_arrange(const struct plan_layer *layer, const struct conv2d_wish *wish,
                            struct conv2d_weights *out);

/* Numbers of an array of shape dims. */
int64_t conv2d_weights_count(const struct conv2d_weights *weights);

/* Flat weights (as in PyTorch) to and from the array of shape dims, turned by 180° where the layer
 * flips its kernels. `put` writes the layer's own weights alone: the others are zero already. */
void conv2d_weights_put(const struct conv2d_weights *weights, const real *flat, real *padded);
void conv2d_weights_take(const struct conv2d_weights *weights, const real *padded, real *flat);

#endif
