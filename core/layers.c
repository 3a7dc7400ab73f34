/* The table of layer kinds, and what several of them share. */
#include "core/layer.h"

#include <stdarg.h>
#include <stdio.h>

/* clang-format off */
static const struct kind *const rows[] = {
    &layer_conv2d.kind, &layer_linear.kind, &layer_flatten.kind, &layer_max_pool2d.kind,
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

int64_t window_output(const struct sliding *w)
{
    int64_t room = w->size + 2 * w->padding - w->kernel + (w->ceil_mode ? w->stride - 1 : 0);
    if (room < 0)
        return 0;
    int64_t last = room / w->stride;
    return w->ceil_mode && last * w->stride >= w->size + w->padding ? last : last + 1;
}

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

/* Rows or columns that none of `outputs` windows covers: gaps between windows, and what is left at
 * the far edge. Padding is not missed: it lies before the first pixel and, at the far edge, behind
 * the last. */
static int64_t never_read(const struct sliding *w, int64_t outputs)
{
    int64_t missed = 0;
    for (int64_t i = 0; i < outputs; i++) {
        int64_t gap = i * w->stride - w->padding + w->kernel;
        int64_t next = i + 1 < outputs ? gap - w->kernel + w->stride : w->size;
        gap = gap < 0 ? 0 : gap;
        next = next > w->size ? w->size : next;
        missed += next > gap ? next - gap : 0;
    }
    return missed;
}

void plan_window(struct layer_planning *planning, const int64_t kernel[2], const int64_t stride[2],
                 const int64_t padding[2], bool ceil_mode)
{
    struct plan_layer *layer = planning->layer;
    const int64_t size[2] = {layer->input.height, layer->input.width};
    int64_t out[2];
    static const char *const what[2] = {"rows", "columns"};

    for (int axis = 0; axis < 2; axis++) {
        const struct sliding w = {size[axis], kernel[axis], stride[axis], padding[axis], ceil_mode};
        out[axis] = window_output(&w);
        if (out[axis] > 0) {
            int64_t lost = never_read(&w, out[axis]);
            if (lost > 0)
                plan_warn(planning->warnings, layer->pointer,
                          "%lld %s of the %lld × %lld input are never read: the stride of "
                          "%lld steps over them",
                          (long long)lost, what[axis], (long long)size[0], (long long)size[1],
                          (long long)stride[axis]);
        }
        int64_t grown = saturating_product(kernel[axis] - 1, layer->stride[axis]);
        if (__builtin_add_overflow(layer->receptive_field[axis], grown,
                                   &layer->receptive_field[axis]))
            layer->receptive_field[axis] = INT64_MAX;
        layer->stride[axis] = saturating_product(layer->stride[axis], stride[axis]);
    }
    bool fits = out[0] > 0 && out[1] > 0;
    planning->lost |= !fits;
    if (!fits && !layer->input.flat)
        problem_add(planning->problems, layer->pointer,
                    "the kernel of %lld × %lld is larger than its input of %lld × %lld with "
                    "padding %lld × %lld",
                    (long long)kernel[0], (long long)kernel[1], (long long)size[0],
                    (long long)size[1], (long long)padding[0], (long long)padding[1]);
    layer->output.height = out[0] > 0 ? out[0] : 1;
    layer->output.width = out[1] > 0 ? out[1] : 1;
    layer->output.flat = 0;
}
