/* Image: a PNG or JPEG file as planes of bytes, 0 … 255, and planes as a PNG file. Knows nothing of
 * data sets, and nothing of colour profiles or of the orientation that a camera notes down: the
 * numbers are those that stand in the file.
 *
 * Grey files give one channel, all others red, green, blue. Palettes are looked up, small and
 * 16-bit samples scaled to 8 bits. Transparent pixels have no colour of their own and are refused,
 * and so is CMYK. The file is hostile: sizes are judged by its header before memory is taken. */
#ifndef CORE_IMAGE_H
#define CORE_IMAGE_H

#include "core/error.h"

#include <stdint.h>

enum { IMAGE_SIDE_MAX = 4096 };

struct image {
    int64_t channels; /* 1 or 3 */
    int64_t height, width;
    uint8_t *planes; /* channels × height × width, row-major; image_drop frees it */
};

/* Tells PNG from JPEG by the first bytes. `name` is for messages. ERROR_CORRUPT when it is neither
 * or damaged, ERROR_TOO_LARGE, ERROR_UNSUPPORTED, ERROR_MEMORY. */
bool image_decode(const uint8_t *bytes, size_t size, const char *name, struct image *out,
                  struct error *error) MUST_CHECK;
void image_drop(struct image *image); /* a zeroed one is allowed */

/* The image as a PNG file, 8 bits a sample; *out is malloc'ed. ERROR_MEMORY. */
bool image_encode_png(const struct image *image, uint8_t **out, size_t *size,
                      struct error *error) MUST_CHECK;

#endif
