/* The weights of the portable conv2d on their way into panels and back: see portable_conv2d.h. */
#include "core/portable_conv2d.h"

/* One filter of the layer: where its weights lie in the flat array, and where in the panels. */
struct filter {
    int64_t number; /* in the layer */
    int64_t place;  /* in its group; 0 when depthwise */
    int64_t input;  /* the group's channel that its first weights read */
};

/* False where the lane only fills up its panel. */
static bool filter_at(const struct portable_conv2d *s, int64_t panel, int64_t lane,
                      struct filter *out)
{
    const struct conv2d_weights *w = &s->arranged;
    int64_t together = s->depthwise ? GEMM_LANES : w->together;
    int64_t place = panel % s->sizes.panels * GEMM_LANES + lane;
    int64_t group = panel / s->sizes.panels * together + place / w->filters;

    *out = (struct filter){.number = group * w->filters + place % w->filters,
                           .place = s->depthwise ? 0 : place,
                           .input = place / w->filters * w->inputs};
    return place / w->filters < together && group < w->groups;
}

/* Weight number i of a filter as the layer has them is that of channel i / taps and this tap. */
static int64_t tap_of(const struct portable_conv2d *s, int64_t i)
{
    int64_t tap = i % s->sizes.taps;
    return s->arranged.flip ? s->sizes.taps - 1 - tap : tap;
}

/* Where weight number i of the filter in lane `lane` stands in its panel. */
static int64_t place_of(const struct portable_conv2d *s, const struct filter *f, int64_t lane,
                        int64_t i)
{
    int64_t channel = s->depthwise ? 0 : f->input + i / s->sizes.taps;
    int64_t row =
        portable_conv2d_row(s, s->sizes.inputs, s->x.padding.lanes, channel, tap_of(s, i));
    return row * GEMM_LANES + lane;
}

/* The same in the panels of the group in `back`, whose lanes are the channels. */
static int64_t place_back(const struct portable_conv2d *s, const struct filter *f, int64_t i)
{
    const struct conv2d_sizes *z = &s->sizes;
    int64_t channel = f->input + i / z->taps, column = tap_of(s, i) * z->inputs + channel;
    if (s->way == CONV2D_COLUMNS)
        return (column / GEMM_LANES * z->filters + f->place) * GEMM_LANES + column % GEMM_LANES;
    int64_t row = portable_conv2d_row(s, z->filters, GEMM_LANES, f->place, tap_of(s, i));
    return (channel / GEMM_LANES * z->filters * z->taps + row) * GEMM_LANES + channel % GEMM_LANES;
}

void portable_conv2d_pack(struct portable_conv2d *s, const real *parameters)
{
    const struct conv2d_sizes *z = &s->sizes;
    int64_t count = s->arranged.inputs * z->taps;
    struct filter f;

    for (int64_t panel = 0; panel < z->groups * z->panels; panel++)
        for (int64_t lane = 0; lane < GEMM_LANES; lane++) {
            if (!filter_at(s, panel, lane, &f))
                continue;
            const real *flat = parameters + s->weight + f.number * count;
            real *packed = s->numbers.packed + panel * portable_conv2d_panel(s);
            real *back =
                s->numbers.back + panel / z->panels * z->planes * z->filters * z->taps * GEMM_LANES;
            for (int64_t i = 0; i < count; i++)
                packed[place_of(s, &f, lane, i)] = flat[i];
            for (int64_t i = 0; s->numbers.back && i < count; i++)
                back[place_back(s, &f, i)] = flat[i];
            if (s->bias >= 0)
                s->numbers.start[panel * GEMM_LANES + lane] = parameters[s->bias + f.number];
        }
}

void portable_conv2d_unpack(const struct portable_conv2d *s, int64_t panel, real *gradients)
{
    const real *packed = s->numbers.sum + panel * portable_conv2d_panel(s);
    const real *bias = s->numbers.sum + portable_conv2d_slot_bias(s) + panel * GEMM_LANES;
    int64_t count = s->arranged.inputs * s->sizes.taps;
    struct filter f;

    for (int64_t lane = 0; lane < GEMM_LANES; lane++) {
        if (!filter_at(s, panel, lane, &f))
            continue;
        real *flat = gradients + s->weight + f.number * count;
        for (int64_t i = 0; i < count; i++)
            flat[i] = packed[place_of(s, &f, lane, i)];
        if (s->bias >= 0)
            gradients[s->bias + f.number] = bias[lane];
    }
}
