/* Nearest: which of the names that exist somebody meant who wrote another one: by edit distance, or
 * because other tools call the same thing so. Knows no name's meaning. */
#ifndef CORE_NEAREST_H
#define CORE_NEAREST_H

#include <stddef.h>

struct nearest {
    const char *found; /* as written; borrowed */
    const char *name;  /* the nearest one so far; NULL: none is near */
    size_t distance;   /* its distance, or one more than the largest that counts */
};

/* At most a third of the length counts, at least 1. Too short or too long a text is near to
 * nothing. */
void nearest_begin(struct nearest *nearest, const char *found);
/* `name` must live as long as `nearest`. Of equals the first one stays. */
void nearest_try(struct nearest *nearest, const char *name);

#endif
