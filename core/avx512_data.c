/* The data gradient of the AVX-512 conv2d: see avx512_conv2d.h. */
#if defined(__x86_64__) && TRAIND_ONEDNN
#include "core/avx512.h"
#include "core/avx512_conv2d.h"

#include <string.h>

/* What dx looks like on an axis while it is computed. */
static int64_t across(const struct avx512_data *data, int axis)
{
    const struct sliding *w = &data->padding.windows[axis];
    return w->size + (data->folds ? w->before + w->behind : 0);
}

/* The windows of dx in dy: they reach as far back as those of y in x reach ahead. */
static struct sliding turned(const struct avx512_data *data, int axis)
{
    const struct sliding *w = &data->padding.windows[axis];
    int64_t reach = window_extent(w) - 1;
    return (struct sliding){.size = window_output(w),
                            .kernel = w->kernel,
                            .stride = 1,
                            .dilation = w->dilation,
                            .before = reach - (data->folds ? 0 : w->before),
                            .behind = reach - (data->folds ? 0 : w->behind)};
}

static int64_t blocks(int64_t count)
{
    return (count + AVX512_LANES - 1) / AVX512_LANES;
}

bool avx512_data_make(const struct padding *x, const struct avx512_dy *dy, struct avx512_data *out)
{
    const struct sliding *w = x->windows;
    int64_t columns = w[1].kernel * dy->channels, around = w[0].before + w[0].behind;
    struct avx512_data *d = out;
    *d = (struct avx512_data){.padding = *x, .channels = dy->channels};
    d->planes = blocks(d->channels);
    d->folds = w[0].mode != PADDING_ZEROS && around + w[1].before + w[1].behind > 0;
    d->whole = saturating_product(d->planes, padding_whole(x));
    struct avx512_wish wish = {
        .padding = {.windows = {turned(d, 0), turned(d, 1)}, .lanes = AVX512_LANES},
        .channels = dy->filters,
        .filters = dy->channels,
        .members = dy->members};
    if (w[0].stride > 1 || w[1].stride > 1)
        return false;
    d->way = AVX512_PULL;
    if (!(d->planes == 1 && blocks(columns) < w[1].kernel) &&
        avx512_product_make(&wish, &d->product))
        return true;
    d->way = AVX512_COLUMNS;
    wish.padding.windows[1] =
        (struct sliding){.size = window_output(&w[1]), .kernel = 1, .stride = 1, .dilation = 1};
    wish.filters = columns;
    d->lead = (window_extent(&w[1]) - 1) * blocks(columns) * AVX512_LANES;
    d->row = wish.padding.windows[1].size * blocks(columns) * AVX512_LANES + 2 * d->lead;
    return d->planes == 1 && avx512_product_make(&wish, &d->product);
}

void avx512_data_reserve(struct avx512_data *d, struct block *memory)
{
    int members = d->product.wish.members;
    avx512_product_reserve(&d->product, memory);
    if (d->folds)
        block_reserve(memory, &d->wholes, saturating_product(members, d->whole), sizeof(real));
    /* Whole vectors are read, beyond the last row's end too. */
    if (d->way == AVX512_COLUMNS)
        block_reserve(memory, &d->rows, saturating_product(members, 2 * d->row) + AVX512_LANES,
                      sizeof(real));
}

int64_t avx512_data_place(const struct avx512_data *d, const struct avx512_weight *at)
{
    const struct sliding *w = d->padding.windows;
    struct avx512_weight turned = {.filter = at->channel,
                                   .channel = at->filter,
                                   .row = w[0].kernel - 1 - at->row,
                                   .column = w[1].kernel - 1 - at->column};
    if (d->way == AVX512_COLUMNS) {
        turned.filter = at->column * d->channels + at->channel;
        turned.column = 0;
    }
    return avx512_product_place(&d->product, &turned);
}

/* ---- by columns ---- */

/* What becomes a row of dx: Σ over the taps of from[pixel·step − tap·back], `channels` lanes. */
struct sum {
    const real *from; /* for the first pixel and tap */
    real *to;
    int64_t count, step, back, channels, taps;
};

