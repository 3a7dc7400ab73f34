/* ONNX layers: conv2d and locally_connected2d, and the padding of both. */
#include "server/onnx_layer.h"

/* What ONNX's Pad calls each mode, as far as it knows it: the other side came with opset 19. */
static const char *const pad_modes[] = {[PADDING_ZEROS] = "constant",
                                        [PADDING_REFLECT] = "reflect",
                                        [PADDING_REPLICATE] = "edge",
                                        [PADDING_CIRCULAR] = NULL};

static const char *pad(const struct onnx_layer *call, const char *mode)
{
    const struct sliding *w = call->layer->windows;
    const int64_t pads[] = {0, 0, w[0].before, w[1].before, 0, 0, w[0].behind, w[1].behind};
    const char *output = onnx_inner(call, "padded");

    onnx_put_node(
        call->graph,
        &(struct onnx_node){
            .op = "Pad",
            .output = output,
            .inputs = {call->inputs[0],
                       onnx_integers(call->graph, onnx_inner(call, "pads"), pads, COUNT_OF(pads))},
            .attributes = (struct onnx_attribute[]){{"mode", ONNX_TEXT, .text = mode}, {0}}});
    return output;
}

static const char *gather(const struct onnx_layer *call, const char *input, const char *indices,
                          int axis)
{
    const char *output = onnx_name(call->graph, "%s.gathered", indices);

    onnx_put_node(call->graph,
                  &(struct onnx_node){.op = "Gather",
                                      .output = output,
                                      .inputs = {input, indices},
                                      .attributes = (struct onnx_attribute[]){
                                          {"axis", ONNX_INTEGER, .integer = axis}, {0}}});
    return output;
}

/* Rows, then columns: each place of the padded image shows one of the image. */
static const char *gather_padding(const struct onnx_layer *call)
{
    static const char *const names[] = {"rows", "columns"};
    const char *x = call->inputs[0];

    for (int axis = 0; axis < 2; axis++) {
        const struct sliding *w = &call->layer->windows[axis];
        int64_t count = w->before + w->size + w->behind;
        int64_t *shown = arena_take_array(&call->graph->arena, (size_t)count, sizeof(*shown));

        call->graph->failed |= shown == NULL;
        if (!shown)
            return "";
        for (int64_t i = 0; i < count; i++) {
            int64_t at = i - w->before;
            shown[i] = at >= 0 && at < w->size ? at : window_shows(w, at);
        }
        x = gather(call, x, onnx_integers(call->graph, onnx_inner(call, names[axis]), shown, count),
                   2 + axis);
    }
    return x;
}

const char *onnx_padded(const struct onnx_layer *call)
{
    const struct sliding *w = call->layer->windows;

    if (w[0].before + w[0].behind + w[1].before + w[1].behind == 0)
        return call->inputs[0];
    return pad_modes[w->mode] ? pad(call, pad_modes[w->mode]) : gather_padding(call);
}

void onnx_conv2d(const struct onnx_layer *call)
{
    const struct conv2d_options *o = call->layer->options;
    const struct sliding *w = call->layer->windows;
    bool zeros = o->padding_mode == PADDING_ZEROS;
    struct onnx_weight *weight = onnx_weight_of(call, "weight");
    const struct onnx_weight *bias = onnx_weight_of(call, "bias");
    const int64_t pads[] = {zeros ? w[0].before : 0, zeros ? w[1].before : 0,
                            zeros ? w[0].behind : 0, zeros ? w[1].behind : 0};

    /* A filter turned by 180 degrees is the same numbers from the last to the first. */
    weight->turned = o->flip_kernel ? o->kernel_size[0] * o->kernel_size[1] : 0;
    onnx_put_node(call->graph,
                  &(struct onnx_node){
                      .op = "Conv",
                      .output = call->output,
                      .inputs = {zeros ? call->inputs[0] : onnx_padded(call), weight->tensor->name,
                                 bias ? bias->tensor->name : NULL},
                      .attributes = (struct onnx_attribute[]){
                          {"kernel_shape", ONNX_INTEGERS, .integers = o->kernel_size, .count = 2},
                          {"strides", ONNX_INTEGERS, .integers = o->stride, .count = 2},
                          {"dilations", ONNX_INTEGERS, .integers = o->dilation, .count = 2},
                          {"pads", ONNX_INTEGERS, .integers = pads, .count = 4},
                          {"group", ONNX_INTEGER, .integer = o->groups},
                          {0}}});
}

