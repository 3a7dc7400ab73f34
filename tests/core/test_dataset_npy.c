/* NPY and NPZ: every type and version that is allowed is read exactly; the rest is refused with its
 * reason. */
#include "tests/core/support.h"
#include "tests/core/support_archive.h"
#include "tests/core/support_npy.h"
#include "tests/harness.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define IMAGES "set/train_images.npy"
#define LABELS "set/train_labels.npy"
#define TEST_IMAGES "set/test_images.npy"
#define TEST_LABELS "set/test_labels.npy"

static void check_shape(const struct dataset *dataset, bool reals)
{
    const struct data_shape *shape = dataset_shape(dataset);

    CHECK_INT(shape->sample.channels, 1);
    CHECK_INT(shape->sample.height, 2);
    CHECK_INT(shape->sample.width, 3);
    CHECK_INT(shape->classes, 3);
    CHECK_INT(shape->train_samples, 4);
    CHECK_INT(shape->test_samples, 2);
    CHECK_INT(shape->real_pixels, reals);
    CHECK_INT(dataset_bytes(dataset), 36 * (reals ? 4 : 1) + 6 * 2);
    CHECK_TEXT(dataset_format(dataset), "npy");
    for (int i = 0; i < 6; i++) {
        const struct dataset_split *split = i < 4 ? dataset_train(dataset) : dataset_test(dataset);

        CHECK_INT(split->labels[i % 4], i < 4 ? (i < 3 ? i : 1) : (i == 4 ? 2 : 1));
    }
    for (int i = 0; i < 24; i++) {
        CHECK((dataset_train(dataset)->images == NULL) == reals);
        CHECK((dataset_train(dataset)->reals == NULL) != reals);
        if (reals)
            CHECK(dataset_train(dataset)->reals[i] == (float)i);
        else
            CHECK_INT(dataset_train(dataset)->images[i], i);
        if (i >= 12 && reals)
            CHECK(dataset_test(dataset)->reals[i - 12] == (float)i);
        else if (i >= 12)
            CHECK_INT(dataset_test(dataset)->images[i - 12], i);
    }
}

TEST("uint8 and float32 arrays are read with their test split")
{
    for (int reals = 0; reals < 2; reals++) {
        struct dataset *dataset;

        make_npy_dataset("set", (enum npy_pixels)reals);
        dataset = open_dataset("set");
        check_shape(dataset, reals != 0);
        dataset_release(dataset);
    }
}

TEST("the same numbers as bytes and as reals are two data sets")
{
    struct dataset *bytes, *reals;

    make_npy_dataset("bytes", NPY_PIXELS_BYTES);
    make_npy_dataset("reals", NPY_PIXELS_REALS);
    bytes = open_dataset("bytes");
    reals = open_dataset("reals");
    CHECK(strcmp(dataset_digest(bytes), dataset_digest(reals)) != 0);
    dataset_release(bytes);
    dataset_release(reals);
}

TEST("an array's digest is that of the same images in IDX files")
{
    const struct data_shape shape = {
        .sample = {.channels = 3, .height = 5, .width = 4}, .classes = 3, .train_samples = 6};
    size_t size;
    uint8_t *bytes;

    make_idx_dataset("idx", &shape, 3);
    CHECK(mkdir("set", 0777) == 0);
    bytes = read_bytes("idx/train-images-idx3-ubyte", &size);
    write_array(IMAGES, "|u1", "(6, 3, 5, 4)", bytes + 20, size - 20);
    free(bytes);
    bytes = read_bytes("idx/train-labels-idx1-ubyte", &size);
    write_array(LABELS, "|u1", "(6,)", bytes + 8, size - 8);
    free(bytes);
    check_same_dataset("idx", "set");
}

