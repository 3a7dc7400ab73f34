/* The dispatch table. */
#include "core/kernels.h"

#include "core/isa.h"
#include "core/layer.h"

#include <string.h>

const struct kernel_row kernel_rows[] = {
#if TRAIND_ONEDNN
    {&layer_conv2d, KERNELS_BEST, onednn_bf16_conv2d_make, ROW_BF16_FIRST},
    {&layer_conv2d, KERNELS_BEST, avx512_conv2d_make, ROW_REALS},
    {&layer_conv2d, KERNELS_BEST, portable_few_conv2d_make, ROW_REALS},
    {&layer_conv2d, KERNELS_BEST, onednn_conv2d_make, ROW_REALS},
#if defined(__x86_64__)
    {&layer_linear, KERNELS_BEST, avx512_linear_make, ROW_BF16_FIRST},
#endif
#endif
    {&layer_conv2d, KERNELS_PORTABLE, portable_conv2d_make, ROW_REALS},
    {&layer_linear, KERNELS_PORTABLE, portable_linear_make, ROW_REALS},
#if TRAIND_ONEDNN
    {&layer_conv2d, KERNELS_BEST, onednn_gemm_conv2d_make, ROW_REALS},
#endif
    {&layer_relu, KERNELS_PORTABLE, pool2d_relu_make, ROW_EITHER},
    {&layer_max_pool2d, KERNELS_PORTABLE, pool2d_relu_make, ROW_EITHER},
    {&layer_max_pool2d, KERNELS_PORTABLE, pool2d_make, ROW_EITHER},
    {&layer_avg_pool2d, KERNELS_PORTABLE, pool2d_make, ROW_EITHER},
    {&layer_adaptive_avg_pool2d, KERNELS_PORTABLE, pool2d_make, ROW_EITHER},
    {&layer_batch_norm2d, KERNELS_PORTABLE, batch_norm2d_fused_make, ROW_EITHER},
    {&layer_conv2d, KERNELS_REFERENCE, reference_conv2d_make, ROW_REALS},
    {&layer_locally_connected2d, KERNELS_REFERENCE, reference_locally_connected2d_make, ROW_REALS},
    {&layer_linear, KERNELS_REFERENCE, reference_linear_make, ROW_REALS},
    {&layer_max_pool2d, KERNELS_REFERENCE, reference_max_pool2d_make, ROW_REALS},
    {&layer_avg_pool2d, KERNELS_REFERENCE, reference_avg_pool2d_make, ROW_REALS},
    {&layer_adaptive_avg_pool2d, KERNELS_REFERENCE, reference_avg_pool2d_make, ROW_REALS},
    {&layer_relu, KERNELS_REFERENCE, elementwise_make, ROW_EITHER},
    {&layer_leaky_relu, KERNELS_REFERENCE, elementwise_make, ROW_EITHER},
    {&layer_elu, KERNELS_REFERENCE, elementwise_make, ROW_EITHER},
    {&layer_gelu, KERNELS_REFERENCE, elementwise_make, ROW_EITHER},
    {&layer_silu, KERNELS_REFERENCE, elementwise_make, ROW_EITHER},
    {&layer_sigmoid, KERNELS_REFERENCE, elementwise_make, ROW_EITHER},
    {&layer_tanh, KERNELS_REFERENCE, elementwise_make, ROW_EITHER},
    {&layer_dropout, KERNELS_REFERENCE, dropout_make, ROW_EITHER},
    {&layer_dropout2d, KERNELS_REFERENCE, dropout_make, ROW_EITHER},
    {&layer_batch_norm2d, KERNELS_REFERENCE, batch_norm2d_make, ROW_EITHER},
    {&layer_residual, KERNELS_REFERENCE, residual_make, ROW_EITHER},
    {&layer_concat, KERNELS_REFERENCE, concat_make, ROW_EITHER},
    {&layer_flatten, KERNELS_REFERENCE, flatten_make, ROW_EITHER},
};

const size_t kernel_row_count = COUNT_OF(kernel_rows);

