/* Support for fuzz targets: files on disk, and what must hold of a data set whatever it was made
 * of.
 */
#include "tests/fuzz/fuzz.h"

#include "core/dataset.h"
#include "core/text.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

_Noreturn void fuzz_fail(const char *text)
{
    fprintf(stderr, "%s\n", text);
    abort();
}

void fuzz_check_error(const struct error *error)
{
    if (error->kind == ERROR_NONE || error->kind == ERROR_INTERNAL)
        fuzz_fail("refused without a kind");
    if (error->text[0] == '\0' || !text_clean(error->text) || !text_clean(error->where))
        fuzz_fail("refused with an unclean text");
}

void fuzz_check_text(const char *text)
{
    char *copy = strdup(text);

    if (copy == NULL)
        fuzz_fail("no memory");
    for (unsigned char *at = (unsigned char *)copy; *at != '\0'; at++) {
        if (*at < 0x20 || *at == 0x7f)
            *at = ' ';
        if (at[0] == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0)
            at[0] = at[1] = ' '; /* U+0080 … U+009F */
    }
    if (copy[0] == '\0' || !text_clean(copy))
        fuzz_fail("a text that is empty or not UTF-8");
    free(copy);
}

static void write_file(const char *path, const uint8_t *bytes, size_t size)
{
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (file < 0 || write(file, bytes, size) != (ssize_t)size || close(file) != 0)
        fuzz_fail("cannot write a file in the working directory");
}

static void check_split(const struct dataset *dataset, const struct dataset_split *split)
{
    const struct data_shape *shape = dataset_shape(dataset);
    int64_t elements = shape_elements(&shape->sample);
    double sum = 0;

    if (split->count > 0 && (split->images == NULL) != shape->real_pixels)
        fuzz_fail("the pixels are not what the shape says");
    for (int64_t i = 0; i < split->count; i++)
        if (split->labels[i] >= shape->classes)
            fuzz_fail("a label has no class");
    /* Every number can be read. */
    for (int64_t i = 0; i < split->count * elements; i++)
        sum += shape->real_pixels ? (double)split->reals[i] : split->images[i];
    if (!isfinite(sum))
        fuzz_fail("a pixel is not finite");
}

static void open_set(const char *path)
{
    struct error error = {0};
    struct dataset *dataset = NULL;

    if (!dataset_open(path, &dataset, &error)) {
        fuzz_check_error(&error);
        return;
    }
    if (dataset_shape(dataset)->train_samples < 1 || dataset_shape(dataset)->classes < 2 ||
        strlen(dataset_digest(dataset)) != 64)
        fuzz_fail("a data set without samples, classes or a digest");
    check_split(dataset, dataset_train(dataset));
    check_split(dataset, dataset_test(dataset));
    for (int64_t i = 0; dataset_class_name(dataset, i) != NULL; i++)
        if (!text_clean(dataset_class_name(dataset, i)))
            fuzz_fail("an unclean name of a class");
    dataset_release(dataset);
}

/* The folders above a file. */
static void make_folders(const char *path)
{
    char folder[200];

    (void)snprintf(folder, sizeof(folder), "%s", path);
    for (char *slash = strchr(folder, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(folder, 0700);
        *slash = '/';
    }
}

void fuzz_folder(const char *folder, const uint8_t *bytes, size_t size, const char *const *names)
{
    for (; *names != NULL; names++) {
        char path[200];
        size_t piece = size;

        if (names[1] != NULL && size >= 2) {
            piece = (size_t)bytes[0] << 8 | bytes[1];
            bytes += 2;
            size -= 2;
            piece = piece < size ? piece : size;
        }
        (void)snprintf(path, sizeof(path), "%s/%s", folder, *names);
        make_folders(path);
        write_file(path, bytes, piece);
        bytes += piece;
        size -= piece;
    }
    open_set(folder);
}

void fuzz_archive_file(const uint8_t *bytes, size_t size)
{
    write_file("fuzz-archive", bytes, size);
    open_set("fuzz-archive");
}
