/* Sizes and axes of the portable conv2d: see portable_conv2d.h. */
#include "core/layer.h"
#include "core/portable_conv2d.h"

enum {
    /* Products of few rows waste registers, and short sums time: of small images several are
     * computed at once, so that there are about so many pixels. */
    LOT_PIXELS = 256,
    /* What it costs to add a pixel's numbers to what is in memory, counted in filters: in a product
     * and afterwards. */
    PUSH_COST = 8,
    COLUMN_COST = 4
};

static int64_t across(const struct sliding *w)
{
    return w->before + w->size + w->behind;
}

/* Numbers of a row of pixels. */
static int64_t row_of(const struct conv2d_stage *stage)
{
    return across(&stage->padding.windows[1]) * stage->padding.lanes;
}

bool portable_conv2d_folds(const struct portable_conv2d *s)
{
    return s->x.used && (s->way != CONV2D_PULL || s->x.padding.windows[0].mode != PADDING_ZEROS);
}

/* What a window covers on an axis of dx. */
static int64_t target(const struct portable_conv2d *s, int axis)
{
    const struct sliding *w = &s->x.padding.windows[axis];
    return portable_conv2d_folds(s) ? across(w) : w->size;
}

/* ---- sizes ---- */

static void measure_sizes(struct portable_conv2d *s, const struct op_setup *setup)
{
    const struct conv2d_weights *w = &s->arranged;
    int64_t pixels = s->out.height * s->out.width, block = s->x.padding.lanes;
    int64_t lot = (LOT_PIXELS + pixels - 1) / pixels;
    bool whole = w->dims[0] == 1; /* what dims rounds up need not be computed then */

    s->sizes = (struct conv2d_sizes){
        .groups = s->depthwise ? w->dims[0] / GEMM_LANES : w->dims[0],
        .inputs = whole ? w->together * w->inputs : w->dims[2],
        .filters = whole ? w->together * w->filters : w->dims[1],
        .taps = w->taps,
        .y_plane = pixels * GEMM_LANES,
        .y_sample = op_count(&s->out, GEMM_LANES),
        .lot = lot < setup->cut.shard_size ? lot : setup->cut.shard_size,
    };
    s->sizes.planes = (s->sizes.inputs + block - 1) / block;
    s->sizes.panels = (s->sizes.filters + GEMM_LANES - 1) / GEMM_LANES;
    s->sizes.columns = (s->sizes.inputs * s->sizes.taps + GEMM_LANES - 1) / GEMM_LANES * GEMM_LANES;
}

static void measure_stage(struct conv2d_stage *stage, int64_t planes)
{
    stage->planes = planes;
    stage->plane = padding_whole(&stage->padding);
    stage->sample = saturating_product(planes, stage->plane);
    stage->used = stage->plane != padding_bare(&stage->padding);
}

/* Zeros around dy, so that every tap may look at every pixel of dx: fewer where the pixels that it
 * would look at are padding. False when they would be negative. */
static bool surround(const struct sliding *w, struct sliding *dy)
{
    int64_t zeros = window_extent(w) - 1, unseen = w->mode == PADDING_ZEROS;
    dy->before = zeros - unseen * w->before;
    dy->behind = zeros - unseen * w->behind;
    return w->stride == 1 && dy->before >= 0 && dy->behind >= 0;
}

/* What each way costs: vectors that are multiplied. Pulling computes something for every pixel of
 * dx, the others for every pixel of dy. */
static int64_t cost(const struct portable_conv2d *s, enum conv2d_way way)
{
    const struct conv2d_sizes *z = &s->sizes;
    int64_t pixels = s->out.height * s->out.width;
    if (way == CONV2D_PULL)
        return saturating_product(target(s, 0) * target(s, 1), z->filters * z->planes * z->taps);
    if (way == CONV2D_PUSH)
        return saturating_product(pixels, (z->filters + PUSH_COST) * z->planes * z->taps);
    return saturating_product(pixels, z->columns / GEMM_LANES * (z->filters + PUSH_COST) +
                                          COLUMN_COST * z->taps);
}

static void choose_way(struct portable_conv2d *s)
{
    const struct sliding *windows = s->x.padding.windows;
    const struct padding bare = {.windows = {{.size = s->out.height}, {.size = s->out.width}},
                                 .lanes = GEMM_LANES};
    s->dy.padding = bare;
    bool pulls = surround(&windows[0], &s->dy.padding.windows[0]) &&
                 surround(&windows[1], &s->dy.padding.windows[1]);
    bool columns = !s->depthwise && s->sizes.planes == 1 && s->sizes.groups == 1;
    s->way = CONV2D_PULL;
    if (!pulls || cost(s, CONV2D_PUSH) < cost(s, CONV2D_PULL))
        s->way = CONV2D_PUSH;
    if (columns && cost(s, CONV2D_COLUMNS) < cost(s, s->way))
        s->way = CONV2D_COLUMNS;
    if (s->way != CONV2D_PULL)
        s->dy.padding = bare;
    measure_stage(&s->dy, s->sizes.y_sample / s->sizes.y_plane);
}

int64_t portable_conv2d_columns(const struct portable_conv2d *s)
{
    int64_t pixels = s->sizes.lot * s->out.height * s->out.width;
    return s->way == CONV2D_COLUMNS ? saturating_product(pixels, s->sizes.columns) + GEMM_LANES : 0;
}

/* ---- places ---- */

