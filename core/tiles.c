/* Tiles: see tiles.h. */
#include "core/tiles.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { GAP = 1, GAP_GREY = 128 };

static int64_t columns_of(const struct tiles *tiles)
{
    int64_t columns = tiles->columns;
    if (columns == 0) {
        double area = (double)tiles->count * (double)(tiles->height + GAP);
        columns = (int64_t)ceil(sqrt(area / (double)(tiles->width + GAP)));
    }
    return columns < 1 ? 1 : columns > tiles->count ? tiles->count : columns;
}

/* Of all numbers that are some. */
static void find_range(const struct tiles *tiles, float range[2])
{
    int64_t all = tiles->count * tiles->channels * tiles->height * tiles->width;
    range[0] = INFINITY;
    range[1] = -INFINITY;
    for (int64_t i = 0; i < all; i++) {
        float value = tiles->numbers[i];
        if (!isfinite(value))
            continue;
        range[0] = value < range[0] ? value : range[0];
        range[1] = value > range[1] ? value : range[1];
    }
}

/* In double: the range itself may be larger than any float. */
static uint8_t shade(float value, const float range[2])
{
    double low = (double)range[0], high = (double)range[1];
    if (!isfinite(value))
        return 0;
    return high > low ? (uint8_t)(((double)value - low) / (high - low) * 255 + 0.5) : GAP_GREY;
}

static void draw_tile(const struct tiles *tiles, int64_t index, int64_t columns,
                      const float range[2], struct image *out)
{
    int64_t top = index / columns * (tiles->height + GAP);
    int64_t left = index % columns * (tiles->width + GAP), plane = tiles->height * tiles->width;
    for (int64_t channel = 0; channel < tiles->channels; channel++) {
        const float *from = tiles->numbers + (index * tiles->channels + channel) * plane;
        uint8_t *to = out->planes + channel * out->height * out->width;
        for (int64_t y = 0; y < tiles->height; y++)
            for (int64_t x = 0; x < tiles->width; x++)
                to[(top + y) * out->width + left + x] = shade(from[y * tiles->width + x], range);
    }
}

bool tiles_draw(const struct tiles *tiles, struct image *out, struct error *error)
{
    int64_t columns = columns_of(tiles), rows = (tiles->count + columns - 1) / columns;
    float range[2];
    *out = (struct image){.channels = tiles->channels,
                          .height = rows * (tiles->height + GAP) - GAP,
                          .width = columns * (tiles->width + GAP) - GAP};
    if (out->height > IMAGE_SIDE_MAX || out->width > IMAGE_SIDE_MAX)
        return error_set(error, ERROR_TOO_LARGE, "",
                         "the picture would have sides of more than %d pixels", IMAGE_SIDE_MAX);
    size_t size = (size_t)(out->channels * out->height * out->width);
    out->planes = malloc(size);
    if (!out->planes)
        return error_set(error, ERROR_MEMORY, "", "no memory for an image");
    memset(out->planes, GAP_GREY, size);
    find_range(tiles, range);
    for (int64_t i = 0; i < tiles->count; i++)
        draw_tile(tiles, i, columns, range, out);
    return true;
}
