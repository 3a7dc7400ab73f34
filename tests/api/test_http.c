/* HTTP itself: shapes of messages that must be refused, headers that must be there, clients that
 * misbehave. */
#include "tests/api/support.h"

#include "core/field.h"
#include "tests/harness.h"
#include "tests/server/workshop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

TEST("message shapes that two parsers could read in two ways are refused and the connection is "
     "closed")
{
    struct api api;

    api_start(&api);
    raw_check_refused(&api,
                      "POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
                      "2\r\nContent-Length: 30\r\n\r\n"
                      "{}GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n",
                      "400");
    raw_check_refused(
        &api,
        "GET /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nContent-Length: 27\r\n\r\n"
        "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "400");
    raw_check_refused(
        &api,
        "POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n"
        "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "400");
    raw_check_refused(
        &api,
        "POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "400");
    raw_check_refused(&api,
                      "POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
                      "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                      "400");
    raw_check_refused(
        &api,
        "POST /v1/jobs HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "400");
    raw_check_refused(
        &api, "POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length : 2\r\n\r\n{}", "400");
    raw_check_refused(&api, "GET /livez HTTP/1.1\r\n\r\n", "400");
    raw_check_refused(&api, "GET /livez HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n",
                      "400");
    raw_check_refused(&api, "GET /livez HTTP/1.9\r\nHost: localhost\r\n\r\n", "505");
    json_decref(api_get(&api, "/livez", 200));
    api_stop(&api);
}

TEST("a line that begins with a colon does not end the head, and a NUL does not hide the rest")
{
    static const char with_nul[] = "GET /livez HTTP/1.1\r\nHost: localhost\r\nX: a\0b\r\n\r\n";
    struct api api;

    api_start(&api);
    raw_check_refused(&api,
                      "GET /livez HTTP/1.1\r\nHost: localhost\r\n: x\r\nContent-Length: 44\r\n\r\n"
                      "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n",
                      "400");
    raw_check_refused(&api, "GET /livez HTTP/1.1\r\n: x\r\nHost: localhost\r\n\r\n", "400");
    int handle = raw_open(&api);
    raw_send(handle, with_nul, sizeof(with_nul) - 1);
    char *answer = raw_read(handle, 5, NULL);
    CHECK(strncmp(answer, "HTTP/1.1 400", 12) == 0);
    free(answer);
    (void)close(handle);
    api_stop(&api);
}

TEST("a folded header cannot hide what frames a message or names the host")
{
    struct api api;

    api_start(&api);
    raw_check_refused(
        &api,
        "POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding:\r\n chunked\r\n\r\n"
        "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "400");
    raw_check_refused(&api,
                      "GET /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length:\r\n 44\r\n\r\n"
                      "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n",
                      "400");
    raw_check_refused(&api, "GET /livez HTTP/1.1\r\nHos: localhost\r\n t\r\n\r\n", "400");
    json_decref(api_get(&api, "/livez", 200));
    api_stop(&api);
}

TEST("requests one after the other in one packet are answered in order")
{
    struct api api;
    bool open = false;

    api_start(&api);
    char *answer = raw_talk(
        &api,
        "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
        "GET /v1/datasets/tiny HTTP/1.1\r\nHost: localhost\r\n\r\n"
        "POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        "Content-Length: 2\r\n\r\n{}"
        "POST /v1/jobs/aaaaaaaaaaaa/cancel HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"
        "GET /nothing HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        5, &open);
    const char *statuses[] = {"200", "200", "422", "404", "404"};
    const char *at = answer;
    for (int i = 0; i < 5; i++) {
        at = strstr(at, "HTTP/1.1 ");
        if (!at || strncmp(at + 9, statuses[i], 3) != 0)
            FAIL("answer %d is not %s in: %s", i, statuses[i], answer);
        at += 9;
    }
    CHECK(!open);
    free(answer);
    api_stop(&api);
}

static void check_call(const struct api *api, const struct call *call, int status)
{
    struct answer answer = api_call(api, call);

    if (answer.status != status)
        FAIL("%s %s %s gave %d and not %d: %s", call->method ? call->method : "", call->path,
             call->headers[0] ? call->headers[0] : "", answer.status, status, answer.body);
    answer_drop(&answer);
}

TEST("only the daemon's own names are taken as Host")
{
    struct api api;
    static const char *const right[] = {"Host: localhost", "Host: LOCALHOST:9999",
                                        "Host: 127.0.0.1:80", "Host: 127.9.9.9:1",
                                        "Host: [::1]:8080"};
    static const char *const wrong[] = {"Host: evil.example",
                                        "Host: evil.example:8080",
                                        "Host: 192.168.1.1",
                                        "Host: localhost.evil.com",
                                        "Host: [::1",
                                        "Host: localhost:x",
                                        "Host: 127.0.0.1.nip.io",
                                        "Host: @localhost"};

    api_start(&api);
    for (size_t i = 0; i < COUNT_OF(right); i++)
        check_call(&api, &(struct call){.path = "/livez", .headers = {right[i]}}, 200);
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        check_call(&api, &(struct call){.path = "/livez", .headers = {wrong[i]}}, 421);
    api_stop(&api);
}

TEST("a page of another origin can change nothing")
{
    struct api api;
    char *spec = tiny_spec(""), own[128];
    static const char *const foreign[] = {"Origin: http://evil.example", "Origin: null",
                                          "Origin: http://localhost:1",
                                          "Origin: http://127.0.0.1.evil.example"};

    api_start(&api);
    for (size_t i = 0; i < COUNT_OF(foreign); i++) {
        check_call(&api, &(struct call){.path = "/v1/jobs", .body = spec, .headers = {foreign[i]}},
                   403);
        check_call(&api,
                   &(struct call){.method = "POST",
                                  .path = "/v1/jobs/aaaaaaaaaaaa/cancel",
                                  .headers = {foreign[i]}},
                   403);
    }
    (void)snprintf(own, sizeof(own), "Origin: http://%s", api.address);
    check_call(&api, &(struct call){.path = "/v1/jobs", .body = spec, .headers = {own}}, 201);
    json_t *list = api_get(&api, "/v1/jobs", 200);
    CHECK_COUNT(json_array_size(json_at(list, "items")), 1);
    json_decref(list);
    api_stop(&api);
    free(spec);
}

TEST("every answer carries the headers that keep a browser safe, and no answer may be embedded")
{
    struct api api;
    static const char *const paths[] = {"/livez",       "/nothing",   "/v1/jobs?x=1",
                                        "/v1/jobs/%00", "/v1/events", "/"};

    api_start(&api);
    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        struct answer answer = api_call(&api, &(struct call){.method = "HEAD", .path = paths[i]});
        CHECK(strstr(answer_header(&answer, "Content-Security-Policy"), "default-src 'none'"));
        CHECK(strstr(answer_header(&answer, "Content-Security-Policy"), "frame-ancestors 'none'"));
        CHECK_TEXT(answer_header(&answer, "X-Content-Type-Options"), "nosniff");
        CHECK_TEXT(answer_header(&answer, "Referrer-Policy"), "no-referrer");
        CHECK_TEXT(answer_header(&answer, "Cross-Origin-Resource-Policy"), "same-origin");
        CHECK_TEXT(answer_header(&answer, "Access-Control-Allow-Origin"), "");
        CHECK(strcmp(answer_header(&answer, "Cache-Control"), i == 5 ? "no-cache" : "no-store") ==
              0);
        answer_drop(&answer);
    }
    api_stop(&api);
}

TEST("HEAD answers like GET without a body")
{
    struct api api;

    api_start(&api);
    struct answer get = api_call(&api, &(struct call){.path = "/v1/datasets"});
    struct answer head = api_call(&api, &(struct call){.method = "HEAD", .path = "/v1/datasets"});
    char length[32];
    CHECK_INT(head.status, 200);
    CHECK_COUNT(head.size, 0);
    (void)snprintf(length, sizeof(length), "%s", answer_header(&get, "Content-Length"));
    CHECK_TEXT(answer_header(&head, "Content-Length"), length);
    answer_drop(&get);
    answer_drop(&head);
    check_call(&api, &(struct call){.method = "HEAD", .path = "/v1/jobs/aaaaaaaaaaaa"}, 404);
    api_stop(&api);
}

TEST("HEAD of a stream has no body, not even the end of one, and tells no length")
{
    struct api api;
    bool open = true;

    api_start(&api);
    char *answer = raw_talk(&api, "HEAD /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n", 5, &open);
    const char *end = strstr(answer, "\r\n\r\n");
    CHECK(strncmp(answer, "HTTP/1.1 200", 12) == 0);
    CHECK(end && end[4] == '\0');
    CHECK(!strcasestr(answer, "\r\nContent-Length:"));
    CHECK(!open);
    free(answer);
    api_stop(&api);
}

static void check_allow(const struct api *api, const char *method, const char *path,
                        const char *allow)
{
    struct answer answer = api_call(api, &(struct call){.method = method, .path = path});

    CHECK_INT(answer.status, 405);
    CHECK_TEXT(answer_header(&answer, "Allow"), allow);
    check_problem(json_incref(answer.json), 405, allow);
    answer_drop(&answer);
}

TEST("wrong methods get 405 with those that are right, and unknown addresses 404")
{
    struct api api;

    api_start(&api);
    check_allow(&api, "PUT", "/v1/jobs", "POST, GET, HEAD, OPTIONS");
    check_allow(&api, "GET", "/v1/jobs/aaaaaaaaaaaa/cancel", "POST, OPTIONS");
    check_allow(&api, "POST", "/livez", "GET, HEAD, OPTIONS");
    check_allow(&api, "DELETE", "/", "GET, HEAD, OPTIONS");
    check_allow(&api, "PROPFIND", "/v1/jobs", "POST, GET, HEAD, OPTIONS");
    check_call(&api, &(struct call){.method = "PROPFIND", .path = "/v1/nothing"}, 404);
    check_call(&api, &(struct call){.path = "/v1/job"}, 404);
    check_call(&api, &(struct call){.path = "/v1/jobs/"}, 404);
    check_call(&api, &(struct call){.path = "//v1/jobs"}, 404);
    check_call(&api, &(struct call){.path = "/a/b/c/d/e/f/g/h/i/j/k"}, 404);
    check_call(&api, &(struct call){.path = "/../../etc/passwd"}, 404);
    check_call(&api,
               &(struct call){.method = "PATCH", .path = "/v1/jobs/aaaaaaaaaaaa", .body = "{}"},
               404);
    check_call(&api, &(struct call){.method = "DELETE", .path = "/v1/jobs/aaaaaaaaaaaa"}, 404);
    api_stop(&api);
}

TEST("addresses with bad escapes, control characters or too many bytes are refused")
{
    struct api api;
    char path[3000];

    api_start(&api);
    check_call(&api, &(struct call){.path = "/v1/jobs/%zz"}, 400);
    check_call(&api, &(struct call){.path = "/v1/jobs/%0"}, 400);
    check_call(&api, &(struct call){.path = "/v1/jobs/a%00b"}, 400);
    check_call(&api, &(struct call){.path = "/v1/jobs?limit=%0a1"}, 400);
    memset(path, 'a', sizeof(path));
    path[0] = '/';
    path[sizeof(path) - 1] = '\0';
    check_call(&api, &(struct call){.path = path}, 414);
    raw_check_refused(
        &api, "GET http://localhost/livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        "400");
    api_stop(&api);
}

TEST("a body where none belongs is refused")
{
    struct api api;

    api_start(&api);
    check_call(&api, &(struct call){.method = "GET", .path = "/livez", .body = "{}"}, 400);
    check_call(&api, &(struct call){.path = "/v1/jobs/aaaaaaaaaaaa/cancel", .body = "{}"}, 400);
    json_decref(api_get(&api, "/livez", 200));
    api_stop(&api);
}

TEST("clients that leave in the middle of anything leave nothing behind")
{
    struct api api;
    char *spec = tiny_spec("\"epochs\": 1"), request[2048];
    struct linger reset = {.l_onoff = 1};

    api_start(&api);
    (void)snprintf(request, sizeof(request),
                   "POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                   "Content-Length: %zu\r\n\r\n%s",
                   strlen(spec), spec);
    for (int i = 0; i < 40; i++) {
        int handle = raw_open(&api);
        /* Inside the headers, inside the body, and right behind it, while the writer works. */
        size_t cut = i % 4 == 3 ? strlen(request) : strlen(request) * (size_t)(i % 4 + 1) / 4;

        raw_send(handle, request, cut);
        if (i % 2 == 0)
            CHECK(setsockopt(handle, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) == 0);
        (void)close(handle);
    }
    for (int i = 0; i < 10; i++) {
        int handle = events_open(&api, "/v1/events", 0);

        nap(0.002 * i);
        CHECK(setsockopt(handle, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) == 0);
        (void)close(handle);
    }
    json_decref(api_get(&api, "/livez", 200));
    api_stop(&api);
    free(spec);
}

TEST("a connection that sends nothing more does not keep the daemon from stopping")
{
    struct api api;
    double start;

    api_start(&api);
    int half = raw_open(&api);
    int idle = raw_open(&api);
    raw_text(half, "POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                   "Content-Length: 500\r\n\r\n{\"data");
    raw_text(idle, "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n");
    nap(0.05);
    start = seconds_now();
    api_stop(&api);
    CHECK(seconds_now() - start < 5.0 * test_slowdown());
    (void)close(half);
    (void)close(idle);
}
