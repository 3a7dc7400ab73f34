/* Data sets in archives: the same files are the same data set whatever they lie in, and an archive
 * that is damaged, or meant to harm, is refused with the name of what is wrong. */
#include "tests/core/support.h"
#include "tests/core/support_archive.h"
#include "tests/harness.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct data_shape small = {.sample = {.channels = 1, .height = 5, .width = 4},
                                        .classes = 3,
                                        .train_samples = 6,
                                        .test_samples = 4};

#define IMAGES "train-images-idx3-ubyte"
#define LABELS "train-labels-idx1-ubyte"

TEST("one data set has one digest in a folder and in every kind of archive, one folder down or not")
{
    static const char *const prefixes[] = {"", "./", "around/", "./around//./"};

    make_idx_dataset("set", &small, 1);
    for (int packing = 0; packing < PACKINGS; packing++)
        for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
            pack_folder("set", "archive", (enum packing)packing, prefixes[i]);
            check_same_dataset("set", "archive");
        }
}

TEST("gzip files inside an archive are read as such")
{
    make_idx_dataset("set", &small, 1);
    make_idx_dataset("zipped", &small, 1);
    gzip_file("zipped/" IMAGES);
    gzip_file("zipped/t10k-labels-idx1-ubyte");
    for (int packing = 0; packing < PACKINGS; packing++) {
        pack_folder("zipped", "archive", (enum packing)packing, "a/");
        check_same_dataset("set", "archive");
    }
}

TEST("hidden files, and files of no format, make no difference")
{
    struct pack *pack;

    make_idx_dataset("set", &small, 1);
    make_idx_dataset("full", &small, 1);
    write_bytes("full/README.md", "hello", 5);
    write_bytes("full/.hidden", "hello", 5);
    CHECK(mkdir("full/empty", 0777) == 0 && mkdir("full/.git", 0777) == 0);
    write_bytes("full/.git/" IMAGES, "hello", 5);
    check_same_dataset("set", "full");
    pack_folder("full", "archive", PACK_ZIP, "around/");
    check_same_dataset("set", "archive");

    pack = pack_begin("archive", PACK_TAR);
    pack_add_folder(pack, "./");
    pack_add_folder(pack, "a/");
    pack_add_folder(pack, "a");
    pack_add(pack, "__MACOSX/a/._" IMAGES, "junk", 4);
    pack_add(pack, "." IMAGES, "junk", 4);
    pack_end(pack);
    check_dataset_refused("archive", ERROR_NOT_FOUND, "", "the archive holds no known data set");
}

/* Every cut of the archive is refused, or, where only padding was cut off, read as if nothing had
 * happened. */
static void check_every_cut(enum packing packing)
{
    char digest[65];
    struct dataset *dataset;
    size_t size, harmless = 0;
    uint8_t *bytes;

    pack_folder("set", "archive", packing, "");
    dataset = open_dataset("archive");
    snprintf(digest, sizeof(digest), "%s", dataset_digest(dataset));
    dataset_release(dataset);
    bytes = read_bytes("archive", &size);
    for (size_t length = 0; length < size; length++) {
        struct error error = {0};

        write_bytes("archive", bytes, length);
        if (!dataset_open("archive", &dataset, &error)) {
            CHECK(error.kind == ERROR_CORRUPT || error.kind == ERROR_INVALID);
            CHECK_INT((int64_t)harmless, 0);
            continue;
        }
        CHECK_TEXT(dataset_digest(dataset), digest);
        dataset_release(dataset);
        harmless++;
    }
    /* Only plain tar archives end in padding. */
    CHECK(packing == PACK_TAR || harmless == 0);
    free(bytes);
}

TEST_SLOW("an archive cut off at any length is refused", 240)
{
    make_idx_dataset("set", &small, 1);
    check_every_cut(PACK_TAR);
    check_every_cut(PACK_TAR_GZ);
    check_every_cut(PACK_TAR_ZST);
    check_every_cut(PACK_ZIP);
    check_every_cut(PACK_ZIP_STORED);
}

