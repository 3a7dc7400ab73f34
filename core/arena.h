/* Arena: many small pieces with one lifetime. Grows by blocks, is freed at once. Knows nothing of
 * what it holds. Not for two threads at a time. */
#ifndef CORE_ARENA_H
#define CORE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

struct arena_block;

struct arena {
    struct arena_block *blocks;
    size_t used; /* bytes handed out, padding included */
};

/* A zeroed arena is empty and ready. */
void arena_drop(struct arena *arena);

/* Zeroed memory, aligned to 64 bytes, or NULL when memory is gone. size 0 gives a valid pointer. */
void *arena_take(struct arena *arena, size_t size);
/* count × size with an overflow check. */
void *arena_take_array(struct arena *arena, size_t count, size_t size);
/* A copy of a NUL-terminated string. */
char *arena_copy_text(struct arena *arena, const char *text);

#endif
