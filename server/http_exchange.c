/* Exchange: one request from its first line to its answer, as a small machine that libmicrohttpd
 * calls again and again. Knows no route. */
#include "server/http_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct http_exchange *exchange_new(struct http_peer *peer, struct MHD_Connection *connection,
                                   const char *uri)
{
    struct http_exchange *exchange = calloc(1, sizeof(*exchange));
    struct http *http = peer->http;

    if (!exchange)
        return NULL;
    peer_turn(peer, exchange);
    exchange->peer = peer;
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
    exchange->marks.counted = by > 0;
    pthread_cond_broadcast(&hub->changed);
    pthread_mutex_unlock(&hub->lock);
}

static void free_body(struct http_exchange *exchange)
{
    exchange->http->body_bytes -= exchange->intake.room;
    exchange->intake.room = 0;
    free(exchange->intake.bytes);
    exchange->intake.bytes = NULL;
}

void exchange_end(struct http_exchange *exchange, enum MHD_RequestTerminationCode why)
{
    struct http_response *response = &exchange->response;

    if (why == MHD_REQUEST_TERMINATED_TIMEOUT_REACHED && !exchange->marks.queued) {
        http_response_drop(response);
        http_problem(response, 408, NULL, "the rest of the request did not come");
        refusal_send(exchange->peer, response);
    } else if (exchange->phase == EXCHANGE_REFUSED && !exchange->marks.queued) {
        refusal_send(exchange->peer, response);
    }
    exchange->peer->lingers |= exchange->phase == EXCHANGE_REFUSED && exchange->marks.close;
    access_answer(exchange, why);
}

void exchange_free(struct http_exchange *exchange)
{
    if (!exchange)
        return;
    peer_turn(exchange->peer, NULL);
    if (exchange->marks.counted)
        count_answer(exchange, -1);
    free_body(exchange);
    spool_drop(exchange->intake.spool);
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
    spool_drop(exchange->intake.spool);
    exchange->intake.spool = NULL;
}

/* Whether to answer before the body is here: a client that waits for 100 Continue, or sends more
 * than we care to throw away, or whose body has no certain end. */
static bool answer_early(const struct http_exchange *exchange)
{
    return exchange->marks.close || exchange->intake.declared > HTTP_DRAIN_MAX ||
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
            exchange->marks.close = true;
            return response_send(exchange);
        }
    }
    return MHD_YES;
}

static bool grow_body(struct http_exchange *exchange, size_t wanted)
{
    struct http *http = exchange->http;
    size_t room = exchange->intake.room ? exchange->intake.room : 4096;
    char *grown;

    while (room <= wanted)
        room *= 2;
    if (room == exchange->intake.room)
        return true;
    if (http->body_bytes + (room - exchange->intake.room) > HTTP_BODIES_MAX)
        return false;
    grown = realloc(exchange->intake.bytes, room);
    if (!grown)
        return false;
    http->body_bytes += room - exchange->intake.room;
    exchange->intake.bytes = grown;
    exchange->intake.room = room;
    return true;
}

/* ---- away: the writer or a clerk has it ---- */

/* Suspends the connection. False: the daemon stops. */
static bool leave(struct http_exchange *exchange)
{
    struct http_hub *hub = &exchange->http->hub;
    bool stopping;

    pthread_mutex_lock(&hub->lock);
    stopping = hub->stopping;
    if (!stopping) {
        exchange->phase = EXCHANGE_AWAY;
        hub->away_count++;
        MHD_suspend_connection(exchange->connection);
    }
    pthread_mutex_unlock(&hub->lock);
    return !stopping;
}

/* The same; when it is false the response is a problem. */
static bool send_away(struct http_exchange *exchange)
{
    bool gone = leave(exchange);

    if (!gone) {
        http_response_drop(&exchange->response);
        http_problem(&exchange->response, 503, NULL, "the server is stopping");
    }
    return gone;
}

