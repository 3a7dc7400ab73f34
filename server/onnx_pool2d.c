/* ONNX layers: pooling. With ceil_mode the last windows may reach past the padding; runtimes have
 * counted that in different ways, so it is written as padding that is larger at the end. */
#include "server/onnx_layer.h"

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* How much stands behind the last pixel for all windows to fit. */
static int64_t behind(const struct sliding *w)
{
    int64_t reach = (window_output(w) - 1) * w->stride + w->kernel;
    return most(w->behind, reach - w->size - w->before);
}

static void put_pool(const struct onnx_layer *call, const char *op, const char *output,
                     int64_t count_padding)
{
    const struct pool2d_options *o = call->layer->options;
    const struct sliding *w = call->layer->windows;
    const int64_t pads[] = {w[0].before, w[1].before, behind(&w[0]), behind(&w[1])};

    onnx_put_node(call->graph,
                  &(struct onnx_node){
                      .op = op,
                      .output = output,
                      .inputs = {call->inputs[0]},
                      .attributes = (struct onnx_attribute[]){
                          {"kernel_shape", ONNX_INTEGERS, .integers = o->kernel_size, .count = 2},
                          {"strides", ONNX_INTEGERS, .integers = o->stride, .count = 2},
                          {"pads", ONNX_INTEGERS, .integers = pads, .count = 4},
                          {count_padding ? "count_include_pad" : NULL, ONNX_INTEGER, .integer = 1},
                          {0}}});
}

/* Padding is never the largest. */
void onnx_max_pool2d(const struct onnx_layer *call)
{
    put_pool(call, "MaxPool", call->output, 0);
}

/* A mean with padding counts the window as far as the padding reaches, but not what stands out
 * behind it. (out) factors of what divided by the whole kernel; NULL: they are all 1. */
static const float *corrections(const struct onnx_layer *call, const struct sliding *w)
{
    int64_t count = window_output(w);
    bool any = false;
    float *factors = arena_take_array(&call->graph->arena, (size_t)count, sizeof(*factors));

    call->graph->failed |= factors == NULL;
    for (int64_t i = 0; factors && i < count; i++) {
        int64_t room = w->before + w->size + w->behind - i * w->stride;
        factors[i] = room < w->kernel ? (float)w->kernel / (float)room : 1;
        any |= room < w->kernel;
    }
    return any ? factors : NULL;
}

void onnx_avg_pool2d(const struct onnx_layer *call)
{
    static const char *const names[] = {"row_factors", "column_factors"};
    const struct pool2d_options *o = call->layer->options;
    const char *outputs[3] = {call->output, call->output, call->output};
    const float *factors[2] = {NULL, NULL};

    for (int axis = 0; axis < 2 && o->count_include_pad; axis++)
        factors[axis] = corrections(call, &call->layer->windows[axis]);
    if (factors[1])
        outputs[0] = outputs[1] = onnx_inner(call, "rows");
    if (factors[0])
        outputs[0] = onnx_inner(call, "windows");
    put_pool(call, "AveragePool", outputs[0], o->count_include_pad);
    for (int axis = 0; axis < 2; axis++) {
        int64_t count = window_output(&call->layer->windows[axis]);
        if (!factors[axis])
            continue;
        const char *factor = onnx_reals(call->graph, onnx_inner(call, names[axis]), factors[axis],
                                        (const int64_t[]){count, 1}, axis == 0 ? 2 : 1);
        onnx_put_node(call->graph, &(struct onnx_node){.op = "Mul",
                                                       .output = outputs[axis + 1],
                                                       .inputs = {outputs[axis], factor}});
    }
}

/* ---- adaptive ---- */

/* (out, in): row i is the mean of part i, whose edges are PyTorch's. */
static const float *means(const struct onnx_layer *call, int64_t in, int64_t out, bool transposed)
{
    float *matrix = arena_take_array(&call->graph->arena, (size_t)(in * out), sizeof(*matrix));

    call->graph->failed |= matrix == NULL;
    for (int64_t i = 0; matrix && i < out; i++) {
        int64_t first = i * in / out, end = ((i + 1) * in + out - 1) / out;
        for (int64_t k = first; k < end; k++)
            matrix[transposed ? k * out + i : i * in + k] = 1 / (float)(end - first);
    }
    return matrix;
}

/* Uneven parts: the mean over rows, then over columns, each as a product with a matrix. */
static void put_uneven(const struct onnx_layer *call)
{
    const struct shape *in = &call->layer->input, *out = &call->layer->output;
    const float *rows = means(call, in->height, out->height, false);
    const float *columns = means(call, in->width, out->width, true);
    const char *between = onnx_inner(call, "rows");

    if (!rows || !columns)
        return;
    onnx_put_node(
        call->graph,
        &(struct onnx_node){.op = "MatMul",
                            .output = between,
                            .inputs = {onnx_reals(call->graph, onnx_inner(call, "row_means"), rows,
                                                  (const int64_t[]){out->height, in->height}, 2),
                                       call->inputs[0]}});
    onnx_put_node(
        call->graph,
        &(struct onnx_node){
            .op = "MatMul",
            .output = call->output,
            .inputs = {between, onnx_reals(call->graph, onnx_inner(call, "column_means"), columns,
                                           (const int64_t[]){in->width, out->width}, 2)}});
}

void onnx_adaptive_avg_pool2d(const struct onnx_layer *call)
{
    const struct shape *in = &call->layer->input, *out = &call->layer->output;
    const int64_t part[] = {in->height / out->height, in->width / out->width};

    if (out->height == 1 && out->width == 1)
        onnx_put_node(call->graph, &(struct onnx_node){.op = "GlobalAveragePool",
                                                       .output = call->output,
                                                       .inputs = {call->inputs[0]}});
    else if (in->height % out->height == 0 && in->width % out->width == 0)
        onnx_put_node(
            call->graph,
            &(struct onnx_node){.op = "AveragePool",
                                .output = call->output,
                                .inputs = {call->inputs[0]},
                                .attributes = (struct onnx_attribute[]){
                                    {"kernel_shape", ONNX_INTEGERS, .integers = part, .count = 2},
                                    {"strides", ONNX_INTEGERS, .integers = part, .count = 2},
                                    {0}}});
    else
        put_uneven(call);
}
