/* max_pool2d: the largest value of each window, as PyTorch's nn.MaxPool2d (padding counts as −∞).
 * Options and shapes only. */
#include "core/layer.h"

#define AT(member) offsetof(struct max_pool2d_options, member)

/* clang-format off */
static const struct field rows[] = {
    {.name = "kernel_size", .type = FIELD_PAIR, .flags = FIELD_REQUIRED,
     .offset = AT(kernel_size), .min = 1, .max = 4096, .help = "height and width of the window"},
    /* 0 stands for "as kernel_size" until complete() has run; a user cannot write it. */
    {.name = "stride", .type = FIELD_PAIR, .offset = AT(stride), .min = 1, .max = 4096,
     .fallback = 0, .help = "distance between windows; default: kernel_size"},
    {.name = "padding", .type = FIELD_PAIR, .offset = AT(padding), .min = 0, .max = 2048,
     .fallback = 0, .help = "−∞ added on each side, at most half of kernel_size"},
};
/* clang-format on */

static void complete(void *options)
{
    struct max_pool2d_options *o = options;
    for (int axis = 0; axis < 2; axis++)
        if (o->stride[axis] == 0)
            o->stride[axis] = o->kernel_size[axis];
}

static void plan(struct layer_planning *planning)
{
    const struct max_pool2d_options *o = planning->layer->options;
    struct plan_layer *layer = planning->layer;

    planning->lost = layer->input.flat;
    if (layer->input.flat)
        problem_add(planning->problems, layer->pointer,
                    "max_pool2d wants images, but its input is a flat vector of %lld",
                    (long long)layer->input.channels);
    int axis = o->padding[0] * 2 > o->kernel_size[0] ? 0 : 1;
    if (o->padding[axis] * 2 > o->kernel_size[axis])
        plan_option_problem(
            planning, "padding",
            "padding %lld is more than half of kernel_size %lld: some windows would see nothing",
            (long long)o->padding[axis], (long long)o->kernel_size[axis]);
    plan_window(planning, o->kernel_size, o->stride, o->padding);
    layer->output.channels = layer->input.channels;
}

const struct layer_kind layer_max_pool2d = {
    .kind = {"max_pool2d",
             "largest value of each window",
             {rows, COUNT_OF(rows), sizeof(struct max_pool2d_options)}},
    .complete = complete,
    .plan = plan,
};
