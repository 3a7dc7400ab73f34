/* HTTP with routes of its own: what the real handlers cannot be made to do. */
#include "tests/harness.h"
#include "tests/server/own_http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

TEST("a failure that is not the client's tells nothing of this machine")
{
    struct own own;

    own_start(&own, 50);
    struct answer answer = api_call(&own.api, &(struct call){.path = "/fail"});
    CHECK_INT(answer.status, 500);
    CHECK(!strstr(answer.body, "secret"));
    CHECK(strstr(answer.body, "log"));
    answer_drop(&answer);
    own_stop(&own);
}

TEST("a write's answer comes after it, its hook is called only when it holds, its context always "
     "freed")
{
    struct own own;

    own_start(&own, 50);
    struct answer answer = api_call(&own.api, &(struct call){.method = "POST", .path = "/slow"});
    CHECK_INT(answer.status, 200);
    CHECK_INT(own.app.after, 1);
    answer_drop(&answer);
    check_problem(api_post(&own.api, "/failing", NULL, 409), 409, "too late");
    check_problem(api_post(&own.api, "/problem", NULL, 409), 409, "context");
    CHECK_INT(own.app.after, 1);
    own_stop(&own);
    CHECK_INT(atomic_load(&own.app.dropped), 3);
}

TEST("a stop in the middle of a write answers it first")
{
    struct own own;

    own_start(&own, 50);
    int handle = raw_open(&own.api);
    raw_text(handle, "POST /slow HTTP/1.1\r\nHost: localhost\r\n\r\n");
    nap(0.1);
    own_stop(&own);
    char *text = raw_read(handle, 5, NULL);
    CHECK(strncmp(text, "HTTP/1.1 200", 12) == 0 && strstr(text, "\"slow\":true"));
    CHECK_INT(own.app.after, 1);
    free(text);
    (void)close(handle);
}

TEST("clients that leave while the writer works for them are forgotten cleanly")
{
    struct own own;
    struct linger reset = {.l_onoff = 1};

    own_start(&own, 50);
    for (int i = 0; i < 4; i++) {
        int handle = raw_open(&own.api);
        raw_text(handle, "POST /slow HTTP/1.1\r\nHost: localhost\r\n\r\n");
        nap(0.02);
        CHECK(setsockopt(handle, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) == 0);
        (void)close(handle);
    }
    own_stop(&own);
    CHECK(own.app.after >= 1);
    CHECK_INT(atomic_load(&own.app.dropped), own.app.after);
}

TEST("a body made in pieces arrives whole, and one that breaks is seen to break")
{
    struct own own;

    own_start(&own, 50);
    struct answer answer = api_call(&own.api, &(struct call){.path = "/stream"});
    CHECK(strncmp(answer.body, "2\n4\n", 4) == 0);
    CHECK_TEXT(answer.body + answer.size - 7, "98\n100\n");
    answer_drop(&answer);
    int handle = raw_open(&own.api);
    raw_text(handle, "GET /stream?break HTTP/1.1\r\nHost: localhost\r\n\r\n");
    bool open = false;
    char *text = raw_read(handle, 5, &open);
    CHECK(!open && strstr(text, "48\n") && !strstr(text, "\r\n0\r\n"));
    free(text);
    (void)close(handle);
    own_stop(&own);
}

TEST("an idle stream gets heartbeats, and ends when it is told to")
{
    struct own own;
    char piece[4096] = "";

    own_start(&own, 50);
    int handle = raw_open(&own.api);
    raw_text(handle, "GET /stream?live HTTP/1.1\r\nHost: localhost\r\n\r\n");
    while (!strstr(piece, ": still here") || !strstr(strstr(piece, ": still here") + 5, ": still"))
        CHECK(recv(handle, piece + strlen(piece), sizeof(piece) - 1 - strlen(piece), 0) > 0);
    http_end_streams(own.http);
    char *text = raw_read(handle, 0.5, NULL); /* the connection itself stays */
    size_t size = strlen(text);
    CHECK(size >= 5 && strcmp(text + size - 5, "0\r\n\r\n") == 0);
    free(text);
    (void)close(handle);
    own_stop(&own);
}