TEST("labels of every integer type and byte order, and reals of both, are the same data set")
{
    static const struct {
        const char *type;
        int item;
        bool big;
    } types[] = {{"|u1", 1, false}, {"|i1", 1, false}, {"<u1", 1, false}, {">i1", 1, false},
                 {"<u2", 2, false}, {">u2", 2, true},  {"<i2", 2, false}, {">i2", 2, true},
                 {"<u4", 4, false}, {">u4", 4, true},  {"<i4", 4, false}, {">i4", 4, true},
                 {"<u8", 8, false}, {">u8", 8, true},  {"<i8", 8, false}, {">i8", 8, true}};
    const uint8_t labels[] = {0, 1, 2, 1};
    uint8_t swapped[96];

    make_npy_dataset("same", NPY_PIXELS_REALS);
    make_npy_dataset("set", NPY_PIXELS_REALS);
    for (size_t t = 0; t < sizeof(types) / sizeof(types[0]); t++) {
        uint8_t bytes[32] = {0};

        for (int i = 0; i < 4; i++)
            bytes[i * types[t].item + (types[t].big ? types[t].item - 1 : 0)] = labels[i];
        write_array(LABELS, types[t].type, "(4,)", bytes, 4 * (size_t)types[t].item);
        check_same_dataset("same", "set");
    }
    for (int i = 0; i < 24; i++) {
        float number = (float)i;
        uint8_t bytes[4];

        memcpy(bytes, &number, 4);
        for (int k = 0; k < 4; k++)
            swapped[4 * i + k] = bytes[3 - k];
    }
    write_array(IMAGES, ">f4", "(4, 2, 3)", swapped, sizeof(swapped));
    check_same_dataset("same", "set");
}

TEST("all three header versions are read, and every order and spacing of the keys")
{
    static const char *const texts[] = {
        "{'descr': '|u1', 'fortran_order': False, 'shape': (4,), }",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (4,)}",
        "{'shape': (4,), 'fortran_order': False, 'descr': '|u1'}",
        "{\"shape\":(4,),\"fortran_order\":False,\"descr\":\"|u1\"}",
        "{ 'fortran_order' : False , 'shape' : ( 4 , ) , 'descr' : '|u1' , }",
    };
    const uint8_t labels[] = {0, 1, 2, 1};

    make_npy_dataset("same", NPY_PIXELS_BYTES);
    make_npy_dataset("set", NPY_PIXELS_BYTES);
    for (int version = 1; version <= 3; version++)
        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
            write_npy(LABELS, version, texts[i], labels, 4);
            check_same_dataset("same", "set");
        }
}

struct text_case {
    const char *text; /* the dictionary */
    enum error_kind kind;
    const char *part;
};

#define WITH(descr, order, shape)                                                                  \
    "{'descr': " descr ", 'fortran_order': " order ", 'shape': " shape ", }"

