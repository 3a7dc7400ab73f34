/* Images are brought to another size and to other channels as the definition says. */
#include "core/image_fit.h"
#include "tests/harness.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct image make_image(int64_t channels, int64_t height, int64_t width)
{
    struct image image = {.channels = channels, .height = height, .width = width};
    image.planes = malloc((size_t)(channels * height * width));
    CHECK(image.planes);
    for (int64_t i = 0; i < channels * height * width; i++)
        image.planes[i] = (uint8_t)((i * 97 + i / 7 * 31) % 256);
    return image;
}

/* The share of an old pixel in a new one, before shares are made to sum up to 1. */
static double share(int64_t old, int64_t new, int64_t from, int64_t to)
{
    double scale = (double)from / (double)to, reach = scale > 1 ? scale : 1;
    double away = fabs((double)old + 0.5 - ((double)new + 0.5) * scale) / reach;
    return away < 1 ? 1 - away : 0;
}

/* One pixel by the definition, both directions at once. */
static double pixel(const struct image *image, int64_t channel, const int64_t at[2],
                    const int64_t to[2])
{
    const uint8_t *plane = image->planes + channel * image->height * image->width;
    double sum = 0, weights = 0;
    for (int64_t y = 0; y < image->height; y++)
        for (int64_t x = 0; x < image->width; x++) {
            double weight =
                share(y, at[0], image->height, to[0]) * share(x, at[1], image->width, to[1]);
            sum += weight * plane[y * image->width + x];
            weights += weight;
        }
    return sum / weights;
}

TEST("an image is made larger or smaller by the triangle that the header tells of")
{
    static const int64_t sizes[][2] = {{1, 1}, {5, 7}, {12, 9}, {3, 31}, {40, 2}, {24, 18}};
    struct error error = {0};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct image from = make_image(3, 12, 9), image = make_image(3, 12, 9);
        CHECK(image_resize(&image, sizes[i][0], sizes[i][1], &error));
        CHECK_INT(image.height, sizes[i][0]);
        CHECK_INT(image.width, sizes[i][1]);
        for (int64_t k = 0; k < 3 * sizes[i][0] * sizes[i][1]; k++) {
            int64_t plane = sizes[i][0] * sizes[i][1];
            const int64_t at[2] = {k % plane / sizes[i][1], k % sizes[i][1]};
            double wanted = pixel(&from, k / plane, at, sizes[i]);
            if (fabs(image.planes[k] - wanted) > 0.5 + 1e-3)
                FAIL("%d instead of %g", image.planes[k], wanted);
        }
        image_drop(&from);
        image_drop(&image);
    }
}

TEST("an image of the right size stays as it is, byte for byte")
{
    struct error error = {0};
    struct image from = make_image(3, 12, 9), image = make_image(3, 12, 9);
    CHECK(image_resize(&image, 12, 9, &error) && image_set_channels(&image, 3, &error));
    CHECK(memcmp(image.planes, from.planes, 3 * 12 * 9) == 0);
    image_drop(&from);
    image_drop(&image);
}

TEST("grey becomes three equal channels, and colours become the grey of BT.601")
{
    struct error error = {0};
    struct image grey = make_image(1, 4, 5), colours = make_image(3, 4, 5);
    struct image wide = make_image(1, 4, 5), flat = make_image(3, 4, 5);
    CHECK(image_set_channels(&wide, 3, &error));
    CHECK_INT(wide.channels, 3);
    for (int channel = 0; channel < 3; channel++)
        CHECK(memcmp(wide.planes + 20 * channel, grey.planes, 20) == 0);
    CHECK(image_set_channels(&flat, 1, &error));
    CHECK_INT(flat.channels, 1);
    for (int i = 0; i < 20; i++) {
        double wanted = 0.299 * colours.planes[i] + 0.587 * colours.planes[20 + i] +
                        0.114 * colours.planes[40 + i];
        CHECK(fabs(flat.planes[i] - wanted) <= 0.5 + 1e-9);
    }
    /* What was grey and is grey again has not changed. */
    CHECK(image_set_channels(&wide, 1, &error));
    CHECK(memcmp(wide.planes, grey.planes, 20) == 0);
    image_drop(&grey);
    image_drop(&colours);
    image_drop(&wide);
    image_drop(&flat);
}
