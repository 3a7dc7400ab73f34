/* ONNX layers: activations. */
#include "server/onnx_layer.h"

#include <math.h>

static void put(const struct onnx_layer *call, const char *op,
                const struct onnx_attribute *attributes)
{
    onnx_put_node(call->graph, &(struct onnx_node){.op = op,
                                                   .output = call->output,
                                                   .inputs = {call->inputs[0]},
                                                   .attributes = attributes});
}

void onnx_relu(const struct onnx_layer *call)
{
    put(call, "Relu", NULL);
}

void onnx_leaky_relu(const struct onnx_layer *call)
{
    const struct leaky_relu_options *o = call->layer->options;
    put(call, "LeakyRelu",
        (struct onnx_attribute[]){{"alpha", ONNX_FLOAT, .real = o->negative_slope}, {0}});
}

void onnx_elu(const struct onnx_layer *call)
{
    const struct elu_options *o = call->layer->options;
    put(call, "Elu", (struct onnx_attribute[]){{"alpha", ONNX_FLOAT, .real = o->alpha}, {0}});
}

void onnx_sigmoid(const struct onnx_layer *call)
{
    put(call, "Sigmoid", NULL);
}

void onnx_tanh(const struct onnx_layer *call)
{
    put(call, "Tanh", NULL);
}

/* The node `op` of a and b (NULL: of a alone); its output. */
static const char *step(const struct onnx_layer *call, const char *suffix, const char *op,
                        const char *a, const char *b)
{
    const char *output = onnx_inner(call, suffix);

    onnx_put_node(call->graph, &(struct onnx_node){.op = op, .output = output, .inputs = {a, b}});
    return output;
}

static const char *constant(const struct onnx_layer *call, const char *suffix, double value)
{
    return onnx_real(call->graph, onnx_inner(call, suffix), value);
}

void onnx_silu(const struct onnx_layer *call)
{
    const char *x = call->inputs[0], *gate = step(call, "gate", "Sigmoid", x, NULL);

    onnx_put_node(call->graph,
                  &(struct onnx_node){.op = "Mul", .output = call->output, .inputs = {x, gate}});
}

/* √(2/π) (x + 0.044715 x³), as (√(2/π) · 0.044715 x² + √(2/π)) x */
static const char *tanh_argument(const struct onnx_layer *call, const char *x)
{
    const double root = sqrt(2 / acos(-1.0));
    const char *square = step(call, "square", "Mul", x, x);
    const char *cubic =
        step(call, "cubic", "Mul", square, constant(call, "cubic_factor", root * 0.044715));
    const char *sum = step(call, "sum", "Add", cubic, constant(call, "linear_factor", root));

    return step(call, "argument", "Mul", sum, x);
}

static const char *erf_argument(const struct onnx_layer *call, const char *x)
{
    return step(call, "argument", "Mul", x, constant(call, "root_half", sqrt(0.5)));
}

/* x · (1 + erf(x/√2)) / 2, or its approximation by tanh. */
void onnx_gelu(const struct onnx_layer *call)
{
    const struct gelu_options *o = call->layer->options;
    bool exact = o->approximate == GELU_EXACT;
    const char *x = call->inputs[0];
    const char *argument = exact ? erf_argument(call, x) : tanh_argument(call, x);
    const char *bend = step(call, "bend", exact ? "Erf" : "Tanh", argument, NULL);
    const char *shifted = step(call, "shifted", "Add", bend, constant(call, "one", 1));
    const char *gate = step(call, "gate", "Mul", shifted, constant(call, "half", 0.5));

    onnx_put_node(call->graph,
                  &(struct onnx_node){.op = "Mul", .output = call->output, .inputs = {x, gate}});
}
