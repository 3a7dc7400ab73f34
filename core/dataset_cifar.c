/* CIFAR-10 and CIFAR-100, the binary versions: records of label bytes and a 3 × 32 × 32 image.
 * Knows nothing of other formats. Of CIFAR-100's two labels the fine one is taken. */
#include "core/dataset_format.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { CIFAR_SIDE = 32, CIFAR_IMAGE = 3 * CIFAR_SIDE * CIFAR_SIDE, CIFAR_FILES_MAX = 5 };

struct cifar_format {
    const char *train[CIFAR_FILES_MAX + 1]; /* in order, NULL-ended */
    const char *test;
    const char *names;
    int labels; /* bytes before each image; the last of them is the class */
    int classes;
};

struct cifar_file {
    size_t index; /* in the view */
    int part;
    int64_t first, count; /* its records' place in the part */
};

struct cifar_loading {
    const struct cifar_format *format;
    struct dataset_content *content;
    struct cifar_file files[CIFAR_FILES_MAX + 1];
    int file_count;
};

static int64_t record_size(const struct cifar_format *format)
{
    return format->labels + CIFAR_IMAGE;
}

/* Adds the file behind what its part has. */
static bool plan_file(const struct fileset_view *view, struct cifar_loading *loading, int part,
                      size_t index, struct error *error)
{
    struct dataset_part *own = &loading->content->parts[part];
    int64_t size = view->files[index].size, record = record_size(loading->format);

    if (view->files[index].type != FILESET_FILE)
        return error_set(error, ERROR_INVALID, fileset_name(view, index),
                         "this is not a regular file");
    if (size == 0 || size % record != 0)
        return error_set(error, ERROR_CORRUPT, fileset_name(view, index),
                         "the file has %" PRId64 " bytes, which are not whole records of %" PRId64,
                         size, record);
    loading->files[loading->file_count++] = (struct cifar_file){
        .index = index, .part = part, .first = own->labels_count, .count = size / record};
    own->labels_count += size / record;
    return true;
}

/* The training files up to the first one that is not there; none may follow it. */
static bool plan_train(const struct fileset_view *view, struct cifar_loading *loading,
                       struct error *error)
{
    const char *missing = NULL;

    for (const char *const *name = loading->format->train; *name != NULL; name++) {
        size_t index;

        if (!fileset_find(view, *name, &index)) {
            missing = missing != NULL ? missing : *name;
            continue;
        }
        if (missing != NULL)
            return error_set(error, ERROR_CORRUPT, missing, "the file is missing and %s is there",
                             *name);
        if (!plan_file(view, loading, PART_TRAIN, index, error))
            return false;
    }
    return loading->file_count > 0 ||
           error_set(error, ERROR_CORRUPT, loading->format->train[0], "the file is missing");
}

static bool take_room(struct cifar_loading *loading, int part, struct error *error)
{
    struct dataset_part *own = &loading->content->parts[part];
    const struct dataset_claim claim = {.count = own->labels_count,
                                        .sides = {3, CIFAR_SIDE, CIFAR_SIDE}};
    int64_t bytes;

    if (own->labels_count == 0)
        return true;
    if (!dataset_claim(loading->content, part, &claim, &bytes, loading->format->train[0], error) ||
        !dataset_claim_labels(own, own->labels_count, loading->format->train[0], error))
        return false;
    own->images = malloc((size_t)bytes);
    return own->images != NULL ||
           error_set(error, ERROR_MEMORY, "", "no memory for %" PRId64 " images", own->count);
}

static bool read_records(struct cifar_loading *loading, const struct cifar_file *file,
                         struct stream *stream, struct error *error)
{
    const struct cifar_format *format = loading->format;
    struct dataset_part *part = &loading->content->parts[file->part];
    uint8_t record[2 + CIFAR_IMAGE];
    size_t size = (size_t)record_size(format), got;

