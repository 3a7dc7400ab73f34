/* HTTP: the listening socket, the daemon of libmicrohttpd, start and stop. Knows no request. */
#include "server/http_internal.h"

#include "server/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    STREAMS_DEFAULT = 64,
    CLERKS_DEFAULT = 6,
    HEARTBEAT_DEFAULT = 12000,
    PATIENCE_DEFAULT = 30,
    BACKLOG = 1024,
    FILES_ELSEWHERE = 256
};

#define UPLOAD_DEFAULT (INT64_C(8) << 30)

/* ---- what libmicrohttpd calls ---- */

/* The first word of a request: the target as it came, before anybody decoded it. */
static void *on_uri(void *context, const char *uri, struct MHD_Connection *connection)
{
    struct http_peer *peer = peer_of(connection);

    (void)context;
    return peer ? exchange_new(peer, connection, uri) : NULL;
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *size, void **slot)
{
    struct exchange_piece piece = {data, *size, false};
    enum MHD_Result result;

    (void)context;
    (void)connection;
    (void)url;
    if (!*slot)
        return MHD_NO;
    result = exchange_step(*slot, method, version, *size > 0 ? &piece : NULL);
    if (!piece.stays)
        *size = 0;
    return result;
}

static void on_completed(void *context, struct MHD_Connection *connection, void **slot,
                         enum MHD_RequestTerminationCode why)
{
    (void)context;
    (void)connection;
    if (*slot)
        exchange_end(*slot, why);
    exchange_free(*slot);
    *slot = NULL;
}

