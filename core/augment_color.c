/* Augmentations that change values and leave pixels where they are: random_brightness and
 * random_contrast, as torchvision's ColorJitter with `brightness` or `contrast` alone. */
#include "core/augment.h"

struct color_options {
    double factor;
};

/* clang-format off */
static const struct field rows[] = {
    {.name = "factor", .type = FIELD_REAL, .offset = offsetof(struct color_options, factor),
     .min = 0, .max = 100, .fallback = 0.2,
     .help = "the change is drawn from max(0, 1 − factor) … 1 + factor; 1 leaves the image alone"},
};
/* clang-format on */

static double draw_change(const struct augment_call *call)
{
    double factor = ((const struct color_options *)call->options)->factor;
    double low = factor < 1 ? 1 - factor : 0;
    return low + (1 + factor - low) * rng_uniform(&call->rng, call->draw);
}

/* x · factor + offset, kept between the bounds. */
struct blend {
    real factor, offset, lowest, highest;
};

VECTOR_CLONES static void blend(real *x, int64_t count, const struct blend *by)
{
    real factor = by->factor, offset = by->offset, lowest = by->lowest, highest = by->highest;
    for (int64_t i = 0; i < count; i++) {
        real value = factor * x[i] + offset;
        value = value < lowest ? lowest : value;
        x[i] = value > highest ? highest : value;
    }
}

static real *brightness_apply(const struct augment_call *call)
{
    const struct blend by = {(real)draw_change(call), 0, call->lowest, call->highest};
    blend(call->pixels, shape_elements(call->shape), &by);
    return call->pixels;
}

/* Sums of bytes are exact, in any order. */
VECTOR_CLONES static double sum_pixels(const real *pixels, int64_t count)
{
    double lanes[16] = {0}, rest = 0;
    int64_t whole = count / 16 * 16;
    for (int64_t i = 0; i < whole; i += 16)
        for (int64_t lane = 0; lane < 16; lane++)
            lanes[lane] += (double)pixels[i + lane];
    for (int64_t i = whole; i < count; i++)
        rest += (double)pixels[i];
    for (int lane = 0; lane < 16; lane++)
        rest += lanes[lane];
    return rest;
}

/* The image's mean grey: of three channels by their share of what an eye sees (ITU-R BT.601), as
 * torchvision's; of any other number alike. */
static double mean_grey(const struct augment_call *call)
{
    static const double shares[3] = {0.2989, 0.587, 0.114};
    int64_t channels = call->shape->channels, pixels = call->shape->height * call->shape->width;
    double grey = 0;
    for (int64_t c = 0; c < channels; c++) {
        double sum = sum_pixels(call->pixels + c * pixels, pixels);
        grey += sum * (channels == 3 ? shares[c] : 1 / (double)channels);
    }
    return grey / (double)pixels;
}

static real *contrast_apply(const struct augment_call *call)
{
    double change = draw_change(call);
    const struct blend by = {(real)change, (real)((1 - change) * mean_grey(call)), call->lowest,
                             call->highest};
    blend(call->pixels, shape_elements(call->shape), &by);
    return call->pixels;
}

const struct augment_kind augment_random_brightness = {
    .kind = {"random_brightness",
             "every pixel times one random number",
             {rows, COUNT_OF(rows), sizeof(struct color_options)}},
    .flat_too = true,
    .apply = brightness_apply,
};

const struct augment_kind augment_random_contrast = {
    .kind = {"random_contrast",
             "every pixel's distance from the mean grey times one random number",
             {rows, COUNT_OF(rows), sizeof(struct color_options)}},
    .flat_too = true,
    .apply = contrast_apply,
};