TEST_SLOW("an archive with any bit flipped is refused, or its content is still the same", 240)
{
    /* libarchive writes zstd without a checksum, and plain tar has none. */
    static const enum packing packings[] = {PACK_TAR_GZ, PACK_ZIP, PACK_ZIP_STORED};
    char digest[65];
    struct dataset *dataset;

    make_idx_dataset("set", &small, 1);
    dataset = open_dataset("set");
    snprintf(digest, sizeof(digest), "%s", dataset_digest(dataset));
    dataset_release(dataset);
    for (size_t i = 0; i < sizeof(packings) / sizeof(packings[0]); i++) {
        size_t size;
        uint8_t *bytes;

        pack_folder("set", "archive", packings[i], "");
        bytes = read_bytes("archive", &size);
        for (size_t at = 0; at < size; at++) {
            uint8_t change = (uint8_t)(1 << at % 8);

            bytes[at] ^= change;
            write_bytes("archive", bytes, size);
            if (dataset_open("archive", &dataset, NULL)) {
                CHECK_TEXT(dataset_digest(dataset), digest);
                dataset_release(dataset);
            }
            bytes[at] ^= change;
        }
        free(bytes);
    }
}

/* The good files, and what `bad` adds. */
static void pack_with(const char *path, enum packing packing, void (*bad)(struct pack *pack))
{
    struct pack *pack = pack_begin(path, packing);
    size_t size;
    uint8_t *bytes = read_bytes("set/" IMAGES, &size);

    pack_add(pack, IMAGES, bytes, size);
    free(bytes);
    bad(pack);
    bytes = read_bytes("set/" LABELS, &size);
    pack_add(pack, LABELS, bytes, size);
    free(bytes);
    pack_end(pack);
}

static void nothing(struct pack *pack)
{
    (void)pack;
}

static void climb(struct pack *pack)
{
    pack_add(pack, "../escape", "x", 1);
}

static void climb_within(struct pack *pack)
{
    pack_add(pack, "a/../../escape", "x", 1);
}

static void climb_last(struct pack *pack)
{
    pack_add_folder(pack, "a/..");
}

static void begin_at_root(struct pack *pack)
{
    pack_add(pack, "/tmp/escape", "x", 1);
}

static void link_soft(struct pack *pack)
{
    pack_add_link(pack, "link", "/etc/passwd", 0);
}

static void link_hard(struct pack *pack)
{
    pack_add_link(pack, "link", IMAGES, 1);
}

static void be_device(struct pack *pack)
{
    pack_add_device(pack, "zero");
}

static void say_twice(struct pack *pack)
{
    pack_add(pack, "./" IMAGES, "x", 1);
}

