/* Layers as the user knows them: the table of kinds, their options, and how each changes a shape.
 * Knows nothing of how a layer is computed: core/kernels has one row per kind and kernel set.
 *
 * To add a layer: one file layer_NAME.c with its options' rows and its plan function, one row in
 * layers.c, and at least the reference row in kernels.c. That makes it parse, validate, appear in
 * the schema and get a gradient check. */
#ifndef CORE_LAYER_H
#define CORE_LAYER_H

#include "core/plan.h"
#include "core/window.h"

/* What a layer's plan function reads and fills in. */
struct layer_planning {
    struct plan *plan;
    struct plan_layer
        *layer; /* kind, options, path, pointer, input are set; the rest is to be filled in */
    struct problems *problems;
    struct plan_warnings *warnings; /* never NULL */
    bool lost; /* set it when the output is no guess that later layers could go by */
    bool memory_gone;
};

/* What a layer is to those around it: advice on networks goes by it. */
enum layer_nature {
    LAYER_OTHER,      /* max pooling, joins */
    LAYER_PRODUCT,    /* weights times inputs */
    LAYER_ACTIVATION, /* bends each number by itself */
    LAYER_NORM,
    LAYER_DROPOUT,
    LAYER_AVERAGE, /* average pooling */
    LAYER_RESHAPE
};

struct layer_kind {
    struct kind kind; /* first: a struct kind * of this family is a struct layer_kind * */
    enum layer_nature nature;
    /* Fills in defaults that depend on other options. NULL: nothing to do. */
    void (*complete)(void *options);
    bool whole_batch; /* its ops have a barrier: see op.h */
    /* Sets layer->output, ->multiply_adds, ->receptive_field and ->stride, declares tensors by
     * plan_tensor_add. What is impossible becomes a problem; output then is the best guess, so that
     * later layers are looked at. */
    void (*plan)(struct layer_planning *planning);
};

/* A layer holds layers by options of type FIELD_VARIANTS and FIELD_VARIANT_LISTS out of
 * layer_kinds: each list is one chain of layers, which begins at the layer's input; an empty chain
 * is the input itself. Behind them the layer itself is planned; its sources are the chains' ends in
 * the order of the rows. */
struct residual_options {
    struct variants body, shortcut;
};
struct concat_options {
    struct variant_lists branches;
};
struct batch_norm2d_options {
    int64_t num_features; /* FIELD_ABSENT or what the user claims */
    double eps, momentum;
    bool affine;
    struct variant init, bias_init; /* of init_kinds */
};

extern const struct kinds layer_kinds;

/* Bounds of layers that hold layers. */
enum { LAYER_DEPTH_MAX = 8, LAYERS_MAX = 1024, LAYER_BRANCHES_MAX = 64 };

enum conv2d_padding { CONV2D_SAME, CONV2D_VALID };
/* Of conv2d and of locally_connected2d, which has neither groups nor flip_kernel. */
struct conv2d_options {
    int64_t out_channels, in_channels; /* in_channels: FIELD_ABSENT or what the user claims */
    int64_t kernel_size[2], stride[2], dilation[2];
    struct pair_or padding; /* choice: enum conv2d_padding */
    int padding_mode;       /* enum padding_mode */
    int64_t groups;
    bool bias, flip_kernel;
    struct variant init, bias_init; /* of init_kinds */
};
struct linear_options {
    int64_t out_features, in_features;
    bool bias;
    struct variant init, bias_init; /* of init_kinds */
};
struct pool2d_options {
    int64_t kernel_size[2], stride[2], padding[2];
    bool ceil_mode, count_include_pad; /* the latter for avg_pool2d alone */
};
struct adaptive_avg_pool2d_options {
    int64_t output_size[2];
};

struct leaky_relu_options {
    double negative_slope;
};
struct elu_options {
    double alpha;
};
struct dropout_options {
    double p;
};
enum gelu_approximate { GELU_EXACT, GELU_TANH };
struct gelu_options {
    int approximate; /* enum gelu_approximate */
};

extern const struct layer_kind layer_conv2d, layer_locally_connected2d, layer_linear, layer_flatten,
    layer_dropout, layer_dropout2d, layer_batch_norm2d, layer_residual, layer_concat;
extern const struct layer_kind layer_max_pool2d, layer_avg_pool2d, layer_adaptive_avg_pool2d;
extern const struct layer_kind layer_relu, layer_leaky_relu, layer_elu, layer_gelu, layer_silu,
    layer_sigmoid, layer_tanh;

/* The windows of a convolution along height and width of its input, its padding in pixels. */
void conv2d_windows(const struct conv2d_options *options, const struct shape *input,
                    struct sliding windows[2]);

/* The part that all windows share (convolution and pooling): output height and width, receptive
 * field and stride, the problem of a window that does not fit. */
void plan_windows(struct layer_planning *planning, const struct sliding windows[2]);

/* "3 × 5", or "3 × 5 with dilation 2 × 1, which spans 5 × 5,". */
void plan_kernel_text(const struct sliding windows[2], char *out, size_t size);

/* Adds a tensor "PATH.suffix" to the layer being planned: dims, rank, learned, fans and initializer
 * are the caller's in *tensor, the rest is filled in. */
void plan_tensor_add(struct layer_planning *planning, const char *suffix,
                     const struct plan_tensor *tensor);

/* The shape of the layer's source number `index`: joins have several. */
const struct shape *plan_source_shape(const struct layer_planning *planning, int index);

/* A problem of one option of the layer being planned: its pointer is the layer's with the key. */
void plan_option_problem(struct layer_planning *planning, const char *key, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* Adds a remark; dropped when the list is full. */
void plan_warn(struct plan_warnings *warnings, const char *pointer, const char *format, ...)
    PRINTF_LIKE(3, 4);

#endif
