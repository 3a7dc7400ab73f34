/* Pooling over blocks of channels: each lane of a vector is a channel. A template, included by each
 * pool2d_INSTRUCTIONS.c with what vector.h wants.
 *
 * Same rules as the reference: of equals the first wins, a NaN wins over everything and the last
 * NaN over the others. Loops for windows of one size are not careful: they overlook a NaN, but in a
 * sum over all numbers it shows. That the sum may be NaN without one (∞ − ∞) only takes time. */
#ifndef CORE_POOL2D_TILE_H
#define CORE_POOL2D_TILE_H

#include "core/pool2d_kernel.h"
#include "core/vector.h"

/* What a function is compiled for: constants. */
struct pool_form {
    enum pool2d_work work;
    enum number number;
    int rows, columns; /* of all windows; 0: each has its own */
    int stride;        /* of cells */
};

/* The pixels that an output looks at. */
struct pool_window {
    const void *x;
    int64_t at, row_step, column_step; /* numbers of x: the first one and how far it is on */
    int64_t rows, columns;
    int64_t tap, taps; /* the first one's number, and how many are in a row */
};

/* The best number; *won is its tap, and *seen the sum of all that were looked at. */
VECTOR_INLINE vector pool_max(const struct pool_window *w, const struct pool_form form,
                              vector_bits *won, vector *seen)
{
    const bool relu = form.work == POOL2D_MAX_RELU, careful = form.rows == 0;
    vector best = relu ? vector_splat(0) : vector_load(form.number, w->x, w->at), sum = {0};
    vector_bits winner = vector_bits_splat(relu ? POOL2D_NOTHING : (int)w->tap);
    for (int64_t r = 0; r < (careful ? w->rows : form.rows); r++)
        for (int64_t c = 0; c < (careful ? w->columns : form.columns); c++) {
            int64_t at = w->at + r * w->row_step + c * w->column_step;
            vector x = vector_load(form.number, w->x, at);
            vector_mask take = vector_above(x, best);
            if (careful)
                take |= vector_is_nan(x);
            best = vector_choose(take, x, best);
            winner = vector_choose_bits(take, vector_bits_splat((int)(w->tap + r * w->taps + c)),
                                        winner);
            sum += x;
        }
    if (relu && careful)
        winner = vector_choose_bits(vector_is_nan(best), vector_bits_splat(POOL2D_NOTHING), winner);
    *won = winner;
    *seen += sum;
    return best;
}

VECTOR_INLINE vector pool_sum(const struct pool_window *w, const struct pool_form form)
{
    vector sum = {0};
    for (int64_t r = 0; r < (form.rows ? form.rows : w->rows); r++)
        for (int64_t c = 0; c < (form.rows ? form.columns : w->columns); c++)
            sum += vector_load(form.number, w->x, w->at + r * w->row_step + c * w->column_step);
    return sum;
}

/* Windows side by side: each of its own size, or all of the form's and inside the image. */
VECTOR_INLINE void pool_forward_row(const struct pool2d_plane *p, int64_t oy,
                                    const struct pool2d_range range, const struct pool_form form,
                                    vector *seen)
{
    const struct pool2d_axis *columns = &p->windows->columns;
    const struct pool2d_span row = p->windows->rows.spans[oy], *spans = columns->spans;
    const int64_t block = p->block;
    uint8_t *winners = p->winners;
    void *y = p->y;
    struct pool_window w = {.x = p->x,
                            .row_step = columns->in * block,
                            .column_step = block,
                            .rows = row.end - row.first,
                            .taps = columns->kernel};
    for (int64_t o = range.first; o < range.end; o++) {
        const struct pool2d_span span = spans[o];
        w.columns = span.end - span.first;
        w.tap = form.rows ? 0 : (row.first - row.start) * w.taps + span.first - span.start;
        for (int64_t lane = 0; lane < block; lane += VECTOR_LANES) {
            const int64_t to = (oy * columns->out + o) * block + lane;
            w.at = row.first * w.row_step + span.first * block + lane;
            if (form.work == POOL2D_MEAN) {
                real divisor = (real)(row.divisor * span.divisor);
                vector_store(form.number, y, to, pool_sum(&w, form) / divisor);
            } else {
                vector_bits winner;
                vector_store_exact(form.number, y, to, pool_max(&w, form, &winner, seen));
                vector_store_bytes(winners + to, winner);
            }
        }
    }
}

