/* Pooling over planes of single channels: each lane of a vector is an output of a row. A template,
 * included by each pool2d_INSTRUCTIONS.c with what vector.h wants. Serves windows of one size, by
 * the rules of pool2d_tile.h, always careful.
 *
 * Vectors look at and write what stands behind a row: what is written there belongs to the next
 * row, which comes later. Where that will not do, rows are staged in scratch memory. */
#ifndef CORE_POOL2D_ROWS_H
#define CORE_POOL2D_ROWS_H

#include "core/pool2d_tile.h"

#include <string.h>

/* Rows of reals, in the plane itself or staged. */
struct pool_rows {
    const real *first; /* forward: of the first row with its padding; backward: its first output */
    int64_t step;
    const uint8_t *winners; /* backward; in rows of the same step */
};

/* Part of a row in memory: `room` numbers may be touched from `at` on. */
struct pool_place {
    int64_t at, count, room;
};

VECTOR_INLINE void pool_widen(enum number number, const void *from, const struct pool_place place,
                              real *to)
{
    int64_t i = 0;
    for (; i < place.count && i + VECTOR_LANES <= place.room; i += VECTOR_LANES)
        vector_store(NUMBER_REAL, to, i, vector_load(number, from, place.at + i));
    for (; i < place.count; i++)
        to[i] = number_get(number, from, place.at + i);
}

VECTOR_INLINE void pool_narrow(enum number number, const real *from, void *to,
                               const struct pool_place place)
{
    int64_t i = 0;
    for (; i < place.count && i + VECTOR_LANES <= place.room; i += VECTOR_LANES)
        vector_store(number, to, place.at + i, vector_load(NUMBER_REAL, from, i));
    for (; i < place.count; i++)
        number_put(number, to, place.at + i, from[i]);
}

/* Writes whole vectors. */
VECTOR_INLINE void pool_fill(real *to, int64_t count, real value)
{
    for (int64_t i = 0; i < count; i += VECTOR_LANES)
        vector_store(NUMBER_REAL, to, i, vector_splat(value));
}

/* ---- forward ---- */

/* What stands around the image wins nothing and adds nothing. */
VECTOR_INLINE struct pool_rows pool_stage(const struct pool2d_plane *p, const struct pool_form form)
{
    const struct pool2d_axis *columns = &p->windows->columns;
    const int64_t height = p->windows->rows.in, step = p->windows->lines.line;
    const int64_t padding = columns->padding, width = columns->in;
    const real around = form.work == POOL2D_MEAN ? 0 : -(real)INFINITY;
    bool inside = columns->whole.first == 0 && columns->whole.end == columns->out;
    if (form.number == NUMBER_REAL && inside && (height - 1) * width + step <= p->x_room)
        return (struct pool_rows){.first = p->x, .step = width};
    for (int64_t iy = 0; iy < height; iy++) {
        const struct pool_place row = {iy * width, width, p->x_room - iy * width};
        real *line = p->scratch + iy * step;
        pool_fill(line, padding, around);
        pool_widen(form.number, p->x, row, line + padding);
        pool_fill(line + padding + width, step - padding - width, around);
    }
    return (struct pool_rows){.first = p->scratch, .step = step};
}

/* Every stride-th number. */
VECTOR_INLINE vector pool_pick(const real *from, int64_t stride)
{
    if (stride == 1)
        return vector_load(NUMBER_REAL, from, 0);
    if (stride == 2)
        return vector_evens(vector_load(NUMBER_REAL, from, 0),
                            vector_load(NUMBER_REAL, from, VECTOR_LANES));
    vector picked;
    for (int lane = 0; lane < VECTOR_LANES; lane++)
        picked[lane] = from[lane * stride];
    return picked;
}

/* Outputs side by side: windows of `height` rows at x, whose first tap has the number `tap`; *won
 * holds the winners before the first tap and behind the last one. */
struct pool_side {
    const real *x;
    int64_t step, height, width, stride, tap;
};

