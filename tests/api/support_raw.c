/* Support: sockets and event streams, byte by byte. */
#include "tests/api/support.h"
#include "tests/harness.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int raw_open(const struct api *api)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)api->port)};
    int handle = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(handle >= 0);
    CHECK(connect(handle, (struct sockaddr *)&address, sizeof(address)) == 0);
    return handle;
}

void raw_send(int handle, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t sent = send(handle, bytes, size, MSG_NOSIGNAL);

        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return; /* the server hung up: what it said is still to be read */
        bytes += sent;
        size -= (size_t)sent;
    }
}

void raw_text(int handle, const char *text)
{
    raw_send(handle, text, strlen(text));
}

/* Whether something can be read within the time. */
static bool wait_readable(int handle, double seconds)
{
    struct pollfd poller = {.fd = handle, .events = POLLIN};

    return poll(&poller, 1, (int)(seconds * 1000) * test_slowdown()) > 0;
}

char *raw_read(int handle, double seconds, bool *late)
{
    char *text = calloc(1, 1);
    size_t size = 0;
    ssize_t got = 1;

    while (got > 0) {
        char piece[16384];

        if (!wait_readable(handle, seconds))
            break;
        got = recv(handle, piece, sizeof(piece), 0);
        if (got <= 0)
            break;
        text = realloc(text, size + (size_t)got + 1);
        CHECK(text);
        memcpy(text + size, piece, (size_t)got);
        size += (size_t)got;
        text[size] = '\0';
        got = 1;
    }
    if (late)
        *late = got > 0;
    return text;
}

char *raw_talk(const struct api *api, const char *bytes, double seconds, bool *open)
{
    int handle = raw_open(api);
    char *answer;

    raw_text(handle, bytes);
    answer = raw_read(handle, seconds, open);
    (void)close(handle);
    return answer;
}

void raw_check_refused(const struct api *api, const char *bytes, const char *status)
{
    bool open = false;
    char *answer = raw_talk(api, bytes, 5, &open);
    const char *second;

    if (open)
        FAIL("the connection stayed open after: %s", bytes);
    if (strncmp(answer, "HTTP/1.1 ", 9) != 0 || strncmp(answer + 9, status, strlen(status)) != 0)
        FAIL("wanted %s after \"%s\" and got: %s", status, bytes, answer);
    if (!strstr(answer, "application/problem+json") || !strstr(answer, "nosniff"))
        FAIL("this is no problem document with its headers: %s", answer);
    second = strstr(answer + 9, "\nHTTP/1.1 ");
    if (second)
        FAIL("a second answer came: %s", second);
    free(answer);
}

/* ---- event streams ---- */

int events_open(const struct api *api, const char *path, int64_t last)
{
    char request[512], header[64] = "";
    int handle = raw_open(api);

    if (last > 0)
        (void)snprintf(header, sizeof(header), "Last-Event-ID: %lld\r\n", (long long)last);
    (void)snprintf(request, sizeof(request), "GET %s HTTP/1.0\r\nHost: localhost\r\n%s\r\n", path,
                   header);
    raw_text(handle, request);
    return handle;
}

/* One byte after the other: a stream is small, and nothing is read past its end. False: it ended.
 */
static bool read_line(int handle, char **line, size_t *room)
{
    size_t size = 0;

    for (;;) {
        char byte;
        ssize_t got;

        if (!wait_readable(handle, 20))
            FAIL("the stream is silent");
        got = recv(handle, &byte, 1, 0);
        if (got < 0)
            FAIL("the stream broke: %s", strerror(errno));
        if (got == 0)
            return false;
        if (size + 2 > *room) {
            *room = *room ? 2 * *room : 1024;
            *line = realloc(*line, *room);
            CHECK(*line);
        }
        if (byte == '\n')
            break;
        (*line)[size++] = byte;
    }
    (*line)[size] = '\0';
    if (size > 0 && (*line)[size - 1] == '\r')
        (*line)[size - 1] = '\0';
    return true;
}

static void end_event(struct event_log *log, struct event *event)
{
    if (event->name[0] == '\0')
        return;
    CHECK(event->id > 0 && event->data);
    log->items = realloc(log->items, ((size_t)log->count + 1) * sizeof(*log->items));
    CHECK(log->items);
    log->items[log->count++] = *event;
    *event = (struct event){0};
}

void events_read(int handle, struct event_log *log, const char *until)
{
    struct event event = {0};
    char *line = NULL;
    size_t room = 0;

    for (;;) {
        if (!read_line(handle, &line, &room)) {
            log->ended = true;
            break;
        }
        if (strncmp(line, "id: ", 4) == 0)
            event.id = strtoll(line + 4, NULL, 10);
        else if (strncmp(line, "event: ", 7) == 0)
            (void)snprintf(event.name, sizeof(event.name), "%s", line + 7);
        else if (strncmp(line, "data: ", 6) == 0)
            event.data = strdup(line + 6);
        else if (line[0] == ':')
            log->comments++;
        else if (line[0] == '\0')
            end_event(log, &event);
        if (until && line[0] == '\0' && log->count > 0 &&
            strcmp(log->items[log->count - 1].name, until) == 0)
            break;
    }
    free(line);
    if (log->ended && until)
        FAIL("the stream ended before an event %s", until);
}

void events_drop_log(struct event_log *log)
{
    for (int i = 0; i < log->count; i++)
        free(log->items[i].data);
    free(log->items);
    *log = (struct event_log){0};
}

void check_same_events(const struct event_log *all, const struct event_log *some)
{
    int at = 0;

    CHECK(some->count > 0);
    while (at < all->count && all->items[at].id != some->items[0].id)
        at++;
    CHECK_INT(some->count, all->count - at);
    for (int i = 0; i < some->count; i++) {
        CHECK_INT(some->items[i].id, all->items[at + i].id);
        CHECK_TEXT(some->items[i].name, all->items[at + i].name);
        CHECK_TEXT(some->items[i].data, all->items[at + i].data);
    }
}
