/* One allocation for many arrays: see block.h. */
#include "core/block.h"

#include <stdlib.h>
#include <string.h>

void block_reserve(struct block *block, void *slot, int64_t count, size_t size)
{
    size_t bytes, end;
    if (block->failed)
        return;
    if (count < 0 || __builtin_mul_overflow((size_t)count, size, &bytes) ||
        __builtin_add_overflow(bytes, (size_t)BLOCK_ALIGN - 1, &bytes) ||
        __builtin_add_overflow(block->size, bytes & ~((size_t)BLOCK_ALIGN - 1), &end)) {
        block->failed = true;
        return;
    }
    if (block->count == block->room) {
        size_t room = block->room ? block->room * 2 : 64;
        struct block_part *parts = realloc(block->parts, room * sizeof *parts);
        if (!parts) {
            block->failed = true;
            return;
        }
        block->parts = parts;
        block->room = room;
    }
    block->parts[block->count++] = (struct block_part){slot, block->size};
    block->size = end;
}

bool block_take(struct block *block, struct error *error)
{
    size_t size = block->size ? block->size : BLOCK_ALIGN;
    if (!block->failed)
        block->memory = aligned_alloc(BLOCK_ALIGN, size);
    if (!block->memory)
        return error_set(error, ERROR_MEMORY, "memory",
                         "the job needs %zu bytes, which cannot be had", size);
    memset(block->memory, 0, size);
    for (size_t i = 0; i < block->count; i++)
        *block->parts[i].slot = (char *)block->memory + block->parts[i].offset;
    return true;
}

void block_drop(struct block *block)
{
    free(block->parts);
    free(block->memory);
    memset(block, 0, sizeof *block);
}
