/* The data gradient of the portable conv2d, in one of three ways: see portable_conv2d.h. */
#include "core/portable_conv2d.h"

#include <string.h>

static int64_t plane_of_dx(const struct portable_conv2d *s)
{
    return portable_conv2d_folds(s) ? s->x.plane : padding_bare(&s->x.padding);
}

/* Σ over these filters and their taps into c: dx for pixels as far apart as CONV2D_BACK says. */
static void product(const struct portable_conv2d *s, const struct conv2d_lot *lot,
                    struct gemm_axis filters, const real *dy, real *dx)
{
    const struct conv2d_sizes *z = &s->sizes;
    int64_t panel = z->filters * z->taps * GEMM_LANES, plane = plane_of_dx(s);
    for (int64_t g = 0; g < z->groups; g++)
        gemm_run(s->gemm, &(struct gemm){.rows = portable_conv2d_pixels(s, CONV2D_BACK, lot),
                                         .inner = filters,
                                         .a = dy + g * z->panels * s->dy.plane,
                                         .b = s->numbers.back + g * z->planes * panel,
                                         .c = dx + g * z->planes * plane,
                                         .columns = z->planes * GEMM_LANES,
                                         .b_panel = panel,
                                         .c_panel = plane,
                                         .add = s->way == CONV2D_PUSH,
                                         .lanewise = s->depthwise});
}

static void push(const struct portable_conv2d *s, const struct conv2d_lot *lot, const real *dy,
                 real *dx)
{
    struct gemm_axis filters = s->axes[CONV2D_FILTERS];
    filters.count = s->sizes.panels;
    for (int64_t tap = 0; tap < s->sizes.taps; tap++) {
        product(s, lot, filters, dy, dx + portable_conv2d_tap(s, tap));
        filters.places += s->sizes.panels;
    }
}

/* A row of pixels of D for one tap, from where it lies to where it belongs. */
struct row {
    const real *from;
    real *to;
    int64_t count, from_step, to_step, channels;
};

/* Whole vectors are read and written, so that there is one loop, which stays one: unrolled into
 * single lanes first, it would not become a vector. The lanes behind the channels stay as they are.
 * D and dx are apart. */
VECTOR_CLONES static void add_row(const struct row *row)
{
    const int32_t channels = (int32_t)row->channels;
    const int64_t from_step = row->from_step, to_step = row->to_step;
    const real *from = row->from;
    real *to = row->to;
    for (int64_t i = row->count; i > 0; i--, from += from_step, to += to_step) {
        _Pragma("GCC ivdep")
            _Pragma("GCC unroll 1") for (int32_t lane = 0; lane < GEMM_LANES; lane++) to[lane] +=
            lane < channels ? from[lane] : 0;
    }
}

/* A row of pixels of D, tap by tap. */
static void add_taps(const struct portable_conv2d *s, struct row row)
{
    const struct sliding *w = s->x.padding.windows;
    int64_t down = portable_conv2d_tap(s, w[1].kernel), right = portable_conv2d_tap(s, 1);
    real *to = row.to;
    for (int64_t y = 0; y < w[0].kernel; y++)
        for (int64_t x = 0; x < w[1].kernel; x++) {
            row.to = to + y * down + x * right;
            add_row(&row);
            row.from += row.channels;
        }
}

static void by_columns(const struct portable_conv2d *s, const struct conv2d_lot *lot,
                       const real *dy, real *dx)
{
    const struct conv2d_sizes *z = &s->sizes;
    const struct gemm_axis *pixels = &s->axes[CONV2D_PIXELS], *back = &s->axes[CONV2D_BACK];
    real *columns = s->numbers.columns + lot->member * portable_conv2d_columns(s);

    gemm_run(s->gemm, &(struct gemm){.rows = portable_conv2d_pixels(s, CONV2D_BACK, lot),
                                     .inner = s->axes[CONV2D_FILTERS],
                                     .a = dy,
                                     .b = s->numbers.back,
                                     .c = columns,
                                     .columns = z->columns,
                                     .b_panel = z->filters * GEMM_LANES,
                                     .c_panel = GEMM_LANES});
    for (int64_t i = 0; i < lot->samples * s->out.height; i++)
        add_taps(s, (struct row){.from = columns + back->places[i].other,
                                 .to = dx + pixels->places[i].a,
                                 .count = s->out.width,
                                 .from_step = z->columns,
                                 .to_step = pixels->a_step,
                                 .channels = z->inputs});
}

void portable_conv2d_data(const struct portable_conv2d *s, const struct conv2d_lot *lot,
                          const struct op_call *call)
{
    bool folds = portable_conv2d_folds(s);
    int64_t bare = s->x.planes * padding_bare(&s->x.padding);
    real *out = (real *)call->dx + lot->first * bare;
    real *dx = folds ? portable_conv2d_stage(s, &s->x, lot) : out;
    const real *dy = portable_conv2d_staged(s, &s->dy, lot, call->dy);

    if (s->way != CONV2D_PULL)
        memset(dx, 0, (size_t)(lot->samples * (folds ? s->x.sample : bare)) * sizeof *dx);
    if (s->way == CONV2D_PULL)
        product(s, lot, s->axes[CONV2D_FILTERS], dy, dx);
    else if (s->way == CONV2D_PUSH)
        push(s, lot, dy, dx);
    else
        by_columns(s, lot, dy, dx);
    if (folds)
        padding_fold(&s->x.padding, lot->samples * s->x.planes, dx, out);
}
