/* Folders of images: classes, splits and order by names alone; one size, one number of channels. */
#include "tests/core/support.h"
#include "tests/core/support_archive.h"
#include "tests/core/support_image.h"
#include "tests/harness.h"

#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SIDE = 4, PLANE = SIDE * SIDE };

/* A PNG file all of one grey. */
static void put_grey(const char *path, uint8_t grey)
{
    uint8_t pixels[PLANE];

    memset(pixels, grey, sizeof(pixels));
    write_file(path, make_plain_png(1, SIDE, SIDE, pixels));
}

static void put_colour(const char *path, uint8_t red, uint8_t green, uint8_t blue)
{
    uint8_t pixels[3 * PLANE];

    for (int i = 0; i < PLANE; i++) {
        pixels[3 * i] = red;
        pixels[3 * i + 1] = green;
        pixels[3 * i + 2] = blue;
    }
    write_file(path, make_plain_png(3, SIDE, SIDE, pixels));
}

static void put_jpeg(const char *path, uint8_t grey)
{
    const struct jpeg_words words = {.kind = JPEG_GREY, .width = SIDE, .height = SIDE};
    uint8_t pixels[PLANE];

    memset(pixels, grey, sizeof(pixels));
    write_file(path, make_jpeg(&words, pixels));
}

/* Sample i of the split is all of these colours. */
static void check_sample(const struct dataset *dataset, const struct dataset_split *split,
                         int64_t i, const uint8_t *colours)
{
    int64_t channels = dataset_shape(dataset)->sample.channels;

    for (int64_t c = 0; c < channels; c++)
        for (int k = 0; k < PLANE; k++)
            CHECK_INT(split->images[(i * channels + c) * PLANE + k], colours[c]);
}

static void make_splits(void)
{
    put_grey("set/train/cat/1.png", 1);
    put_grey("set/train/cat/10.PNG", 10);
    put_grey("set/train/cat/2.png", 2);
    put_grey("set/train/Bär/x.png", 3);
    put_jpeg("set/train/Bär/y.jpeg", 128);
    put_grey("set/test/cat/1.png", 5);
    put_jpeg("set/test/owl/z.JPG", 64);
}

TEST("classes are numbered by name and take turns, samples of each follow the files' names, and "
     "both "
     "splits are found")
{
    static const uint8_t train[][2] = {{1, 1}, {0, 3}, {1, 10}, {0, 128}, {1, 2}};
    struct dataset *dataset;
    const struct dataset_split *split;

    make_splits();
    dataset = open_dataset("set");
    CHECK_TEXT(dataset_format(dataset), "images");
    CHECK_INT(dataset_shape(dataset)->sample.channels, 1);
    CHECK_INT(dataset_shape(dataset)->sample.height, SIDE);
    CHECK_INT(dataset_shape(dataset)->sample.width, SIDE);
    CHECK_INT(dataset_shape(dataset)->classes, 3);
    CHECK_TEXT(dataset_class_name(dataset, 0), "Bär");
    CHECK_TEXT(dataset_class_name(dataset, 1), "cat");
    CHECK_TEXT(dataset_class_name(dataset, 2), "owl");
    split = dataset_train(dataset);
    CHECK_INT(split->count, 5);
    for (int i = 0; i < 5; i++) {
        CHECK_INT(split->labels[i], train[i][0]);
        check_sample(dataset, split, i, &train[i][1]);
    }
    split = dataset_test(dataset);
    CHECK_INT(split->count, 2);
    CHECK(split->labels[0] == 1 && split->labels[1] == 2);
    check_sample(dataset, split, 1, (const uint8_t[]){64});
    dataset_release(dataset);
}

TEST("images and names of classes are the same in every kind of archive, in any order of entries")
{
    make_splits();
    put_colour("set/train/owl/c.png", 7, 8, 9);
    for (int packing = 0; packing < PACKINGS; packing++) {
        pack_folder("set", "archive", (enum packing)packing, "");
        check_same_dataset("set", "archive");
        pack_folder("set", "archive", (enum packing)packing, "around it all/");
        check_same_dataset("set", "archive");
    }
}

