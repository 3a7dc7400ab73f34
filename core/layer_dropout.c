/* dropout and dropout2d: single numbers, or whole channels, become zero in training with
 * probability p. Options and shapes only. */
#include "core/layer.h"

/* clang-format off */
static const struct field rows[] = {
    {.name = "p", .type = FIELD_REAL, .offset = offsetof(struct dropout_options, p), .min = 0,
     .max = 1, .fallback = 0.5,
     .help = "probability of zero; what is left is scaled by 1/(1 − p), in training only"},
};
/* clang-format on */

static void plan(struct layer_planning *planning)
{
    struct plan_layer *layer = planning->layer;

    layer->output = layer->input;
    if (((const struct dropout_options *)layer->options)->p >= 1)
        plan_warn(planning->warnings, layer->pointer, "p is 1: in training nothing passes");
}

static void plan_channels(struct layer_planning *planning)
{
    if (planning->layer->input.flat)
        problem_add(planning->problems, planning->layer->pointer,
                    "dropout2d wants images, but its input is a flat vector of %lld: take dropout",
                    (long long)planning->layer->input.channels);
    plan(planning);
}

const struct layer_kind layer_dropout = {
    .kind = {"dropout",
             "numbers become zero at random in training",
             {rows, COUNT_OF(rows), sizeof(struct dropout_options)}},
    .nature = LAYER_DROPOUT,
    .plan = plan,
};

const struct layer_kind layer_dropout2d = {
    .kind = {"dropout2d",
             "whole channels become zero at random in training",
             {rows, COUNT_OF(rows), sizeof(struct dropout_options)}},
    .nature = LAYER_DROPOUT,
    .plan = plan_channels,
};
