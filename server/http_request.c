/* Request: what is checked before a body is read. libmicrohttpd accepts message shapes that two
 * parsers may read in two ways (request smuggling); they end here. */
#include "server/http_internal.h"

#include "core/field.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

static bool refuse(struct http_exchange *exchange, int status, const char *text)
{
    http_problem(&exchange->response, status, NULL, "%s", text);
    return false;
}

/* As refuse, where not even the end of this request is certain. */
static bool refuse_and_close(struct http_exchange *exchange, int status, const char *text)
{
    exchange->close = true;
    return refuse(exchange, status, text);
}

/* ---- framing ---- */

struct header_scan {
    int lengths, encodings, hosts;
    const char *length, *encoding;
    bool malformed;
};

/* RFC 9110, 5.6.2. */
static bool is_token(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

        if (c == '\0' || (!letter && !strchr("!#$%&'*+-.^_`|~", c)))
            return false;
    }
    return size > 0;
}

/* libmicrohttpd joins a folded line (obsolete, RFC 9112, 5.2) to the header's name in a place of
 * its own, so that "Content-Length:" and the folded number become another header, unseen by the
 * checks below. A value that was not folded lies right behind its name, after a few blanks. */
static bool lies_behind(const char *name_end, const char *value)
{
    enum { BLANKS_MOST = 64 };
    uintptr_t end = (uintptr_t)name_end, start = (uintptr_t)value;

    return start > end && start - end <= BLANKS_MOST;
}

