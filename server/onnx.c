/* ONNX: the model around the layers. The numbers of fields are those of onnx.proto. */
#include "server/onnx.h"

#include "core/loss.h"
#include "server/onnx_layer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Opset 13 came with version 7 of the format (ONNX 1.8): old enough for every runtime. */
enum { IR_VERSION = 7, OPSET = 13 };
enum { MODEL_IR = 1, MODEL_PRODUCER = 2, MODEL_DOC = 6, MODEL_GRAPH = 7, MODEL_OPSET = 8 };
enum { MODEL_METADATA = 14, OPSET_VERSION = 2, ENTRY_KEY = 1, ENTRY_VALUE = 2 };

/* Protocol buffers count the bytes of a message in 31 bits. */
#define SIZE_LIMIT ((uint64_t)INT32_MAX)

static const char input_name[] = "input", logits[] = "logits", probabilities[] = "probabilities";

/* ---- around the layers ---- */

/* x op (1, C, 1, 1) numbers, or one for all channels. */
static const char *shift(struct onnx_graph *graph, const char *op, const char *x,
                         const struct normalization *n, const float *by)
{
    const char *output = onnx_name(graph, "%s.%s", op, by == n->mean ? "mean" : "std");
    const char *name = by == n->mean ? "mean" : "std";

    onnx_reals(graph, name, by, (const int64_t[]){1, n->channels, 1, 1}, 4);
    onnx_put_node(graph, &(struct onnx_node){.op = op, .output = output, .inputs = {x, name}});
    return output;
}

/* The three roundings of normalization_apply. */
static const char *normalize(struct onnx_graph *graph, const struct normalization *n)
{
    const char *x = input_name;

    if (n->divisor != 1) {
        const char *divisor = onnx_real(graph, "divisor", (double)n->divisor);
        onnx_put_node(graph,
                      &(struct onnx_node){.op = "Div", .output = "scaled", .inputs = {x, divisor}});
        x = "scaled";
    }
    return n->shifts ? shift(graph, "Div", shift(graph, "Sub", x, n, n->mean), n, n->std) : x;
}

static void put_probabilities(struct onnx_graph *graph, const struct spec *spec)
{
    /* Of a loss that asks for each class by itself they do not add up to 1. */
    bool apart = ((const struct loss_kind *)spec->loss.kind)->apart;
    const struct onnx_attribute axis[] = {{"axis", ONNX_INTEGER, .integer = 1}, {0}};

    onnx_put_node(graph, &(struct onnx_node){.op = apart ? "Sigmoid" : "Softmax",
                                             .output = probabilities,
                                             .inputs = {logits},
                                             .attributes = apart ? NULL : axis});
}

/* ---- layers ---- */

/* What each layer's output is called; the last one's is `logits`. */
struct naming {
    const char **names; /* of the layers */
    const char *data;
};

static const char *const *input_names(struct onnx_graph *graph, const struct plan_layer *layer,
                                      const struct naming *naming)
{
    const char **names =
        arena_take_array(&graph->arena, (size_t)layer->source_count, sizeof(*names));

    graph->failed |= names == NULL;
    for (int i = 0; names && i < layer->source_count; i++)
        names[i] = layer->sources[i] < 0 ? naming->data : naming->names[layer->sources[i]];
    return names;
}

static void put_layer(struct onnx_graph *graph, const struct plan *plan, int index,
                      const struct naming *naming)
{
    const struct plan_layer *layer = &plan->layers[index];
    const struct onnx_exporter *exporter = onnx_exporter_find(layer->kind);
    const char *const *inputs = input_names(graph, layer, naming);
    bool last = index == plan->layer_count - 1;
    const char *output = last ? logits : layer->path;

    if (!inputs)
        return;
    if (exporter->write)
        exporter->write(&(struct onnx_layer){graph, layer, inputs, output});
    else if (last)
        onnx_put_node(
            graph, &(struct onnx_node){.op = "Identity", .output = output, .inputs = {inputs[0]}});
    naming->names[index] = exporter->write || last ? output : inputs[0];
}

static void put_layers(struct onnx_graph *graph, const struct onnx_source *source)
{
    const struct plan *plan = source->plan;
    struct naming naming = {.data = normalize(graph, source->normalization)};

    naming.names = arena_take_array(&graph->arena, (size_t)plan->layer_count, sizeof(char *));
    graph->failed |= naming.names == NULL;
    for (int i = 0; i < plan->layer_count && !graph->failed; i++)
        put_layer(graph, plan, i, &naming);
    put_probabilities(graph, source->spec);
}

static void find_strangers(const struct plan *plan, struct problems *problems)
{
    for (int i = 0; i < plan->layer_count; i++)
        if (!onnx_exporter_find(plan->layers[i].kind))
            problem_add(problems, plan->layers[i].pointer, "%s cannot be written as ONNX",
                        plan->layers[i].kind->name);
}

/* ---- the file ---- */

static void put_metadata(struct body *model, const char *key, const char *value)
{
    struct body entry = {0};

    protobuf_text(&entry, ENTRY_KEY, key);
    protobuf_text(&entry, ENTRY_VALUE, value);
    protobuf_message(model, MODEL_METADATA, &entry);
}

/* Everything of the model but its graph. No version of this program: the same weights shall give
 * the same file. */
