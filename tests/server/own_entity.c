/* Own HTTP: answers that are entities, in memory and in pieces. */
#include "tests/server/own_http.h"

#include "tests/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool own_text(const struct http_request *request, struct http_response *response,
              struct error *error)
{
    const char *size = http_query(request, "size");
    size_t wanted = size ? strtoul(size, NULL, 10) : 4000;
    struct body body = {0};

    body_text(&body, "[0");
    for (int i = 1; body.size < wanted; i++)
        body_print(&body, ",%d", i);
    body_text(&body, "]");
    if (!http_response_json(response, 200, &body, error))
        return false;
    http_response_etag(response, "state.copy");
    response->entity.modified = OWN_MODIFIED;
    return true;
}

struct own_stream {
    struct http_stream stream;
    int64_t at;
};

static enum http_more numbers_next(struct http_stream *stream, struct db *db, struct body *out,
                                   struct error *error)
{
    struct own_stream *own = (struct own_stream *)stream;

    (void)db;
    (void)error;
    for (int i = 0; i < 10000 && own->at < OWN_NUMBERS; i++, own->at++)
        body_put(out, &(char){(char)(own->at % 251)}, 1);
    return own->at == OWN_NUMBERS ? HTTP_END : HTTP_MORE;
}

static void numbers_seek(struct http_stream *stream, int64_t offset)
{
    struct own_stream *own = (struct own_stream *)stream;

    CHECK(own->at == 0 && offset >= 0 && offset < OWN_NUMBERS);
    own->at = offset;
}

static enum http_more lines_next(struct http_stream *stream, struct db *db, struct body *out,
                                 struct error *error)
{
    struct own_stream *own = (struct own_stream *)stream;

    (void)db;
    (void)error;
    own->at++;
    if (own->at % 2 == 0) /* nothing at every second call */
        body_print(out, "the line of the number %d\n", (int)own->at);
    return own->at == 20000 ? HTTP_END : HTTP_MORE;
}

static void own_drop(struct http_stream *stream)
{
    free(stream);
}

static void answer(struct http_response *response, const struct http_stream *stream,
                   const char *type)
{
    struct own_stream *own = calloc(1, sizeof(*own));

    CHECK(own);
    own->stream = *stream;
    own->stream.drop = own_drop;
    response->status = 200;
    response->content_type = type;
    response->stream = &own->stream;
}

bool own_numbers(const struct http_request *request, struct http_response *response,
                 struct error *error)
{
    const struct http_stream stream = {
        .next = numbers_next, .size = OWN_NUMBERS, .seek = numbers_seek};

    (void)error;
    http_response_etag(response, "numbers");
    if (!http_settled(request, response))
        answer(response, &stream, "application/octet-stream");
    return true;
}

bool own_lines(const struct http_request *request, struct http_response *response,
               struct error *error)
{
    const struct http_stream stream = {.next = lines_next, .size = -1};

    (void)error;
    answer(response, &stream,
           http_accepts(request, "text/csv") ? "text/csv" : "text/plain; charset=utf-8");
    return true;
}
