/* linear by products of our own, AVX-512: of reals, or of bf16 where the processor multiplies them.
 *
 * W is read where it stands in the flat array: panels of it would cost more than the few rows of a
 * shard gain. bf16: it is rounded once a step, by rows for the forward pass and by pairs of rows
 * for the backward one. Its way through the caches bounds a shard's passes, so what will be read
 * next is fetched ahead. x and dy are small, and copied to where a tile finds them side by side. */
#if TRAIND_ONEDNN && defined(__x86_64__)
#include "core/avx512_linear.h"

#include "core/isa.h"
#include "core/kernels.h"

#include <string.h>

enum {
    DOT_WORDS = 320,            /* so many of a GROUP and of AHEAD rows stay in the first cache */
    GROUP = 3 * TILES_DOT_ROWS, /* rows of x staged at a time */
    GROUP_STEP = DOT_WORDS + TILES_LANES,
    AHEAD = 2 * TILES_DOT_COLUMNS, /* rows of W */
    BLOCK = 128,                   /* rows of W, some columns of which stay in the second cache */
    PIECE = TILES_OUTER_VECTORS * TILES_LANES,
    GATHER_TASKS = 16,
    GATHER_WORK = 1 << 18, /* multiply-adds of a task, at least */
    PACK_TASKS = 16,
    PACK_WORK = 1 << 16 /* numbers */
};

/* ---- bf16 once a step ---- */

VECTOR_CLONES static void pair_up(const real *restrict low, const real *restrict high,
                                  tiles_word *restrict to, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        to[i] = (tiles_word)bf16_round(high[i]) << 16 | bf16_round(low[i]);
}

/* The last row of an odd number of them goes with zeros. */
VECTOR_CLONES static void pair_last(const real *restrict low, tiles_word *restrict to,
                                    int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        to[i] = bf16_round(low[i]);
}

static void pack_part(struct op *op, const real *parameters, int task)
{
    const struct avx512_linear *s = op->state;
    const int64_t in = s->shared.in, out = s->shared.out;
    int64_t pair = s->pairs * task / op->pack_tasks, end = s->pairs * (task + 1) / op->pack_tasks;
    for (; pair < end; pair++) {
        const real *w = parameters + s->shared.weight + 2 * pair * in;
        bool both = 2 * pair + 1 < out;
        for (int64_t row = 2 * pair; row < 2 * pair + 1 + both; row++)
            bf16_round_all(w + (row - 2 * pair) * in, (bf16 *)(s->rows + row * s->rows_step), in);
        if (s->row_pairs && both)
            pair_up(w, w + in, s->row_pairs + pair * s->pairs_step, in);
        else if (s->row_pairs)
            pair_last(w, s->row_pairs + pair * s->pairs_step, in);
    }
}

/* W as the forward pass reads it, and from row to row; then as the backward pass does. */
static const tiles_word *rows_of(const struct avx512_linear *s, int64_t *step)
{
    const real *flat = s->shared.parameters + s->shared.weight;
    *step = s->number == NUMBER_BF16 ? s->rows_step : s->shared.in;
    return s->number == NUMBER_BF16 ? s->rows : (const tiles_word *)flat;
}

static const tiles_word *pairs_of(const struct avx512_linear *s, int64_t *step)
{
    const real *flat = s->shared.parameters + s->shared.weight;
    *step = s->number == NUMBER_BF16 ? s->pairs_step : s->shared.in;
    return s->number == NUMBER_BF16 ? s->row_pairs : (const tiles_word *)flat;
}

/* ---- forward ---- */

/* Some samples, and one block of their sums. */
struct forward_part {
    const unsigned char *x; /* the first row */
    real *sums;             /* and its sums */
    const real *bias;       /* NULL: there is none */
    int64_t rows, k;
};

static void stage_x(const struct avx512_linear *s, const struct forward_part *part, tiles_word *to)
{
    const int64_t row = s->shared.in * (int64_t)number_size(s->number), word = sizeof *to;
    const size_t bytes = (size_t)least(row - part->k * word, DOT_WORDS * word);
    const size_t vector = TILES_LANES * sizeof *to;
    const size_t whole = (bytes + vector - 1) / vector * vector;
    for (int64_t r = 0; r < part->rows; r++, to += GROUP_STEP) {
        memcpy(to, part->x + r * row + part->k * word, bytes);
        memset((unsigned char *)to + bytes, 0, whole - bytes);
    }
}

/* What to fetch while row n and its neighbours are at work: rows further on, or the first ones of
 * the next block. */
static struct tiles_ahead ahead_of(const struct avx512_linear *s, int64_t step, int64_t n,
                                   int64_t k)
{
    int64_t row = n + AHEAD, out = s->shared.out;
    if (row < out)
        return (struct tiles_ahead){AHEAD * step, step, least(out - row, TILES_DOT_COLUMNS)};
    if (row - out >= out || k + DOT_WORDS >= s->words)
        return (struct tiles_ahead){0};
    return (struct tiles_ahead){(row - out - n) * step + DOT_WORDS, step,
                                least(2 * out - row, TILES_DOT_COLUMNS)};
}

