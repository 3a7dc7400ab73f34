/* Data sets: every file is hostile. What is wrong is refused with its reason, soon, without a crash
 * and without the memory that it claims to need. */
#include "tests/harness.h"

#include "core/dataset.h"
#include "tests/core/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define IMAGES "set/train-images-idx3-ubyte"
#define LABELS "set/train-labels-idx1-ubyte"
#define TEST_IMAGES "set/t10k-images-idx3-ubyte"
#define TEST_LABELS "set/t10k-labels-idx1-ubyte"

static const struct data_shape small = {{1, 5, 4, 0}, 3, 6, 4};

/* The set "set" with its files as given, and what opening it says. */
static struct error refused(void)
{
    struct error error = {0};
    struct dataset *dataset = NULL;

    if (dataset_open("set", &dataset, &error))
        FAIL("a wrong data set was taken for a right one");
    CHECK(error.kind != ERROR_NONE && error.text[0] != '\0');
    CHECK(strstr(error.text, test_dir()) == NULL);
    return error;
}

static void check_refused(enum error_kind kind, const char *file, const char *part_of_text)
{
    struct error error = refused();

    if (error.kind != kind || strstr(error.text, part_of_text) == NULL)
        FAIL("%s (%s): %s", error_kind_name(error.kind), error.where, error.text);
    CHECK_TEXT(error.where, file);
}

static void write_idx(const char *path, int dims, const int64_t *sizes, size_t content)
{
    uint8_t *bytes = calloc(content + 64, 1);
    size_t header;

    CHECK(bytes != NULL);
    header = idx_header(bytes, dims, sizes);
    write_bytes(path, bytes, header + content);
    free(bytes);
}

static void check_every_truncation(const char *path, bool gzip)
{
    char name[200];
    size_t size;
    uint8_t *bytes;

    snprintf(name, sizeof(name), "%s%s", path, gzip ? ".gz" : "");
    if (gzip)
        gzip_file(path);
    bytes = read_bytes(name, &size);
    for (size_t length = 0; length < size; length++) {
        write_bytes(name, bytes, length);
        CHECK_INT(refused().kind, ERROR_CORRUPT);
    }
    write_bytes(name, bytes, size);
    dataset_release(open_dataset("set"));
    free(bytes);
}

TEST("a file cut off at any length is refused, plain or gzipped")
{
    make_idx_dataset("set", &small, 1);
    check_every_truncation(IMAGES, false);
    check_every_truncation(LABELS, false);
    check_every_truncation(TEST_IMAGES, false);
    check_every_truncation(TEST_LABELS, true);
    check_every_truncation(IMAGES, true);
}

TEST("a header with any bit flipped or any byte inverted is refused")
{
    static const char *const paths[] = {IMAGES, LABELS, TEST_IMAGES, TEST_LABELS};

    make_idx_dataset("set", &small, 1);
    for (size_t p = 0; p < 4; p++) {
        size_t size, header = p % 2 == 0 ? 16 : 8;
        uint8_t *bytes = read_bytes(paths[p], &size);

        for (size_t at = 0; at < header; at++)
            for (int k = 0; k <= 8; k++) {
                uint8_t change = (uint8_t)(k == 8 ? 0xff : 1 << k);

                bytes[at] ^= change;
                write_bytes(paths[p], bytes, size);
                enum error_kind kind = refused().kind;

                CHECK(kind == ERROR_CORRUPT || kind == ERROR_UNSUPPORTED ||
                      kind == ERROR_TOO_LARGE);
                bytes[at] ^= change;
            }
        write_bytes(paths[p], bytes, size);
        free(bytes);
    }
}

