/* The shared part of the linear kernels: see linear.h. */
#include "core/linear.h"

#include "core/layer.h"

#include <stdlib.h>
#include <string.h>

enum { GATHER_TASKS = 16 };

static void pack(struct op *op, const real *parameters)
{
    ((struct linear_state *)op->state)->parameters = parameters;
}

static void drop(struct op *op)
{
    free(op->state);
}

bool linear_make(const struct op_setup *setup, size_t size, struct op *op, struct error *error)
{
    const struct plan_layer *layer = setup->layer;
    const struct linear_options *options = layer->options;
    const struct plan_tensor *tensors = setup->plan->tensors + layer->first_tensor;
    if (setup->block != 1)
        return false;
    struct linear_state *s = calloc(1, size);
    if (!s)
        return error_set(error, ERROR_MEMORY, layer->pointer, "no memory for the layer");
    s->failed = setup->failed;
    s->in = shape_elements(&layer->input);
    s->out = options->out_features;
    s->weight = tensors[0].offset;
    s->bias = options->bias ? tensors[1].offset : -1;
    *op = (struct op){.x.count = s->in,
                      .y.count = s->out,
                      .x.block = 1,
                      .y.block = 1,
                      .traits = OP_WHOLE_BATCH,
                      .gather_tasks = s->out < GATHER_TASKS ? (int)s->out : GATHER_TASKS,
                      .state = s,
                      .pack = pack,
                      .drop = drop};
    return true;
}

struct linear_range linear_range(const struct op *op, int task)
{
    const struct linear_state *s = op->state;
    return (struct linear_range){s->out * task / op->gather_tasks,
                                 s->out * (task + 1) / op->gather_tasks};
}

void linear_fill_bias(const struct linear_state *s, const struct op_call *call)
{
    for (int64_t n = 0; n < call->samples; n++) {
        real *y = (real *)call->y + n * s->out;
        if (s->bias < 0)
            memset(y, 0, (size_t)s->out * sizeof *y);
        else
            memcpy(y, s->parameters + s->bias, (size_t)s->out * sizeof *y);
    }
}

/* By rows of dy: each number's terms in the order of the samples. */
static inline void sum_rows(enum number number, const struct op_gather *gather,
                            const struct linear_state *s, struct linear_range range)
{
    real *restrict sums = gather->gradients + s->bias;
    for (int64_t n = 0; n < gather->samples; n++)
        for (int64_t o = range.first; o < range.end; o++)
            sums[o] += number_get(number, gather->dy, n * s->out + o);
}

VECTOR_CLONES static void sum_reals(const struct op_gather *gather, const struct linear_state *s,
                                    const struct linear_range *range)
{
    sum_rows(NUMBER_REAL, gather, s, *range);
}

VECTOR_CLONES static void sum_bf16(const struct op_gather *gather, const struct linear_state *s,
                                   const struct linear_range *range)
{
    sum_rows(NUMBER_BF16, gather, s, *range);
}

void linear_gather_bias(const struct op *op, const struct op_gather *gather)
{
    const struct linear_state *s = op->state;
    struct linear_range range = linear_range(op, gather->task);
    if (s->bias < 0)
        return;
    memset(gather->gradients + s->bias + range.first, 0,
           (size_t)(range.end - range.first) * sizeof(real));
    if (op->y.number == NUMBER_BF16)
        sum_bf16(gather, s, &range);
    else
        sum_reals(gather, s, &range);
}
