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