/* From the thread that had it: the HTTP thread goes on with it in that phase. */
static void come_back(struct http_exchange *exchange, enum exchange_phase phase)
{
    struct http_hub *hub = &exchange->http->hub;

    pthread_mutex_lock(&hub->lock);
    exchange->phase = phase;
    hub->away_count--;
    pthread_cond_broadcast(&hub->changed);
    /* After this line the exchange may be gone. */
    MHD_resume_connection(exchange->connection);
    pthread_mutex_unlock(&hub->lock);
}

/* False: the response is a problem. */
static bool give_away(struct http_exchange *exchange, exchange_errand *errand, enum http_pace pace)
{
    if (!desk_has_room(exchange->http, pace)) {
        http_response_drop(&exchange->response);
        http_problem(&exchange->response, 503, NULL, "too much is asked at once");
        http_response_header(&exchange->response, MHD_HTTP_HEADER_RETRY_AFTER, "1");
        return false;
    }
    if (!send_away(exchange))
        return false;
    desk_give(exchange, errand, pace);
    return true;
}

/* Makes *error the answer. The user hears what he can mend; the rest is for the log. */
static void answer_error(struct http_exchange *exchange, const struct error *error)
{
    if (error->kind == ERROR_IO || error->kind == ERROR_CORRUPT || error->kind == ERROR_INTERNAL)
        log_record(exchange->http->setup.log, LOG_ERROR,
                   LOG_FIELDS(log_text("method", exchange->request.method),
                              log_text("path", exchange->request.path)),
                   "%s%s%s", error->where, error->where[0] ? ": " : "", error->text);
    http_response_drop(&exchange->response);
    request_problem(exchange, error);
}

/* ---- the body ---- */

static void errand_spool(struct http_exchange *exchange, struct db *db)
{
    struct error error = {0};

    (void)db;
    if (spool_write(exchange->intake.spool, &error)) {
        come_back(exchange, EXCHANGE_READING);
        return;
    }
    answer_error(exchange, &error);
    come_back(exchange, EXCHANGE_REFUSED);
}

/* Into the spool; the desk empties it now and then. */
static void collect_in_file(struct http_exchange *exchange, const struct exchange_piece *piece)
{
    struct error error = {0};

    if (!exchange->intake.spool)
        exchange->intake.spool = spool_open(exchange->http->setup.spool, &error);
    if (!exchange->intake.spool) {
        answer_error(exchange, &error);
        refuse(exchange);
    } else if (!spool_add(exchange->intake.spool, piece->bytes, piece->size)) {
        http_problem(&exchange->response, 413, NULL, "a piece of the body is too large");
        refuse(exchange);
    } else if (spool_is_full(exchange->intake.spool) &&
               !give_away(exchange, errand_spool, PACE_SHORT)) {
        refuse(exchange);
    }
}

static void collect_in_memory(struct http_exchange *exchange, const struct exchange_piece *piece)
{
    size_t size = exchange->intake.size + piece->size;

    if (!grow_body(exchange, size)) {
        http_problem(&exchange->response, 503, NULL, "no memory for the body just now");
        refuse(exchange);
        return;
    }
    memcpy(exchange->intake.bytes + exchange->intake.size, piece->bytes, piece->size);
    exchange->intake.bytes[size] = '\0';
}

/* In the middle of a body libmicrohttpd takes no answer: all that is left is to hang up. */
static enum MHD_Result collect(struct http_exchange *exchange, const struct exchange_piece *piece)
{
    size_t size = exchange->intake.size + piece->size;

    exchange->peer->received += piece->size;
    if (exchange->phase == EXCHANGE_READING) {
        uint64_t limit = request_body_limit(exchange);

        if (size > limit) {
            http_problem(&exchange->response, limit ? 413 : 400, NULL,
                         "the body may have at most %" PRIu64 " bytes", limit);
            refuse(exchange);
        } else if (exchange->route->flags & ROUTE_BODY_FILE) {
            exchange->intake.size = size;
            collect_in_file(exchange, piece);
            return MHD_YES;
        } else {
            collect_in_memory(exchange, piece);
        }
    }
    exchange->intake.size = size;
    exchange->intake.thrown += exchange->phase == EXCHANGE_REFUSED ? piece->size : 0;
    return exchange->intake.thrown > HTTP_DRAIN_MAX ? MHD_NO : MHD_YES;
}

/* ---- the writer's half ---- */

