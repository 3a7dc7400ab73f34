/* ONNX graph: see onnx_graph.h. The numbers below are those of onnx.proto's fields and enums. */
#include "server/onnx_graph.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "raw data are written as they lie in memory");

enum { GRAPH_NODE = 1, GRAPH_INITIALIZER = 5 };
enum { NODE_INPUT = 1, NODE_OUTPUT = 2, NODE_NAME = 3, NODE_OP = 4, NODE_ATTRIBUTE = 5 };
enum { ATTRIBUTE_NAME = 1, ATTRIBUTE_F = 2, ATTRIBUTE_I = 3, ATTRIBUTE_S = 4, ATTRIBUTE_INTS = 8 };
enum { ATTRIBUTE_TYPE = 20, TYPE_FLOAT = 1, TYPE_INT = 2, TYPE_STRING = 3, TYPE_INTS = 7 };
enum { TENSOR_DIMS = 1, TENSOR_TYPE = 2, TENSOR_NAME = 8, TENSOR_RAW = 9 };
enum { ELEMENT_FLOAT = 1, ELEMENT_INT64 = 7 };
enum { VALUE_NAME = 1, VALUE_TYPE = 2, TYPE_TENSOR = 1, TENSOR_ELEMENT = 1, TENSOR_SHAPE = 2 };
enum { SHAPE_DIM = 1, DIM_VALUE = 1, DIM_PARAM = 2 };

bool onnx_graph_init(const struct plan *plan, struct onnx_graph *out, struct error *error)
{
    *out = (struct onnx_graph){.weight_count = plan->tensor_count};
    out->weights = arena_take_array(&out->arena, (size_t)plan->tensor_count, sizeof(*out->weights));
    if (!out->weights)
        return error_set(error, ERROR_MEMORY, "onnx", "no memory for the graph");
    for (int i = 0; i < plan->tensor_count; i++) {
        const struct plan_tensor *tensor = &plan->tensors[i];

        out->weights[i] = (struct onnx_weight){.tensor = tensor, .rank = tensor->rank};
        memcpy(out->weights[i].dims, tensor->dims, sizeof(tensor->dims));
    }
    return true;
}

void onnx_graph_drop(struct onnx_graph *graph)
{
    body_drop(&graph->nodes);
    body_drop(&graph->constants);
    arena_drop(&graph->arena);
}

const char *onnx_name(struct onnx_graph *graph, const char *format, ...)
{
    char *made = NULL;
    va_list list;
    va_start(list, format);
    int length = vasprintf(&made, format, list);
    va_end(list);
    const char *kept = length < 0 ? NULL : arena_copy_text(&graph->arena, made);
    if (length >= 0)
        free(made);
    graph->failed |= kept == NULL;
    return kept ? kept : "";
}

/* ---- nodes ---- */

static void put_attribute(struct body *node, const struct onnx_attribute *attribute)
{
    static const int types[] = {[ONNX_INTEGER] = TYPE_INT,
                                [ONNX_FLOAT] = TYPE_FLOAT,
                                [ONNX_INTEGERS] = TYPE_INTS,
                                [ONNX_TEXT] = TYPE_STRING};
    struct body body = {0};

    protobuf_text(&body, ATTRIBUTE_NAME, attribute->name);
    protobuf_integer(&body, ATTRIBUTE_TYPE, types[attribute->type]);
    switch (attribute->type) {
    case ONNX_INTEGER:
        protobuf_integer(&body, ATTRIBUTE_I, attribute->integer);
        break;
    case ONNX_FLOAT:
        protobuf_float(&body, ATTRIBUTE_F, (float)attribute->real);
        break;
    case ONNX_INTEGERS:
        for (int i = 0; i < attribute->count; i++)
            protobuf_integer(&body, ATTRIBUTE_INTS, attribute->integers[i]);
        break;
    case ONNX_TEXT:
        protobuf_text(&body, ATTRIBUTE_S, attribute->text);
        break;
    }
    protobuf_message(node, NODE_ATTRIBUTE, &body);
}

