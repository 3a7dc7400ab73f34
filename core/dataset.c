/* Data sets: finds the format, checks what all formats must fulfil, counts the references. Knows no
 * format by name. */
#include "core/dataset.h"

#include "core/dataset_format.h"
#include "core/digest.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct dataset_format *const formats[] = {&dataset_format_idx};

struct dataset {
    atomic_int references;
    const struct dataset_format *format;
    struct data_shape shape;
    struct dataset_part parts[2];   /* train, test: own the arrays */
    struct dataset_split splits[2]; /* the same, as others may see them */
    char digest[DIGEST_HEX];
};

static const struct dataset_format *recognise(int dir)
{
    for (size_t i = 0; i < COUNT_OF(formats); i++)
        if (formats[i]->probe(dir))
            return formats[i];
    return NULL;
}

static int open_folder(int dir, const char *name)
{
    return openat(dir, name, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
}

/* Looks for a data set in each folder directly inside `dir`. On success *inside is that open
 * folder, and −1 when there is none. */
static bool look_inside(int dir, int *inside, struct error *error)
{
    int copy = open_folder(dir, ".");
    DIR *list = copy < 0 ? NULL : fdopendir(copy);
    bool good = false;

    *inside = -1;
    if (list == NULL) {
        if (copy >= 0)
            close(copy);
        return error_set(error, ERROR_IO, "", "the folder cannot be listed: %s", strerror(errno));
    }
    for (const struct dirent *entry = readdir(list); entry != NULL; entry = readdir(list)) {
        int folder = entry->d_name[0] == '.' ? -1 : open_folder(dir, entry->d_name);

        if (folder >= 0 && recognise(folder) == NULL) {
            close(folder);
        } else if (folder >= 0 && *inside >= 0) {
            close(folder);
            error_set(error, ERROR_INVALID, "", "the folder holds more than one data set");
            goto out;
        } else if (folder >= 0) {
            *inside = folder;
        }
    }
    good = true;
out:
    if (!good && *inside >= 0) {
        close(*inside);
        *inside = -1;
    }
    closedir(list);
    return good;
}

/* Opens `path`, or the folder inside it, whichever holds a data set. The open folder or −1. */
static int find_folder(const char *path, const struct dataset_format **format, struct error *error)
{
    int dir = open_folder(AT_FDCWD, path), inside = -1;

    if (dir < 0) {
        error_set(error,
                  errno == ENOENT    ? ERROR_NOT_FOUND
                  : errno == ENOTDIR ? ERROR_INVALID
                                     : ERROR_IO,
                  "", "the data set's folder cannot be opened: %s", strerror(errno));
        return -1;
    }
    *format = recognise(dir);
    if (*format != NULL)
        return dir;
    if (look_inside(dir, &inside, error)) {
        if (inside < 0)
            error_set(error, ERROR_NOT_FOUND, "",
                      "the folder holds no known data set: train-images-idx3-ubyte and "
                      "train-labels-idx1-ubyte, each plain or .gz, are looked for");
        else
            *format = recognise(inside);
    }
    close(dir);
    return inside;
}

static uint16_t largest_label(const struct dataset_part *part)
{
    uint16_t largest = 0;

    for (int64_t i = 0; i < part->count; i++)
        if (part->labels[i] > largest)
            largest = part->labels[i];
    return largest;
}

static bool describe(struct dataset *dataset, struct error *error)
{
    const struct dataset_part *train = &dataset->parts[0], *test = &dataset->parts[1];
    const struct shape *one = &train->sample, *other = &test->sample;
    uint16_t last =
        largest_label(train) > largest_label(test) ? largest_label(train) : largest_label(test);

    if (test->count > 0 && (one->channels != other->channels || one->height != other->height ||
                            one->width != other->width))
        return error_set(error, ERROR_CORRUPT, "",
                         "training images are %" PRId64 "×%" PRId64 "×%" PRId64
                         " and test images are %" PRId64 "×%" PRId64 "×%" PRId64,
                         one->channels, one->height, one->width, other->channels, other->height,
                         other->width);
    dataset->shape.sample = *one;
    dataset->shape.classes = last + 1 < DATASET_CLASSES_MIN ? DATASET_CLASSES_MIN : last + 1;
    dataset->shape.train_samples = train->count;
    dataset->shape.test_samples = test->count;
    for (int i = 0; i < 2; i++)
        dataset->splits[i] = (struct dataset_split){.images = dataset->parts[i].images,
                                                    .labels = dataset->parts[i].labels,
                                                    .count = dataset->parts[i].count};
    return true;
}

static size_t image_bytes(const struct dataset *dataset, int split)
{
    return (size_t)(dataset->parts[split].count * shape_elements(&dataset->shape.sample));
}

static size_t label_bytes(const struct dataset *dataset, int split)
{
    return (size_t)dataset->parts[split].count * sizeof(uint16_t);
}

static void take_digest(struct dataset *dataset)
{
    const struct data_shape *shape = &dataset->shape;
    const int64_t numbers[] = {shape->sample.channels, shape->sample.height, shape->sample.width,
                               shape->classes,         shape->train_samples, shape->test_samples};
    const struct digest_piece pieces[] = {
        {numbers, sizeof(numbers)},
        {dataset->parts[0].images, image_bytes(dataset, 0)},
        {dataset->parts[0].labels, label_bytes(dataset, 0)},
        {dataset->parts[1].images, image_bytes(dataset, 1)},
        {dataset->parts[1].labels, label_bytes(dataset, 1)},
    };
    uint8_t digest[DIGEST_BYTES];

    digest_pieces(pieces, COUNT_OF(pieces), digest);
    digest_hex(digest, dataset->digest);
}

bool dataset_adopt(const struct dataset_format *format, const struct dataset_part parts[2],
                   int64_t classes, struct dataset **out, struct error *error)
{
    struct dataset *dataset = calloc(1, sizeof(*dataset));

    if (dataset == NULL) {
        for (int i = 0; i < 2; i++) {
            free(parts[i].images);
            free(parts[i].labels);
        }
        return error_set(error, ERROR_MEMORY, "", "no memory for a data set");
    }
    atomic_init(&dataset->references, 1);
    dataset->format = format;
    memcpy(dataset->parts, parts, sizeof(dataset->parts));
    if (!describe(dataset, error)) {
        dataset_release(dataset);
        return false;
    }
    if (dataset->shape.classes < classes)
        dataset->shape.classes = classes;
    take_digest(dataset);
    *out = dataset;
    return true;
}

bool dataset_open(const char *path, struct dataset **out, struct error *error)
{
    const struct dataset_format *format = NULL;
    int dir = find_folder(path, &format, error);
    struct dataset_part parts[2] = {{.count = 0}, {.count = 0}};
    bool good;

    if (dir < 0)
        return false;
    good = format->load(dir, &parts[0], &parts[1], error);
    close(dir);
    if (good)
        return dataset_adopt(format, parts, 0, out, error);
    for (int i = 0; i < 2; i++) {
        free(parts[i].images);
        free(parts[i].labels);
    }
    return false;
}

struct dataset *dataset_share(struct dataset *dataset)
{
    atomic_fetch_add_explicit(&dataset->references, 1, memory_order_relaxed);
    return dataset;
}

void dataset_release(struct dataset *dataset)
{
    if (dataset == NULL || atomic_fetch_sub(&dataset->references, 1) > 1)
        return;
    for (int i = 0; i < 2; i++) {
        free(dataset->parts[i].images);
        free(dataset->parts[i].labels);
    }
    free(dataset);
}

const struct data_shape *dataset_shape(const struct dataset *dataset)
{
    return &dataset->shape;
}

const struct dataset_split *dataset_train(const struct dataset *dataset)
{
    return &dataset->splits[0];
}

const struct dataset_split *dataset_test(const struct dataset *dataset)
{
    return &dataset->splits[1];
}

int64_t dataset_bytes(const struct dataset *dataset)
{
    size_t bytes = 0;

    for (int i = 0; i < 2; i++)
        bytes += image_bytes(dataset, i) + label_bytes(dataset, i);
    return (int64_t)bytes;
}

const char *dataset_digest(const struct dataset *dataset)
{
    return dataset->digest;
}

const char *dataset_format(const struct dataset *dataset)
{
    return dataset->format->name;
}
