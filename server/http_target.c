/* Target: split at the raw separators first, then decode each part once: an escaped slash or & is
 * data, never a separator. */
#include "server/http_target.h"

#include <stdlib.h>
#include <string.h>

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Decodes %XX in place, and + as a blank where `plus`. False: a bad escape, or a control character.
 */
static bool decode(char *text, bool plus)
{
    char *out = text;

    for (const char *at = text; *at; at++) {
        unsigned char byte = (unsigned char)*at;

        if (*at == '%') {
            int high = hex_digit(at[1]);
            int low = high < 0 ? -1 : hex_digit(at[2]);

            if (low < 0)
                return false;
            byte = (unsigned char)(high * 16 + low);
            at += 2;
        } else if (*at == '+' && plus) {
            byte = ' ';
        }
        if (byte < 0x20 || byte == 0x7F)
            return false;
        *out++ = (char)byte;
    }
    *out = '\0';
    return true;
}

static bool parse_segments(struct target *target, char *text, struct error *error)
{
    char *next = text + 1;

    while (next) {
        char *segment = next;

        next = strchr(segment, '/');
        if (next)
            *next++ = '\0';
        if (!decode(segment, false))
            return error_set(error, ERROR_INVALID, "",
                             "the path holds a bad escape or a control character");
        if (target->segment_count >= 0 && target->segment_count < TARGET_SEGMENTS)
            target->segments[target->segment_count++] = segment;
        else
            target->segment_count = -1;
    }
    return true;
}

static bool add_query(struct target *target, char *name, struct error *error)
{
    char *value = strchr(name, '=');

    if (value)
        *value++ = '\0';
    else
        value = name + strlen(name);
    if (!decode(name, true) || !decode(value, true))
        return error_set(error, ERROR_INVALID, "",
                         "the query holds a bad escape or a control character");
    if (target_query(target, name))
        return error_set(error, ERROR_INVALID, name,
                         "the query parameter \"%.40s\" stands there twice: give it once, with "
                         "commas between its values where it takes several",
                         name);
    if (target->query_count == TARGET_QUERIES)
        return error_set(error, ERROR_INVALID, "", "too many query parameters");
    target->queries[target->query_count++] = (struct target_query){name, value};
    return true;
}

static bool parse_queries(struct target *target, char *text, struct error *error)
{
    while (text) {
        char *pair = text;

        text = strchr(pair, '&');
        if (text)
            *text++ = '\0';
        if (*pair && !add_query(target, pair, error))
            return false;
    }
    return true;
}

bool target_parse(const char *text, struct target *out, struct error *error)
{
    char *query;

    *out = (struct target){0};
    if (text[0] != '/' || strchr(text, '#'))
        return error_set(error, ERROR_INVALID, "",
                         "the request's target must be a path such as /v1/jobs");
    out->path = strdup(text);
    out->store = strdup(text);
    if (!out->path || !out->store)
        return error_set(error, ERROR_MEMORY, "http", "no memory for the request");
    out->path[strcspn(out->path, "?")] = '\0';
    query = strchr(out->store, '?');
    if (query)
        *query++ = '\0';
    return parse_segments(out, out->store, error) && parse_queries(out, query, error);
}

void target_drop(struct target *target)
{
    free(target->path);
    free(target->store);
    *target = (struct target){0};
}

const char *target_query(const struct target *target, const char *name)
{
    for (int i = 0; i < target->query_count; i++)
        if (strcmp(target->queries[i].name, name) == 0)
            return target->queries[i].value;
    return NULL;
}

bool target_matches(const struct target *target, const char *pattern, const char *params[4])
{
    int param = 0;
    int index = 0;

    for (const char *at = pattern; *at; index++) {
        size_t length = strcspn(++at, "/");
        const char *segment = index < target->segment_count ? target->segments[index] : NULL;

        if (!segment)
            return false;
        if (at[0] == '{') {
            if (segment[0] == '\0' || param == 4)
                return false;
            params[param++] = segment;
        } else if (strlen(segment) != length || memcmp(segment, at, length) != 0) {
            return false;
        }
        at += length;
    }
    return index == target->segment_count;
}