/* The tile of some rows has its share of that. */
static struct tiles_ahead share(struct tiles_ahead all, int64_t piece, int64_t pieces)
{
    int64_t first = all.count * piece / pieces, end = all.count * (piece + 1) / pieces;
    return (struct tiles_ahead){all.first + first * all.step, all.step, end - first};
}

static void forward_part(const struct avx512_linear *s, const struct forward_part *part,
                         tiles_word *stage)
{
    static const real zeros[TILES_DOT_COLUMNS];
    const int64_t out = s->shared.out;
    const struct cut rows = cut_by(part->rows, TILES_DOT_ROWS);
    int64_t step;
    const tiles_word *w = rows_of(s, &step) + part->k;
    struct tiles_dot tile = {
        .a_step = GROUP_STEP, .words = least(s->words - part->k, DOT_WORDS), .c_step = out};
    stage_x(s, part, stage);
    for (int64_t n = 0; n < out; n += TILES_DOT_COLUMNS) {
        const struct tiles_ahead ahead = ahead_of(s, step, n, part->k);
        tile.columns = (uint16_t)((1 << least(out - n, TILES_DOT_COLUMNS)) - 1);
        tile.start = part->k > 0 ? NULL : part->bias ? part->bias + n : zeros;
        for (int64_t c = 0; c < TILES_DOT_COLUMNS; c++)
            tile.b[c] = w + least(n + c, out - 1) * step;
        for (int64_t piece = 0; piece < rows.pieces; piece++) {
            int64_t row = cut_at(rows, piece), count = cut_at(rows, piece + 1) - row;
            tile.a = stage + row * GROUP_STEP;
            tile.c = part->sums + row * out + n;
            tile.ahead = share(ahead, piece, rows.pieces);
            s->tiles->dot[count - 1](&tile);
        }
    }
}

static void forward(struct op *op, const struct op_call *call)
{
    const struct avx512_linear *s = op->state;
    const struct linear_state *l = &s->shared;
    const bool rounded = s->number == NUMBER_BF16;
    const struct cut groups = cut_by(call->samples, GROUP);
    real *sums = rounded ? s->sums + call->member * s->samples * l->out : call->y;
    for (int64_t k = 0; k < s->words; k += DOT_WORDS)
        for (int64_t group = 0; group < groups.pieces; group++) {
            int64_t row = cut_at(groups, group);
            const struct forward_part part = {.x = (const unsigned char *)call->x +
                                                   row * l->in * (int64_t)number_size(s->number),
                                              .sums = sums + row * l->out,
                                              .bias = l->bias < 0 ? NULL : l->parameters + l->bias,
                                              .rows = cut_at(groups, group + 1) - row,
                                              .k = k};
            forward_part(s, &part, avx512_linear_stage(s, call->member));
        }
    if (rounded)
        bf16_round_all(sums, call->y, call->samples * l->out);
}

/* ---- backward ---- */

/* dy turned round: for each row of W, or pair of rows, the words of all samples. */
static void stage_dy(const struct avx512_linear *s, const struct op_call *call, tiles_word *to)
{
    const int64_t out = s->shared.out, samples = call->samples;
    for (int64_t r = 0; r < samples; r++)
        if (s->number == NUMBER_BF16) {
            const bf16 *dy = (const bf16 *)call->dy + r * out;
            for (int64_t n = 0; n + 1 < out; n += 2)
                to[n / 2 * samples + r] = (tiles_word)dy[n + 1] << 16 | dy[n];
            if (out % 2)
                to[out / 2 * samples + r] = dy[out - 1];
        } else {
            const tiles_word *dy = (const tiles_word *)call->dy + r * out;
            for (int64_t n = 0; n < out; n++)
                to[n * samples + r] = dy[n];
        }
}

/* Some rows of W, or pairs of them. */
struct backward_part {
    const tiles_word *dy; /* staged */
    int64_t first, count;
};

/* Their part of some columns of dx. bf16 is rounded at once: the part is all there is. */
static void backward_part(const struct avx512_linear *s, const struct op_call *call,
                          const struct backward_part *part, const struct columns *columns)
{
    const bool rounded = s->number == NUMBER_BF16;
    const int64_t in = s->shared.in;
    const struct cut rows = cut_by(call->samples, TILES_OUTER_ROWS);
    int64_t step;
    const tiles_word *w = pairs_of(s, &step);
    real sums[TILES_OUTER_ROWS * PIECE];
    struct tiles_outer tile = {.a_step = call->samples,
                               .b = w + part->first * step + columns->first,
                               .b_step = step,
                               .count = part->count,
                               .ahead = {columns->count, TILES_LANES, columns->vectors},
                               .c = sums,
                               .c_step = rounded ? PIECE : in,
                               .add = part->first > 0,
                               .last = columns->last};
    if (columns->first + columns->count == in)
        tile.ahead.count = 0;
    for (int64_t piece = 0; piece < rows.pieces; piece++, tile.ahead.count = 0) {
        int64_t row = cut_at(rows, piece), count = cut_at(rows, piece + 1) - row;
        tile.a = part->dy + part->first * call->samples + row;
        if (!rounded)
            tile.c = (real *)call->dx + row * in + columns->first;
        s->tiles->outer[columns->vectors - 1][count - 1](&tile);
        for (int64_t r = 0; rounded && r < count; r++)
            bf16_round_all(sums + r * PIECE, (bf16 *)call->dx + (row + r) * in + columns->first,
                           columns->count);
    }
}

