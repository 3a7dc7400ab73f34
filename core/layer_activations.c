/* Activations: one function of one number, applied to each. They keep the shape; options only. */
#include "core/layer.h"

static void plan(struct layer_planning *planning)
{
    planning->layer->output = planning->layer->input;
}

static const char *const gelu_ways[] = {"none", "tanh", NULL};

/* clang-format off */
/* Not below zero: then the sign of the output tells the sign of the input. */
static const struct field leaky_relu_rows[] = {
    {.name = "negative_slope", .type = FIELD_REAL,
     .offset = offsetof(struct leaky_relu_options, negative_slope), .min = 0, .max = 1e6,
     .fallback = 0.01, .help = "factor of what is below zero"},
};

static const struct field elu_rows[] = {
    {.name = "alpha", .type = FIELD_REAL, .offset = offsetof(struct elu_options, alpha), .min = 0,
     .max = 1e6, .fallback = 1, .help = "the output tends to −alpha far below zero"},
};

static const struct field gelu_rows[] = {
    {.name = "approximate", .type = FIELD_CHOICE,
     .offset = offsetof(struct gelu_options, approximate), .choices = gelu_ways,
     .fallback = GELU_EXACT,
     .help = "none: by the error function; tanh: the formula that approximates it"},
};
/* clang-format on */

const struct layer_kind layer_relu = {
    .kind = {"relu", "max(x, 0)", {NULL, 0, 0}},
    .nature = LAYER_ACTIVATION,
    .plan = plan,
};

const struct layer_kind layer_leaky_relu = {
    .kind = {"leaky_relu",
             "x above zero, negative_slope · x below",
             {leaky_relu_rows, COUNT_OF(leaky_relu_rows), sizeof(struct leaky_relu_options)}},
    .nature = LAYER_ACTIVATION,
    .plan = plan,
};

const struct layer_kind layer_elu = {
    .kind = {"elu",
             "x above zero, alpha · (eˣ − 1) below",
             {elu_rows, COUNT_OF(elu_rows), sizeof(struct elu_options)}},
    .nature = LAYER_ACTIVATION,
    .plan = plan,
};

const struct layer_kind layer_gelu = {
    .kind = {"gelu",
             "x · Φ(x), Φ the normal distribution",
             {gelu_rows, COUNT_OF(gelu_rows), sizeof(struct gelu_options)}},
    .nature = LAYER_ACTIVATION,
    .plan = plan,
};

const struct layer_kind layer_silu = {
    .kind = {"silu", "x · sigmoid(x)", {NULL, 0, 0}},
    .nature = LAYER_ACTIVATION,
    .plan = plan,
};

const struct layer_kind layer_sigmoid = {
    .kind = {"sigmoid", "1 / (1 + e⁻ˣ)", {NULL, 0, 0}},
    .nature = LAYER_ACTIVATION,
    .plan = plan,
};

const struct layer_kind layer_tanh = {
    .kind = {"tanh", "hyperbolic tangent", {NULL, 0, 0}},
    .nature = LAYER_ACTIVATION,
    .plan = plan,
};
