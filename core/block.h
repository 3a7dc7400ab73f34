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
};

/* A zeroed block is empty. First reserve, then take once. */
struct block {
    struct block_part *parts;
    size_t count, room;
    size_t size; /* bytes reserved so far */
    void *memory;
    bool failed; /* a reservation did not fit into memory or into size_t */
};

/* Wants count × size bytes; *slot is set by block_take and must not move until then. */
void block_reserve(struct block *block, void *slot, int64_t count, size_t size);
/* Takes and zeroes the memory (touching every page) and fills all slots. */
bool block_take(struct block *block, struct error *error) MUST_CHECK;
void block_drop(struct block *block);

#endif