static bool write_in_store(struct db *db, void *context, struct error *error)
{
    struct http_exchange *exchange = context;
    struct http_write *write = &exchange->response.write;

    return write->run(db, write->context, &exchange->response, error);
}

static void write_is_done(void *context, const struct error *error)
{
    struct http_exchange *exchange = context;
    struct http_response *response = &exchange->response;

    if (response->write.settled)
        response->write.settled(response->write.context, error == NULL);
    if (error)
        answer_error(exchange, error);
    else if (response->after)
        response->after(exchange->http->setup.app, response->after_number);
    come_back(exchange, EXCHANGE_DONE);
}

/* ---- the handler ---- */

void exchange_ask(struct http_exchange *exchange, struct db *db)
{
    struct http_request *request = &exchange->request;
    struct error error = {0};

    request->db = db;
    request->body = exchange->intake.bytes;
    request->body_size = exchange->intake.size;
    request->body_file = exchange->intake.spool ? spool_path(exchange->intake.spool) : NULL;
    if (!exchange->route->handle(request, &exchange->response, &error))
        answer_error(exchange, &error);
    request->body = NULL;
    request->body_file = NULL;
}

static void errand_handle(struct http_exchange *exchange, struct db *db)
{
    struct error error = {0};

    if (exchange->intake.spool && !spool_write(exchange->intake.spool, &error))
        answer_error(exchange, &error);
    else
        exchange_ask(exchange, db);
    spool_drop(
        exchange->intake.spool); /* before the answer: who has it knows that nothing is left */
    exchange->intake.spool = NULL;
    if (exchange->response.write.run) {
        store_write_later(exchange->http->setup.store, write_in_store, write_is_done, exchange);
        return;
    }
    entity_settle(exchange);
    come_back(exchange, EXCHANGE_DONE);
}

static void errand_settle(struct http_exchange *exchange, struct db *db)
{
    (void)db;
    entity_settle(exchange);
    come_back(exchange, EXCHANGE_DONE);
}

/* A large answer is hashed and packed at the desk, where there is room; else here. */
static bool settle_elsewhere(struct http_exchange *exchange)
{
    if (!entity_is_heavy(exchange) || !desk_has_room(exchange->http, PACE_SHORT) ||
        !leave(exchange))
        return false;
    desk_give(exchange, errand_settle, PACE_SHORT);
    return true;
}

static enum MHD_Result handle(struct http_exchange *exchange)
{
    bool slow = exchange->route->flags & (ROUTE_SLOW | ROUTE_BODY_FILE);

    if (slow && give_away(exchange, errand_handle, exchange->route->pace))
        return MHD_YES;
    if (!slow && !later_ask(exchange))
        return MHD_YES;
    free_body(exchange);
    if (exchange->response.write.run && send_away(exchange)) {
        store_write_later(exchange->http->setup.store, write_in_store, write_is_done, exchange);
        return MHD_YES;
    }
    if (!slow && !exchange->response.write.run && settle_elsewhere(exchange))
        return MHD_YES;
    exchange->phase = EXCHANGE_DONE;
    return response_send(exchange);
}

enum MHD_Result exchange_step(struct http_exchange *exchange, const char *method,
                              const char *version, struct exchange_piece *piece)
{
    struct http_hub *hub = &exchange->http->hub;
    enum exchange_phase phase;

    pthread_mutex_lock(&hub->lock);
    phase = exchange->phase;
    pthread_mutex_unlock(&hub->lock);
    /* A suspended connection gets nothing that is new from the network, but the chunks that were
     * read with the one before it. */
    if (piece && phase == EXCHANGE_AWAY) {
        piece->stays = true;
        return MHD_YES;
    }
    if (phase == EXCHANGE_FRESH || piece) {
        enum MHD_Result result =
            piece ? collect(exchange, piece) : begin(exchange, method, version);
        if (result == MHD_YES)
            later_look_for_end(exchange);
        return result;
    }
    if (phase == EXCHANGE_READING)
        return handle(exchange);
    if (phase == EXCHANGE_AWAY || phase == EXCHANGE_WAITING)
        return MHD_YES;
    return response_send(exchange);
}
