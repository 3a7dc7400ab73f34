/* adaptive_avg_pool2d: the mean of each of output_size parts of the image, as PyTorch's
 * nn.AdaptiveAvgPool2d. Options and shapes only. */
#include "core/layer.h"

/* clang-format off */
static const struct field rows[] = {
    {.name = "output_size", .type = FIELD_PAIR, .flags = FIELD_REQUIRED,
     .offset = offsetof(struct adaptive_avg_pool2d_options, output_size), .min = 1, .max = 4096,
     .help = "height and width of the output, whatever the input's"},
};
/* clang-format on */

/* Part i of `parts` of an axis: PyTorch's edges ⌊i·size / parts⌋ and ⌈(i + 1)·size / parts⌉. */
static int64_t largest_part(int64_t size, int64_t parts)
{
    int64_t largest = 1;
    for (int64_t i = 0; i < parts; i++) {
        int64_t length = ((i + 1) * size + parts - 1) / parts - i * size / parts;
        largest = length > largest ? length : largest;
    }
    return largest;
}

static void plan(struct layer_planning *planning)
{
    const struct adaptive_avg_pool2d_options *o = planning->layer->options;
    struct plan_layer *layer = planning->layer;
    const int64_t size[2] = {layer->input.height, layer->input.width};

    if (layer->input.flat)
        problem_add(planning->problems, layer->pointer,
                    "adaptive_avg_pool2d wants images, but its input is a flat vector of %lld",
                    (long long)layer->input.channels);
    else if (o->output_size[0] > size[0] || o->output_size[1] > size[1])
        plan_warn(planning->warnings, layer->pointer,
                  "the output of %lld × %lld is larger than the input of %lld × %lld: pixels are "
                  "only repeated",
                  (long long)o->output_size[0], (long long)o->output_size[1], (long long)size[0],
                  (long long)size[1]);
    for (int axis = 0; axis < 2; axis++) {
        int64_t step = size[axis] / o->output_size[axis];
        layer->receptive_field[axis] +=
            (largest_part(size[axis], o->output_size[axis]) - 1) * layer->stride[axis];
        layer->stride[axis] *= step > 1 ? step : 1;
    }
    layer->output = (struct shape){layer->input.channels, o->output_size[0], o->output_size[1], 0};
    if (layer->output.height == 1 && layer->output.width == 1)
        layer->receptive_field[0] = layer->receptive_field[1] = 0;
}

const struct layer_kind layer_adaptive_avg_pool2d = {
    .kind = {"adaptive_avg_pool2d",
             "mean of each of output_size parts of the image",
             {rows, COUNT_OF(rows), sizeof(struct adaptive_avg_pool2d_options)}},
    .nature = LAYER_AVERAGE,
    .plan = plan,
};
