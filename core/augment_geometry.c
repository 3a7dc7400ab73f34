/* Augmentations that move whole rows: crop and flips, as torchvision's RandomCrop (to the image's
 * own size), RandomHorizontalFlip and RandomVerticalFlip. */
#include "core/augment.h"
#include "core/layer.h"

#include <stdio.h>
#include <string.h>

/* ---- random_crop ---- */

enum crop_padding_mode { CROP_ZEROS, CROP_REFLECT };
static const char *const crop_padding_modes[] = {"zeros", "reflect", NULL};

struct crop_options {
    int64_t padding[2];
    int padding_mode; /* enum crop_padding_mode */
};

/* clang-format off */
static const struct field crop_rows[] = {
    {.name = "padding", .type = FIELD_PAIR, .flags = FIELD_REQUIRED,
     .offset = offsetof(struct crop_options, padding), .min = 0, .max = 4096,
     .help = "pixels added on each side before a part of the image's own size is cut out"},
    {.name = "padding_mode", .type = FIELD_CHOICE,
     .offset = offsetof(struct crop_options, padding_mode), .choices = crop_padding_modes,
     .help = "zeros: black; reflect: the image mirrored at its outermost pixels"},
};
/* clang-format on */

static void crop_plan(const struct augment_planning *planning)
{
    const struct crop_options *o = planning->options;
    long long height = planning->shape->height, width = planning->shape->width;
    char pointer[96];

    if (o->padding[0] < height && o->padding[1] < width)
        return;
    snprintf(pointer, sizeof pointer, "%s/padding", planning->pointer);
    if (o->padding_mode == CROP_REFLECT)
        problem_add(planning->problems, pointer,
                    "a padding of %lld × %lld would mirror more than the image of %lld × %lld has",
                    (long long)o->padding[0], (long long)o->padding[1], height, width);
    else
        plan_warn(planning->warnings, pointer,
                  "some crops with a padding of %lld × %lld will show nothing of the image of "
                  "%lld × %lld",
                  (long long)o->padding[0], (long long)o->padding[1], height, width);
}

/* Where position `at` of an axis comes from that is padded on both sides; −1: a zero. */
static int64_t crop_source(int64_t at, int64_t size, int padding_mode)
{
    if (at >= 0 && at < size)
        return at;
    if (padding_mode == CROP_ZEROS)
        return -1;
    return at < 0 ? -at : 2 * (size - 1) - at;
}

static int64_t clamp(int64_t value, int64_t low, int64_t high)
{
    return value < low ? low : value > high ? high : value;
}

/* to[x] = from[x + shift] in a padded row. */
static void crop_row(const real *from, real *to, int64_t width, int64_t shift, int padding_mode)
{
    int64_t first = clamp(-shift, 0, width), last = clamp(width - shift, first, width);
    memcpy(to + first, from + first + shift, (size_t)(last - first) * sizeof *to);
    for (int64_t x = 0; x < width; x++) {
        if (x == first)
            x = last; /* what lies between is there already */
        if (x == width)
            break;
        int64_t source = crop_source(x + shift, width, padding_mode);
        to[x] = source < 0 ? 0 : from[source];
    }
}

static real *crop_apply(const struct augment_call *call)
{
    const struct crop_options *o = call->options;
    const struct shape *shape = call->shape;
    int64_t shift[2];
    for (int axis = 0; axis < 2; axis++)
        shift[axis] = (int64_t)rng_below(&call->rng, call->draw + (uint64_t)axis,
                                         (uint32_t)(2 * o->padding[axis] + 1)) -
                      o->padding[axis];
    for (int64_t c = 0; c < shape->channels; c++)
        for (int64_t y = 0; y < shape->height; y++) {
            int64_t source = crop_source(y + shift[0], shape->height, o->padding_mode);
            real *to = call->spare + (c * shape->height + y) * shape->width;
            if (source < 0)
                memset(to, 0, (size_t)shape->width * sizeof *to);
            else
                crop_row(call->pixels + (c * shape->height + source) * shape->width, to,
                         shape->width, shift[1], o->padding_mode);
        }
    return call->spare;
}

const struct augment_kind augment_random_crop = {
    .kind = {"random_crop",
             "a part of the padded image, anywhere, of the image's own size",
             {crop_rows, COUNT_OF(crop_rows), sizeof(struct crop_options)}},
    .plan = crop_plan,
    .apply = crop_apply,
};

/* ---- flips ---- */

struct flip_options {
    double p;
};

/* clang-format off */
static const struct field flip_rows[] = {
    {.name = "p", .type = FIELD_REAL, .offset = offsetof(struct flip_options, p), .min = 0,
     .max = 1, .fallback = 0.5, .help = "probability that an image is turned over"},
};
/* clang-format on */

static bool flip_wanted(const struct augment_call *call)
{
    return rng_uniform(&call->rng, call->draw) < ((const struct flip_options *)call->options)->p;
}

VECTOR_CLONES static void mirror(const real *restrict from, real *restrict to, int64_t width)
{
    for (int64_t x = 0; x < width; x++)
        to[x] = from[width - 1 - x];
}

static real *horizontal_apply(const struct augment_call *call)
{
    const struct shape *shape = call->shape;
    if (!flip_wanted(call))
        return call->pixels;
    for (int64_t row = 0; row < shape->channels * shape->height; row++)
        mirror(call->pixels + row * shape->width, call->spare + row * shape->width, shape->width);
    return call->spare;
}

static real *vertical_apply(const struct augment_call *call)
{
    const struct shape *shape = call->shape;
    if (!flip_wanted(call))
        return call->pixels;
    for (int64_t c = 0; c < shape->channels; c++)
        for (int64_t y = 0; y < shape->height; y++)
            memcpy(call->spare + (c * shape->height + y) * shape->width,
                   call->pixels + (c * shape->height + shape->height - 1 - y) * shape->width,
                   (size_t)shape->width * sizeof *call->spare);
    return call->spare;
}

const struct augment_kind augment_random_horizontal_flip = {
    .kind = {"random_horizontal_flip",
             "left becomes right at random",
             {flip_rows, COUNT_OF(flip_rows), sizeof(struct flip_options)}},
    .apply = horizontal_apply,
};

const struct augment_kind augment_random_vertical_flip = {
    .kind = {"random_vertical_flip",
             "top becomes bottom at random",
             {flip_rows, COUNT_OF(flip_rows), sizeof(struct flip_options)}},
    .apply = vertical_apply,
};
