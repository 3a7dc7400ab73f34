/* Clients that are silent or slow, more of them than there are places: nobody else waits. */
#include "tests/api/support.h"

#include "tests/harness.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MANY = 1500 };

static int descriptors(const struct api *api)
{
    char path[64];
    DIR *open;
    int count = 0;

    (void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)api->pid);
    open = opendir(path);
    CHECK(open);
    while (readdir(open))
        count++;
    (void)closedir(open);
    return count;
}

static void want_descriptors(void)
{
    struct rlimit files;

    CHECK(getrlimit(RLIMIT_NOFILE, &files) == 0);
    if (files.rlim_max < 2 * MANY)
        SKIP("this process may have %ld files open", (long)files.rlim_max);
    files.rlim_cur = 2 * MANY;
    CHECK(setrlimit(RLIMIT_NOFILE, &files) == 0);
}

/* Each has a connection of its own; they would wait half a minute for one that is let go. */
static void check_alive(const struct api *api)
{
    for (int i = 0; i < 20; i++) {
        double start = seconds_now();
        json_decref(api_get(api, "/livez", 200));
        CHECK(seconds_now() - start < 10.0 * test_slowdown());
    }
}

static void check_crowd(const char *text)
{
    struct api api;
    int *handles = malloc(MANY * sizeof(*handles)), before;

    CHECK(handles);
    want_descriptors();
    api_start(&api);
    check_alive(&api);
    before = descriptors(&api);
    for (int i = 0; i < MANY; i++) {
        handles[i] = raw_open(&api);
        raw_text(handles[i], text);
    }
    check_alive(&api);
    for (int i = 0; i < MANY; i += 7)
        raw_text(handles[i], "x");
    check_alive(&api);
    for (int i = 0; i < MANY; i++)
        (void)close(handles[i]);
    for (int i = 0; i < 6000 && descriptors(&api) > before; i++)
        nap(0.01);
    CHECK(descriptors(&api) <= before);
    check_alive(&api);
    api_stop(&api);
    free(handles);
}

TEST("connections that say nothing, or half a request line, cost nobody a place")
{
    check_crowd("");
    check_crowd("GET /liv");
}

TEST("bodies that do not come cost nobody a place")
{
    check_crowd("POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                "Content-Length: 100000\r\n\r\n{");
}

TEST("answers that nobody reads cost nobody a place")
{
    check_crowd("GET /style.css HTTP/1.1\r\nHost: localhost\r\n\r\n"
                "GET /style.css HTTP/1.1\r\nHost: localhost\r\n\r\n"
                "GET /style.css HTTP/1.1\r\nHost: localhost\r\n\r\n");
}

TEST("who is sending, or listens to a stream, keeps the place when silent ones crowd in")
{
    enum { SIZE = 600000 };
    struct api api;
    int *handles = malloc(MANY * sizeof(*handles));
    char *body = malloc(SIZE), piece[4096] = "";

    CHECK(handles && body);
    memset(body, ' ', SIZE);
    want_descriptors();
    api_start(&api);
    int stream = events_open(&api, "/v1/events", 0);
    while (!strstr(piece, "\r\n\r\n"))
        CHECK(recv(stream, piece + strlen(piece), sizeof(piece) - 1 - strlen(piece), 0) > 0);
    int sender = raw_open(&api);
    raw_text(sender, "POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                     "Content-Type: application/json\r\nContent-Length: 600000\r\n\r\n");
    raw_send(sender, body, SIZE / 2);
    for (int i = 0; i < MANY; i++)
        handles[i] = raw_open(&api);
    check_alive(&api);
    raw_send(sender, body, SIZE / 2);
    char *answer = raw_read(sender, 10, NULL);
    if (strncmp(answer, "HTTP/1.1 400", 12) != 0)
        FAIL("the sender got: %s", answer);
    CHECK(recv(stream, piece, sizeof(piece), MSG_DONTWAIT) != 0);
    free(answer);
    for (int i = 0; i < MANY; i++)
        (void)close(handles[i]);
    (void)close(sender);
    (void)close(stream);
    api_stop(&api);
    free(handles);
    free(body);
}

/* A connection that has sent `size` bytes of a larger body, and is closed at once. */
static void leave_behind(const struct api *api, const char *coding, size_t size)
{
    static char bytes[300000];
    int socket = raw_open(api);

    raw_text(socket, "PUT /v1/datasets/x HTTP/1.1\r\nHost: localhost\r\n");
    raw_text(socket, coding);
    raw_send(socket, bytes, size);
    close(socket);
}

TEST("a body whose client leaves in the middle is let go of at once, however much has come")
{
    static const char *const codings[] = {"Content-Length: 3000000\r\n\r\n",
                                          "Transfer-Encoding: chunked\r\n\r\nF0000\r\n"};
    static const size_t sizes[] = {0, 10, 100000, 258048, 262144, 300000};
    struct api api;

    api_start(&api);
    for (size_t i = 0; i < 6; i++)
        for (int k = 0; k < 8; k++)
            leave_behind(&api, codings[k % 2], sizes[i]);
    double start = seconds_now();
    while (count_entries("data/incoming", "") > 0) {
        CHECK(seconds_now() - start < 10.0 * test_slowdown());
        nap(0.02);
    }
    api_stop(&api);
}
