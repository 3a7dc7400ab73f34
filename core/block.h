/* Block: one allocation for many arrays whose sizes are gathered first. Knows nothing of what they
 * hold. */
#ifndef CORE_BLOCK_H
#define CORE_BLOCK_H

#include "core/error.h"

#include <stdint.h>

enum { BLOCK_ALIGN = 64 };

struct block_part {
    void **slot; /* where the array's address goes */
    size_t offset;
    int region; /* −1: an array of its own */
};

/* A zeroed block is empty. First reserve, then take once. */
struct block {
    struct block_part *parts;
    size_t count, room;
    size_t size;     /* bytes reserved so far, … */
    size_t own;      /* … of which these are not shared */
    size_t *regions; /* bytes of each region */
    int region_count;
    void *memory;
    bool failed; /* a reservation did not fit into memory or into size_t */
};

/* Wants count × size bytes; *slot is set by block_take and must not move until then. */
void block_reserve(struct block *block, void *slot, int64_t count, size_t size);
/* The same, of memory that others write too: all arrays of one region (0 …) begin at the same
 * address, and it is as large as the largest of them. For what nobody reads any more once another
 * one writes. */
void block_share(struct block *block, int region, void *slot, int64_t count, size_t size);
/* Takes and zeroes the memory (touching every page) and fills all slots. */
bool block_take(struct block *block, struct error *error) MUST_CHECK;
void block_drop(struct block *block);

#endif