TEST("folders of classes alone make a set without a test split")
{
    struct dataset *dataset;

    put_grey("around/set/a/1.png", 1);
    put_grey("around/set/a-b/1.png", 2);
    put_grey("around/set/a/2.png", 3);
    put_grey("around/set/b/1.png", 4);
    write_bytes("around/set/a/Thumbs.db", "x", 1);
    write_bytes("around/set/b/.hidden.png", "x", 1);
    dataset = open_dataset("around/set");
    CHECK_INT(dataset_shape(dataset)->test_samples, 0);
    CHECK_INT(dataset_shape(dataset)->classes, 3);
    CHECK_TEXT(dataset_class_name(dataset, 0), "a");
    CHECK_TEXT(dataset_class_name(dataset, 1), "a-b");
    /* By the middle of their turns: a at 1/4 and 3/4, the others at 1/2. */
    CHECK_INT(dataset_train(dataset)->labels[0], 0);
    CHECK_INT(dataset_train(dataset)->labels[1], 1);
    CHECK_INT(dataset_train(dataset)->labels[2], 2);
    CHECK_INT(dataset_train(dataset)->labels[3], 0);
    check_sample(dataset, dataset_train(dataset), 3, (const uint8_t[]){3});
    dataset_release(dataset);
    check_same_dataset("around/set", "around");
}

TEST("one class alone has a name, and a second output without one")
{
    struct dataset *dataset;

    put_grey("set/only/1.png", 1);
    dataset = open_dataset("set");
    CHECK_INT(dataset_shape(dataset)->classes, 2);
    CHECK_TEXT(dataset_class_name(dataset, 0), "only");
    CHECK(dataset_class_name(dataset, 1) == NULL);
    dataset_release(dataset);
}

TEST("grey images among coloured ones become RGB, whichever come first")
{
    static const char *const greys[] = {"set/train/a/1.png", "set/train/b/2.png",
                                        "set/test/a/9.png"};
    static const char *const colours[] = {"set/train/b/1.png", "set/train/a/2.png",
                                          "set/test/a/1.png"};
    static const uint8_t wanted[2][3] = {{5, 5, 5}, {1, 2, 3}};

    for (int turn = 0; turn < 2; turn++) {
        const char *const *grey = turn == 0 ? greys : colours, *const *colour =
                                                                   turn == 0 ? colours : greys;
        struct dataset *dataset;
        const struct dataset_split *split;

        for (int i = 0; i < 3; i++) {
            put_grey(grey[i], 5);
            put_colour(colour[i], 1, 2, 3);
        }
        dataset = open_dataset("set");
        CHECK_INT(dataset_shape(dataset)->sample.channels, 3);
        split = dataset_train(dataset);
        for (int i = 0; i < 4; i++) /* a/1, b/1, a/2, b/2 */
            check_sample(dataset, split, i, wanted[(i == 1 || i == 2) != turn]);
        split = dataset_test(dataset);
        check_sample(dataset, split, 0, wanted[1 != turn]);
        check_sample(dataset, split, 1, wanted[0 != turn]);
        dataset_release(dataset);
    }
}

TEST("images of different sizes are refused by both names")
{
    uint8_t pixels[64] = {0};

    put_grey("set/train/a/1.png", 1);
    put_grey("set/train/a/2.png", 1);
    write_file("set/train/b/3.png", make_plain_png(1, 8, 2, pixels));
    check_dataset_refused("set", ERROR_INVALID, "train/b/3.png",
                          "train/b/3.png is 8×2 pixels and train/a/1.png is 4×4; all images must "
                          "have one size");
}

