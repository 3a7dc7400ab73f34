/* Query: checks values of query parameters against their rows. */
#include "server/query.h"

#include "core/nearest.h"

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

/* Appends a name to a list with commas, as far as there is room. */
static void add_name(char *list, size_t size, const char *name)
{
    size_t used = strlen(list);

    (void)snprintf(list + used, size - used, "%s%s", used > 0 ? ", " : "", name);
}

/* ", perhaps \"running\"" or "" */
static void put_guess(char *out, size_t size, const struct nearest *nearest)
{
    (void)snprintf(out, size, "%s%s%s", nearest->name ? ", perhaps \"" : "",
                   nearest->name ? nearest->name : "", nearest->name ? "\"" : "");
}

/* "-name", where there is "name" too: one word says it of all such. */
static bool is_reverse(const char *const *choices, const char *name)
{
    return name[0] == '-' && query_choice(choices, name + 1, strlen(name + 1)) >= 0;
}

static bool refuse_choice(const struct query *row, const char *value, struct error *error)
{
    char names[256] = "", guess[96];
    bool reverse = false;
    struct nearest nearest;

    nearest_begin(&nearest, value);
    for (int i = 0; row->choices[i]; i++) {
        nearest_try(&nearest, row->choices[i]);
        if (is_reverse(row->choices, row->choices[i]))
            reverse = true;
        else
            add_name(names, sizeof(names), row->choices[i]);
    }
    if (reverse)
        add_name(names, sizeof(names), "each also with a - in front");
    put_guess(guess, sizeof(guess), &nearest);
    return error_set(error, ERROR_INVALID, row->name,
                     "the query parameter \"%s\" must be %s of %s; found \"%.40s\"%s", row->name,
                     row->kind == QUERY_CHOICE ? "one" : "one or more", names, value, guess);
}

bool query_refuse_name(const struct query *rows, const char *name, struct error *error)
{
    char names[256] = "", guess[96];
    struct nearest nearest;

    nearest_begin(&nearest, name);
    for (const struct query *row = rows; row && row->name; row++) {
        add_name(names, sizeof(names), row->name);
        nearest_try(&nearest, row->name);
    }
    put_guess(guess, sizeof(guess), &nearest);
    return error_set(error, ERROR_INVALID, name,
                     "\"%.64s\" is not a query parameter of this address%s; it takes %s", name,
                     guess, names[0] ? names : "none");
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
                         " … %" PRId64 "; found \"%.40s\"",
                         row->name, row->min, row->max, value);
    case QUERY_CHOICE:
        return query_choice(row->choices, value, strlen(value)) >= 0 ||
               refuse_choice(row, value, error);
    case QUERY_CHOICES:
        return query_choices(row->choices, value) != 0 || refuse_choice(row, value, error);
    case QUERY_TRUTH:
        return strcmp(value, "true") == 0 || strcmp(value, "false") == 0 ||
               error_set(error, ERROR_INVALID, row->name,
                         "the query parameter \"%s\" must be true or false; found \"%.40s\"",
                         row->name, value);
    }
    return error_set(error, ERROR_INTERNAL, row->name, "a query parameter of no kind");
}
