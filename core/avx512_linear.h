/* What the files of linear's AVX-512 kernel share: the state of one layer, and how its columns and
 * rows are cut into tiles (see avx512_tiles.h).
 *
 * A word of x holds one real, or two neighbouring bf16 of a sample. The products down columns want
 * two bf16 that stand below each other in one word: pairs of W's rows for dx, of samples for dW. */
#ifndef CORE_AVX512_LINEAR_H
#define CORE_AVX512_LINEAR_H

#include "core/avx512_tiles.h"
#include "core/linear.h"

struct avx512_linear {
    struct linear_state shared; /* first, as linear.h wants it */
    const struct tiles *tiles;
    enum number number;
    int64_t samples, batch; /* of a shard, of all of them */
    int64_t words, pairs;   /* of a row of x; rows of W, or pairs of them */
    int column_tasks;       /* a gather's tasks go by columns and then by rows */
    tiles_word *stage;      /* (members, staged): what tiles read, side by side */
    int64_t staged;
    /* bf16 only: */
    tiles_word *rows;      /* (out, rows_step): W, zero behind each row */
    tiles_word *row_pairs; /* (pairs, pairs_step): W by pairs; NULL: dx is not wanted */
    int64_t rows_step, pairs_step;
    real *sums; /* (members, samples, out): y before it is rounded */
};

static inline int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* A count in pieces of about the same size, at most `most`: the first ones are larger by one. */
struct cut {
    int64_t pieces, size, larger;
};

static inline struct cut cut_by(int64_t count, int64_t most)
{
    int64_t pieces = (count + most - 1) / most;
    return (struct cut){pieces, count / pieces, count % pieces};
}

static inline int64_t cut_at(struct cut cut, int64_t piece)
{
    return piece * cut.size + least(piece, cut.larger);
}

/* Columns of W in tiles of outer products. */
struct columns {
    int64_t first, count, vectors;
    uint16_t last; /* a bit for each column of the last vector */
};

static inline struct cut columns_cut(const struct avx512_linear *s)
{
    return cut_by((s->shared.in + TILES_LANES - 1) / TILES_LANES, TILES_OUTER_VECTORS);
}

static inline struct columns columns_at(const struct avx512_linear *s, struct cut cut,
                                        int64_t piece)
{
    int64_t first = cut_at(cut, piece), vectors = cut_at(cut, piece + 1) - first;
    int64_t count = least(vectors * TILES_LANES, s->shared.in - first * TILES_LANES);
    uint16_t last = (uint16_t)(0xffff >> (vectors * TILES_LANES - count));
    return (struct columns){first * TILES_LANES, count, vectors, last};
}

static inline tiles_word *avx512_linear_stage(const struct avx512_linear *s, int member)
{
    return s->stage + member * s->staged;
}

/* Words of the stage that the gradient of W takes, when a gather has that many tasks by rows. */
int64_t avx512_linear_gather_staged(const struct avx512_linear *s);
void avx512_linear_gather(struct op *op, const struct op_gather *gather);

#endif
