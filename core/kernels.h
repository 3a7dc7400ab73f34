/* Kernels: which implementation serves which layer. This table is the one place of dispatch: rows
 * are tried from the top, the first that can serve a layer does: oneDNN's and our own for AVX-512,
 * then our own for any processor, then the reference, which is the definition and serves everything
 * in plain layout.
 *
 * Whether a row can serve depends on the layer's shape, the build and the processor, never on load
 * or on the number of threads. */
#ifndef CORE_KERNELS_H
#define CORE_KERNELS_H

#include "core/op.h"
#include "core/trainer.h"

/* What numbers a row's ops can have as x. */
enum row_numbers {
    ROW_REALS,
    ROW_EITHER,    /* as they come: op_setup.number */
    ROW_BF16_FIRST /* bf16 in a run of that precision, whatever comes */
};

struct kernel_row {
    const struct layer_kind *layer;
    enum kernel_choice set; /* serves where this or an earlier one is asked for */
    op_make *make;
    enum row_numbers numbers;
};

extern const struct kernel_row kernel_rows[];
extern const size_t kernel_row_count;

/* Makes the op of setup->layer by the first row that can, in the layout and the numbers x has
 * (setup->block, setup->number) if possible, else in those the row can serve: the caller must bring
 * x into op->x.block and op->x.number then. */
MUST_CHECK bool kernels_make(const struct op_setup *setup, enum kernel_choice choice, struct op *op,
                             struct error *error);

/* To be called once in every thread that makes or runs ops: oneDNN asks OpenMP how many threads to
 * use, and the answer must be one. */
void kernels_greet_thread(void);

/* The rows' functions. */
op_make reference_conv2d_make, reference_locally_connected2d_make, reference_linear_make,
    reference_max_pool2d_make, reference_avg_pool2d_make, elementwise_make, dropout_make,
    flatten_make, pool2d_make, pool2d_relu_make, portable_conv2d_make, portable_few_conv2d_make,
    portable_linear_make, batch_norm2d_make, batch_norm2d_fused_make, residual_make, concat_make;

/* How activations lie in memory. */
struct layout {
    int block;
    enum number number;
};
/* A conversion of activations of that shape from one layout to another. */
bool layout_make(const struct shape *shape, struct layout from, struct layout to, struct op *op,
                 struct error *error) MUST_CHECK;
#if TRAIND_ONEDNN
op_make avx512_conv2d_make, avx512_linear_make, onednn_conv2d_make, onednn_bf16_conv2d_make,
    onednn_gemm_conv2d_make;
const char *onednn_describe(void);
void onednn_greet_thread(void);
bool onednn_has_bf16(void);
#endif

#endif
