/* Data sets on their way out: the NPY files that are read fastest, each on the disk before the
 * next. Knows nothing of where they are kept. */
#include "core/dataset.h"

#include "core/field.h"
#include "core/npy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WRITE_BYTES = 8 << 20 };

struct output {
    const char *name;
    int file;
};

static bool fail(const struct output *output, struct error *error)
{
    bool full = errno == ENOSPC || errno == EDQUOT || errno == EFBIG;

    return error_set(error, full ? ERROR_FULL : ERROR_IO, output->name,
                     "the file cannot be written: %s", strerror(errno));
}

static bool put(const struct output *output, const void *bytes, size_t size, struct error *error)
{
    const char *next = bytes;

    while (size > 0) {
        ssize_t count = write(output->file, next, size < WRITE_BYTES ? size : WRITE_BYTES);

        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return fail(output, error);
        next += count;
        size -= (size_t)count;
    }
    return true;
}

static bool begin(int dir, const char *name, struct output *output, struct error *error)
{
    output->name = name;
    output->file = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    return output->file >= 0 || fail(output, error);
}

/* Closes it in any case; good: the bytes must be on the disk. */
static bool end(const struct output *output, bool good, struct error *error)
{
    good = good && (fsync(output->file) == 0 || fail(output, error));
    if (close(output->file) != 0 && good)
        good = fail(output, error);
    return good;
}

static bool write_array(int dir, const char *name, const struct npy_header *header,
                        const void *numbers, struct error *error)
{
    uint8_t head[NPY_HEADER_ROOM];
    size_t head_size = npy_write_header(header, head), size = (size_t)header->item;
    struct output output;

    for (int i = 0; i < header->dims; i++)
        size *= (size_t)header->size[i];
    if (!begin(dir, name, &output, error))
        return false;
    return end(&output, put(&output, head, head_size, error) && put(&output, numbers, size, error),
               error);
}

static bool write_split(const struct dataset *dataset, int dir, const struct dataset_split *split,
                        const char *const names[2], struct error *error)
{
    const struct data_shape *shape = dataset_shape(dataset);
    const struct npy_header labels = {
        .kind = NPY_UNSIGNED, .item = 2, .dims = 1, .size = {split->count}};
    struct npy_header images = {
        .kind = NPY_UNSIGNED,
        .item = 1,
        .dims = 4,
        .size = {split->count, shape->sample.channels, shape->sample.height, shape->sample.width}};
    const void *pixels = split->images;

    if (shape->real_pixels) {
        images.kind = NPY_REAL;
        images.item = 4;
        pixels = split->reals;
    }
    return write_array(dir, names[0], &images, pixels, error) &&
           write_array(dir, names[1], &labels, split->labels, error);
}

static bool write_names(const struct dataset *dataset, int dir, struct error *error)
{
    struct output output;
    bool good;

    if (dataset_class_name(dataset, 0) == NULL)
        return true;
    if (!begin(dir, "class_names.txt", &output, error))
        return false;
    good = true;
    for (int64_t i = 0; good && dataset_class_name(dataset, i) != NULL; i++) {
        const char *name = dataset_class_name(dataset, i);

        good = put(&output, name, strlen(name), error) && put(&output, "\n", 1, error);
    }
    return end(&output, good, error);
}

bool dataset_write(const struct dataset *dataset, int dir, struct error *error)
{
    static const char *const train[2] = {"train_images.npy", "train_labels.npy"};
    static const char *const test[2] = {"test_images.npy", "test_labels.npy"};

    if (!write_split(dataset, dir, dataset_train(dataset), train, error))
        return false;
    if (dataset_test(dataset)->count > 0 &&
        !write_split(dataset, dir, dataset_test(dataset), test, error))
        return false;
    if (!write_names(dataset, dir, error))
        return false;
    return fsync(dir) == 0 || errno == EINVAL ||
           error_set(error, ERROR_IO, "", "the folder cannot be written to the disk: %s",
                     strerror(errno));
}
