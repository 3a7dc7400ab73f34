/* ONNX layers: the table, and the kinds that are one operator each. */
#include "server/onnx_layer.h"

#include <string.h>

static void linear(const struct onnx_layer *call)
{
    const struct onnx_weight *bias = onnx_weight_of(call, "bias");

    onnx_put_node(
        call->graph,
        &(struct onnx_node){
            .op = "Gemm",
            .output = call->output,
            .inputs = {call->inputs[0], onnx_weight_of(call, "weight")->tensor->name,
                       bias ? bias->tensor->name : NULL},
            .attributes = (struct onnx_attribute[]){{"transB", ONNX_INTEGER, .integer = 1}, {0}}});
}

static void flatten(const struct onnx_layer *call)
{
    onnx_put_node(call->graph, &(struct onnx_node){.op = "Flatten",
                                                   .output = call->output,
                                                   .inputs = {call->inputs[0]},
                                                   .attributes = (struct onnx_attribute[]){
                                                       {"axis", ONNX_INTEGER, .integer = 1}, {0}}});
}

/* One number for each of so many channels. */
static const char *even(const struct onnx_layer *call, const char *suffix, float value)
{
    int64_t channels = call->layer->input.channels;
    float *values = arena_take_array(&call->graph->arena, (size_t)channels, sizeof(*values));

    call->graph->failed |= values == NULL;
    for (int64_t c = 0; values && c < channels; c++)
        values[c] = value;
    return values ? onnx_reals(call->graph, onnx_inner(call, suffix), values, &channels, 1) : "";
}

/* By the running statistics, as in evaluations. */
static void batch_norm2d(const struct onnx_layer *call)
{
    const struct batch_norm2d_options *o = call->layer->options;
    const struct onnx_weight *scale = onnx_weight_of(call, "weight");
    const struct onnx_weight *shift = onnx_weight_of(call, "bias");

    onnx_put_node(
        call->graph,
        &(struct onnx_node){
            .op = "BatchNormalization",
            .output = call->output,
            .inputs = {call->inputs[0], scale ? scale->tensor->name : even(call, "ones", 1),
                       shift ? shift->tensor->name : even(call, "zeros", 0),
                       onnx_weight_of(call, "running_mean")->tensor->name,
                       onnx_weight_of(call, "running_var")->tensor->name},
            .attributes = (struct onnx_attribute[]){{"epsilon", ONNX_FLOAT, .real = o->eps}, {0}}});
}

static void residual(const struct onnx_layer *call)
{
    onnx_put_node(call->graph, &(struct onnx_node){.op = "Add",
                                                   .output = call->output,
                                                   .inputs = {call->inputs[0], call->inputs[1]}});
}

static void concat(const struct onnx_layer *call)
{
    onnx_put_node(call->graph, &(struct onnx_node){.op = "Concat",
                                                   .output = call->output,
                                                   .more = call->inputs,
                                                   .more_count = call->layer->source_count,
                                                   .attributes = (struct onnx_attribute[]){
                                                       {"axis", ONNX_INTEGER, .integer = 1}, {0}}});
}

/* clang-format off */
static const struct onnx_exporter exporters[] = {
    {&layer_conv2d.kind, onnx_conv2d},
    {&layer_locally_connected2d.kind, onnx_locally_connected2d},
    {&layer_linear.kind, linear},
    {&layer_flatten.kind, flatten},
    {&layer_max_pool2d.kind, onnx_max_pool2d},
    {&layer_avg_pool2d.kind, onnx_avg_pool2d},
    {&layer_adaptive_avg_pool2d.kind, onnx_adaptive_avg_pool2d},
    {&layer_dropout.kind, NULL},
    {&layer_dropout2d.kind, NULL},
    {&layer_relu.kind, onnx_relu},
    {&layer_leaky_relu.kind, onnx_leaky_relu},
    {&layer_elu.kind, onnx_elu},
    {&layer_gelu.kind, onnx_gelu},
    {&layer_silu.kind, onnx_silu},
    {&layer_sigmoid.kind, onnx_sigmoid},
    {&layer_tanh.kind, onnx_tanh},
    {&layer_batch_norm2d.kind, batch_norm2d},
    {&layer_residual.kind, residual},
    {&layer_concat.kind, concat},
};
/* clang-format on */

const struct onnx_exporter *onnx_exporter_find(const struct kind *layer)
{
    for (size_t i = 0; i < COUNT_OF(exporters); i++)
        if (exporters[i].layer == layer)
            return &exporters[i];
    return NULL;
}

const char *onnx_inner(const struct onnx_layer *call, const char *suffix)
{
    return onnx_name(call->graph, "%s.%s", call->layer->path, suffix);
}

struct onnx_weight *onnx_weight_of(const struct onnx_layer *call, const char *suffix)
{
    struct onnx_weight *weights = &call->graph->weights[call->layer->first_tensor];
    size_t path = strlen(call->layer->path);

    for (int i = 0; i < call->layer->tensors; i++)
        if (strcmp(weights[i].tensor->name + path + 1, suffix) == 0)
            return &weights[i];
    return NULL;
}
