/* Query: checks values of query parameters against their rows. */
#include "server/query.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const struct query *query_find(const struct query *rows, const char *name)
{
    for (; rows && rows->name; rows++)
        if (strcmp(rows->name, name) == 0)
            return rows;
    return NULL;
}

bool query_read_integer(const char *text, int64_t *out)
{
    size_t length = strlen(text);
    int64_t value = 0;

    if (length == 0 || length > QUERY_INTEGER_DIGITS || strspn(text, "0123456789") != length)
        return false;
    for (const char *at = text; *at; at++)
        value = value * 10 + (*at - '0');
    *out = value;
    return true;
}

int query_choice(const char *const *choices, const char *text, size_t size)
{
    for (int i = 0; choices[i]; i++)
        if (strlen(choices[i]) == size && memcmp(choices[i], text, size) == 0)
            return i;
    return -1;
}

uint32_t query_choices(const char *const *choices, const char *list)
{
    uint32_t bits = 0;

    for (;;) {
        size_t size = strcspn(list, ",");
        int choice = query_choice(choices, list, size);

        if (choice < 0)
            return 0;
        bits |= UINT32_C(1) << choice;
        if (list[size] == '\0')
            return bits;
        list += size + 1;
    }
}

static bool refuse_choice(const struct query *row, struct error *error)
{
    char names[512] = "";
    size_t used = 0;

    for (int i = 0; row->choices[i] && used < sizeof(names); i++)
        used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s", i > 0 ? ", " : "",
                                 row->choices[i]);
    return error_set(error, ERROR_INVALID, row->name, "the query parameter \"%s\" must be %s of %s",
                     row->name, row->kind == QUERY_CHOICE ? "one" : "one or more", names);
}

bool query_check(const struct query *row, const char *value, struct error *error)
{
    int64_t number;

    switch (row->kind) {
    case QUERY_TEXT:
        return true;
    case QUERY_INTEGER:
        if (query_read_integer(value, &number) && number >= row->min && number <= row->max)
            return true;
        return error_set(error, ERROR_INVALID, row->name,
                         "the query parameter \"%s\" must be a whole number in %" PRId64
                         " … %" PRId64,
                         row->name, row->min, row->max);
    case QUERY_CHOICE:
        return query_choice(row->choices, value, strlen(value)) >= 0 || refuse_choice(row, error);
    case QUERY_CHOICES:
        return query_choices(row->choices, value) != 0 || refuse_choice(row, error);
    case QUERY_TRUTH:
        return strcmp(value, "true") == 0 || strcmp(value, "false") == 0 ||
               error_set(error, ERROR_INVALID, row->name,
                         "the query parameter \"%s\" must be true or false", row->name);
    }
    return error_set(error, ERROR_INTERNAL, row->name, "a query parameter of no kind");
}