/* Half a vector is enough for up to 8 channels, and crosses fewer cache lines. */
typedef float half __attribute__((vector_size(32)));
typedef float loose_half __attribute__((vector_size(32), aligned(4), may_alias));
typedef int32_t half_places __attribute__((vector_size(32)));

AVX512_INLINE void add_few_taps(const struct sum *s, const int taps)
{
    const half_places lanes = {0, 1, 2, 3, 4, 5, 6, 7};
    const half_places missing = lanes >= (half_places){0} + (int32_t)s->channels;
    const int64_t step = s->step, back = s->back;
    const real *from = s->from;
    real *to = s->to;

    for (int64_t i = s->count; i > 0; i--, from += step, to += AVX512_LANES) {
        half sum = *(const loose_half *)from;
        AVX512_UNROLL
        for (int tap = 1; tap < taps; tap++)
            sum += *(const loose_half *)(from - tap * back);
        *(loose_half *)to = (half)((half_places)sum & ~missing);
        *(loose_half *)(to + 8) = (half){0};
    }
}

AVX512_INLINE void add_taps(const struct sum *s, const int taps)
{
    const avx512_places lanes = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    const avx512_places missing = lanes >= (avx512_places){0} + (int32_t)s->channels;
    const real *from = s->from;
    real *to = s->to;

    for (int64_t i = s->count; i > 0; i--, from += s->step, to += AVX512_LANES) {
        avx512_vector sum = avx512_load(from);
        AVX512_UNROLL
        for (int tap = 1; tap < taps; tap++)
            sum += avx512_load(from - tap * s->back);
        avx512_store(to, (avx512_vector)((avx512_places)sum & ~missing));
    }
}

#define SUMMED(taps)                                                                               \
    AVX512_TARGET static void add_##taps(const struct sum *sum)                                    \
    {                                                                                              \
        if (sum->channels <= 8)                                                                    \
            add_few_taps(sum, taps);                                                               \
        else                                                                                       \
            add_taps(sum, taps);                                                                   \
    }
SUMMED(1)
SUMMED(2)
SUMMED(3)
SUMMED(4)
SUMMED(5)
SUMMED(6)
SUMMED(7)

/* A row of the product, added up to a row of dx. */
static void add_up(const struct avx512_data *d, const real *row, real *dx)
{
    static void (*const add[])(const struct sum *) = {NULL,  add_1, add_2, add_3,
                                                      add_4, add_5, add_6, add_7};
    const struct sliding *w = &d->padding.windows[1];
    int64_t step = d->product.panels * AVX512_LANES;
    add[w->kernel](&(struct sum){.from = row + d->lead + (d->folds ? 0 : w->before) * step,
                                 .to = dx,
                                 .count = across(d, 1),
                                 .step = step,
                                 .back = w->dilation * step - d->channels,
                                 .channels = d->channels});
}

/* A row is added up after the next one was computed: what was written just now is read slowly. */
static void run_columns(const struct avx512_data *d, int member, const real *dy, real *dx)
{
    const struct avx512_product *p = &d->product;
    int64_t width = across(d, 1) * AVX512_LANES, step = p->panels * AVX512_LANES;
    real *rows = d->rows + member * 2 * d->row;

    for (int64_t row = 0; row <= p->height; row++) {
        real *now = rows + row % 2 * d->row, *before = rows + (row + 1) % 2 * d->row;
        if (row < p->height)
            avx512_product_row(p, dy, row,
                               (struct avx512_target){now + d->lead, step, AVX512_LANES});
        if (row > 0)
            add_up(d, before, dx + (row - 1) * width);
    }
}

void avx512_data_run(const struct avx512_data *d, int member, const real *dy, real *dx)
{
    real *to = d->folds ? d->wholes + member * d->whole : dx;

    if (d->way == AVX512_COLUMNS)
        run_columns(d, member, dy, to);
    else
        avx512_product_run(&d->product, member, dy, to);
    if (d->folds)
        padding_fold(&d->padding, d->planes, to, dx);
}
#endif
