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

/* Some pixels of a row at a time: where each comes from. A tap that lies outside the image is pixel
 * 0 with a share of nothing. */
enum { LANES = 16, PIECE = 4 * LANES, TAPS_MOST = 4 };
struct taps {
    int32_t at[TAPS_MOST][PIECE];
    real share[TAPS_MOST][PIECE];
};

/* The pixel at (y, x), counted from the middle, comes from (sine · x + cosine · y,
 * cosine · x − sine · y): against the clock, y going down. */
struct turn {
    double sine, cosine, middle[2];
    double height, width;
};
struct piece {
    int64_t y, x;
    int count, lanes; /* lanes times LANES: that many or more are looked up */
};

/* The nearest whole number, the even one of two: what rint gives, without a call for each pixel. A
 * double of this size has no digits behind the point. */
static inline double nearest(double number)
{
    return number + 0x1.8p52 - 0x1.8p52;
}

/* What follows has no conditions, so that the loops become vectors: signs do their work. */

/* 1 for positive numbers, 0 for negative ones. */
static inline double is_positive(double number)
{
    return 0.5 + copysign(0.5, number);
}

static inline double below(double number)
{
    double near = nearest(number);
    return near + is_positive(number - near) - 1;
}

/* 1 inside the image, 0 outside, of a whole number. */
static inline double inside(double at, double size)
{
    return is_positive(at + 0.5) * is_positive(size - 0.5 - at);
}

/* Halves go to the even neighbour, as grid_sample's do. */
VECTOR_CLONES static void find_nearest(const struct turn *from, const struct piece *piece,
                                       struct taps *restrict taps)
{
    const struct turn turn = *from;
    double down = (double)piece->y - turn.middle[0], start = (double)piece->x - turn.middle[1];
    for (int k = 0; k < piece->lanes * LANES; k++) {
        double across = start + k;
        double y = nearest(turn.sine * across + turn.cosine * down + turn.middle[0]);
        double x = nearest(turn.cosine * across - turn.sine * down + turn.middle[1]);
        double is = inside(y, turn.height) * inside(x, turn.width);
        taps->at[0][k] = (int32_t)((y * turn.width + x) * is);
        taps->share[0][k] = (real)is;
    }
}

VECTOR_CLONES static void find_neighbours(const struct turn *from, const struct piece *piece,
                                          struct taps *restrict taps)
{
    const struct turn turn = *from;
    double down = (double)piece->y - turn.middle[0], start = (double)piece->x - turn.middle[1];
    for (int k = 0; k < piece->lanes * LANES; k++) {
        double across = start + k;
        double y = turn.sine * across + turn.cosine * down + turn.middle[0];
        double x = turn.cosine * across - turn.sine * down + turn.middle[1];
        double top = below(y), left = below(x), place = top * turn.width + left;
        double rows_in[2] = {inside(top, turn.height), inside(top + 1, turn.height)};
        double columns_in[2] = {inside(left, turn.width), inside(left + 1, turn.width)};
        double lower = y - top, right = x - left, upper = 1 - lower, other = 1 - right;
        double is[TAPS_MOST] = {rows_in[0] * columns_in[0], rows_in[0] * columns_in[1],
                                rows_in[1] * columns_in[0], rows_in[1] * columns_in[1]};
        taps->at[0][k] = (int32_t)(place * is[0]);
        taps->at[1][k] = (int32_t)((place + 1) * is[1]);
        taps->at[2][k] = (int32_t)((place + turn.width) * is[2]);
        taps->at[3][k] = (int32_t)((place + turn.width + 1) * is[3]);
        taps->share[0][k] = (real)(upper * other * is[0]);
        taps->share[1][k] = (real)(upper * right * is[1]);
        taps->share[2][k] = (real)(lower * other * is[2]);
        taps->share[3][k] = (real)(lower * right * is[3]);
    }
}

static void mix(const struct taps *taps, int count, const real *from, real *to, int64_t pixels)
{
    for (int64_t k = 0; k < pixels; k++) {
        real sum = 0;
        for (int tap = 0; tap < count; tap++)
            sum += taps->share[tap][k] * from[taps->at[tap][k]];
        to[k] = sum;
    }
}

static struct turn turn_draw(const struct augment_call *call)
{
    const struct rotation_options *o = call->options;
    const struct shape *shape = call->shape;
    double angle = (2 * rng_uniform(&call->rng, call->draw) - 1) * o->degrees * (PI / 180);
    return (struct turn){
        .sine = sin(angle),
        .cosine = cos(angle),
        .middle = {(double)(shape->height - 1) / 2, (double)(shape->width - 1) / 2},
        .height = (double)shape->height,
        .width = (double)shape->width};
}

static real *apply(const struct augment_call *call)
{
    const struct rotation_options *o = call->options;
    const struct shape *shape = call->shape;
    const struct turn turn = turn_draw(call);
    int64_t pixels = shape->height * shape->width;
    bool nearest_one = o->interpolation == ROTATION_NEAREST;
    struct piece piece;
    struct taps taps;

    for (piece.y = 0; piece.y < shape->height; piece.y++)
        for (piece.x = 0; piece.x < shape->width; piece.x += PIECE) {
            int64_t left = shape->width - piece.x, at = piece.y * shape->width + piece.x;
            piece.count = left < PIECE ? (int)left : PIECE;
            piece.lanes = (piece.count + LANES - 1) / LANES;
            if (nearest_one)
                find_nearest(&turn, &piece, &taps);
            else
                find_neighbours(&turn, &piece, &taps);
            for (int64_t c = 0; c < shape->channels; c++)
                mix(&taps, nearest_one ? 1 : TAPS_MOST, call->pixels + c * pixels,
                    call->spare + c * pixels + at, piece.count);
        }
    return call->spare;
}

const struct augment_kind augment_random_rotation = {
    .kind = {"random_rotation",
             "a turn about the centre by a random angle",
             {rows, COUNT_OF(rows), sizeof(struct rotation_options)}},
    .apply = apply,
};
