/* Augmentations that black out a part of the image: cutout (DeVries, Taylor, "Improved
 * regularization of convolutional neural networks with Cutout", 2017) and random_erasing, as
 * torchvision's RandomErasing with value 0. */
#include "core/augment.h"
#include "core/layer.h"

#include <stdio.h>
#include <string.h>

/* Rows and columns [first, last) of every channel become zero; what lies outside is cut off. */
struct window {
    int64_t first[2], last[2];
};

static void erase(const struct augment_call *call, const struct window *window)
{
    const struct shape *shape = call->shape;
    const int64_t size[2] = {shape->height, shape->width};
    int64_t first[2], last[2];
    for (int axis = 0; axis < 2; axis++) {
        first[axis] = window->first[axis] > 0 ? window->first[axis] : 0;
        last[axis] = window->last[axis] < size[axis] ? window->last[axis] : size[axis];
    }
    for (int64_t c = 0; c < shape->channels; c++)
        for (int64_t y = first[0]; y < last[0]; y++)
            memset(call->pixels + (c * size[0] + y) * size[1] + first[1], 0,
                   (size_t)(last[1] - first[1]) * sizeof *call->pixels);
}

/* ---- cutout ---- */

struct cutout_options {
    int64_t size[2];
};

/* clang-format off */
static const struct field cutout_rows[] = {
    {.name = "size", .type = FIELD_PAIR, .flags = FIELD_REQUIRED,
     .offset = offsetof(struct cutout_options, size), .min = 1, .max = 4096,
     .help = "height and width of the black part; at the border some of it lies outside"},
};
/* clang-format on */

static void cutout_plan(const struct augment_planning *planning)
{
    const struct cutout_options *o = planning->options;
    const struct shape *shape = planning->shape;
    char pointer[96];

    snprintf(pointer, sizeof pointer, "%s/size", planning->pointer);
    if (o->size[0] > shape->height || o->size[1] > shape->width)
        plan_warn(planning->warnings, pointer,
                  "%lld × %lld is larger than the image of %lld × %lld: little or nothing is left",
                  (long long)o->size[0], (long long)o->size[1], (long long)shape->height,
                  (long long)shape->width);
}

/* The centre may be any pixel, so that each is blacked out about as often. */
static real *cutout_apply(const struct augment_call *call)
{
    const struct cutout_options *o = call->options;
    const int64_t size[2] = {call->shape->height, call->shape->width};
    struct window window;
    for (int axis = 0; axis < 2; axis++) {
        window.first[axis] =
            (int64_t)rng_below(&call->rng, call->draw + (uint64_t)axis, (uint32_t)size[axis]) -
            o->size[axis] / 2;
        window.last[axis] = window.first[axis] + o->size[axis];
    }
    erase(call, &window);
    return call->pixels;
}

const struct augment_kind augment_cutout = {
    .kind = {"cutout",
             "a black rectangle around a random pixel",
             {cutout_rows, COUNT_OF(cutout_rows), sizeof(struct cutout_options)}},
    .plan = cutout_plan,
    .apply = cutout_apply,
};

/* ---- random_erasing ---- */

/* So often a rectangle is drawn until one is smaller than the image; then it is left whole. */
enum { ERASING_ATTEMPTS = 10, ERASING_DRAWS = 4 };
_Static_assert(1 + ERASING_ATTEMPTS * ERASING_DRAWS <= AUGMENT_DRAWS, "draws of a sample's own");

struct erasing_options {
    double p, scale[2], ratio[2];
};

/* clang-format off */
static const struct field erasing_rows[] = {
    {.name = "p", .type = FIELD_REAL, .offset = offsetof(struct erasing_options, p), .min = 0,
     .max = 1, .fallback = 0.5, .help = "probability that a part is erased"},
    {.name = "scale", .type = FIELD_REALS2, .flags = FIELD_ABOVE_MIN,
     .offset = offsetof(struct erasing_options, scale), .min = 0, .max = 1, .fallback = 0.02,
     .fallback2 = 0.33, .help = "smallest and largest share of the image's area"},
    {.name = "ratio", .type = FIELD_REALS2, .offset = offsetof(struct erasing_options, ratio),
     .min = 0.001, .max = 1000, .fallback = 0.3, .fallback2 = 3.3,
     .help = "smallest and largest height divided by width"},
};
/* clang-format on */

static void check_order(const double range[2], const char *pointer, const char *name,
                        struct problems *problems)
{
    char place[96];
    snprintf(place, sizeof place, "%s/%s", pointer, name);
    if (range[0] > range[1])
        problem_add(problems, place, "found %g before %g; want the smaller number first", range[0],
                    range[1]);
}

static void erasing_check(const void *options, const char *pointer, struct problems *problems)
{
    const struct erasing_options *o = options;
    check_order(o->scale, pointer, "scale", problems);
    check_order(o->ratio, pointer, "ratio", problems);
}

static double draw_between(const struct augment_call *call, uint64_t draw, double low, double high)
{
    return low + (high - low) * rng_uniform(&call->rng, call->draw + draw);
}

/* One attempt; false when its rectangle does not fit. */
static bool erasing_window(const struct augment_call *call, uint64_t draw, struct window *out)
{
    const struct erasing_options *o = call->options;
    const int64_t size[2] = {call->shape->height, call->shape->width};
    double area = (double)(size[0] * size[1]) * draw_between(call, draw, o->scale[0], o->scale[1]);
    double ratio = exp(draw_between(call, draw + 1, log(o->ratio[0]), log(o->ratio[1])));
    const double sides[2] = {rint(sqrt(area * ratio)), rint(sqrt(area / ratio))};

    for (int axis = 0; axis < 2; axis++) {
        if (!(sides[axis] < (double)size[axis]))
            return false;
        int64_t side = (int64_t)sides[axis];
        out->first[axis] = rng_below(&call->rng, call->draw + draw + 2 + (uint64_t)axis,
                                     (uint32_t)(size[axis] - side + 1));
        out->last[axis] = out->first[axis] + side;
    }
    return true;
}

static real *erasing_apply(const struct augment_call *call)
{
    struct window window;
    if (rng_uniform(&call->rng, call->draw) >= ((const struct erasing_options *)call->options)->p)
        return call->pixels;
    for (uint64_t i = 0; i < ERASING_ATTEMPTS; i++)
        if (erasing_window(call, 1 + i * ERASING_DRAWS, &window)) {
            erase(call, &window);
            break;
        }
    return call->pixels;
}

const struct augment_kind augment_random_erasing = {
    .kind = {"random_erasing",
             "a black rectangle of random size and place inside the image, at random",
             {erasing_rows, COUNT_OF(erasing_rows), sizeof(struct erasing_options)}},
    .check = erasing_check,
    .apply = erasing_apply,
};
