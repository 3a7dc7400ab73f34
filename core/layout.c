/* Ops that only move numbers: conversion between plain and blocked layout, between reals and bf16,
 * and flatten, which is the conversion to plain (PyTorch flattens channels × height × width). */
#include "core/isa.h"
#include "core/kernels.h"
#include "core/layout_kernel.h"

#include <stdlib.h>
#include <string.h>

struct layout_state {
    struct shape shape;
    struct layout from, to;
    const struct layout_kernel *kernel; /* between plain layout and blocks; else NULL */
};

/* ---- any two layouts ---- */

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

/* ---- layouts that are often met ---- */

/* Numbers in their order. */
static void convert_flat(const void *x, enum number from, void *y, enum number to, int64_t count)
{
    if (from == to)
        memcpy(y, x, (size_t)count * number_size(to));
    else if (to == NUMBER_BF16)
        bf16_round_all(x, y, count);
    else
        bf16_widen_all(x, y, count);
}

/* Of one pixel, blocks are the plain order with zeros behind it. */
static void convert_pixel(const struct shape *shape, const void *x, struct layout from, void *y,
                          struct layout to)
{
    int64_t done = shape->channels * (int64_t)number_size(to.number);
    int64_t all = op_count(shape, to.block) * (int64_t)number_size(to.number);
    convert_flat(x, from.number, y, to.number, shape->channels);
    memset((unsigned char *)y + done, 0, (size_t)(all - done));
}

static void convert_tiles(const struct layout_state *s, const void *x, struct layout from, void *y,
                          struct layout to)
{
    bool to_plain = to.block == 1;
    const struct layout_sample sample = {.channels = s->shape.channels,
                                         .pixels = s->shape.height * s->shape.width,
                                         .block = to_plain ? from.block : to.block,
                                         .from = x,
                                         .to = y};
    (to_plain ? s->kernel->to_plain : s->kernel->to_blocks)[from.number][to.number](&sample);
}

/* `samples` of them, one after the other. */
static void convert_all(const struct layout_state *s, const struct op_call *call, bool ahead)
{
    struct layout from = ahead ? s->from : s->to, to = ahead ? s->to : s->from;
    const unsigned char *x = ahead ? call->x : call->dy;
    unsigned char *y = ahead ? call->y : call->dx;
    int64_t in = op_count(&s->shape, from.block) * (int64_t)number_size(from.number);
    int64_t out = op_count(&s->shape, to.block) * (int64_t)number_size(to.number);
    if (from.block == to.block) {
        convert_flat(x, from.number, y, to.number, call->samples * op_count(&s->shape, to.block));
        return;
    }
    for (int64_t n = 0; n < call->samples; n++, x += in, y += out)
        if (s->shape.height * s->shape.width == 1)
            convert_pixel(&s->shape, x, from, y, to);
        else if (s->kernel)
            convert_tiles(s, x, from, y, to);
        else
            convert_sample(&s->shape, x, from, y, to);
}

/* ---- the ops ---- */

static void forward(struct op *op, const struct op_call *call)
{
    convert_all(op->state, call, true);
}

static void backward(struct op *op, const struct op_call *call)
{
    if (call->dx)
        convert_all(op->state, call, false);
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

/* The widest tiles that a block is made of. */
static const struct layout_kernel *find_kernel(struct layout from, struct layout to)
{
    static const struct layout_kernel *const kernels[] = {
        [ISA_BASELINE] = &layout_baseline,
#if defined(__x86_64__)
        [ISA_AVX2] = &layout_avx2,
        [ISA_AVX512] = &layout_avx512,
#endif
    };
    int block = from.block > to.block ? from.block : to.block;
    if (from.block != 1 && to.block != 1)
        return NULL;
    for (int isa = (int)isa_best(); isa >= ISA_BASELINE; isa--)
        if (block % kernels[isa]->lanes == 0)
            return kernels[isa];
    return NULL;
}

bool layout_make(const struct shape *shape, struct layout from, struct layout to, struct op *op,
                 struct error *error)
{
    *op = (struct op){.kernel = "nothing to do",
                      .x.count = op_count(shape, from.block),
                      .y.count = op_count(shape, to.block),
                      .x.block = from.block,
                      .y.block = to.block,
                      .x.number = from.number,
                      .y.number = to.number,
                      .traits = OP_IN_PLACE,
                      .forward = nothing,
                      .backward = nothing};
    if (from.block == to.block && from.number == to.number)
        return true;
    struct layout_state *s = calloc(1, sizeof *s);
    if (!s)
        return error_set(error, ERROR_MEMORY, "model", "no memory for the layer");
    *s = (struct layout_state){*shape, from, to, find_kernel(from, to)};
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
