/* IDX: the format of MNIST and its kin. A file is two zero bytes, a byte for the numbers' type, a
 * byte for how many dimensions, each dimension as 4 bytes big-endian, and the numbers. Knows
 * nothing of other formats. */
#include "core/dataset_format.h"
#include "core/stream.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

enum { IDX_DIMS_MAX = 4, IDX_UNSIGNED_BYTE = 0x08 };

/* The usual names; a split takes the first of its images' and labels' names that is there. */
#define IMAGES(split)                                                                              \
    {                                                                                              \
        split "-images-idx3-ubyte", split "-images-idx3-ubyte.gz", split "-images-idx4-ubyte",     \
            split "-images-idx4-ubyte.gz", split "-images.idx3-ubyte",                             \
            split "-images.idx3-ubyte.gz"                                                          \
    }
#define LABELS(split)                                                                              \
    {                                                                                              \
        split "-labels-idx1-ubyte", split "-labels-idx1-ubyte.gz", split "-labels.idx1-ubyte",     \
            split "-labels.idx1-ubyte.gz"                                                          \
    }

struct idx_names {
    const char *images[6];
    const char *labels[4];
};

static const struct idx_names idx_train = {IMAGES("train"), LABELS("train")};
static const struct idx_names idx_test = {IMAGES("t10k"), LABELS("t10k")};

struct idx_type {
    uint8_t code;
    const char *name;
};

static const struct idx_type idx_types[] = {
    {0x08, "unsigned bytes"},  {0x09, "signed bytes"}, {0x0b, "16-bit integers"},
    {0x0c, "32-bit integers"}, {0x0d, "32-bit reals"}, {0x0e, "64-bit reals"},
};

struct idx_header {
    int dims;
    int64_t size[IDX_DIMS_MAX];
};

static const char *find_name(int dir, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (faccessat(dir, names[i], F_OK, 0) == 0)
            return names[i];
    return NULL;
}

static const char *find_images(int dir, const struct idx_names *names)
{
    return find_name(dir, names->images, COUNT_OF(names->images));
}

static const char *find_labels(int dir, const struct idx_names *names)
{
    return find_name(dir, names->labels, COUNT_OF(names->labels));
}

static bool idx_probe(int dir)
{
    return find_images(dir, &idx_train) != NULL || find_labels(dir, &idx_train) != NULL;
}

static bool read_whole(struct stream *stream, uint8_t *bytes, size_t size, struct error *error)
{
    size_t got;

    if (!stream_read(stream, bytes, size, &got, error))
        return false;
    return got == size ||
           error_set(error, ERROR_CORRUPT, stream_name(stream), "the file ends inside its header");
}

static bool check_type(const struct stream *stream, uint8_t code, struct error *error)
{
    if (code == IDX_UNSIGNED_BYTE)
        return true;
    for (size_t i = 0; i < COUNT_OF(idx_types); i++)
        if (idx_types[i].code == code)
            return error_set(error, ERROR_UNSUPPORTED, stream_name(stream),
                             "the file holds %s; only unsigned bytes are read", idx_types[i].name);
    return error_set(error, ERROR_CORRUPT, stream_name(stream),
                     "the header's type byte 0x%02x means nothing in IDX", code);
}

static bool read_header(struct stream *stream, struct idx_header *header, struct error *error)
{
    uint8_t bytes[4];

    if (!read_whole(stream, bytes, sizeof(bytes), error))
        return false;
    if (bytes[0] != 0 || bytes[1] != 0)
        return error_set(error, ERROR_CORRUPT, stream_name(stream),
                         "this is not an IDX file: it begins with %02x %02x, not 00 00", bytes[0],
                         bytes[1]);
    if (!check_type(stream, bytes[2], error))
        return false;
    if (bytes[3] < 1 || bytes[3] > IDX_DIMS_MAX)
        return error_set(error, ERROR_CORRUPT, stream_name(stream),
                         "the header says %d dimensions; 1 to %d make sense", bytes[3],
                         IDX_DIMS_MAX);
    header->dims = bytes[3];
    for (int i = 0; i < header->dims; i++) {
        if (!read_whole(stream, bytes, sizeof(bytes), error))
            return false;
        header->size[i] = (int64_t)bytes[0] << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3];
    }
    if (header->size[0] == 0)
        return error_set(error, ERROR_CORRUPT, stream_name(stream),
                         "the header says that the file is empty");
    return true;
}