TEST("an image out of place is refused by its name")
{
    put_grey("set/train/a/1.png", 1);
    put_grey("set/train/2.png", 1);
    check_dataset_refused("set", ERROR_INVALID, "train/2.png", "train/CLASS/ and test/CLASS/");
    CHECK(unlink("set/train/2.png") == 0);
    put_grey("set/train/a/deep/2.png", 1);
    check_dataset_refused("set", ERROR_INVALID, "train/a/deep/2.png", "out of place");
    CHECK(unlink("set/train/a/deep/2.png") == 0);
    put_grey("set/val/a/1.png", 1);
    check_dataset_refused("set", ERROR_INVALID, "val/a/1.png", "out of place");
    CHECK(unlink("set/val/a/1.png") == 0);
    dataset_release(open_dataset("set"));

    put_grey("alone/a/1.png", 1);
    put_grey("alone/2.png", 1);
    check_dataset_refused("alone", ERROR_INVALID, "2.png", "must lie in its class's folder");
    CHECK(unlink("alone/2.png") == 0);
    put_grey("alone/b/c/1.png", 1);
    check_dataset_refused("alone", ERROR_INVALID, "b/c/1.png", "must lie in its class's folder");
    pack_folder("alone", "archive", PACK_ZIP, "around/");
    check_dataset_refused("archive", ERROR_INVALID, "b/c/1.png", "must lie in its class's folder");

    put_grey("tested/test/a/1.png", 1);
    check_dataset_refused("tested", ERROR_CORRUPT, "train", "no training images");
}

TEST("a picture beside the folder of the set does not make that folder a class")
{
    put_grey("around/set/train/a/1.png", 1);
    put_grey("around/set/train/b/1.png", 2);
    put_grey("around/set/preview.png", 1);
    check_dataset_refused("around", ERROR_INVALID, "preview.png", "out of place");
    CHECK(unlink("around/set/preview.png") == 0);
    dataset_release(open_dataset("around"));
}

TEST("pictures of other kinds, and files that only bear the ending, are refused by name")
{
    put_grey("set/a/1.png", 1);
    write_bytes("set/a/2.gif", "GIF89a", 6);
    check_dataset_refused("set", ERROR_UNSUPPORTED, "a/2.gif", "only PNG and JPEG");
    CHECK(unlink("set/a/2.gif") == 0);
    write_bytes("set/a/2.png", "GIF89a", 6);
    check_dataset_refused("set", ERROR_CORRUPT, "a/2.png", "neither a PNG nor a JPEG");
    write_bytes("set/a/2.png", "", 0);
    check_dataset_refused("set", ERROR_CORRUPT, "a/2.png", "neither a PNG nor a JPEG");
    CHECK(unlink("set/a/2.png") == 0 && mkfifo("set/a/2.png", 0600) == 0);
    check_dataset_refused("set", ERROR_INVALID, "a/2.png", "not a regular file");
    CHECK(unlink("set/a/2.png") == 0);
    /* The content counts, not the ending. */
    put_jpeg("set/a/2.png", 1);
    dataset_release(open_dataset("set"));
}

TEST("a class whose name is no text is refused, and shown as text")
{
    put_grey("set/a/1.png", 1);
    put_grey("set/b\xff\x1b[2J/1.png", 1);
    check_dataset_refused("set", ERROR_INVALID, "b??[2J", "no name for a class");
    pack_folder("set", "archive", PACK_TAR, "");
    check_dataset_refused("archive", ERROR_INVALID, "b??[2J", "no name for a class");
}

TEST(
    "an image's header that claims more than a data set may have is refused before memory is taken")
{
    uint8_t pixels[64] = {0};

    for (int i = 0; i < 3; i++) {
        struct file_bytes png = make_plain_png(1, 8, 8, pixels);
        char path[40];

        png_set_sides(&png, 65535, 65535);
        snprintf(path, sizeof(path), "set/a/%d.png", i);
        write_file(path, png);
    }
    check_dataset_refused("set", ERROR_TOO_LARGE, "a/0.png", "65535×65535");
}