void onnx_put_node(struct onnx_graph *graph, const struct onnx_node *node)
{
    const struct onnx_attribute *attribute = node->attributes;
    struct body body = {0};

    for (int i = 0; !node->more && i < ONNX_INPUTS_MAX && node->inputs[i]; i++)
        protobuf_text(&body, NODE_INPUT, node->inputs[i]);
    for (int i = 0; node->more && i < node->more_count; i++)
        protobuf_text(&body, NODE_INPUT, node->more[i]);
    protobuf_text(&body, NODE_OUTPUT, node->output);
    protobuf_text(&body, NODE_NAME, node->output);
    protobuf_text(&body, NODE_OP, node->op);
    for (; attribute && attribute->name; attribute++)
        put_attribute(&body, attribute);
    protobuf_message(&graph->nodes, GRAPH_NODE, &body);
}

/* ---- tensors ---- */

static void put_tensor_head(struct body *tensor, const char *name, int type, const int64_t *dims,
                            int rank)
{
    for (int i = 0; i < rank; i++)
        protobuf_integer(tensor, TENSOR_DIMS, dims[i]);
    protobuf_integer(tensor, TENSOR_TYPE, type);
    protobuf_text(tensor, TENSOR_NAME, name);
}

static const char *put_constant(struct onnx_graph *graph, const char *name, struct body *tensor,
                                const void *values, size_t size)
{
    protobuf_bytes(tensor, TENSOR_RAW, values, size);
    protobuf_message(&graph->constants, GRAPH_INITIALIZER, tensor);
    return name;
}

const char *onnx_integers(struct onnx_graph *graph, const char *name, const int64_t *values,
                          int64_t count)
{
    struct body tensor = {0};

    put_tensor_head(&tensor, name, ELEMENT_INT64, &count, 1);
    return put_constant(graph, name, &tensor, values, (size_t)count * sizeof(*values));
}

const char *onnx_indices(struct onnx_graph *graph, const char *name, const int64_t *values,
                         const int64_t dims[2])
{
    struct body tensor = {0};

    put_tensor_head(&tensor, name, ELEMENT_INT64, dims, 2);
    return put_constant(graph, name, &tensor, values,
                        (size_t)(dims[0] * dims[1]) * sizeof(*values));
}

const char *onnx_reals(struct onnx_graph *graph, const char *name, const float *values,
                       const int64_t *dims, int rank)
{
    struct body tensor = {0};
    size_t count = 1;

    for (int i = 0; i < rank; i++)
        count *= (size_t)dims[i];
    put_tensor_head(&tensor, name, ELEMENT_FLOAT, dims, rank);
    return put_constant(graph, name, &tensor, values, count * sizeof(*values));
}

const char *onnx_real(struct onnx_graph *graph, const char *name, double value)
{
    float single = (float)value;
    return onnx_reals(graph, name, &single, NULL, 0);
}

void onnx_put_weight(struct body *out, const struct onnx_weight *weight)
{
    uint64_t size = (uint64_t)weight->tensor->count * sizeof(float);
    struct body body = {0};

    put_tensor_head(&body, weight->tensor->name, ELEMENT_FLOAT, weight->dims, weight->rank);
    protobuf_opening(&body, TENSOR_RAW, size);
    protobuf_opening(out, GRAPH_INITIALIZER, body.size + size);
    body_put(out, body.bytes, body.size);
    out->failed |= body.failed;
    body_drop(&body);
}

/* ---- inputs and outputs ---- */

static void put_dim(struct body *shape, int64_t size)
{
    struct body dim = {0};

    if (size < 0)
        protobuf_text(&dim, DIM_PARAM, "N");
    else
        protobuf_integer(&dim, DIM_VALUE, size);
    protobuf_message(shape, SHAPE_DIM, &dim);
}

void onnx_put_value(struct body *out, int field, const char *name, const struct shape *shape)
{
    struct body dims = {0}, tensor = {0}, type = {0}, value = {0};

    put_dim(&dims, -1);
    put_dim(&dims, shape->channels);
    if (!shape->flat) {
        put_dim(&dims, shape->height);
        put_dim(&dims, shape->width);
    }
    protobuf_integer(&tensor, TENSOR_ELEMENT, ELEMENT_FLOAT);
    protobuf_message(&tensor, TENSOR_SHAPE, &dims);
    protobuf_message(&type, TYPE_TENSOR, &tensor);
    protobuf_text(&value, VALUE_NAME, name);
    protobuf_message(&value, VALUE_TYPE, &type);
    protobuf_message(out, field, &value);
}
