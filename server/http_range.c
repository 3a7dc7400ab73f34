/* Ranges (RFC 9110, 14): a part of an answer, so that a transfer that broke off can go on. One
 * range of bytes; who asks for several gets the whole. Knows nothing of what the bytes mean. */
#include "server/http_internal.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

enum range_kind {
    RANGE_NONE, /* the whole answer, then */
    RANGE_PART,
    RANGE_OUTSIDE
};

struct range {
    int64_t first, last;
};

static int64_t whole_size(const struct http_response *response)
{
    return response->stream ? response->stream->size : (int64_t)response->body_size;
}

bool range_possible(const struct http_response *response)
{
    return response->entity.etag[0] != '\0' &&
           (!response->stream || (response->stream->seek && response->stream->size >= 0));
}

/* Digits; what is larger than any size stays so. −1 for none. */
static int64_t read_number(const char **text)
{
    int64_t value = -1;

    for (; **text >= '0' && **text <= '9'; (*text)++) {
        value = value < 0 ? 0 : value;
        if (value < INT64_MAX / 10 - 1)
            value = value * 10 + (**text - '0');
        else
            value = INT64_MAX;
    }
    return value;
}

static enum range_kind read_range(const char *text, int64_t size, struct range *out)
{
    if (strncasecmp(text, "bytes=", 6) != 0)
        return RANGE_NONE;
    text += 6;
    text += strspn(text, " \t");
    out->first = read_number(&text);
    if (*text++ != '-')
        return RANGE_NONE;
    out->last = read_number(&text);
    if (text[strspn(text, " \t")] != '\0' || (out->first < 0 && out->last < 0) ||
        (out->first >= 0 && out->last >= 0 && out->last < out->first))
        return RANGE_NONE;
    if (out->first < 0) { /* the last so many bytes */
        if (out->last == 0)
            return RANGE_OUTSIDE;
        out->first = out->last < size ? size - out->last : 0;
        out->last = -1;
    }
    if (out->last < 0 || out->last >= size)
        out->last = size - 1;
    return out->first < size ? RANGE_PART : RANGE_OUTSIDE;
}

/* Whether what the client has a part of is what we have: else the part would not fit. */
static bool same_entity(const struct http_request *request, const struct http_entity *entity)
{
    const char *text = http_header(request, MHD_HTTP_HEADER_IF_RANGE);
    size_t length = strlen(entity->etag);

    if (!text)
        return true;
    if (text[0] == '"')
        return strncmp(text + 1, entity->etag, length) == 0 && strcmp(text + 1 + length, "\"") == 0;
    return entity->modified > 0 && date_read(text) == entity->modified / 1000;
}

static void cut(struct http_response *response, const struct range *range)
{
    size_t size = (size_t)(range->last - range->first + 1);

    if (response->stream) {
        response->stream->seek(response->stream, range->first);
        response->stream->size = (int64_t)size;
    } else if (response->body) {
        memmove(response->body, response->body + range->first, size);
        response->body_size = size;
    } else {
        response->fixed = (const char *)response->fixed + range->first;
        response->body_size = size;
    }
}

bool range_apply(const struct http_request *request, struct http_response *response)
{
    const char *text = http_header(request, MHD_HTTP_HEADER_RANGE);
    int64_t size = whole_size(response);
    struct range range;
    enum range_kind kind;

    if (!text || !range_possible(response) || !same_entity(request, &response->entity))
        return false;
    kind = read_range(text, size, &range);
    if (kind == RANGE_PART) {
        cut(response, &range);
        response->status = 206;
        http_response_header(response, MHD_HTTP_HEADER_CONTENT_RANGE,
                             "bytes %" PRId64 "-%" PRId64 "/%" PRId64, range.first, range.last,
                             size);
    } else if (kind == RANGE_OUTSIDE) {
        http_problem(response, 416, NULL, "there are %" PRId64 " bytes, and none in that range",
                     size);
        http_response_header(response, MHD_HTTP_HEADER_CONTENT_RANGE, "bytes */%" PRId64, size);
    }
    return kind != RANGE_NONE;
}
