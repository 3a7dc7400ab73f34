/* What the files of the portable conv2d share: the state of one layer, and the views by which its
 * three directions are matrix products (see gemm.h).
 *
 * x stands with its padding around it, in planes of as many channels as its layout keeps together;
 * y and dy in planes of GEMM_LANES channels. With a pixel p of y and a weight k (a channel and a
 * tap), x[p + k] is what the weight reads for that pixel. So
 *
 *   y(p, f)  = Σₖ x[p + k]·W(k, f)
 *   dW(k, f) = Σₚ x[k + p]·dy(p, f)
 *
 * and for dx, W(f, c) being those of one tap t,
 *
 *   dx(q, c) = Σₜ Σ_f dy[q − t + f]·W(f, c)     pulled: dy has zeros around it; stride 1
 *   dx[p + t](c) += Σ_f dy[p + f]·W(f, c)       pushed: tap by tap
 *   D(p, (t, c)) = Σ_f dy[p + f]·W(f, (t, c))   by columns: all taps of few channels at once,
 *   dx[p + t](c) += D(p, (t, c))                which are added up afterwards (col2im)
 *
 * A depthwise layer is the same without the sum over channels, lane by lane. */
#ifndef CORE_PORTABLE_CONV2D_H
#define CORE_PORTABLE_CONV2D_H

#include "core/conv2d_weights.h"
#include "core/gemm.h"
#include "core/op.h"
#include "core/padding.h"

/* Images with their padding around them, for some samples of a shard. */
struct conv2d_stage {
    struct padding padding;
    int64_t planes, plane, sample; /* planes of a sample; numbers of a plane, of a sample */
    bool used;                     /* else there is no padding, and no copy is needed */
    real *numbers;                 /* (members, lot, sample) */
};

/* Fixed by the layer's shape. Groups and channels are as conv2d_weights arranges them; a depthwise
 * layer has groups of GEMM_LANES channels, of which each is its own input and filter. */
struct conv2d_sizes {
    int64_t groups;
    int64_t inputs, filters; /* of a group; 1 when depthwise */
    int64_t planes, panels;  /* of a group: of x, of y */
    int64_t taps;
    int64_t y_plane, y_sample;
    int64_t lot;     /* so many samples are computed at once */
    int64_t columns; /* of D, in whole panels */
};

/* How dx is computed: by shape alone. */
enum conv2d_way { CONV2D_PULL, CONV2D_PUSH, CONV2D_COLUMNS };

enum conv2d_axis {
    CONV2D_PIXELS,  /* of y in x; other: in y */
    CONV2D_WEIGHTS, /* in x; other: in a panel of W, or of its gradient */
    CONV2D_BACK,    /* pixels in dy, those of dx when pulled; other: in dx, or in the columns */
    CONV2D_FILTERS, /* in dy; other: in a panel of `back`. Blocks of a tap, tap by tap; by columns
                       once for all taps */
    CONV2D_AXES
};

/* Weights and their gradients. */
struct conv2d_panels {
    real *packed, *start; /* (groups, panels, inputs·taps, lanes), and the bias in whole panels */
    real *back;           /* (groups, planes, filters·taps, lanes), or by columns (columns / lanes,
                             filters, lanes); NULL: dx is not wanted */
    real *columns;        /* D: (members, columns_count) */
    real *slots, *sum;    /* (shards, slot) and (slot): as packed, then as start */
};

struct portable_conv2d {
    const struct gemm_kernel *gemm;
    struct conv2d_weights arranged;
    struct shape out;
    bool depthwise;
    enum conv2d_way way;
    struct conv2d_sizes sizes;
    struct conv2d_stage x, dy; /* dy's only when pulled */
    struct gemm_axis axes[CONV2D_AXES];
    struct gemm_place *places[CONV2D_AXES]; /* theirs; filled in with the first weights */
    int64_t weight, bias;                   /* offsets into the flat arrays; bias −1: none */
    struct conv2d_panels numbers;
    char kernel[48];
};

/* Everything up to the axes out of the layer and s->depthwise, s->arranged and s->x.padding; and
 * the memory of the places. */
void portable_conv2d_measure(struct portable_conv2d *s, const struct op_setup *setup);
void portable_conv2d_fill(struct portable_conv2d *s);

/* Some samples of a shard on their way. */
struct conv2d_lot {
    int64_t first, samples;
    int member;
    const real *x; /* with its padding around it */
};

/* An axis of pixels, for all samples of the lot. */
struct gemm_axis portable_conv2d_pixels(const struct portable_conv2d *s, enum conv2d_axis axis,
                                        const struct conv2d_lot *lot);
real *portable_conv2d_stage(const struct portable_conv2d *s, const struct conv2d_stage *stage,
                            const struct conv2d_lot *lot);
/* The lot's images with their padding around them. */
const real *portable_conv2d_staged(const struct portable_conv2d *s,
                                   const struct conv2d_stage *stage, const struct conv2d_lot *lot,
                                   const real *bare);
/* dx of the lot. Spoils the lot's x where that has padding. */
void portable_conv2d_data(const struct portable_conv2d *s, const struct conv2d_lot *lot,
                          const struct op_call *call);

/* Where in a plane of x a tap reads for the first pixel. */
int64_t portable_conv2d_tap(const struct portable_conv2d *s, int64_t tap);

/* Whether dx is computed with padding around it, which is folded back then. */
bool portable_conv2d_folds(const struct portable_conv2d *s);

/* Numbers of D for a lot; it is read in whole vectors, beyond its end too. */
int64_t portable_conv2d_columns(const struct portable_conv2d *s);

/* The row of a panel where the weight of one of `channels` channels and tap `tap` stands: the
 * channels of a block of `block` lie side by side. */
static inline int64_t portable_conv2d_row(const struct portable_conv2d *s, int64_t channels,
                                          int block, int64_t channel, int64_t tap)
{
    int64_t first = channel / block * block, left = channels - first;
    int64_t width = left < block ? left : block;
    return first * s->sizes.taps + tap * width + channel - first;
}

/* Flat weights into both packed orders. */
void portable_conv2d_pack(struct portable_conv2d *s, const real *parameters);
/* The weights and biases of a panel from where they stand in `sum` into the flat array. */
void portable_conv2d_unpack(const struct portable_conv2d *s, int64_t panel, real *gradients);

/* Numbers of a panel of packed weights. */
static inline int64_t portable_conv2d_panel(const struct portable_conv2d *s)
{
    return saturating_product(s->sizes.inputs * GEMM_LANES, s->sizes.taps);
}

/* Where the biases stand in a slot, behind the weights; and the numbers of a slot. */
static inline int64_t portable_conv2d_slot_bias(const struct portable_conv2d *s)
{
    return saturating_product(s->sizes.groups * s->sizes.panels, portable_conv2d_panel(s));
}

static inline int64_t portable_conv2d_slot(const struct portable_conv2d *s)
{
    return portable_conv2d_slot_bias(s) + s->sizes.groups * s->sizes.panels * GEMM_LANES;
}

#endif
