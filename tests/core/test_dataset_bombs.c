/* Archives that unpack to more than they are worth: refused early, and soon. */
#include "tests/core/support.h"
#include "tests/core/support_archive.h"
#include "tests/harness.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct data_shape small = {.sample = {.channels = 1, .height = 5, .width = 4},
                                        .classes = 3,
                                        .train_samples = 6,
                                        .test_samples = 4};

#define LABELS "train-labels-idx1-ubyte"

TEST("a tar or zip bomb is refused before it is unpacked")
{
    enum { BOMB = 200 << 20 };
    static const enum packing packings[] = {PACK_TAR_GZ, PACK_TAR_ZST, PACK_ZIP};
    uint8_t *zeros = calloc(BOMB, 1);

    CHECK(zeros != NULL);
    for (size_t i = 0; i < sizeof(packings) / sizeof(packings[0]); i++) {
        struct pack *pack = pack_begin("archive", packings[i]);

        pack_add(pack, "train_images.npy", zeros, BOMB);
        pack_end(pack);
        check_dataset_refused("archive", ERROR_TOO_LARGE, "archive", "more than 500 times");
    }
    free(zeros);
}

TEST("a hole that claims an exabyte is refused at once")
{
    write_hole("archive", "train_images.npy", "1152921504606846976");
    check_dataset_refused("archive", ERROR_TOO_LARGE, "archive", "more than 500 times");
}

TEST("a gzip file inside an archive is no way around the measure")
{
    enum { BOMB = 100 << 20 };
    uint8_t *bytes = calloc(BOMB, 1);
    const int64_t sizes[] = {BOMB - 8};
    size_t size;

    CHECK(bytes != NULL);
    make_idx_dataset("set", &small, 1);
    idx_header(bytes, 1, sizes);
    CHECK(unlink("set/" LABELS) == 0);
    write_gzip("set/" LABELS ".gz", bytes, BOMB);
    free(bytes);
    free(read_bytes("set/" LABELS ".gz", &size));
    CHECK(size < BOMB / 500);
    pack_folder("set", "archive", PACK_TAR, "");
    check_dataset_refused("archive", ERROR_TOO_LARGE, LABELS ".gz", "more than 500 times");
}

TEST_SLOW("an archive of too many files, or of too long names, is refused however small it is", 240)
{
    struct pack *pack = pack_begin("archive", PACK_TAR_ZST);
    char name[1001];

    for (int i = 0; i <= 1 << 20; i++) {
        snprintf(name, sizeof(name), "%d", i);
        pack_add(pack, name, "", 0);
    }
    pack_end(pack);
    check_dataset_refused("archive", ERROR_TOO_LARGE, "archive", "more than 1048576 files");
    pack = pack_begin("archive", PACK_TAR_ZST);
    for (int i = 0; i < (1 << 17) + 2; i++) {
        /* Not too much alike, or the archive is refused as a bomb. */
        snprintf(name, sizeof(name), "%0960d%040" PRIx64, i,
                 (uint64_t)i * UINT64_C(0x9e3779b97f4a7c15));
        pack_add(pack, name, "", 0);
    }
    pack_end(pack);
    check_dataset_refused("archive", ERROR_TOO_LARGE, "archive", "take more than 128 MiB");
}
