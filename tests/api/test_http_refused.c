/* What must be refused, in what words, and what may follow it. */
#include "tests/api/support.h"

#include "core/field.h"
#include "tests/harness.h"
#include "tests/server/workshop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HOST "Host: localhost\r\n"
#define JSON "Content-Type: application/json\r\n"

TEST("nonsense of every kind gets a problem document, whether we or the library see it first")
{
    static const struct {
        const char *text, *status;
    } rows[] = {
        {"NONSENSE\r\n\r\n", "400"},
        {"GET\r\n\r\n", "400"},
        {"GET /livez\r\n\r\n", "400"},
        {"GET /livez HTTQ/1.1\r\n" HOST "\r\n", "400"},
        {"GET /livez http/1.1\r\n" HOST "\r\n", "400"},
        {"GET /li vez HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", "404"},
        {"GET /livez HTTP/1.1\r\nno colon\r\n" HOST "\r\n", "400"},
        {"GET /livez HTTP/1.1\r\n" HOST "no colon\r\n\r\n", "400"},
        {"GET /livez HTTP/1.1\r\n" HOST ": no name\r\n\r\n", "400"},
        {"GET livez HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", "400"},
        {"GET * HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", "400"},
        {"CONNECT localhost:1 HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", "501"},
        {"TRACE / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", "405"},
        {"BREW /livez HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", "405"},
        {"get /livez HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", "405"},
        {"GET /livez HTTP/2.0\r\n" HOST "\r\n", "505"},
        {"GET /livez HTTP/1.2\r\n" HOST "\r\n", "505"},
        {"GET /livez HTTP/0.9\r\n" HOST "\r\n", "505"},
        {"POST /v1/jobs HTTP/1.1\r\n" HOST JSON "Content-Length: -1\r\n\r\n", "400"},
        {"POST /v1/jobs HTTP/1.1\r\n" HOST JSON "Content-Length: 2x\r\n\r\n{}", "400"},
        {"POST /v1/jobs HTTP/1.1\r\n" HOST JSON "Content-Length:\r\n\r\n", "400"},
        {"POST /v1/jobs HTTP/1.1\r\n" HOST JSON "Content-Length: 99999999999999999999999\r\n\r\n",
         "413"},
        {"POST /v1/jobs HTTP/1.1\r\n" HOST JSON "Content-Length: 99999999999\r\n\r\n{}", "413"},
        {"POST /v1/jobs HTTP/1.1\r\n" HOST JSON
         "Transfer-Encoding: chunked\r\n\r\nxyz\r\n{}\r\n0\r\n\r\n",
         "400"},
        {"POST /v1/jobs HTTP/1.1\r\n" HOST JSON
         "Transfer-Encoding: chunked\r\n\r\n2\r\n{}{}\r\n0\r\n\r\n",
         "400"},
        {"POST /v1/jobs HTTP/1.1\r\n" HOST JSON
         "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
         "413"},
        {"POST /v1/jobs HTTP/1.1\r\n" HOST JSON
         "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nno colon\r\n\r\n",
         "400"},
        {"POST /v1/jobs HTTP/1.1\r\n" HOST JSON "Connection: close\r\n\r\n", "411"},
        {"POST /v1/jobs HTTP/1.0\r\n" HOST JSON "\r\n", "411"},
        {"POST /v1/jobs HTTP/1.1\r\n" HOST "Connection: close\r\nContent-Type: text/plain\r\n"
         "Content-Length: 2\r\n\r\n{}",
         "415"},
        {"POST /v1/jobs HTTP/1.1\r\n" HOST JSON "Content-Encoding: gzip\r\nConnection: close\r\n"
         "Content-Length: 2\r\n\r\n{}",
         "415"},
        {"POST /v1/jobs HTTP/1.1\r\n" HOST JSON "Expect: a miracle\r\nContent-Length: 2\r\n\r\n{}",
         "417"},
    };
    struct api api;

    api_start(&api);
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        raw_check_refused(&api, rows[i].text, rows[i].status);
    json_decref(api_get(&api, "/livez", 200));
    api_stop(&api);
}