static enum MHD_Result scan_header(void *context, enum MHD_ValueKind kind, const char *key,
                                   size_t key_size, const char *value, size_t value_size)
{
    struct header_scan *scan = context;

    (void)kind;
    if (!is_token(key, key_size) || !value || strlen(value) != value_size ||
        !lies_behind(key + key_size, value))
        scan->malformed = true;
    if (strcasecmp(key, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0) {
        scan->lengths++;
        scan->length = value;
    } else if (strcasecmp(key, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0) {
        scan->encodings++;
        scan->encoding = value;
    } else if (strcasecmp(key, MHD_HTTP_HEADER_HOST) == 0) {
        scan->hosts++;
    }
    return MHD_YES;
}

static bool read_length(const char *text, uint64_t *out)
{
    *out = 0;
    for (const char *at = text; *at; at++) {
        if (*at < '0' || *at > '9' || *out > UINT64_MAX / 10 - 1)
            return false;
        *out = *out * 10 + (uint64_t)(*at - '0');
    }
    return *text != '\0';
}

static bool check_framing(struct http_exchange *exchange, const char *version)
{
    struct header_scan scan = {0};
    bool modern = strcmp(version, MHD_HTTP_VERSION_1_1) == 0;

    if (!modern && strcmp(version, MHD_HTTP_VERSION_1_0) != 0)
        return refuse_and_close(exchange, 505, "this server speaks HTTP/1.1");
    (void)MHD_get_connection_values_n(exchange->connection, MHD_HEADER_KIND, scan_header, &scan);
    if (scan.malformed)
        return refuse_and_close(exchange, 400, "a header's name or value holds what it must not");
    if (scan.lengths > 1)
        return refuse_and_close(exchange, 400, "more than one Content-Length");
    if (scan.encodings > 0 && (scan.lengths > 0 || !modern))
        return refuse_and_close(exchange, 400,
                                "Transfer-Encoding together with Content-Length or HTTP/1.0");
    if (scan.encodings > 1 || (scan.encoding && strcasecmp(scan.encoding, "chunked") != 0))
        return refuse_and_close(exchange, 400,
                                "the only Transfer-Encoding that is understood is chunked");
    if (scan.length && !read_length(scan.length, &exchange->declared))
        return refuse_and_close(exchange, 400, "Content-Length must be a number");
    if (scan.hosts > 1 || (scan.hosts == 0 && modern))
        return refuse_and_close(exchange, 400, "HTTP/1.1 wants exactly one Host header");
    return true;
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

/* A page of a stranger's whose name was made to point here (DNS rebinding) sends that name as Host.
 * Numbers cannot be rebound. */
static bool host_allowed(const struct http *http, const char *text)
{
    struct in_addr four;
    struct in6_addr six;
    char host[sizeof(http->host)];
    bool is_four, is_six;

    if (!host_of(text, host, sizeof(host)))
        return false;
    if (strcasecmp(host, "localhost") == 0 || strcasecmp(host, http->host) == 0)
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
        return refuse(exchange, 421, "the Host header names another server; see --listen");
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
        return refuse(exchange, 403, "the request comes from a page of another origin");
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

static bool find_route(struct http_exchange *exchange)
{
    const struct http_setup *setup = &exchange->http->setup;
    char allow[128] = "";

    for (size_t i = 0; i < setup->route_count; i++) {
        const struct route *route = &setup->routes[i];

        memset(exchange->request.params, 0, sizeof(exchange->request.params));
        if (!route_matches(exchange, route))
            continue;
        if (strcmp(route->method, exchange->request.method) == 0) {
            exchange->route = route;
            return true;
        }
        allow_add(allow, sizeof(allow), route->method);
    }
    if (allow[0] == '\0')
        return refuse(exchange, 404, "there is nothing at this address");
    (void)refuse(exchange, 405,
                 "this address does not take that method; the Allow header lists those it takes");
    http_response_header(&exchange->response, MHD_HTTP_HEADER_ALLOW, "%s", allow);
    return false;
}

static bool check_queries(struct http_exchange *exchange)
{
    const struct target *target = &exchange->target;

    for (int i = 0; i < target->query_count; i++) {
        const char *const *name = exchange->route->queries;

        while (name && *name && strcmp(*name, target->queries[i].name) != 0)
            name++;
        if (!name || !*name) {
            http_problem(&exchange->response, 400, NULL,
                         "\"%.64s\" is not a query parameter of this address",
                         target->queries[i].name);
            return false;
        }
    }
    return true;
}

static bool body_type_allowed(const struct route *route, const char *type)
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

static bool check_body(struct http_exchange *exchange)
{
    const struct route *route = exchange->route;
    const char *type = http_header(&exchange->request, MHD_HTTP_HEADER_CONTENT_TYPE);

    if (!route->handle)
        return refuse(exchange, 501, "this is not in this version of the server");
    if (!body_type_allowed(route, type))
        return refuse(exchange, 415,
                      route->flags & ROUTE_BODY_PATCH
                          ? "want the header Content-Type: application/json or "
                            "application/merge-patch+json"
                          : "want the header Content-Type: application/json");
    if (exchange->declared > route->body_limit) {
        if (route->body_limit == 0)
            return refuse(exchange, 400, "this address takes no body");
        http_problem(&exchange->response, 413, NULL, "the body may have at most %zu bytes",
                     route->body_limit);
        return false;
    }
    return true;
}

static bool read_target(struct http_exchange *exchange)
{
    struct error error = {0};

    if (!exchange->uri)
        return refuse_and_close(exchange, 414, "the request's target is too long");
    if (!target_parse(exchange->uri, &exchange->target, &error)) {
        http_problem_from(&exchange->response, &error);
        return false;
    }
    exchange->request.path = exchange->target.path;
    return true;
}

bool request_check(struct http_exchange *exchange, const char *method, const char *version)
{
    exchange->head = strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;
    exchange->request.method = exchange->head ? MHD_HTTP_METHOD_GET : method;
    return check_framing(exchange, version) && check_host(exchange) && read_target(exchange) &&
           find_route(exchange) && check_origin(exchange) && check_queries(exchange) &&
           check_body(exchange);
}

/* ---- what handlers may ask ---- */

const char *http_query(const struct http_request *request, const char *name)
{
    return target_query(&request->exchange->target, name);
}

const char *http_header(const struct http_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->exchange->connection, MHD_HEADER_KIND, name);
}

bool http_accepts(const struct http_request *request, const char *type)
{
    const char *at = http_header(request, MHD_HTTP_HEADER_ACCEPT);
    size_t length = strlen(type);

    while (at && *at) {
        at += strspn(at, " \t");
        if (strncasecmp(at, type, length) == 0 &&
            strchr(",; \t", at[length])) /* its NUL ends the last one */
            return true;
        at += strcspn(at, ",");
        at += *at == ',';
    }
    return false;
}