TEST("an event that comes while a stream falls asleep is not slept through")
{
    struct own own;

    own_start(&own, 60000);
    for (int i = 0; i < 20; i++) {
        int handle = raw_open(&own.api);
        raw_text(handle, "GET /unlucky HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        bool open = false;
        char *text = raw_read(handle, 5, &open);
        CHECK(!open && strstr(text, "heard"));
        free(text);
        (void)close(handle);
    }
    own_stop(&own);
}

TEST("a port that is taken is an error that names it")
{
    struct own own;
    struct error error = {0};
    struct http *second = NULL;
    struct http_setup setup = {.routes = NULL};

    own_start(&own, 50);
    setup.listen = own.api.address;
    setup.store = own.store;
    CHECK(!http_start(&setup, &second, &error));
    CHECK_INT(error.kind, ERROR_BUSY);
    CHECK_TEXT(error.where, own.api.address);
    own_stop(&own);
}

TEST("request bodies together never take more memory than their limit")
{
    enum { CLIENTS = 12, SIZE = 7 << 20 };
    struct own own;
    int handles[CLIENTS], refused = 0;
    char *bytes = malloc(SIZE), head[128];

    CHECK(bytes);
    memset(bytes, 'x', SIZE);
    own_start(&own, 50);
    (void)snprintf(head, sizeof(head),
                   "POST /size HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                   "Content-Length: %d\r\n\r\n",
                   SIZE);
    for (int i = 0; i < CLIENTS; i++) {
        handles[i] = raw_open(&own.api);
        raw_text(handles[i], head);
        raw_send(handles[i], bytes, SIZE - 1);
    }
    for (int i = 0; i < CLIENTS; i++) {
        raw_text(handles[i], "x");
        char *text = raw_read(handles[i], 10, NULL);
        refused += strncmp(text, "HTTP/1.1 503", 12) == 0;
        CHECK(strncmp(text, "HTTP/1.1 503", 12) == 0 || strncmp(text, "HTTP/1.1 200", 12) == 0);
        free(text);
        (void)close(handles[i]);
    }
    CHECK(refused >= 3 && refused < CLIENTS);
    struct answer answer = api_call(&own.api, &(struct call){.path = "/size", .body = "small"});
    CHECK_INT(integer_at(answer.json, "size"), 5);
    answer_drop(&answer);
    own_stop(&own);
    free(bytes);
}

TEST("who falls silent in a request is told that it was too late, who asks nothing is let go")
{
    static const char *const texts[] = {
        "GET /fail HTTP/1.1\r\nHost: localhost\r\nX: y",
        "POST /size HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n12345",
        "GET /text HTTP/1.1\r\nHost: localhost\r\n\r\n", "GET /fa", ""};
    static const char *const wanted[] = {"HTTP/1.1 408", "HTTP/1.1 408", "HTTP/1.1 200", "", ""};
    enum { COUNT = sizeof(texts) / sizeof(texts[0]) };
    struct own own;
    int handles[COUNT];

    own_start(&own, 50);
    for (int i = 0; i < COUNT; i++) {
        handles[i] = raw_open(&own.api);
        raw_text(handles[i], texts[i]);
    }
    for (int i = 0; i < COUNT; i++) {
        bool open = false;
        char *text = raw_read(handles[i], 10, &open);
        CHECK(!open && strncmp(text, wanted[i], strlen(wanted[i])) == 0);
        CHECK((text[0] == '\0') == (wanted[i][0] == '\0'));
        CHECK(text[0] == '\0' || !strstr(text + 1, "HTTP/1.1 4"));
        free(text);
        (void)close(handles[i]);
    }
    own_stop(&own);
}

TEST(
    "what a request waits for may come in any moment, and its time may be longer than the patience "
    "with silent clients")
{
    struct own own;
    int64_t other = 2;

    own_start(&own, 50);
    json_t *answer = api_get(&own.api, "/later", 200);
    CHECK_INT(integer_at(answer, "note"), 42);
    json_decref(answer);
    int handle = raw_open(&own.api);
    raw_text(handle, "GET /late HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    nap(0.2);
    http_stir(own.http, &other, 1); /* of no interest */
    http_stir(own.http, NULL, -1);  /* its handler is asked, and waits on */
    double start = seconds_now();
    char *text = raw_read(handle, 10, NULL);
    CHECK(strstr(text, "{\"late\":true}"));
    CHECK(seconds_now() - start > 2.5);
    free(text);
    (void)close(handle);
    check_problem(api_get(&own.api, "/late?never", 500), 500, "no answer");
    own_stop(&own);
}
