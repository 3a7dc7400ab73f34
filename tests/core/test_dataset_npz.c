/* NPZ archives, and the names of classes beside arrays. */
#include "tests/core/support.h"
#include "tests/core/support_archive.h"
#include "tests/core/support_npy.h"
#include "tests/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TEST("names of classes are read, kept and counted; what is no name is refused with its line")
{
    struct dataset *dataset;

    make_npy_dataset("set", NPY_PIXELS_BYTES);
    write_bytes("set/class_names.txt", "cat\nDackel und Pudel\r\nçö日\nfourth\n\r\n\n", 38);
    dataset = open_dataset("set");
    CHECK_INT(dataset_shape(dataset)->classes, 4);
    CHECK_TEXT(dataset_class_name(dataset, 0), "cat");
    CHECK_TEXT(dataset_class_name(dataset, 1), "Dackel und Pudel");
    CHECK_TEXT(dataset_class_name(dataset, 2), "çö日");
    CHECK_TEXT(dataset_class_name(dataset, 3), "fourth");
    CHECK(dataset_class_name(dataset, 4) == NULL && dataset_class_name(dataset, -1) == NULL);
    dataset_release(dataset);

    write_bytes("set/class_names.txt", "a\nb", 3);
    check_dataset_refused("set", ERROR_CORRUPT, "", "2 names of classes, and the label 2 occurs");
    write_bytes("set/class_names.txt", "a\n\nc", 4);
    check_dataset_refused("set", ERROR_CORRUPT, "class_names.txt", "line 2 is no name");
    write_bytes("set/class_names.txt", "a\nb\nc\x1b[2J", 9);
    check_dataset_refused("set", ERROR_CORRUPT, "class_names.txt", "line 3 is no name");
    write_bytes("set/class_names.txt", "a\xff\nb\nc", 6);
    check_dataset_refused("set", ERROR_CORRUPT, "class_names.txt", "line 1 is no name");
    write_bytes("set/class_names.txt", "a\0\nb\nc", 6);
    check_dataset_refused("set", ERROR_CORRUPT, "class_names.txt", "this is no text");
    write_bytes("set/class_names.txt", "", 0);
    check_dataset_refused("set", ERROR_CORRUPT, "class_names.txt", "0 names of classes");
    CHECK(unlink("set/class_names.txt") == 0);
    dataset = open_dataset("set");
    CHECK(dataset_class_name(dataset, 0) == NULL);
    dataset_release(dataset);
}

TEST("the digest changes with the names of the classes")
{
    struct dataset *dataset;
    char digests[3][65];
    static const char *const names[] = {"a\nb\nc", "a\nb\nd", NULL};

    make_npy_dataset("set", NPY_PIXELS_BYTES);
    for (int i = 0; i < 3; i++) {
        if (names[i] != NULL)
            write_bytes("set/class_names.txt", names[i], strlen(names[i]));
        else
            CHECK(unlink("set/class_names.txt") == 0);
        dataset = open_dataset("set");
        snprintf(digests[i], sizeof(digests[i]), "%s", dataset_digest(dataset));
        dataset_release(dataset);
    }
    CHECK(strcmp(digests[0], digests[1]) != 0 && strcmp(digests[0], digests[2]) != 0);
}

TEST("an NPZ file is read by itself, in a folder, and in an archive")
{
    struct dataset *dataset;

    make_npy_dataset("set", NPY_PIXELS_REALS);
    for (int stored = 0; stored < 2; stored++) {
        pack_folder("set", "set.npz", stored ? PACK_ZIP_STORED : PACK_ZIP, "");
        check_same_dataset("set", "set.npz");
        mkdir("around", 0777);
        CHECK(rename("set.npz", "around/set.npz") == 0);
        check_same_dataset("set", "around");
        dataset = open_dataset("around");
        CHECK_TEXT(dataset_format(dataset), "npz");
        dataset_release(dataset);
        pack_folder("around", "archive", PACK_TAR_GZ, "one/");
        check_same_dataset("set", "archive");
        pack_folder("around", "archive", PACK_ZIP, "");
        check_same_dataset("set", "archive");
    }
}

TEST("an NPZ file that is none, empty, or not alone is refused")
{
    make_npy_dataset("set", NPY_PIXELS_BYTES);
    pack_folder("set", "set.npz", PACK_ZIP, "");
    CHECK(mkdir("around", 0777) == 0);
    write_bytes("around/a.npz", "PK, or so", 9);
    check_dataset_refused("around", ERROR_CORRUPT, "a.npz", "this is no zip archive");
    pack_folder("around", "archive", PACK_TAR, "");
    check_dataset_refused("archive", ERROR_CORRUPT, "a.npz", "this is no zip archive");
    CHECK(rename("set", "inner") == 0 && mkdir("set", 0777) == 0);
    write_bytes("set/train_image.npy", "x", 1);
    pack_folder("set", "around/a.npz", PACK_ZIP, "");
    check_dataset_refused("around", ERROR_NOT_FOUND, "a.npz",
                          "the archive holds train_image; wanted");
    write_bytes("set/x_train.npy", "x", 1);
    write_bytes("set/y_train.npy", "x", 1);
    pack_folder("set", "around/a.npz", PACK_ZIP, "");
    check_dataset_refused("around", ERROR_NOT_FOUND, "a.npz",
                          "the archive holds train_image, x_train, y_train; wanted are "
                          "train_images and train_labels");
    CHECK(rename("set.npz", "around/b.npz") == 0);
    check_dataset_refused("around", ERROR_INVALID, "", "more than one .npz");
    CHECK(unlink("around/a.npz") == 0);
    check_same_dataset("around", "inner");
    CHECK(rename("inner/train_images.npy", "around/train_images.npy") == 0);
    check_dataset_refused("around", ERROR_INVALID, "", "files of npy and of npz");
    CHECK(unlink("around/train_images.npy") == 0 && unlink("around/b.npz") == 0);
    CHECK(mkdir("around/a.npz", 0777) == 0);
    check_dataset_refused("around", ERROR_INVALID, "a.npz", "not a regular file");
}
