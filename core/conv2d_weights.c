/* The weights of a conv2d in whole blocks of channels: see conv2d_weights.h. */
#include "core/conv2d_weights.h"

#include "core/layer.h"

#include <string.h>

/* How many times the layer's own multiply-adds may be spent when groups stand together. Up to about
 * this many, whole blocks are measured to beat the library's matrix products in plain layout. */
enum { TOGETHER_COST_MAX = 32 };

static int64_t round_up(int64_t count, int64_t block)
{
    return (count + block - 1) / block * block;
}

/* Whether `together` groups of `channels` each are whole blocks, and all such groups the layout's
 * channels, not a block more. */
static bool fits(const struct conv2d_weights *w, int64_t channels, int block)
{
    int64_t groups = (w->groups + w->together - 1) / w->together;
    return groups == 1 ||
           (w->together * channels % block == 0 &&
            groups * w->together * channels == round_up(w->groups * channels, block));
}

static bool stand_together(struct conv2d_weights *w, const struct conv2d_wish *wish)
{
    w->together = 1;
    while (!fits(w, w->inputs, wish->x_block) || !fits(w, w->filters, wish->y_block))
        w->together++; /* ends: all groups together fit */
    w->dims[0] = (w->groups + w->together - 1) / w->together;
    w->dims[1] = round_up(w->together * w->filters, w->dims[0] == 1 ? wish->y_block : 1);
    w->dims[2] = round_up(w->together * w->inputs, w->dims[0] == 1 ? wish->x_block : 1);
    return w->groups == 1 || w->dims[0] * w->dims[1] * w->dims[2] <=
                                 TOGETHER_COST_MAX * w->groups * w->filters * w->inputs;
}

static bool stand_alone(struct conv2d_weights *w, const struct conv2d_wish *wish)
{
    w->together = w->dims[1] = w->dims[2] = 1;
    w->dims[0] = round_up(w->groups, wish->x_block);
    return w->groups > 1 && w->inputs == 1 && w->filters == 1 && wish->x_block > 1 &&
           wish->x_block == wish->y_block;
}

bool conv2d_weights_arrange(const struct plan_layer *layer, const struct conv2d_wish *wish,
                            struct conv2d_weights *out)
{
    const struct conv2d_options *o = layer->options;
    *out = (struct conv2d_weights){.groups = o->groups,
                                   .filters = layer->output.channels / o->groups,
                                   .inputs = layer->input.channels / o->groups,
                                   .taps = o->kernel_size[0] * o->kernel_size[1],
                                   .flip = o->flip_kernel,
                                   .dims = {0, 0, 0, o->kernel_size[0], o->kernel_size[1]}};
    return wish->depthwise ? stand_alone(out, wish) : stand_together(out, wish);
}

int64_t conv2d_weights_count(const struct conv2d_weights *w)
{
    int64_t count = w->taps;
    for (int i = 0; i < 3; i++)
        count = saturating_product(count, w->dims[i]);
    return count;
}

/* Where the weights of filter `filter` of the layer's group `group` lie in the array of shape dims.
 */
static int64_t place_of(const struct conv2d_weights *w, int64_t group, int64_t filter)
{
    int64_t inside = group % w->together;
    int64_t row = group / w->together * w->dims[1] + inside * w->filters + filter;
    return (row * w->dims[2] + inside * w->inputs) * w->taps;
}

/* The weights of one filter: `inputs` kernels, each of them turned where the layer does so. */
static void copy_filter(const struct conv2d_weights *w, const real *from, real *to)
{
    int64_t count = w->inputs * w->taps;
    if (!w->flip)
        memcpy(to, from, (size_t)count * sizeof *to);
    for (int64_t i = 0; w->flip && i < count; i++)
        to[i] = from[i / w->taps * w->taps + w->taps - 1 - i % w->taps];
}

void conv2d_weights_put(const struct conv2d_weights *w, const real *flat, real *padded)
{
    int64_t count = w->inputs * w->taps;
    for (int64_t f = 0; f < w->groups * w->filters; f++)
        copy_filter(w, flat + f * count, padded + place_of(w, f / w->filters, f % w->filters));
}

void conv2d_weights_take(const struct conv2d_weights *w, const real *padded, real *flat)
{
    int64_t count = w->inputs * w->taps;
    for (int64_t f = 0; f < w->groups * w->filters; f++)
        copy_filter(w, padded + place_of(w, f / w->filters, f % w->filters), flat + f * count);
}