static void put_model(struct body *model, const struct onnx_source *source)
{
    const char *pixels =
        source->plan->data.real_pixels ? "as the data set has them" : "bytes as 0 ... 255";
    struct body opset = {0}, text = {0};
    char step[24];

    (void)snprintf(step, sizeof(step), "%" PRId64, source->step);
    protobuf_integer(model, MODEL_IR, IR_VERSION);
    protobuf_text(model, MODEL_PRODUCER, "traind");
    body_print(&text,
               "Job %s at step %s. input: pixels, %s, N x C x H x W; they are normalized inside as "
               "in training. logits: the scores. probabilities: of each class.",
               source->job, step, pixels);
    protobuf_message(model, MODEL_DOC, &text);
    protobuf_integer(&opset, OPSET_VERSION, OPSET);
    protobuf_message(model, MODEL_OPSET, &opset);
    put_metadata(model, "job", source->job);
    put_metadata(model, "step", step);
    put_metadata(model, "input", pixels);
    put_metadata(model, "normalization", "inside");
    if (source->classes)
        put_metadata(model, "classes", source->classes);
}

/* The graph's fields but for the weights. */
static void put_graph(struct body *out, struct onnx_graph *graph, const struct onnx_source *source)
{
    const struct plan *plan = source->plan;
    const struct shape scores = {.channels = plan->data.classes, .flat = 1};

    protobuf_text(out, ONNX_GRAPH_NAME, source->job);
    onnx_put_value(out, ONNX_GRAPH_INPUT, input_name, &plan->data.sample);
    onnx_put_value(out, ONNX_GRAPH_OUTPUT, logits, &scores);
    onnx_put_value(out, ONNX_GRAPH_OUTPUT, probabilities, &scores);
    body_put(out, graph->nodes.bytes, graph->nodes.size);
    body_put(out, graph->constants.bytes, graph->constants.size);
    out->failed |= graph->nodes.failed || graph->constants.failed || graph->failed;
}

/* Bytes of the weights' numbers. */
static uint64_t weight_bytes(const struct onnx_graph *graph)
{
    uint64_t bytes = 0;

    for (int i = 0; i < graph->weight_count; i++)
        bytes += (uint64_t)graph->weights[i].tensor->count * sizeof(float);
    return bytes;
}

/* Each weight's beginning is the text of its piece; what stands before all weights is that of the
 * first piece. One piece more than weights, so that a network without any has one. */
static void cut(struct onnx_file *file, const struct onnx_graph *graph, struct body *texts,
                const size_t *ends)
{
    file->texts = *texts;
    *texts = (struct body){0};
    for (int i = 0; i < file->piece_count; i++) {
        size_t begin = i > 0 ? ends[i - 1] : 0;
        struct onnx_piece *piece = &file->pieces[i];

        *piece = (struct onnx_piece){.begin = file->size, .text = begin};
        piece->text_size = ends[i] - begin;
        if (i < graph->weight_count) {
            piece->offset = graph->weights[i].tensor->offset;
            piece->count = graph->weights[i].tensor->count;
            piece->turned = graph->weights[i].turned;
        }
        file->size += piece->text_size + (uint64_t)piece->count * sizeof(float);
    }
}

static void assemble(struct onnx_file *file, struct onnx_graph *graph,
                     const struct onnx_source *source, size_t *ends)
{
    struct body texts = {0}, inner = {0}, weights = {0};

    put_model(&texts, source);
    put_graph(&inner, graph, source);
    for (int i = 0; i < graph->weight_count; i++) {
        onnx_put_weight(&weights, &graph->weights[i]);
        ends[i] = weights.size;
    }
    protobuf_opening(&texts, MODEL_GRAPH, inner.size + weights.size + weight_bytes(graph));
    body_put(&texts, inner.bytes, inner.size);
    for (int i = 0; i < graph->weight_count; i++)
        ends[i] += texts.size;
    body_put(&texts, weights.bytes, weights.size);
    ends[graph->weight_count] = texts.size;
    texts.failed |= inner.failed || weights.failed;
    cut(file, graph, &texts, ends);
    body_drop(&inner);
    body_drop(&weights);
    body_drop(&texts);
}

static bool make(const struct onnx_source *source, struct onnx_file *out, struct error *error)
{
    struct onnx_graph graph;
    bool good = onnx_graph_init(source->plan, &graph, error);
    size_t *ends = calloc((size_t)source->plan->tensor_count + 1, sizeof(*ends));

    out->piece_count = source->plan->tensor_count + 1;
    out->pieces = calloc((size_t)out->piece_count, sizeof(*out->pieces));
    if (good && ends && out->pieces) {
        put_layers(&graph, source);
        assemble(out, &graph, source, ends);
    }
    if (good && (!ends || !out->pieces || out->texts.failed))
        good = error_set(error, ERROR_MEMORY, "onnx", "no memory for the graph");
    free(ends);
    onnx_graph_drop(&graph);
    return good;
}

bool onnx_init(const struct onnx_source *source, struct onnx_file *out, struct problems *problems,
               struct error *error)
{
    *out = (struct onnx_file){0};
    find_strangers(source->plan, problems);
    if (problems->count > 0)
        return true;
    if (!make(source, out, error))
        return false;
    if (out->size > SIZE_LIMIT)
        problem_add(problems, "/model",
                    "the file would have %" PRIu64 " bytes, and ONNX has room for %" PRIu64,
                    out->size, SIZE_LIMIT);
    return true;
}

void onnx_drop(struct onnx_file *file)
{
    body_drop(&file->texts);
    free(file->pieces);
    *file = (struct onnx_file){0};
}
