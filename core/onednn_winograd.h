/* The weights of oneDNN's Winograd convolution (4 × 4 pixels of y by 3 × 3 taps), transformed by
 * ourselves once a step: the library can do that too, for every shard again or very slowly.
 *
 * Winograd's minimal filtering, as in Lavin and Gray 2015, "Fast algorithms for convolutional
 * neural networks": a kernel g becomes U = G·g·Gᵀ of 6 × 6 numbers, so do the pixels of a tile, and
 * products of those replace 144 multiplications of a tile by 36. Rounding errors are a few times
 * those of the direct sum. */
#ifndef CORE_ONEDNN_WINOGRAD_H
#define CORE_ONEDNN_WINOGRAD_H

#include "core/onednn.h"

enum { WINOGRAD_TILE = 4, WINOGRAD_TAPS = 9 };

/* Where the numbers of U stand: (chunks_out, 6, 6, chunks_in, blocks_out, chunk_in, 16), the last
 * but three and the last of filters, the last but one of inputs. */
struct onednn_winograd {
    int64_t filters, inputs; /* whole blocks of 16 */
    int64_t chunks_out, blocks_out, chunks_in, chunk_in;
};

/* False when `weights`, as a Winograd primitive chose it, is not what is known here. */
bool onednn_winograd_arrange(const dnnl_memory_desc_t *weights, struct onednn_winograd *out);

/* From plain weights (filters, inputs, 3, 3). `turned`: those of the data gradient, which is the
 * convolution of dy with every kernel turned by 180°; plain is (inputs, filters, 3, 3) then. */
void onednn_winograd_put(const struct onednn_winograd *order, const real *plain, bool turned,
                         real *out);

#endif
