/* Own HTTP: the handlers and the server. */
#include "tests/server/own_http.h"

#include "core/field.h"
#include "tests/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* Its event comes in the worst moment: between "nothing new" and falling asleep. */
struct unlucky {
    struct http_stream stream;
    struct app *app;
    bool published;
};

static enum http_more publish_late(struct http_stream *stream, struct db *db, struct body *out,
                                   struct error *error)
{
    struct unlucky *unlucky = (struct unlucky *)stream;

    (void)db;
    (void)error;
    if (unlucky->published) {
        body_text(out, "heard");
        return HTTP_END;
    }
    unlucky->published = true;
    http_publish(unlucky->app->http, ++unlucky->app->published);
    return HTTP_IDLE;
}

static bool handle_unlucky(const struct http_request *request, struct http_response *response,
                           struct error *error)
{
    struct unlucky *unlucky = calloc(1, sizeof(*unlucky));

    (void)error;
    CHECK(unlucky);
    unlucky->stream = (struct http_stream){publish_late, drop_stream, -1, true, ": still here\n\n"};
    unlucky->app = request->app;
    response->status = 200;
    response->content_type = "text/plain";
    response->stream = &unlucky->stream;
    return true;
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
        counting->stream = (struct http_stream){idle, drop_stream, -1, true, ": still here\n\n"};
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

static bool handle_file(const struct http_request *request, struct http_response *response,
                        struct error *error)
{
    struct body body = {0};
    long sum = 0, size = 0;
    FILE *file = request->body_file ? fopen(request->body_file, "rb") : NULL;

    if (!file)
        return error_set(error, ERROR_INVALID, "", "there is no file");
    for (int c = fgetc(file); c != EOF; c = fgetc(file), size++)
        sum += c;
    (void)fclose(file);
    CHECK_INT(size, (int64_t)request->body_size);
    if (http_query(request, "keep"))
        CHECK(rename(request->body_file, "kept") == 0);
    body_print(&body, "{\"size\":%ld,\"sum\":%ld}", size, sum);
    return http_response_json(response, 200, &body, error);
}

static bool handle_wait(const struct http_request *request, struct http_response *response,
                        struct error *error)
{
    struct body body = {0};

    CHECK(request->db != NULL);
    nap(0.3);
    if (strcmp(request->method, "POST") == 0)
        return start(request, response, problem_write);
    body_text(&body, "{\"waited\":true}");
    return http_response_json(response, 200, &body, error);
}

/* With how many others it was here at once, at most. */
static bool handle_alone(const struct http_request *request, struct http_response *response,
                         struct error *error)
{
    struct app *app = request->app;

    if (atomic_fetch_add(&app->alone, 1) > 0)
        atomic_store(&app->crowded, true);
    bool good = handle_wait(request, response, error);
    atomic_fetch_sub(&app->alone, 1);
    return good;
}

/* What it waits for comes in the worst moment: between "not yet" and falling asleep. */
static bool handle_later(const struct http_request *request, struct http_response *response,
                         struct error *error)
{
    static const int64_t key = 7;
    struct body body = {0};

    if (!request->waited.again) {
        http_stir(request->app->http, &key, 1);
        response->later = (struct http_later){.milliseconds = 60000, .key = key, .note = 42};
        return true;
    }
    body_print(&body, "{\"note\":%d}", (int)request->waited.note);
    return http_response_json(response, 200, &body, error);
}

/* Answers when the time is over, or, with ?never, not even then. */
static bool handle_late(const struct http_request *request, struct http_response *response,
                        struct error *error)
{
    struct body body = {0};

    if (!request->waited.late || http_query(request, "never")) {
        response->later = (struct http_later){.milliseconds = 3000, .key = 1};
        return true;
    }
    body_text(&body, "{\"late\":true}");
    return http_response_json(response, 200, &body, error);
}

static const struct query late_queries[] = {{"never"}, {NULL}};
static const struct query file_queries[] = {{"keep"}, {NULL}};
static const struct query stream_queries[] = {{"break"}, {"live"}, {NULL}};
static const struct query text_queries[] = {{"size"}, {NULL}};

static const struct route own_routes[] = {
    {.method = "GET", .pattern = "/fail", .handle = fail_with_a_path},
    {.method = "POST", .pattern = "/slow", .handle = handle_slow},
    {.method = "POST", .pattern = "/failing", .handle = handle_failing},
    {.method = "POST", .pattern = "/problem", .handle = handle_problem},
    {.method = "GET", .pattern = "/stream", .handle = handle_stream, .queries = stream_queries},
    {.method = "GET", .pattern = "/unlucky", .handle = handle_unlucky},
    {.method = "POST", .pattern = "/size", .handle = handle_size, .body_limit = 8 << 20},
    {.method = "GET", .pattern = "/text", .handle = own_text, .queries = text_queries},
    {.method = "GET", .pattern = "/numbers", .handle = own_numbers},
    {.method = "GET", .pattern = "/lines", .handle = own_lines},
    {.method = "GET", .pattern = "/later", .handle = handle_later},
    {.method = "GET", .pattern = "/late", .handle = handle_late, .queries = late_queries},
    {.method = "GET", .pattern = "/wait", .handle = handle_wait, .flags = ROUTE_SLOW},
    {.method = "POST", .pattern = "/wait", .handle = handle_wait, .flags = ROUTE_SLOW},
    {.method = "GET",
     .pattern = "/long",
     .handle = handle_wait,
     .flags = ROUTE_SLOW,
     .pace = PACE_SECONDS},
    {.method = "GET",
     .pattern = "/alone",
     .handle = handle_alone,
     .flags = ROUTE_SLOW,
     .pace = PACE_ALONE},
    {.method = "POST",
     .pattern = "/file",
     .handle = handle_file,
     .queries = file_queries,
     .flags = ROUTE_BODY_FILE,
     .body_limit = 64 << 20},
};

/* ---- the server in the test's own process ---- */

void own_start(struct own *own, int heartbeat)
{
    struct error error = {0};
    struct http_setup setup = {.listen = "127.0.0.1:0",
                               .routes = own_routes,
                               .route_count = COUNT_OF(own_routes),
                               .app = &own->app,
                               .spool = "incoming",
                               .clerks = 2,
                               .heartbeat = heartbeat,
                               .patience = 2};

    memset(own, 0, sizeof(*own));
    if (!store_open("own", &own->store, &error))
        FAIL("%s: %s", error.where, error.text);
    setup.store = own->store;
    if (!http_start(&setup, &own->http, &error))
        FAIL("%s: %s", error.where, error.text);
    own->app.http = own->http;
    (void)snprintf(own->api.address, sizeof(own->api.address), "%s", http_address(own->http));
    CHECK(sscanf(strrchr(own->api.address, ':'), ":%d", &own->api.port) == 1);
}

void own_stop(struct own *own)
{
    http_stop(own->http);
    store_close(own->store);
}
