/* Data sets' formats: which one the files have. Knows formats by their rows alone. */
#include "core/dataset_format.h"

#include <string.h>

/* Told by the names of certain files. */
static const struct dataset_format *const named_formats[] = {
    &dataset_format_idx, &dataset_format_cifar10, &dataset_format_cifar100,
    &dataset_format_npy, &dataset_format_npz,     NULL,
};
/* Any folder with pictures in it looks like this one, so it is asked last. */
static const struct dataset_format *const image_formats[] = {&dataset_format_images, NULL};

static bool recognise(const struct fileset_view *view, const struct dataset_format *const *formats,
                      const struct dataset_format **out, struct error *error)
{
    *out = NULL;
    for (; *formats != NULL; formats++) {
        if (!(*formats)->probe(view))
            continue;
        if (*out != NULL)
            return error_set(error, ERROR_INVALID, "",
                             "the %s holds more than one data set: files of %s and of %s",
                             fileset_noun(view->fileset), (*out)->name, (*formats)->name);
        *out = *formats;
    }
    return true;
}

/* The folder that file `index` lies in; false when it lies in none or is not the first of it. */
static bool folder_at(const struct fileset_view *view, size_t index, struct fileset_view *out)
{
    const char *name = fileset_name(view, index);
    size_t length = strcspn(name, "/");
    char folder[FILESET_NAME_MAX + 1];

    if (name[length] == '\0' || length >= sizeof(folder))
        return false;
    memcpy(folder, name, length);
    folder[length] = '\0';
    *out = fileset_below(view, folder);
    return out->files == view->files + index;
}

/* Asks the view, and where that is nothing each folder in it. */
static bool look(const struct fileset_view *view, const struct dataset_format *const *formats,
                 const struct dataset_format **format, struct fileset_view *out,
                 struct error *error)
{
    struct fileset_view below;

    *out = *view;
    if (!recognise(view, formats, format, error))
        return false;
    for (size_t i = 0; *format == NULL && i < view->count; i++) {
        if (!folder_at(view, i, &below))
            continue;
        if (!recognise(&below, formats, format, error))
            return false;
        *out = below;
    }
    if (*format == NULL || out->prefix == view->prefix)
        return true;
    /* It was found in a folder: the other folders must not hold one too. */
    for (size_t i = 0; i < view->count; i++) {
        const struct dataset_format *other;

        if (!folder_at(view, i, &below) || below.files == out->files)
            continue;
        if (!recognise(&below, formats, &other, error))
            return false;
        if (other != NULL)
            return error_set(error, ERROR_INVALID, "", "the %s holds more than one data set",
                             fileset_noun(view->fileset));
    }
    return true;
}

bool dataset_find(struct fileset *fileset, const struct dataset_format **format,
                  struct fileset_view *view, struct error *error)
{
    struct fileset_view all = fileset_all(fileset);

    if (!look(&all, named_formats, format, view, error))
        return false;
    if (*format == NULL && !look(&all, image_formats, format, view, error))
        return false;
    if (*format == NULL) {
        char found[80];

        fileset_print_names(&all, "", found, sizeof(found));
        return error_set(error, ERROR_NOT_FOUND, "",
                         "the %s holds no known data set: looked for are IDX "
                         "(train-images-idx3-ubyte, …), CIFAR (data_batch_1.bin, … or train.bin), "
                         "NPY (train_images.npy, …), one .npz, and folders train/CLASS or CLASS of "
                         "PNG or JPEG images; found: %s",
                         fileset_noun(fileset), found);
    }
    return true;
}
