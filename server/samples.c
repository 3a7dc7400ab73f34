/* Samples: which types are read, and those that are not JSON. */
#include "server/samples.h"

#include "core/image_codec.h"
#include "core/image_fit.h"
#include "core/npy.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { TEXT_BYTES_MAX = 32 << 20, IMAGE_BYTES_MAX = 32 << 20 };

void samples_drop(struct samples *samples)
{
    free(samples->images);
    free(samples->reals);
    free(samples->labels);
    *samples = (struct samples){.images = NULL};
}

/* What is at hand while a body is read. */
struct reading {
    const struct samples_wish *wish;
    struct stream *stream;
    struct samples *out;
    struct problems *problems;
};

/* ---- one image ---- */

/* To the network's channels, and to its size where that is wanted. */
static bool fit_image(const struct samples_wish *wish, struct image *image, struct error *error)
{
    const struct shape *shape = &wish->shape;

    if (wish->real_pixels)
        return error_set(error, ERROR_INVALID, "",
                         "the network has learned from real numbers, whose scale an image does not "
                         "tell; send them as application/x-npy or application/json");
    if (shape->channels != 1 && shape->channels != 3)
        return error_set(error, ERROR_INVALID, "",
                         "the network takes %" PRId64 " channels, an image has 1 or 3; send them "
                         "as application/x-npy or application/json",
                         shape->channels);
    if (!wish->resize && (image->height != shape->height || image->width != shape->width))
        return error_set(error, ERROR_INVALID, "",
                         "the image has %" PRId64 "×%" PRId64 " pixels (width × height), the "
                         "network takes %" PRId64 "×%" PRId64 "; ?resize=true brings it to that "
                         "size",
                         image->width, image->height, shape->width, shape->height);
    return image_set_channels(image, shape->channels, error) &&
           image_resize(image, shape->height, shape->width, error);
}

static bool read_image(const struct reading *reading, const struct image_codec *codec,
                       const char *noun, struct error *error)
{
    struct image image = {0};
    uint8_t *bytes = NULL;
    size_t size = 0;

    if (!stream_take_all(reading->stream, IMAGE_BYTES_MAX, &bytes, &size, error))
        return false;
    bool good = size >= codec->magic_size && memcmp(bytes, codec->magic, codec->magic_size) == 0;
    if (!good)
        error_set(error, ERROR_INVALID, "", "the body is no %s image", noun);
    good = good && image_decode(bytes, size, "", &image, error) &&
           fit_image(reading->wish, &image, error);
    free(bytes);
    if (!good) {
        image_drop(&image);
        return false;
    }
    reading->out->images = image.planes;
    reading->out->split.count = 1;
    return true;
}

static bool read_png(const struct reading *reading, struct error *error)
{
    return read_image(reading, &image_png, "PNG", error);
}

static bool read_jpeg(const struct reading *reading, struct error *error)
{
    return read_image(reading, &image_jpeg, "JPEG", error);
}

/* ---- an array file ---- */

static bool refuse_shape(const struct samples_wish *wish, const struct npy_header *header,
                         struct error *error)
{
    char found[NPY_DIMS_MAX * 22] = "a lone number";
    size_t used = 0;

    for (int i = 0; i < header->dims; i++)
        used += (size_t)snprintf(found + used, sizeof(found) - used, "%s%" PRId64, i > 0 ? "×" : "",
                                 header->size[i]);
    return error_set(error, ERROR_INVALID, "",
                     "the array is %s; the network takes N×%" PRId64 "×%" PRId64 "×%" PRId64
                     " (samples, channels, rows, columns)",
                     found, wish->shape.channels, wish->shape.height, wish->shape.width);
}

/* N × C × H × W, or without what is 1. *count: N. */
static bool count_samples(const struct samples_wish *wish, const struct npy_header *header,
                          int64_t *count, struct error *error)
{
    const int64_t sides[] = {wish->shape.channels, wish->shape.height, wish->shape.width};
    int own = wish->shape.channels == 1 && header->dims < 4 ? 2 : 3; /* dimensions of a sample */

    if (header->dims != own && header->dims != own + 1)
        return refuse_shape(wish, header, error);
    for (int i = 0; i < own; i++)
        if (header->size[header->dims - own + i] != sides[3 - own + i])
            return refuse_shape(wish, header, error);
    *count = header->dims > own ? header->size[0] : 1;
    if (*count == 0)
        return error_set(error, ERROR_INVALID, "", "the array holds no samples");
    return *count <= SAMPLES_MAX ||
           error_set(error, ERROR_TOO_LARGE, "",
                     "there are %" PRId64 " samples; at most %d are taken at once", *count,
                     SAMPLES_MAX);
}

