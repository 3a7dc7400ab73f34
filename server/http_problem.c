/* Problem documents (RFC 9457): every error answer of the server is one. Knows the kinds of errors,
 * not where they come from. */
#include "server/http.h"

#include "core/field.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct status_title {
    int status;
    const char *title;
};

static const struct status_title titles[] = {
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
};

static const int statuses[ERROR_KINDS] = {
    [ERROR_NONE] = 500,        [ERROR_MEMORY] = 503,    [ERROR_INVALID] = 400,
    [ERROR_TOO_LARGE] = 413,   [ERROR_NOT_FOUND] = 404, [ERROR_CONFLICT] = 409,
    [ERROR_BUSY] = 503,        [ERROR_IO] = 500,        [ERROR_FULL] = 507,
    [ERROR_CORRUPT] = 500,     [ERROR_DIVERGED] = 500,  [ERROR_CANCELLED] = 409,
    [ERROR_UNSUPPORTED] = 501, [ERROR_INTERNAL] = 500,
};

static const char *title_of(int status)
{
    for (size_t i = 0; i < COUNT_OF(titles); i++)
        if (titles[i].status == status)
            return titles[i].title;
    return "Error";
}

void http_response_drop(struct http_response *response)
{
    free(response->body);
    if (response->stream)
        response->stream->drop(response->stream);
    if (response->write.drop)
        response->write.drop(response->write.context);
    *response = (struct http_response){0};
}

/* All but `write`: its run may be the one who asks. */
static void response_clear(struct http_response *response)
{
    struct http_write write = response->write;

    response->write = (struct http_write){0};
    http_response_drop(response);
    response->write = write;
}

static struct http_header_line *header_line(struct http_response *response, const char *name)
{
    for (int i = 0; i < response->header_count; i++)
        if (strcasecmp(response->headers[i].name, name) == 0)
            return &response->headers[i];
    if (response->header_count == (int)COUNT_OF(response->headers))
        return NULL;
    return &response->headers[response->header_count++];
}

void http_response_header(struct http_response *response, const char *name, const char *format, ...)
{
    struct http_header_line *line = header_line(response, name);
    va_list arguments;

    if (!line)
        return;
    line->name = name;
    va_start(arguments, format);
    (void)vsnprintf(line->value, sizeof(line->value), format, arguments);
    va_end(arguments);
    /* Nothing that reaches a header may start a new one. */
    for (char *at = line->value; *at; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7F)
            *at = ' ';
}

void http_response_etag(struct http_response *response, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(response->entity.etag, sizeof(response->entity.etag), format, arguments);
    va_end(arguments);
}

bool http_response_json(struct http_response *response, int status, struct body *body,
                        struct error *error)
{
    body_text(body, "\n");
    response->body = body_take(body, &response->body_size, error);
    if (!response->body)
        return false;
    response->status = status;
    response->content_type = "application/json";
    return true;
}

void http_problem(struct http_response *response, int status, const char *errors,
                  const char *format, ...)
{
    static const char no_memory[] =
        "{\"type\":\"about:blank\",\"title\":\"Service Unavailable\",\"status\":503}\n";
    struct body body = {0};
    char detail[512];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(detail, sizeof(detail), format, arguments);
    va_end(arguments);
    body_print(&body, "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%d,\"detail\":",
               title_of(status), status);
    body_string(&body, detail);
    if (errors)
        body_print(&body, ",\"errors\":%s", errors);
    body_text(&body, "}\n");

    response_clear(response);
    response->status = status;
    response->content_type = "application/problem+json";
    response->body = body_take(&body, &response->body_size, NULL);
    if (!response->body) {
        response->status = 503;
        response->fixed = no_memory;
        response->body_size = sizeof(no_memory) - 1;
    }
    if (response->status == 503 || response->status == 429)
        http_response_header(response, "Retry-After", "2");
}

void http_problem_from(struct http_response *response, const struct error *error)
{
    int status = statuses[error->kind];

    if (status == 500)
        http_problem(response, status, NULL, "the server could not do this (%s); its log says why",
                     error_kind_name(error->kind));
    else
        http_problem(response, status, NULL, "%s", error->text);
}
