/* Request: what is checked before a body is read, and what handlers may ask of it. */
#include "server/http_internal.h"

#include "core/field.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

bool request_refuse(struct http_exchange *exchange, int status, const char *text)
{
    http_problem(&exchange->response, status, NULL, "%s", text);
    return false;
}

bool request_refuse_and_close(struct http_exchange *exchange, int status, const char *text)
{
    exchange->marks.close = true;
    return request_refuse(exchange, status, text);
}

/* ---- who is spoken to, and by whom ---- */

/* The host of "name:port" or "[::1]:port", without brackets. False: it has no such form. */
static bool host_of(const char *text, char *out, size_t size)
{
    const char *start = text, *end, *port;

    if (*text == '[') {
        start++;
        end = strchr(start, ']');
        port = end ? end + 1 : "";
    } else {
        end = start + strcspn(start, ":");
        port = end;
    }
    if (!end || end == start || (size_t)(end - start) >= size)
        return false;
    if (*port != '\0' && (*port != ':' || strspn(port + 1, "0123456789") != strlen(port + 1)))
        return false;
    memcpy(out, start, (size_t)(end - start));
    out[end - start] = '\0';
    return true;
}

/* Whether `name` is between the commas. */
static bool is_listed(const char *list, const char *name)
{
    size_t length = strlen(name);

    while (list && *list) {
        size_t item = strcspn(list, ",");

        if (item == length && strncasecmp(list, name, length) == 0)
            return true;
        list += item;
        list += *list == ',';
    }
    return false;
}

/* A page of a stranger's whose name was made to point here (DNS rebinding) sends that name as Host.
 * Numbers cannot be rebound. */
static bool host_allowed(const struct http *http, const char *text)
{
    struct in_addr four;
    struct in6_addr six;
    char host[256];
    bool is_four, is_six;

    if (!host_of(text, host, sizeof(host)))
        return false;
    if (strcasecmp(host, "localhost") == 0 || strcasecmp(host, http->host) == 0 ||
        is_listed(http->setup.hosts, host))
        return true;
    is_four = inet_pton(AF_INET, host, &four) == 1;
    is_six = inet_pton(AF_INET6, host, &six) == 1;
    if (http->any_host)
        return is_four || is_six;
    return (is_four && ntohl(four.s_addr) >> 24 == 127) || (is_six && IN6_IS_ADDR_LOOPBACK(&six));
}

static bool check_host(struct http_exchange *exchange)
{
    const char *host = http_header(&exchange->request, MHD_HTTP_HEADER_HOST);

    if (host && !host_allowed(exchange->http, host))
        return request_refuse(exchange, 421, "the Host header names another server; see --hosts");
    return true;
}

/* A page of another origin may read nothing (no CORS) and must not change anything either. */
static bool check_origin(struct http_exchange *exchange)
{
    const char *origin = http_header(&exchange->request, MHD_HTTP_HEADER_ORIGIN);
    const char *host = http_header(&exchange->request, MHD_HTTP_HEADER_HOST);
    const char *rest = NULL;

    if (!origin || strcmp(exchange->request.method, "GET") == 0)
        return true;
    if (strncasecmp(origin, "http://", 7) == 0)
        rest = origin + 7;
    else if (strncasecmp(origin, "https://", 8) == 0)
        rest = origin + 8;
    if (!rest || !host || strcasecmp(rest, host) != 0)
        return request_refuse(exchange, 403, "the request comes from a page of another origin");
    return true;
}

/* ---- which route ---- */

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

/* What any address may be asked for, here or elsewhere; NULL: there is no such method. */
static const char *find_method(const char *name)
{
    static const char *const methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};

    if (strcmp(name, MHD_HTTP_METHOD_HEAD) == 0)
        return methods[0];
    for (size_t i = 0; i < COUNT_OF(methods); i++)
        if (strcmp(methods[i], name) == 0)
            return methods[i];
    return NULL;
}

