/* Support for tests: who takes memory. While somebody watches, every call of malloc and its
 * relatives and of mmap is noted, whichever thread and library makes it: glibc lets a program's own
 * definitions take the place of its own. */
#ifndef TESTS_CORE_SUPPORT_ALLOCATIONS_H
#define TESTS_CORE_SUPPORT_ALLOCATIONS_H

#include <stdbool.h>
#include <stddef.h>

enum { ALLOCATION_FRAMES = 12, ALLOCATIONS_KEPT = 4 };

struct allocation {
    const char *call;
    size_t size;
    void *frames[ALLOCATION_FRAMES];
    int depth;
};

/* Of one watch: how many there were, and the first of them; and how many were pardoned. */
struct allocations {
    int count, pardoned;
    struct allocation kept[ALLOCATIONS_KEPT];
};

/* What is not counted: up to `most` bytes at a time, taken in a call of a shared library's function
 * of that name. */
struct allocation_pardon {
    const char *function;
    size_t most;
};

/* False where allocations cannot be seen: sanitizers and other C libraries have their own. */
bool allocations_seen(void);

/* From begin to end all threads are watched; not twice at once. Reading comes after the end, when
 * the threads rest. `pardons` last as long, up to one without a function; NULL: none. */
void allocations_begin(const struct allocation_pardon *pardons);
const struct allocations *allocations_end(void);
/* Onto standard output: each one's size and who called it. What is no name in the lines of a
 * program is its addr2line's. */
void allocations_show(const struct allocations *allocations);

#endif
