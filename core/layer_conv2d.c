/* conv2d: cross-correlation over channels, as PyTorch's nn.Conv2d. Options and shapes only. */
#include "core/init.h"
#include "core/layer.h"

#define AT(member) offsetof(struct conv2d_options, member)

/* clang-format off */
static const struct field rows[] = {
    {.name = "out_channels", .type = FIELD_INT, .flags = FIELD_REQUIRED,
     .offset = AT(out_channels), .min = 1, .max = 65536, .help = "number of filters"},
    {.name = "in_channels", .type = FIELD_INT, .flags = FIELD_OPTIONAL,
     .offset = AT(in_channels), .min = 1, .max = 65536,
     .help = "inferred; when given it is checked"},
    {.name = "kernel_size", .type = FIELD_PAIR, .flags = FIELD_REQUIRED,
     .offset = AT(kernel_size), .min = 1, .max = 4096,
     .help = "height and width of the filters"},
    {.name = "stride", .type = FIELD_PAIR, .offset = AT(stride), .min = 1, .max = 4096,
     .fallback = 1, .help = "distance between neighbouring outputs"},
    {.name = "padding", .type = FIELD_PAIR, .offset = AT(padding), .min = 0, .max = 4096,
     .fallback = 0, .help = "zeros added on each side"},
    {.name = "bias", .type = FIELD_BOOL, .offset = AT(bias), .fallback = 1,
     .help = "add a learned bias per filter"},
    {.name = "init", .type = FIELD_VARIANT, .offset = AT(init), .kinds = &init_kinds,
     .fallback_kind = "kaiming_uniform", .help = "how the weights begin"},
    {.name = "bias_init", .type = FIELD_VARIANT, .flags = FIELD_OPTIONAL, .offset = AT(bias_init),
     .kinds = &init_kinds,
     .help = "how the bias begins; default: uniform in ±1/√fan_in of the weights"},
};
/* clang-format on */

/* Parameters N·(k₁k₂C + 1); multiply-adds: one per weight and output pixel. */
static void plan(struct layer_planning *planning)
{
    const struct conv2d_options *o = planning->layer->options;
    struct plan_layer *layer = planning->layer;
    int64_t channels = layer->input.channels;
    int64_t fan_in = saturating_product(channels, o->kernel_size[0] * o->kernel_size[1]);

    planning->lost = layer->input.flat;
    if (layer->input.flat)
        problem_add(planning->problems, layer->pointer,
                    "conv2d wants images, but its input is a flat vector of %lld",
                    (long long)channels);
    if (o->in_channels != FIELD_ABSENT && o->in_channels != channels)
        plan_option_problem(planning, "in_channels", "in_channels is %lld, but the input has %lld",
                            (long long)o->in_channels, (long long)channels);
    plan_window(planning, o->kernel_size, o->stride, o->padding, false);
    layer->output.channels = o->out_channels;
    plan_tensor_add(
        planning, "weight",
        &(struct plan_tensor){
            .dims = {o->out_channels, channels, o->kernel_size[0], o->kernel_size[1]},
            .rank = 4,
            .learned = true,
            .fan_in = fan_in,
            .fan_out = saturating_product(o->out_channels, o->kernel_size[0] * o->kernel_size[1]),
            .init = &o->init});
    if (o->bias)
        plan_tensor_add(planning, "bias",
                        &(struct plan_tensor){.dims = {o->out_channels},
                                              .rank = 1,
                                              .learned = true,
                                              .fan_in = fan_in,
                                              .init = &o->bias_init});
    layer->multiply_adds = saturating_product(fan_in, shape_elements(&layer->output));
}

const struct layer_kind layer_conv2d = {
    .kind = {"conv2d",
             "convolution (cross-correlation) with learned filters",
             {rows, COUNT_OF(rows), sizeof(struct conv2d_options)}},
    .plan = plan,
};
