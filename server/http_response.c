/* Response: an answer as bytes, with the headers that every answer carries. Knows no route. */
#include "server/http_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct fixed_header {
    const char *name, *value;
};

/* Against pages of other origins, sniffed types and injected code: on every answer, errors too. */
static const struct fixed_header security_headers[] = {
    {"Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src "
                                "'self' data: blob:; connect-src 'self'; "
                                "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
    {"X-Content-Type-Options", "nosniff"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
};

static bool has_header(const struct http_response *response, const char *name)
{
    for (int i = 0; i < response->header_count; i++)
        if (strcasecmp(response->headers[i].name, name) == 0)
            return true;
    return false;
}

static bool add_headers(const struct http_exchange *exchange, struct MHD_Response *mhd)
{
    const struct http_response *response = &exchange->response;
    bool fine = true;

    for (size_t i = 0; i < sizeof(security_headers) / sizeof(security_headers[0]); i++)
        fine &= MHD_add_response_header(mhd, security_headers[i].name, security_headers[i].value) ==
                MHD_YES;
    if (response->content_type)
        fine &= MHD_add_response_header(mhd, MHD_HTTP_HEADER_CONTENT_TYPE,
                                        response->content_type) == MHD_YES;
    if (!has_header(response, MHD_HTTP_HEADER_CACHE_CONTROL))
        fine &= MHD_add_response_header(mhd, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store") == MHD_YES;
    if (exchange->marks.close)
        fine &= MHD_add_response_header(mhd, MHD_HTTP_HEADER_CONNECTION, "close") == MHD_YES;
    for (int i = 0; i < response->header_count; i++)
        fine &= MHD_add_response_header(mhd, response->headers[i].name,
                                        response->headers[i].value) == MHD_YES;
    return fine;
}

/* Hands what the response holds over to an MHD_Response. NULL when memory is gone. */
static struct MHD_Response *make(struct http_exchange *exchange)
{
    struct http_response *response = &exchange->response;
    struct MHD_Response *mhd;

    if (response->body)
        mhd = MHD_create_response_from_buffer(response->body_size, response->body,
                                              MHD_RESPMEM_MUST_FREE);
    else
        mhd = MHD_create_response_from_buffer(
            response->body_size, (void *)(uintptr_t)response->fixed, MHD_RESPMEM_PERSISTENT);
    if (mhd)
        response->body = NULL;
    return mhd;
}

/* The stream's reader starts after this; an answer to HEAD has no reader. */
static struct MHD_Response *make_stream(struct http_exchange *exchange)
{
    struct http_stream *stream = exchange->response.stream;
    struct MHD_Response *mhd;
    bool full = false;

    exchange->response.stream = NULL;
    mhd = stream_response(exchange, stream, &full);
    if (!mhd && full) {
        http_problem(&exchange->response, 503, NULL,
                     "too many event streams are open, or the server is stopping");
        return make(exchange);
    }
    return mhd;
}

/* libmicrohttpd ends a body of unknown length even where HEAD has none, and the next answer on this
 * connection would be misread. */
static void leave_out_body(struct http_exchange *exchange)
{
    struct http_stream *stream = exchange->response.stream;

    if (!exchange->marks.head || !stream || stream->size >= 0)
        return;
    exchange->response.stream = NULL;
    exchange->marks.close = true;
    stream->drop(stream);
}

enum MHD_Result response_send(struct http_exchange *exchange)
{
    struct http_response *response = &exchange->response;
    const struct http *http = exchange->http;
    struct MHD_Response *mhd;
    enum MHD_Result result = MHD_NO;

    entity_settle(exchange);
    leave_out_body(exchange);
    mhd = response->stream ? make_stream(exchange) : make(exchange);
    if (!mhd)
        return MHD_NO;
    if (add_headers(exchange, mhd))
        result = MHD_queue_response(exchange->connection, (unsigned)response->status, mhd);
    MHD_destroy_response(mhd);
    log_line(http->setup.log, LOG_DEBUG, "%s %s %d", exchange->request.method,
             exchange->request.path ? exchange->request.path : "?", response->status);
    return result;
}