/* head, `count` times `piece`, tail. */
static char *repeated(const char *head, const char *piece, int count, const char *tail)
{
    size_t size = strlen(piece) * (size_t)count;
    char *text = malloc(strlen(head) + size + strlen(tail) + 1), *at = text;

    CHECK(text);
    at = stpcpy(at, head);
    for (int i = 0; i < count; i++)
        at = stpcpy(at, piece);
    (void)stpcpy(at, tail);
    return text;
}

static void check_long(const struct api *api, char *text, const char *status)
{
    raw_check_refused(api, text, status);
    free(text);
}

TEST("request lines and headers that are too long are refused, and the client gets to read it")
{
    struct api api;

    api_start(&api);
    check_long(&api, repeated("GET /livez HTTP/1.1\r\n" HOST "X: ", "a", 33000, "\r\n\r\n"), "431");
    check_long(&api, repeated("GET /livez HTTP/1.1\r\n" HOST "X: ", "a", 60000, "\r\n\r\n"), "431");
    check_long(&api, repeated("GET /livez HTTP/1.1\r\n" HOST "X: ", "a", 3000000, "\r\n\r\n"),
               "431");
    check_long(&api, repeated("GET /livez HTTP/1.1\r\n" HOST, "a: b\r\n", 9000, "\r\n"), "431");
    check_long(&api, repeated("GET /", "a", 3000, " HTTP/1.1\r\n" HOST "\r\n"), "414");
    check_long(&api, repeated("GET /", "a", 100000, " HTTP/1.1\r\n" HOST "\r\n"), "414");
    char *text =
        repeated("GET /livez HTTP/1.1\r\n" HOST "Connection: close\r\nX: ", "a", 30000, "\r\n\r\n");
    bool open = false;
    char *answer = raw_talk(&api, text, 5, &open);
    CHECK(!open && strncmp(answer, "HTTP/1.1 200", 12) == 0);
    free(answer);
    free(text);
    api_stop(&api);
}

TEST("a body that is too large is refused so that its sender can read why, declared or in chunks")
{
    struct api api;
    char piece[65537];

    memset(piece, ' ', 65536);
    piece[65536] = '\0';
    api_start(&api);
    check_long(&api,
               repeated("POST /v1/jobs HTTP/1.1\r\n" HOST JSON "Content-Length: 13107200\r\n\r\n",
                        piece, 200, ""),
               "413");
    (void)snprintf(piece, sizeof(piece), "8000\r\n%32768s\r\n", "");
    check_long(&api,
               repeated("POST /v1/jobs HTTP/1.1\r\n" HOST JSON "Transfer-Encoding: chunked\r\n\r\n",
                        piece, 400, "0\r\n\r\n"),
               "413");
    json_decref(api_get(&api, "/livez", 200));
    api_stop(&api);
}

/* The statuses of the answers that came, as "415 200 ". */
static void check_answers(const struct api *api, const char *text, const char *statuses)
{
    bool open = false;
    char *answer = raw_talk(api, text, 5, &open), got[64] = "";

    for (const char *at = strstr(answer, "HTTP/1.1 "); at; at = strstr(at + 9, "HTTP/1.1 "))
        if (strchr("12345", at[9])) /* else it is a sentence */
            (void)snprintf(got + strlen(got), sizeof(got) - strlen(got), "%.3s ", at + 9);
    CHECK(!open);
    CHECK_TEXT(got, statuses);
    free(answer);
}

