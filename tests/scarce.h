/* Support for tests: memory that runs out. Each allocation of our own code, in whichever thread, of
 * jansson and of SQLite is counted; one of them, or all from it on, is refused. The linker puts
 * these functions in the place of the C library's (see the Makefile), so it works under sanitizers
 * too. */
#ifndef TESTS_SCARCE_H
#define TESTS_SCARCE_H

#include "core/error.h"

#include <stdbool.h>

/* Once at the beginning of a test, before anything uses SQLite. */
void scarce_libraries(void);

/* A piece of a program's life: takes memory, works, gives all of it back. Its error is looked at
 * when it says false. */
typedef bool scarce_life(void *context, struct error *error);

/* What may become of a life in which an allocation was refused. */
struct scarce_rules {
    long least;  /* so many allocations it has at the least, or this looks at nothing */
    long stride; /* each so many'th is refused; 0: every one */
    bool may_do; /* it may do all the same: what was refused was not needed */
    void (*after)(void *context, long at); /* NULL, or: looks after each life */
};
/* Lives first undisturbed, which must go well; then once for each allocation, which is refused;
 * then the same with all behind it. A life that fails must say ERROR_MEMORY. */
void scarce_sweep(scarce_life *life, void *context, const struct scarce_rules *rules);

#endif
