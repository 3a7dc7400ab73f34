/* Picture: see dataset_picture.h. */
#include "core/dataset_picture.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Each pixel of a plane `factor` times in both directions. */
static void put_plane(const uint8_t *plane, const struct shape *sample, int64_t factor, uint8_t *to)
{
    int64_t width = sample->width * factor;

    for (int64_t y = 0; y < sample->height; y++) {
        for (int64_t x = 0; x < width; x++)
            to[x] = plane[y * sample->width + x / factor];
        for (int64_t again = 1; again < factor; again++)
            memcpy(to + again * width, to, (size_t)width);
        to += factor * width;
    }
}

static void stretch(const float *reals, int64_t count, uint8_t *out)
{
    float low = reals[0], high = reals[0];

    for (int64_t i = 1; i < count; i++) {
        low = fminf(low, reals[i]);
        high = fmaxf(high, reals[i]);
    }
    /* Halves, so that no difference is infinite. */
    float span = high / 2 - low / 2;

    for (int64_t i = 0; i < count; i++)
        out[i] = span > 0 ? (uint8_t)lrintf((reals[i] / 2 - low / 2) / span * 255) : 0;
}

/* The shown channels of the sample as bytes; malloc'ed. */
static uint8_t *take_bytes(const struct dataset_split *split, const struct shape *sample,
                           int64_t index, int64_t channels)
{
    int64_t count = channels * sample->height * sample->width;
    int64_t at = index * shape_elements(sample);
    uint8_t *bytes = malloc((size_t)count);

    if (bytes != NULL && split->reals != NULL)
        stretch(split->reals + at, count, bytes);
    else if (bytes != NULL)
        memcpy(bytes, split->images + at, (size_t)count);
    return bytes;
}

bool dataset_picture(const struct dataset *dataset, const struct dataset_split *split,
                     int64_t index, int64_t factor, struct image *out, struct error *error)
{
    const struct shape *sample = &dataset_shape(dataset)->sample;
    int64_t plane = sample->height * sample->width;
    uint8_t *bytes;

    *out = (struct image){.channels = sample->channels < 3 ? 1 : 3,
                          .height = sample->height * factor,
                          .width = sample->width * factor};
    if (index < 0 || index >= split->count)
        return error_set(error, ERROR_NOT_FOUND, "",
                         "there is no sample %" PRId64 "; this split has %" PRId64
                         ", counted from 0",
                         index, split->count);
    bytes = take_bytes(split, sample, index, out->channels);
    out->planes = malloc((size_t)(out->channels * out->height * out->width));
    for (int64_t channel = 0; bytes && out->planes && channel < out->channels; channel++)
        put_plane(bytes + channel * plane, sample, factor,
                  out->planes + channel * out->height * out->width);
    if (bytes != NULL && out->planes != NULL) {
        free(bytes);
        return true;
    }
    free(bytes);
    image_drop(out);
    return error_set(error, ERROR_MEMORY, "", "no memory for a picture");
}
