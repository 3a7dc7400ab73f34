/* PyTorch: the table of how each kind of layer is written. */
#include "server/pytorch.h"

#include <inttypes.h>

static void channels(struct body *out, const struct plan_layer *layer)
{
    body_print(out, "%" PRId64 ", %" PRId64, layer->input.channels, layer->output.channels);
}

static void features(struct body *out, const struct plan_layer *layer)
{
    body_print(out, "%" PRId64, layer->input.channels);
}

/* As F.pad wants its padding: left, right, top, bottom. */
static void places(struct body *out, const struct plan_layer *layer)
{
    const struct sliding *w = layer->windows;

    channels(out, layer);
    body_print(out, ", size=(%" PRId64 ", %" PRId64 ")", layer->output.height, layer->output.width);
    body_print(out, ", padding=(%" PRId64 ", %" PRId64 ", %" PRId64 ", %" PRId64 ")", w[1].before,
               w[1].behind, w[0].before, w[0].behind);
}

/* clang-format off */
static const char *const of_conv2d[] = {"kernel_size", "stride", "padding", "dilation", "groups",
                                        "bias", "padding_mode", NULL};
static const char *const of_places[] = {"kernel_size", "stride", "dilation", "bias", "padding_mode",
                                        NULL};
static const char *const of_pool[] = {"kernel_size", "stride", "padding", "ceil_mode",
                                      "count_include_pad", NULL};
static const char *const of_adaptive[] = {"output_size", NULL};
static const char *const of_linear[] = {"bias", NULL};
static const char *const of_norm[] = {"eps", "momentum", "affine", NULL};
static const char *const of_dropout[] = {"p", NULL};
static const char *const of_leaky_relu[] = {"negative_slope", NULL};
static const char *const of_elu[] = {"alpha", NULL};
static const char *const of_gelu[] = {"approximate", NULL};

static const struct pytorch_layer flipped = {
    &layer_conv2d.kind, "FlippedConv2d", pytorch_flipped_conv2d, of_conv2d, channels, NULL};

static const struct pytorch_layer *perhaps_flipped(const void *options)
{
    return ((const struct conv2d_options *)options)->flip_kernel ? &flipped : NULL;
}

static const struct pytorch_layer rows[] = {
    {&layer_conv2d.kind, "nn.Conv2d", NULL, of_conv2d, channels, perhaps_flipped},
    {&layer_locally_connected2d.kind, "LocallyConnected2d", pytorch_locally_connected2d,
     of_places, places, NULL},
    {&layer_linear.kind, "nn.Linear", NULL, of_linear, channels, NULL},
    {&layer_flatten.kind, "nn.Flatten", NULL, NULL, NULL, NULL},
    {&layer_max_pool2d.kind, "nn.MaxPool2d", NULL, of_pool, NULL, NULL},
    {&layer_avg_pool2d.kind, "nn.AvgPool2d", NULL, of_pool, NULL, NULL},
    {&layer_adaptive_avg_pool2d.kind, "nn.AdaptiveAvgPool2d", NULL, of_adaptive, NULL, NULL},
    {&layer_dropout.kind, "nn.Dropout", NULL, of_dropout, NULL, NULL},
    {&layer_dropout2d.kind, "nn.Dropout2d", NULL, of_dropout, NULL, NULL},
    {&layer_relu.kind, "nn.ReLU", NULL, NULL, NULL, NULL},
    {&layer_leaky_relu.kind, "nn.LeakyReLU", NULL, of_leaky_relu, NULL, NULL},
    {&layer_elu.kind, "nn.ELU", NULL, of_elu, NULL, NULL},
    {&layer_gelu.kind, "nn.GELU", NULL, of_gelu, NULL, NULL},
    {&layer_silu.kind, "nn.SiLU", NULL, NULL, NULL, NULL},
    {&layer_sigmoid.kind, "nn.Sigmoid", NULL, NULL, NULL, NULL},
    {&layer_tanh.kind, "nn.Tanh", NULL, NULL, NULL, NULL},
    {&layer_batch_norm2d.kind, "nn.BatchNorm2d", NULL, of_norm, features, NULL},
    {&layer_residual.kind, "Residual", pytorch_residual, NULL, NULL, NULL},
    {&layer_concat.kind, "Concat", pytorch_concat, NULL, NULL, NULL},
};
/* clang-format on */

const struct pytorch_layer *pytorch_layer_find(const struct kind *layer, const void *options)
{
    const struct pytorch_layer *other;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (rows[i].layer != layer)
            continue;
        other = rows[i].instead ? rows[i].instead(options) : NULL;
        return other ? other : &rows[i];
    }
    return NULL;
}
