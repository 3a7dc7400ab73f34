/* Entity: between the handler's answer and the wire. Conditions (RFC 9110, 13), a tag where the
 * handler gave none, a part where one is asked for, gzip where it helps. Knows no route. */
#include "server/http_internal.h"

#include "core/digest.h"

#include <stdio.h>
#include <string.h>

/* A body in memory from this size on is hashed and packed at the desk. */
enum { HEAVY_BYTES = 64 * 1024 };

/* ---- conditions ---- */

enum verdict { VERDICT_GO_ON, VERDICT_UNCHANGED, VERDICT_FAILED };

static bool is_later(const struct http_entity *entity, const char *date)
{
    int64_t seconds = date_read(date);

    return seconds >= 0 && entity->modified / 1000 > seconds;
}

/* In the order of RFC 9110, 13.2.2. *coded: the client has the copy in gzip. */
static enum verdict judge(const struct http_request *request, const struct http_entity *entity,
                          bool *coded)
{
    const char *match = http_header(request, MHD_HTTP_HEADER_IF_MATCH);
    const char *none = http_header(request, MHD_HTTP_HEADER_IF_NONE_MATCH);
    const char *unmodified = http_header(request, MHD_HTTP_HEADER_IF_UNMODIFIED_SINCE);
    const char *modified = http_header(request, MHD_HTTP_HEADER_IF_MODIFIED_SINCE);
    bool dated = entity->modified > 0;

    *coded = false;
    if (match && entity->etag[0] && !http_may_change(match, entity->etag))
        return VERDICT_FAILED;
    if (!match && unmodified && dated && is_later(entity, unmodified))
        return VERDICT_FAILED;
    if (none)
        return entity->etag[0] && etag_listed(none, entity->etag, coded) ? VERDICT_UNCHANGED
                                                                         : VERDICT_GO_ON;
    if (modified && dated && date_read(modified) >= 0 && !is_later(entity, modified))
        return VERDICT_UNCHANGED;
    return VERDICT_GO_ON;
}

static void name_entity(struct http_response *response, const struct http_entity *entity,
                        bool coded)
{
    char date[DATE_SIZE];

    if (entity->etag[0])
        http_response_header(response, MHD_HTTP_HEADER_ETAG, "\"%s%s\"", entity->etag,
                             coded ? "-gzip" : "");
    if (entity->modified > 0) {
        date_print(entity->modified, date);
        http_response_header(response, MHD_HTTP_HEADER_LAST_MODIFIED, "%s", date);
    }
}

/* All but the headers. */
static void drop_body(struct http_response *response)
{
    struct http_response kept = *response;

    kept.body = NULL;
    kept.stream = NULL;
    kept.fixed = kept.packed = kept.content_type = NULL;
    kept.body_size = kept.packed_size = 0;
    response->write = (struct http_write){0};
    http_response_drop(response);
    *response = kept;
}

static void vary(struct http_exchange *exchange, bool by_coding)
{
    bool by_type = exchange->marks.varies;

    if (by_coding || by_type)
        http_response_header(&exchange->response, MHD_HTTP_HEADER_VARY, "%s%s%s",
                             by_type ? "Accept" : "", by_type && by_coding ? ", " : "",
                             by_coding ? "Accept-Encoding" : "");
}

bool http_settled(const struct http_request *request, struct http_response *response)
{
    struct http_exchange *exchange = request->exchange;
    bool coded;

    switch (judge(request, &response->entity, &coded)) {
    case VERDICT_GO_ON:
        return false;
    case VERDICT_UNCHANGED:
        vary(exchange, coding_is_useful(response));
        drop_body(response);
        response->status = 304;
        name_entity(response, &response->entity, coded);
        break;
    case VERDICT_FAILED:
        http_problem(response, 412, NULL,
                     "what is there is not what the request's If-Match or If-Unmodified-Since "
                     "wants");
        break;
    }
    exchange->marks.settled = true;
    return true;
}

/* ---- all of it ---- */

/* Where the handler named no entity, or its state alone: the bytes name themselves. */
static void tag_bytes(struct http_response *response)
{
    char *etag = response->entity.etag;
    size_t length = strlen(etag);
    uint8_t digest[DIGEST_BYTES];
    char hex[DIGEST_HEX];

    if (!response->body || (length > 0 && etag[length - 1] != '.'))
        return;
    digest_sha256(response->body, response->body_size, digest);
    digest_hex(digest, hex);
    (void)snprintf(etag + length, sizeof(response->entity.etag) - length, "%.32s", hex);
}

static void settle_get(struct http_exchange *exchange)
{
    struct http_response *response = &exchange->response;
    bool named = response->entity.etag[0] != '\0';
    bool useful, coded;

    tag_bytes(response);
    if (http_settled(&exchange->request, response))
        return;
    if (named && range_possible(response))
        http_response_header(response, MHD_HTTP_HEADER_ACCEPT_RANGES, "bytes");
    useful = coding_is_useful(response);
    if (named && !exchange->marks.head) {
        struct http_entity entity = response->entity;

        if (range_apply(&exchange->request, response)) {
            if (response->status == 206)
                name_entity(response, &entity, false);
            vary(exchange, useful);
            return;
        }
    }
    coded = useful && coding_is_taken(&exchange->request) && coding_apply(response);
    name_entity(response, &response->entity, coded);
    vary(exchange, useful);
}

void entity_settle(struct http_exchange *exchange)
{
    struct http_response *response = &exchange->response;
    bool useful, coded;

    if (exchange->marks.settled)
        return;
    exchange->marks.settled = true;
    if (response->status == 200 && exchange->request.method &&
        strcmp(exchange->request.method, "GET") == 0) {
        settle_get(exchange);
        return;
    }
    /* What was changed or made has the tag that a GET of it would have. */
    if (response->entity.etag[0] != '\0')
        tag_bytes(response);
    useful = coding_is_useful(response);
    coded = useful && coding_is_taken(&exchange->request) && coding_apply(response);
    name_entity(response, &response->entity, coded);
    vary(exchange, useful);
}

bool entity_is_heavy(const struct http_exchange *exchange)
{
    return exchange->response.body && exchange->response.body_size >= HEAVY_BYTES;
}
