/* Block: many arrays, one allocation. */
#include "core/block.h"

#include "tests/harness.h"

#include <string.h>

TEST("a block gives zeroed, aligned arrays that do not overlap")
{
    enum { PARTS = 300 };
    struct block block = {0};
    struct error error = {.kind = ERROR_NONE};
    unsigned char *slots[PARTS];
    for (int i = 0; i < PARTS; i++)
        block_reserve(&block, &slots[i], i * 7, 3);
    CHECK(block_take(&block, &error));
    for (int i = 0; i < PARTS; i++) {
        CHECK_INT((int64_t)((uintptr_t)slots[i] % BLOCK_ALIGN), 0);
        for (int k = 0; k < i * 21; k++)
            CHECK_INT(slots[i][k], 0);
        memset(slots[i], 0xff, (size_t)i * 21);
    }
    block_drop(&block);
}

TEST("a block that overflows or is larger than memory is an error, not a crash")
{
    struct block block = {0};
    struct error error = {.kind = ERROR_NONE};
    float *slot;
    block_reserve(&block, &slot, INT64_MAX, sizeof *slot);
    CHECK(!block_take(&block, &error));
    CHECK_INT(error.kind, ERROR_MEMORY);
    block_drop(&block);

    memset(&error, 0, sizeof error);
    block_reserve(&block, &slot, (int64_t)1 << 60, 1);
    CHECK(!block_take(&block, &error));
    CHECK_INT(error.kind, ERROR_MEMORY);
    block_drop(&block);
}

TEST("arrays of one region lie at one address, those of others elsewhere, and the largest counts")
{
    enum { REGIONS = 3, PARTS = 5 };
    struct block block = {0};
    struct error error = {.kind = ERROR_NONE};
    unsigned char *shared[REGIONS][PARTS], *own[PARTS];

    for (int i = 0; i < PARTS; i++) {
        block_reserve(&block, &own[i], 100, 1);
        for (int r = REGIONS - 1; r >= 0; r--)
            block_share(&block, r, &shared[r][i], i == 2 ? 1000 : i, (size_t)r + 1);
    }
    CHECK_INT((int64_t)block.size, PARTS * 128 + 1024 + 2048 + 3008);
    CHECK(block_take(&block, &error));
    for (int r = 0; r < REGIONS; r++) {
        for (int i = 1; i < PARTS; i++)
            CHECK(shared[r][i] == shared[r][0]);
        CHECK_INT((int64_t)((uintptr_t)shared[r][0] % BLOCK_ALIGN), 0);
        memset(shared[r][0], r + 1, 1000 * (size_t)(r + 1));
    }
    for (int r = 0; r < REGIONS; r++)
        for (int i = 0; i < 1000 * (r + 1); i++)
            CHECK_INT(shared[r][0][i], r + 1);
    for (int i = 0; i < PARTS; i++)
        for (int k = 0; k < 100; k++)
            CHECK_INT(own[i][k], 0);
    block_drop(&block);
}

TEST("a region that overflows is an error, not a crash")
{
    struct block block = {0};
    struct error error = {.kind = ERROR_NONE};
    float *slot;

    block_share(&block, 1, &slot, INT64_MAX / 4, sizeof *slot);
    block_share(&block, 0, &slot, INT64_MAX / 4, sizeof *slot);
    block_share(&block, 2, &slot, INT64_MAX / 4, sizeof *slot);
    CHECK(!block_take(&block, &error));
    CHECK_INT(error.kind, ERROR_MEMORY);
    block_drop(&block);
}
