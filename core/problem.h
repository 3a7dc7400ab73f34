/* Problems: everything that is wrong with one input, collected so that the user hears all of it at
 * once. Knows nothing of JSON or HTTP: a problem names its place by a JSON pointer and its remedies
 * by the table they come from. */
#ifndef CORE_PROBLEM_H
#define CORE_PROBLEM_H

#include "core/error.h"
#include "core/field.h"

/* POINTER_BYTES: room for any option of a layer as deep inside others as layers may lie. */
enum { PROBLEMS_MAX = 64, POINTER_BYTES = 256 };

struct problem {
    char pointer[POINTER_BYTES]; /* RFC 6901, "" is the whole document */
    char detail[256];            /* what was found and what is wanted */
    char suggestion[64];         /* nearest allowed name, or "" */
    const char *const *choices;  /* allowed names, NULL-ended, or NULL */
    const struct kinds *kinds;   /* … or the kinds of a family */
    const struct fields *fields; /* … or the names of a table's fields */
    const struct fields *common; /* … and of a second table beside it, or NULL */
};

struct problems {
    struct problem items[PROBLEMS_MAX + 1]; /* behind the last one: a throw-away */
    size_t count;
    size_t dropped; /* how many more there were */
};

/* Adds one; returns it so that the caller can fill in `choices`, `kinds`, `fields`, `suggestion`.
 * Never NULL: past PROBLEMS_MAX it is a throw-away and `dropped` counts. */
struct problem *problem_add(struct problems *problems, const char *pointer, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* Sets `suggestion` to the nearest of the allowed names already attached to the problem, when one
 * is near: see nearest.h. */
void problem_suggest(struct problem *problem, const char *found);

/* Appends one reference token to a pointer, escaping ~ and / (RFC 6901). Cut when it does not fit,
 * but never inside an escape or a character. */
void pointer_push(char *pointer, size_t size, const char *token);
void pointer_push_index(char *pointer, size_t size, size_t index);

#endif
