/* Errors: what went wrong, where, in words for the user. Knows nothing of HTTP, JSON or logs.
 *
 * A function that can fail returns bool and takes a caller-owned `struct error` last. False means
 * the error is filled in. The first error wins: a later one never overwrites it. Buffers are fixed,
 * so an error can be made when memory is gone. NULL is allowed where the caller does not care. */
#ifndef CORE_ERROR_H
#define CORE_ERROR_H

#include <stdbool.h>
#include <stddef.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))

enum error_kind {
    ERROR_NONE,
    ERROR_MEMORY,
    ERROR_INVALID, /* the user's input is wrong */
    ERROR_TOO_LARGE,
    ERROR_NOT_FOUND,
    ERROR_CONFLICT, /* a lost race, or a state that does not allow it */
    ERROR_BUSY,
    ERROR_IO,       /* the operating system refused: disk, file, thread */
    ERROR_FULL,     /* no space left where it is to be written */
    ERROR_CORRUPT,  /* stored bytes are not what was written */
    ERROR_DIVERGED, /* training left the finite numbers */
    ERROR_CANCELLED,
    ERROR_UNSUPPORTED, /* right, but not in this build */
    ERROR_INTERNAL,
    ERROR_KINDS
};

struct error {
    enum error_kind kind;
    char where[256]; /* JSON pointer, file name or module; may be empty */
    char text[320];  /* one sentence, without a full stop */
};

/* Fills *error unless it already holds one. Always returns false, so that `return error_set(…)`
 * reads well. Every error of the program passes through here: `break error_set` is the debugger's
 * front door. */
bool error_set(struct error *error, enum error_kind kind, const char *where, const char *format,
               ...) PRINTF_LIKE(4, 5);

/* The kind as a lower-case word ("invalid", "too_large"), for logs and reasons. Never NULL. */
const char *error_kind_name(enum error_kind kind);

#endif
