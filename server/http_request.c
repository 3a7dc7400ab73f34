/* Request: what is checked before a body is read. */
#include "server/http_internal.h"

#include "core/field.h"
#include "server/query_errors.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdlib.h>
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

/* ---- how it is asked ---- */

/* What any address may be asked for, here or elsewhere. Of other methods all are alike: no address
 * takes them, and each says with 405 what it takes. */
static const char *find_method(const char *name)
{
    static const char *const methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};

    if (strcmp(name, MHD_HTTP_METHOD_HEAD) == 0)
        return methods[0];
    for (size_t i = 0; i < COUNT_OF(methods); i++)
        if (strcmp(methods[i], name) == 0)
            return methods[i];
    return HTTP_OTHER_METHOD;
}

/* What CONNECT is about is no address of this server. */
static bool check_method(struct http_exchange *exchange, const char *method)
{
    return strcmp(method, MHD_HTTP_METHOD_CONNECT) != 0 ||
           request_refuse(exchange, 501, "this server is no proxy");
}

/* ---- what stands behind the ?, and the body ---- */

/* False: something was wrong, and is the last entry of the list. */
static bool check_query(const struct query *rows, const struct target_query *query,
                        struct body *errors, struct error *first)
{
    const struct query *row = query_find(rows, query->name);
    struct error error = {0};

    if (row ? query_check(row, query->value, &error) : query_refuse_name(rows, query->name, &error))
        return true;
    const struct query_fault fault = {query->name, query->value, error.text};
    body_text(errors, first->kind ? "," : "[");
    query_error_put(errors, rows, &fault);
    return error_set(first, error.kind, error.where, "%s", error.text);
}

static bool check_queries(struct http_exchange *exchange)
{
    const struct target *target = &exchange->target;
    struct error first = {0};
    struct body errors = {0};
    char *list;
    size_t size;
    bool good = true;

    for (int i = 0; i < target->query_count; i++)
        good &= check_query(exchange->route->queries, &target->queries[i], &errors, &first);
    if (good)
        return true;
    body_text(&errors, "]");
    list = body_take(&errors, &size, NULL);
    http_problem(&exchange->response, 400, list, "%s", first.text);
    free(list);
    return false;
}

void request_problem(struct http_exchange *exchange, const struct error *error)
{
    const char *value =
        error->kind == ERROR_INVALID ? target_query(&exchange->target, error->where) : NULL;
    const struct query_fault fault = {error->where, value, error->text};
    struct body errors = {0};
    char *list;
    size_t size;

    if (!value) {
        http_problem_from(&exchange->response, error);
        return;
    }
    body_text(&errors, "[");
    query_error_put(&errors, exchange->route ? exchange->route->queries : NULL, &fault);
    body_text(&errors, "]");
    list = body_take(&errors, &size, NULL);
    http_problem(&exchange->response, 400, list, "%s", error->text);
    free(list);
}

/* JSON is UTF-8 (RFC 8259, 8.1): another charset is another type, whatever the bytes are. */
static bool charset_allowed(const char *parameters)
{
    static const char name[] = "charset=";

    for (const char *at = parameters; at && *at; at = strchr(at, ';')) {
        at += strspn(at, "; \t");
        if (strncasecmp(at, name, sizeof(name) - 1) != 0)
            continue;
        at += sizeof(name) - 1;
        size_t quote = *at == '"', size = strcspn(at + quote, "\"; \t");
        return (size == 5 && strncasecmp(at + quote, "utf-8", size) == 0) ||
               (size == 8 && strncasecmp(at + quote, "us-ascii", size) == 0);
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
            return charset_allowed(type + length);
    return !(route->flags & (ROUTE_BODY_JSON | ROUTE_BODY_PATCH));
}

/* Whether the body is of a kind that the route takes. */
static bool check_type(struct http_exchange *exchange)
{
    const char *type = http_header(&exchange->request, MHD_HTTP_HEADER_CONTENT_TYPE);
    const char *coding = http_header(&exchange->request, MHD_HTTP_HEADER_CONTENT_ENCODING);
    bool patch = exchange->route->flags & ROUTE_BODY_PATCH;

    if (!type_allowed(exchange->route, type)) {
        http_problem(&exchange->response, 415, NULL,
                     "want the header Content-Type: application/json%s; found %s%.64s",
                     patch ? " or application/merge-patch+json" : "", type ? "" : "none",
                     type ? type : "");
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
        return request_refuse(exchange, 400,
                              exchange->route->queries
                                  ? "this address takes no body: what it takes "
                                    "stands behind the ? of the address"
                                  : "this address takes no body");
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
        return route_options(exchange, "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
    if (!target_parse(exchange->uri, &exchange->target, &error)) {
        request_problem(exchange, &error);
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
           check_method(exchange, method) && read_target(exchange) && route_check(exchange) &&
           check_origin(exchange) && check_queries(exchange) && check_body(exchange);
}
