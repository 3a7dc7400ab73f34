/* The ways of oneDNN's conv2d: see onednn_conv2d_ways.h. */
#if TRAIND_ONEDNN
#include "core/onednn_conv2d_ways.h"

#include "core/avx512.h"
#include "core/isa.h"

typedef bool make_way(const struct onednn_making *m);
static make_way forward_packed, forward_direct, data_packed, data_winograd, data_direct,
    weights_own, weights_winograd, weights_direct;

enum direction { FORWARD, DATA, WEIGHTS };

/* By the shape alone: the first way that serves it and that the library has. Winograd's are for
 * single precision, 3 × 3 taps and windows that skip nothing. Measured with images of 4 to 32
 * pixels a side and 32 to 256 channels, they take of the time of the direct sum: packed 0.45 to
 * 0.95, the data gradient else 0.5 to 1, the weight gradient 0.5 to 1.05. With fewer channels or
 * tiles they lose, and where a third of the tiles' pixels lies outside the image. Our own is for
 * bf16: see own_serves. */
static const struct way {
    enum direction direction;
    make_way *make;
    bool winograd;
    int64_t channels; /* of x and of y at least … */
    int64_t tiles;    /* … and tiles of a shard */
    bool padded;      /* a padding of one pixel all around */
} ways[] = {
    {FORWARD, forward_packed, true, 32, 1, false},
    {FORWARD, forward_direct},
    {DATA, data_packed, true, 32, 1, true},
    {DATA, data_winograd, true, 32, 256, false},
    {DATA, data_direct},
    {WEIGHTS, weights_own},
    {WEIGHTS, weights_winograd, true, 64, 64, false},
    {WEIGHTS, weights_direct},
};

static bool all(const int64_t *numbers, int64_t wanted)
{
    return numbers[0] == wanted && numbers[1] == wanted;
}

static int64_t tiles(int64_t pixels)
{
    return (pixels + WINOGRAD_TILE - 1) / WINOGRAD_TILE;
}

/* Whether a Winograd way is worth it; `made` is what its tiles make up: y, or dx. */
static bool worth(const struct way *way, const struct onednn_making *m, const struct shape *made)
{
    const int64_t *dims = m->state->arranged.dims;
    const struct onednn_windows *w = &m->windows;
    int64_t count = tiles(made->height) * tiles(made->width);
    return m->setup->number == NUMBER_REAL && dims[0] == 1 && all(dims + 3, 3) &&
           all(w->stride, 1) && all(w->dilation, 0) && m->in.channels >= way->channels &&
           m->out.channels >= way->channels && m->setup->cut.shard_size * count >= way->tiles &&
           3 * made->height * made->width >= 2 * count * WINOGRAD_TILE * WINOGRAD_TILE &&
           (!way->padded || (all(w->before, 1) && all(w->behind, 1)));
}

static bool make_direction(const struct onednn_making *m, enum direction direction)
{
    for (size_t i = 0; i < COUNT_OF(ways); i++)
        if (ways[i].direction == direction &&
            (!ways[i].winograd || worth(&ways[i], m, direction == DATA ? &m->in : &m->out)) &&
            ways[i].make(m))
            return true;
    return false;
}

/* ---- the ways ---- */

static bool describe_forward(const struct onednn_making *m, dnnl_prop_kind_t kind,
                             dnnl_alg_kind_t algorithm, dnnl_convolution_desc_t *out)
{
    const struct onednn_windows *w = &m->windows;
    return dnnl_dilated_convolution_forward_desc_init(
               out, kind, algorithm, &m->x, &m->w, m->bias ? &m->b : NULL, &m->y, w->stride,
               w->dilation, w->before, w->behind) == dnnl_success;
}

