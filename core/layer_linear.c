/* linear: y = x·Wᵀ + b over a flat vector, as PyTorch's nn.Linear. Options and shapes only. */
#include "core/init.h"
#include "core/layer.h"

#define AT(member) offsetof(struct linear_options, member)

/* clang-format off */
static const struct field rows[] = {
    {.name = "out_features", .type = FIELD_INT, .flags = FIELD_REQUIRED,
     .offset = AT(out_features), .min = 1, .max = 1048576, .help = "length of the output"},
    {.name = "in_features", .type = FIELD_INT, .flags = FIELD_OPTIONAL,
     .offset = AT(in_features), .min = 1, .max = 1073741824,
     .help = "inferred; when given it is checked"},
    {.name = "bias", .type = FIELD_BOOL, .offset = AT(bias), .fallback = 1,
     .help = "add a learned bias per output"},
    {.name = "init", .type = FIELD_VARIANT, .offset = AT(init), .kinds = &init_kinds,
     .fallback_kind = "kaiming_uniform", .help = "how the weights begin"},
    {.name = "bias_init", .type = FIELD_VARIANT, .flags = FIELD_OPTIONAL, .offset = AT(bias_init),
     .kinds = &init_kinds,
     .help = "how the bias begins; default: uniform in ±1/√fan_in of the weights"},
};
/* clang-format on */

static void plan(struct layer_planning *planning)
{
    const struct linear_options *o = planning->layer->options;
    struct plan_layer *layer = planning->layer;
    int64_t features = shape_elements(&layer->input);

    if (!layer->input.flat)
        problem_add(planning->problems, layer->pointer,
                    "linear wants a flat vector, but its input is %lld × %lld × %lld: put "
                    "{\"type\": \"flatten\"} before it",
                    (long long)layer->input.channels, (long long)layer->input.height,
                    (long long)layer->input.width);
    if (o->in_features != FIELD_ABSENT && o->in_features != features)
        plan_option_problem(planning, "in_features", "in_features is %lld, but the input has %lld",
                            (long long)o->in_features, (long long)features);
    layer->output = (struct shape){o->out_features, 1, 1, 1};
    plan_tensor_add(planning, "weight",
                    &(struct plan_tensor){.dims = {o->out_features, features},
                                          .rank = 2,
                                          .learned = true,
                                          .fan_in = features,
                                          .fan_out = o->out_features,
                                          .init = &o->init});
    if (o->bias)
        plan_tensor_add(planning, "bias",
                        &(struct plan_tensor){.dims = {o->out_features},
                                              .rank = 1,
                                              .learned = true,
                                              .fan_in = features,
                                              .init = &o->bias_init});
    layer->multiply_adds = saturating_product(features, o->out_features);
    layer->receptive_field[0] = layer->receptive_field[1] = 0;
}

const struct layer_kind layer_linear = {
    .kind = {"linear",
             "fully connected layer",
             {rows, COUNT_OF(rows), sizeof(struct linear_options)}},
    .nature = LAYER_PRODUCT,
    .plan = plan,
};
