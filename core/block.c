/* One allocation for many arrays: see block.h. */
#include "core/block.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { HUGE_PAGE = 2 << 20 }; /* bytes */

/* A multiple of the alignment; false when that does not fit into size_t. */
static bool rounded(int64_t count, size_t size, size_t *out)
{
    if (count < 0 || __builtin_mul_overflow((size_t)count, size, out) ||
        __builtin_add_overflow(*out, (size_t)BLOCK_ALIGN - 1, out))
        return false;
    *out &= ~((size_t)BLOCK_ALIGN - 1);
    return true;
}

static bool note(struct block *block, struct block_part part)
{
    if (block->count == block->room) {
        size_t room = block->room ? block->room * 2 : 64;
        struct block_part *parts = realloc(block->parts, room * sizeof *parts);
        if (!parts)
            return false;
        block->parts = parts;
        block->room = room;
    }
    block->parts[block->count++] = part;
    return true;
}

void block_reserve(struct block *block, void *slot, int64_t count, size_t size)
{
    size_t bytes, end;
    if (block->failed || !rounded(count, size, &bytes) ||
        __builtin_add_overflow(block->size, bytes, &end) ||
        !note(block, (struct block_part){slot, block->own, -1})) {
        block->failed = true;
        return;
    }
    block->own += bytes;
    block->size = end;
}

/* Regions up to that one, the new ones empty. */
static bool have_region(struct block *block, int region)
{
    if (region < block->region_count)
        return true;
    size_t *regions = realloc(block->regions, ((size_t)region + 1) * sizeof *regions);
    if (!regions)
        return false;
    block->regions = regions;
    while (block->region_count <= region)
        regions[block->region_count++] = 0;
    return true;
}

void block_share(struct block *block, int region, void *slot, int64_t count, size_t size)
{
    size_t bytes, end;
    if (block->failed || !rounded(count, size, &bytes) || !have_region(block, region) ||
        !note(block, (struct block_part){slot, 0, region})) {
        block->failed = true;
        return;
    }
    if (bytes <= block->regions[region])
        return;
    if (__builtin_add_overflow(block->size, bytes - block->regions[region], &end)) {
        block->failed = true;
        return;
    }
    block->regions[region] = bytes;
    block->size = end;
}

/* Regions lie behind the arrays that are no regions'. */
static size_t place(const struct block *block, const struct block_part *part)
{
    size_t at = part->region < 0 ? part->offset : block->own;
    for (int i = 0; i < part->region; i++)
        at += block->regions[i];
    return at;
}

/* All of it is read and written in every step: with large pages the processor looks up fewer
 * addresses. A wish, which the system may refuse. */
static void wish_huge_pages(char *bytes, size_t size)
{
#ifdef MADV_HUGEPAGE
    size_t before = -(uintptr_t)bytes & (HUGE_PAGE - 1);
    size_t whole = size > before ? (size - before) & ~(size_t)(HUGE_PAGE - 1) : 0;

    if (whole > 0)
        (void)madvise(bytes + before, whole, MADV_HUGEPAGE);
#else
    (void)bytes;
    (void)size;
#endif
}

bool block_take(struct block *block, struct error *error)
{
    size_t size = block->size ? block->size : BLOCK_ALIGN;
    if (!block->failed)
        block->memory = aligned_alloc(BLOCK_ALIGN, size);
    if (!block->memory)
        return error_set(error, ERROR_MEMORY, "memory",
                         "the job needs %zu bytes, which cannot be had", size);
    wish_huge_pages(block->memory, size);
    memset(block->memory, 0, size);
    for (size_t i = 0; i < block->count; i++)
        *block->parts[i].slot = (char *)block->memory + place(block, &block->parts[i]);
    return true;
}

void block_drop(struct block *block)
{
    free(block->parts);
    free(block->regions);
    free(block->memory);
    memset(block, 0, sizeof *block);
}
