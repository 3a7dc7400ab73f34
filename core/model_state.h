/* The inside of a model, for model.c and model_pass.c only. */
#ifndef CORE_MODEL_STATE_H
#define CORE_MODEL_STATE_H

#include "core/model.h"

/* What flows between ops: values forward, gradients backward, for one shard or for all of them. */
struct edge {
    int64_t count; /* numbers of one sample */
    struct layout layout;
    int original; /* −1, or the edge that this one is a conversion of */
    bool want_gradient;
    bool kept;         /* read by several ops, or once more by its writer in the backward pass */
    bool whole_values; /* one buffer per shard; else one per thread */
    bool whole_gradients;
    unsigned char *values, *gradients;
};

/* Bytes of one sample. */
static inline int64_t edge_bytes(const struct edge *edge)
{
    return saturating_product(edge->count, (int64_t)number_size(edge->layout.number));
}

/* One edge that a node reads. */
struct input {
    int edge;
    bool adds;  /* another reader's gradient is there already when this one comes, … */
    int64_t at; /* … which then waits at `at` bytes (of one sample) of model.other */
};

/* One op and its edges. An op that works in place has its first input as its output. */
struct node {
    struct op op;
    int layer, layers; /* plan layers, from … on; layers 0: a conversion put in between */
    int first_input, inputs;
    int y;
    int segment;   /* how many barriers lie in front of its forward pass, its own included */
    bool by_shard; /* other segments come between its two passes */
};

struct shard_result {
    double loss_sum;
    int64_t correct;
};

/* The pass that runs. */
struct model_run {
    struct model_batch batch;
    int64_t active_shards;
    int segment;
    atomic_bool failed;           /* a kernel's work is missing */
    atomic_bool cut_short;        /* `halt` left shards of a training pass out */
    uint16_t *labels;             /* (shards, shard_size) */
    struct shard_result *results; /* (shards) */
    struct profile *profile;      /* NULL: nobody asked where the time goes */
};

struct model {
    struct model_setup setup;
    struct block block;
    struct node *nodes;
    struct edge *edges;
    struct input *inputs;
    int node_count, edge_count, input_count;
    int *value_edge;      /* (plan layers + 1) edge of the data and of every layer's output */
    int *first_node;      /* (segments + 1) */
    int segments;         /* stretches between barriers */
    int loss_edge;        /* what the loss reads: the last layer's output, as plain reals */
    unsigned char *other; /* (threads, shard_size, other_bytes) a gradient that will be added */
    int64_t other_bytes;  /* of one sample */
    struct model_run *run;
};

/* model_buffers.c: once all nodes are there. ERROR_MEMORY. */
bool model_reserve(struct model *model, struct error *error) MUST_CHECK;

#endif
