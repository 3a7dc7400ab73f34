/* Crop and rotation against their definitions, pixel by pixel, on images of all sorts of sizes. */
#include "tests/core/support_batch.h"
#include "tests/harness.h"

#include "core/rng.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { SAMPLES = 6, EPOCH = 2, SEED = 9 };

/* The draws of the list's first augmentation. */
static const struct rng draws = {SEED, RNG_AUGMENT, EPOCH};

static uint64_t draw_of(int64_t sample, int which)
{
    return (uint64_t)sample * 64 + (uint64_t)which;
}

/* A pixel of one channel. */
struct channel {
    const uint8_t *pixels;
    int64_t height, width;
};

/* Zero outside. */
static double pixel(const struct channel *channel, int64_t y, int64_t x)
{
    bool inside = y >= 0 && y < channel->height && x >= 0 && x < channel->width;

    return inside ? (double)channel->pixels[y * channel->width + x] : 0;
}

/* What must be at (y, x) of a sample's channel; `options` are the test's own. */
typedef double definition(const struct channel *channel, int64_t sample, const int64_t at[2],
                          const double options[3]);

static void check_defined(const struct shape *shape, const char *words, definition *defined,
                          const double options[3])
{
    struct batch_stage stage;
    int64_t pixels = shape->height * shape->width, i = 0;

    batch_open(&stage, shape, SAMPLES, 4);
    batch_settle(&stage,
                 &(struct batch_words){.normalize = "none", .augment = words, .seed = SEED});
    real *got = batch_numbers(&stage, 0, SAMPLES, EPOCH);
    for (int64_t sample = 0; sample < SAMPLES; sample++)
        for (int64_t c = 0; c < shape->channels; c++) {
            const struct channel channel = {stage.images + (sample * shape->channels + c) * pixels,
                                            shape->height, shape->width};
            for (int64_t at[2] = {0, 0}; at[0] < shape->height; at[0]++)
                for (at[1] = 0; at[1] < shape->width; at[1]++, i++) {
                    double wanted = defined(&channel, sample, at, options);

                    if (!(fabs((double)got[i] - wanted) <= 255 * 2e-7))
                        FAIL("%s: %lld × %lld, sample %lld, (%lld, %lld): %.9g, not %.9g", words,
                             (long long)shape->height, (long long)shape->width, (long long)sample,
                             (long long)at[0], (long long)at[1], (double)got[i], wanted);
                }
        }
    free(got);
    batch_close(&stage);
}

/* ---- random_crop ---- */

static int64_t mirrored(int64_t at, int64_t size)
{
    return at < 0 ? -at : at >= size ? 2 * (size - 1) - at : at;
}

/* Options: both paddings, and whether it reflects. */
static double cropped(const struct channel *channel, int64_t sample, const int64_t at[2],
                      const double options[3])
{
    int64_t from[2];

    for (int axis = 0; axis < 2; axis++)
        from[axis] =
            at[axis] - (int64_t)options[axis] +
            (int64_t)rng_below(&draws, draw_of(sample, axis), (uint32_t)(2 * options[axis] + 1));
    if (options[2] > 0)
        return pixel(channel, mirrored(from[0], channel->height),
                     mirrored(from[1], channel->width));
    return pixel(channel, from[0], from[1]);
}

TEST("a crop shows what lies in the padded image, also where little or nothing of it is left")
{
    static const struct shape shapes[] = {
        {1, 1, 1, 0}, {2, 5, 3, 0}, {1, 28, 28, 0}, {3, 2, 40, 0}, {2, 33, 7, 0}};
    static const int paddings[] = {0, 1, 4, 9, 70};

    for (size_t s = 0; s < sizeof(shapes) / sizeof(*shapes); s++)
        for (int i = 0; i < 25; i++)
            for (int reflect = 0; reflect < 2; reflect++) {
                const double options[3] = {paddings[i / 5], paddings[i % 5], reflect};
                char words[80];

                if (reflect && (options[0] >= (double)shapes[s].height ||
                                options[1] >= (double)shapes[s].width))
                    continue; /* refused: see test_plan_data */
                snprintf(words, sizeof(words), "random_crop padding=%.0f,%.0f padding_mode=%s",
                         options[0], options[1], reflect ? "reflect" : "zeros");
                check_defined(&shapes[s], words, cropped, options);
            }
}

/* ---- random_rotation ---- */

/* Options: the degrees, and whether it mixes neighbours. */
static double turned(const struct channel *channel, int64_t sample, const int64_t at[2],
                     const double options[3])
{
    double angle = (2 * rng_uniform(&draws, draw_of(sample, 0)) - 1) * options[0] * acos(-1) / 180;
    double middle[2] = {(double)(channel->height - 1) / 2, (double)(channel->width - 1) / 2};
    double down = (double)at[0] - middle[0], across = (double)at[1] - middle[1];
    double y = sin(angle) * across + cos(angle) * down + middle[0];
    double x = cos(angle) * across - sin(angle) * down + middle[1];
    double top = floor(y), left = floor(x), sum = 0;

    if (options[1] == 0)
        return pixel(channel, (int64_t)rint(y), (int64_t)rint(x));
    for (int i = 0; i < 4; i++)
        sum += (i / 2 ? y - top : 1 - (y - top)) * (i % 2 ? x - left : 1 - (x - left)) *
               pixel(channel, (int64_t)top + i / 2, (int64_t)left + i % 2);
    return sum;
}

TEST("a turned image shows at every pixel what lies there in the image, however wide it is")
{
    static const struct shape shapes[] = {
        {1, 1, 1, 0}, {2, 5, 3, 0}, {1, 28, 28, 0}, {3, 12, 150, 0}, {1, 90, 64, 0}};
    static const double degrees[] = {3, 45, 180};

    for (size_t s = 0; s < sizeof(shapes) / sizeof(*shapes); s++)
        for (int i = 0; i < 6; i++) {
            const double options[3] = {degrees[i / 2], i % 2, 0};
            char words[80];

            snprintf(words, sizeof(words), "random_rotation degrees=%.0f interpolation=%s",
                     options[0], i % 2 ? "bilinear" : "nearest");
            check_defined(&shapes[s], words, turned, options);
        }
}