static void be_long(struct pack *pack)
{
    char name[1400];

    memset(name, 'a', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    for (size_t i = 100; i < sizeof(name) - 1; i += 100)
        name[i] = '/';
    pack_add(pack, name, "x", 1);
}

static void be_strange(struct pack *pack)
{
    pack_add(pack, "../new\nline\xff", "x", 1);
}

struct bad_case {
    void (*bad)(struct pack *pack);
    const char *where, *text;
    bool tar_only;
};

TEST("paths that lead out, links, devices and doubled names are refused by name, and nothing is "
     "written")
{
    static const struct bad_case cases[] = {
        {climb, "../escape", "a path with '..'", false},
        {climb_within, "a/../../escape", "a path with '..'", false},
        {climb_last, "a/..", "a path with '..'", true},
        {begin_at_root, "/tmp/escape", "an absolute path", false},
        {link_soft, "link", "holds a link", false},
        {link_hard, "link", "holds a link", true},
        {be_device, "zero", "neither a file nor a folder", true},
        {say_twice, IMAGES, "occurs twice", false},
    };
    struct dataset *dataset;
    DIR *folder;
    int members = 0;

    make_idx_dataset("set", &small, 1);
    pack_with("archive", PACK_TAR, nothing);
    dataset = open_dataset("archive");
    dataset_release(dataset);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        for (int packing = 0; packing < PACKINGS; packing++) {
            struct error error = {0};

            if (cases[i].tar_only && (packing == PACK_ZIP || packing == PACK_ZIP_STORED))
                continue;
            pack_with("archive", (enum packing)packing, cases[i].bad);
            CHECK(!dataset_open("archive", &dataset, &error));
            if (strncmp(error.where, cases[i].where, strlen(cases[i].where) - 1) != 0 ||
                strstr(error.text, cases[i].text) == NULL || error.kind != ERROR_INVALID)
                FAIL("case %zu: %s (%s): %s", i, error_kind_name(error.kind), error.where,
                     error.text);
        }
    pack_with("archive", PACK_TAR, be_long);
    CHECK(!dataset_open("archive", &dataset, NULL));
    pack_with("archive", PACK_TAR, be_strange);
    check_dataset_refused("archive", ERROR_INVALID, "../new?line?", "a path with '..'");
    CHECK(access("../escape", F_OK) != 0 && access("/tmp/escape", F_OK) != 0);
    folder = opendir(".");
    CHECK(folder != NULL);
    while (readdir(folder) != NULL)
        members++;
    closedir(folder);
    CHECK_INT(members, 4); /* ".", "..", the set and the archive */
}

TEST("an archive inside gzip twice, an empty one and other files are told from archives")
{
    size_t size;
    uint8_t *bytes;
    struct pack *pack;

    make_idx_dataset("set", &small, 1);
    pack_folder("set", "archive", PACK_TAR, "");
    gzip_file("archive");
    CHECK(rename("archive.gz", "archive") == 0);
    check_same_dataset("set", "archive");
    gzip_file("archive");
    check_dataset_refused("archive.gz", ERROR_INVALID, "archive.gz", "compressed more than once");

    write_bytes("archive", "", 0);
    check_dataset_refused("archive", ERROR_INVALID, "archive", "this is no archive");
    pack = pack_begin("archive", PACK_TAR);
    pack_end(pack);
    check_dataset_refused("archive", ERROR_NOT_FOUND, "", "the archive holds no known data set");
    pack = pack_begin("archive", PACK_ZIP);
    pack_end(pack);
    check_dataset_refused("archive", ERROR_CORRUPT, "archive", "its list of entries is not there");

    bytes = read_bytes("set/" IMAGES, &size);
    write_gzip("archive", bytes, size);
    check_dataset_refused("archive", ERROR_INVALID, "archive", "this is no archive");
    write_bytes("archive", bytes, size);
    check_dataset_refused("archive", ERROR_INVALID, "archive", "this is no archive");
    free(bytes);
    CHECK(mkfifo("pipe", 0600) == 0);
    check_dataset_refused("pipe", ERROR_INVALID, "", "neither a folder nor a regular file");
}

TEST("two tar archives one after the other are one, and what is none behind one is refused")
{
    size_t size, more;
    uint8_t *first, *second, *both;
    struct pack *pack;

    make_idx_dataset("set", &small, 1);
    pack_with("one", PACK_TAR, nothing);
    pack = pack_begin("two", PACK_TAR);
    pack_add(pack, "train-images.idx3-ubyte", "x", 1);
    pack_end(pack);
    first = read_bytes("one", &size);
    second = read_bytes("two", &more);
    both = malloc(size + more);
    CHECK(both != NULL);
    memcpy(both, first, size);
    memcpy(both + size, second, more);
    write_bytes("both", both, size + more);
    check_same_dataset("one", "both");
    memset(both + size, 'x', more);
    write_bytes("both", both, size + more);
    check_dataset_refused("both", ERROR_CORRUPT, "both", "");
    free(first);
    free(second);
    free(both);
}

TEST("no descriptor stays open after an archive was read or refused")
{
    struct dataset *dataset = NULL;
    int before = dup(0), after;

    close(before);
    make_idx_dataset("set", &small, 1);
    for (int packing = 0; packing < PACKINGS; packing++) {
        pack_folder("set", "archive", (enum packing)packing, "");
        dataset_release(open_dataset("archive"));
        pack_with("archive", (enum packing)packing, climb);
        CHECK(!dataset_open("archive", &dataset, NULL));
    }
    write_bytes("archive", "hello", 5);
    CHECK(!dataset_open("archive", &dataset, NULL));
    after = dup(0);
    CHECK_INT(after, before);
    close(after);
}
