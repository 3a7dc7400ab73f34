/* Tiles: many small maps of numbers side by side as one image, for people. Knows nothing of what
 * the numbers are. */
#ifndef CORE_TILES_H
#define CORE_TILES_H

#include "core/image.h"

/* count × channels × height × width numbers, each count one tile. */
struct tiles {
    const float *numbers;
    int64_t count, channels; /* channels: 1 grey, 3 red, green, blue */
    int64_t height, width;
    int64_t columns; /* tiles of a row; 0: about as many as there are rows */
};

/* All tiles on one scale: the smallest number is black, the largest white; one that is no number is
 * black. Tiles are one pixel apart, in the middle grey. ERROR_TOO_LARGE when a side would be longer
 * than IMAGE_SIDE_MAX; ERROR_MEMORY. image_drop it. */
bool tiles_draw(const struct tiles *tiles, struct image *out, struct error *error) MUST_CHECK;

#endif
