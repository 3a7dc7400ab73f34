/* Gradients of weights: see avx512_gradient.h. */
#if defined(__x86_64__) && TRAIND_ONEDNN
#include "core/avx512_gradient.h"

#include "core/avx512.h"

#include <stddef.h>

/* ALONE: channels of a tap whose sums fill the registers. NEAR: numbers of x and dy that one tile
 * after the other reads. */
enum { ALONE = 9, NEAR = 65536 };

/* The weights of a panel, group by group: each has runs of weights whose numbers lie side by side.
 * Where planes have few of 16 channels, a group is a row of the kernel. With more it is a tap, of
 * which pixels of zeros are left out: then no padding is needed. Of planes of one channel, there is
 * one group: the taps of a row are a run, or single ones where they do not lie side by side. */
struct outline {
    bool taps;
    int64_t groups, runs, run;
};

static struct outline outline_of(const struct avx512_product *p)
{
    const struct sliding *w = p->wish.padding.windows;
    int64_t rows = w[0].kernel, columns = w[1].kernel, planes = p->planes;
    if (p->wish.padding.lanes == 1)
        return (struct outline){false, 1, rows * planes, columns};
    if (p->runs.run < ALONE)
        return (struct outline){false, rows, columns * planes, p->runs.run};
    return (struct outline){true, rows * columns, planes, p->runs.run};
}

/* A run is cut into strips of much the same length. */
static int64_t cuts_of(int64_t run)
{
    return (run + AVX512_STRIP_MAX - 1) / AVX512_STRIP_MAX;
}

/* How x is read. */
static void look_at_x(struct avx512_gradient *g, bool bare)
{
    const struct avx512_product *p = g->product;
    const struct padding *padding = &p->wish.padding;
    int64_t near = p->planes * g->row + p->panels * p->width * AVX512_LANES;

    g->bare = bare;
    g->rows_at_once = bare ? (near < NEAR ? NEAR / near : 1) : p->rows_at_once;
    g->row = bare ? padding->windows[1].size * padding->lanes : p->stage.row;
    g->plane = bare ? padding_bare(padding) : p->stage.plane;
    g->size[0] = bare ? padding->windows[0].size : p->stage.rows;
    g->size[1] = g->row / padding->lanes;
    g->lead[0] = bare ? padding->windows[0].before : p->stage.above;
    g->lead[1] = bare ? padding->windows[1].before : 0;
}

void avx512_gradient_make(const struct avx512_product *p, struct avx512_gradient *out)
{
    struct outline outline = outline_of(p);
    int64_t runs = outline.groups * outline.runs;
    bool zeros = p->wish.padding.windows[0].mode == PADDING_ZEROS;

    *out = (struct avx512_gradient){
        .product = p,
        .panel = runs * outline.run * AVX512_LANES,
        .complete = -1,
        .strip_count = runs * cuts_of(outline.run),
    };
    look_at_x(out, !p->stage.used || (zeros && outline.taps));
    out->slot = avx512_gradient_biases(out) + p->panels * AVX512_LANES;
}

void avx512_gradient_reserve(struct avx512_gradient *g, struct block *memory)
{
    block_reserve(memory, &g->strips, g->strip_count, sizeof *g->strips);
    block_reserve(memory, &g->batches, g->strip_count, sizeof *g->batches);
}

/* ---- strips ---- */

int64_t avx512_gradient_place(const struct avx512_gradient *g, const struct avx512_weight *at)
{
    const struct avx512_product *p = g->product;
    int64_t columns = p->wish.padding.windows[1].kernel, weight;
    if (p->wish.padding.lanes > 1)
        weight = ((at->row * columns + at->column) * p->planes + at->channel / AVX512_LANES) *
                     p->runs.run +
                 at->channel % AVX512_LANES;
    else
        weight = (at->row * p->planes + at->channel) * columns + at->column;
    return at->filter / AVX512_LANES * g->panel + weight * AVX512_LANES + at->filter % AVX512_LANES;
}