TEST("what is pipelined behind a refused request is answered when its beginning is certain, and "
     "else never read")
{
    static const char next[] = "GET /livez HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n";
    char text[2048];
    struct api api;
    static const char *const certain[] = {
        "POST /v1/jobs HTTP/1.1\r\n" HOST "Content-Type: text/plain\r\nContent-Length: 4\r\n\r\n"
        "GET ",
        "POST /v1/jobs HTTP/1.1\r\n" HOST "Content-Type: text/plain\r\n"
        "Transfer-Encoding: chunked\r\n\r\n4\r\nGET \r\n0\r\n\r\n",
        "GET /nothing HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\nGET ",
        "POST /v1/jobs HTTP/1.1\r\n" HOST JSON "\r\n",
        "BREW / HTTP/1.1\r\n" HOST "\r\n",
        "GET /livez HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    };
    static const char *const wanted[] = {"415 200 ", "415 200 ", "404 200 ",
                                         "411 200 ", "405 200 ", "421 200 "};
    static const char *const unsure[] = {
        "POST /v1/jobs HTTP/1.1\r\n" HOST JSON "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        "POST /v1/jobs HTTP/1.1\r\n" HOST JSON "Transfer-Encoding: gzip\r\n\r\n",
        "POST /v1/jobs HTTP/1.1\r\n" HOST JSON "Content-Length: 1x\r\n\r\n{",
        "POST /v1/jobs HTTP/1.1\r\n" HOST JSON "Transfer-Encoding: chunked\r\n\r\nx\r\n",
        "GET /livez HTTP/1.1\r\nX: y\r\n\r\n",
    };

    api_start(&api);
    for (size_t i = 0; i < COUNT_OF(certain); i++) {
        (void)snprintf(text, sizeof(text), "%s%s", certain[i], next);
        check_answers(&api, text, wanted[i]);
    }
    for (size_t i = 0; i < COUNT_OF(unsure); i++) {
        (void)snprintf(text, sizeof(text), "%s%s", unsure[i], next);
        check_answers(&api, text, "400 ");
    }
    api_stop(&api);
}

TEST("OPTIONS says what an address may be asked for, and gives no other origin leave")
{
    static const struct {
        const char *path, *allow;
        int status;
    } rows[] = {
        {"/v1/jobs", "POST, GET, HEAD, OPTIONS", 204},
        {"/livez", "GET, HEAD, OPTIONS", 204},
        {"/", "GET, HEAD, OPTIONS", 204},
        {"/v1/jobs/aaaaaaaaaaaa/cancel", "POST, OPTIONS", 204},
        {"/nothing", "", 404},
    };
    struct api api;

    api_start(&api);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct answer answer =
            api_call(&api, &(struct call){.method = "OPTIONS",
                                          .path = rows[i].path,
                                          .headers = {"Origin: http://evil.example",
                                                      "Access-Control-Request-Method: POST"}});
        CHECK_INT(answer.status, rows[i].status);
        CHECK_TEXT(answer_header(&answer, "Allow"), rows[i].allow);
        CHECK(!strcasestr(answer.head, "access-control"));
        CHECK_TEXT(answer_header(&answer, "X-Content-Type-Options"), "nosniff");
        answer_drop(&answer);
    }
    char *answer = raw_talk(&api, "OPTIONS * HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", 5,
                            &(bool){false});
    CHECK(strncmp(answer, "HTTP/1.1 204", 12) == 0 && strstr(answer, "Allow: GET, HEAD, POST"));
    free(answer);
    api_stop(&api);
}

TEST("a header that has one value and stands there twice is refused, and nothing is done")
{
    static const char *const rows[] = {
        JSON "Idempotency-Key: a\r\nidempotency-key: b\r\n",
        JSON "Content-Type: text/plain\r\n",
        JSON "Origin: http://localhost\r\nOrigin: http://elsewhere\r\n",
        JSON "Authorization: Bearer a\r\nAuthorization: Bearer b\r\n",
        JSON "If-Match: *\r\nIf-Match: \"1\"\r\n",
    };
    char *body = tiny_spec(""), text[1600];
    struct api api;

    api_start(&api);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        (void)snprintf(text, sizeof(text),
                       "POST /v1/jobs HTTP/1.1\r\n" HOST "%sConnection: close\r\n"
                       "Content-Length: %zu\r\n\r\n%s",
                       rows[i], strlen(body), body);
        raw_check_refused(&api, text, "400");
    }
    json_t *list = api_get(&api, "/v1/jobs", 200);
    CHECK_COUNT(json_array_size(json_at(list, "items")), 0);
    json_decref(list);
    free(body);
    api_stop(&api);
}