TEST("a header that is not exactly what NumPy writes is refused with its reason")
{
    static const struct text_case cases[] = {
        {"", ERROR_CORRUPT, "{ is expected"},
        {"{}", ERROR_CORRUPT, "lacks descr"},
        {"{,}", ERROR_CORRUPT, "a string is expected"},
        {"{'descr': '|u1', 'shape': (4,)}", ERROR_CORRUPT, "lacks descr"},
        {"{'descr': '|u1', 'fortran_order': False}", ERROR_CORRUPT, "lacks descr"},
        {"{'descr': '|u1', 'descr': '|u1'}", ERROR_CORRUPT, "did not stand there before"},
        {"{'descr': '|u1', 'other': 1}", ERROR_CORRUPT, "where \"'other'"},
        {"{'descr' '|u1'}", ERROR_CORRUPT, ": is expected"},
        {"{descr: '|u1'}", ERROR_CORRUPT, "a string is expected"},
        {"{'descr': '|u1' 'shape': (4,)}", ERROR_CORRUPT, ", or } is expected"},
        {"{'descr': '|u1", ERROR_CORRUPT, "a short string is expected"},
        {WITH("'|u1'", "false", "(4,)"), ERROR_CORRUPT, "True or False is expected"},
        {WITH("'|u1'", "0", "(4,)"), ERROR_CORRUPT, "True or False is expected"},
        {WITH("'|u1'", "True", "(4,)"), ERROR_UNSUPPORTED, "Fortran order"},
        {WITH("'|u1'", "False", "(4)"), ERROR_CORRUPT, "a tuple is expected"},
        {WITH("'|u1'", "False", "4"), ERROR_CORRUPT, "( is expected"},
        {WITH("'|u1'", "False", "[4]"), ERROR_CORRUPT, "( is expected"},
        {WITH("'|u1'", "False", "(-4,)"), ERROR_CORRUPT, "a number is expected"},
        {WITH("'|u1'", "False", "(4L,)"), ERROR_CORRUPT, ", or ) is expected"},
        {WITH("'|u1'", "False", "(04,)"), ERROR_CORRUPT, "a number is expected"},
        {WITH("'|u1'", "False", "(4,,)"), ERROR_CORRUPT, "a number is expected"},
        {WITH("'|u1'", "False", "(,)"), ERROR_CORRUPT, "a number is expected"},
        {WITH("'|u1'", "False", "(99999999999999999999,)"), ERROR_TOO_LARGE, "no array has"},
        {WITH("'|u1'", "False", "(1,1,1,1,1,1,1,1,1)"), ERROR_UNSUPPORTED, "more than 8"},
        {WITH("'|u1'", "False", "()"), ERROR_CORRUPT, "labels have 0 dimensions"},
        {WITH("'|u1'", "False", "(2, 2)"), ERROR_CORRUPT, "labels have 2 dimensions"},
        {WITH("'|u1'", "False", "(0,)"), ERROR_CORRUPT, "no labels"},
        {WITH("'|u1'", "False", "(3,)"), ERROR_CORRUPT, "promises 3 bytes"},
        {WITH("'|u1'", "False", "(9223372036854775807,)"), ERROR_TOO_LARGE, "at most 2147483647"},
        {WITH("'<f4'", "False", "(1,)"), ERROR_UNSUPPORTED, "labels are float32; integers"},
        {WITH("'|b1'", "False", "(4,)"), ERROR_UNSUPPORTED, "holds bool"},
        {WITH("'<c8'", "False", "(4,)"), ERROR_UNSUPPORTED, "holds complex64"},
        {WITH("'|O'", "False", "(4,)"), ERROR_UNSUPPORTED, "holds objects"},
        {WITH("'<U3'", "False", "(4,)"), ERROR_UNSUPPORTED, "type '<U3'"},
        {WITH("'u1'", "False", "(4,)"), ERROR_UNSUPPORTED, "type 'u1'"},
        {WITH("'=u2'", "False", "(2,)"), ERROR_UNSUPPORTED, "type '=u2'"},
        {WITH("'|u2'", "False", "(2,)"), ERROR_UNSUPPORTED, "type '|u2'"},
        {WITH("''", "False", "(4,)"), ERROR_UNSUPPORTED, "type ''"},
        {WITH("[('a', '|u1')]", "False", "(4,)"), ERROR_UNSUPPORTED, "several fields"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (4,), } x", ERROR_CORRUPT,
         "the end of the line is expected where \"x"},
    };
    const uint8_t labels[] = {0, 1, 2, 1};

    make_npy_dataset("set", NPY_PIXELS_BYTES);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        write_npy(LABELS, 1, cases[i].text, labels, 4);
        check_dataset_refused("set", cases[i].kind, "train_labels.npy", cases[i].part);
    }
}

