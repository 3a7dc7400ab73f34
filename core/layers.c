/* The table of layer kinds, and what several of them share. */
#include "core/layer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* clang-format off */
static const struct kind *const rows[] = {
    &layer_conv2d.kind, &layer_locally_connected2d.kind, &layer_linear.kind,
    &layer_flatten.kind, &layer_max_pool2d.kind,
    &layer_avg_pool2d.kind, &layer_adaptive_avg_pool2d.kind, &layer_dropout.kind,
    &layer_dropout2d.kind, &layer_relu.kind,
    &layer_leaky_relu.kind, &layer_elu.kind, &layer_gelu.kind, &layer_silu.kind,
    &layer_sigmoid.kind, &layer_tanh.kind, &layer_batch_norm2d.kind, &layer_residual.kind,
    &layer_concat.kind,
};

static const struct field common_rows[] = {
    {.name = "name", .type = FIELD_TEXT, .flags = FIELD_OPTIONAL,
     .offset = offsetof(struct layer_common, name), .min = 0,
     .max = sizeof(((struct layer_common *)0)->name) - 1,
     .help = "a name of your own for this layer"},
};
/* clang-format on */

static const struct fields common = {common_rows, COUNT_OF(common_rows),
                                     sizeof(struct layer_common)};

const struct kinds layer_kinds = {"layer", rows, COUNT_OF(rows), &common, NULL};

void plan_option_problem(struct layer_planning *planning, const char *key, const char *format, ...)
{
    char pointer[POINTER_BYTES], text[256];
    va_list list;
    snprintf(pointer, sizeof pointer, "%s", planning->layer->pointer);
    pointer_push(pointer, sizeof pointer, key);
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    problem_add(planning->problems, pointer, "%s", text);
}

void plan_kernel_text(const struct sliding w[2], char *out, size_t size)
{
    int length = snprintf(out, size, "%lld × %lld", (long long)w[0].kernel, (long long)w[1].kernel);
    if ((w[0].dilation > 1 || w[1].dilation > 1) && length >= 0 && (size_t)length < size)
        snprintf(out + length, size - (size_t)length,
                 " with dilation %lld × %lld, which spans %lld × %lld,", (long long)w[0].dilation,
                 (long long)w[1].dilation, (long long)window_extent(&w[0]),
                 (long long)window_extent(&w[1]));
}

/* How much of the network's input the layer sees, and how far apart. */
static void look_on(struct plan_layer *layer, const struct sliding *w, int axis)
{
    int64_t grown = saturating_product(window_extent(w) - 1, layer->stride[axis]);
    if (__builtin_add_overflow(layer->receptive_field[axis], grown, &layer->receptive_field[axis]))
        layer->receptive_field[axis] = INT64_MAX;
    layer->stride[axis] = saturating_product(layer->stride[axis], w->stride);
}

static const struct sliding *keep_windows(struct layer_planning *planning,
                                          const struct sliding windows[2])
{
    struct sliding *kept = arena_take_array(&planning->plan->arena, 2, sizeof *kept);
    planning->memory_gone |= !kept;
    if (kept)
        memcpy(kept, windows, 2 * sizeof *kept);
    return kept;
}

void plan_windows(struct layer_planning *planning, const struct sliding windows[2])
{
    struct plan_layer *layer = planning->layer;
    const int64_t out[2] = {window_output(&windows[0]), window_output(&windows[1])};
    bool fits = out[0] > 0 && out[1] > 0;
    char kernel[128];

    for (int axis = 0; axis < 2; axis++)
        look_on(layer, &windows[axis], axis);
    layer->output.height = out[0] > 0 ? out[0] : 1;
    layer->output.width = out[1] > 0 ? out[1] : 1;
    layer->output.flat = 0;
    planning->lost |= !fits;
    if (layer->input.flat)
        return;
    plan_kernel_text(windows, kernel, sizeof kernel);
    layer->windows = keep_windows(planning, windows);
    if (!fits)
        problem_add(planning->problems, layer->pointer,
                    "the kernel of %s is larger than its input of %lld × %lld with padding "
                    "%lld × %lld",
                    kernel, (long long)windows[0].size, (long long)windows[1].size,
                    (long long)windows[0].before, (long long)windows[1].before);
}
