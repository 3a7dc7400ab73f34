/* Maps of numbers side by side as one picture. */
#include "core/tiles.h"
#include "tests/harness.h"

#include <math.h>
#include <string.h>

static uint8_t at(const struct image *image, int64_t channel, int64_t y, int64_t x)
{
    return image->planes[(channel * image->height + y) * image->width + x];
}

TEST("tiles stand in rows, one pixel apart, all on one scale from black to white")
{
    static const float numbers[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, NAN, 10};
    const struct tiles tiles = {
        .numbers = numbers, .count = 3, .channels = 1, .height = 2, .width = 2, .columns = 2};
    struct error error = {0};
    struct image image;
    CHECK(tiles_draw(&tiles, &image, &error));
    CHECK_INT(image.channels, 1);
    CHECK_INT(image.height, 5);
    CHECK_INT(image.width, 5);
    CHECK_INT(at(&image, 0, 0, 0), 0);
    CHECK_INT(at(&image, 0, 1, 1), (int)(3 / 10.0 * 255 + 0.5));
    CHECK_INT(at(&image, 0, 0, 2), 128); /* between them */
    CHECK_INT(at(&image, 0, 1, 3), (int)(6 / 10.0 * 255 + 0.5));
    CHECK_INT(at(&image, 0, 4, 0), 0); /* no number */
    CHECK_INT(at(&image, 0, 4, 1), 255);
    CHECK_INT(at(&image, 0, 4, 4), 128); /* no tile */
    image_drop(&image);
}

TEST("three channels of a tile are its colours")
{
    static const float numbers[] = {0, 5, 10, 2.5f, 7.5f, 0};
    const struct tiles tiles = {
        .numbers = numbers, .count = 2, .channels = 3, .height = 1, .width = 1};
    struct error error = {0};
    struct image image;
    CHECK(tiles_draw(&tiles, &image, &error));
    CHECK_INT(image.channels, 3);
    CHECK_INT(image.height * image.width, 3);
    CHECK_INT(image.planes[0], 0);
    CHECK_INT(image.planes[3], 128);
    CHECK_INT(image.planes[6], 255);
    CHECK_INT(image.planes[2], 64);
    image_drop(&image);
}

TEST("numbers that are all the same are grey, and a picture that is too large is refused")
{
    static const float same[] = {3, 3, 3, 3}, wide[IMAGE_SIDE_MAX + 1] = {0};
    const struct tiles flat = {.numbers = same, .count = 4, .channels = 1, .height = 1, .width = 1};
    const struct tiles large = {
        .numbers = wide, .count = 1, .channels = 1, .height = 1, .width = IMAGE_SIDE_MAX + 1};
    struct error error = {0};
    struct image image;
    CHECK(tiles_draw(&flat, &image, &error));
    for (int64_t i = 0; i < image.height * image.width; i++)
        CHECK_INT(image.planes[i], 128);
    image_drop(&image);
    CHECK(!tiles_draw(&large, &image, &error));
    CHECK_INT(error.kind, ERROR_TOO_LARGE);
    CHECK(!image.planes);
}