TEST("images of impossible shapes and types are refused with their reason")
{
    static const struct text_case cases[] = {
        {WITH("'<u2'", "False", "(4, 2, 3)"), ERROR_UNSUPPORTED, "images are uint16; uint8 and"},
        {WITH("'<f8'", "False", "(4, 2, 3)"), ERROR_UNSUPPORTED, "images are float64"},
        {WITH("'<f2'", "False", "(4, 2, 3)"), ERROR_UNSUPPORTED, "float16, which is not read"},
        {WITH("'|i1'", "False", "(4, 2, 3)"), ERROR_UNSUPPORTED, "images are int8"},
        {WITH("'|u1'", "True", "(4, 2, 3)"), ERROR_UNSUPPORTED, "numpy.ascontiguousarray"},
        {WITH("'|u1'", "False", "(24,)"), ERROR_CORRUPT, "images have 1 dimensions"},
        {WITH("'|u1'", "False", "(4, 6)"), ERROR_CORRUPT, "images have 2 dimensions"},
        {WITH("'|u1'", "False", "(4, 1, 1, 2, 3)"), ERROR_CORRUPT, "images have 5 dimensions"},
        {WITH("'|u1'", "False", "(0, 2, 3)"), ERROR_CORRUPT, "there are no images"},
        {WITH("'|u1'", "False", "(4, 0, 3)"), ERROR_CORRUPT, "no rows"},
        {WITH("'|u1'", "False", "(4, 2, 4097)"), ERROR_TOO_LARGE, "4097 columns"},
        {WITH("'|u1'", "False", "(4, 5000, 2, 3)"), ERROR_TOO_LARGE, "5000 channels"},
        {WITH("'|u1'", "False", "(4, 32, 32, 3)"), ERROR_INVALID, "numpy.moveaxis"},
        {WITH("'|u1'", "False", "(2147483648, 1, 1)"), ERROR_TOO_LARGE, "at most 2147483647"},
        {WITH("'|u1'", "False", "(9223372036854775807, 4096, 4096)"), ERROR_TOO_LARGE, "16384 MiB"},
        {WITH("'<f4'", "False", "(1073741825, 2, 2)"), ERROR_TOO_LARGE, "16 bytes each are more"},
        {WITH("'|u1'", "False", "(5, 2, 3)"), ERROR_CORRUPT, "promises 30 bytes"},
        {WITH("'|u1'", "False", "(3, 2, 3)"), ERROR_CORRUPT, "promises 18 bytes"},
        {WITH("'<f4'", "False", "(4, 2, 3)"), ERROR_CORRUPT, "promises 96 bytes"},
    };
    uint8_t pixels[24] = {0};

    make_npy_dataset("set", NPY_PIXELS_BYTES);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        write_npy(IMAGES, 1, cases[i].text, pixels, sizeof(pixels));
        check_dataset_refused("set", cases[i].kind, "train_images.npy", cases[i].part);
    }
}

TEST("labels that are negative, too large, too few or not numbered from 0 on are told apart")
{
    static const struct {
        const char *type;
        uint8_t bytes[8];
        const char *part;
    } cases[] = {
        {"|i1", {0xff}, "label 0 (counted from 0) is -1;"},
        {"<i8", {0, 0, 0, 0, 0, 0, 0, 0x80}, "is -9223372036854775808;"},
        {"<u8", {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, "is 9223372036854775807;"},
        {"<u4", {0, 0, 1, 0}, "is 65536; labels are from 0 to 65535"},
        {">i4", {0x80, 0, 0, 0}, "is -2147483648;"},
    };
    const uint8_t top[] = {0xff, 0xff};
    struct dataset *dataset;

    CHECK(mkdir("set", 0777) == 0);
    write_array(IMAGES, "|u1", "(1, 1, 1)", "x", 1);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        write_array(LABELS, cases[i].type, "(1,)", cases[i].bytes,
                    (size_t)(cases[i].type[2] - '0'));
        check_dataset_refused("set", ERROR_CORRUPT, "train_labels.npy", cases[i].part);
    }
    write_array(LABELS, "<u2", "(1,)", top, 2);
    dataset = open_dataset("set");
    CHECK_INT(dataset_shape(dataset)->classes, 65536);
    dataset_release(dataset);
    write_array(LABELS, "|u1", "(2,)", top, 2);
    check_dataset_refused("set", ERROR_CORRUPT, "train_labels.npy", "2 labels for 1 images");
}

TEST("pixels that are no finite numbers are refused, in either split")
{
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    float pixels[24] = {0};

    for (int i = 0; i < 3; i++) {
        make_npy_dataset("set", NPY_PIXELS_REALS);
        pixels[17] = bad[i];
        write_array(IMAGES, "<f4", "(4, 2, 3)", pixels, sizeof(pixels));
        check_dataset_refused("set", ERROR_CORRUPT, "",
                              i == 0 ? "training image 2 (counted from 0) holds NaN"
                                     : "training image 2 (counted from 0) holds an infinite");
        make_npy_dataset("set", NPY_PIXELS_REALS);
        write_array(TEST_IMAGES, "<f4", "(2, 2, 3)", pixels + 12, 48);
        check_dataset_refused("set", ERROR_CORRUPT, "", "test image 0");
    }
}

