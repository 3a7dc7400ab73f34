/* Response: an answer as bytes, with the headers that every answer carries. Knows no route. */
#include "server/http_internal.h"

#include "core/field.h"
#include "server/clock.h"

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

/* Calls `each` for every header that is ours to say. */
static void each_header(const struct http_response *response,
                        void (*each)(void *context, const char *name, const char *value),
                        void *context)
{
    for (size_t i = 0; i < COUNT_OF(security_headers); i++)
        each(context, security_headers[i].name, security_headers[i].value);
    if (response->content_type)
        each(context, MHD_HTTP_HEADER_CONTENT_TYPE, response->content_type);
    if (!has_header(response, MHD_HTTP_HEADER_CACHE_CONTROL))
        each(context, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    for (int i = 0; i < response->header_count; i++)
        each(context, response->headers[i].name, response->headers[i].value);
}

/* ---- for libmicrohttpd ---- */

struct adding {
    struct MHD_Response *mhd;
    bool failed;
};

static void add_header(void *context, const char *name, const char *value)
{
    struct adding *adding = context;

    adding->failed |= MHD_add_response_header(adding->mhd, name, value) != MHD_YES;
}

/* NULL, and the response is gone, when memory is. */
static struct MHD_Response *with_headers(const struct http_response *response,
                                         struct MHD_Response *mhd)
{
    struct adding adding = {.mhd = mhd};

    if (!mhd)
        return NULL;
    each_header(response, add_header, &adding);
    if (!adding.failed)
        return mhd;
    MHD_destroy_response(mhd);
    return NULL;
}

struct MHD_Response *response_make(struct http_response *response)
{
    struct MHD_Response *mhd;

    if (response->body)
        mhd = MHD_create_response_from_buffer(response->body_size, response->body,
                                              MHD_RESPMEM_MUST_FREE);
    else
        mhd = MHD_create_response_from_buffer(
            response->body_size, (void *)(uintptr_t)response->fixed, MHD_RESPMEM_PERSISTENT);
    if (mhd)
        response->body = NULL;
    return with_headers(response, mhd);
}

/* ---- as bytes ---- */

static void print_header(void *context, const char *name, const char *value)
{
    body_print(context, "%s: %s\r\n", name, value);
}

void response_print(const struct http_response *response, struct body *out)
{
    char date[DATE_SIZE];

    date_print(clock_milliseconds(), date);
    body_print(out, "HTTP/1.1 %d %s\r\nDate: %s\r\n", response->status,
               MHD_get_reason_phrase_for((unsigned)response->status), date);
    each_header(response, print_header, out);
    body_print(out, "Connection: close\r\nContent-Length: %zu\r\n\r\n", response->body_size);
    body_put(out, response->body ? response->body : response->fixed, response->body_size);
}

/* ---- one answer ---- */

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
        return response_make(&exchange->response);
    }
    return with_headers(&exchange->response, mhd);
}

static ssize_t read_nothing(void *context, uint64_t at, char *out, size_t size)
{
    (void)context, (void)at, (void)out, (void)size;
    return MHD_CONTENT_READER_END_OF_STREAM;
}

/* HEAD of a body of unknown length, which says nothing of a length: 0 would be a lie.
 * libmicrohttpd sends the end of a chunked body even where HEAD has none, and the next answer on
 * this connection would be misread: so there are no chunks, and the connection ends. */
static struct MHD_Response *make_head(struct http_exchange *exchange)
{
    struct http_stream *stream = exchange->response.stream;
    struct MHD_Response *mhd =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 1, read_nothing, NULL, NULL);

    exchange->response.stream = NULL;
    exchange->marks.close = true;
    stream->drop(stream);
    if (!mhd || MHD_set_response_options(mhd, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END))
        return with_headers(&exchange->response, mhd);
    MHD_destroy_response(mhd);
    return NULL;
}

static struct MHD_Response *make_any(struct http_exchange *exchange)
{
    const struct http_stream *stream = exchange->response.stream;

    if (!stream)
        return response_make(&exchange->response);
    if (exchange->marks.head && stream->size < 0)
        return make_head(exchange);
    return make_stream(exchange);
}

enum MHD_Result response_send(struct http_exchange *exchange)
{
    struct http_response *response = &exchange->response;
    struct MHD_Response *mhd;
    enum MHD_Result result = MHD_NO;

    entity_settle(exchange);
    mhd = make_any(exchange);
    if (!mhd)
        return MHD_NO;
    if (!exchange->marks.close ||
        MHD_add_response_header(mhd, MHD_HTTP_HEADER_CONNECTION, "close") == MHD_YES)
        result = response_queue(exchange->connection, response->status, mhd);
    exchange->marks.queued = result == MHD_YES;
    if (!exchange->marks.head)
        exchange->peer->sent = response->body_size; /* a stream counts its own */
    MHD_destroy_response(mhd);
    return result;
}
