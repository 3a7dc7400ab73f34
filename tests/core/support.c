/* Support for tests: writes small data sets. */
#include "tests/core/support.h"

#include "core/rng.h"
#include "tests/harness.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void write_bytes(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");

    if (file == NULL || fwrite(bytes, 1, size, file) != size || fclose(file) != 0)
        FAIL("cannot write %s: %s", path, strerror(errno));
}

void write_gzip(const char *path, const void *bytes, size_t size)
{
    struct archive *archive = archive_write_new();
    struct archive_entry *entry = archive_entry_new();

    CHECK(archive != NULL && entry != NULL);
    archive_entry_set_filetype(entry, AE_IFREG);
    CHECK(archive_write_set_format_raw(archive) == ARCHIVE_OK);
    CHECK(archive_write_add_filter_gzip(archive) == ARCHIVE_OK);
    /* No padding after the gzip stream. */
    CHECK(archive_write_set_bytes_in_last_block(archive, 1) == ARCHIVE_OK);
    CHECK(archive_write_open_filename(archive, path) == ARCHIVE_OK);
    CHECK(archive_write_header(archive, entry) == ARCHIVE_OK);
    CHECK(archive_write_data(archive, bytes, size) == (la_ssize_t)size);
    CHECK(archive_write_close(archive) == ARCHIVE_OK);
    archive_write_free(archive);
    archive_entry_free(entry);
}

uint8_t *read_bytes(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    uint8_t *bytes;
    long end;

    if (file == NULL || fseek(file, 0, SEEK_END) != 0 || (end = ftell(file)) < 0)
        FAIL("cannot read %s: %s", path, strerror(errno));
    rewind(file);
    *size = (size_t)end;
    bytes = malloc(*size + 1);
    if (bytes == NULL || fread(bytes, 1, *size, file) != *size)
        FAIL("cannot read %s", path);
    fclose(file);
    return bytes;
}

void gzip_file(const char *path)
{
    char zipped[200];
    size_t size;
    uint8_t *bytes = read_bytes(path, &size);

    snprintf(zipped, sizeof(zipped), "%s.gz", path);
    write_gzip(zipped, bytes, size);
    CHECK(unlink(path) == 0);
    free(bytes);
}

size_t idx_header(uint8_t *out, int dims, const int64_t *sizes)
{
    out[0] = out[1] = 0;
    out[2] = 0x08;
    out[3] = (uint8_t)dims;
    for (int i = 0; i < dims; i++)
        for (int byte = 0; byte < 4; byte++)
            out[4 + 4 * i + byte] = (uint8_t)(sizes[i] >> (24 - 8 * byte));
    return 4 + 4 * (size_t)dims;
}

/* Waves whose direction and length tell the class. */
static uint8_t pixel(const struct shape *shape, int64_t label, int64_t at, double noise)
{
    const double turn = 6.283185307179586;
    int64_t x = at % shape->width, y = at / shape->width % shape->height;
    int64_t channel = at / shape->width / shape->height;
    double across = (double)(label % 4) + 0.5, down = (double)(label / 4 % 4);
    double angle = turn * (across * (double)x / (double)shape->width +
                           down * (double)y / (double)shape->height);
    double value =
        0.5 + 0.3 * sin(angle + (double)channel + (double)(label / 16)) + 0.4 * (noise - 0.5);

    return (uint8_t)lround(255 * fmin(fmax(value, 0), 1));
}

struct split_files {
    const char *images, *labels;
    uint32_t epoch; /* tells the splits' noise apart */
    int64_t count;
};

static void write_split(const char *dir, const struct split_files *files,
                        const struct data_shape *shape, uint64_t seed)
{
    const struct shape *sample = &shape->sample;
    const struct rng noise = {seed, RNG_SYNTHETIC, files->epoch},
                     choice = {seed, RNG_SPLIT, files->epoch};
    const int64_t sizes[4] = {files->count, sample->channels, sample->height, sample->width};
    const int64_t flat[3] = {files->count, sample->height, sample->width};
    int64_t elements = shape_elements(sample);
    uint8_t *images = malloc((size_t)(files->count * elements) + 20),
            *labels = malloc((size_t)files->count + 8);
    char path[4096];
    size_t at, label_at;

    CHECK(images != NULL && labels != NULL);
    at = sample->channels == 1 ? idx_header(images, 3, flat) : idx_header(images, 4, sizes);
    label_at = idx_header(labels, 1, sizes);
    for (int64_t i = 0; i < files->count; i++) {
        int64_t label =
            i == 0 ? shape->classes - 1 : rng_below(&choice, (uint64_t)i, (uint32_t)shape->classes);

        labels[label_at++] = (uint8_t)label;
        for (int64_t k = 0; k < elements; k++)
            images[at++] =
                pixel(sample, label, k, rng_uniform(&noise, (uint64_t)(i * elements + k)));
    }
    snprintf(path, sizeof(path), "%s/%s", dir, files->images);
    write_bytes(path, images, at);
    snprintf(path, sizeof(path), "%s/%s", dir, files->labels);
    write_bytes(path, labels, label_at);
    free(images);
    free(labels);
}

void make_idx_dataset(const char *dir, const struct data_shape *shape, uint64_t seed)
{
    const struct split_files train = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte", 0,
                                      shape->train_samples};
    const struct split_files test = {"t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte", 1,
                                     shape->test_samples};

    if (mkdir(dir, 0777) != 0 && errno != EEXIST)
        FAIL("cannot make %s: %s", dir, strerror(errno));
    write_split(dir, &train, shape, seed);
    if (test.count > 0)
        write_split(dir, &test, shape, seed);
}

struct dataset *open_dataset(const char *dir)
{
    struct error error = {0};
    struct dataset *dataset = NULL;

    if (!dataset_open(dir, &dataset, &error))
        FAIL("%s: %s: %s", dir, error.where, error.text);
    return dataset;
}

void check_dataset_refused(const char *path, enum error_kind kind, const char *where,
                           const char *part_of_text)
{
    struct error error = {0};
    struct dataset *dataset = NULL;

    if (dataset_open(path, &dataset, &error))
        FAIL("%s: a wrong data set was taken for a right one", path);
    if (error.kind != kind || strstr(error.text, part_of_text) == NULL ||
        strcmp(error.where, where) != 0)
        FAIL("%s: %s (%s): %s", path, error_kind_name(error.kind), error.where, error.text);
    CHECK(strstr(error.text, test_dir()) == NULL);
}

void check_same_dataset(const char *path, const char *other)
{
    struct dataset *one = open_dataset(path), *two = open_dataset(other);

    if (strcmp(dataset_digest(one), dataset_digest(two)) != 0)
        FAIL("%s and %s differ", path, other);
    dataset_release(one);
    dataset_release(two);
}
