/* Image: which codec, and what all of them need. Knows no codec by name but their rows. */
#include "core/image_codec.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const struct image_codec *const codecs[] = {&image_png, &image_jpeg};

bool image_decode(const uint8_t *bytes, size_t size, const char *name, struct image *out,
                  struct error *error)
{
    const struct image_file file = {.bytes = bytes, .size = size, .name = name};

    *out = (struct image){0};
    for (size_t i = 0; i < sizeof(codecs) / sizeof(codecs[0]); i++) {
        const struct image_codec *codec = codecs[i];

        if (size < codec->magic_size || memcmp(bytes, codec->magic, codec->magic_size) != 0)
            continue;
        if (codec->decode(&file, out, error))
            return true;
        image_drop(out);
        return false;
    }
    return error_set(error, ERROR_CORRUPT, name, "this is neither a PNG nor a JPEG image");
}

void image_drop(struct image *image)
{
    free(image->planes);
    *image = (struct image){0};
}

bool image_begin(struct image *image, const struct image *shape, const char *name,
                 struct error *error)
{
    if (shape->width > IMAGE_SIDE_MAX || shape->height > IMAGE_SIDE_MAX)
        return error_set(error, ERROR_TOO_LARGE, name,
                         "the image is %" PRId64 "×%" PRId64 " pixels; at most %d×%d are read",
                         shape->width, shape->height, IMAGE_SIDE_MAX, IMAGE_SIDE_MAX);
    image->channels = shape->channels;
    image->height = shape->height;
    image->width = shape->width;
    image->planes = malloc((size_t)(image->channels * image->height * image->width));
    return image->planes != NULL ||
           error_set(error, ERROR_MEMORY, name, "no memory for an image of %" PRId64 "×%" PRId64,
                     shape->width, shape->height);
}

void image_put_row(struct image *image, int64_t row, const uint8_t *numbers)
{
    for (int64_t channel = 0; channel < image->channels; channel++) {
        uint8_t *to = image->planes + (channel * image->height + row) * image->width;

        for (int64_t x = 0; x < image->width; x++)
            to[x] = numbers[x * image->channels + channel];
    }
}
