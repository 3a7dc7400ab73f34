/* Winograd weights: see onednn_winograd.h. */
#if TRAIND_ONEDNN
#include "core/onednn_winograd.h"

enum { LANES = 16, SIDE = 6, TAPS = 3 };

/* The library interpolates at 0, ±5/8, ±3/2 and infinity. Row p is (1, p, p²) divided by the
 * product of p − q over the other finite points q. */
#define A 0.625
#define B 1.5
#define ROW(p, product)                                                                            \
    {                                                                                              \
        (real)(1 / (product)), (real)((p) / (product)), (real)((p) * (p) / (product))              \
    }
static const real interpolation[SIDE][TAPS] = {
    ROW(0., A *A *B *B),
    ROW(A, 2 * A * A * (A * A - B * B)),
    ROW(-A, 2 * A * A * (A * A - B * B)),
    ROW(B, 2 * B * B * (B * B - A * A)),
    ROW(-B, 2 * B * B * (B * B - A * A)),
    {0, 0, 1},
};

bool onednn_winograd_arrange(const dnnl_memory_desc_t *weights, struct onednn_winograd *out)
{
    const dnnl_wino_desc_t *d = &weights->format_desc.wino_desc;
    if (weights->format_kind != dnnl_format_kind_wino ||
        d->wino_format != dnnl_wino_wei_OBaaIBOIio || d->alpha != SIDE || d->r != TAPS ||
        d->oc_block != LANES || d->adj_scale != 1)
        return false;
    int64_t chunk_in = (int64_t)d->ic_block * d->ic2_block;
    *out = (struct onednn_winograd){.filters = d->oc,
                                    .inputs = d->ic,
                                    .chunks_out = d->oc / LANES / d->oc2_block,
                                    .blocks_out = d->oc2_block,
                                    .chunks_in = d->ic / chunk_in,
                                    .chunk_in = chunk_in};
    return out->chunks_out * out->blocks_out * LANES == out->filters &&
           out->chunks_in * out->chunk_in == out->inputs;
}

/* The kernels of a block of filters for one input, and where their U goes. */
struct kernels {
    const real *first; /* the first kernel's first tap, … */
    int64_t apart;     /* … from one filter's kernel to the next one's, … */
    int step;          /* … and from tap to tap */
    real *out;
    int64_t plane; /* from one number of U to the next */
};

/* numbers[t] and sums[s] are of one row: sums = G·numbers. */
static inline __attribute__((always_inline)) void interpolate(const real numbers[TAPS][LANES],
                                                              real *sums, int64_t apart)
{
    for (int s = 0; s < SIDE; s++)
        for (int lane = 0; lane < LANES; lane++)
            sums[s * apart + lane] = interpolation[s][0] * numbers[0][lane] +
                                     interpolation[s][1] * numbers[1][lane] +
                                     interpolation[s][2] * numbers[2][lane];
}

VECTOR_CLONES static void transform(const struct kernels *k)
{
    real columns[TAPS][TAPS][LANES], half[SIDE][TAPS][LANES], rows[SIDE][LANES];
    for (int lane = 0; lane < LANES; lane++)
        for (int tap = 0; tap < TAPS * TAPS; tap++)
            columns[tap % TAPS][tap / TAPS][lane] = k->first[lane * k->apart + tap * k->step];
    for (int x = 0; x < TAPS; x++) {
        interpolate(columns[x], rows[0], LANES);
        for (int s = 0; s < SIDE; s++)
            for (int lane = 0; lane < LANES; lane++)
                half[s][x][lane] = rows[s][lane];
    }
    for (int s = 0; s < SIDE; s++)
        interpolate(half[s], k->out + s * SIDE * k->plane, k->plane);
}

void onednn_winograd_put(const struct onednn_winograd *w, const real *plain, bool turned, real *out)
{
    struct kernels k = {.plane = w->chunks_in * w->blocks_out * w->chunk_in * LANES};
    int64_t next = turned ? w->filters * WINOGRAD_TAPS : WINOGRAD_TAPS;
    k.apart = turned ? WINOGRAD_TAPS : w->inputs * WINOGRAD_TAPS;
    k.step = turned ? -1 : 1;
    for (int64_t f = 0; f < w->filters / LANES; f++)
        for (int64_t i = 0; i < w->inputs; i++) {
            int64_t chunk = f / w->blocks_out, block = f % w->blocks_out;
            int64_t at = (i / w->chunk_in * w->blocks_out + block) * w->chunk_in + i % w->chunk_in;
            k.first = plain + f * LANES * k.apart + i * next + (turned ? WINOGRAD_TAPS - 1 : 0);
            k.out = out + chunk * SIDE * SIDE * k.plane + at * LANES;
            transform(&k);
        }
}

#endif
