/* The weights of the portable conv2d on their way into panels and back: see portable_conv2d.h. */
#include "core/portable_conv2d.h"

#include "core/layer.h"

/* One filter of the layer: where its weights lie in the flat array, and where in the panels. */
struct filter {
    int64_t flat;   /* first of its weights, counted from the layer's first */
    int64_t number; /* of the filter in the layer */
    int64_t place;  /* of the filter in its group */
    int64_t inputs; /* channel of the group that its first weights read */
};

/* False where the lane only fills up its panel. */
static bool filter_at(const struct portable_conv2d *s, int64_t panel, int64_t lane,
                      struct filter *out)
{
    const struct conv2d_weights *w = &s->arranged;
    const struct conv2d_sizes *z = &s->sizes;
    int64_t place = s->depthwise ? lane : panel % z->panels * GEMM_LANES + lane;
    int64_t together = s->depthwise ? GEMM_LANES : w->together;
    int64_t group = panel / z->panels * together + place / w->filters;

    *out = (struct filter){.number = group * w->filters + place % w->filters,
                           .place = s->depthwise ? 0 : place,
                           .inputs = place / w->filters * w->inputs};
    out->flat = out->number * w->inputs * w->taps;
    return place / w->filters < together && group < w->groups;
}

/* Where in its panel the weight of channel `channel` and tap `tap` stands. */
static int64_t weight_row(const struct portable_conv2d *s, int64_t channel, int64_t tap)
{
    int64_t block = s->padding.lanes;
    if (s->depthwise)
        return tap;
    return (channel / block * s->sizes.taps + tap) * block + channel % block;
}

static int64_t flat_tap(const struct portable_conv2d *s, int64_t tap)
{
    return s->arranged.flip ? s->arranged.taps - 1 - tap : tap;
}

static void pack_filter(struct portable_conv2d *s, int64_t panel, int64_t lane,
                        const struct filter *f, const real *flat)
{
    const struct conv2d_sizes *z = &s->sizes;
    real *packed = s->packed + panel * z->weights * GEMM_LANES + lane;
    int64_t group = panel / z->panels;

    for (int64_t i = 0; i < s->arranged.inputs; i++)
        for (int64_t tap = 0; tap < z->taps; tap++) {
            real value = flat[i * z->taps + flat_tap(s, tap)];
            int64_t channel = f->inputs + i;
            packed[weight_row(s, channel, tap) * GEMM_LANES] = value;
            if (!s->packed_back)
                continue;
            int64_t plane =
                ((group * z->taps + tap) * z->planes) + (s->depthwise ? 0 : channel / GEMM_LANES);
            s->packed_back[(plane * z->filters + f->place) * GEMM_LANES + channel % GEMM_LANES] =
                value;
        }
}

void portable_conv2d_pack(struct portable_conv2d *s, const real *parameters)
{
    struct filter f;
    for (int64_t panel = 0; panel < s->sizes.groups * s->sizes.panels; panel++)
        for (int64_t lane = 0; lane < GEMM_LANES; lane++) {
            if (!filter_at(s, panel, lane, &f))
                continue;
            pack_filter(s, panel, lane, &f, parameters + s->weight + f.flat);
            if (s->bias >= 0)
                s->start[panel * GEMM_LANES + lane] = parameters[s->bias + f.number];
        }
}

void portable_conv2d_unpack(const struct portable_conv2d *s, int64_t panel, real *gradients)
{
    const struct conv2d_sizes *z = &s->sizes;
    struct filter f;
    for (int64_t lane = 0; lane < GEMM_LANES; lane++) {
        const real *packed = s->sum + panel * z->weights * GEMM_LANES + lane;
        if (!filter_at(s, panel, lane, &f))
            continue;
        real *flat = gradients + s->weight + f.flat;
        for (int64_t i = 0; i < s->arranged.inputs; i++)
            for (int64_t tap = 0; tap < z->taps; tap++)
                flat[i * z->taps + flat_tap(s, tap)] =
                    packed[weight_row(s, f.inputs + i, tap) * GEMM_LANES];
        if (s->bias >= 0)
            gradients[s->bias + f.number] =
                s->sum[portable_conv2d_slot_bias(s) + panel * GEMM_LANES + lane];
    }
}
