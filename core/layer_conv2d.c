/* conv2d: cross-correlation over channels, as PyTorch's nn.Conv2d, or by option true convolution;
 * and locally_connected2d, the same with weights of its own for every output pixel. Options and
 * shapes only. */
#include "core/init.h"
#include "core/layer.h"

#define AT(member) offsetof(struct conv2d_options, member)

static const char *const paddings[] = {"same", "valid", NULL};
static const char *const padding_modes[] = {"zeros", "reflect", "replicate", "circular", NULL};

enum { ROWS_OF_CONV2D_ALONE = 2 };

/* clang-format off */
/* locally_connected2d takes all but the last ROWS_OF_CONV2D_ALONE. */
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
    {.name = "padding", .type = FIELD_PAIR_OR, .offset = AT(padding), .min = 0, .max = 4096,
     .choices = paddings, .fallback = 0,
     .help = "rows and columns added on each side; \"same\": as many as keep height and width "
             "at a stride of 1; \"valid\": none"},
    {.name = "dilation", .type = FIELD_PAIR, .offset = AT(dilation), .min = 1, .max = 4096,
     .fallback = 1, .help = "distance of the pixels that neighbouring weights read"},
    {.name = "bias", .type = FIELD_BOOL, .offset = AT(bias), .fallback = 1,
     .help = "add a learned bias, in conv2d one per filter, in locally_connected2d one per output"},
    {.name = "init", .type = FIELD_VARIANT, .offset = AT(init), .kinds = &init_kinds,
     .fallback_kind = "kaiming_uniform", .help = "how the weights begin"},
    {.name = "bias_init", .type = FIELD_VARIANT, .flags = FIELD_OPTIONAL, .offset = AT(bias_init),
     .kinds = &init_kinds,
     .help = "how the bias begins; default: uniform in ±1/√fan_in of the weights"},
    {.name = "padding_mode", .type = FIELD_CHOICE, .offset = AT(padding_mode),
     .choices = padding_modes,
     .help = "what stands in the padding: zeros, the image mirrored at its edge pixels, its edge "
             "pixels, or its other side"},
    {.name = "groups", .type = FIELD_INT, .offset = AT(groups), .min = 1, .max = 65536,
     .fallback = 1,
     .help = "parts of the channels that are convolved apart; as many as channels: depthwise"},
    {.name = "flip_kernel", .type = FIELD_BOOL, .offset = AT(flip_kernel),
     .help = "true convolution, its filters turned by 180 degrees, instead of cross-correlation"},
};
/* clang-format on */

/* What "same" adds in all: d·(k − 1). As in PyTorch the larger half stands behind. */
static void pad(const struct conv2d_options *o, struct sliding *w, int axis)
{
    int64_t whole = o->padding.choice == CONV2D_SAME ? window_extent(w) - 1 : 0;
    w->before = o->padding.choice < 0 ? o->padding.pair[axis] : whole / 2;
    w->behind = o->padding.choice < 0 ? o->padding.pair[axis] : whole - whole / 2;
}

void conv2d_windows(const struct conv2d_options *o, const struct shape *input,
                    struct sliding windows[2])
{
    for (int axis = 0; axis < 2; axis++) {
        windows[axis] = (struct sliding){.size = axis == 0 ? input->height : input->width,
                                         .kernel = o->kernel_size[axis],
                                         .stride = o->stride[axis],
                                         .dilation = o->dilation[axis],
                                         .mode = o->padding_mode};
        pad(o, &windows[axis], axis);
    }
}

/* Neither rule depends on the other: both are looked at. */
static void check_padding(struct layer_planning *planning, const struct sliding windows[2])
{
    const struct conv2d_options *o = planning->layer->options;
    int64_t beyond = o->padding_mode == PADDING_REFLECT ? 1 : 0;
    bool bounded = o->padding_mode == PADDING_REFLECT || o->padding_mode == PADDING_CIRCULAR;

    if (o->padding.choice == CONV2D_SAME && (o->stride[0] != 1 || o->stride[1] != 1))
        plan_option_problem(planning, "padding",
                            "\"same\" wants a stride of 1, but it is %lld × %lld",
                            (long long)o->stride[0], (long long)o->stride[1]);
    for (int axis = 0; axis < 2 && bounded && !planning->layer->input.flat; axis++) {
        const struct sliding *w = &windows[axis];
        if (w->behind + beyond <= w->size)
            continue;
        plan_option_problem(planning, "padding",
                            "a padding of %lld with padding_mode %s wants %s %lld pixels, but the "
                            "input is %lld × %lld",
                            (long long)w->behind, padding_modes[o->padding_mode],
                            beyond ? "more than" : "at least", (long long)w->behind,
                            (long long)windows[0].size, (long long)windows[1].size);
        return;
    }
}