static int64_t tap_in(const struct portable_conv2d *s, const struct conv2d_stage *stage,
                      int64_t tap)
{
    const struct sliding *w = s->x.padding.windows;
    return tap / w[1].kernel * w[0].dilation * row_of(stage) +
           tap % w[1].kernel * w[1].dilation * stage->padding.lanes;
}

int64_t portable_conv2d_tap(const struct portable_conv2d *s, int64_t tap)
{
    return tap_in(s, &s->x, tap);
}

/* A row of pixels. */
static struct gemm_place pixels_place(const struct portable_conv2d *s, int64_t i)
{
    int64_t sample = i / s->out.height, row = i % s->out.height;
    int64_t stride = s->x.padding.windows[0].stride;
    return (struct gemm_place){sample * s->x.sample + row * stride * row_of(&s->x),
                               sample * s->sizes.y_sample + row * s->out.width * GEMM_LANES,
                               s->out.width};
}

/* The channels of a block for one tap; where x is plain, the taps of one row of one channel. */
static struct gemm_place weights_place(const struct portable_conv2d *s, int64_t i)
{
    const struct conv2d_sizes *z = &s->sizes;
    int block = s->x.padding.lanes;
    int64_t each = block == 1 ? s->x.padding.windows[1].kernel : 1; /* taps of a run */
    int64_t plane = i * each / z->taps, tap = i * each % z->taps;
    int64_t left = z->inputs - plane * block;
    return (struct gemm_place){plane * s->x.plane + portable_conv2d_tap(s, tap),
                               portable_conv2d_row(s, z->inputs, block, plane * block, tap) *
                                   GEMM_LANES,
                               block == 1     ? each
                               : left < block ? left
                                              : block};
}

static struct gemm_place back_place(const struct portable_conv2d *s, int64_t i)
{
    struct gemm_place place = pixels_place(s, i);
    if (s->way == CONV2D_COLUMNS)
        return (struct gemm_place){place.other, i * s->out.width * s->sizes.columns, place.run};
    if (s->way == CONV2D_PUSH)
        return (struct gemm_place){place.other, place.a, place.run};
    int64_t height = target(s, 0), width = target(s, 1), sample = i / height, row = i % height;
    return (struct gemm_place){sample * s->dy.sample + row * row_of(&s->dy),
                               (sample * s->x.planes * height + row) * width * GEMM_LANES, width};
}

/* A block of filters for one tap. Pulled, the first tap is the one that looks the furthest. */
static struct gemm_place filters_place(const struct portable_conv2d *s, int64_t i)
{
    const struct conv2d_sizes *z = &s->sizes;
    int64_t tap = i / z->panels, filter = i % z->panels * GEMM_LANES, left = z->filters - filter;
    struct gemm_place place = {i % z->panels * s->dy.plane,
                               portable_conv2d_row(s, z->filters, GEMM_LANES, filter, tap) *
                                   GEMM_LANES,
                               left < GEMM_LANES ? left : GEMM_LANES};
    if (s->way == CONV2D_PULL)
        place.a += tap_in(s, &s->dy, z->taps - 1 - tap);
    if (s->way == CONV2D_COLUMNS)
        place.other = filter * GEMM_LANES;
    return place;
}

void portable_conv2d_measure(struct portable_conv2d *s, const struct op_setup *setup)
{
    const struct sliding *columns = &s->x.padding.windows[1];
    int64_t lanes = s->x.padding.lanes;

    measure_sizes(s, setup);
    measure_stage(&s->x, op_count(&setup->layer->input, (int)lanes) / padding_bare(&s->x.padding));
    choose_way(s);
    const struct conv2d_sizes *z = &s->sizes;
    const struct gemm_axis axes[CONV2D_AXES] = {
        [CONV2D_PIXELS] = {NULL, z->lot * s->out.height, columns->stride * lanes, GEMM_LANES},
        [CONV2D_WEIGHTS] = {NULL, z->planes * z->taps, 1, GEMM_LANES},
        [CONV2D_BACK] = {NULL, z->lot * (s->way == CONV2D_PULL ? target(s, 0) : s->out.height),
                         GEMM_LANES,
                         s->way == CONV2D_COLUMNS ? z->columns : columns->stride * lanes},
        [CONV2D_FILTERS] = {NULL, z->panels * (s->way == CONV2D_COLUMNS ? 1 : z->taps), 1,
                            GEMM_LANES},
    };
    for (int i = 0; i < CONV2D_AXES; i++)
        s->axes[i] = axes[i];
    if (lanes == 1) {
        s->axes[CONV2D_WEIGHTS].a_step = columns->dilation;
        s->axes[CONV2D_WEIGHTS].count /= columns->kernel;
    }
    for (int i = 0; i < CONV2D_AXES; i++)
        block_reserve(setup->memory, &s->places[i], s->axes[i].count, sizeof *s->places[i]);
}

void portable_conv2d_fill(struct portable_conv2d *s)
{
    static struct gemm_place (*const place[CONV2D_AXES])(const struct portable_conv2d *,
                                                         int64_t) = {
        [CONV2D_PIXELS] = pixels_place,
        [CONV2D_WEIGHTS] = weights_place,
        [CONV2D_BACK] = back_place,
        [CONV2D_FILTERS] = filters_place,
    };
    for (int axis = 0; axis < CONV2D_AXES && !s->axes[axis].places; axis++) {
        for (int64_t i = 0; i < s->axes[axis].count; i++)
            s->places[axis][i] = place[axis](s, i);
        s->axes[axis].places = s->places[axis];
    }
}
