/* Writing a data set: what is read back is the same, and a full disk is an error. */
#include "tests/core/support.h"
#include "tests/core/support_image.h"
#include "tests/core/support_npy.h"
#include "tests/harness.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static void write_set(const struct dataset *dataset, const char *path)
{
    struct error error = {0};
    int dir;

    CHECK(mkdir(path, 0777) == 0);
    dir = open(path, O_RDONLY | O_DIRECTORY);
    CHECK(dir >= 0);
    if (!dataset_write(dataset, dir, &error))
        FAIL("%s: %s", error.where, error.text);
    close(dir);
}

static void check_round(const char *path)
{
    struct dataset *dataset = open_dataset(path), *again;

    write_set(dataset, "written");
    again = open_dataset("written");
    CHECK_TEXT(dataset_digest(again), dataset_digest(dataset));
    CHECK_TEXT(dataset_format(again), "npy");
    CHECK_INT(dataset_shape(again)->classes, dataset_shape(dataset)->classes);
    for (int64_t i = 0; i < dataset_shape(dataset)->classes; i++) {
        const char *name = dataset_class_name(dataset, i);

        CHECK((name == NULL) == (dataset_class_name(again, i) == NULL));
        if (name != NULL)
            CHECK_TEXT(dataset_class_name(again, i), name);
    }
    dataset_release(again);
    dataset_release(dataset);
}

TEST("bytes with a test split are read back as they were")
{
    const struct data_shape shape = {.sample = {.channels = 3, .height = 5, .width = 4},
                                     .classes = 5,
                                     .train_samples = 9,
                                     .test_samples = 4};

    make_idx_dataset("set", &shape, 1);
    check_round("set");
}

TEST("reals are read back to the last bit")
{
    make_npy_dataset("set", NPY_PIXELS_REALS);
    check_round("set");
}

TEST("names of classes are read back, and one class without a second name")
{
    uint8_t pixels[4] = {1, 2, 3, 4};

    write_file("set/Gänse & Co. /1.png", make_plain_png(1, 2, 2, pixels));
    check_round("set");
}

TEST("a disk without room is an error that says so")
{
    const struct data_shape shape = {
        .sample = {.channels = 1, .height = 50, .width = 50}, .classes = 2, .train_samples = 40};
    struct error error = {0};
    struct rlimit limit;
    struct dataset *dataset;
    int dir;

    make_idx_dataset("set", &shape, 1);
    dataset = open_dataset("set");
    CHECK(mkdir("written", 0777) == 0);
    dir = open("written", O_RDONLY | O_DIRECTORY);
    signal(SIGXFSZ, SIG_IGN);
    CHECK(getrlimit(RLIMIT_FSIZE, &limit) == 0);
    limit.rlim_cur = 50000;
    CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    CHECK(!dataset_write(dataset, dir, &error));
    CHECK_INT(error.kind, ERROR_FULL);
    CHECK_TEXT(error.where, "train_images.npy");
    close(dir);
    dataset_release(dataset);
}

TEST("a folder that is not empty is not written over")
{
    struct error error = {0};
    struct dataset *dataset;
    int dir;

    make_npy_dataset("set", NPY_PIXELS_BYTES);
    dataset = open_dataset("set");
    dir = open("set", O_RDONLY | O_DIRECTORY);
    CHECK(!dataset_write(dataset, dir, &error));
    CHECK_INT(error.kind, ERROR_IO);
    close(dir);
    dataset_release(dataset);
}