/* N × height × width, or N × channels × height × width. */
static bool read_image_header(struct stream *stream, struct dataset_part *part, struct error *error)
{
    static const char *const sides[] = {"channels", "rows", "columns"};
    struct idx_header header;
    int64_t size[3] = {1};

    if (!read_header(stream, &header, error))
        return false;
    if (header.dims < 3)
        return error_set(error, ERROR_CORRUPT, stream_name(stream),
                         "images need 3 or 4 dimensions and the header says %d", header.dims);
    for (int i = 1; i < header.dims; i++)
        size[3 - header.dims + i] = header.size[i];
    for (int i = 0; i < 3; i++) {
        if (size[i] == 0)
            return error_set(error, ERROR_CORRUPT, stream_name(stream), "images have no %s",
                             sides[i]);
        if (size[i] > DATASET_SIDE_MAX)
            return error_set(error, ERROR_TOO_LARGE, stream_name(stream),
                             "images have %" PRId64 " %s; at most %d are read", size[i], sides[i],
                             DATASET_SIDE_MAX);
    }
    part->count = header.size[0];
    part->sample = (struct shape){.channels = size[0], .height = size[1], .width = size[2]};
    return true;
}

static bool load_images(int dir, const char *name, struct dataset_part *part, int64_t room,
                        struct error *error)
{
    struct stream *stream = NULL;
    int64_t bytes;
    bool good = false;

    if (!stream_open(dir, name, &stream, error))
        return false;
    if (!read_image_header(stream, part, error))
        goto out;
    /* One image has at most 2³⁶ bytes, so only the product with the count can overflow. */
    if (__builtin_mul_overflow(shape_elements(&part->sample), part->count, &bytes) ||
        bytes > room) {
        error_set(error, ERROR_TOO_LARGE, name,
                  "%" PRId64 " images of %" PRId64 " bytes each are more than the %" PRId64
                  " MiB that a data set may have",
                  part->count, shape_elements(&part->sample), DATASET_BYTES_MAX >> 20);
        goto out;
    }
    good = stream_take(stream, bytes, &part->images, error);
out:
    stream_close(stream);
    return good;
}

static bool load_labels(int dir, const char *name, struct dataset_part *part, struct error *error)
{
    struct stream *stream = NULL;
    struct idx_header header;
    uint8_t *bytes = NULL;
    bool good = false;

    if (!stream_open(dir, name, &stream, error))
        return false;
    if (!read_header(stream, &header, error))
        goto out;
    if (header.dims != 1) {
        error_set(error, ERROR_CORRUPT, name, "labels need 1 dimension and the header says %d",
                  header.dims);
        goto out;
    }
    if (header.size[0] != part->count) {
        error_set(error, ERROR_CORRUPT, name, "there are %" PRId64 " labels for %" PRId64 " images",
                  header.size[0], part->count);
        goto out;
    }
    if (!stream_take(stream, part->count, &bytes, error))
        goto out;
    part->labels = calloc((size_t)part->count, sizeof(*part->labels));
    if (part->labels == NULL) {
        error_set(error, ERROR_MEMORY, name, "no memory for %" PRId64 " labels", part->count);
        goto out;
    }
    for (int64_t i = 0; i < part->count; i++)
        part->labels[i] = bytes[i];
    good = true;
out:
    free(bytes);
    stream_close(stream);
    return good;
}

static bool load_part(int dir, const struct idx_names *names, struct dataset_part *part,
                      int64_t room, struct error *error)
{
    const char *images = find_images(dir, names), *labels = find_labels(dir, names);

    if (images == NULL)
        return error_set(error, ERROR_CORRUPT, names->images[0],
                         "the labels are there and the images are not");
    if (labels == NULL)
        return error_set(error, ERROR_CORRUPT, names->labels[0],
                         "the images are there and the labels are not");
    return load_images(dir, images, part, room, error) && load_labels(dir, labels, part, error);
}

static bool idx_load(int dir, struct dataset_part *train, struct dataset_part *test,
                     struct error *error)
{
    if (!load_part(dir, &idx_train, train, DATASET_BYTES_MAX, error))
        return false;
    if (find_images(dir, &idx_test) == NULL && find_labels(dir, &idx_test) == NULL)
        return true;
    return load_part(dir, &idx_test, test,
                     DATASET_BYTES_MAX - train->count * shape_elements(&train->sample), error);
}

const struct dataset_format dataset_format_idx = {"idx", idx_probe, idx_load};