int64_t avx512_gradient_biases(const struct avx512_gradient *g)
{
    return g->product->panels * g->panel;
}

/* Where in x a run of a group begins: its row and column of taps, if it has, are the batch's. */
static int64_t place_in_x(const struct avx512_gradient *g, int64_t run)
{
    const struct sliding *w = g->product->wish.padding.windows;
    int64_t lanes = g->product->wish.padding.lanes, planes = g->product->planes;
    int64_t apart = lanes == 1 ? w[0].dilation * g->row : w[1].dilation * lanes;
    return run % planes * g->plane + run / planes * apart;
}

/* What of dy reads pixels of x by a tap. */
static void look_at_dy(const struct avx512_gradient *g, int axis, int64_t tap,
                       struct avx512_batch *batch)
{
    const struct sliding *w = &g->product->wish.padding.windows[axis];
    int64_t most = axis == 0 ? g->product->height : g->product->width;
    int64_t first = g->lead[axis] - tap * w->dilation, end = g->size[axis] + first;
    first = first > 0 ? (first + w->stride - 1) / w->stride : 0;
    end = end > 0 ? (end + w->stride - 1) / w->stride : 0;
    batch->first[axis] = first;
    batch->end[axis] = end < most ? end : most;
}

/* Batches of much the same size, of `count` strips from all->strip on. */
static void add_batches(struct avx512_gradient *g, const struct avx512_batch *all, int64_t count)
{
    const struct avx512_product *p = g->product;
    int panels = p->panels > 1 ? 2 : 1;
    int64_t most = avx512_strip_most(all->length, panels, p->kind.pairs);
    int64_t batches = (count + most - 1) / most;
    if (all->first[0] + all->first[1] == 0 && all->end[0] == p->height && all->end[1] == p->width)
        g->complete = g->batch_count;
    for (int64_t i = 0; i < batches; i++) {
        struct avx512_batch batch = *all;
        batch.strip += count * i / batches;
        batch.strips = (int)(count * (i + 1) / batches - count * i / batches);
        g->batches[g->batch_count++] = batch;
    }
}

/* One batch of all strips of a group. */
static struct avx512_batch batch_of(const struct avx512_gradient *g, const struct outline *outline,
                                    int64_t group)
{
    const struct avx512_product *p = g->product;
    const struct sliding *w = p->wish.padding.windows;
    int64_t columns = outline->taps ? w[1].kernel : 1;
    int64_t row = group / columns, column = group % columns;
    struct avx512_batch batch = {.end = {p->height, p->width}};
    if (p->wish.padding.lanes == 1)
        return batch;
    batch.x = row * w[0].dilation * g->row + column * w[1].dilation * AVX512_LANES;
    look_at_dy(g, 0, row, &batch);
    if (outline->taps)
        look_at_dy(g, 1, column, &batch);
    return batch;
}

/* The strips of a group, which batches of strips of one length take. */
static void fill_group(struct avx512_gradient *g, const struct outline *outline, int64_t group,
                       int64_t strip)
{
    struct avx512_batch all = batch_of(g, outline, group);
    int64_t cuts = cuts_of(outline->run), count = 0;

    for (int64_t cut = 0; cut < cuts; cut++) {
        int64_t begin = outline->run * cut / cuts, end = outline->run * (cut + 1) / cuts;
        if (end - begin != all.length && count > 0) {
            add_batches(g, &all, count);
            count = 0;
        }
        all.length = (int)(end - begin);
        all.strip = strip - count;
        for (int64_t run = 0; run < outline->runs; run++, strip++, count++)
            g->strips[strip] = (struct avx512_strip){
                place_in_x(g, run) + begin,
                ((group * outline->runs + run) * outline->run + begin) * AVX512_LANES};
    }
    add_batches(g, &all, count);
}

void avx512_gradient_fill(struct avx512_gradient *g)
{
    struct outline outline = outline_of(g->product);
    for (int64_t group = 0; group < outline.groups; group++)
        fill_group(g, &outline, group, g->strip_count / outline.groups * group);
}

