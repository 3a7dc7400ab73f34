/* ONNX layers: the table of how each kind of layer is written as nodes. One row a kind; a kind
 * without one cannot be exported, and a request for it is told so.
 *
 * Only operators of opset 13 whose meaning no runtime disputes: what they leave open (windows that
 * stand out at the end, uneven means, padding from the other side) is written out by others. */
#ifndef SERVER_ONNX_LAYER_H
#define SERVER_ONNX_LAYER_H

#include "core/layer.h"
#include "server/onnx_graph.h"

/* One layer on its way into the graph. */
struct onnx_layer {
    struct onnx_graph *graph;
    const struct plan_layer *layer;
    const char *const *inputs; /* what its sources are called; layer->source_count of them */
    const char *output;        /* what its output is to be called */
};

struct onnx_exporter {
    const struct kind *layer; /* of layer_kinds */
    /* Adds nodes of which the last one gives call->output. NULL: the layer changes nothing when a
     * network is used, and is left out. */
    void (*write)(const struct onnx_layer *call);
};

/* NULL: there is none. */
const struct onnx_exporter *onnx_exporter_find(const struct kind *layer);

/* For exporters. "PATH.suffix"; with the layer's path. */
const char *onnx_inner(const struct onnx_layer *call, const char *suffix);
/* The layer's weight of that suffix; NULL: the layer has none. */
struct onnx_weight *onnx_weight_of(const struct onnx_layer *call, const char *suffix);
/* The layer's input with its padding around it, as the layer's windows want it. */
const char *onnx_padded(const struct onnx_layer *call);

/* onnx_conv2d.c, onnx_pool2d.c, onnx_activations.c */
void onnx_conv2d(const struct onnx_layer *call);
void onnx_locally_connected2d(const struct onnx_layer *call);
void onnx_max_pool2d(const struct onnx_layer *call);
void onnx_avg_pool2d(const struct onnx_layer *call);
void onnx_adaptive_avg_pool2d(const struct onnx_layer *call);
void onnx_relu(const struct onnx_layer *call);
void onnx_leaky_relu(const struct onnx_layer *call);
void onnx_elu(const struct onnx_layer *call);
void onnx_gelu(const struct onnx_layer *call);
void onnx_silu(const struct onnx_layer *call);
void onnx_sigmoid(const struct onnx_layer *call);
void onnx_tanh(const struct onnx_layer *call);

#endif
