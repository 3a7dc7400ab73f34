/* Access log: one entry for each request, when its answer has left. Never its query, its headers or
 * its body: secrets may be in them. Knows no route. */
#include "server/http_internal.h"

#include "server/clock.h"

#include <string.h>

static const char *end_name(enum MHD_RequestTerminationCode why)
{
    static const char *const names[] = {
        [MHD_REQUEST_TERMINATED_WITH_ERROR] = "broken",
        [MHD_REQUEST_TERMINATED_TIMEOUT_REACHED] = "timeout",
        [MHD_REQUEST_TERMINATED_DAEMON_SHUTDOWN] = "shutdown",
        [MHD_REQUEST_TERMINATED_READ_ERROR] = "left",
        [MHD_REQUEST_TERMINATED_CLIENT_ABORT] = "left",
    };
    size_t index = (size_t)why;

    return index < sizeof(names) / sizeof(names[0]) ? names[index] : NULL;
}

static enum log_level level_of(const struct http_exchange *exchange)
{
    int status = exchange->response.status;
    bool quiet = exchange->route && (exchange->route->flags & ROUTE_QUIET);

    if (status == 500 || status == 503 || status == 507)
        return LOG_WARNING;
    return quiet && status < 400 ? LOG_DEBUG : LOG_INFO;
}

void access_answer(const struct http_exchange *exchange, enum MHD_RequestTerminationCode why)
{
    const struct http_peer *peer = exchange->peer;
    const char *path = exchange->request.path ? exchange->request.path : exchange->uri;
    char shown[TARGET_SIZE_MAX + 1] = "";
    double seconds = clock_seconds() - peer->since;

    if (path)
        (void)strncat(shown, path, strcspn(path, "?"));
    log_record(
        exchange->http->setup.log, level_of(exchange),
        LOG_FIELDS(log_text("method", exchange->marks.head ? "HEAD" : exchange->request.method),
                   log_text("path", path ? shown : NULL),
                   log_number("status", exchange->response.status),
                   log_number("bytes", (double)peer->sent), log_number("seconds", seconds),
                   log_text("from", peer->address),
                   log_text("token", exchange->bearer[0] ? exchange->bearer : NULL),
                   log_text("end", end_name(why))),
        "request");
    meter_answer(exchange, seconds);
}

void access_refusal(const struct http_peer *peer, int status)
{
    log_record(peer->http->setup.log, LOG_INFO,
               LOG_FIELDS(log_number("status", status), log_text("from", peer->address)),
               "request refused unread");
}
