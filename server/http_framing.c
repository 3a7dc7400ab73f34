/* Framing: where a request begins and ends. libmicrohttpd accepts message shapes that two parsers
 * may read in two ways (request smuggling); they end here. Knows no route. */
#include "server/http_internal.h"

#include "core/field.h"

#include <string.h>
#include <strings.h>

/* What is asked for by name and has one value: of two, one reader would take the first, another one
 * the last. */
static const char *const singles[] = {
    MHD_HTTP_HEADER_AUTHORIZATION,
    MHD_HTTP_HEADER_CONTENT_ENCODING,
    MHD_HTTP_HEADER_CONTENT_TYPE,
    MHD_HTTP_HEADER_EXPECT,
    MHD_HTTP_HEADER_IF_MATCH,
    MHD_HTTP_HEADER_IF_MODIFIED_SINCE,
    MHD_HTTP_HEADER_IF_NONE_MATCH,
    MHD_HTTP_HEADER_IF_RANGE,
    MHD_HTTP_HEADER_IF_UNMODIFIED_SINCE,
    MHD_HTTP_HEADER_ORIGIN,
    MHD_HTTP_HEADER_RANGE,
    "Idempotency-Key",
    "Last-Event-ID",
};

struct header_scan {
    int lengths, encodings, hosts;
    unsigned seen;     /* bits of `singles` */
    const char *twice; /* one of them; NULL: none */
    const char *length, *encoding;
    const char *end; /* of what was scanned so far, in the buffer where the request came in */
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

/* Whether `next` begins at most `most` bytes behind `end`. */
static bool follows(const char *end, const char *next, size_t most)
{
    uintptr_t before = (uintptr_t)end, after = (uintptr_t)next;

    return after > before && after - before <= most;
}

static void note_single(struct header_scan *scan, const char *key)
{
    for (size_t i = 0; i < COUNT_OF(singles); i++) {
        if (strcasecmp(key, singles[i]) != 0)
            continue;
        if (scan->seen & 1U << i)
            scan->twice = singles[i];
        scan->seen |= 1U << i;
    }
}

/* libmicrohttpd cuts the head up where it lies, so what it understood lies line behind line. What
 * it saw otherwise than others might breaks that: a folded line (obsolete, RFC 9112, 5.2), which it
 * joins to the header's name in a place of its own, so that "Content-Length:" and the folded number
 * become another header; a NUL, where it loses the rest of a line; a line that begins with a colon,
 * which it takes for the end of the head. */
static enum MHD_Result scan_header(void *context, enum MHD_ValueKind kind, const char *key,
                                   size_t key_size, const char *value, size_t value_size)
{
    enum { BLANKS_MOST = 64, LINE_END_MOST = 2 };
    struct header_scan *scan = context;

    (void)kind;
    if (!is_token(key, key_size) || !value || strlen(value) != value_size ||
        !follows(scan->end, key, LINE_END_MOST) || !follows(key + key_size, value, BLANKS_MOST)) {
        scan->malformed = true;
        return MHD_NO;
    }
    scan->end = value + value_size;
    if (strcasecmp(key, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0) {
        scan->lengths++;
        scan->length = value;
    } else if (strcasecmp(key, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0) {
        scan->encodings++;
        scan->encoding = value;
    } else if (strcasecmp(key, MHD_HTTP_HEADER_HOST) == 0) {
        scan->hosts++;
    } else {
        note_single(scan, key);
    }
    return MHD_YES;
}

/* The ends of the last line and of the empty one. */
static bool ends_here(const struct header_scan *scan, const char *begin, size_t size)
{
    return follows(scan->end, begin + size, 4);
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

bool framing_check(struct http_exchange *exchange, const char *method, const char *version)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(exchange->connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    struct header_scan scan = {.end = version + strlen(version)};
    bool modern = strcmp(version, MHD_HTTP_VERSION_1_1) == 0;

    if (!modern && strcmp(version, MHD_HTTP_VERSION_1_0) != 0)
        return request_refuse_and_close(exchange, 505, "this server speaks HTTP/1.1");
    (void)MHD_get_connection_values_n(exchange->connection, MHD_HEADER_KIND, scan_header, &scan);
    if (scan.malformed || !info || !ends_here(&scan, method, info->header_size))
        return request_refuse_and_close(exchange, 400,
                                        "a header's name or value holds what it must not");
    if (info->header_size > HTTP_HEAD_MAX)
        return request_refuse_and_close(exchange, 431,
                                        "the request line and the headers together are too long");
    if (scan.lengths > 1)
        return request_refuse_and_close(exchange, 400, "more than one Content-Length");
    if (scan.encodings > 0 && (scan.lengths > 0 || !modern))
        return request_refuse_and_close(
            exchange, 400, "Transfer-Encoding together with Content-Length or HTTP/1.0");
    if (scan.encodings > 1 || (scan.encoding && strcasecmp(scan.encoding, "chunked") != 0))
        return request_refuse_and_close(exchange, 400,
                                        "the only Transfer-Encoding that is understood is chunked");
    if (scan.length && !read_length(scan.length, &exchange->intake.declared))
        return request_refuse_and_close(exchange, 400, "Content-Length must be a number");
    if (scan.hosts > 1 || (scan.hosts == 0 && modern))
        return request_refuse_and_close(exchange, 400, "HTTP/1.1 wants exactly one Host header");
    exchange->intake.expected = scan.length || scan.encoding;
    if (!scan.twice)
        return true;
    http_problem(&exchange->response, 400, NULL, "the header %s stands there twice", scan.twice);
    return false;
}
