/* Entity tags (RFC 9110, 8.8.3 and 13.1): lists of them in headers, and what they are compared
 * with. Knows no answer.
 *
 * A tag that we sent with a body in gzip ends in -gzip: two codings are two representations. For
 * the question whether something has changed they are one. */
#include "server/http_internal.h"

#include <string.h>

struct tag {
    const char *text; /* between the quotes */
    size_t size;
    bool weak, coded;
};

static const char coded_end[] = "-gzip";

/* Takes the next tag off the list. False: the list is at its end, or not one of tags. */
static bool tag_next(const char **list, struct tag *out)
{
    const size_t end = sizeof(coded_end) - 1;
    const char *at = *list + strspn(*list, " \t,");
    const char *close;

    out->weak = at[0] == 'W' && at[1] == '/';
    at += out->weak ? 2 : 0;
    close = at[0] == '"' ? strchr(at + 1, '"') : NULL;
    if (!close)
        return false;
    out->text = at + 1;
    out->size = (size_t)(close - out->text);
    out->coded = out->size > end && memcmp(close - end, coded_end, end) == 0;
    out->size -= out->coded ? end : 0;
    *list = close + 1;
    return true;
}

static bool is_star(const char *list)
{
    list += strspn(list, " \t");
    return list[0] == '*' && list[1 + strspn(list + 1, " \t")] == '\0';
}

bool etag_listed(const char *list, const char *etag, bool *coded)
{
    struct tag tag;

    *coded = false;
    if (is_star(list))
        return true;
    while (tag_next(&list, &tag))
        if (strlen(etag) == tag.size && memcmp(tag.text, etag, tag.size) == 0) {
            *coded = tag.coded;
            return true;
        }
    return false;
}

/* What names the state: a representation may change without it. */
static size_t state_size(const char *text, size_t size)
{
    const char *dot = memchr(text, '.', size);

    return dot ? (size_t)(dot - text) : size;
}

bool http_may_change(const char *if_match, const char *etag)
{
    size_t size = state_size(etag, strlen(etag));
    struct tag tag;

    if (!if_match || is_star(if_match))
        return true;
    while (tag_next(&if_match, &tag))
        if (!tag.weak && state_size(tag.text, tag.size) == size &&
            memcmp(tag.text, etag, size) == 0)
            return true;
    return false;
}

bool http_may_put(const char *if_match, const char *if_none_match, const char *etag)
{
    bool coded;

    if (!etag)
        return !if_match;
    return http_may_change(if_match, etag) &&
           !(if_none_match && etag_listed(if_none_match, etag, &coded));
}