static enum number row_number(const struct kernel_row *row, const struct op_setup *setup)
{
    bool wanted = setup->precision == PRECISION_BF16;
    return row->numbers == ROW_EITHER                 ? setup->number
           : row->numbers == ROW_BF16_FIRST && wanted ? NUMBER_BF16
                                                      : NUMBER_REAL;
}

/* One row, in the layout x has or in another one. */
static bool row_make(const struct kernel_row *row, const struct op_setup *setup, struct op *op,
                     struct error *error)
{
    const int blocks[] = {setup->block, 16, 8, 1};
    for (int settle = 0; settle < 2; settle++)
        for (size_t i = 0; i < COUNT_OF(blocks); i++) {
            struct op_setup tried = *setup;
            tried.block = blocks[i];
            tried.number = row_number(row, setup);
            tried.settle = settle;
            if (row->make(&tried, op, error))
                return true;
            if (error->kind != ERROR_NONE)
                return false;
        }
    return false;
}

/* Our own kernels do not fuse multiplications with additions. They were measured to be faster than
 * all of oneDNN where that cannot either, without AVX2 (0.7 to 0.9 of its time in a whole step),
 * and where it does not matter, with AVX2 alone (0.5 to 1.04). */
static enum kernel_choice best_here(enum kernel_choice choice)
{
    enum isa isa = isa_best();
    bool ours = isa < ISA_AVX2 || (isa == ISA_AVX2 && isa_adds_apart());
    return choice == KERNELS_BEST && ours ? KERNELS_PORTABLE : choice;
}

bool kernels_make(const struct op_setup *setup, enum kernel_choice choice, struct op *op,
                  struct error *error)
{
    struct error inner = {.kind = ERROR_NONE};
    choice = best_here(choice);
    for (size_t i = 0; i < kernel_row_count; i++) {
        const struct kernel_row *row = &kernel_rows[i];
        if (&row->layer->kind != setup->layer->kind || row->set < choice)
            continue;
        if (row_make(row, setup, op, &inner))
            return true;
        if (inner.kind != ERROR_NONE)
            return error_set(error, inner.kind, inner.where, "%s", inner.text);
    }
    return error_set(error, ERROR_UNSUPPORTED, setup->layer->pointer,
                     "no kernel of this build computes %s", setup->layer->kind->name);
}

bool kernels_have_bf16(enum kernel_choice choice, struct error *error)
{
    const char *why = "needs oneDNN, which this build has not";
    if (choice != KERNELS_BEST)
        why = "is computed by oneDNN alone, not by the kernels that were asked for";
#if TRAIND_ONEDNN
    else if (onednn_has_bf16())
        return true;
    else
        why = "needs a processor with AVX512-BF16, which this one has not (or may not use)";
#endif
    return error_set(error, ERROR_UNSUPPORTED, "/precision", "bf16 %s; fp32 works", why);
}

void kernels_greet_thread(void)
{
#if TRAIND_ONEDNN
    onednn_greet_thread();
#endif
}

const char *const kernel_choice_names[] = {"auto", "portable", "reference", NULL};

bool kernels_choose(const char *name, enum kernel_choice *out)
{
    for (int i = 0; kernel_choice_names[i]; i++)
        if (strcmp(name, kernel_choice_names[i]) == 0) {
            *out = (enum kernel_choice)i;
            return true;
        }
    return false;
}

static const char *describe_own(void)
{
    static const char *const lines[] = {
        [ISA_BASELINE] = "own, baseline instructions (for any processor, without oneDNN)",
        [ISA_AVX2] = "own, AVX2 (for any processor, without oneDNN)",
        [ISA_AVX512] = "own, AVX-512 (for any processor, without oneDNN)",
    };
    return lines[isa_best()];
}

const char *kernels_describe(enum kernel_choice choice)
{
    if (choice == KERNELS_REFERENCE)
        return "reference (plain C), as asked for";
#if TRAIND_ONEDNN
    if (best_here(choice) == KERNELS_BEST)
        return onednn_describe();
#endif
    return describe_own();
}

int64_t op_count(const struct shape *shape, int block)
{
    int64_t channels = (shape->channels + block - 1) / block * block;
    return saturating_product(saturating_product(channels, shape->height), shape->width);
}