VECTOR_INLINE bool pool_forward(const struct pool2d_plane *p, const struct pool2d_part *part,
                                const struct pool_form form)
{
    vector seen = {0};
    for (int64_t oy = part->rows.first; oy < part->rows.end; oy++)
        pool_forward_row(p, oy, part->columns, form, &seen);
    return form.rows == 0 || form.work == POOL2D_MEAN || !vector_has_nan(seen);
}

/* Of all outputs. */
VECTOR_INLINE bool pool_shares(const struct pool2d_plane *p, const struct pool2d_part *part,
                               const struct pool_form form)
{
    const struct pool2d_axis *rows = &p->windows->rows, *columns = &p->windows->columns;
    const int64_t block = p->block;
    for (int64_t oy = part->rows.first; oy < part->rows.end; oy++)
        for (int64_t ox = part->columns.first; ox < part->columns.end; ox++) {
            real divisor = (real)(rows->spans[oy].divisor * columns->spans[ox].divisor);
            for (int64_t lane = 0; lane < block; lane += VECTOR_LANES) {
                const int64_t at = (oy * columns->out + ox) * block + lane;
                vector share = vector_load(form.number, p->dy, at) / divisor;
                vector_store(NUMBER_REAL, p->scratch, at, share);
            }
        }
    return true;
}

/* What a window's output gives one of its taps. */
struct pool_source {
    const void *dy;
    const real *shares;
    const uint8_t *winners;
};

VECTOR_INLINE vector pool_gift(const struct pool_source *from, int64_t at, int64_t tap,
                               const struct pool_form form)
{
    if (form.work == POOL2D_MEAN_BACK)
        return vector_load(NUMBER_REAL, from->shares, at);
    vector_mask won =
        vector_same(vector_load_bytes(from->winners + at), vector_bits_splat((int)tap));
    return vector_choose(won, vector_load(form.number, from->dy, at), vector_splat(0));
}

VECTOR_INLINE bool pool_same_range(const struct pool2d_range *a, const struct pool2d_range *b)
{
    return a->first == b->first && a->end == b->end;
}

/* Each input collects from all outputs that look at it, in their order. The same outputs have the
 * same shares for all inputs. */
VECTOR_INLINE void pool_back_lanes(const struct pool2d_plane *p, int64_t iy, int64_t lane,
                                   const struct pool2d_range range, const struct pool_form form)
{
    const struct pool2d_axis *columns = &p->windows->columns;
    const struct pool2d_span *rows = p->windows->rows.spans, *spans = columns->spans;
    const struct pool2d_range ys = p->windows->rows.seen_by[iy], *seen_by = columns->seen_by;
    const struct pool_source from = {p->dy, p->scratch, p->winners};
    const int64_t block = p->block, out = columns->out, kernel = columns->kernel;
    int64_t to = (iy * columns->in + range.first) * block + lane;
    void *dx = p->dx;
    vector sum = vector_splat(0);
    for (int64_t ix = range.first; ix < range.end; ix++, to += block) {
        const struct pool2d_range xs = seen_by[ix];
        if (form.work != POOL2D_MEAN_BACK || ix == range.first ||
            !pool_same_range(&xs, &seen_by[ix - 1])) {
            sum = vector_splat(0);
            for (int64_t oy = ys.first; oy < ys.end; oy++)
                for (int64_t ox = xs.first; ox < xs.end; ox++)
                    sum += pool_gift(&from, (oy * out + ox) * block + lane,
                                     (iy - rows[oy].start) * kernel + ix - spans[ox].start, form);
        }
        vector_store(form.number, dx, to, sum);
    }
}

