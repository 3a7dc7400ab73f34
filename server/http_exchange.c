/* Exchange: one request from its first line to its answer, as a small machine that libmicrohttpd
 * calls again and again. Knows no route. */
#include "server/http_internal.h"

#include <stdlib.h>
#include <string.h>

struct http_exchange *exchange_new(struct http *http, struct MHD_Connection *connection,
                                   const char *uri)
{
    struct http_exchange *exchange = calloc(1, sizeof(*exchange));

    if (!exchange)
        return NULL;
    exchange->http = http;
    exchange->connection = connection;
    exchange->request.exchange = exchange;
    exchange->request.app = http->setup.app;
    exchange->request.db = http->db;
    exchange->uri = strlen(uri) <= TARGET_SIZE_MAX ? strdup(uri) : NULL;
    return exchange;
}

static void count_answer(struct http_exchange *exchange, int by)
{
    struct http_hub *hub = &exchange->http->hub;

    pthread_mutex_lock(&hub->lock);
    hub->answer_count += by;
    exchange->counted = by > 0;
    pthread_cond_broadcast(&hub->changed);
    pthread_mutex_unlock(&hub->lock);
}

static void free_body(struct http_exchange *exchange)
{
    exchange->http->body_bytes -= exchange->body_room;
    exchange->body_room = 0;
    free(exchange->body);
    exchange->body = NULL;
}

void exchange_free(struct http_exchange *exchange)
{
    if (!exchange)
        return;
    if (exchange->counted)
        count_answer(exchange, -1);
    free_body(exchange);
    http_response_drop(&exchange->response);
    target_drop(&exchange->target);
    free(exchange->uri);
    free(exchange);
}

/* The problem is in exchange->response already. */
static void refuse(struct http_exchange *exchange)
{
    exchange->phase = EXCHANGE_REFUSED;
    free_body(exchange);
}

/* Whether to answer before the body is here: a client that waits for 100 Continue, or sends more
 * than we care to throw away, or whose body has no certain end. */
static bool answer_early(const struct http_exchange *exchange)
{
    return exchange->close || exchange->declared > HTTP_DRAIN_MAX ||
           http_header(&exchange->request, MHD_HTTP_HEADER_EXPECT) != NULL;
}

static enum MHD_Result begin(struct http_exchange *exchange, const char *method,
                             const char *version)
{
    count_answer(exchange, 1);
    exchange->phase = EXCHANGE_READING;
    if (!request_check(exchange, method, version)) {
        refuse(exchange);
        if (answer_early(exchange)) {
            exchange->close = true;
            return response_send(exchange);
        }
    }
    return MHD_YES;
}

static bool grow_body(struct http_exchange *exchange, size_t wanted)
{
    struct http *http = exchange->http;
    size_t room = exchange->body_room ? exchange->body_room : 4096;
    char *grown;

    while (room <= wanted)
        room *= 2;
    if (room == exchange->body_room)
        return true;
    if (http->body_bytes + (room - exchange->body_room) > HTTP_BODIES_MAX)
        return false;
    grown = realloc(exchange->body, room);
    if (!grown)
        return false;
    http->body_bytes += room - exchange->body_room;
    exchange->body = grown;
    exchange->body_room = room;
    return true;
}

static enum MHD_Result collect(struct http_exchange *exchange, const struct exchange_piece *piece)
{
    size_t size = exchange->body_size + piece->size;

    if (exchange->phase == EXCHANGE_READING && size > exchange->route->body_limit) {
        http_problem(&exchange->response, exchange->route->body_limit ? 413 : 400, NULL,
                     "the body may have at most %zu bytes", exchange->route->body_limit);
        refuse(exchange);
    }
    if (exchange->phase == EXCHANGE_READING && !grow_body(exchange, size)) {
        http_problem(&exchange->response, 503, NULL, "no memory for the body just now");
        refuse(exchange);
    }
    if (exchange->phase == EXCHANGE_READING) {
        memcpy(exchange->body + exchange->body_size, piece->bytes, piece->size);
        exchange->body[size] = '\0';
    }
    exchange->body_size = size;
    /* In the middle of a body libmicrohttpd takes no answer: all that is left is to hang up. */
    return size > HTTP_DRAIN_MAX ? MHD_NO : MHD_YES;
}

/* ---- the writer's half ---- */

static bool write_in_store(struct db *db, void *context, struct error *error)
{
    struct http_exchange *exchange = context;
    struct http_write *write = &exchange->response.write;

    return write->run(db, write->context, &exchange->response, error);
}

/* Makes *error the answer. The user hears what he can mend; the rest is for the log. */
static void answer_error(struct http_exchange *exchange, const struct error *error)
{
    if (error->kind == ERROR_IO || error->kind == ERROR_CORRUPT || error->kind == ERROR_INTERNAL)
        log_line(exchange->http->setup.log, LOG_ERROR, "%s %s: %s: %s", exchange->request.method,
                 exchange->request.path, error->where, error->text);
    http_response_drop(&exchange->response);
    http_problem_from(&exchange->response, error);
}

static void write_is_done(void *context, const struct error *error)
{
    struct http_exchange *exchange = context;
    struct http_hub *hub = &exchange->http->hub;
    struct http_response *response = &exchange->response;

    if (error)
        answer_error(exchange, error);
    else if (response->after)
        response->after(exchange->http->setup.app, response->after_number);
    pthread_mutex_lock(&hub->lock);
    exchange->phase = EXCHANGE_DONE;
    hub->write_count--;
    pthread_cond_broadcast(&hub->changed);
    /* After this line the exchange may be gone. */
    MHD_resume_connection(exchange->connection);
    pthread_mutex_unlock(&hub->lock);
}

/* Suspends the connection and queues the write. False: the daemon stops, and the response is a
 * problem. */
static bool start_write(struct http_exchange *exchange)
{
    struct http_hub *hub = &exchange->http->hub;
    bool stopping;

    pthread_mutex_lock(&hub->lock);
    stopping = hub->stopping;
    if (!stopping) {
        exchange->phase = EXCHANGE_WRITING;
        hub->write_count++;
        MHD_suspend_connection(exchange->connection);
    }
    pthread_mutex_unlock(&hub->lock);
    if (stopping) {
        http_response_drop(&exchange->response);
        http_problem(&exchange->response, 503, NULL, "the server is stopping");
    } else {
        store_write_later(exchange->http->setup.store, write_in_store, write_is_done, exchange);
    }
    return !stopping;
}

static enum MHD_Result handle(struct http_exchange *exchange)
{
    struct http_request *request = &exchange->request;
    struct http_response *response = &exchange->response;
    struct error error = {0};

    request->body = exchange->body;
    request->body_size = exchange->body_size;
    if (!exchange->route->handle(request, response, &error))
        answer_error(exchange, &error);
    free_body(exchange);
    request->body = NULL;
    if (response->write.run && start_write(exchange))
        return MHD_YES;
    exchange->phase = EXCHANGE_DONE;
    return response_send(exchange);
}

enum MHD_Result exchange_step(struct http_exchange *exchange, const char *method,
                              const char *version, const struct exchange_piece *piece)
{
    struct http_hub *hub = &exchange->http->hub;
    enum exchange_phase phase;

    pthread_mutex_lock(&hub->lock);
    phase = exchange->phase;
    pthread_mutex_unlock(&hub->lock);
    if (phase == EXCHANGE_FRESH)
        return begin(exchange, method, version);
    if (piece)
        return collect(exchange, piece);
    if (phase == EXCHANGE_READING)
        return handle(exchange);
    if (phase == EXCHANGE_WRITING)
        return MHD_YES;
    return response_send(exchange);
}
