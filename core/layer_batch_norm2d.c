/* batch_norm2d: every channel brought to mean 0 and variance 1 over the batch, then scaled and
 * shifted by learned numbers, as PyTorch's nn.BatchNorm2d. Options and shapes only. */
#include "core/init.h"
#include "core/layer.h"

#define AT(member) offsetof(struct batch_norm2d_options, member)

/* clang-format off */
static const struct field rows[] = {
    {.name = "num_features", .type = FIELD_INT, .flags = FIELD_OPTIONAL,
     .offset = AT(num_features), .min = 1, .max = 65536,
     .help = "inferred; when given it is checked"},
    {.name = "eps", .type = FIELD_REAL, .flags = FIELD_ABOVE_MIN, .offset = AT(eps), .min = 0,
     .max = 1, .fallback = 1e-5, .help = "added to the variance under the root"},
    {.name = "momentum", .type = FIELD_REAL, .offset = AT(momentum), .min = 0, .max = 1,
     .fallback = 0.1, .help = "weight of a new batch in the running statistics"},
    {.name = "affine", .type = FIELD_BOOL, .offset = AT(affine), .fallback = 1,
     .help = "learn a scale and a shift per channel"},
    {.name = "init", .type = FIELD_VARIANT, .offset = AT(init), .kinds = &init_kinds,
     .fallback_kind = "ones", .help = "how the scale begins"},
    {.name = "bias_init", .type = FIELD_VARIANT, .flags = FIELD_OPTIONAL, .offset = AT(bias_init),
     .kinds = &init_kinds, .help = "how the shift begins; default: 0"},
};
/* clang-format on */

/* One number a channel: learned ones begin as `init` says or, without a kind, as `fill`. */
static void add(struct layer_planning *planning, const char *suffix, const struct variant *init,
                double fill)
{
    plan_tensor_add(planning, suffix,
                    &(struct plan_tensor){.dims = {planning->layer->input.channels},
                                          .rank = 1,
                                          .learned = init != NULL,
                                          .init = init,
                                          .fill = fill});
}

static void plan(struct layer_planning *planning)
{
    struct plan_layer *layer = planning->layer;
    const struct batch_norm2d_options *o = layer->options;

    layer->output = layer->input;
    if (layer->input.flat)
        problem_add(planning->problems, layer->pointer,
                    "batch_norm2d wants images, but its input is a flat vector of %lld: put it "
                    "before flatten",
                    (long long)layer->input.channels);
    if (o->num_features != FIELD_ABSENT && o->num_features != layer->input.channels)
        plan_option_problem(planning, "num_features",
                            "num_features is %lld, but the input has %lld channels",
                            (long long)o->num_features, (long long)layer->input.channels);
    if (o->affine) {
        add(planning, "weight", &o->init, 1);
        add(planning, "bias", &o->bias_init, 0);
    }
    add(planning, "running_mean", NULL, 0);
    add(planning, "running_var", NULL, 1);
}

const struct layer_kind layer_batch_norm2d = {
    .kind = {"batch_norm2d",
             "normalization of every channel over the batch",
             {rows, COUNT_OF(rows), sizeof(struct batch_norm2d_options)}},
    .nature = LAYER_NORM,
    .whole_batch = true,
    .plan = plan,
};