static void on_message(void *context, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

static void on_message(void *context, const char *format, va_list arguments)
{
    const struct http *http = context;
    char text[256];

    (void)vsnprintf(text, sizeof(text), format, arguments);
    text[strcspn(text, "\r\n")] = '\0';
    log_line(http->setup.log, LOG_DEBUG, "libmicrohttpd: %s", text);
}

/* ---- listening ---- */

/* Writes "127.0.0.1:8080" or "[::1]:8080" to http->address, and the host alone to http->host. */
static bool name_listener(struct http *http, struct error *error)
{
    struct sockaddr_storage bound = {0};
    socklen_t size = sizeof(bound);
    struct sockaddr_in four;
    struct sockaddr_in6 six;

    if (getsockname(http->listener, (struct sockaddr *)&bound, &size) != 0)
        return error_set(error, ERROR_IO, http->setup.listen, "cannot tell the address: %s",
                         strerror(errno));
    if (bound.ss_family == AF_INET6) {
        memcpy(&six, &bound, sizeof(six));
        (void)inet_ntop(AF_INET6, &six.sin6_addr, http->host, sizeof(http->host));
        http->any_host = IN6_IS_ADDR_UNSPECIFIED(&six.sin6_addr);
        (void)snprintf(http->address, sizeof(http->address), "[%s]:%d", http->host,
                       ntohs(six.sin6_port));
    } else {
        memcpy(&four, &bound, sizeof(four));
        (void)inet_ntop(AF_INET, &four.sin_addr, http->host, sizeof(http->host));
        http->any_host = four.sin_addr.s_addr == htonl(INADDR_ANY);
        (void)snprintf(http->address, sizeof(http->address), "%s:%d", http->host,
                       ntohs(four.sin_port));
    }
    return true;
}

static bool start_listening(struct http *http, struct error *error)
{
    const char *listen_on = http->setup.listen;
    struct address address;
    int on = 1;

    if (!address_parse(listen_on, &address, error))
        return false;
    http->listener =
        socket(address.socket.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (http->listener < 0)
        return error_set(error, ERROR_IO, listen_on, "cannot make a socket: %s", strerror(errno));
    /* A restarted daemon may listen while old connections still linger. */
    (void)setsockopt(http->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(http->listener, (struct sockaddr *)&address.socket, address.size) != 0 ||
        listen(http->listener, BACKLOG) != 0)
        return error_set(error, errno == EADDRINUSE ? ERROR_BUSY : ERROR_IO, listen_on,
                         "cannot listen: %s", strerror(errno));
    return name_listener(http, error);
}

/* ---- start and stop ---- */

/* As many connections as wanted, or as the system lets this process have. */
static int count_places(const struct http *http)
{
    rlim_t wanted = (rlim_t)(HTTP_CONNECTIONS + http->setup.streams + HTTP_WAITERS);
    rlim_t others = HTTP_RESERVE + FILES_ELSEWHERE;
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return (int)wanted;
    if (files.rlim_cur < wanted + others) {
        files.rlim_cur = files.rlim_max < wanted + others ? files.rlim_max : wanted + others;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    if (files.rlim_cur < 2 * others)
        return HTTP_RESERVE;
    return (int)(files.rlim_cur - others < wanted ? files.rlim_cur - others : wanted);
}

/* TURBO leaves the end of a connection to us (peer_notice). */
static bool start_daemon(struct http *http, struct error *error)
{
    http->peers.at_most = count_places(http);
    http->daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG |
            MHD_USE_TURBO,
        0, NULL, NULL, on_request, http, MHD_OPTION_EXTERNAL_LOGGER, on_message, http,
        MHD_OPTION_LISTEN_SOCKET, http->listener, MHD_OPTION_URI_LOG_CALLBACK, on_uri, http,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, http, MHD_OPTION_NOTIFY_CONNECTION, peer_notice,
        http, MHD_OPTION_CONNECTION_LIMIT, (unsigned)(http->peers.at_most + HTTP_RESERVE),
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_CONNECTION_MEMORY,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)http->setup.patience, MHD_OPTION_END);
    if (!http->daemon)
        return error_set(error, ERROR_IO, http->setup.listen, "cannot start the HTTP server: %s",
                         strerror(errno));
    return true;
}

bool http_start(const struct http_setup *setup, struct http **out, struct error *error)
{
    struct http *http = calloc(1, sizeof(*http));
    bool hub = false;

    *out = NULL;
    if (!http)
        return error_set(error, ERROR_MEMORY, "http", "no memory for the HTTP server");
    http->setup = *setup;
    http->listener = -1;
    if (http->setup.streams == 0)
        http->setup.streams = STREAMS_DEFAULT;
    if (http->setup.heartbeat == 0)
        http->setup.heartbeat = HEARTBEAT_DEFAULT;
    if (http->setup.patience == 0)
        http->setup.patience = PATIENCE_DEFAULT;
    if (http->setup.clerks == 0)
        http->setup.clerks = CLERKS_DEFAULT;
    if (http->setup.upload_limit == 0)
        http->setup.upload_limit = UPLOAD_DEFAULT;
    if (setup->spool && !spool_prepare(setup->spool, error))
        goto failed;
    if (!meter_open(http, error) || !start_listening(http, error) ||
        !store_reader(setup->store, &http->db, error))
        goto failed;
    hub = hub_init(http, error);
    if (!hub || !desk_open(http, error) || !linger_open(http, error) || !start_daemon(http, error))
        goto failed;
    *out = http;
    return true;

failed:
    linger_close(http);
    desk_close(http);
    if (hub)
        hub_drop(http);
    if (http->db)
        db_close(http->db);
    if (http->listener >= 0)
        (void)close(http->listener);
    meter_close(http);
    free(http);
    return false;
}

const char *http_address(const struct http *http)
{
    return http->address;
}

void http_quiesce(struct http *http)
{
    if (http->listener < 0)
        return;
    (void)MHD_quiesce_daemon(http->daemon);
    (void)close(http->listener);
    http->listener = -1;
}

static bool has_absent(const struct http_hub *hub)
{
    return hub->away_count > 0;
}

static bool has_answers(const struct http_hub *hub)
{
    return hub->answer_count > 0;
}

void http_stop(struct http *http)
{
    if (!http)
        return;
    http_quiesce(http);
    http_end_streams(http);
    pthread_mutex_lock(&http->hub.lock);
    http->hub.stopping = true;
    /* A suspended connection must not meet MHD_stop_daemon: it would abort the process. The writer
     * and the clerks always call back, so this ends. */
    hub_wait(&http->hub, has_absent, -1);
    hub_wait(&http->hub, has_answers, 1000);
    pthread_mutex_unlock(&http->hub.lock);
    MHD_stop_daemon(http->daemon);
    linger_close(http);
    desk_close(http);
    hub_drop(http);
    db_close(http->db);
    meter_close(http);
    free(http);
}