TEST("a gzip file with any bit flipped is refused or read as if nothing had happened")
{
    char digest[65];
    struct dataset *dataset;
    size_t size;
    uint8_t *bytes;
    int harmless = 0;

    make_idx_dataset("set", &small, 1);
    gzip_file(IMAGES);
    dataset = open_dataset("set");
    snprintf(digest, sizeof(digest), "%s", dataset_digest(dataset));
    dataset_release(dataset);
    bytes = read_bytes(IMAGES ".gz", &size);
    for (size_t bit = 0; bit < 8 * size; bit++) {
        struct error error = {0};

        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        write_bytes(IMAGES ".gz", bytes, size);
        if (dataset_open("set", &dataset, &error)) {
            CHECK_TEXT(dataset_digest(dataset), digest);
            dataset_release(dataset);
            harmless++;
        }
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    /* The time, the operating system and the like in gzip's header mean nothing. */
    CHECK(harmless <= 8 * 10);
    free(bytes);
}

TEST("bytes after the content are refused, plain or gzipped")
{
    size_t size;
    uint8_t *bytes;

    make_idx_dataset("set", &small, 1);
    bytes = read_bytes(IMAGES, &size);
    write_bytes(IMAGES, bytes, size + 1);
    check_refused(ERROR_CORRUPT, "train-images-idx3-ubyte", "the file has 121");
    gzip_file(IMAGES);
    check_refused(ERROR_CORRUPT, "train-images-idx3-ubyte.gz", "more content than the 120 bytes");
    write_gzip(IMAGES ".gz", bytes, size);
    dataset_release(open_dataset("set"));
    free(bytes);
}

TEST("a header that claims what is not there costs no memory")
{
    /* 15 GiB that are not there: under the limit for data sets, far over this process's. */
    const int64_t sizes[] = {15 * 1024, 1024, 1024};
    struct rlimit limit = {0};

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    CHECK(getrlimit(RLIMIT_AS, &limit) == 0);
    limit.rlim_cur = (rlim_t)1 << 30;
    CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
#endif
    (void)limit;
    make_idx_dataset("set", &small, 1);
    write_idx(IMAGES, 3, sizes, 500);
    check_refused(ERROR_CORRUPT, "train-images-idx3-ubyte", "promises 16106127360 bytes");
    gzip_file(IMAGES);
    check_refused(ERROR_CORRUPT, "train-images-idx3-ubyte.gz", "there are only 500");
}

TEST("a header's product that overflows or passes the limit is refused as too large")
{
    static const int64_t products[][4] = {{0xffffffff, 4096, 4096, 4096},
                                          {0x80000000, 4096, 4096, 256},
                                          {0xffffffff, 1, 4096, 4096},
                                          {16 * 1024 + 1, 1, 1024, 1024}};

    make_idx_dataset("set", &small, 1);
    for (size_t i = 0; i < sizeof(products) / sizeof(products[0]); i++) {
        write_idx(IMAGES, 4, products[i], 100);
        check_refused(ERROR_TOO_LARGE, "train-images-idx3-ubyte", "16384 MiB");
    }
}

TEST("a gzip bomb is left as soon as it gives more than its header says")
{
    enum { BOMB = 300 * 1024 * 1024 };
    const int64_t sizes[] = {6, 5, 4};
    uint8_t *bytes = calloc(BOMB, 1);
    struct rlimit limit = {0};

    CHECK(bytes != NULL);
    make_idx_dataset("set", &small, 1);
    idx_header(bytes, 3, sizes);
    CHECK(unlink(IMAGES) == 0);
    write_gzip(IMAGES ".gz", bytes, BOMB);
    free(bytes);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    CHECK(getrlimit(RLIMIT_AS, &limit) == 0);
    limit.rlim_cur = (rlim_t)256 << 20;
    CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
#endif
    (void)limit;
    check_refused(ERROR_CORRUPT, "train-images-idx3-ubyte.gz", "more content than the 120 bytes");
}

struct header_case {
    int dims;
    int64_t sizes[5];
    enum error_kind kind;
    const char *text;
};

static const struct header_case header_cases[] = {
    {3, {0, 5, 4}, ERROR_CORRUPT, "empty"},
    {3, {6, 0, 4}, ERROR_CORRUPT, "no rows"},
    {3, {6, 5, 0}, ERROR_CORRUPT, "no columns"},
    {4, {6, 0, 5, 4}, ERROR_CORRUPT, "no channels"},
    {3, {6, 4097, 4}, ERROR_TOO_LARGE, "4097 rows"},
    {3, {6, 5, 0xffffffff}, ERROR_TOO_LARGE, "4294967295 columns"},
    {4, {6, 5000, 5, 4}, ERROR_TOO_LARGE, "5000 channels"},
    {1, {6}, ERROR_CORRUPT, "3 or 4 dimensions"},
    {2, {6, 20}, ERROR_CORRUPT, "3 or 4 dimensions"},
    {5, {6, 1, 1, 5, 4}, ERROR_CORRUPT, "5 dimensions"},
    {0, {0}, ERROR_CORRUPT, "0 dimensions"},
};

TEST("impossible image sizes are refused with their reason")
{
    make_idx_dataset("set", &small, 1);
    for (size_t i = 0; i < sizeof(header_cases) / sizeof(header_cases[0]); i++) {
        write_idx(IMAGES, header_cases[i].dims, header_cases[i].sizes, 120);
        check_refused(header_cases[i].kind, "train-images-idx3-ubyte", header_cases[i].text);
    }
}

TEST("labels of other dimensions or of another number than the images are refused")
{
    const int64_t flat[] = {6, 1}, fewer[] = {5}, more[] = {7}, none[] = {0};

    make_idx_dataset("set", &small, 1);
    write_idx(LABELS, 2, flat, 6);
    check_refused(ERROR_CORRUPT, "train-labels-idx1-ubyte", "1 dimension");
    write_idx(LABELS, 1, fewer, 5);
    check_refused(ERROR_CORRUPT, "train-labels-idx1-ubyte", "5 labels for 6 images");
    write_idx(LABELS, 1, more, 7);
    check_refused(ERROR_CORRUPT, "train-labels-idx1-ubyte", "7 labels for 6 images");
    write_idx(LABELS, 1, none, 0);
    check_refused(ERROR_CORRUPT, "train-labels-idx1-ubyte", "empty");
}

TEST("a file of another kind, and numbers other than bytes, are told apart")
{
    static const uint8_t codes[] = {0x09, 0x0b, 0x0c, 0x0d, 0x0e};
    size_t size;
    uint8_t *bytes;

    make_idx_dataset("set", &small, 1);
    bytes = read_bytes(IMAGES, &size);
    for (size_t i = 0; i < sizeof(codes); i++) {
        bytes[2] = codes[i];
        write_bytes(IMAGES, bytes, size);
        check_refused(ERROR_UNSUPPORTED, "train-images-idx3-ubyte", "only unsigned bytes");
    }
    bytes[2] = 0x0a;
    write_bytes(IMAGES, bytes, size);
    check_refused(ERROR_CORRUPT, "train-images-idx3-ubyte", "0x0a");
    write_bytes(IMAGES, "\x89PNG\r\n\x1a\n and so on", 18);
    check_refused(ERROR_CORRUPT, "train-images-idx3-ubyte",
                  "not an IDX file: it begins with 89 50");
    write_bytes(IMAGES, "", 0);
    check_refused(ERROR_CORRUPT, "train-images-idx3-ubyte", "inside its header");
    write_gzip(IMAGES, "", 0);
    check_refused(ERROR_CORRUPT, "train-images-idx3-ubyte", "inside its header");
    /* Compressed or not is a matter of content, not of the name. */
    bytes[2] = 0x08;
    write_gzip(IMAGES, bytes, size);
    dataset_release(open_dataset("set"));
    free(bytes);
}

TEST("test images of another shape than the training images are refused")
{
    const int64_t turned[] = {4, 4, 5};

    make_idx_dataset("set", &small, 1);
    write_idx(TEST_IMAGES, 3, turned, 80);
    check_refused(ERROR_CORRUPT, "", "training images are 1×5×4 and test images are 1×4×5");
}

TEST("a split of which only one file is there is refused")
{
    make_idx_dataset("set", &small, 1);
    CHECK(rename(LABELS, "kept") == 0);
    check_refused(ERROR_CORRUPT, "train-labels-idx1-ubyte", "the labels are not");
    CHECK(rename("kept", LABELS) == 0 && rename(IMAGES, "kept") == 0);
    check_refused(ERROR_CORRUPT, "train-images-idx3-ubyte", "the images are not");
    CHECK(rename("kept", IMAGES) == 0 && rename(TEST_LABELS, "kept") == 0);
    check_refused(ERROR_CORRUPT, "t10k-labels-idx1-ubyte", "the labels are not");
    CHECK(rename("kept", TEST_LABELS) == 0 && rename(TEST_IMAGES, "kept") == 0);
    check_refused(ERROR_CORRUPT, "t10k-images-idx3-ubyte", "the images are not");
}

TEST("a link to a file is followed; a pipe, a folder and a device are refused at once")
{
    make_idx_dataset("set", &small, 1);
    CHECK(rename(IMAGES, "elsewhere") == 0 && symlink("../elsewhere", IMAGES) == 0);
    dataset_release(open_dataset("set"));
    CHECK(unlink(IMAGES) == 0 && mkfifo(IMAGES, 0600) == 0);
    check_refused(ERROR_INVALID, "train-images-idx3-ubyte", "not a regular file");
    CHECK(unlink(IMAGES) == 0 && mkdir(IMAGES, 0700) == 0);
    check_refused(ERROR_INVALID, "train-images-idx3-ubyte", "not a regular file");
    CHECK(rmdir(IMAGES) == 0 && symlink("/dev/zero", IMAGES) == 0);
    check_refused(ERROR_INVALID, "train-images-idx3-ubyte", "not a regular file");
    CHECK(unlink(IMAGES) == 0 && symlink("train-images-idx3-ubyte", IMAGES) == 0);
    CHECK_INT(refused().kind, ERROR_CORRUPT);
}

TEST("a folder that is missing, none, empty or holds two data sets is refused")
{
    struct error error = {0};
    struct dataset *dataset = NULL;

    CHECK(!dataset_open("set", &dataset, &error));
    CHECK_INT(error.kind, ERROR_NOT_FOUND);
    write_bytes("set", "x", 1);
    check_refused(ERROR_INVALID, "set", "this is no archive");
    CHECK(unlink("set") == 0 && mkdir("set", 0777) == 0);
    check_refused(ERROR_NOT_FOUND, "", "no known data set");
    make_idx_dataset("set/one", &small, 1);
    dataset_release(open_dataset("set"));
    make_idx_dataset("set/two", &small, 1);
    check_refused(ERROR_INVALID, "", "more than one");
    CHECK(mkdir("deep", 0777) == 0 && mkdir("deep/er", 0777) == 0);
    make_idx_dataset("deep/er/set", &small, 1);
    error = (struct error){0};
    CHECK(!dataset_open("deep", &dataset, &error));
    CHECK_INT(error.kind, ERROR_NOT_FOUND);
}
