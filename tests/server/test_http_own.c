/* HTTP with routes of its own: what the real handlers cannot be made to do. */
#include "core/field.h"
#include "server/http.h"

#include "tests/api/support.h"
#include "tests/harness.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct app {
    int after;          /* how often `after` was called, in the writer's thread */
    atomic_int dropped; /* contexts of writes */
};

/* ---- handlers ---- */

static bool fail_with_a_path(const struct http_request *request, struct http_response *response,
                             struct error *error)
{
    (void)request;
    (void)response;
    return error_set(error, ERROR_IO, "/var/lib/secret", "cannot open /var/lib/secret: No space");
}

static void count_after(struct app *app, int64_t number)
{
    app->after += (int)number;
}

static bool slow_write(struct db *db, void *context, struct http_response *response,
                       struct error *error)
{
    struct body body = {0};

    (void)db;
    (void)context;
    nap(0.3);
    body_text(&body, "{\"slow\":true}");
    response->after = count_after;
    response->after_number = 1;
    return http_response_json(response, 200, &body, error);
}

static bool failing_write(struct db *db, void *context, struct http_response *response,
                          struct error *error)
{
    (void)db;
    (void)context;
    response->after = count_after;
    response->after_number = 1000;
    return error_set(error, ERROR_CONFLICT, "", "too late");
}

static bool problem_write(struct db *db, void *context, struct http_response *response,
                          struct error *error)
{
    (void)db;
    (void)error;
    http_problem(response, 409, NULL, "%s",
                 (const char *)context); /* the context must still live */
    return true;
}

static void drop_context(void *context)
{
    struct app **app = (struct app **)((char *)context + 16);

    atomic_fetch_add(&(*app)->dropped, 1);
    free(context);
}

static bool start(const struct http_request *request, struct http_response *response,
                  bool (*run)(struct db *, void *, struct http_response *, struct error *))
{
    char *context = calloc(1, 16 + sizeof(struct app *));

    CHECK(context);
    memcpy(context, "context", 8);
    memcpy(context + 16, &request->app, sizeof(struct app *));
    response->write = (struct http_write){run, context, drop_context};
    return true;
}

static bool handle_slow(const struct http_request *request, struct http_response *response,
                        struct error *error)
{
    (void)error;
    return start(request, response, slow_write);
}

static bool handle_failing(const struct http_request *request, struct http_response *response,
                           struct error *error)
{
    (void)error;
    return start(request, response, failing_write);
}

static bool handle_problem(const struct http_request *request, struct http_response *response,
                           struct error *error)
{
    (void)error;
    return start(request, response, problem_write);
}

struct counting {
    struct http_stream stream;
    int calls;
    bool breaks;
};

/* Nothing at every second call; a line at the others. */
static enum http_more count_on(struct http_stream *stream, struct db *db, struct body *out,
                               struct error *error)
{
    struct counting *counting = (struct counting *)stream;

    (void)db;
    counting->calls++;
    if (counting->breaks && counting->calls == 50) {
        (void)error_set(error, ERROR_CORRUPT, "test", "broken on purpose");
        return HTTP_BROKEN;
    }
    if (counting->calls % 2 == 0)
        body_print(out, "%d\n", counting->calls);
    return counting->calls == 100 ? HTTP_END : HTTP_MORE;
}

/* Never anything: a live stream of which only the heart beats. */
static enum http_more idle(struct http_stream *stream, struct db *db, struct body *out,
                           struct error *error)
{
    (void)stream;
    (void)db;
    (void)out;
    (void)error;
    return HTTP_IDLE;
}

static void drop_stream(struct http_stream *stream)
{
    free(stream);
}

static bool handle_stream(const struct http_request *request, struct http_response *response,
                          struct error *error)
{
    struct counting *counting = calloc(1, sizeof(*counting));

    (void)error;
    CHECK(counting);
    counting->stream = (struct http_stream){.next = count_on, .drop = drop_stream, .size = -1};
    counting->breaks = http_query(request, "break") != NULL;
    if (http_query(request, "live"))
        counting->stream = (struct http_stream){idle, drop_stream, -1, true};
    response->status = 200;
    response->content_type = "text/plain";
    response->stream = &counting->stream;
    return true;
}

static bool handle_size(const struct http_request *request, struct http_response *response,
                        struct error *error)
{
    struct body body = {0};

    body_print(&body, "{\"size\":%zu}", strlen(request->body));
    return http_response_json(response, 200, &body, error);
}

static const char *const stream_queries[] = {"break", "live", NULL};

static const struct route own_routes[] = {
    {.method = "GET", .pattern = "/fail", .handle = fail_with_a_path},
    {.method = "POST", .pattern = "/slow", .handle = handle_slow},
    {.method = "POST", .pattern = "/failing", .handle = handle_failing},
    {.method = "POST", .pattern = "/problem", .handle = handle_problem},
    {.method = "GET", .pattern = "/stream", .handle = handle_stream, .queries = stream_queries},
    {.method = "POST", .pattern = "/size", .handle = handle_size, .body_limit = 8 << 20},
};

/* ---- the server in the test's own process ---- */

struct own {
    struct app app;
    struct store *store;
    struct http *http;
    struct api api;
};

static void own_start(struct own *own)
{
    struct error error = {0};
    struct http_setup setup = {.listen = "127.0.0.1:0",
                               .routes = own_routes,
                               .route_count = COUNT_OF(own_routes),
                               .app = &own->app,
                               .heartbeat = 50};

    memset(own, 0, sizeof(*own));
    if (!store_open("own", &own->store, &error))
        FAIL("%s: %s", error.where, error.text);
    setup.store = own->store;
    if (!http_start(&setup, &own->http, &error))
        FAIL("%s: %s", error.where, error.text);
    (void)snprintf(own->api.address, sizeof(own->api.address), "%s", http_address(own->http));
    CHECK(sscanf(strrchr(own->api.address, ':'), ":%d", &own->api.port) == 1);
}

static void own_stop(struct own *own)
{
    http_stop(own->http);
    store_close(own->store);
}

TEST("a failure that is not the client's tells nothing of this machine")
{
    struct own own;

    own_start(&own);
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

    own_start(&own);
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

    own_start(&own);
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

    own_start(&own);
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

    own_start(&own);
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

    own_start(&own);
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

TEST("a port that is taken is an error that names it")
{
    struct own own;
    struct error error = {0};
    struct http *second = NULL;
    struct http_setup setup = {.routes = own_routes, .route_count = 1};

    own_start(&own);
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
    own_start(&own);
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
