/* Desk: the clerks, threads that do what would keep the HTTP thread from its other connections:
 * slow handlers, and bodies that go to a file. Knows no route.
 *
 * The connection is suspended while its exchange is at the desk, so nobody else touches it. */
#include "server/http_internal.h"

#include <stdlib.h>
#include <string.h>

/* Requests that wait for a clerk at most: more are told to come back later. */
enum { DESK_WAITING_MAX = 64 };

struct clerk {
    struct http_desk *desk;
    struct db *db;
    pthread_t thread;
};

struct http_desk {
    pthread_mutex_t lock; /* a leaf */
    pthread_cond_t given;
    struct http_exchange *first, **last; /* waiting, in order of arrival */
    int waiting, busy;
    bool closing;
    struct clerk *clerks;
    int count; /* of clerks with a thread */
};

/* The clerk's next errand. NULL: there are no more. */
static struct http_exchange *take(struct http_desk *desk, bool was_busy)
{
    struct http_exchange *exchange;

    pthread_mutex_lock(&desk->lock);
    desk->busy -= was_busy;
    while (!desk->first && !desk->closing)
        pthread_cond_wait(&desk->given, &desk->lock);
    exchange = desk->first;
    if (exchange) {
        desk->first = exchange->next;
        if (!desk->first)
            desk->last = &desk->first;
        desk->waiting--;
        desk->busy++;
    }
    pthread_mutex_unlock(&desk->lock);
    return exchange;
}

static void *clerk_main(void *context)
{
    struct clerk *clerk = context;
    struct http_exchange *exchange = take(clerk->desk, false);

    while (exchange) {
        exchange->errand(exchange, clerk->db);
        exchange = take(clerk->desk, true);
    }
    return NULL;
}

static bool hire(struct http_desk *desk, struct store *store, struct error *error)
{
    struct clerk *clerk = &desk->clerks[desk->count];
    int code;

    clerk->desk = desk;
    if (!store_reader(store, &clerk->db, error))
        return false;
    code = pthread_create(&clerk->thread, NULL, clerk_main, clerk);
    if (code != 0) {
        db_close(clerk->db);
        return error_set(error, ERROR_IO, "http", "cannot start a thread: %s", strerror(code));
    }
    desk->count++;
    return true;
}

bool desk_open(struct http *http, struct error *error)
{
    int clerks = http->setup.clerks;
    struct http_desk *desk = calloc(1, sizeof(*desk));

    if (desk)
        desk->clerks = calloc((size_t)clerks, sizeof(*desk->clerks));
    if (!desk || !desk->clerks) {
        free(desk);
        return error_set(error, ERROR_MEMORY, "http", "no memory for the clerks");
    }
    pthread_mutex_init(&desk->lock, NULL);
    pthread_cond_init(&desk->given, NULL);
    desk->last = &desk->first;
    http->desk = desk;
    while (desk->count < clerks)
        if (!hire(desk, http->setup.store, error))
            return false;
    return true;
}

void desk_close(struct http *http)
{
    struct http_desk *desk = http->desk;

    if (!desk)
        return;
    pthread_mutex_lock(&desk->lock);
    desk->closing = true;
    pthread_cond_broadcast(&desk->given);
    pthread_mutex_unlock(&desk->lock);
    for (int i = 0; i < desk->count; i++) {
        pthread_join(desk->clerks[i].thread, NULL);
        db_close(desk->clerks[i].db);
    }
    pthread_cond_destroy(&desk->given);
    pthread_mutex_destroy(&desk->lock);
    free(desk->clerks);
    free(desk);
    http->desk = NULL;
}

bool desk_has_room(struct http *http)
{
    struct http_desk *desk = http->desk;
    bool room;

    pthread_mutex_lock(&desk->lock);
    room = desk->waiting < DESK_WAITING_MAX;
    pthread_mutex_unlock(&desk->lock);
    return room;
}

void desk_count(struct http *http, struct http_counts *out)
{
    struct http_desk *desk = http->desk;

    pthread_mutex_lock(&desk->lock);
    out->clerks = desk->count;
    out->clerks_busy = desk->busy;
    out->clerks_waiting = desk->waiting;
    pthread_mutex_unlock(&desk->lock);
}

void desk_give(struct http_exchange *exchange, exchange_errand *errand)
{
    struct http_desk *desk = exchange->http->desk;

    exchange->errand = errand;
    exchange->next = NULL;
    pthread_mutex_lock(&desk->lock);
    *desk->last = exchange;
    desk->last = &exchange->next;
    desk->waiting++;
    pthread_cond_signal(&desk->given);
    pthread_mutex_unlock(&desk->lock);
}
