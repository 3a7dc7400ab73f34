/* Image codecs: one row for each kind of image file. Each library is included by one module. */
#ifndef CORE_IMAGE_CODEC_H
#define CORE_IMAGE_CODEC_H

#include "core/image.h"

struct image_file {
    const uint8_t *bytes;
    size_t size;
    const char *name; /* for messages */
};

struct image_codec {
    const char *magic; /* the first bytes of such a file */
    size_t magic_size;
    bool (*decode)(const struct image_file *file, struct image *out, struct error *error);
};

extern const struct image_codec image_png, image_jpeg;

/* Sets the image's shape and takes room for its planes when it is not too large. */
bool image_begin(struct image *image, const struct image *shape, const char *name,
                 struct error *error) MUST_CHECK;
/* Writes one row of `channels` interleaved numbers a pixel to the planes. */
void image_put_row(struct image *image, int64_t row, const uint8_t *numbers);

#endif
