/* Plan: a spec and a data set's shape in; every shape, offset, count and warning out. Pure: no
 * memory of a job is taken, no file is read, the same input gives the same plan. Knows nothing of
 * kernels. */
#ifndef CORE_PLAN_H
#define CORE_PLAN_H

#include "core/arena.h"
#include "core/spec.h"
#include "core/tensor.h"

/* What a plan must know of a data set. */
struct data_shape {
    struct shape sample;
    int64_t classes;
    int64_t train_samples, test_samples; /* test_samples 0: no test split */
    bool real_pixels;                    /* float32 numbers, not bytes 0 … 255 */
    /* in a plan, which alone knows the spec: what evaluations look at; 0: nothing, */
    int64_t validation_samples;
    int64_t given_samples; /* and the data set's own train_samples */
};

/* Bytes that the data set takes in memory. */
int64_t data_shape_bytes(const struct data_shape *data);

enum { PLAN_RANK_MAX = 6 };

/* One learned array, or one that goes with it (running statistics are not learned). */
struct plan_tensor {
    const char *name;            /* as in PyTorch's nn.Sequential state dict: "0.weight" */
    int64_t dims[PLAN_RANK_MAX]; /* PyTorch's order; rank of them count */
    int rank;
    bool learned;   /* false: it lies behind all learned ones, beyond plan.parameters */
    int64_t offset; /* in numbers, into the flat array */
    int64_t count;
    int64_t fan_in, fan_out; /* for the initializer; 0: none */
    /* Of init_kinds. NULL or without a kind: uniform in ±1/√fan_in, PyTorch's default, or without a
     * fan_in every number is `fill`. It points into the layer's options. */
    const struct variant *init;
    double fill;
};

/* Layers stand in the order in which they are computed. A layer that holds layers (residual,
 * concat) stands behind all that it holds and joins their ends. */
struct sliding; /* core/window.h */

struct plan_layer {
    const struct kind *kind;    /* also a struct layer_kind */
    const void *options;        /* borrowed from the spec */
    const char *path;           /* "0", "5.body.0": prefix of its tensors' names */
    const char *pointer;        /* JSON pointer into the spec: "/model/0" */
    const int *sources;         /* indices of the layers whose outputs it reads; −1: the data */
    int source_count;           /* one but in joins */
    struct shape input, output; /* of one sample; input: the first source's */
    int first_tensor, tensors;  /* slice of plan.tensors */
    int64_t parameters;
    int64_t multiply_adds; /* forward, one sample */
    int64_t
        receptive_field[2]; /* height, width, in input pixels; 0 once the layer sees everything */
    int64_t stride[2];      /* distance of neighbouring outputs in input pixels */
    const struct sliding *windows; /* [2], of rows and columns; NULL: it has none */
};

/* Cuts of a small and of a large batch. A batch of SPEC_BATCH_MAX is a large one. */
enum { PLAN_SHARDS = 8, PLAN_SHARDS_MOST = 16 };

/* A step's batch is cut into `shards` shards of shard_size samples; the last may have fewer. */
struct plan_cut {
    int64_t shards, shard_size;
};

/* What a user expects to read. */
struct plan_totals {
    int64_t learned;       /* parameters */
    int64_t multiply_adds; /* forward, one sample */
};

struct plan {
    struct arena arena;     /* owns the lists */
    struct data_shape data; /* train_samples: those that are learned from, after `limit` and
                               without what is held out */
    struct plan_layer *layers;
    int layer_count;
    struct plan_tensor *tensors;
    int tensor_count;
    int64_t parameters; /* length of gradients and state, alignment padding included */
    int64_t numbers;    /* length of the flat array: parameters, then what is not learned */
    struct plan_totals totals;
    int64_t optimizer_slots; /* optimizer state: slots × parameters numbers */
    int64_t batch_size;
    struct plan_cut cut;
    int64_t steps_per_epoch, steps, epochs;
};

/* A remark that does not stop a job. */
struct plan_warning {
    char pointer[POINTER_BYTES];
    char text[256];
};
enum { PLAN_WARNINGS_MAX = 32 };
struct plan_warnings {
    struct plan_warning items[PLAN_WARNINGS_MAX];
    size_t count;
};

/* Fills in the defaults that depend on the data: validation, normalize. To be called wherever a
 * spec meets its data set for the first time, before plan_make; what is filled in already stays. A
 * remark goes to `warnings`, which may be NULL. False only when memory is gone. */
bool spec_settle(struct spec *spec, const struct data_shape *data, struct plan_warnings *warnings,
                 struct error *error) MUST_CHECK;

/* Plans `spec` (complete, settled, free of problems) on data of shape `data`. What cannot be
 * trained is added to *problems, each with its pointer; then *plan holds what could be planned and
 * must not be trained. False only when memory is gone. `warnings` may be NULL. The spec must
 * outlive the plan.
 */
bool plan_make(const struct spec *spec, const struct data_shape *data, struct plan *plan,
               struct problems *problems, struct plan_warnings *warnings,
               struct error *error) MUST_CHECK;
void plan_drop(struct plan *plan);

/* Multiply-adds that one sample takes in a training step, by the layer's definition: faster
 * algorithms are counted as what they stand for. */
struct plan_work {
    int64_t forward;
    int64_t backward; /* gradient of the weights, and of the input where something before learns */
    bool learned;     /* something with weights is here or before */
};
/* Fills work[0 … layer_count − 1]. */
void plan_work(const struct plan *plan, struct plan_work *work);

/* Writes the defaults in that follow from the plan, as the length of the schedule. */
void plan_settle(struct spec *spec, const struct plan *plan);

/* Learning rate of step `step` (counted from 1) by the spec's schedule: pure, for any step. That of
 * reduce_on_plateau is before any reduction. */
double plan_lr(const struct spec *spec, const struct plan *plan, int64_t step);

/* Bytes that training takes: parameters, gradients, optimizer state, activations and work space of
 * the kernels that this build and processor would use, for `threads` threads. Data sets are not
 * counted. −1 when it cannot be known (memory gone). */
int64_t plan_bytes(const struct spec *spec, const struct plan *plan, int threads);

/* How many of `wanted` threads have something to do: more than shards would idle. At least 1. */
int plan_threads(const struct plan *plan, int64_t wanted);

/* Bytes of activations that layer `index` keeps for one whole batch (fp32). */
int64_t plan_layer_bytes(const struct plan *plan, int index);

/* A digest of the tensors' names and shapes, of the optimizer's kind and of what its state holds.
 */
void plan_fingerprint(const struct spec *spec, const struct plan *plan, uint8_t out[32]);

#endif
