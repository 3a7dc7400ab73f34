/* Text: UTF-8 that any JSON writer and any terminal takes. Knows nothing of where texts come from.
 */
#ifndef CORE_TEXT_H
#define CORE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* The largest length ≤ `length` that does not end inside a character of valid UTF-8. */
static inline size_t text_whole(const char *text, size_t length)
{
    size_t start = length;
    size_t needed = 1;

    for (int back = 0; back < 4 && start > 0; back++) {
        unsigned char byte = (unsigned char)text[--start];
        if ((byte & 0xC0) == 0x80)
            continue; /* the inside of a character: look further back for its first byte */
        needed = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1;
        break;
    }
    return length - start < needed ? start : length;
}

/* Ends a text that vsnprintf may have cut to `size` bytes after a whole character. */
static inline void text_end_whole(char *text, size_t size, int wanted)
{
    if (size > 0 && wanted >= 0 && (size_t)wanted >= size)
        text[text_whole(text, size - 1)] = '\0';
}

/* Whether `text` is UTF-8 (RFC 3629) without control characters: fit for a name. */
bool text_clean(const char *text);
/* Copies as much of `text` as there is room for (size ≥ 1); every byte that would make it unclean
 * becomes '?'. For names out of hostile files, in messages. */
void text_show(char *out, size_t size, const char *text);

#endif