static bool check_method(struct http_exchange *exchange)
{
    return exchange->request.method ||
           request_refuse(exchange, 501, "this server knows no such method");
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

/* OPTIONS has no route: false, and the response is the answer. */
static bool answer_options(struct http_exchange *exchange, const char *allow)
{
    exchange->response.status = 204;
    http_response_header(&exchange->response, MHD_HTTP_HEADER_ALLOW, "%s", allow);
    return false;
}

/* Who may not see what is there does not hear either whether there is something. */
static bool check_route(struct http_exchange *exchange)
{
    enum scope needed;
    struct finding found;

    find_route(exchange, &found);
    if (exchange->route)
        needed = http_route_scope(exchange->route);
    else
        needed = found.open ? SCOPE_NONE : SCOPE_READ;
    if (!bearer_check(exchange, needed))
        return false;
    if (exchange->route)
        return true;
    if (found.allow[0] == '\0')
        return request_refuse(exchange, 404, "there is nothing at this address");
    if (strcmp(exchange->request.method, MHD_HTTP_METHOD_OPTIONS) == 0)
        return answer_options(exchange, found.allow);
    (void)request_refuse(
        exchange, 405,
        "this address does not take that method; the Allow header lists those it takes");
    http_response_header(&exchange->response, MHD_HTTP_HEADER_ALLOW, "%s", found.allow);
    return false;
}

static bool check_queries(struct http_exchange *exchange)
{
    const struct target *target = &exchange->target;
    struct error error = {0};

    for (int i = 0; i < target->query_count; i++) {
        const struct query *row = query_find(exchange->route->queries, target->queries[i].name);

        if (!row) {
            http_problem(&exchange->response, 400, NULL,
                         "\"%.64s\" is not a query parameter of this address",
                         target->queries[i].name);
            return false;
        }
        if (!query_check(row, target->queries[i].value, &error)) {
            http_problem_from(&exchange->response, &error);
            return false;
        }
    }
    return true;
}

static bool type_allowed(const struct route *route, const char *type)
{
    static const struct {
        const char *name;
        unsigned flags;
    } types[] = {{"application/json", ROUTE_BODY_JSON | ROUTE_BODY_PATCH},
                 {"application/merge-patch+json", ROUTE_BODY_PATCH}};
    size_t length = type ? strcspn(type, "; \t") : 0;

    for (size_t i = 0; i < COUNT_OF(types); i++)
        if ((types[i].flags & route->flags) && length == strlen(types[i].name) &&
            strncasecmp(type, types[i].name, length) == 0)
            return true;
    return !(route->flags & (ROUTE_BODY_JSON | ROUTE_BODY_PATCH));
}

/* Whether the body is of a kind that the route takes. */
static bool check_type(struct http_exchange *exchange)
{
    const char *type = http_header(&exchange->request, MHD_HTTP_HEADER_CONTENT_TYPE);
    const char *coding = http_header(&exchange->request, MHD_HTTP_HEADER_CONTENT_ENCODING);
    bool patch = exchange->route->flags & ROUTE_BODY_PATCH;

    if (!type_allowed(exchange->route, type)) {
        (void)request_refuse(exchange, 415,
                             patch ? "want the header Content-Type: application/json or "
                                     "application/merge-patch+json"
                                   : "want the header Content-Type: application/json");
        http_response_header(&exchange->response, patch ? "Accept-Patch" : MHD_HTTP_HEADER_ACCEPT,
                             "application/json%s", patch ? ", application/merge-patch+json" : "");
        return false;
    }
    if (coding && strcasecmp(coding, "identity") != 0) {
        (void)request_refuse(exchange, 415, "a body with a Content-Encoding is not taken");
        http_response_header(&exchange->response, MHD_HTTP_HEADER_ACCEPT_ENCODING, "identity");
        return false;
    }
    return true;
}

uint64_t request_body_limit(const struct http_exchange *exchange)
{
    size_t limit = exchange->route->body_limit;

    return limit == HTTP_UPLOAD_LIMIT ? (uint64_t)exchange->http->setup.upload_limit : limit;
}

static bool check_body(struct http_exchange *exchange)
{
    const struct route *route = exchange->route;
    uint64_t limit = request_body_limit(exchange);
    const char *expect = http_header(&exchange->request, MHD_HTTP_HEADER_EXPECT);

    if (!route->handle)
        return request_refuse(exchange, 501, "this is not in this version of the server");
    if (expect && strcasecmp(expect, "100-continue") != 0)
        return request_refuse(exchange, 417,
                              "the only expectation that is understood is 100-continue");
    if (limit > 0 && !exchange->intake.expected && !(route->flags & ROUTE_BODY_MAY))
        return request_refuse(
            exchange, 411, "this address wants a body, and a Content-Length or Transfer-Encoding");
    if (exchange->intake.expected && limit > 0 && !check_type(exchange))
        return false;
    if (exchange->intake.declared <= limit)
        return true;
    if (limit == 0)
        return request_refuse(exchange, 400, "this address takes no body");
    http_problem(&exchange->response, 413, NULL, "the body may have at most %" PRIu64 " bytes",
                 limit);
    return false;
}

static bool read_target(struct http_exchange *exchange)
{
    struct error error = {0};

    if (!exchange->uri)
        return request_refuse_and_close(exchange, 414, "the request's target is too long");
    if (strcmp(exchange->uri, "*") == 0 &&
        strcmp(exchange->request.method, MHD_HTTP_METHOD_OPTIONS) == 0)
        return answer_options(exchange, "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
    if (!target_parse(exchange->uri, &exchange->target, &error)) {
        http_problem_from(&exchange->response, &error);
        return false;
    }
    exchange->request.path = exchange->target.path;
    return true;
}

bool request_check(struct http_exchange *exchange, const char *method, const char *version)
{
    exchange->marks.head = strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;
    exchange->request.method = find_method(method);
    return framing_check(exchange, method, version) && check_host(exchange) &&
           check_method(exchange) && read_target(exchange) && check_route(exchange) &&
           check_origin(exchange) && check_queries(exchange) && check_body(exchange);
}