VECTOR_INLINE vector pool_outputs(const struct pool_side *s, const struct pool_form form,
                                  vector_bits *won)
{
    vector value = vector_splat(form.work == POOL2D_MAX ? -(real)INFINITY : 0);
    vector_bits winner = *won;
    for (int64_t r = 0; r < (form.rows ? form.rows : s->height); r++)
        for (int64_t c = 0; c < (form.rows ? form.columns : s->width); c++) {
            vector x = pool_pick(s->x + r * s->step + c, form.rows ? form.stride : s->stride);
            if (form.work == POOL2D_MEAN) {
                value += x;
                continue;
            }
            vector_mask take = vector_above(x, value) | vector_is_nan(x);
            vector_bits tap = vector_bits_splat((int)(s->tap + r * s->width + c));
            value = vector_choose(take, x, value);
            winner = vector_choose_bits(take, tap, winner);
        }
    if (form.work == POOL2D_MAX_RELU)
        winner =
            vector_choose_bits(vector_is_nan(value), vector_bits_splat(POOL2D_NOTHING), winner);
    *won = winner;
    return value;
}

/* Writes a vector where there is room for it, else the first `count` numbers of it. */
VECTOR_INLINE void pool_put(const struct pool2d_plane *p, const struct pool_place place,
                            const struct pool_form form, vector value, vector_bits winner)
{
    if (place.room >= VECTOR_LANES) {
        vector_store(form.number, p->y, place.at, value);
        if (form.work != POOL2D_MEAN)
            vector_store_bytes(p->winners + place.at, winner);
        return;
    }
    for (int64_t i = 0; i < place.count && i < VECTOR_LANES; i++) {
        number_put(form.number, p->y, place.at + i, value[i]);
        if (form.work != POOL2D_MEAN)
            p->winners[place.at + i] = (uint8_t)winner[i];
    }
}

VECTOR_INLINE void pool_single(const struct pool2d_plane *p, const struct pool_form form)
{
    const struct pool2d_axis *rows = &p->windows->rows, *columns = &p->windows->columns;
    const struct pool2d_lines *lines = &p->windows->lines;
    const struct pool_rows staged = pool_stage(p, form);
    struct pool_side side = {.step = staged.step,
                             .width = form.rows ? form.columns : columns->kernel,
                             .stride = form.rows ? form.stride : columns->stride};
    for (int64_t oy = 0; oy < rows->out; oy++) {
        const struct pool2d_span span = rows->spans[oy];
        side.height = span.end - span.first;
        side.tap = form.rows ? 0 : (span.first - span.start) * side.width;
        for (int64_t o = 0; o < columns->out; o += VECTOR_LANES) {
            const int64_t at = oy * columns->out + o;
            vector_bits winner = vector_bits_splat(POOL2D_NOTHING);
            if (form.work == POOL2D_MAX)
                winner = vector_load_bytes(lines->firsts + o) + (vector_bit)side.tap;
            side.x = staged.first + span.first * staged.step + o * side.stride;
            vector value = pool_outputs(&side, form, &winner);
            if (form.work == POOL2D_MEAN)
                value /= vector_load(NUMBER_REAL, lines->divisors, o) * (real)span.divisor;
            pool_put(p, (struct pool_place){at, columns->out - o, p->y_room - at}, form, value,
                     winner);
        }
    }
}

/* ---- backward ---- */

/* What stands around the outputs gives nothing. */
VECTOR_INLINE struct pool_rows pool_stage_back(const struct pool2d_plane *p,
                                               const struct pool_form form)
{
    const struct pool2d_axis *rows = &p->windows->rows, *columns = &p->windows->columns;
    const struct pool2d_lines *lines = &p->windows->lines;
    const int64_t step = lines->share, margin = lines->overlap, width = columns->out;
    bool fits = margin == 0 && columns->padding == 0 && columns->in == width * columns->stride;
    if (form.number == NUMBER_REAL && form.work == POOL2D_MAX_BACK && fits &&
        (rows->out - 1) * width + step <= p->y_room)
        return (struct pool_rows){p->dy, width, p->winners};
    real *line = p->scratch;
    uint8_t *winners = (uint8_t *)(line + rows->out * step + POOL2D_VECTOR);
    const struct pool_rows staged = {line + margin, step, winners + margin};
    for (int64_t oy = 0; oy < rows->out; oy++, line += step, winners += step) {
        const struct pool_place row = {oy * width, width, p->y_room - oy * width};
        pool_fill(line, margin, 0);
        pool_widen(form.number, p->dy, row, line + margin);
        for (int64_t o = 0; form.work == POOL2D_MEAN_BACK && o < width; o += VECTOR_LANES)
            vector_store(
                NUMBER_REAL, line + margin, o,
                vector_load(NUMBER_REAL, line + margin, o) /
                    (vector_load(NUMBER_REAL, lines->divisors, o) * (real)rows->spans[oy].divisor));
        pool_fill(line + margin + width, step - margin - width, 0);
        if (form.work == POOL2D_MAX_BACK)
            memcpy(winners + margin, p->winners + oy * width, (size_t)width);
    }
    return staged;
}

