/* Route: which row answers a request, who may ask it, and what else somebody may have meant. */
#include "server/http_internal.h"

#include "core/field.h"
#include "core/nearest.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

/* Longer addresses are not guessed. */
enum { ADDRESS_SIZE = 128 };

static bool route_matches(struct http_exchange *exchange, const struct route *route)
{
    if (route->serves)
        return route->serves(exchange->target.path);
    return target_matches(&exchange->target, route->pattern, exchange->request.params);
}

/* Appends a method to an Allow list once. */
static void allow_add(char *list, size_t size, const char *method)
{
    size_t used = strlen(list);

    if (strstr(list, method) || used + strlen(method) + 3 > size)
        return;
    if (used > 0)
        strncat(list, ", ", size - used - 1);
    strncat(list, method, size - strlen(list) - 1);
    if (strcmp(method, "GET") == 0)
        strncat(list, ", HEAD", size - strlen(list) - 1);
}

/* What was found at an address. */
struct finding {
    char allow[128]; /* the methods of its rows; "": there is no row */
    bool open;       /* one of them is for everybody */
};

static void find_route(struct http_exchange *exchange, struct finding *out)
{
    const struct http_setup *setup = &exchange->http->setup;

    *out = (struct finding){{0}, false};
    for (size_t i = 0; i < setup->route_count; i++) {
        const struct route *route = &setup->routes[i];

        memset(exchange->request.params, 0, sizeof(exchange->request.params));
        if (!route_matches(exchange, route))
            continue;
        if (strcmp(route->method, exchange->request.method) == 0) {
            exchange->route = route;
            return;
        }
        allow_add(out->allow, sizeof(out->allow), route->method);
        out->open |= (route->flags & ROUTE_OPEN) != 0;
    }
    if (out->allow[0] != '\0')
        allow_add(out->allow, sizeof(out->allow), MHD_HTTP_METHOD_OPTIONS);
}

enum scope http_route_scope(const struct route *route)
{
    static const struct {
        const char *method;
        enum scope scope;
    } usual[] = {{"GET", SCOPE_READ},
                 {"POST", SCOPE_SUBMIT},
                 {"PATCH", SCOPE_SUBMIT},
                 {"PUT", SCOPE_ADMIN},
                 {"DELETE", SCOPE_ADMIN}};

    if (route->flags & ROUTE_OPEN)
        return SCOPE_NONE;
    if (route->scope != SCOPE_NONE)
        return route->scope;
    for (size_t i = 0; i < COUNT_OF(usual); i++)
        if (strcmp(usual[i].method, route->method) == 0)
            return usual[i].scope;
    return SCOPE_ADMIN;
}

/* ---- addresses that are none ---- */

/* The next part of a path between slashes; its size is 0 at the end. */
static const char *next_part(const char *at, size_t *size)
{
    at += *at == '/';
    *size = strcspn(at, "/");
    return at;
}

/* How far a part of the path is from that of the pattern; −1: not near. */
static int part_distance(const char *part, size_t size, const char *wanted, size_t wanted_size)
{
    char found[ADDRESS_SIZE], name[ADDRESS_SIZE];
    struct nearest nearest;

    (void)snprintf(found, sizeof(found), "%.*s", (int)size, part);
    (void)snprintf(name, sizeof(name), "%.*s", (int)wanted_size, wanted);
    if (strcmp(found, name) == 0)
        return 0;
    nearest_begin(&nearest, found);
    nearest_try(&nearest, name);
    return nearest.name ? (int)nearest.distance + 1 : -1;
}

/* The address of that pattern that is like the path; how far it is away, −1: it is not like it. */
static int address_like(const char *path, const char *pattern, char out[ADDRESS_SIZE])
{
    int sum = 0;
    size_t used = 0;

    for (;;) {
        size_t size, wanted_size;
        const char *part = next_part(path, &size), *wanted = next_part(pattern, &wanted_size);
        bool free_part = *wanted == '{';
        int away = 0;

        if (size == 0 || wanted_size == 0)
            return size == wanted_size && used > 0 ? sum : -1;
        if (!free_part)
            away = part_distance(part, size, wanted, wanted_size);
        if (away < 0 || used + size + wanted_size + 2 > ADDRESS_SIZE)
            return -1;
        used += (size_t)snprintf(out + used, ADDRESS_SIZE - used, "/%.*s",
                                 (int)(free_part ? size : wanted_size), free_part ? part : wanted);
        sum += away;
        path = part + size;
        pattern = wanted + wanted_size;
    }
}

/* The nearest address that is one, or "". */
static void guess_address(const struct http_exchange *exchange, char out[ADDRESS_SIZE])
{
    const struct http_setup *setup = &exchange->http->setup;
    const char *path = exchange->target.path, *second = strchr(path + 1, '/');
    char longer[ADDRESS_SIZE], like[ADDRESS_SIZE];
    const char *const tries[] = {path, longer, second ? second : path};
    int best = INT_MAX;

    out[0] = '\0';
    if (strlen(path) + 4 > ADDRESS_SIZE)
        return;
    (void)snprintf(longer, sizeof(longer), "/v1%s", path);
    for (size_t i = 0; i < setup->route_count; i++)
        for (size_t k = 0; setup->routes[i].pattern && k < COUNT_OF(tries); k++) {
            int away = address_like(tries[k], setup->routes[i].pattern, like);

            if (away < 0 || away + (int)k >= best)
                continue;
            best = away + (int)k;
            (void)snprintf(out, ADDRESS_SIZE, "%s", like);
        }
}

static bool refuse_address(struct http_exchange *exchange)
{
    char guess[ADDRESS_SIZE];

    guess_address(exchange, guess);
    http_problem(&exchange->response, 404, NULL, "there is nothing at this address%s%s%s",
                 guess[0] ? "; perhaps " : "", guess, guess[0] ? " was meant" : "");
    return false;
}

/* ---- the check ---- */

/* OPTIONS has no route: false, and the response is the answer. */
bool route_options(struct http_exchange *exchange, const char *allow)
{
    exchange->response.status = 204;
    http_response_header(&exchange->response, MHD_HTTP_HEADER_ALLOW, "%s", allow);
    return false;
}

/* Planning makes nothing: who may read may plan. */
static bool is_dry(const struct http_exchange *exchange)
{
    const char *value = target_query(&exchange->target, "dry_run");

    return value && strcmp(value, "true") == 0 && query_find(exchange->route->queries, "dry_run");
}

/* Who may not see what is there does not hear either whether there is something. */
bool route_check(struct http_exchange *exchange)
{
    enum scope needed;
    struct finding found;

    find_route(exchange, &found);
    if (exchange->route)
        needed = is_dry(exchange) ? SCOPE_READ : http_route_scope(exchange->route);
    else
        needed = found.open ? SCOPE_NONE : SCOPE_READ;
    if (!bearer_check(exchange, needed))
        return false;
    if (exchange->route)
        return true;
    if (found.allow[0] == '\0')
        return refuse_address(exchange);
    if (strcmp(exchange->request.method, MHD_HTTP_METHOD_OPTIONS) == 0)
        return route_options(exchange, found.allow);
    http_problem(&exchange->response, 405, NULL, "this address does not take %s; it takes %s",
                 exchange->marks.head ? MHD_HTTP_METHOD_HEAD : exchange->request.method,
                 found.allow);
    http_response_header(&exchange->response, MHD_HTTP_HEADER_ALLOW, "%s", found.allow);
    return false;
}
