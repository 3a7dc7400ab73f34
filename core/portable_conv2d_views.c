/* Sizes and axes of the portable conv2d: see portable_conv2d.h. */
#include "core/portable_conv2d.h"

/* Products of few rows waste registers and those of short sums time: small images are computed
 * several at once, so that there are about so many pixels. */
enum { LOT_PIXELS = 256 };

static int64_t lot_of(const struct op_setup *setup, int64_t pixels)
{
    int64_t lot = (LOT_PIXELS + pixels - 1) / pixels;
    return lot < setup->shard_size ? lot : setup->shard_size;
}

static void measure_sizes(struct portable_conv2d *s, const struct op_setup *setup)
{
    const int64_t *dims = s->arranged.dims;
    int64_t block = s->padding.lanes, pixels = s->out.height * s->out.width;
    int64_t planes = op_count(&setup->layer->input, (int)block) / padding_bare(&s->padding);
    struct conv2d_sizes *z = &s->sizes;

    z->groups = s->depthwise ? dims[0] / GEMM_LANES : dims[0];
    z->filters = dims[1];
    z->planes = s->depthwise ? 1 : dims[2] / block;
    z->panels = s->depthwise ? 1 : dims[1] / GEMM_LANES;
    z->taps = s->arranged.taps;
    z->weights = dims[2] * z->taps;
    z->x_plane = padding_whole(&s->padding);
    z->y_plane = pixels * GEMM_LANES;
    z->x_sample = planes * z->x_plane;
    z->y_sample = op_count(&s->out, GEMM_LANES);
    z->lot = lot_of(setup, pixels);
}

/* ---- places ---- */

int64_t portable_conv2d_tap(const struct portable_conv2d *s, int64_t tap)
{
    const struct sliding *rows = &s->padding.windows[0], *columns = &s->padding.windows[1];
    int64_t width = columns->before + columns->size + columns->behind;
    int64_t y = tap / columns->kernel * rows->dilation,
            x = tap % columns->kernel * columns->dilation;
    return (y * width + x) * s->padding.lanes;
}

/* A row of pixels. */
static struct gemm_place pixels_place(const struct portable_conv2d *s, int64_t i)
{
    const struct sliding *rows = &s->padding.windows[0], *columns = &s->padding.windows[1];
    int64_t width = (columns->before + columns->size + columns->behind) * s->padding.lanes;
    int64_t sample = i / s->out.height, row = i % s->out.height;
    return (struct gemm_place){sample * s->sizes.x_sample + row * rows->stride * width,
                               sample * s->sizes.y_sample + row * s->out.width * GEMM_LANES};
}

static struct gemm_place back_place(const struct portable_conv2d *s, int64_t i)
{
    struct gemm_place place = pixels_place(s, i);
    return (struct gemm_place){place.other, place.a};
}

/* The channels of a block for one tap; where x is plain, the taps of one row of one channel. */
static struct gemm_place weights_place(const struct portable_conv2d *s, int64_t i)
{
    int64_t run = s->axes[CONV2D_WEIGHTS].run, number = i * run;
    int64_t together = s->padding.lanes == 1 ? 1 : run; /* weights of one tap, side by side */
    int64_t plane = number / (s->sizes.taps * together), rest = number % (s->sizes.taps * together);
    return (struct gemm_place){plane * s->sizes.x_plane + portable_conv2d_tap(s, rest / together),
                               number * GEMM_LANES};
}

/* A block of filters. */
static struct gemm_place filters_place(const struct portable_conv2d *s, int64_t i)
{
    return (struct gemm_place){i * s->sizes.y_plane, i * GEMM_LANES * GEMM_LANES};
}

void portable_conv2d_measure(struct portable_conv2d *s, const struct op_setup *setup)
{
    const struct sliding *columns = &s->padding.windows[1];
    int64_t lanes = s->padding.lanes, x_step = columns->stride * lanes;
    bool plain = lanes == 1;

    measure_sizes(s, setup);
    const struct conv2d_sizes *z = &s->sizes;
    int64_t rows = z->lot * s->out.height;
    int64_t run = plain ? columns->kernel : s->depthwise ? 1 : GEMM_LANES;
    const struct gemm_axis axes[CONV2D_AXES] = {
        [CONV2D_PIXELS] = {NULL, rows, s->out.width, x_step, GEMM_LANES},
        [CONV2D_WEIGHTS] = {NULL, z->weights / run, run, plain ? columns->dilation : 1, GEMM_LANES},
        [CONV2D_BACK] = {NULL, rows, s->out.width, GEMM_LANES, x_step},
        [CONV2D_FILTERS] = {NULL, z->panels, s->depthwise ? 1 : GEMM_LANES, 1, GEMM_LANES},
    };
    for (int i = 0; i < CONV2D_AXES; i++) {
        s->axes[i] = axes[i];
        block_reserve(setup->memory, &s->places[i], axes[i].count, sizeof *s->places[i]);
    }
}

void portable_conv2d_fill(struct portable_conv2d *s)
{
    static struct gemm_place (*const places[CONV2D_AXES])(const struct portable_conv2d *,
                                                          int64_t) = {
        [CONV2D_PIXELS] = pixels_place,
        [CONV2D_WEIGHTS] = weights_place,
        [CONV2D_BACK] = back_place,
        [CONV2D_FILTERS] = filters_place,
    };
    for (int axis = 0; axis < CONV2D_AXES && !s->filled; axis++) {
        for (int64_t i = 0; i < s->axes[axis].count; i++)
            s->places[axis][i] = places[axis](s, i);
        s->axes[axis].places = s->places[axis];
    }
    s->filled = true;
}
