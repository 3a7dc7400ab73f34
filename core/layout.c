/* Ops that only move numbers: conversion between plain and blocked layout, and flatten, which is
 * the conversion to plain (PyTorch flattens channels × height × width). */
#include "core/kernels.h"

#include <stdlib.h>
#include <string.h>

struct layout_state {
    struct shape shape;
    int from, to; /* block sizes of x and y */
};

/* One sample from layout `from` to layout `to`; missing channels become zero. */
static void convert(const struct shape *shape, const real *x, int from, real *y, int to)
{
    int64_t pixels = shape->height * shape->width;
    int64_t padded = (shape->channels + to - 1) / to * to;
    for (int64_t c = 0; c < padded; c++)
        for (int64_t p = 0; p < pixels; p++) {
            real value = c < shape->channels ? x[(c / from * pixels + p) * from + c % from] : 0;
            y[(c / to * pixels + p) * to + c % to] = value;
        }
}

static void forward(struct op *op, const struct op_call *call)
{
    const struct layout_state *s = op->state;
    for (int64_t n = 0; n < call->samples; n++)
        convert(&s->shape, call->x + n * op->x_count, s->from, call->y + n * op->y_count, s->to);
}

static void backward(struct op *op, const struct op_call *call)
{
    const struct layout_state *s = op->state;
    for (int64_t n = 0; call->dx && n < call->samples; n++)
        convert(&s->shape, call->dy + n * op->y_count, s->to, call->dx + n * op->x_count, s->from);
}

static void nothing(struct op *op, const struct op_call *call)
{
    (void)op;
    (void)call;
}

static void drop(struct op *op)
{
    free(op->state);
}

bool layout_make(const struct shape *shape, int from, int to, struct op *op, struct error *error)
{
    *op = (struct op){.kernel = "nothing to do",
                      .x_count = op_count(shape, from),
                      .y_count = op_count(shape, to),
                      .x_block = from,
                      .y_block = to,
                      .traits = OP_IN_PLACE,
                      .forward = nothing,
                      .backward = nothing};
    if (from == to)
        return true;
    struct layout_state *s = calloc(1, sizeof *s);
    if (!s)
        return error_set(error, ERROR_MEMORY, "model", "no memory for the layer");
    *s = (struct layout_state){*shape, from, to};
    op->kernel = "layout conversion";
    op->traits = 0;
    op->state = s;
    op->forward = forward;
    op->backward = backward;
    op->drop = drop;
    return true;
}

bool flatten_make(const struct op_setup *setup, struct op *op, struct error *error)
{
    return layout_make(&setup->layer->input, setup->block, 1, op, error);
}