/* ---- images ---- */

/* Rows first … end − 1 of dy, `panels` panels of it, and where their gradients go. */
struct part {
    struct avx512_rows x;
    const real *dy; /* of the image */
    real *dw, *db;  /* db: NULL when not wanted */
    int64_t first, end;
    int panels;
};

static void add_batch(const struct avx512_gradient *g, int64_t number, const struct part *part)
{
    const struct avx512_batch *batch = &g->batches[number];
    const struct avx512_product *p = g->product;
    const struct sliding *w = p->wish.padding.windows;
    const struct avx512_strip_kind kind = {batch->strips, batch->length, part->panels,
                                           p->kind.pairs};
    int64_t x_step = w[1].stride * p->wish.padding.lanes, dy_row = p->width * AVX512_LANES;
    int64_t first = part->first > batch->first[0] ? part->first : batch->first[0];
    int64_t end = part->end < batch->end[0] ? part->end : batch->end[0];
    int64_t x = (first * w[0].stride - g->lead[0] - part->x.first) * g->row +
                batch->first[1] * x_step - g->lead[1] * p->wish.padding.lanes + batch->x;

    if (first >= end || batch->first[1] >= batch->end[1])
        return;
    avx512_strip_tile_of (&kind)(
        &(struct avx512_strips){.strips = g->strips + batch->strip,
                                .x = part->x.numbers + x,
                                .dy = part->dy + first * dy_row + batch->first[1] * AVX512_LANES,
                                .dw = part->dw,
                                .db = number == g->complete ? part->db : NULL,
                                .rows = end - first,
                                .pixels = batch->end[1] - batch->first[1],
                                .x_row = w[0].stride * g->row,
                                .x_step = x_step,
                                .dy_row = dy_row,
                                .dy_panel = p->height * dy_row,
                                .dw_panel = g->panel});
}

/* Σ dy over the pixels of a panel, by several sums side by side. */
VECTOR_CLONES static void add_biases(const real *restrict dy, int64_t count, real *restrict db)
{
    enum { WIDE = 8 * AVX512_LANES };
    real wide[WIDE] = {0};
    int64_t i = 0;
    for (; i + WIDE <= count; i += WIDE)
        for (int64_t j = 0; j < WIDE; j++)
            wide[j] += dy[i + j];
    for (; i < count; i += AVX512_LANES)
        for (int64_t j = 0; j < AVX512_LANES; j++)
            wide[j] += dy[i + j];
    for (int64_t j = 0; j < WIDE; j++)
        db[j % AVX512_LANES] += wide[j];
}

void avx512_gradient_add(const struct avx512_gradient *g, const struct avx512_sample *sample,
                         real *slot, bool biases)
{
    const struct avx512_product *p = g->product;
    int64_t plane = p->height * p->width * AVX512_LANES;
    real *db = slot + avx512_gradient_biases(g);
    struct part part = {.x = {sample->x, 0}};

    for (part.first = 0; part.first < p->height; part.first = part.end) {
        part.end = part.first + g->rows_at_once;
        part.end = part.end < p->height ? part.end : p->height;
        if (!g->bare)
            part.x = avx512_product_rows(p, sample->member, sample->x, part.first, part.end);
        for (int64_t panel = 0; panel < p->panels; panel += part.panels) {
            part.panels = panel + 1 < p->panels ? 2 : 1;
            part.dy = sample->dy + panel * plane;
            part.dw = slot + panel * g->panel;
            part.db = biases ? db + panel * AVX512_LANES : NULL;
            for (int64_t i = 0; i < g->batch_count; i++)
                add_batch(g, i, &part);
        }
    }
    for (int64_t panel = 0; biases && g->complete < 0 && panel < p->panels; panel++)
        add_biases(sample->dy + panel * plane, plane, db + panel * AVX512_LANES);
}
#endif
