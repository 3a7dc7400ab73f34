/* What handlers may ask of a request: its parameters, headers, and what the client accepts. Knows
 * no route by name. */
#include "server/http_internal.h"

#include <string.h>

const char *http_query(const struct http_request *request, const char *name)
{
    return target_query(&request->exchange->target, name);
}

int64_t http_query_integer(const struct http_request *request, const char *name, int64_t absent)
{
    const char *text = http_query(request, name);
    int64_t value = absent;

    if (text)
        (void)query_read_integer(text, &value);
    return value;
}

static const char *const *choices_of(const struct http_request *request, const char *name)
{
    return query_find(request->exchange->route->queries, name)->choices;
}

int http_query_choice(const struct http_request *request, const char *name, int absent)
{
    const char *text = http_query(request, name);

    return text ? query_choice(choices_of(request, name), text, strlen(text)) : absent;
}

uint32_t http_query_choices(const struct http_request *request, const char *name, uint32_t absent)
{
    const char *text = http_query(request, name);

    return text ? query_choices(choices_of(request, name), text) : absent;
}

bool http_query_true(const struct http_request *request, const char *name)
{
    const char *text = http_query(request, name);

    return text && strcmp(text, "true") == 0;
}

const char *http_header(const struct http_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->exchange->connection, MHD_HEADER_KIND, name);
}