static bool check_reals(const struct reading *reading, int64_t count, struct error *error)
{
    int64_t size = shape_elements(&reading->wish->shape);

    for (int64_t i = 0; i < count; i++) {
        double value = (double)reading->out->reals[i];

        if (!isfinite(value))
            return error_set(error, ERROR_INVALID, "", "sample %" PRId64 " holds %s", i / size,
                             isnan(value) ? "NaN" : "an infinite number");
        if (!reading->wish->real_pixels && (value < 0 || value > 255))
            return error_set(error, ERROR_INVALID, "",
                             "sample %" PRId64 " holds %g; the network has learned from pixels of "
                             "0 … 255, and wants them before any normalization",
                             i / size, value);
    }
    return true;
}

static bool read_npy(const struct reading *reading, struct error *error)
{
    struct samples *out = reading->out;
    struct npy_header header;
    uint8_t *numbers;

    if (!npy_read_header(reading->stream, &header, error) ||
        !count_samples(reading->wish, &header, &out->split.count, error))
        return false;
    bool reals = header.kind == NPY_REAL && header.item == 4;
    if (!reals && (header.kind != NPY_UNSIGNED || header.item != 1))
        return error_set(error, ERROR_INVALID, "",
                         "the array is %s; uint8 and float32 are taken: array.astype(\"float32\")",
                         npy_type_name(&header));
    int64_t count = saturating_product(out->split.count, shape_elements(&reading->wish->shape));
    if (!stream_take(reading->stream, saturating_product(count, header.item), &numbers, error))
        return false;
    if (!reals) {
        out->images = numbers;
        return true;
    }
    out->reals = (float *)(void *)numbers; /* malloc'ed: aligned for anything */
    npy_order(&header, out->reals, count);
    return check_reals(reading, count, error);
}

static bool read_json(const struct reading *reading, struct error *error)
{
    uint8_t *text = NULL;
    size_t size = 0;

    if (!stream_take_all(reading->stream, TEXT_BYTES_MAX, &text, &size, error))
        return false;
    bool good = samples_from_json(reading->wish, (const char *)text, size, reading->out,
                                  reading->problems, error);
    free(text);
    return good;
}

/* ---- all of them ---- */

/* clang-format off */
const char *const samples_types[] = {
    "image/png", "image/jpeg", "application/x-npy", "application/json", NULL,
};
static const struct {
    bool (*read)(const struct reading *reading, struct error *error);
    bool words; /* damage is told apart from what is merely wrong */
} readers[] = { /* in the same order */
    {read_png,  false},
    {read_jpeg, false},
    {read_npy,  false},
    {read_json, true},
};
/* clang-format on */

static bool finish(struct samples *out, struct error *error)
{
    out->labels = calloc((size_t)out->split.count, sizeof(*out->labels));
    out->split.images = out->images;
    out->split.reals = out->reals;
    out->split.labels = out->labels;
    return out->labels || error_set(error, ERROR_MEMORY, "", "no memory for the samples");
}

/* What a client sent cannot be the server's damage. */
static bool blame(const struct error *cause, bool words, struct error *error)
{
    bool his = cause->kind == ERROR_UNSUPPORTED || (cause->kind == ERROR_CORRUPT && !words);

    return error_set(error, his ? ERROR_INVALID : cause->kind, "", "%s", cause->text);
}

int samples_type(const char *type)
{
    size_t length = type ? strcspn(type, "; \t") : 0;

    for (int i = 0; samples_types[i]; i++)
        if (strlen(samples_types[i]) == length && strncasecmp(type, samples_types[i], length) == 0)
            return i;
    return -1;
}

bool samples_read(const struct samples_wish *wish, const struct samples_body *body,
                  struct samples *out, struct problems *problems, struct error *error)
{
    struct reading reading = {.wish = wish, .out = out, .problems = problems};
    const char *name = body->path ? strrchr(body->path, '/') : NULL;
    int which = samples_type(body->type);
    struct error cause = {0};

    *out = (struct samples){.images = NULL};
    if (which < 0)
        return error_set(error, ERROR_UNSUPPORTED, "", "bodies of that type are not read");
    if (!body->path)
        return error_set(error, ERROR_INVALID, "", "the body is empty");
    bool good = stream_open(AT_FDCWD, body->path, name ? (size_t)(name + 1 - body->path) : 0,
                            &reading.stream, &cause) &&
                readers[which].read(&reading, &cause) && finish(out, &cause);
    stream_close(reading.stream);
    if (good)
        return true;
    samples_drop(out);
    return blame(&cause, readers[which].words, error);
}
