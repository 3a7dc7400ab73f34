/* Peer: one connection, from accept to close. Who is dropped when too many are connected: not the
 * newest, who has done nothing wrong, but the one that gets least done in its time, so that silent
 * and slow ones cost nobody anything but themselves. Knows no request. */
#include "server/http_internal.h"

#include "server/clock.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct http_peer *peer_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    return info ? info->socket_context : NULL;
}

bool peer_has_left(const struct http_peer *peer)
{
    struct pollfd look = {.fd = peer->socket, .events = POLLRDHUP};

    return poll(&look, 1, 0) > 0;
}

void peer_turn(struct http_peer *peer, struct http_exchange *exchange)
{
    peer->heard = true;
    peer->exchange = exchange;
    peer->since = clock_seconds();
    peer->received = 0;
    peer->sent = 0;
}

/* ---- making room ---- */

/* Not those that wait for us: the writer, a clerk, or the next event. */
static bool may_be_dropped(struct http *http, const struct http_peer *peer)
{
    const struct http_exchange *exchange = peer->exchange;
    bool waits = false;

    if (exchange) {
        pthread_mutex_lock(&http->hub.lock);
        waits = exchange->marks.live || exchange->phase == EXCHANGE_AWAY ||
                exchange->phase == EXCHANGE_WAITING;
        pthread_mutex_unlock(&http->hub.lock);
    }
    return !peer->dropped && !waits;
}

/* Seconds for each KiB, and for having said nothing yet. */
static double slowness(const struct http_peer *peer, double now)
{
    return (now - peer->since) / (1 + (double)(peer->received + peer->sent) / 1024);
}

static void make_room(struct http *http)
{
    struct http_peer *worst = NULL;
    double now = clock_seconds();

    for (struct http_peer *peer = http->peers.first; peer; peer = peer->next)
        if (may_be_dropped(http, peer) && (!worst || slowness(peer, now) > slowness(worst, now)))
            worst = peer;
    if (!worst)
        return;
    worst->dropped = true;
    http->peers.count--;
    (void)shutdown(worst->socket, SHUT_RDWR); /* libmicrohttpd sees its end, and closes it */
    log_line(http->setup.log, LOG_DEBUG, "the slowest connection makes room: %s", worst->address);
}

/* ---- coming and going ---- */

static void name_peer(struct http_peer *peer, struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    struct sockaddr_in four;
    struct sockaddr_in6 six;

    if (info && info->client_addr->sa_family == AF_INET) {
        memcpy(&four, info->client_addr, sizeof(four));
        (void)inet_ntop(AF_INET, &four.sin_addr, peer->address, sizeof(peer->address));
    } else if (info && info->client_addr->sa_family == AF_INET6) {
        memcpy(&six, info->client_addr, sizeof(six));
        (void)inet_ntop(AF_INET6, &six.sin6_addr, peer->address, sizeof(peer->address));
    }
}

static void arrive(struct http *http, struct MHD_Connection *connection, void **slot)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct http_peer *peer = calloc(1, sizeof(*peer));
    const int unsent_most = 128 * 1024;

    *slot = peer;
    if (!peer) {
        (void)shutdown(info->connect_fd, SHUT_RDWR);
        return;
    }
    peer->http = http;
    peer->socket = info->connect_fd;
    peer->since = clock_seconds();
    /* Else the system takes megabytes for each client that does not read. */
    (void)setsockopt(peer->socket, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent_most,
                     sizeof(unsent_most));
    name_peer(peer, connection);
    peer->next = http->peers.first;
    peer->link = &http->peers.first;
    if (peer->next)
        peer->next->link = &peer->next;
    http->peers.first = peer;
    if (++http->peers.count > http->peers.at_most)
        make_room(http);
}

/* libmicrohttpd says nothing to a request line without a blank: it closes. Where that was the first
 * line, and neither we nor the clock wanted the end, it can still be told. (Later, nobody knows
 * whether the last answer was the end.) */
static bool was_nonsense(struct http_peer *peer)
{
    struct http_hub *hub = &peer->http->hub;
    bool stopping;

    pthread_mutex_lock(&hub->lock);
    stopping = hub->stopping;
    pthread_mutex_unlock(&hub->lock);
    return !peer->heard && !peer->dropped && !peer->lingers && !stopping &&
           clock_seconds() - peer->since < peer->http->setup.patience - 0.5;
}

static void go(struct http_peer *peer)
{
    struct http *http = peer->http;
    struct http_response response = {0};
    int twin;

    if (was_nonsense(peer)) {
        http_problem(&response, 400, NULL, "this is no request of HTTP/1.1");
        refusal_send(peer, &response);
        access_refusal(peer, response.status);
        http_response_drop(&response);
    }
    (void)shutdown(peer->socket, SHUT_WR);
    twin = peer->lingers ? fcntl(peer->socket, F_DUPFD_CLOEXEC, 0) : -1;
    if (twin >= 0)
        linger_take(http, twin);
    *peer->link = peer->next;
    if (peer->next)
        peer->next->link = peer->link;
    http->peers.count -= !peer->dropped;
    free(peer);
}

void peer_notice(void *context, struct MHD_Connection *connection, void **slot,
                 enum MHD_ConnectionNotificationCode what)
{
    if (what == MHD_CONNECTION_NOTIFY_STARTED)
        arrive(context, connection, slot);
    else if (*slot)
        go(*slot);
}