/* Everything but tensors and what is counted by them. */
static void plan_images(struct layer_planning *planning)
{
    const struct conv2d_options *o = planning->layer->options;
    struct plan_layer *layer = planning->layer;
    struct sliding windows[2];

    planning->lost = layer->input.flat;
    if (layer->input.flat)
        problem_add(planning->problems, layer->pointer,
                    "%s wants images, but its input is a flat vector of %lld", layer->kind->name,
                    (long long)layer->input.channels);
    if (o->in_channels != FIELD_ABSENT && o->in_channels != layer->input.channels)
        plan_option_problem(planning, "in_channels", "in_channels is %lld, but the input has %lld",
                            (long long)o->in_channels, (long long)layer->input.channels);
    conv2d_windows(o, &layer->input, windows);
    check_padding(planning, windows);
    plan_windows(planning, windows);
    layer->output.channels = o->out_channels;
}

/* The channels of one group; those of all where they cannot be shared out. */
static int64_t group_channels(struct layer_planning *planning)
{
    const struct conv2d_options *o = planning->layer->options;
    int64_t channels = planning->layer->input.channels;

    if (channels % o->groups == 0 && o->out_channels % o->groups == 0)
        return channels / o->groups;
    if (channels % o->groups != 0)
        plan_option_problem(planning, "groups",
                            "the %lld channels of the input cannot be shared out to %lld groups",
                            (long long)channels, (long long)o->groups);
    else
        plan_option_problem(planning, "groups",
                            "out_channels, %lld, cannot be shared out to %lld groups",
                            (long long)o->out_channels, (long long)o->groups);
    return channels;
}

/* Parameters N·(k₁k₂C/G + 1); multiply-adds: one per weight and output pixel. */
static void plan_conv2d(struct layer_planning *planning)
{
    const struct conv2d_options *o = planning->layer->options;
    struct plan_layer *layer = planning->layer;
    int64_t taps = o->kernel_size[0] * o->kernel_size[1];

    plan_images(planning);
    int64_t channels = group_channels(planning), fan_in = saturating_product(channels, taps);
    plan_tensor_add(planning, "weight",
                    &(struct plan_tensor){
                        .dims = {o->out_channels, channels, o->kernel_size[0], o->kernel_size[1]},
                        .rank = 4,
                        .learned = true,
                        .fan_in = fan_in,
                        .fan_out = saturating_product(o->out_channels, taps),
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

/* Parameters N·P·(k₁k₂C + 1) with P output pixels; an initializer sees the fans of a conv2d. */
static void plan_locally_connected2d(struct layer_planning *planning)
{
    const struct conv2d_options *o = planning->layer->options;
    struct plan_layer *layer = planning->layer;
    const struct shape *out = &layer->output;
    int64_t channels = layer->input.channels, taps = o->kernel_size[0] * o->kernel_size[1];
    int64_t fan_in = saturating_product(channels, taps);

    plan_images(planning);
    plan_tensor_add(planning, "weight",
                    &(struct plan_tensor){.dims = {o->out_channels, out->height, out->width,
                                                   channels, o->kernel_size[0], o->kernel_size[1]},
                                          .rank = 6,
                                          .learned = true,
                                          .fan_in = fan_in,
                                          .fan_out = saturating_product(o->out_channels, taps),
                                          .init = &o->init});
    if (o->bias)
        plan_tensor_add(planning, "bias",
                        &(struct plan_tensor){.dims = {o->out_channels, out->height, out->width},
                                              .rank = 3,
                                              .learned = true,
                                              .fan_in = fan_in,
                                              .init = &o->bias_init});
    layer->multiply_adds = saturating_product(fan_in, shape_elements(out));
}

const struct layer_kind layer_conv2d = {
    .kind = {"conv2d",
             "convolution (cross-correlation) with learned filters",
             {rows, COUNT_OF(rows), sizeof(struct conv2d_options)}},
    .nature = LAYER_PRODUCT,
    .plan = plan_conv2d,
};

const struct layer_kind layer_locally_connected2d = {
    .kind = {"locally_connected2d",
             "as conv2d, but every output pixel has learned filters of its own",
             {rows, COUNT_OF(rows) - ROWS_OF_CONV2D_ALONE, sizeof(struct conv2d_options)}},
    .nature = LAYER_PRODUCT,
    .plan = plan_locally_connected2d,
};
