/* Refusals: what libmicrohttpd will not take or says by itself, in our words.
 *
 * It answers messages that it cannot read with a page of HTML and without our headers, and offers
 * no way to have it otherwise. But it queues those answers by its own public function, and the
 * dynamic linker looks for that in the program first: so it is here. Our own answers go to the real
 * one. Where a build of the library binds its calls to itself, its pages stay as they are. */
#include "server/http_internal.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

typedef enum MHD_Result queue_function(struct MHD_Connection *connection, unsigned status,
                                       struct MHD_Response *response);

struct refusal {
    int status;
    const char *text;
};

static const struct refusal refusals[] = {
    {400, "the request line, a header or a chunk of the body is malformed"},
    {413, "a length in the request is larger than any that can be taken"},
    {414, "the request's target is too long"},
    {431, "the request line and the headers together are too long"},
    {505, "this server speaks HTTP/1.1"},
};

enum MHD_Result response_queue(struct MHD_Connection *connection, int status,
                               struct MHD_Response *response)
{
    void *symbol = dlsym(RTLD_NEXT, "MHD_queue_response");
    queue_function *queue = NULL;

    memcpy(&queue, &symbol, sizeof(queue)); /* C has no cast from the one to the other */
    return queue ? queue(connection, (unsigned)status, response) : MHD_NO;
}

static const char *refusal_text(int status)
{
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
        if (refusals[i].status == status)
            return refusals[i].text;
    return "the request cannot be understood";
}

/* All headers are there, and our handler was not called yet: it is a Content-Length that
 * libmicrohttpd cannot read. It then calls the handler all the same and sends the head of its
 * answer twice; but not where it may not queue one. */
static bool would_be_garbled(const struct http_peer *peer, struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);

    return peer && peer->exchange && peer->exchange->phase == EXCHANGE_FRESH && info &&
           info->header_size > 0;
}

static enum MHD_Result queue_refusal(struct MHD_Connection *connection,
                                     struct http_response *response, struct MHD_Response *theirs)
{
    struct MHD_Response *ours = response_make(response);
    enum MHD_Result result = response_queue(connection, response->status, ours ? ours : theirs);

    if (ours)
        MHD_destroy_response(ours);
    return result;
}

/* Instead of libmicrohttpd's: called by it alone, and in the HTTP thread. */
enum MHD_Result MHD_queue_response(struct MHD_Connection *connection, unsigned int status,
                                   struct MHD_Response *theirs)
{
    struct http_peer *peer = peer_of(connection);
    struct http_response response = {0};
    enum MHD_Result result = MHD_NO;

    http_problem(&response, (int)status, NULL, "%s", refusal_text((int)status));
    if (would_be_garbled(peer, connection))
        refusal_send(peer, &response);
    else
        result = queue_refusal(connection, &response, theirs);
    if (peer) {
        peer->lingers = true;
        if (peer->exchange) {
            peer->exchange->marks.queued = true;
            peer->exchange->response.status = (int)status;
        } else {
            access_refusal(peer, (int)status);
        }
    }
    http_response_drop(&response);
    return result;
}

void refusal_send(struct http_peer *peer, const struct http_response *response)
{
    struct body text = {0};
    size_t done = 0;

    peer->lingers = true;
    response_print(response, &text);
    while (!text.failed && done < text.size) {
        ssize_t sent =
            send(peer->socket, text.bytes + done, text.size - done, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (sent <= 0)
            break; /* nobody waits for such a client */
        done += (size_t)sent;
    }
    body_drop(&text);
}
