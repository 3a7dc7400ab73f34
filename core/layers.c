/* The table of layer kinds, and what several of them share. */
#include "core/layer.h"

#include <stdio.h>
#include <string.h>

/* clang-format off */
static const struct kind *const rows[] = {
    &layer_conv2d.kind, &layer_max_pool2d.kind, &layer_relu.kind, &layer_leaky_relu.kind,
    &layer_elu.kind, &layer_gelu.kind, &layer_silu.kind, &layer_sigmoid.kind, &layer_tanh.kind,
    &layer_flatten.kind, &layer_linear.kind,
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

const struct kinds layer_kinds = {"layer", rows, COUNT_OF(rows), &common};

int64_t window_output(int64_t size, int64_t kernel, int64_t stride, int64_t padding)
{
    int64_t room = size + 2 * padding - kernel;
    return room < 0 ? 0 : room / stride + 1;
}

/* Rows or columns at the far edge that no window covers. Padding at that side is lost first. */
static int64_t never_read(int64_t size, int64_t kernel, int64_t stride, int64_t padding)
{
    int64_t room = size + 2 * padding - kernel;
    int64_t edge = room - room / stride * stride - padding;
    return edge > 0 ? edge : 0;
}

void plan_window(struct layer_planning *planning, const int64_t kernel[2], const int64_t stride[2],
                 const int64_t padding[2])
{
    struct plan_layer *layer = planning->layer;
    const int64_t size[2] = {layer->input.height, layer->input.width};
    int64_t out[2];
    static const char *const what[2] = {"rows", "columns"};

    for (int axis = 0; axis < 2; axis++) {
        out[axis] = window_output(size[axis], kernel[axis], stride[axis], padding[axis]);
        if (out[axis] > 0) {
            int64_t lost = never_read(size[axis], kernel[axis], stride[axis], padding[axis]);
            if (lost > 0)
                plan_warn(planning->warnings, layer->pointer,
                          "the last %lld %s of the %lld × %lld input are never read: the stride of "
                          "%lld steps over them",
                          (long long)lost, what[axis], (long long)size[0], (long long)size[1],
                          (long long)stride[axis]);
        }
        layer->receptive_field[axis] += (kernel[axis] - 1) * layer->stride[axis];
        layer->stride[axis] *= stride[axis];
    }
    if (out[0] <= 0 || out[1] <= 0)
        problem_add(planning->problems, layer->pointer,
                    "the kernel of %lld × %lld is larger than its input of %lld × %lld with "
                    "padding %lld × %lld",
                    (long long)kernel[0], (long long)kernel[1], (long long)size[0],
                    (long long)size[1], (long long)padding[0], (long long)padding[1]);
    layer->output.height = out[0] > 0 ? out[0] : 1;
    layer->output.width = out[1] > 0 ? out[1] : 1;
    layer->output.flat = 0;
}
