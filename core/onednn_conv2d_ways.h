/* oneDNN's conv2d: which algorithm computes which direction of a layer, as a table in
 * onednn_conv2d_ways.c. Knows nothing of the layer but what its primitives see. */
#ifndef CORE_ONEDNN_CONV2D_WAYS_H
#define CORE_ONEDNN_CONV2D_WAYS_H

#include "core/onednn_conv2d.h"

struct onednn_windows {
    dnnl_dims_t stride, dilation; /* dilation counts the pixels left out */
    dnnl_dims_t before, behind;   /* padding */
};

/* What the directions are made from: the layer as the primitives see it. */
struct onednn_making {
    struct onednn_conv2d *state;
    const struct op_setup *setup;
    struct shape in, out;            /* channels rounded up, padding of the stage included */
    dnnl_memory_desc_t x, dx, y, b;  /* dx: reals where it has to be folded */
    dnnl_memory_desc_t w, dw, plain; /* w and dw left open; plain as conv2d_weights_put writes it */
    struct onednn_windows windows;
    int y_block;
    bool bias;
};

/* All that the layer needs of the state's directions with their arguments and reorders. False when
 * one cannot be had: the caller drops what there is. */
bool onednn_conv2d_make_directions(const struct onednn_making *making);

#endif
