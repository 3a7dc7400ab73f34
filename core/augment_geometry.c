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

/* How a channel of height × width is cut: what is at (y, x) comes from (y + shift[0], x + shift[1])
 * of the padded one. Rows [rows[0], rows[1]) come from rows of the image, columns the same. */
struct crop {
    int64_t height, width, shift[2], rows[2], columns[2];
    int padding_mode;
};

static struct crop crop_draw(const struct augment_call *call)
{
    const struct crop_options *o = call->options;
    struct crop crop = {.height = call->shape->height,
                        .width = call->shape->width,
                        .padding_mode = o->padding_mode};
    for (int axis = 0; axis < 2; axis++)
        crop.shift[axis] = (int64_t)rng_below(&call->rng, call->draw + (uint64_t)axis,
                                              (uint32_t)(2 * o->padding[axis] + 1)) -
                           o->padding[axis];
    crop.rows[0] = clamp(-crop.shift[0], 0, crop.height);
    crop.rows[1] = clamp(crop.height - crop.shift[0], crop.rows[0], crop.height);
    crop.columns[0] = clamp(-crop.shift[1], 0, crop.width);
    crop.columns[1] = clamp(crop.width - crop.shift[1], crop.columns[0], crop.width);
    return crop;
}

/* Columns [first, last) of the rows from inside. Down a column, as there are few of them. */
static void crop_side(const struct crop *crop, const real *from, real *to, int64_t first,
                      int64_t last)
{
    int64_t width = crop->width;
    for (int64_t x = first; x < last; x++) {
        int64_t source = crop_source(x + crop->shift[1], width, crop->padding_mode);
        for (int64_t y = crop->rows[0]; source < 0 && y < crop->rows[1]; y++)
            to[y * width + x] = 0;
        for (int64_t y = crop->rows[0]; source >= 0 && y < crop->rows[1]; y++)
            to[y * width + x] = from[(y + crop->shift[0]) * width + source];
    }
}

/* Rows [first, last), which come from outside. */
static void crop_outside(const struct crop *crop, const real *from, real *to, int64_t first,
                         int64_t last)
{
    int64_t width = crop->width;
    if (crop->padding_mode == CROP_ZEROS) {
        memset(to + first * width, 0, (size_t)((last - first) * width) * sizeof *to);
        return;
    }
    for (int64_t y = first; y < last; y++) {
        int64_t row = crop_source(y + crop->shift[0], crop->height, CROP_REFLECT);
        for (int64_t x = 0; x < width; x++)
            to[y * width + x] =
                from[row * width + crop_source(x + crop->shift[1], width, CROP_REFLECT)];
    }
}

/* What comes from inside is one piece of memory, with wrong numbers where one row ends and the next
 * begins; then these get theirs. */
static void crop_channel(const struct crop *crop, const real *from, real *to)
{
    int64_t height = crop->height, width = crop->width, pixels = height * width;
    int64_t shift = crop->shift[0] * width + crop->shift[1];
    int64_t first = crop->rows[0] * width, last = crop->rows[1] * width;
    first = first > -shift ? first : -shift;
    last = last < pixels - shift ? last : pixels - shift;
    if (first < last)
        memcpy(to + first, from + first + shift, (size_t)(last - first) * sizeof *to);
    crop_side(crop, from, to, 0, crop->columns[0]);
    crop_side(crop, from, to, crop->columns[1], width);
    crop_outside(crop, from, to, 0, crop->rows[0]);
    crop_outside(crop, from, to, crop->rows[1], height);
}

static real *crop_apply(const struct augment_call *call)
{
    struct crop crop = crop_draw(call);
    int64_t pixels = crop.height * crop.width;
    for (int64_t c = 0; c < call->shape->channels; c++)
        crop_channel(&crop, call->pixels + c * pixels, call->spare + c * pixels);
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

VECTOR_CLONES static void mirror(const real *restrict from, real *restrict to, int64_t rows,
                                 int64_t width)
{
    for (int64_t row = 0; row < rows; row++, from += width, to += width)
        for (int64_t x = 0; x < width; x++)
            to[x] = from[width - 1 - x];
}

static real *horizontal_apply(const struct augment_call *call)
{
    const struct shape *shape = call->shape;
    if (!flip_wanted(call))
        return call->pixels;
    mirror(call->pixels, call->spare, shape->channels * shape->height, shape->width);
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
