/* Image fit: brings an image to the shape that somebody needs. Knows nothing of files. */
#ifndef CORE_IMAGE_FIT_H
#define CORE_IMAGE_FIT_H

#include "core/image.h"

/* Grey to three equal channels, or red, green and blue to grey: 0.299 R + 0.587 G + 0.114 B (ITU-R
 * BT.601), rounded. `channels` is 1 or 3. ERROR_MEMORY. */
bool image_set_channels(struct image *image, int64_t channels, struct error *error) MUST_CHECK;

/* Bilinear: each new pixel is the mean of those under a triangle around its centre, which is one
 * pixel wide on each side where the image grows and as wide as what becomes one pixel where it
 * shrinks; beyond the edge there is nothing. Sides are 1 … IMAGE_SIDE_MAX. ERROR_MEMORY. */
bool image_resize(struct image *image, int64_t height, int64_t width,
                  struct error *error) MUST_CHECK;

#endif