static void backward(struct op *op, const struct op_call *call)
{
    const struct avx512_linear *s = op->state;
    const int64_t block = s->number == NUMBER_BF16 ? s->pairs : BLOCK;
    const struct cut cut = columns_cut(s);
    tiles_word *dy = avx512_linear_stage(s, call->member);
    if (!call->dx)
        return;
    stage_dy(s, call, dy);
    for (int64_t first = 0; first < s->pairs; first += block) {
        const struct backward_part part = {dy, first, least(s->pairs - first, block)};
        for (int64_t piece = 0; piece < cut.pieces; piece++) {
            const struct columns columns = columns_at(s, cut, piece);
            backward_part(s, call, &part, &columns);
        }
    }
}

/* ---- making ---- */

static void reserve_bf16(struct avx512_linear *s, const struct op_setup *setup)
{
    const int64_t in = s->shared.in, out = s->shared.out, lanes = TILES_LANES;
    /* One vector more than there need be: rows of a power of two would all meet in the same few
     * places of a cache. */
    s->rows_step = (s->words + lanes - 1) / lanes * lanes + lanes;
    s->pairs_step = (in + lanes - 1) / lanes * lanes + lanes;
    block_reserve(setup->memory, &s->rows, saturating_product(out, s->rows_step), sizeof *s->rows);
    block_reserve(setup->memory, &s->sums,
                  saturating_product(setup->cut.members, saturating_product(s->samples, out)),
                  sizeof *s->sums);
    if (setup->want_dx)
        block_reserve(setup->memory, &s->row_pairs, saturating_product(s->pairs, s->pairs_step),
                      sizeof *s->row_pairs);
}

static void reserve(struct avx512_linear *s, const struct op_setup *setup)
{
    const int64_t wanted[] = {GROUP * GROUP_STEP, saturating_product(s->pairs, s->samples),
                              avx512_linear_gather_staged(s)};
    for (size_t i = 0; i < COUNT_OF(wanted); i++)
        s->staged = s->staged > wanted[i] ? s->staged : wanted[i];
    block_reserve(setup->memory, &s->stage, saturating_product(setup->cut.members, s->staged),
                  sizeof *s->stage);
    if (s->number == NUMBER_BF16)
        reserve_bf16(s, setup);
}

/* Tasks of about the same work; no more than there are tiles. */
static void set_tasks(struct avx512_linear *s, struct op *op)
{
    int64_t size = saturating_product(s->shared.in, s->shared.out);
    int64_t tasks = least(saturating_product(size, s->batch) / GATHER_WORK + 1, GATHER_TASKS);
    int64_t row_tiles = cut_by(s->shared.out, TILES_OUTER_ROWS).pieces;
    s->column_tasks = (int)least(tasks, columns_cut(s).pieces);
    op->gather_tasks = s->column_tasks * (int)least(tasks / s->column_tasks, row_tiles);
    if (s->number == NUMBER_BF16)
        op->pack_tasks = (int)least(least(size / PACK_WORK + 1, PACK_TASKS), s->pairs);
}

bool avx512_linear_make(const struct op_setup *setup, struct op *op, struct error *error)
{
    const bool pairs = setup->number == NUMBER_BF16;
    if (isa_best() < ISA_AVX512 || (pairs && !isa_has_bf16()) ||
        !linear_make(setup, sizeof(struct avx512_linear), op, error))
        return false;
    struct avx512_linear *s = op->state;
    s->number = op->x.number = op->y.number = setup->number;
    s->tiles = pairs ? &avx512_tiles_bf16 : &avx512_tiles_real;
    s->samples = setup->cut.shard_size;
    s->batch = saturating_product(setup->cut.shards, setup->cut.shard_size);
    s->words = pairs ? (s->shared.in + 1) / 2 : s->shared.in;
    s->pairs = pairs ? (s->shared.out + 1) / 2 : s->shared.out;
    reserve(s, setup);
    set_tasks(s, op);
    op->kernel = pairs ? "own matrix products, AVX512-BF16" : "own matrix products, fused, AVX-512";
    op->pack_part = pack_part;
    op->forward = forward;
    op->backward = backward;
    op->gather = avx512_linear_gather;
    return true;
}

#endif
