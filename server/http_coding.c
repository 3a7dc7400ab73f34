/* Coding: bodies in gzip, for clients that take it. The one module that includes zlib. Knows no
 * route.
 *
 * What is packed is text that we made; pictures and checkpoints would only grow. Live streams are
 * left alone: what waits in a packer is late. The same bytes always pack to the same bytes, so that
 * a strong tag stays true. */
#include "server/http_internal.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

enum {
    WORTH_BYTES = 1024, /* below this the headers are most of the answer */
    LEVEL = 4,          /* half of the time of zlib's own default, and hardly larger */
    GZIP_WINDOW = 15 + 16,
    MEMORY = 8
};

/* ---- whether ---- */

static bool is_text(const char *type)
{
    static const char *const exact[] = {"application/json", "application/jsonl",
                                        "application/javascript", "image/svg+xml"};
    size_t length = type ? strcspn(type, "; ") : 0;

    for (size_t i = 0; i < sizeof(exact) / sizeof(exact[0]); i++)
        if (strlen(exact[i]) == length && strncasecmp(type, exact[i], length) == 0)
            return true;
    if (length > 5 && strncasecmp(type + length - 5, "+json", 5) == 0)
        return true;
    return length > 5 && strncasecmp(type, "text/", 5) == 0 &&
           strncasecmp(type, "text/event-stream", length) != 0;
}

bool coding_is_useful(const struct http_response *response)
{
    const struct http_stream *stream = response->stream;

    if (response->packed)
        return true;
    if (!is_text(response->content_type) || response->fixed)
        return false;
    if (stream)
        return !stream->live && (stream->size < 0 || stream->size >= WORTH_BYTES);
    return response->body_size >= WORTH_BYTES;
}

bool coding_is_taken(const struct http_request *request)
{
    const char *list = http_header(request, MHD_HTTP_HEADER_ACCEPT_ENCODING);
    int packed = weight_find(list, "gzip"), plain = weight_find(list, "identity");

    if (packed < 0)
        packed = weight_find(list, "*");
    return packed > 0 && packed >= plain;
}

/* ---- bodies in memory ---- */

static bool pack(const struct http_response *response, struct body *out)
{
    z_stream packer = {0};
    bool good;

    if (response->body_size > UINT32_MAX / 2 ||
        deflateInit2(&packer, LEVEL, Z_DEFLATED, GZIP_WINDOW, MEMORY, Z_DEFAULT_STRATEGY) != Z_OK)
        return false;
    out->room = response->body_size; /* more would be no gain */
    out->bytes = malloc(out->room);
    packer.next_in = (Bytef *)response->body;
    packer.avail_in = (uInt)response->body_size;
    packer.next_out = (Bytef *)out->bytes;
    packer.avail_out = out->bytes ? (uInt)out->room : 0;
    good = out->bytes && deflate(&packer, Z_FINISH) == Z_STREAM_END;
    out->size = out->room - packer.avail_out;
    (void)deflateEnd(&packer);
    return good;
}

static bool pack_memory(struct http_response *response)
{
    struct body packed = {0};

    if (!pack(response, &packed)) {
        body_drop(&packed);
        return false;
    }
    free(response->body);
    response->body = packed.bytes;
    response->body_size = packed.size;
    return true;
}

/* ---- bodies that come in pieces ---- */

struct packed_stream {
    struct http_stream stream;
    struct http_stream *inner;
    z_stream packer;
};

static void packed_drop(struct http_stream *stream)
{
    struct packed_stream *packed = (struct packed_stream *)stream;

    (void)deflateEnd(&packed->packer);
    packed->inner->drop(packed->inner);
    free(packed);
}

/* Feeds the piece to the packer, and appends what comes out. */
static bool feed(z_stream *packer, const struct body *piece, int flush, struct body *out)
{
    char bytes[HTTP_PIECE / 2];
    int code;

    packer->next_in = (Bytef *)piece->bytes;
    packer->avail_in = (uInt)piece->size;
    do {
        packer->next_out = (Bytef *)bytes;
        packer->avail_out = sizeof(bytes);
        code = deflate(packer, flush);
        body_put(out, bytes, sizeof(bytes) - packer->avail_out);
    } while (packer->avail_out == 0 && code == Z_OK);
    return code != Z_STREAM_ERROR;
}

static enum http_more packed_next(struct http_stream *stream, struct db *db, struct body *out,
                                  struct error *error)
{
    struct packed_stream *packed = (struct packed_stream *)stream;
    struct body piece = {0};
    enum http_more more = packed->inner->next(packed->inner, db, &piece, error);

    if (piece.failed || piece.size > UINT32_MAX / 2)
        out->failed = true;
    else if (more != HTTP_BROKEN &&
             !feed(&packed->packer, &piece, more == HTTP_END ? Z_FINISH : Z_NO_FLUSH, out))
        out->failed = true;
    body_drop(&piece);
    return more;
}

static bool pack_stream(struct http_response *response)
{
    struct packed_stream *packed = calloc(1, sizeof(*packed));

    if (!packed)
        return false;
    if (deflateInit2(&packed->packer, LEVEL, Z_DEFLATED, GZIP_WINDOW, MEMORY, Z_DEFAULT_STRATEGY) !=
        Z_OK) {
        free(packed);
        return false;
    }
    packed->stream = (struct http_stream){.next = packed_next, .drop = packed_drop, .size = -1};
    packed->inner = response->stream;
    response->stream = &packed->stream;
    return true;
}

bool coding_apply(struct http_response *response)
{
    bool good = true;

    if (response->packed) {
        response->fixed = response->packed;
        response->body_size = response->packed_size;
    } else {
        good = response->stream ? pack_stream(response) : pack_memory(response);
    }
    if (good)
        http_response_header(response, MHD_HTTP_HEADER_CONTENT_ENCODING, "gzip");
    return good;
}
