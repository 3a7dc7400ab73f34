/* CIFAR's binary files: records in their places, and what is wrong with them. */
#include "tests/core/support.h"
#include "tests/core/support_archive.h"
#include "tests/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { IMAGE = 3 * 32 * 32 };

/* Records whose pixels tell their number: `labels` bytes before each image, the last one the class.
 */
static void write_records(const char *path, int first, int count, int labels)
{
    size_t record = (size_t)labels + IMAGE;
    uint8_t *bytes = malloc((size_t)count * record);

    CHECK(bytes != NULL);
    for (int i = 0; i < count; i++) {
        uint8_t *at = bytes + (size_t)i * record;

        at[0] = 7; /* CIFAR-100's coarse label */
        at[labels - 1] = (uint8_t)((first + i) % 10);
        for (int k = 0; k < IMAGE; k++)
            at[labels + k] = (uint8_t)(k / 1024 * 50 + first + i + (k == 5));
    }
    write_bytes(path, bytes, (size_t)count * record);
    free(bytes);
}

static void write_names(const char *path, int count)
{
    FILE *file = fopen(path, "w");

    CHECK(file != NULL);
    for (int i = 0; i < count; i++)
        CHECK(fprintf(file, "class%d\n", i) > 0);
    CHECK(fputs("\n", file) >= 0 && fclose(file) == 0);
}

static void make_cifar10(void)
{
    char path[60];

    CHECK(mkdir("set", 0777) == 0);
    for (int i = 0; i < 5; i++) {
        snprintf(path, sizeof(path), "set/data_batch_%d.bin", i + 1);
        write_records(path, 4 * i, 4, 1);
    }
    write_records("set/test_batch.bin", 30, 3, 1);
    write_names("set/batches.meta.txt", 10);
    write_bytes("set/readme.html", "<html>", 6);
}

static void check_records(const struct dataset_split *split, int first, int64_t count)
{
    CHECK_INT(split->count, count);
    for (int i = 0; i < count; i++) {
        CHECK_INT(split->labels[i], (first + i) % 10);
        for (int k = 0; k < IMAGE; k++)
            CHECK_INT(split->images[i * IMAGE + k],
                      (uint8_t)(k / 1024 * 50 + first + i + (k == 5)));
    }
}

TEST("CIFAR-10's five batches are read in their order, with the test batch and the names")
{
    static const char *const paths[] = {"set", "archive"};

    make_cifar10();
    for (int packing = 0; packing < PACKINGS; packing++) {
        pack_folder("set", "archive", (enum packing)packing, "cifar-10-batches-bin/");
        for (int i = 0; i < 2; i++) {
            struct dataset *dataset = open_dataset(paths[i]);
            const struct data_shape *shape = dataset_shape(dataset);

            CHECK_TEXT(dataset_format(dataset), "cifar10");
            CHECK_INT(shape->sample.channels, 3);
            CHECK_INT(shape->sample.height, 32);
            CHECK_INT(shape->sample.width, 32);
            CHECK_INT(shape->classes, 10);
            CHECK_TEXT(dataset_class_name(dataset, 9), "class9");
            check_records(dataset_train(dataset), 0, 20);
            check_records(dataset_test(dataset), 30, 3);
            dataset_release(dataset);
        }
    }
}

TEST("CIFAR-100's fine labels are taken, with their names")
{
    struct dataset *dataset;

    CHECK(mkdir("set", 0777) == 0);
    write_records("set/train.bin", 0, 5, 2);
    write_records("set/test.bin", 9, 2, 2);
    write_names("set/fine_label_names.txt", 100);
    write_names("set/coarse_label_names.txt", 20);
    dataset = open_dataset("set");
    CHECK_TEXT(dataset_format(dataset), "cifar100");
    CHECK_INT(dataset_shape(dataset)->classes, 100);
    CHECK_TEXT(dataset_class_name(dataset, 99), "class99");
    check_records(dataset_train(dataset), 0, 5);
    check_records(dataset_test(dataset), 9, 2);
    dataset_release(dataset);
    write_names("set/fine_label_names.txt", 99);
    check_dataset_refused("set", ERROR_CORRUPT, "fine_label_names.txt",
                          "99 names of classes, not 100");
}

TEST("batches may end early, the test batch and the names may lack, a gap may not")
{
    struct dataset *dataset;

    make_cifar10();
    CHECK(unlink("set/data_batch_5.bin") == 0 && unlink("set/test_batch.bin") == 0 &&
          unlink("set/batches.meta.txt") == 0);
    dataset = open_dataset("set");
    check_records(dataset_train(dataset), 0, 16);
    CHECK_INT(dataset_test(dataset)->count, 0);
    CHECK(dataset_class_name(dataset, 0) == NULL);
    dataset_release(dataset);
    CHECK(unlink("set/data_batch_2.bin") == 0);
    check_dataset_refused("set", ERROR_CORRUPT, "data_batch_2.bin",
                          "missing and data_batch_3.bin is there");
    CHECK(unlink("set/data_batch_1.bin") == 0);
    check_dataset_refused("set", ERROR_CORRUPT, "data_batch_1.bin", "missing");
    CHECK(unlink("set/data_batch_3.bin") == 0 && unlink("set/data_batch_4.bin") == 0);
    write_records("set/test_batch.bin", 0, 1, 1);
    check_dataset_refused("set", ERROR_CORRUPT, "data_batch_1.bin", "missing");
}

TEST("files that are not whole records, and labels without a class, are refused")
{
    size_t size;
    uint8_t *bytes;

    make_cifar10();
    bytes = read_bytes("set/data_batch_3.bin", &size);
    write_bytes("set/data_batch_3.bin", bytes, size - 1);
    check_dataset_refused("set", ERROR_CORRUPT, "data_batch_3.bin",
                          "12291 bytes, which are not whole records of 3073");
    write_bytes("set/data_batch_3.bin", "", 0);
    check_dataset_refused("set", ERROR_CORRUPT, "data_batch_3.bin", "0 bytes");
    bytes[2 * 3073] = 10;
    write_bytes("set/data_batch_3.bin", bytes, size);
    check_dataset_refused("set", ERROR_CORRUPT, "data_batch_3.bin",
                          "record 2 (counted from 0) has the label 10; there are 10 classes");
    pack_folder("set", "archive", PACK_TAR_GZ, "");
    check_dataset_refused("archive", ERROR_CORRUPT, "data_batch_3.bin", "the label 10");
    free(bytes);
    CHECK(unlink("set/data_batch_3.bin") == 0 && mkdir("set/data_batch_3.bin", 0777) == 0);
    check_dataset_refused("set", ERROR_INVALID, "data_batch_3.bin", "not a regular file");
}

TEST("a compressed batch is not taken for a plain one")
{
    make_cifar10();
    gzip_file("set/test_batch.bin");
    CHECK(rename("set/test_batch.bin.gz", "set/test_batch.bin") == 0);
    check_dataset_refused("set", ERROR_CORRUPT, "test_batch.bin", "not whole records");
}

TEST("files of two formats side by side are refused")
{
    make_cifar10();
    write_records("set/train.bin", 0, 5, 2);
    check_dataset_refused("set", ERROR_INVALID, "", "files of cifar10 and of cifar100");
}