/* A row of inputs. */
struct pool_takers {
    struct pool_source from;
    int64_t at, step, rows; /* the first output, in the first row that looks here; their count */
    int64_t tap, row_taps;  /* number of the first tap in that row, how many fewer in the next */
    int64_t width, stride;  /* of windows */
};

/* Number `place` of each cell, side by side from `cell` on. */
VECTOR_INLINE vector pool_take(const struct pool_takers *t, int64_t cell, int64_t place,
                               const struct pool_form form)
{
    const int64_t width = form.columns ? form.columns : t->width;
    const int64_t stride = form.columns ? form.stride : t->stride;
    const struct pool_form staged = {form.work, NUMBER_REAL, 0};
    vector sum = vector_splat(0);
    for (int64_t row = 0; row < t->rows; row++)
        for (int64_t back = (width - 1 - place) / stride; place < width && back >= 0; back--)
            sum += pool_gift(&t->from, t->at + row * t->step + cell - back,
                             t->tap - row * t->row_taps + place + back * stride, staged);
    return sum;
}

/* Whole vectors of cells, to where they lie side by side. */
VECTOR_INLINE void pool_take_row(const struct pool_takers *t, int64_t cells, real *to,
                                 const struct pool_form form)
{
    const int64_t stride = form.columns ? form.stride : t->stride;
    for (int64_t cell = 0; cell < cells; cell += VECTOR_LANES, to += VECTOR_LANES * stride) {
        vector first = pool_take(t, cell, 0, form);
        if (stride == 1) {
            vector_store(NUMBER_REAL, to, 0, first);
        } else if (stride == 2) {
            vector second = pool_take(t, cell, 1, form);
            vector_store(NUMBER_REAL, to, 0, vector_zip_low(first, second));
            vector_store(NUMBER_REAL, to, VECTOR_LANES, vector_zip_high(first, second));
        } else {
            for (int64_t place = 0; place < stride; place++) {
                vector taken = pool_take(t, cell, place, form);
                for (int lane = 0; lane < VECTOR_LANES; lane++)
                    to[lane * stride + place] = taken[lane];
            }
        }
    }
}

VECTOR_INLINE void pool_single_back(const struct pool2d_plane *p, const struct pool_form form)
{
    const struct pool2d_axis *rows = &p->windows->rows, *columns = &p->windows->columns;
    const struct pool2d_lines *lines = &p->windows->lines;
    const struct pool_rows staged = pool_stage_back(p, form);
    const int64_t stride = columns->stride, width = columns->in;
    const int64_t room = (lines->cells + VECTOR_LANES - 1) / VECTOR_LANES * VECTOR_LANES * stride;
    real *line = p->scratch + lines->work;
    struct pool_takers takers = {.from = {staged.first, staged.first, staged.winners},
                                 .step = staged.step,
                                 .row_taps = rows->stride * columns->kernel,
                                 .width = columns->kernel,
                                 .stride = stride};
    for (int64_t iy = 0; iy < rows->in; iy++) {
        const struct pool2d_range by = rows->seen_by[iy];
        const struct pool_place row = {iy * width, width, p->x_room - iy * width};
        bool direct = form.number == NUMBER_REAL && columns->padding == 0 && room <= row.room;
        takers.rows = by.end - by.first;
        takers.at = by.first * staged.step;
        takers.tap = (iy + rows->padding - by.first * rows->stride) * columns->kernel;
        pool_take_row(&takers, lines->cells, direct ? (real *)p->dx + row.at : line, form);
        if (!direct)
            pool_narrow(form.number, line + columns->padding, p->dx, row);
    }
}

/* Windows of 2×2 side by side, all of them inside the image: worth loops of their own. */
VECTOR_INLINE bool pool_is_2x2(const struct pool2d_windows *w)
{
    const struct pool2d_axis *axes[] = {&w->rows, &w->columns};
    for (int i = 0; i < 2; i++)
        if (axes[i]->kernel != 2 || axes[i]->stride != 2 || axes[i]->whole.first != 0 ||
            axes[i]->whole.end != axes[i]->out)
            return false;
    return true;
}

#endif