/* ---- locally_connected2d ----
 *
 * No operator of ONNX has weights of its own for every place. So the pixels that each place reads
 * are gathered, (N, C, out rows, taps, out columns, taps), brought into the order (out rows, out
 * columns, N, K), K being C · taps · taps, and multiplied place by place. */

static const char *gather_taps(const struct onnx_layer *call, const char *x, int axis, int into)
{
    static const char *const names[] = {"row_taps", "column_taps"};
    const struct sliding *w = &call->layer->windows[axis];
    int64_t places = window_output(w), count = places * w->kernel;
    const int64_t dims[] = {places, w->kernel};
    int64_t *taps = arena_take_array(&call->graph->arena, (size_t)count, sizeof(*taps));

    call->graph->failed |= taps == NULL;
    if (!taps)
        return "";
    for (int64_t i = 0; i < count; i++)
        taps[i] = i / w->kernel * w->stride + i % w->kernel * w->dilation;
    return gather(call, x, onnx_indices(call->graph, onnx_inner(call, names[axis]), taps, dims),
                  into);
}

static const char *transpose(const struct onnx_layer *call, const char *input, const int64_t *order,
                             int rank)
{
    const char *output = onnx_name(call->graph, "%s.transposed", input);

    onnx_put_node(
        call->graph,
        &(struct onnx_node){.op = "Transpose",
                            .output = output,
                            .inputs = {input},
                            .attributes = (struct onnx_attribute[]){
                                {"perm", ONNX_INTEGERS, .integers = order, .count = rank}, {0}}});
    return output;
}

/* (out rows, out columns, N, K) */
static const char *gather_patches(const struct onnx_layer *call)
{
    static const int64_t order[] = {2, 4, 0, 1, 3, 5}, shape[] = {0, 0, 0, -1};
    const char *rows = gather_taps(call, onnx_padded(call), 0, 2);
    const char *taps = gather_taps(call, rows, 1, 4);
    const char *output = onnx_inner(call, "patches");

    onnx_put_node(
        call->graph,
        &(struct onnx_node){.op = "Reshape",
                            .output = output,
                            .inputs = {transpose(call, taps, order, COUNT_OF(order)),
                                       onnx_integers(call->graph, onnx_inner(call, "patches.shape"),
                                                     shape, COUNT_OF(shape))}});
    return output;
}

/* The weights are (out channels, out rows, out columns, C, taps, taps): all but the first three
 * are K. */
void onnx_locally_connected2d(const struct onnx_layer *call)
{
    static const int64_t places_first[] = {1, 2, 3, 0}, images_first[] = {2, 3, 0, 1};
    struct onnx_weight *weight = onnx_weight_of(call, "weight");
    const struct onnx_weight *bias = onnx_weight_of(call, "bias");
    const char *product = onnx_inner(call, "product");

    weight->dims[3] *= weight->dims[4] * weight->dims[5];
    weight->rank = 4;
    onnx_put_node(call->graph, &(struct onnx_node){.op = "MatMul",
                                                   .output = product,
                                                   .inputs = {gather_patches(call),
                                                              transpose(call, weight->tensor->name,
                                                                        places_first, 4)}});
    onnx_put_node(call->graph,
                  &(struct onnx_node){.op = bias ? "Add" : "Identity",
                                      .output = call->output,
                                      .inputs = {transpose(call, product, images_first, 4),
                                                 bias ? bias->tensor->name : NULL}});
}
