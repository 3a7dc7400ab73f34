/* The weight gradient of linear's AVX-512 kernel: dW = dYᵀ·X over the whole batch at once, straight
 * into the flat array. Tasks take ranges of columns, and of rows where there are few columns. */
#if TRAIND_ONEDNN && defined(__x86_64__)
#include "core/avx512_linear.h"

#include <string.h>

enum {
    PIECE = TILES_OUTER_VECTORS * TILES_LANES,
    LINE = 64 /* bytes of a cache line */
};

int64_t avx512_linear_gather_staged(const struct avx512_linear *s)
{
    if (s->number == NUMBER_REAL)
        return saturating_product(s->batch, PIECE);
    return saturating_product((s->batch + 1) / 2, PIECE + s->shared.out);
}

VECTOR_CLONES static void pair_up(const bf16 *restrict low, const bf16 *restrict high,
                                  tiles_word *restrict to, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        to[i] = (tiles_word)high[i] << 16 | low[i];
}

/* The last sample of an odd number of them goes with zeros. */
VECTOR_CLONES static void pair_last(const bf16 *restrict low, tiles_word *restrict to,
                                    int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        to[i] = low[i];
}

/* Some columns of a matrix of `width` columns: all samples, or pairs of them. */
static void stage_pairs(const bf16 *from, int64_t width, int64_t samples, int64_t count,
                        tiles_word *to)
{
    for (; samples > 1; samples -= 2, from += 2 * width, to += count)
        pair_up(from, from + width, to, count);
    if (samples > 0)
        pair_last(from, to, count);
}

static void stage_reals(const real *from, int64_t width, int64_t samples, int64_t count,
                        tiles_word *to)
{
    for (; samples > 0; samples--, from += width, to += count)
        memcpy(to, from, (size_t)count * sizeof *to);
}

/* What the tiles of a task read. */
struct part {
    const struct op_gather *gather;
    const tiles_word *dy, *x; /* of the first row and column */
    int64_t dy_step;
    int64_t words; /* samples, or pairs of them */
    int64_t row;
    struct cut rows; /* from `row` on */
};

/* Brings these columns of some samples of x near, which will be staged next. */
static void fetch(const struct avx512_linear *s, const struct part *part,
                  const struct columns *columns, int64_t piece)
{
    const int64_t size = (int64_t)number_size(s->number), row = s->shared.in * size;
    const unsigned char *x = (const unsigned char *)part->gather->x + columns->first * size;
    int64_t n = part->gather->samples * piece / part->rows.pieces;
    int64_t end = part->gather->samples * (piece + 1) / part->rows.pieces;
    for (; n < end; n++)
        for (int64_t at = 0; at < columns->count * size; at += LINE)
            __builtin_prefetch(x + n * row + at);
}

/* The gradient of some columns, while the next ones are fetched. */
static void run_columns(const struct avx512_linear *s, const struct part *part,
                        const struct columns *columns, const struct columns *next)
{
    real *dw = part->gather->gradients + s->shared.weight + columns->first;
    struct tiles_outer tile = {.a_step = part->dy_step,
                               .b = part->x,
                               .b_step = columns->count,
                               .count = part->words,
                               .c_step = s->shared.in,
                               .last = columns->last};
    for (int64_t piece = 0; piece < part->rows.pieces; piece++) {
        int64_t row = cut_at(part->rows, piece), count = cut_at(part->rows, piece + 1) - row;
        tile.a = part->dy + row;
        tile.c = dw + (part->row + row) * s->shared.in;
        fetch(s, part, next, piece);
        s->tiles->outer[columns->vectors - 1][count - 1](&tile);
    }
}

void avx512_linear_gather(struct op *op, const struct op_gather *gather)
{
    const struct avx512_linear *s = op->state;
    const int64_t in = s->shared.in, out = s->shared.out, samples = gather->samples;
    const struct cut cut = columns_cut(s);
    const int tasks = op->gather_tasks / s->column_tasks, task = gather->task / s->column_tasks;
    const int64_t row = out * task / tasks, rows = out * (task + 1) / tasks - row;
    const int64_t column = gather->task % s->column_tasks;
    const int64_t end = cut.pieces * (column + 1) / s->column_tasks;
    tiles_word *stage = avx512_linear_stage(s, gather->member);
    struct part part = {.gather = gather,
                        .dy = (const tiles_word *)gather->dy + row,
                        .dy_step = out,
                        .words = samples,
                        .row = row,
                        .rows = cut_by(rows, TILES_OUTER_ROWS)};
    if (s->number == NUMBER_BF16) {
        part.words = (samples + 1) / 2;
        part.dy = stage;
        part.dy_step = rows;
        stage_pairs((const bf16 *)gather->dy + row, out, samples, rows, stage);
        stage += part.words * rows;
    }
    part.x = stage;
    for (int64_t piece = cut.pieces * column / s->column_tasks; piece < end; piece++) {
        const struct columns columns = columns_at(s, cut, piece);
        const struct columns next = piece + 1 < end ? columns_at(s, cut, piece + 1) : columns;
        if (s->number == NUMBER_BF16)
            stage_pairs((const bf16 *)gather->x + columns.first, in, samples, columns.count, stage);
        else
            stage_reals((const real *)gather->x + columns.first, in, samples, columns.count, stage);
        run_columns(s, &part, &columns, &next);
    }
    linear_gather_bias(op, gather);
}

#endif
