/* The loops of one instruction set, in all their forms, and the table of them. Each
 * pool2d_INSTRUCTIONS.c includes it once, with what vector.h wants, and makes its struct
 * pool2d_kernel of POOL_WORKS. */
#ifndef CORE_POOL2D_LOOPS_H
#define CORE_POOL2D_LOOPS_H

#include "core/pool2d_halves.h"
#include "core/pool2d_rows.h"

/* ---- functions ---- */

#define POOL_FUNCTION(name, body, ...)                                                             \
    VECTOR_TARGET static bool name(const struct pool2d_plane *p, const struct pool2d_part *part)   \
    {                                                                                              \
        return body(p, part, (struct pool_form){__VA_ARGS__});                                     \
    }

/* For either kind of numbers. */
#define POOL_PAIR(name, body, work, ...)                                                           \
    POOL_FUNCTION(name##_reals, body, work, NUMBER_REAL, __VA_ARGS__)                              \
    POOL_FUNCTION(name##_bf16, body, work, NUMBER_BF16, __VA_ARGS__)

#define POOL_FORWARD(name, work)                                                                   \
    POOL_PAIR(name##_any, pool_forward, work, 0)                                                   \
    POOL_PAIR(name##_2x2, pool_forward, work, 2, 2)                                                \
    POOL_PAIR(name##_3x3, pool_forward, work, 3, 3)

/* `bf16` may have a way of its own for windows that stand apart. */
#define POOL_BACKWARD(name, bf16_body, work)                                                       \
    POOL_PAIR(name##_any, pool_back, work, 0)                                                      \
    POOL_FUNCTION(name##_2by2_reals, pool_back_cells, work, NUMBER_REAL, 0, 2, 2)                  \
    POOL_FUNCTION(name##_2by2_bf16, bf16_body, work, NUMBER_BF16, 0, 2, 2)                         \
    POOL_PAIR(name##_3by1, pool_back_cells, work, 0, 3, 1)                                         \
    POOL_PAIR(name##_3by2, pool_back_cells, work, 0, 3, 2)                                         \
    POOL_FUNCTION(name##_3by3_reals, pool_back_cells, work, NUMBER_REAL, 0, 3, 3)                  \
    POOL_FUNCTION(name##_3by3_bf16, bf16_body, work, NUMBER_BF16, 0, 3, 3)

#define POOL_BOTH(name)                                                                            \
    {                                                                                              \
        name##_reals, name##_bf16                                                                  \
    }

#define POOL_SINGLE_OF(name, body, work, number)                                                   \
    VECTOR_TARGET static void name(const struct pool2d_plane *p)                                   \
    {                                                                                              \
        if (pool_is_2x2(p->windows))                                                               \
            body(p, (struct pool_form){work, number, 2, 2, 2});                                    \
        else                                                                                       \
            body(p, (struct pool_form){work, number, 0});                                          \
    }

#define POOL_SINGLE(name, body, work)                                                              \
    POOL_SINGLE_OF(name##_single_reals, body, work, NUMBER_REAL)                                   \
    POOL_SINGLE_OF(name##_single_bf16, body, work, NUMBER_BF16)

POOL_FORWARD(pool_max, POOL2D_MAX)
POOL_FORWARD(pool_mean, POOL2D_MEAN)
POOL_PAIR(pool_max_relu_any, pool_forward, POOL2D_MAX_RELU, 0)
POOL_FUNCTION(pool_max_relu_2x2_reals, pool_forward, POOL2D_MAX_RELU, NUMBER_REAL, 2, 2)
POOL_FUNCTION(pool_max_relu_2x2_bf16, halves_forward, POOL2D_MAX_RELU, NUMBER_BF16, 2, 2)
POOL_FUNCTION(pool_max_relu_3x3_reals, pool_forward, POOL2D_MAX_RELU, NUMBER_REAL, 3, 3)
POOL_FUNCTION(pool_max_relu_3x3_bf16, halves_forward, POOL2D_MAX_RELU, NUMBER_BF16, 3, 3)

POOL_PAIR(pool_shares, pool_shares, POOL2D_SHARES, 0)
POOL_BACKWARD(pool_mean_back, pool_back_cells, POOL2D_MEAN_BACK)
POOL_BACKWARD(pool_max_back, halves_back, POOL2D_MAX_BACK)

POOL_SINGLE(pool_max, pool_single, POOL2D_MAX)
POOL_SINGLE(pool_max_relu, pool_single, POOL2D_MAX_RELU)
POOL_SINGLE(pool_mean, pool_single, POOL2D_MEAN)
POOL_SINGLE(pool_max_back, pool_single_back, POOL2D_MAX_BACK)
POOL_SINGLE(pool_mean_back, pool_single_back, POOL2D_MEAN_BACK)

/* ---- the table ---- */

#define POOL_FORWARD_LOOPS(name)                                                                   \
    {                                                                                              \
        .any = POOL_BOTH(name##_any),                                                              \
        .special = {{{2, 2}, POOL_BOTH(name##_2x2)}, {{3, 3}, POOL_BOTH(name##_3x3)}},             \
        .single = POOL_BOTH(name##_single),                                                        \
    }

#define POOL_BACKWARD_LOOPS(name)                                                                  \
    {                                                                                              \
        .any = POOL_BOTH(name##_any),                                                              \
        .special = {{{2, 2}, POOL_BOTH(name##_2by2)},                                              \
                    {{3, 1}, POOL_BOTH(name##_3by1)},                                              \
                    {{3, 2}, POOL_BOTH(name##_3by2)},                                              \
                    {{3, 3}, POOL_BOTH(name##_3by3)}},                                             \
        .single = POOL_BOTH(name##_single),                                                        \
    }

#define POOL_WORKS                                                                                 \
    {                                                                                              \
        [POOL2D_MAX] = POOL_FORWARD_LOOPS(pool_max),                                               \
        [POOL2D_MAX_RELU] = POOL_FORWARD_LOOPS(pool_max_relu),                                     \
        [POOL2D_MEAN] = POOL_FORWARD_LOOPS(pool_mean),                                             \
        [POOL2D_SHARES] = {.any = POOL_BOTH(pool_shares)},                                         \
        [POOL2D_MAX_BACK] = POOL_BACKWARD_LOOPS(pool_max_back),                                    \
        [POOL2D_MEAN_BACK] = POOL_BACKWARD_LOOPS(pool_mean_back),                                  \
    }

#endif
