/* Gradients of weights: see avx512_gradient.h. */
#if defined(__x86_64__) && TRAIND_ONEDNN
#include "core/avx512_gradient.h"

#include "core/avx512.h"

#include <stddef.h>
#include <string.h>

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* ---- images ---- */

/* Rows first … end − 1 of dy of some images, `panels` panels of it, and where the gradients go. */
struct part {
    struct avx512_rows x, dy; /* of the first image */
    real *dw, *db;            /* db: NULL when not wanted */
    int64_t images, first, end;
    int panels;
};

static void add_batch(const struct avx512_gradient *g, int64_t number, const struct part *part)
{
    const struct avx512_batch *batch = &g->batches.list[number];
    const struct sliding *w = g->padding.windows;
    const struct avx512_strip_kind kind = {batch->strips, batch->length, part->panels, g->numbers};
    int64_t first = part->first > batch->first[0] ? part->first : batch->first[0];
    int64_t end = least(part->end, batch->end[0]), column = batch->first[1];
    int64_t x = (first * w[0].stride - g->lead[0] - part->x.first) * g->x.row + column * g->x.step -
                g->lead[1] * g->padding.lanes + batch->x;

    if (first >= end || column >= batch->end[1])
        return;
    avx512_strip_tile_of (&kind)(&(struct avx512_strips){
        .strips = g->batches.strips + batch->strip,
        .x = part->x.numbers + x,
        .dy = part->dy.numbers + (first - part->dy.first) * g->dy.row + column * g->dy.step,
        .dw = part->dw,
        .db = number == g->batches.complete ? part->db : NULL,
        .images = part->images,
        .rows = end - first,
        .pixels = batch->end[1] - column,
        .x_image = g->x.image,
        .x_row = w[0].stride * g->x.row,
        .x_step = g->x.step,
        .dy_image = g->dy.image,
        .dy_row = g->dy.row,
        .dy_panel = g->dy.plane,
        .dw_panel = g->panel});
}

static void add_part(const struct avx512_gradient *g, struct part part, real *slot, real *db)
{
    struct avx512_rows dy = part.dy;
    for (int64_t panel = 0; panel < g->shape.panels; panel += part.panels) {
        part.panels = panel + 1 < g->shape.panels ? 2 : 1;
        part.dy.numbers = dy.numbers + panel * g->dy.plane;
        part.dw = slot + panel * g->panel;
        part.db = db ? db + panel * AVX512_LANES : NULL;
        for (int64_t i = 0; i < g->batches.count; i++)
            add_batch(g, i, &part);
    }
}

/* Σ of rows of reals, by several sums side by side. */
VECTOR_CLONES static void add_reals(const real *restrict dy, int64_t count, real *restrict sums)
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
        sums[j % AVX512_LANES] += wide[j];
}

/* Where no tile sees all of dy: image by image, panel by panel. */
static void add_biases(const struct avx512_gradient *g, const struct part *part, real *db)
{
    int64_t count = (part->end - part->first) * g->dy.row;
    for (int64_t i = 0; i < part->images * g->shape.panels; i++) {
        const real *dy = part->dy.numbers + i / g->shape.panels * g->dy.image +
                         i % g->shape.panels * g->dy.plane +
                         (part->first - part->dy.first) * g->dy.row;
        if (g->source == AVX512_PAIRED)
            avx512_paired_add(dy, count / AVX512_LANES, db + i % g->shape.panels * AVX512_LANES);
        else
            add_reals(dy, count, db + i % g->shape.panels * AVX512_LANES);
    }
}

/* Rows `first` … `end` − 1 of each plane of two images, `next` numbers apart, as words. */
struct pairing {
    const bf16 *from; /* the first of the two */
    int64_t next;     /* 0: there is no second */
    int64_t planes, height, first, end, row;
};