/* A backward primitive, with the forward one's descriptor that the library wants to see. */
static bool make_backward(const struct onednn_making *m, const dnnl_convolution_desc_t *desc,
                          struct onednn_primitive *out)
{
    struct onednn *shared = &m->state->shared;
    dnnl_convolution_desc_t forward;
    struct onednn_wish wish = {.operation = desc, .settle = m->setup->settle};
    dnnl_primitive_desc_t hint = NULL;
    bool made =
        describe_forward(m, dnnl_forward_training, desc->alg_kind, &forward) &&
        dnnl_primitive_desc_create(&hint, &forward, NULL, shared->engine, NULL) == dnnl_success;
    wish.hint = hint;
    made = made && onednn_make(shared, &wish, out);
    if (hint)
        dnnl_primitive_desc_destroy(hint);
    return made;
}

static bool forward_args(const struct onednn_making *m, struct onednn_reader *reader)
{
    const struct onednn_arg args[] = {
        {DNNL_ARG_SRC, &m->x},
        {DNNL_ARG_WEIGHTS, onednn_chosen(&reader->primitive, dnnl_query_weights_md)},
        {DNNL_ARG_DST, &m->y},
        {m->bias ? DNNL_ARG_BIAS : 0, &m->b},
        {0, NULL}};
    return onednn_args(&m->state->shared, &reader->primitive, args);
}

static bool reorder_weights(const struct onednn_making *m, struct onednn_reader *reader)
{
    const dnnl_memory_desc_t *w = onednn_chosen(&reader->primitive, dnnl_query_weights_md);
    return onednn_make_reorder(&m->state->shared, &m->plain, w, &reader->reorder);
}

/* Leaves nothing behind when a part could not be made. */
static bool keep(const struct onednn_making *m, struct onednn_reader *reader, bool made)
{
    if (!made)
        onednn_drop(&m->state->shared, &reader->primitive);
    return made;
}

/* Winograd as for inference, where weights come transformed. */
static bool make_packed(const struct onednn_making *m, struct onednn_reader *reader)
{
    dnnl_convolution_desc_t desc;
    struct onednn_wish wish = {.operation = &desc};
    if (!describe_forward(m, dnnl_forward_inference, dnnl_convolution_winograd, &desc) ||
        !onednn_make(&m->state->shared, &wish, &reader->primitive))
        return false;
    return keep(m, reader,
                onednn_winograd_arrange(onednn_chosen(&reader->primitive, dnnl_query_weights_md),
                                        &reader->order) &&
                    forward_args(m, reader));
}

static bool forward_packed(const struct onednn_making *m)
{
    return make_packed(m, &m->state->forward);
}

static bool forward_direct(const struct onednn_making *m)
{
    struct onednn_reader *reader = &m->state->forward;
    dnnl_convolution_desc_t desc;
    struct onednn_wish wish = {.operation = &desc, .settle = m->setup->settle};
    if (!describe_forward(m, dnnl_forward_training, dnnl_convolution_direct, &desc) ||
        !onednn_make(&m->state->shared, &wish, &reader->primitive))
        return false;
    return keep(m, reader, forward_args(m, reader) && reorder_weights(m, reader));
}

/* dx is a convolution too: of dy, by kernels that are turned and change inputs for filters. */
static bool data_packed(const struct onednn_making *m)
{
    const int64_t *dims = m->state->arranged.dims;
    struct onednn_making back = *m;
    back.x = m->y;
    back.y = m->dx;
    back.bias = false;
    back.w = onednn_any(4, (const int64_t[]){dims[2], dims[1], dims[3], dims[4]}, NUMBER_REAL);
    m->state->data.turned = true;
    return make_packed(&back, &m->state->data);
}

static bool make_data(const struct onednn_making *m, dnnl_alg_kind_t algorithm)
{
    const struct onednn_windows *w = &m->windows;
    struct onednn_reader *reader = &m->state->data;
    dnnl_convolution_desc_t desc;
    if (dnnl_dilated_convolution_backward_data_desc_init(&desc, algorithm, &m->dx, &m->w, &m->y,
                                                         w->stride, w->dilation, w->before,
                                                         w->behind) != dnnl_success ||
        !make_backward(m, &desc, &reader->primitive))
        return false;
    const struct onednn_arg args[] = {
        {DNNL_ARG_DIFF_DST, &m->y},
        {DNNL_ARG_WEIGHTS, onednn_chosen(&reader->primitive, dnnl_query_weights_md)},
        {DNNL_ARG_DIFF_SRC, &m->dx},
        {0, NULL}};
    return keep(m, reader,
                onednn_args(&m->state->shared, &reader->primitive, args) &&
                    reorder_weights(m, reader));
}

