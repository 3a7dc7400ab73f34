/* ONNX graph: nodes, constants and weights, added one after another. Writes the messages of
 * onnx.proto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto); knows no layer.
 *
 * Names handed in are copied or live as long as the graph. Failures stick in the graph. */
#ifndef SERVER_ONNX_GRAPH_H
#define SERVER_ONNX_GRAPH_H

#include "core/plan.h"
#include "server/protobuf.h"

/* A tensor of the plan as an initializer. Its numbers are not in the graph: whoever writes the file
 * gets them from the checkpoint. */
struct onnx_weight {
    const struct plan_tensor *tensor;
    int64_t dims[PLAN_RANK_MAX]; /* may be others than the plan's, of the same count */
    int rank;
    int64_t turned; /* every run of so many numbers stands in reverse order; 0: as in the plan */
};

struct onnx_graph {
    struct arena arena;          /* names and what else lives as long */
    struct body nodes;           /* GraphProto.node fields */
    struct body constants;       /* GraphProto.initializer fields of small tensors */
    struct onnx_weight *weights; /* one for each tensor of the plan, in its order */
    int weight_count;
    bool failed; /* memory is gone */
};

bool onnx_graph_init(const struct plan *plan, struct onnx_graph *out,
                     struct error *error) MUST_CHECK;
void onnx_graph_drop(struct onnx_graph *graph);

enum onnx_type { ONNX_INTEGER, ONNX_FLOAT, ONNX_INTEGERS, ONNX_TEXT };
struct onnx_attribute {
    const char *name; /* NULL ends a list of them */
    enum onnx_type type;
    int64_t integer;
    double real;
    const int64_t *integers;
    int count; /* of integers */
    const char *text;
};

enum { ONNX_INPUTS_MAX = 6 };
struct onnx_node {
    const char *op, *output;
    const char *inputs[ONNX_INPUTS_MAX]; /* NULL-ended, unless full */
    const char *const *more;             /* instead: input_count of them */
    int more_count;
    const struct onnx_attribute *attributes; /* NULL: none */
};
/* The node has the name of its output. */
void onnx_put_node(struct onnx_graph *graph, const struct onnx_node *node);

/* "PATH.suffix", or any other text that lives as long as the graph; "" when memory is gone. */
const char *onnx_name(struct onnx_graph *graph, const char *format, ...) PRINTF_LIKE(2, 3);

/* Constants; all give the name back. A list of integers has rank 1; one real has rank 0. */
const char *onnx_integers(struct onnx_graph *graph, const char *name, const int64_t *values,
                          int64_t count);
/* Of rank 2. */
const char *onnx_indices(struct onnx_graph *graph, const char *name, const int64_t *values,
                         const int64_t dims[2]);
const char *onnx_reals(struct onnx_graph *graph, const char *name, const float *values,
                       const int64_t *dims, int rank);
const char *onnx_real(struct onnx_graph *graph, const char *name, double value);

/* float tensors of that shape with a free first dimension, as a graph's input or output. */
void onnx_put_value(struct body *out, int field, const char *name, const struct shape *shape);
/* An initializer without its numbers: what stands before the 4 · count bytes of them. */
void onnx_put_weight(struct body *out, const struct onnx_weight *weight);

/* Fields of GraphProto that the writer of a file needs. */
enum { ONNX_GRAPH_NAME = 2, ONNX_GRAPH_INPUT = 11, ONNX_GRAPH_OUTPUT = 12 };

#endif
