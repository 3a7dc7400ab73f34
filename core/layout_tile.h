/* Between plain layout and blocks: tiles of as many channels and pixels as a vector has lanes are
 * transposed in registers. A template, included by each layout_INSTRUCTIONS.c with what vector.h
 * wants; makes its struct layout_kernel of LAYOUT_KERNEL. */
#ifndef CORE_LAYOUT_TILE_H
#define CORE_LAYOUT_TILE_H

#include "core/layout_kernel.h"
#include "core/vector.h"

/* What a function is compiled for. */
struct layout_numbers {
    enum number from, to;
};

/* Each round deals the rows out like two halves of a pack of cards; as many rounds as the count of
 * lanes has bits make columns of rows. */
VECTOR_INLINE void layout_transpose(vector *rows)
{
    VECTOR_UNROLL
    for (int round = 1; round < VECTOR_LANES; round *= 2) {
        vector dealt[VECTOR_LANES];
        VECTOR_UNROLL
        for (int i = 0; i < VECTOR_LANES / 2; i++) {
            dealt[2 * i] = vector_zip_low(rows[i], rows[i + VECTOR_LANES / 2]);
            dealt[2 * i + 1] = vector_zip_high(rows[i], rows[i + VECTOR_LANES / 2]);
        }
        VECTOR_UNROLL
        for (int i = 0; i < VECTOR_LANES; i++)
            rows[i] = dealt[i];
    }
}

/* Where a tile lies: pixels of a row and rows of channels that are there. */
struct layout_tile {
    int64_t plain, blocks; /* its first number */
    int64_t pixels, channels;
    int64_t room; /* numbers of the plain sample from there on */
};

VECTOR_INLINE void layout_put(const struct layout_sample *s, int64_t at, vector row,
                              const struct layout_numbers numbers)
{
    if (numbers.from == NUMBER_BF16)
        vector_store_exact(numbers.to, s->to, at, row);
    else
        vector_store(numbers.to, s->to, at, row);
}

/* A row that is shorter than a vector is written with what does not belong to it: the next row
 * comes later. Behind the last one there may be nothing. */
VECTOR_INLINE void layout_tile_to_plain(const struct layout_sample *s, const struct layout_tile *t,
                                        const struct layout_numbers numbers)
{
    vector rows[VECTOR_LANES];
    VECTOR_UNROLL
    for (int i = 0; i < VECTOR_LANES; i++)
        rows[i] = i < t->pixels ? vector_load(numbers.from, s->from, t->blocks + i * s->block)
                                : vector_splat(0);
    layout_transpose(rows);
    VECTOR_UNROLL
    for (int c = 0; c < VECTOR_LANES; c++) {
        const int64_t at = c * s->pixels;
        if (c >= t->channels)
            break;
        if (at + VECTOR_LANES <= t->room)
            layout_put(s, t->plain + at, rows[c], numbers);
        else
            for (int64_t i = 0; i < t->pixels && i < VECTOR_LANES; i++)
                number_put(numbers.to, s->to, t->plain + at + i, rows[c][i]);
    }
}

VECTOR_INLINE vector layout_get(const struct layout_sample *s, const struct layout_tile *t,
                                int64_t at, const struct layout_numbers numbers)
{
    vector row = vector_splat(0);
    if (at + VECTOR_LANES <= t->room)
        return vector_load(numbers.from, s->from, t->plain + at);
    for (int64_t i = 0; i < t->pixels && i < VECTOR_LANES; i++)
        row[i] = number_get(numbers.from, s->from, t->plain + at + i);
    return row;
}

VECTOR_INLINE void layout_tile_to_blocks(const struct layout_sample *s, const struct layout_tile *t,
                                         const struct layout_numbers numbers)
{
    vector rows[VECTOR_LANES];
    VECTOR_UNROLL
    for (int c = 0; c < VECTOR_LANES; c++)
        rows[c] = c < t->channels ? layout_get(s, t, c * s->pixels, numbers) : vector_splat(0);
    layout_transpose(rows);
    VECTOR_UNROLL
    for (int i = 0; i < VECTOR_LANES; i++)
        if (i < t->pixels)
            layout_put(s, t->blocks + i * s->block, rows[i], numbers);
}

/* All tiles; the last one of a row of pixels may lie over the one before it. Channels that fill up
 * a block are zero. */
VECTOR_INLINE void layout_all(const struct layout_sample *s, bool to_plain,
                              const struct layout_numbers numbers)
{
    const int64_t last = s->pixels > VECTOR_LANES ? s->pixels - VECTOR_LANES : 0;
    const int64_t rounded = (s->channels + s->block - 1) / s->block * s->block;
    for (int64_t c = 0; c < rounded; c += VECTOR_LANES)
        for (int64_t step = 0; step < last + VECTOR_LANES; step += VECTOR_LANES) {
            const int64_t p = step < last ? step : last;
            const struct layout_tile tile = {.plain = c * s->pixels + p,
                                             .blocks = (c / s->block * s->pixels + p) * s->block +
                                                       c % s->block,
                                             .pixels = s->pixels - p,
                                             .channels = s->channels - c,
                                             .room = (s->channels - c) * s->pixels - p};
            if (to_plain)
                layout_tile_to_plain(s, &tile, numbers);
            else
                layout_tile_to_blocks(s, &tile, numbers);
        }
}

#define LAYOUT_FUNCTION(name, to_plain, from, to)                                                  \
    VECTOR_TARGET static void name(const struct layout_sample *s)                                  \
    {                                                                                              \
        layout_all(s, to_plain, (struct layout_numbers){from, to});                                \
    }

LAYOUT_FUNCTION(layout_plain_reals, true, NUMBER_REAL, NUMBER_REAL)
LAYOUT_FUNCTION(layout_plain_to_bf16, true, NUMBER_REAL, NUMBER_BF16)
LAYOUT_FUNCTION(layout_plain_from_bf16, true, NUMBER_BF16, NUMBER_REAL)
LAYOUT_FUNCTION(layout_plain_bf16, true, NUMBER_BF16, NUMBER_BF16)
LAYOUT_FUNCTION(layout_blocks_reals, false, NUMBER_REAL, NUMBER_REAL)
LAYOUT_FUNCTION(layout_blocks_to_bf16, false, NUMBER_REAL, NUMBER_BF16)
LAYOUT_FUNCTION(layout_blocks_from_bf16, false, NUMBER_BF16, NUMBER_REAL)
LAYOUT_FUNCTION(layout_blocks_bf16, false, NUMBER_BF16, NUMBER_BF16)

#define LAYOUT_KERNEL                                                                              \
    {                                                                                              \
        VECTOR_LANES,                                                                              \
            {{layout_plain_reals, layout_plain_to_bf16},                                           \
             {layout_plain_from_bf16, layout_plain_bf16}},                                         \
            {{layout_blocks_reals, layout_blocks_to_bf16},                                         \
             {layout_blocks_from_bf16, layout_blocks_bf16}},                                       \
    }

#endif
