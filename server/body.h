/* Body: text of an answer while it is written: JSON, CSV, events. Grows by itself; the first
 * failure sticks, so that writers need one check at the end. Knows nothing of HTTP or of what is
 * written. */
#ifndef SERVER_BODY_H
#define SERVER_BODY_H

#include "core/error.h"

#include <stddef.h>
#include <stdint.h>

struct body {
    char *bytes; /* NUL-terminated unless NULL */
    size_t size, room;
    bool failed; /* memory is gone; the bytes mean nothing */
};

/* A zeroed body is empty and ready. */
void body_drop(struct body *body);

void body_put(struct body *body, const void *bytes, size_t size);
void body_text(struct body *body, const char *text);
void body_print(struct body *body, const char *format, ...) PRINTF_LIKE(2, 3);

/* A JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD. NULL becomes null. */
void body_string(struct body *body, const char *text);
/* A JSON number with the fewest digits that read back as the same one; null when it is not finite.
 */
void body_real(struct body *body, double value);
/* What a number that is not finite is called: "nan", "inf", "-inf". */
const char *body_nonfinite_name(double value);
/* Unix milliseconds as an RFC 3339 string in UTC with its quotes; null for 0. */
void body_time(struct body *body, int64_t milliseconds);

/* Hands the bytes to the caller (free) and empties the body. NULL, and ERROR_MEMORY, after a
 * failure. */
char *body_take(struct body *body, size_t *size, struct error *error) MUST_CHECK;

#endif
