/* The dispatch table. */
#include "core/kernels.h"

#include "core/layer.h"

const struct kernel_row kernel_rows[] = {
#if TRAIND_ONEDNN
    {&layer_conv2d, KERNELS_BEST, onednn_conv2d_make},
    {&layer_linear, KERNELS_BEST, onednn_linear_make},
#endif
    {&layer_conv2d, KERNELS_BEST, portable_conv2d_make},
    {&layer_linear, KERNELS_BEST, portable_linear_make},
    {&layer_max_pool2d, KERNELS_BEST, blocked_pool2d_make},
    {&layer_avg_pool2d, KERNELS_BEST, blocked_pool2d_make},
    {&layer_adaptive_avg_pool2d, KERNELS_BEST, blocked_pool2d_make},
    {&layer_batch_norm2d, KERNELS_BEST, batch_norm2d_fused_make},
    {&layer_conv2d, KERNELS_REFERENCE, reference_conv2d_make},
    {&layer_locally_connected2d, KERNELS_REFERENCE, reference_locally_connected2d_make},
    {&layer_linear, KERNELS_REFERENCE, reference_linear_make},
    {&layer_max_pool2d, KERNELS_REFERENCE, reference_max_pool2d_make},
    {&layer_avg_pool2d, KERNELS_REFERENCE, reference_avg_pool2d_make},
    {&layer_adaptive_avg_pool2d, KERNELS_REFERENCE, reference_avg_pool2d_make},
    {&layer_relu, KERNELS_REFERENCE, elementwise_make},
    {&layer_leaky_relu, KERNELS_REFERENCE, elementwise_make},
    {&layer_elu, KERNELS_REFERENCE, elementwise_make},
    {&layer_gelu, KERNELS_REFERENCE, elementwise_make},
    {&layer_silu, KERNELS_REFERENCE, elementwise_make},
    {&layer_sigmoid, KERNELS_REFERENCE, elementwise_make},
    {&layer_tanh, KERNELS_REFERENCE, elementwise_make},
    {&layer_dropout, KERNELS_REFERENCE, dropout_make},
    {&layer_dropout2d, KERNELS_REFERENCE, dropout_make},
    {&layer_batch_norm2d, KERNELS_REFERENCE, batch_norm2d_make},
    {&layer_residual, KERNELS_REFERENCE, residual_make},
    {&layer_concat, KERNELS_REFERENCE, concat_make},
    {&layer_flatten, KERNELS_REFERENCE, flatten_make},
};

const size_t kernel_row_count = COUNT_OF(kernel_rows);

/* One row, in the layout x has or in another one. */
static bool row_make(const struct kernel_row *row, const struct op_setup *setup, struct op *op,
                     struct error *error)
{
    const int blocks[] = {setup->block, 16, 8, 1};
    for (int settle = 0; settle < 2; settle++)
        for (size_t i = 0; i < COUNT_OF(blocks); i++) {
            struct op_setup tried = *setup;
            tried.block = blocks[i];
            tried.settle = settle;
            if (row->make(&tried, op, error))
                return true;
            if (error->kind != ERROR_NONE)
                return false;
        }
    return false;
}

bool kernels_make(const struct op_setup *setup, enum kernel_choice choice, struct op *op,
                  struct error *error)
{
    struct error inner = {.kind = ERROR_NONE};
    for (size_t i = 0; i < kernel_row_count; i++) {
        const struct kernel_row *row = &kernel_rows[i];
        if (&row->layer->kind != setup->layer->kind ||
            (row->set == KERNELS_BEST && choice != KERNELS_BEST))
            continue;
        if (row_make(row, setup, op, &inner))
            return true;
        if (inner.kind != ERROR_NONE)
            return error_set(error, inner.kind, inner.where, "%s", inner.text);
    }
    return error_set(error, ERROR_UNSUPPORTED, setup->layer->pointer,
                     "no kernel of this build computes %s", setup->layer->kind->name);
}

void kernels_greet_thread(void)
{
#if TRAIND_ONEDNN
    onednn_greet_thread();
#endif
}

const char *kernels_describe(enum kernel_choice choice)
{
#if TRAIND_ONEDNN
    return choice == KERNELS_BEST ? onednn_describe() : "reference (plain C), as asked for";
#else
    return choice == KERNELS_BEST ? "reference (plain C): this build has no oneDNN"
                                  : "reference (plain C), as asked for";
#endif
}

int64_t op_count(const struct shape *shape, int block)
{
    int64_t channels = (shape->channels + block - 1) / block * block;
    return saturating_product(saturating_product(channels, shape->height), shape->width);
}
