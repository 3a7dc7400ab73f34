/* flatten: channels × height × width to one vector, in that order. Shapes only. */
#include "core/layer.h"

static void plan(struct layer_planning *planning)
{
    planning->layer->output = (struct shape){shape_elements(&planning->layer->input), 1, 1, 1};
}

const struct layer_kind layer_flatten = {
    .kind = {"flatten", "images to one vector: channels × height × width", {NULL, 0, 0}},
    .nature = LAYER_RESHAPE,
    .plan = plan,
};
