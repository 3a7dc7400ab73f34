/* Advice: see plan_advice.h. Goes by the nature of layers, not by their names. */
#include "core/plan_advice.h"

#include "core/loss.h"

#include <stdio.h>

struct advice {
    const struct spec *spec;
    const struct plan *plan;
    struct plan_warnings *warnings;
};

static enum layer_nature nature(const struct plan_layer *layer)
{
    return ((const struct layer_kind *)layer->kind)->nature;
}

/* The one layer that this one reads; NULL for the data and for joins. */
static const struct plan_layer *before(const struct plan *plan, const struct plan_layer *layer)
{
    bool single = layer->source_count == 1 && layer->sources[0] >= 0;
    return single ? &plan->layers[layer->sources[0]] : NULL;
}

static bool reads(const struct plan_layer *layer, int source)
{
    for (int i = 0; i < layer->source_count; i++)
        if (layer->sources[i] == source)
            return true;
    return false;
}

/* ---- windows ---- */

static int64_t skipped(const struct plan_layer *layer, int axis)
{
    int64_t outputs = axis == 0 ? layer->output.height : layer->output.width;
    return layer->windows ? window_never_reads(&layer->windows[axis], outputs) : 0;
}

/* What a layer steps over another one may read: the two ways through a residual often do. */
static bool others_read(const struct plan *plan, const struct plan_layer *layer, int axis)
{
    for (int i = 0; i < plan->layer_count; i++)
        if (&plan->layers[i] != layer && reads(&plan->layers[i], layer->sources[0]) &&
            skipped(&plan->layers[i], axis) == 0)
            return true;
    return false;
}

static void advise_skipped(const struct advice *advice, const struct plan_layer *layer)
{
    static const char *const one[2] = {"row", "column"}, *const more[2] = {"rows", "columns"};
    for (int axis = 0; axis < 2; axis++) {
        const struct sliding *w = &layer->windows[axis];
        int64_t lost = skipped(layer, axis);
        char dilation[64] = "";
        if (lost == 0 || others_read(advice->plan, layer, axis))
            continue;
        if (w->dilation > 1)
            snprintf(dilation, sizeof dilation, " with a dilation of %lld", (long long)w->dilation);
        plan_warn(advice->warnings, layer->pointer,
                  "%lld %s of the %lld × %lld input %s never read: the stride of %lld%s steps "
                  "over %s",
                  (long long)lost, lost == 1 ? one[axis] : more[axis],
                  (long long)layer->windows[0].size, (long long)layer->windows[1].size,
                  lost == 1 ? "is" : "are", (long long)w->stride, dilation,
                  lost == 1 ? "it" : "them");
    }
}

static void advise_windows(const struct advice *advice, const struct plan_layer *layer)
{
    const struct sliding *w = layer->windows;
    char kernel[128];
    if (!w)
        return;
    advise_skipped(advice, layer);
    plan_kernel_text(w, kernel, sizeof kernel);
    if (window_extent(&w[0]) > w[0].size || window_extent(&w[1]) > w[1].size)
        plan_warn(advice->warnings, layer->pointer,
                  "the kernel of %s is larger than its input of %lld × %lld: wherever it lies, a "
                  "part of it reads padding",
                  kernel, (long long)w[0].size, (long long)w[1].size);
}

/* ---- activations ---- */

static void advise_activation(const struct advice *advice, const struct plan_layer *layer)
{
    const struct plan_layer *first = before(advice->plan, layer);
    if (nature(layer) == LAYER_ACTIVATION && first && nature(first) == LAYER_ACTIVATION)
        plan_warn(advice->warnings, layer->pointer,
                  "%s stands right behind %s: one activation is enough", layer->kind->name,
                  first->kind->name);
}

/* Numbers of a sample on the way from one product to the next: channels while it is images. */
static int64_t width(const struct shape *shape, bool flat)
{
    return flat ? shape_elements(shape) : shape->channels;
}

static bool in_groups(const struct plan *plan, const struct plan_layer *layer)
{
    const struct plan_tensor *weight = &plan->tensors[layer->first_tensor];
    return weight->rank == 4 && weight->dims[1] < layer->input.channels;
}

/* One kernel is a column and the other a row. */
static bool crossed(const struct plan_layer *one, const struct plan_layer *other)
{
    if (!one->windows || !other->windows)
        return false;
    for (int axis = 0; axis < 2; axis++)
        if (one->windows[axis].kernel == 1 && other->windows[!axis].kernel == 1 &&
            (one->windows[!axis].kernel > 1 || other->windows[axis].kernel > 1))
            return one->windows[!axis].kernel > 1 && other->windows[axis].kernel > 1;
    return false;
}

/* Two products without anything between them are one product, but some are taken apart on purpose:
 * into groups and a mixing of channels, through a narrow middle, into rows and columns. */
static bool taken_apart(const struct plan *plan, const struct plan_layer *first,
                        const struct plan_layer *second)
{
    bool flat = second->input.flat;
    int64_t middle = width(&second->input, flat);
    bool narrow = middle < width(&first->input, flat) && middle < width(&second->output, flat);
    return narrow || in_groups(plan, first) || in_groups(plan, second) || crossed(first, second);
}

