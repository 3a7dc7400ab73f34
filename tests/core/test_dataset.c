/* Data sets: what is right is read exactly and shared safely. What is wrong stands in
 * test_dataset_refused.c. */
#include "tests/harness.h"

#include "core/dataset.h"
#include "tests/core/support.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define IMAGES "set/train-images-idx3-ubyte"
#define LABELS "set/train-labels-idx1-ubyte"
#define TEST_IMAGES "set/t10k-images-idx3-ubyte"
#define TEST_LABELS "set/t10k-labels-idx1-ubyte"

static const struct data_shape small = {{1, 5, 4, 0}, 3, 6, 4};

/* What make_idx_dataset wrote is what comes back. */
static void check_is_small(struct dataset *dataset, bool with_test)
{
    const struct data_shape *shape = dataset_shape(dataset);
    size_t size;
    uint8_t *images = read_bytes("plain/train-images-idx3-ubyte", &size);
    uint8_t *labels = read_bytes("plain/train-labels-idx1-ubyte", &size);

    CHECK_INT(shape->sample.channels, 1);
    CHECK_INT(shape->sample.height, 5);
    CHECK_INT(shape->sample.width, 4);
    CHECK_INT(shape->sample.flat, 0);
    CHECK_INT(shape->classes, 3);
    CHECK_INT(shape->train_samples, 6);
    CHECK_INT(shape->test_samples, with_test ? 4 : 0);
    CHECK_INT(dataset_train(dataset)->count, 6);
    CHECK_INT(dataset_test(dataset)->count, with_test ? 4 : 0);
    CHECK_INT(dataset_bytes(dataset), with_test ? 10 * (20 + 2) : 6 * (20 + 2));
    CHECK_TEXT(dataset_format(dataset), "idx");
    CHECK_INT((int)strlen(dataset_digest(dataset)), 64);
    CHECK(memcmp(dataset_train(dataset)->images, images + 16, 6 * 20) == 0);
    for (int i = 0; i < 6; i++)
        CHECK_INT(dataset_train(dataset)->labels[i], labels[8 + i]);
    free(images);
    free(labels);
}

TEST("an IDX data set is read alike plain, gzipped, mixed, and one folder down")
{
    struct dataset *plain, *other;

    make_idx_dataset("plain", &small, 1);
    plain = open_dataset("plain");
    check_is_small(plain, true);

    make_idx_dataset("set", &small, 1);
    gzip_file(IMAGES);
    gzip_file(TEST_LABELS);
    other = open_dataset("set");
    check_is_small(other, true);
    CHECK_TEXT(dataset_digest(other), dataset_digest(plain));
    dataset_release(other);

    gzip_file(LABELS);
    gzip_file(TEST_IMAGES);
    CHECK(mkdir("around", 0777) == 0 && mkdir("around/empty", 0777) == 0);
    write_bytes("around/README", "hello", 5);
    CHECK(rename("set", "around/set") == 0);
    other = open_dataset("around");
    CHECK_TEXT(dataset_digest(other), dataset_digest(plain));
    dataset_release(other);
    dataset_release(plain);
}

TEST("a data set without a test split is whole")
{
    const struct data_shape shape = {{1, 5, 4, 0}, 3, 6, 0};
    struct dataset *dataset;

    make_idx_dataset("plain", &shape, 1);
    dataset = open_dataset("plain");
    check_is_small(dataset, false);
    dataset_release(dataset);
}

TEST("images with channels are N x C x H x W")
{
    const struct data_shape shape = {{3, 6, 5, 0}, 4, 7, 2};
    struct dataset *dataset;

    make_idx_dataset("set", &shape, 2);
    dataset = open_dataset("set");
    CHECK_INT(dataset_shape(dataset)->sample.channels, 3);
    CHECK_INT(dataset_shape(dataset)->sample.height, 6);
    CHECK_INT(dataset_shape(dataset)->sample.width, 5);
    CHECK_INT(dataset_shape(dataset)->classes, 4);
    CHECK_INT(dataset_bytes(dataset), 9 * (90 + 2));
    dataset_release(dataset);
}

TEST("one class in the labels still makes two outputs")
{
    const struct data_shape shape = {{1, 3, 3, 0}, 1, 5, 0};
    struct dataset *dataset;

    make_idx_dataset("set", &shape, 1);
    dataset = open_dataset("set");
    CHECK_INT(dataset_shape(dataset)->classes, 2);
    dataset_release(dataset);
}