static void pair(const struct pairing *p, const struct avx512_view *view, real *to)
{
    for (int64_t plane = 0; plane < p->planes; plane++) {
        const bf16 *from = p->from + (plane * p->height + p->first) * p->row;
        avx512_paired_put(from, p->next ? from + p->next : NULL, (p->end - p->first) * p->row,
                          to + plane * view->plane);
    }
}

/* What the part reads of x and dy, from the pair number `image` on. */
static void pair_part(const struct avx512_gradient *g, const struct avx512_samples *samples,
                      int64_t image, struct part *part)
{
    const struct sliding *w = &g->padding.windows[0];
    int64_t first = part->first * w->stride - g->lead[0],
            end = least((part->end - 1) * w->stride - g->lead[0] + window_extent(w), w->size);
    real *x = samples->words, *dy = x + g->words.x;
    struct pairing xs = {NULL, 0, g->shape.planes, w->size, first > 0 ? first : 0, end, g->x.row};
    struct pairing dys = {NULL,        0,         g->shape.panels, g->shape.height,
                          part->first, part->end, g->dy.row};
    int64_t x_image = xs.planes * xs.height * xs.row, dy_image = dys.planes * dys.height * dys.row;

    part->x = (struct avx512_rows){x, xs.first};
    part->dy = (struct avx512_rows){dy, dys.first};
    for (int64_t i = 0; i < part->images; i++) {
        int64_t sample = 2 * (image + i);
        bool two = sample + 1 < samples->count;
        xs.from = (const bf16 *)samples->x + sample * x_image;
        dys.from = (const bf16 *)samples->dy + sample * dy_image;
        xs.next = two ? x_image : 0;
        dys.next = two ? dy_image : 0;
        if (xs.end > xs.first)
            pair(&xs, &g->x, x + i * g->x.image);
        pair(&dys, &g->dy, dy + i * g->dy.image);
    }
}

static void find_part(const struct avx512_gradient *g, const struct avx512_samples *samples,
                      int64_t image, struct part *part)
{
    int64_t bare = g->shape.planes * padding_bare(&g->padding);
    if (g->source == AVX512_PAIRED) {
        pair_part(g, samples, image, part);
        return;
    }
    const real *x = (const real *)samples->x + image * bare;
    part->dy = (struct avx512_rows){(const real *)samples->dy + image * g->dy.image, 0};
    part->x = (struct avx512_rows){x, 0};
    if (g->source == AVX512_STAGED)
        part->x = avx512_product_rows(g->product, samples->member, x, part->first, part->end);
}

void avx512_gradient_take(const struct avx512_gradient *g, const real *slot, real *plain)
{
    int64_t taps = g->padding.windows[0].kernel * g->padding.windows[1].kernel;
    int64_t channels = g->shape.planes * g->shape.run;

    for (int64_t f = 0; f < g->shape.panels * AVX512_LANES; f++) {
        const real *from = slot + f / AVX512_LANES * g->panel + f % AVX512_LANES;
        for (int64_t i = 0; i < channels; i++)
            for (int64_t tap = 0; tap < taps; tap++)
                *plain++ = from[(tap * channels + i) * AVX512_LANES];
    }
}

void avx512_gradient_run(const struct avx512_gradient *g, const struct avx512_samples *samples,
                         real *slot, bool biases)
{
    real *db = biases ? slot + avx512_gradient_biases(g) : NULL;
    int64_t images = g->source == AVX512_PAIRED ? (samples->count + 1) / 2 : samples->count;

    memset(slot, 0, (size_t)g->slot * sizeof *slot);
    for (int64_t image = 0; image < images; image += g->at_once.images)
        for (int64_t first = 0; first < g->shape.height; first += g->at_once.rows) {
            struct part part = {.images = least(g->at_once.images, images - image),
                                .first = first,
                                .end = least(first + g->at_once.rows, g->shape.height)};
            find_part(g, samples, image, &part);
            add_part(g, part, slot, db);
            if (db && g->batches.complete < 0)
                add_biases(g, &part, db);
        }
}
#endif
