/* IDX: the format of MNIST and its kin. A file is two zero bytes, a byte for the numbers' type, a
 * byte for how many dimensions, each dimension as 4 bytes big-endian, and the numbers. Knows
 * nothing of other formats. */
#include "core/dataset_pairs.h"

#include <inttypes.h>
#include <stdlib.h>

enum { IDX_DIMS_MAX = 4, IDX_UNSIGNED_BYTE = 0x08 };

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
static bool load_images(struct stream *stream, struct dataset_content *content, int part,
                        struct error *error)
{
    struct dataset_claim claim = {.sides = {1}};
    struct idx_header header;
    int64_t bytes;

    if (!read_header(stream, &header, error))
        return false;
    if (header.dims < 3)
        return error_set(error, ERROR_CORRUPT, stream_name(stream),
                         "images need 3 or 4 dimensions and the header says %d", header.dims);
    claim.count = header.size[0];
    for (int i = 1; i < header.dims; i++)
        claim.sides[3 - header.dims + i] = header.size[i];
    return dataset_claim(content, part, &claim, &bytes, stream_name(stream), error) &&
           stream_take(stream, bytes, &content->parts[part].images, error);
}

static bool load_labels(struct stream *stream, struct dataset_content *content, int part,
                        struct error *error)
{
    struct dataset_part *own = &content->parts[part];
    struct idx_header header;
    uint8_t *bytes = NULL;
    bool good;

    if (!read_header(stream, &header, error))
        return false;
    if (header.dims != 1)
        return error_set(error, ERROR_CORRUPT, stream_name(stream),
                         "labels need 1 dimension and the header says %d", header.dims);
    good = stream_take(stream, header.size[0], &bytes, error) &&
           dataset_claim_labels(own, header.size[0], stream_name(stream), error);
    for (int64_t i = 0; good && i < header.size[0]; i++)
        own->labels[i] = bytes[i];
    free(bytes);
    return good;
}

static const struct pair_format idx = {
    .names = {{IMAGES("train"), LABELS("train")}, {IMAGES("t10k"), LABELS("t10k")}},
    .images = load_images,
    .labels = load_labels,
};

static bool idx_probe(const struct fileset_view *view)
{
    return pairs_probe(view, &idx);
}

static bool idx_load(const struct fileset_view *view, struct dataset_content *content,
                     struct error *error)
{
    return pairs_load(view, &idx, content, error);
}

const struct dataset_format dataset_format_idx = {"idx", idx_probe, idx_load};
