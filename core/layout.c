/* Ops that only move numbers: conversion between plain and blocked layout, between reals and bf16,
 * and flatten, which is the conversion to plain (PyTorch flattens channels × height × width). */
#include "core/kernels.h"

#include <stdlib.h>
#include <string.h>

struct layout_state {
    struct shape shape;
    struct layout from, to;
};

/* Runs of this many numbers of a channel are moved at a time: they are read in one layout's order
 * and written in the other's, and neither should leave the nearest cache in between. */
enum { RUN = 64 };

/* One sample from layout `from` to layout `to`; missing channels become zero. */
static inline __attribute__((always_inline)) void convert(const struct shape *shape, const void *x,
                                                          const struct layout from, void *y,
                                                          const struct layout to)
{
    int64_t pixels = shape->height * shape->width;
    int64_t padded = (shape->channels + to.block - 1) / to.block * to.block;
    for (int64_t first = 0; first < pixels; first += RUN)
        for (int64_t c = 0; c < padded; c++) {
            int64_t end = first + RUN < pixels ? first + RUN : pixels;
            int64_t in = c / from.block * pixels * from.block + c % from.block;
            int64_t out = c / to.block * pixels * to.block + c % to.block;
            if (c < shape->channels)
                for (int64_t p = first; p < end; p++)
                    number_put(to.number, y, out + p * to.block,
                               number_get(from.number, x, in + p * from.block));
            else
                for (int64_t p = first; p < end; p++)
                    number_put(to.number, y, out + p * to.block, 0);
        }
}

/* By constants, so that each pair of numbers gets loops of its own. */
#define CONVERT(from_number, to_number)                                                            \
    convert(shape, x, (struct layout){from.block, from_number}, y,                                 \
            (struct layout){to.block, to_number})

static void convert_sample(const struct shape *shape, const void *x, struct layout from, void *y,
                           struct layout to)
{
    if (from.number == NUMBER_REAL && to.number == NUMBER_REAL)
        CONVERT(NUMBER_REAL, NUMBER_REAL);
    else if (from.number == NUMBER_REAL)
        CONVERT(NUMBER_REAL, NUMBER_BF16);
    else if (to.number == NUMBER_REAL)
        CONVERT(NUMBER_BF16, NUMBER_REAL);
    else
        CONVERT(NUMBER_BF16, NUMBER_BF16);
}

/* `samples` of them, one after the other. */
static void convert_all(const struct shape *shape, int64_t samples, const void *x,
                        struct layout from, void *y, struct layout to)
{
    int64_t in = op_count(shape, from.block) * (int64_t)number_size(from.number);
    int64_t out = op_count(shape, to.block) * (int64_t)number_size(to.number);
    for (int64_t n = 0; n < samples; n++)
        convert_sample(shape, (const unsigned char *)x + n * in, from, (unsigned char *)y + n * out,
                       to);
}

static void forward(struct op *op, const struct op_call *call)
{
    const struct layout_state *s = op->state;
    convert_all(&s->shape, call->samples, call->x, s->from, call->y, s->to);
}

static void backward(struct op *op, const struct op_call *call)
{
    const struct layout_state *s = op->state;
    if (call->dx)
        convert_all(&s->shape, call->samples, call->dy, s->to, call->dx, s->from);
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

bool layout_make(const struct shape *shape, struct layout from, struct layout to, struct op *op,
                 struct error *error)
{
    *op = (struct op){.kernel = "nothing to do",
                      .x_count = op_count(shape, from.block),
                      .y_count = op_count(shape, to.block),
                      .x_block = from.block,
                      .y_block = to.block,
                      .x_number = from.number,
                      .y_number = to.number,
                      .traits = OP_IN_PLACE,
                      .forward = nothing,
                      .backward = nothing};
    if (from.block == to.block && from.number == to.number)
        return true;
    struct layout_state *s = calloc(1, sizeof *s);
    if (!s)
        return error_set(error, ERROR_MEMORY, "model", "no memory for the layer");
    *s = (struct layout_state){*shape, from, to};
    op->kernel = from.number == to.number   ? "layout conversion"
                 : to.number == NUMBER_BF16 ? "conversion to bf16"
                                            : "conversion from bf16";
    op->traits = 0;
    op->state = s;
    op->forward = forward;
    op->backward = backward;
    op->drop = drop;
    return true;
}

bool flatten_make(const struct op_setup *setup, struct op *op, struct error *error)
{
    return layout_make(&setup->layer->input, (struct layout){setup->block, setup->number},
                       (struct layout){1, setup->number}, op, error);
}
