/* NPY and NPZ: one array file for the images and one for the labels of each split. Knows what the
 * arrays mean; npy reads their headers. */
#include "core/dataset_pairs.h"
#include "core/npy.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { CHANNELS_LAST_SIDE = 16 };

/* N × H × W × C, as image libraries have it, would be taken for very many channels of very narrow
 * images. Nobody has those by intent. */
static bool channels_last(const struct npy_header *header)
{
    int64_t last = header->size[header->dims - 1];

    return header->dims == 4 && (last == 1 || last == 3 || last == 4) &&
           header->size[1] >= CHANNELS_LAST_SIDE && header->size[1] == header->size[2];
}

static bool check_images(const struct npy_header *header, const char *where, struct error *error)
{
    bool bytes = header->kind == NPY_UNSIGNED && header->item == 1;
    bool reals = header->kind == NPY_REAL && header->item == 4;

    if (!bytes && !reals)
        return error_set(error, ERROR_UNSUPPORTED, where,
                         "the images are %s; uint8 and float32 are read", npy_type_name(header));
    if (header->dims != 3 && header->dims != 4)
        return error_set(error, ERROR_CORRUPT, where,
                         "the images have %d dimensions; N×H×W or N×C×H×W is wanted", header->dims);
    if (header->size[0] == 0)
        return error_set(error, ERROR_CORRUPT, where, "there are no images");
    if (channels_last(header))
        return error_set(error, ERROR_INVALID, where,
                         "the images look like N×H×W×C; N×C×H×W is wanted, which "
                         "numpy.moveaxis(images, -1, 1) makes of it");
    return true;
}

static bool load_images(struct stream *stream, struct dataset_content *content, int part,
                        struct error *error)
{
    struct dataset_part *own = &content->parts[part];
    struct npy_header header;
    struct dataset_claim claim;
    uint8_t *numbers;
    int64_t bytes;

    if (!npy_read_header(stream, &header, error) ||
        !check_images(&header, stream_name(stream), error))
        return false;
    claim = (struct dataset_claim){
        .count = header.size[0], .sides = {1}, .real = header.kind == NPY_REAL};
    for (int i = 1; i < header.dims; i++)
        claim.sides[3 - header.dims + i] = header.size[i];
    if (!dataset_claim(content, part, &claim, &bytes, stream_name(stream), error) ||
        !stream_take(stream, bytes, &numbers, error))
        return false;
    if (claim.real) {
        own->reals = (float *)(void *)numbers; /* malloc'ed: aligned for anything */
        npy_order(&header, own->reals, bytes / header.item);
    } else {
        own->images = numbers;
    }
    return true;
}

/* Number i of an array in this machine's byte order; what no int64 holds becomes INT64_MAX. */
static int64_t integer_at(const struct npy_header *header, const uint8_t *numbers, int64_t i)
{
    uint64_t bits = 0;
    int unused = 64 - 8 * header->item;
    bool host_big = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;

    memcpy((uint8_t *)&bits + (host_big ? 8 - header->item : 0), numbers + i * header->item,
           (size_t)header->item);
    if (header->kind == NPY_UNSIGNED)
        return bits > INT64_MAX ? INT64_MAX : (int64_t)bits;
    return (int64_t)(bits << unused) >> unused;
}

static bool keep_labels(const struct npy_header *header, const uint8_t *numbers,
                        struct dataset_part *part, const char *where, struct error *error)
{
    for (int64_t i = 0; i < header->size[0]; i++) {
        int64_t label = integer_at(header, numbers, i);

        if (label < 0 || label >= DATASET_CLASSES_MAX)
            return error_set(error, ERROR_CORRUPT, where,
                             "label %" PRId64 " (counted from 0) is %" PRId64
                             "; labels are from 0 to %d",
                             i, label, DATASET_CLASSES_MAX - 1);
        part->labels[i] = (uint16_t)label;
    }
    return true;
}

static bool load_labels(struct stream *stream, struct dataset_content *content, int part,
                        struct error *error)
{
    const char *where = stream_name(stream);
    struct npy_header header;
    uint8_t *numbers = NULL;
    bool good;

    if (!npy_read_header(stream, &header, error))
        return false;
    if (header.kind == NPY_REAL)
        return error_set(error, ERROR_UNSUPPORTED, where, "the labels are %s; integers are read",
                         npy_type_name(&header));
    if (header.dims != 1)
        return error_set(error, ERROR_CORRUPT, where, "the labels have %d dimensions; 1 is wanted",
                         header.dims);
    if (header.size[0] == 0)
        return error_set(error, ERROR_CORRUPT, where, "there are no labels");
    good = header.size[0] <= DATASET_SAMPLES_MAX ||
           error_set(error, ERROR_TOO_LARGE, where,
                     "there are %" PRId64 " labels; at most %" PRId64 " are read", header.size[0],
                     DATASET_SAMPLES_MAX);
    good = good && stream_take(stream, header.size[0] * header.item, &numbers, error) &&
           dataset_claim_labels(&content->parts[part], header.size[0], where, error);
    if (good) {
        npy_order(&header, numbers, header.size[0]);
        good = keep_labels(&header, numbers, &content->parts[part], where, error);
    }
    free(numbers);
    return good;
}

static const struct pair_format npy = {
    .names = {{{"train_images.npy"}, {"train_labels.npy"}},
              {{"test_images.npy"}, {"test_labels.npy"}}},
    .class_names = "class_names.txt",
    .images = load_images,
    .labels = load_labels,
};

static bool npy_probe(const struct fileset_view *view)
{
    return pairs_probe(view, &npy);
}

static bool npy_load(const struct fileset_view *view, struct dataset_content *content,
                     struct error *error)
{
    return pairs_load(view, &npy, content, error);
}

/* The .npz files of the view. */
static int find_npz(const struct fileset_view *view, size_t *index)
{
    int found = 0;

    for (size_t i = 0; i < view->count; i++) {
        const char *name = fileset_name(view, i);
        size_t length = strlen(name);

        if (length < 5 || strcmp(name + length - 4, ".npz") != 0 || strchr(name, '/') != NULL)
            continue;
        *index = i;
        found++;
    }
    return found;
}

static bool npz_probe(const struct fileset_view *view)
{
    size_t index;

    return find_npz(view, &index) > 0;
}

/* Says which arrays there are instead: they need other names. */
static bool refuse_keys(const struct fileset_view *arrays, const char *where, struct error *error)
{
    char found[160];

    fileset_print_names(arrays, ".npy", found, sizeof(found));
    return error_set(error, ERROR_NOT_FOUND, where,
                     "the archive holds %s; wanted are train_images and train_labels, and "
                     "test_images and test_labels if there is a test split",
                     found);
}

static bool npz_load(const struct fileset_view *view, struct dataset_content *content,
                     struct error *error)
{
    struct fileset *inside = NULL;
    struct fileset_view arrays;
    size_t index = 0;
    bool good;

    if (find_npz(view, &index) > 1)
        return error_set(error, ERROR_INVALID, "", "there is more than one .npz file");
    if (!fileset_open_inside(view, index, &inside, error))
        return false;
    arrays = fileset_all(inside);
    good = npy_probe(&arrays) ? npy_load(&arrays, content, error)
                              : refuse_keys(&arrays, fileset_name(view, index), error);
    fileset_close(inside);
    return good;
}

const struct dataset_format dataset_format_npy = {"npy", npy_probe, npy_load};
const struct dataset_format dataset_format_npz = {"npz", npz_probe, npz_load};
