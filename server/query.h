/* Query: the parameters that may stand behind the ? of an address, one row each. The rows check
 * what came, and describe it in the OpenAPI document. Knows no route. */
#ifndef SERVER_QUERY_H
#define SERVER_QUERY_H

#include "core/error.h"

#include <stdint.h>

enum query_kind {
    QUERY_TEXT,    /* the handler looks at it */
    QUERY_INTEGER, /* digits only, in min … max */
    QUERY_CHOICE,  /* one of `choices` */
    QUERY_CHOICES, /* some of them, with commas between */
    QUERY_TRUTH    /* true or false */
};

struct query {
    const char *name;  /* NULL ends a list of rows */
    const char *about; /* one line for people */
    enum query_kind kind;
    int64_t min, max;
    const char *const *choices; /* NULL-ended */
};

enum { QUERY_INTEGER_DIGITS = 18 };
#define QUERY_INTEGER_MAX INT64_C(999999999999999999)

/* The row of that name; NULL: there is none. `rows` may be NULL. */
const struct query *query_find(const struct query *rows, const char *name);
/* ERROR_INVALID, naming the parameter, when `value` is none that the row takes. */
bool query_check(const struct query *row, const char *value, struct error *error) MUST_CHECK;

/* ERROR_INVALID, for a name that is none of the rows': names the nearest one and all of them. */
bool query_refuse_name(const struct query *rows, const char *name, struct error *error);

/* Digits only, at most QUERY_INTEGER_DIGITS of them. */
bool query_read_integer(const char *text, int64_t *out);
/* Which of the NULL-ended choices `text` is, of which `size` bytes count; −1: none. */
int query_choice(const char *const *choices, const char *text, size_t size);
/* The choices in a list with commas between, as bits: 1 << index. 0 where one is not there. */
uint32_t query_choices(const char *const *choices, const char *list);

#endif