    for (int64_t i = 0; i < file->count; i++) {
        if (!stream_read(stream, record, size, &got, error))
            return false;
        if (got < size)
            return error_set(error, ERROR_CORRUPT, stream_name(stream),
                             "the file ends inside record %" PRId64, i);
        if (record[format->labels - 1] >= format->classes)
            return error_set(error, ERROR_CORRUPT, stream_name(stream),
                             "record %" PRId64 " (counted from 0) has the label %d; there are "
                             "%d classes",
                             i, record[format->labels - 1], format->classes);
        part->labels[file->first + i] = record[format->labels - 1];
        memcpy(part->images + (file->first + i) * CIFAR_IMAGE, record + format->labels,
               CIFAR_IMAGE);
    }
    if (!stream_read(stream, record, 1, &got, error))
        return false;
    return got == 0 || error_set(error, ERROR_CORRUPT, stream_name(stream),
                                 "there is more content than the file's size says");
}

static bool load_file(void *context, size_t index, struct stream *stream, struct error *error)
{
    struct cifar_loading *loading = context;
    struct dataset_content *content = loading->content;

    for (int i = 0; i < loading->file_count; i++)
        if (loading->files[i].index == index)
            return read_records(loading, &loading->files[i], stream, error);
    if (!dataset_read_names(stream, content, error))
        return false;
    return content->class_name_count == loading->format->classes ||
           error_set(error, ERROR_CORRUPT, stream_name(stream),
                     "there are %" PRId64 " names of classes, not %d", content->class_name_count,
                     loading->format->classes);
}

static bool probe(const struct fileset_view *view, const struct cifar_format *format)
{
    size_t index;

    for (const char *const *name = format->train; *name != NULL; name++)
        if (fileset_find(view, *name, &index))
            return true;
    return fileset_find(view, format->test, &index);
}

static bool load(const struct fileset_view *view, const struct cifar_format *format,
                 struct dataset_content *content, struct error *error)
{
    struct cifar_loading loading = {.format = format, .content = content};
    bool *wanted = calloc(view->count, sizeof(*wanted));
    size_t test, names;
    bool good =
        wanted != NULL || error_set(error, ERROR_MEMORY, "", "no memory to read the data set");

    good = good && plan_train(view, &loading, error);
    if (good && fileset_find(view, format->test, &test))
        good = plan_file(view, &loading, PART_TEST, test, error);
    for (int part = 0; good && part < PARTS; part++)
        good = take_room(&loading, part, error);
    for (int i = 0; good && i < loading.file_count; i++)
        wanted[loading.files[i].index] = true;
    if (good && fileset_find(view, format->names, &names))
        wanted[names] = true;
    good = good && fileset_visit(view, wanted, load_file, &loading, error);
    free(wanted);
    return good;
}

static const struct cifar_format cifar10 = {
    .train = {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin",
              "data_batch_5.bin"},
    .test = "test_batch.bin",
    .names = "batches.meta.txt",
    .labels = 1,
    .classes = 10,
};

static const struct cifar_format cifar100 = {
    .train = {"train.bin"},
    .test = "test.bin",
    .names = "fine_label_names.txt",
    .labels = 2,
    .classes = 100,
};

static bool cifar10_probe(const struct fileset_view *view)
{
    return probe(view, &cifar10);
}

static bool cifar10_load(const struct fileset_view *view, struct dataset_content *content,
                         struct error *error)
{
    return load(view, &cifar10, content, error);
}

static bool cifar100_probe(const struct fileset_view *view)
{
    return probe(view, &cifar100);
}

static bool cifar100_load(const struct fileset_view *view, struct dataset_content *content,
                          struct error *error)
{
    return load(view, &cifar100, content, error);
}

const struct dataset_format dataset_format_cifar10 = {"cifar10", cifar10_probe, cifar10_load};
const struct dataset_format dataset_format_cifar100 = {"cifar100", cifar100_probe, cifar100_load};