TEST("the beginning of a folder set has all its classes, in the share that they have in all of it")
{
    enum { FEW = 4, MANY = 3 * FEW };
    struct dataset *dataset;
    const struct dataset_split *split;
    char path[40];

    for (int i = 0; i < MANY; i++) {
        snprintf(path, sizeof(path), "set/a/%02d.png", i);
        put_grey(path, (uint8_t)i);
        if (i >= FEW)
            continue;
        snprintf(path, sizeof(path), "set/z/%02d.png", i);
        put_grey(path, (uint8_t)(100 + i));
    }
    dataset = open_dataset("set");
    split = dataset_train(dataset);
    CHECK_INT(split->count, MANY + FEW);
    int next[2] = {0};
    for (int i = 0; i < MANY + FEW; i++) {
        int label = split->labels[i];

        check_sample(dataset, split, i, (const uint8_t[]){(uint8_t)(100 * label + next[label])});
        next[label]++;
        CHECK(abs(next[0] - 3 * next[1]) <= 3);
    }
    dataset_release(dataset);
    pack_folder("set", "archive", PACK_ZIP, "");
    check_same_dataset("set", "archive");
}

TEST(
    "many images of one colour are refused where they would take far more than the bytes that came")
{
    enum { COUNT = 24, WIDE = 2048 };
    uint8_t *pixels = calloc(WIDE, WIDE);
    char path[40];

    CHECK(pixels != NULL);
    for (int i = 0; i < COUNT; i++) {
        snprintf(path, sizeof(path), "set/a/%02d.png", i);
        write_file(path, make_plain_png(1, WIDE, WIDE, pixels));
    }
    free(pixels);
    check_dataset_refused("set", ERROR_TOO_LARGE, "a/00.png",
                          "24 images of 2048×2048 pixels would take more than 500 times");
    /* Alike files are packed once more, so that a folder of a fair size is none. */
    uint8_t *dots = calloc(WIDE, WIDE);
    CHECK(dots != NULL);
    for (int i = 0; i < WIDE * WIDE; i += 200)
        dots[i] = (uint8_t)((unsigned)i * 2654435761U >> 24);
    for (int i = 0; i < COUNT; i++) {
        snprintf(path, sizeof(path), "set/a/%02d.png", i);
        write_file(path, make_plain_png(1, WIDE, WIDE, dots));
    }
    free(dots);
    dataset_release(open_dataset("set"));
    pack_folder("set", "archive", PACK_TAR_ZST, "");
    size_t packed;
    free(read_bytes("archive", &packed));
    if (packed < (size_t)WIDE * WIDE * COUNT / 1000)
        check_dataset_refused("archive", ERROR_TOO_LARGE, "a/23.png", "more than 500 times");
}

TEST("two sets of images side by side are refused")
{
    put_grey("set/one/a/1.png", 1);
    put_grey("set/two/b/1.png", 1);
    check_dataset_refused("set", ERROR_INVALID, "", "more than one data set");
}

TEST("a damaged image among good ones is named")
{
    size_t size;
    uint8_t *bytes;

    put_grey("set/a/1.png", 1);
    put_grey("set/b/1.png", 1);
    bytes = read_bytes("set/b/1.png", &size);
    bytes[size / 2] ^= 1;
    write_bytes("set/b/1.png", bytes, size);
    free(bytes);
    check_dataset_refused("set", ERROR_CORRUPT, "b/1.png", "cannot be decoded");
    pack_folder("set", "archive", PACK_TAR_ZST, "deep/");
    check_dataset_refused("archive", ERROR_CORRUPT, "b/1.png", "cannot be decoded");
}

/* Root reads what it likes; without its capabilities it is an owner like others. */
static void be_no_reader_of_everything(void)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {0};

    CHECK(syscall(SYS_capset, &head, none) == 0);
}

TEST("a folder of a class that cannot be read is an error, not a class less")
{
    put_grey("set/a/1.png", 1);
    put_grey("set/b/1.png", 1);
    CHECK(chmod("set/b", 0) == 0);
    be_no_reader_of_everything();
    check_dataset_refused("set", ERROR_IO, "b", "cannot be listed");
}