static void advise_product(const struct advice *advice, const struct plan_layer *layer)
{
    const struct plan_layer *first = before(advice->plan, layer);
    if (nature(layer) != LAYER_PRODUCT)
        return;
    while (first && (nature(first) == LAYER_NORM || nature(first) == LAYER_DROPOUT ||
                     nature(first) == LAYER_AVERAGE || nature(first) == LAYER_RESHAPE))
        first = before(advice->plan, first);
    if (first && nature(first) == LAYER_PRODUCT && !taken_apart(advice->plan, first, layer))
        plan_warn(advice->warnings, layer->pointer,
                  "nothing between %s, layer %s, and this %s bends: together they can do no more "
                  "than one of them; an activation is missing",
                  first->kind->name, first->path, layer->kind->name);
}

/* ---- batch normalization ---- */

static bool has_bias(const struct plan_layer *layer)
{
    return nature(layer) == LAYER_PRODUCT && layer->tensors > 1;
}

static int readers(const struct plan *plan, const struct plan_layer *layer)
{
    int count = 0;
    for (int i = 0; i < plan->layer_count; i++)
        count += reads(&plan->layers[i], (int)(layer - plan->layers));
    return count;
}

/* Said once: a network that does it does it everywhere. */
static void advise_bias(const struct advice *advice)
{
    const struct plan_layer *first = NULL;
    int more = 0;
    for (int i = 0; i < advice->plan->layer_count; i++) {
        const struct plan_layer *layer = &advice->plan->layers[i];
        const struct plan_layer *product = before(advice->plan, layer);
        if (nature(layer) != LAYER_NORM || !product || !has_bias(product) ||
            readers(advice->plan, product) > 1)
            continue;
        more += first != NULL;
        first = first ? first : product;
    }
    if (!first)
        return;
    char also[64] = "", pointer[sizeof advice->warnings->items[0].pointer];
    snprintf(pointer, sizeof pointer, "%s", first->pointer);
    pointer_push(pointer, sizeof pointer, "bias");
    if (more > 0)
        snprintf(also, sizeof also, ", here and in %d more layer%s", more, more > 1 ? "s" : "");
    plan_warn(advice->warnings, pointer,
              "the normalization that follows takes this bias away with the mean%s: \"bias\": "
              "false learns the same with fewer parameters",
              also);
}

/* The statistics of one sample are not those of a batch, and one number has no variance at all. */
static void advise_batch(const struct advice *advice)
{
    const struct plan *plan = advice->plan;
    const struct plan_layer *found = NULL;
    int64_t rest = plan->data.train_samples % plan->batch_size;
    bool always = plan->batch_size == 1, last = rest == 1 && !advice->spec->run.drop_last;
    for (int i = 0; i < plan->layer_count && (always || last); i++) {
        const struct plan_layer *layer = &plan->layers[i];
        bool point = layer->input.height * layer->input.width == 1;
        if (nature(layer) == LAYER_NORM && (!found || point))
            found = layer;
    }
    if (!found)
        return;
    bool point = found->input.height * found->input.width == 1;
    plan_warn(advice->warnings, always ? "/batch_size" : "/drop_last",
              "%s holds a single sample, whose own mean and variance %s, layer %s, then takes%s%s",
              always ? "every batch" : "the last batch of an epoch", found->kind->name, found->path,
              point ? ": of one number a channel, so that nothing is left of it" : "",
              always ? "" : "; drop_last leaves that batch out");
}

/* ---- the end ---- */

static void advise_end(const struct advice *advice)
{
    const struct plan_layer *last = &advice->plan->layers[advice->plan->layer_count - 1];
    const struct loss_kind *loss = (const struct loss_kind *)advice->spec->loss.kind;
    while (last && nature(last) == LAYER_RESHAPE)
        last = before(advice->plan, last);
    if (!last)
        return;
    if (nature(last) == LAYER_ACTIVATION && loss->any_scores)
        plan_warn(advice->warnings, last->pointer,
                  "%s is the last layer, but %s wants scores of any sign and size: end with the "
                  "layer before it",
                  last->kind->name, loss->kind.name);
    if (nature(last) == LAYER_DROPOUT)
        plan_warn(advice->warnings, last->pointer,
                  "%s is the last layer: it takes scores away that the loss is about to compare",
                  last->kind->name);
}

void plan_advise(const struct spec *spec, const struct plan *plan, bool whole,
                 struct plan_warnings *warnings)
{
    const struct advice advice = {spec, plan, warnings};
    for (int i = 0; i < plan->layer_count; i++) {
        advise_windows(&advice, &plan->layers[i]);
        advise_activation(&advice, &plan->layers[i]);
        advise_product(&advice, &plan->layers[i]);
    }
    advise_bias(&advice);
    advise_batch(&advice);
    if (whole && plan->layer_count > 0)
        advise_end(&advice);
}