TEST("splits that differ in type or shape are refused, and so is half a split")
{
    float pixels[12] = {0};

    make_npy_dataset("set", NPY_PIXELS_BYTES);
    write_array(TEST_IMAGES, "<f4", "(2, 2, 3)", pixels, sizeof(pixels));
    check_dataset_refused("set", ERROR_CORRUPT, "",
                          "training images are uint8 and test images are float32");
    write_array(TEST_IMAGES, "|u1", "(2, 3, 2)", pixels, 12);
    check_dataset_refused("set", ERROR_CORRUPT, "", "test images are 1×3×2");
    CHECK(unlink(TEST_IMAGES) == 0);
    check_dataset_refused("set", ERROR_CORRUPT, "test_images.npy", "the images are not");
    CHECK(unlink(TEST_LABELS) == 0);
    dataset_release(open_dataset("set"));
    CHECK(unlink(LABELS) == 0);
    check_dataset_refused("set", ERROR_CORRUPT, "train_labels.npy", "the labels are not");
}

TEST("an NPY file cut off at any length, or with bytes after its end, is refused")
{
    static const char *const paths[] = {IMAGES, LABELS, TEST_IMAGES, TEST_LABELS};

    make_npy_dataset("set", NPY_PIXELS_REALS);
    for (int i = 0; i < 4; i++) {
        size_t size;
        uint8_t *bytes = read_bytes(paths[i], &size);

        for (size_t length = 0; length < size; length++) {
            write_bytes(paths[i], bytes, length);
            check_dataset_refused("set", ERROR_CORRUPT, strrchr(paths[i], '/') + 1, "");
        }
        write_bytes(paths[i], bytes, size + 1);
        check_dataset_refused("set", ERROR_CORRUPT, strrchr(paths[i], '/') + 1, "promises");
        write_bytes(paths[i], bytes, size);
        free(bytes);
    }
    dataset_release(open_dataset("set"));
}

TEST("versions, magics and header lengths that do not exist are refused")
{
    static const struct {
        size_t at;
        uint8_t byte;
        enum error_kind kind;
        const char *part;
    } cases[] = {{0, 0x92, ERROR_CORRUPT, "not an NPY file"},
                 {5, 'X', ERROR_CORRUPT, "not an NPY file"},
                 {6, 0, ERROR_UNSUPPORTED, "NPY version 0.0"},
                 {6, 4, ERROR_UNSUPPORTED, "NPY version 4.0"},
                 {7, 1, ERROR_UNSUPPORTED, "NPY version 1.1"},
                 {6, 2, ERROR_CORRUPT, "the header says that it has"},
                 {9, 0xff, ERROR_CORRUPT, "ends inside its header"},
                 {30, '\0', ERROR_CORRUPT, "the header is no text"}};

    make_npy_dataset("set", NPY_PIXELS_BYTES);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t size;
        uint8_t *bytes;

        make_npy_dataset("set", NPY_PIXELS_BYTES);
        bytes = read_bytes(LABELS, &size);
        bytes[cases[i].at] = cases[i].byte;
        write_bytes(LABELS, bytes, size);
        check_dataset_refused("set", cases[i].kind, "train_labels.npy", cases[i].part);
        free(bytes);
    }
}

TEST("a header that claims what is not there costs no memory")
{
    struct rlimit limit = {0};

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    CHECK(getrlimit(RLIMIT_AS, &limit) == 0);
    limit.rlim_cur = (rlim_t)1 << 30;
    CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
#endif
    (void)limit;
    make_npy_dataset("set", NPY_PIXELS_BYTES);
    write_array(IMAGES, "|u1", "(15360, 1024, 1024)", "x", 1);
    check_dataset_refused("set", ERROR_CORRUPT, "train_images.npy", "promises 16106127360 bytes");
    gzip_file(IMAGES);
    CHECK(rename(IMAGES ".gz", IMAGES) == 0);
    check_dataset_refused("set", ERROR_CORRUPT, "train_images.npy", "there are only 1");
    pack_folder("set", "archive", PACK_ZIP, "");
    check_dataset_refused("archive", ERROR_CORRUPT, "train_images.npy", "there are only 1");
}
