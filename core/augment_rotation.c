/* random_rotation: about the image's centre, as torchvision's RandomRotation without `expand`. */
#include "core/augment.h"

#define PI 3.141592653589793238462643383279503

enum rotation_interpolation { ROTATION_NEAREST, ROTATION_BILINEAR };
static const char *const interpolations[] = {"nearest", "bilinear", NULL};

struct rotation_options {
    double degrees;
    int interpolation; /* enum rotation_interpolation */
};

/* clang-format off */
static const struct field rows[] = {
    {.name = "degrees", .type = FIELD_REAL, .flags = FIELD_REQUIRED,
     .offset = offsetof(struct rotation_options, degrees), .min = 0, .max = 180,
     .help = "the angle is drawn from −degrees … degrees"},
    {.name = "interpolation", .type = FIELD_CHOICE,
     .offset = offsetof(struct rotation_options, interpolation), .choices = interpolations,
     .help = "nearest: each pixel is one of the image's; bilinear: a mixture of its four "
             "neighbours. Outside the image there are zeros"},
};
/* clang-format on */

/* Up to four pixels of a channel and their shares. */
struct taps {
    int64_t at[4];
    real share[4];
    int count;
};

static void add_tap(struct taps *taps, const struct shape *shape, const int64_t at[2], double share)
{
    if (at[0] < 0 || at[0] >= shape->height || at[1] < 0 || at[1] >= shape->width)
        return;
    taps->at[taps->count] = at[0] * shape->width + at[1];
    taps->share[taps->count++] = (real)share;
}

/* The nearest whole number, the even one of two: what rint gives, without a call for each pixel. A
 * double of this size has no digits behind the point. */
static double nearest(double number)
{
    return number + 0x1.8p52 - 0x1.8p52;
}

static double below(double number)
{
    double near = nearest(number);
    return near > number ? near - 1 : near;
}

/* What lies at (y, x) of the image. Halves go to the even neighbour, as grid_sample's do. */
static void find_taps(const struct shape *shape, const double at[2], int interpolation,
                      struct taps *taps)
{
    taps->count = 0;
    if (interpolation == ROTATION_NEAREST) {
        add_tap(taps, shape, (int64_t[2]){(int64_t)nearest(at[0]), (int64_t)nearest(at[1])}, 1);
        return;
    }
    double first[2] = {below(at[0]), below(at[1])};
    double share[2] = {at[0] - first[0], at[1] - first[1]}; /* of the second of two neighbours */
    for (int i = 0; i < 2; i++)
        for (int k = 0; k < 2; k++)
            add_tap(taps, shape, (int64_t[2]){(int64_t)first[0] + i, (int64_t)first[1] + k},
                    (i ? share[0] : 1 - share[0]) * (k ? share[1] : 1 - share[1]));
}

static real *apply(const struct augment_call *call)
{
    const struct rotation_options *o = call->options;
    const struct shape *shape = call->shape;
    double angle = (2 * rng_uniform(&call->rng, call->draw) - 1) * o->degrees * (PI / 180);
    double cosine = cos(angle), sine = sin(angle);
    double middle[2] = {(double)(shape->height - 1) / 2, (double)(shape->width - 1) / 2};
    int64_t pixels = shape->height * shape->width;
    real *to = call->spare;

    /* Against the clock, y going down: the pixel at (x, y) comes from (cx − sy, sx + cy). */
    for (int64_t i = 0; i < shape->height; i++)
        for (int64_t k = 0; k < shape->width; k++, to++) {
            double y = (double)i - middle[0], x = (double)k - middle[1];
            const double at[2] = {sine * x + cosine * y + middle[0],
                                  cosine * x - sine * y + middle[1]};
            struct taps taps;
            find_taps(shape, at, o->interpolation, &taps);
            for (int64_t c = 0; c < shape->channels; c++) {
                const real *from = call->pixels + c * pixels;
                real sum = 0;
                for (int tap = 0; tap < taps.count; tap++)
                    sum += taps.share[tap] * from[taps.at[tap]];
                to[c * pixels] = sum;
            }
        }
    return call->spare;
}

const struct augment_kind augment_random_rotation = {
    .kind = {"random_rotation",
             "a turn about the centre by a random angle",
             {rows, COUNT_OF(rows), sizeof(struct rotation_options)}},
    .apply = apply,
};