VECTOR_INLINE bool pool_back(const struct pool2d_plane *p, const struct pool2d_part *part,
                             const struct pool_form form)
{
    for (int64_t iy = part->rows.first; iy < part->rows.end; iy++)
        for (int64_t lane = 0; lane < p->block; lane += VECTOR_LANES)
            pool_back_lanes(p, iy, lane, part->columns, form);
    return true;
}

enum { POOL_STRIDE_MAX = 3 };

/* A row of cells, and the rows of outputs that look at it. */
struct pool_cells {
    struct pool_source from;
    void *dx;
    int64_t to, at, cells;  /* places of the first cell and of its output in the first row */
    int64_t rows, row_step; /* of outputs */
    int64_t tap, row_taps;  /* of the first row; how many fewer in the next one */
    int64_t block;
};

VECTOR_INLINE void pool_back_row(const struct pool_cells *c, const struct pool_form form)
{
    const int depth = (form.columns + form.stride - 1) / form.stride;
    const int64_t block = c->block;
    for (int64_t i = 0; i < c->cells; i++)
        for (int64_t lane = 0; lane < block; lane += VECTOR_LANES) {
            vector sums[POOL_STRIDE_MAX];
            VECTOR_UNROLL
            for (int r = 0; r < form.stride; r++)
                sums[r] = vector_splat(0);
            for (int64_t row = 0; row < c->rows; row++) {
                VECTOR_UNROLL
                for (int back = depth - 1; back >= 0; back--) {
                    int64_t at = c->at + row * c->row_step + (i - back) * block + lane;
                    VECTOR_UNROLL
                    for (int r = 0; r < form.stride; r++)
                        if (r + back * form.stride < form.columns)
                            sums[r] += pool_gift(
                                &c->from, at, c->tap - row * c->row_taps + r + back * form.stride,
                                form);
                }
            }
            VECTOR_UNROLL
            for (int r = 0; r < form.stride; r++)
                vector_store(form.number, c->dx, c->to + (i * form.stride + r) * block + lane,
                             sums[r]);
        }
}

VECTOR_INLINE struct pool_cells pool_cells(const struct pool2d_plane *p,
                                           const struct pool2d_part *part,
                                           const struct pool_form form)
{
    return (struct pool_cells){.from = {p->dy, p->scratch, p->winners},
                               .dx = p->dx,
                               .cells = part->columns.end - part->columns.first,
                               .row_step = p->windows->columns.out * p->block,
                               .row_taps = p->windows->rows.stride * form.columns,
                               .block = p->block};
}

/* Those of row iy of the inputs. */
VECTOR_INLINE void pool_cells_at(struct pool_cells *cells, const struct pool2d_plane *p,
                                 const struct pool2d_part *part, int64_t iy)
{
    const struct pool2d_axis *rows = &p->windows->rows, *columns = &p->windows->columns;
    const struct pool2d_range ys = rows->seen_by[iy];
    const int64_t left = part->columns.first * columns->stride - columns->padding;
    cells->rows = ys.end - ys.first;
    cells->tap = (iy + rows->padding - ys.first * rows->stride) * columns->kernel;
    cells->at = (ys.first * columns->out + part->columns.first) * p->block;
    cells->to = (iy * columns->in + left) * p->block;
}

/* The same for whole cells, whose width and outputs are known. Often one row of outputs looks at
 * them. */
VECTOR_INLINE bool pool_back_cells(const struct pool2d_plane *p, const struct pool2d_part *part,
                                   const struct pool_form form)
{
    struct pool_cells cells = pool_cells(p, part, form);
    for (int64_t iy = part->rows.first; iy < part->rows.end; iy++) {
        pool_cells_at(&cells, p, part, iy);
        if (cells.rows == 1) {
            struct pool_cells one = cells;
            one.rows = 1;
            pool_back_row(&one, form);
        } else {
            pool_back_row(&cells, form);
        }
    }
    return true;
}

#endif
