/* conv2d by oneDNN: what its run (onednn_conv2d.c) and its making (onednn_conv2d_make.c) share. */
#ifndef CORE_ONEDNN_CONV2D_H
#define CORE_ONEDNN_CONV2D_H

#include "core/avx512_gradient.h"
#include "core/conv2d_weights.h"
#include "core/onednn_winograd.h"
#include "core/padding.h"

/* A direction that reads weights, forward or data gradient, and how they come into the order that
 * its primitive wants: by a reorder or, where that is NULL, by onednn_winograd_put. */
struct onednn_reader {
    struct onednn_primitive primitive; /* {x, weights, y, bias} or {dy, weights, dx} */
    struct onednn_primitive reorder;
    struct onednn_winograd order;
    bool turned;
    void *packed;
};

/* x with its padding around it, where the primitives cannot pad. */
struct onednn_stage {
    struct padding padding;
    int64_t images;  /* of one sample: blocks of channels */
    int64_t count;   /* numbers of one shard; 0: the primitives pad by themselves */
    void *numbers;   /* (members, count): x, and then, when those are reals, … */
    real *gradients; /* … the gradient of what was put there; else (members, count) of its own */
    real *folded;    /* (members, one image), for bf16 */
};

/* The layer's own weights and biases in the flat arrays. */
struct onednn_place {
    int64_t weight, bias; /* offsets; bias −1: none */
    int64_t filters;      /* numbers of the bias */
};

/* Weight gradients by our own kernel instead of a primitive's. */
struct onednn_own {
    bool used, filled;
    struct avx512_gradient gradient;
};

/* Weight gradients, in the order of the primitive or of our own kernel. */
struct onednn_slots {
    int64_t size, bias_at; /* one shard's: weights, then (a cache line on) the bias */
    real *shards, *sum;    /* (shards, size) and (size) */
    real *plain;           /* the sum, as onednn_conv2d.padded */
};

struct onednn_conv2d {
    struct onednn shared;
    struct onednn_reader forward, data;      /* data: only when dx is wanted */
    struct onednn_primitive weights, unpack; /* {x, dy, weights, bias}; a reorder */
    struct onednn_own own;                   /* used: there are no such two */
    struct conv2d_weights arranged;
    struct onednn_place place;
    struct onednn_stage stage;
    struct onednn_slots slots;
    real *padded, *padded_bias; /* plain order, channels rounded up */
    char kernel[128];
};

/* Sets the op's functions; its state is a struct onednn_conv2d, which op->drop frees. */
void onednn_conv2d_serve(struct op *op);

#endif
