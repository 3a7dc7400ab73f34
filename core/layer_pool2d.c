/* max_pool2d and avg_pool2d: the largest value or the mean of each window, as PyTorch's
 * nn.MaxPool2d and nn.AvgPool2d. Options and shapes only. */
#include "core/layer.h"

#define AT(member) offsetof(struct pool2d_options, member)

/* clang-format off */
/* max_pool2d takes all but the last: padding is −∞ there and is never the largest. */
static const struct field rows[] = {
    {.name = "kernel_size", .type = FIELD_PAIR, .flags = FIELD_REQUIRED,
     .offset = AT(kernel_size), .min = 1, .max = 4096, .help = "height and width of the window"},
    /* 0 stands for "as kernel_size" until complete() has run; a user cannot write it. */
    {.name = "stride", .type = FIELD_PAIR, .offset = AT(stride), .min = 1, .max = 4096,
     .fallback = 0, .help = "distance between windows; default: kernel_size"},
    {.name = "padding", .type = FIELD_PAIR, .offset = AT(padding), .min = 0, .max = 2048,
     .fallback = 0, .help = "rows and columns added on each side, at most half of kernel_size"},
    {.name = "ceil_mode", .type = FIELD_BOOL, .offset = AT(ceil_mode), .fallback = 0,
     .help = "round the output size up: the last windows may reach past the padding"},
    {.name = "count_include_pad", .type = FIELD_BOOL, .offset = AT(count_include_pad),
     .fallback = 1, .help = "padding counts as zeros in the mean; false: it does not count"},
};
/* clang-format on */

static void complete(void *options)
{
    struct pool2d_options *o = options;
    for (int axis = 0; axis < 2; axis++)
        if (o->stride[axis] == 0)
            o->stride[axis] = o->kernel_size[axis];
}

static void plan(struct layer_planning *planning)
{
    const struct pool2d_options *o = planning->layer->options;
    struct plan_layer *layer = planning->layer;
    struct sliding windows[2];

    planning->lost = layer->input.flat;
    if (layer->input.flat)
        problem_add(planning->problems, layer->pointer,
                    "%s wants images, but its input is a flat vector of %lld", layer->kind->name,
                    (long long)layer->input.channels);
    int axis = o->padding[0] * 2 > o->kernel_size[0] ? 0 : 1;
    if (o->padding[axis] * 2 > o->kernel_size[axis])
        plan_option_problem(
            planning, "padding",
            "padding %lld is more than half of kernel_size %lld: some windows would see nothing",
            (long long)o->padding[axis], (long long)o->kernel_size[axis]);
    for (axis = 0; axis < 2; axis++)
        windows[axis] =
            (struct sliding){.size = axis == 0 ? layer->input.height : layer->input.width,
                             .kernel = o->kernel_size[axis],
                             .stride = o->stride[axis],
                             .dilation = 1,
                             .before = o->padding[axis],
                             .behind = o->padding[axis],
                             .ceil_mode = o->ceil_mode};
    plan_windows(planning, windows);
    layer->output.channels = layer->input.channels;
}

const struct layer_kind layer_max_pool2d = {
    .kind = {"max_pool2d",
             "largest value of each window",
             {rows, COUNT_OF(rows) - 1, sizeof(struct pool2d_options)}},
    .complete = complete,
    .plan = plan,
};

const struct layer_kind layer_avg_pool2d = {
    .kind = {"avg_pool2d",
             "mean of each window",
             {rows, COUNT_OF(rows), sizeof(struct pool2d_options)}},
    .nature = LAYER_AVERAGE,
    .complete = complete,
    .plan = plan,
};