TEST("a class that only the test split has counts")
{
    struct dataset *dataset;
    size_t size;
    uint8_t *labels;

    make_idx_dataset("set", &small, 1);
    labels = read_bytes(TEST_LABELS, &size);
    labels[9] = 200;
    write_bytes(TEST_LABELS, labels, size);
    free(labels);
    dataset = open_dataset("set");
    CHECK_INT(dataset_shape(dataset)->classes, 201);
    dataset_release(dataset);
}

TEST("the digest changes with every pixel and every label")
{
    char before[65];
    struct dataset *dataset;

    make_idx_dataset("set", &small, 1);
    dataset = open_dataset("set");
    snprintf(before, sizeof(before), "%s", dataset_digest(dataset));
    dataset_release(dataset);
    for (int i = 0; i < 2; i++) {
        const char *path = i == 0 ? TEST_IMAGES : LABELS;
        size_t size;
        uint8_t *bytes = read_bytes(path, &size);

        bytes[size - 1] ^= 1;
        write_bytes(path, bytes, size);
        dataset = open_dataset("set");
        CHECK(strcmp(before, dataset_digest(dataset)) != 0);
        dataset_release(dataset);
        bytes[size - 1] ^= 1;
        write_bytes(path, bytes, size);
        free(bytes);
    }
}

static void *share_and_release(void *argument)
{
    struct dataset *dataset = argument;

    for (int i = 0; i < 20000; i++)
        dataset_release(dataset_share(dataset));
    for (int i = 0; i < 6; i++)
        CHECK(dataset_train(dataset)->labels[i] < 3);
    dataset_release(dataset);
    return NULL;
}

TEST("threads share a data set, and the last one out frees it")
{
    struct dataset *dataset;
    pthread_t threads[4];

    make_idx_dataset("set", &small, 1);
    dataset = open_dataset("set");
    for (int i = 0; i < 4; i++)
        CHECK(pthread_create(&threads[i], NULL, share_and_release, dataset_share(dataset)) == 0);
    dataset_release(dataset);
    for (int i = 0; i < 4; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    dataset_release(NULL);
}

TEST("no descriptor stays open after a data set was read or refused")
{
    struct dataset *dataset = NULL;
    int before = dup(0), after;

    close(before);
    make_idx_dataset("set", &small, 1);
    for (int i = 0; i < 3; i++)
        dataset_release(open_dataset("set"));
    gzip_file(IMAGES);
    write_bytes(LABELS, "wrong", 5);
    for (int i = 0; i < 3; i++)
        CHECK(!dataset_open("set", &dataset, NULL));
    CHECK(unlink(LABELS) == 0);
    CHECK(!dataset_open("set", &dataset, NULL));
    CHECK(unlink(IMAGES ".gz") == 0);
    CHECK(!dataset_open("set", &dataset, NULL));
    after = dup(0);
    CHECK_INT(after, before);
    close(after);
}

TEST("Debian's fashion-mnist is read: every image, every label")
{
    const char *path = "/usr/share/datasets/fashion-mnist";
    struct dataset *dataset;
    const struct data_shape *shape;
    int64_t seen[10] = {0};

    if (access(path, R_OK) != 0)
        SKIP("the package dataset-fashion-mnist is not installed");
    dataset = open_dataset(path);
    shape = dataset_shape(dataset);
    CHECK_INT(shape->sample.channels, 1);
    CHECK_INT(shape->sample.height, 28);
    CHECK_INT(shape->sample.width, 28);
    CHECK_INT(shape->classes, 10);
    CHECK_INT(shape->train_samples, 60000);
    CHECK_INT(shape->test_samples, 10000);
    for (int64_t i = 0; i < 60000; i++)
        seen[dataset_train(dataset)->labels[i]]++;
    for (int i = 0; i < 10; i++)
        CHECK_INT(seen[i], 6000);
    /* Computed from the same files with Python's gzip and hashlib. */
    CHECK_TEXT(dataset_digest(dataset),
               "a7a8872890eb74d5678582317a6d44108312496ad9be23ccd114d3bd243b507e");
    dataset_release(dataset);
}
