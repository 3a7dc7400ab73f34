/* Arena: blocks in a list, the newest with room first. Knows nothing of what it holds. */
#include "core/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 64, BLOCK_MIN = 4096, BLOCK_MAX = 1 << 20 };

struct arena_block {
    struct arena_block *next;
    unsigned char *bytes; /* aligned, inside the same allocation */
    size_t size, used;
};

void arena_drop(struct arena *arena)
{
    struct arena_block *block = arena->blocks;

    while (block) {
        struct arena_block *next = block->next;
        free(block);
        block = next;
    }
    arena->blocks = NULL;
    arena->used = 0;
}

/* calloc rather than aligned_alloc and memset: the pages of a large block stay untouched until
 * used. */
static struct arena_block *block_new(size_t size)
{
    size_t overhead = sizeof(struct arena_block) + ALIGNMENT;
    struct arena_block *block;
    uintptr_t first;

    if (size > SIZE_MAX - overhead)
        return NULL;
    block = calloc(1, size + overhead);
    if (!block)
        return NULL;
    first = (uintptr_t)(block + 1);
    block->bytes = (unsigned char *)(block + 1) + (ALIGNMENT - first % ALIGNMENT) % ALIGNMENT;
    block->size = size;
    return block;
}

/* A block with room for `size` bytes. Large pieces get a block of their own behind the first one,
 * so that what is left of the first is still used. */
static struct arena_block *block_for(struct arena *arena, size_t size)
{
    struct arena_block *head = arena->blocks;
    struct arena_block *block;
    size_t wanted = BLOCK_MIN;

    if (head && size <= head->size - head->used)
        return head;
    while (wanted < BLOCK_MAX && wanted < arena->used)
        wanted *= 2;
    block = block_new(size > wanted / 2 ? size : wanted);
    if (!block)
        return NULL;
    if (head && size > wanted / 2) {
        block->next = head->next;
        head->next = block;
    } else {
        block->next = head;
        arena->blocks = block;
    }
    return block;
}

void *arena_take(struct arena *arena, size_t size)
{
    struct arena_block *block;
    void *taken;

    if (size > SIZE_MAX - ALIGNMENT)
        return NULL;
    if (size == 0)
        size = 1;
    size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    block = block_for(arena, size);
    if (!block)
        return NULL;
    taken = block->bytes + block->used;
    block->used += size;
    arena->used += size;
    return taken;
}

void *arena_take_array(struct arena *arena, size_t count, size_t size)
{
    if (size > 0 && count > SIZE_MAX / size)
        return NULL;
    return arena_take(arena, count * size);
}

char *arena_copy_text(struct arena *arena, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = arena_take(arena, size);

    if (copy)
        memcpy(copy, text, size);
    return copy;
}
