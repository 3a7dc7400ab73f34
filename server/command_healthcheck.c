/* traind healthcheck: asks a daemon for /livez over a plain socket, for containers that have no
 * other client. Knows of HTTP only the first line of an answer. */
#include "server/commands.h"

#include "server/address.h"
#include "server/config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { PATIENCE_SECONDS = 5 };

/* "http://127.0.0.1:8080/" or "127.0.0.1:8080" → "127.0.0.1:8080". */
static bool url_host(const char *url, char out[128])
{
    static const char scheme[] = "http://";
    const char *host =
        strncmp(url, scheme, sizeof(scheme) - 1) == 0 ? url + sizeof(scheme) - 1 : url;
    size_t length = strcspn(host, "/?#");
    if (length == 0 || length >= 128)
        return false;
    memcpy(out, host, length);
    out[length] = '\0';
    return true;
}

static bool send_all(int socket_number, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t sent = send(socket_number, bytes, size, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        bytes += sent;
        size -= (size_t)sent;
    }
    return true;
}

static bool ask(int socket_number, const char *host, struct error *error)
{
    char request[256], answer[256] = "";
    size_t used = 0;
    int length = snprintf(request, sizeof(request),
                          "GET /livez HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", host);
    if (!send_all(socket_number, request, (size_t)length))
        return error_set(error, ERROR_IO, host, "cannot ask: %s", strerror(errno));
    while (used + 1 < sizeof(answer) && !memchr(answer, '\n', used)) {
        ssize_t got = recv(socket_number, answer + used, sizeof(answer) - 1 - used, 0);
        if (got < 0)
            return error_set(error, ERROR_IO, host, "no answer: %s",
                             errno == EAGAIN ? "it took too long" : strerror(errno));
        if (got == 0)
            break;
        used += (size_t)got;
    }
    answer[strcspn(answer, "\r\n")] = '\0';
    if (strncmp(answer, "HTTP/1.1 200 ", 13) != 0)
        return error_set(error, ERROR_IO, host, "it answers '%.100s'", answer);
    return true;
}

static bool check(const char *host, struct error *error)
{
    struct address address;
    struct timeval patience = {.tv_sec = PATIENCE_SECONDS};
    if (!address_parse(host, &address, error))
        return false;
    int number = socket(address.socket.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (number < 0)
        return error_set(error, ERROR_IO, host, "no socket: %s", strerror(errno));
    (void)setsockopt(number, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    (void)setsockopt(number, SOL_SOCKET, SO_SNDTIMEO, &patience,
                     sizeof(patience)); /* connect() too */
    bool good = connect(number, (const struct sockaddr *)&address.socket, address.size) == 0;
    if (!good)
        (void)error_set(error, ERROR_IO, host, "cannot connect: %s", strerror(errno));
    good = good && ask(number, host, error);
    (void)close(number);
    return good;
}

int command_healthcheck(int argc, char **argv)
{
    struct config config;
    struct error error = {0};
    char host[128];
    const char *url;
    if (argc == 0) {
        if (!config_read(0, NULL, &config, &error)) {
            fprintf(stderr, "traind healthcheck: %s %s\n", error.where, error.text);
            return 2;
        }
        url = config.listen;
    } else if (argc == 2 && strcmp(argv[0], "--url") == 0) {
        url = argv[1];
    } else {
        fprintf(stderr, "Usage: traind healthcheck [--url http://127.0.0.1:8080]\n");
        return 2;
    }
    if (!url_host(url, host)) {
        fprintf(stderr, "traind healthcheck: %s is not http://HOST:PORT\n", url);
        return 2;
    }
    if (!check(host, &error)) {
        fprintf(stderr, "traind healthcheck: %s: %s\n", error.where, error.text);
        return 1;
    }
    return 0;
}