static bool data_winograd(const struct onednn_making *m)
{
    return make_data(m, dnnl_convolution_winograd);
}

static bool data_direct(const struct onednn_making *m)
{
    return make_data(m, dnnl_convolution_direct);
}

static bool make_weights(const struct onednn_making *m, dnnl_alg_kind_t algorithm)
{
    const struct onednn_windows *w = &m->windows;
    struct onednn_conv2d *s = m->state;
    dnnl_convolution_desc_t desc;
    if (dnnl_dilated_convolution_backward_weights_desc_init(
            &desc, algorithm, &m->x, &m->dw, m->bias ? &m->b : NULL, &m->y, w->stride, w->dilation,
            w->before, w->behind) != dnnl_success ||
        !make_backward(m, &desc, &s->weights))
        return false;
    const dnnl_memory_desc_t *dw = onednn_chosen(&s->weights, dnnl_query_diff_weights_md);
    const struct onednn_arg args[] = {{DNNL_ARG_SRC, &m->x},
                                      {DNNL_ARG_DIFF_DST, &m->y},
                                      {DNNL_ARG_DIFF_WEIGHTS, dw},
                                      {m->bias ? DNNL_ARG_DIFF_BIAS : 0, &m->b},
                                      {0, NULL}};
    if (onednn_args(&s->shared, &s->weights, args) &&
        onednn_make_reorder(&s->shared, dw, &m->plain, &s->unpack))
        return true;
    onednn_drop(&s->shared, &s->weights);
    return false;
}

/* Whether our own weight gradient takes less time than the library's, by what was measured: 0.2 to
 * 0.9 of it. It makes words of all pixels, which a single tap pays for with many channels alone,
 * and of two images each; with few pixels a shard's sums are written more often than added to. */
static bool own_serves(const struct onednn_making *m)
{
    enum { TAPS_FEW = 3, CHANNELS_MANY = 64, PAIRS_LEAST = 32 };
    const struct op_setup *setup = m->setup;
    const struct onednn_conv2d *s = m->state;
    bool many = m->in.channels >= CHANNELS_MANY && m->out.channels >= CHANNELS_MANY;
    return setup->number == NUMBER_BF16 && isa_has_bf16() && s->stage.count == 0 &&
           s->arranged.dims[0] == 1 && setup->block == AVX512_LANES && m->y_block == AVX512_LANES &&
           (s->arranged.taps > TAPS_FEW || (many && all(m->windows.stride, 1))) &&
           setup->cut.shard_size / 2 * m->out.height * m->out.width >= PAIRS_LEAST;
}

static bool weights_own(const struct onednn_making *m)
{
    struct onednn_conv2d *s = m->state;
    const struct avx512_gradient *g = &s->own.gradient;
    const struct avx512_task task = {
        .padding = s->stage.padding, .channels = m->in.channels, .filters = m->out.channels};
    s->own.used = own_serves(m) && avx512_gradient_make(&task, &s->own.gradient);
    if (s->own.used)
        onednn_want_scratch(&s->shared, saturating_product(g->words.x + g->words.dy, sizeof(real)));
    return s->own.used;
}

static bool weights_winograd(const struct onednn_making *m)
{
    return make_weights(m, dnnl_convolution_winograd);
}

static bool weights_direct(const struct onednn_making *m)
{
    return make_weights(m, dnnl_convolution_direct);
}

bool onednn_conv2d_make_directions(const struct onednn_making *m)
{
    return make_direction(m, FORWARD) && make_direction(m, WEIGHTS) &&
           (!m->setup->want_dx || make_direction(m, DATA));
}

#endif
