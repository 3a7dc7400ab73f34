/* Weights in headers such as Accept and Accept-Encoding (RFC 9110, 12.4.2). Knows no
 * answer. */
#include "server/http_internal.h"

#include <string.h>
#include <strings.h>

enum { WEIGHT_ONE = 1000 };

/* "0.35" as 350; what is no weight counts as 1, as if it were not there. */
static int read_weight(const char *text, const char *end)
{
    int weight = text < end && *text == '1' ? WEIGHT_ONE : 0;
    int place = 100;

    if (text == end || (*text != '0' && *text != '1'))
        return WEIGHT_ONE;
    text++;
    if (text < end && *text == '.')
        for (text++; text < end && *text >= '0' && *text <= '9'; text++, place /= 10)
            weight += (*text - '0') * place;
    return weight < WEIGHT_ONE ? weight : WEIGHT_ONE;
}

/* The weight among the parameters behind an item's name. */
static int weight_of(const char *parameters, const char *end)
{
    for (const char *at = parameters; at < end; at++) {
        if (*at != ';')
            continue;
        at++;
        while (at < end && (*at == ' ' || *at == '\t'))
            at++;
        if (end - at > 2 && (at[0] == 'q' || at[0] == 'Q') && at[1] == '=')
            return read_weight(at + 2, end);
        at--;
    }
    return WEIGHT_ONE;
}

int weight_find(const char *list, const char *name)
{
    size_t length = strlen(name);

    while (list && *list) {
        const char *end;

        list += strspn(list, " \t,");
        end = list + strcspn(list, ",");
        if (strncasecmp(list, name, length) == 0 &&
            strchr(",; \t", list[length])) /* its NUL ends the last one */
            return weight_of(list + length, end);
        list = end;
    }
    return -1;
}

bool http_accepts(const struct http_request *request, const char *type)
{
    request->exchange->marks.varies = true;
    return weight_find(http_header(request, MHD_HTTP_HEADER_ACCEPT), type) > 0;
}

int http_preferred(const struct http_request *request, const char *const *types)
{
    const char *list = http_header(request, MHD_HTTP_HEADER_ACCEPT);
    int best = -1, weight = 0;

    request->exchange->marks.varies = true;
    for (int i = 0; types[i]; i++) {
        int found = weight_find(list, types[i]);

        if (found > weight) {
            weight = found;
            best = i;
        }
    }
    return best;
}
