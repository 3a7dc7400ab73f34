/* relu: max(x, 0). Shapes only. */
#include "core/layer.h"

static void plan(struct layer_planning *planning)
{
    planning->layer->output = planning->layer->input;
}

const struct layer_kind layer_relu = {
    .kind = {"relu", "max(x, 0)", {NULL, 0, 0}},
    .plan = plan,
};
