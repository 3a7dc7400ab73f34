/* Desk: the clerks, threads that do what would keep the HTTP thread from its other connections:
 * slow handlers, and bodies that go to a file. Knows no route.
 *
 * Errands wait in order of arrival. One whose pace has as many clerks as it may have lets those
 * behind it pass, so that there is always a clerk for what is short.
 *
 * The connection is suspended while its exchange is at the desk, so nobody else touches it. */
#include "server/http_internal.h"

#include <stdlib.h>
#include <string.h>

/* Requests that wait for a clerk at most, and how many of them may be such as take long: more are
 * told to come back later. */
enum { DESK_WAITING_MAX = 64, DESK_LONG_WAITING_MAX = 32 };

struct clerk {
    struct http_desk *desk;
    struct db *db;
    pthread_t thread;
    enum http_pace pace; /* of what he is at */
};

struct http_desk {
    pthread_mutex_t lock; /* a leaf */
    pthread_cond_t given;
    struct http_exchange *first, **last; /* waiting, in order of arrival */
    int waiting, busy;
    int long_waiting;   /* those of them that are not PACE_SHORT */
    int at[HTTP_PACES]; /* clerks that are at something of that pace or a slower one */
    bool closing;
    struct clerk *clerks;
    int count; /* of clerks with a thread; changes under the lock */
};

/* ---- whose turn it is; under the lock ---- */

/* Clerks that may be at something of that pace or a slower one. */
static int most_at(const struct http_desk *desk, enum http_pace pace)
{
    const int most[HTTP_PACES] = {[PACE_SHORT] = desk->count,
                                  [PACE_SECONDS] = desk->count - 1,
                                  [PACE_MINUTES] = desk->count / 2,
                                  [PACE_ALONE] = 1};

    return most[pace] > 1 ? most[pace] : 1;
}

static bool may_begin(const struct http_desk *desk, enum http_pace pace)
{
    for (int i = PACE_SECONDS; i <= (int)pace; i++)
        if (desk->at[i] >= most_at(desk, (enum http_pace)i))
            return false;
    return true;
}

static void count_pace(struct http_desk *desk, enum http_pace pace, int by)
{
    for (int i = PACE_SHORT; i <= (int)pace; i++)
        desk->at[i] += by;
    desk->busy += by;
}

/* The first that may begin, taken out of the line; NULL: there is none. */
static struct http_exchange *take_first(struct http_desk *desk)
{
    struct http_exchange **link = &desk->first, *exchange;

    while (*link && !may_begin(desk, (*link)->turn.pace))
        link = &(*link)->turn.next;
    exchange = *link;
    if (!exchange)
        return NULL;
    *link = exchange->turn.next;
    if (!*link)
        desk->last = link;
    desk->waiting--;
    desk->long_waiting -= exchange->turn.pace != PACE_SHORT;
    return exchange;
}

/* ---- the clerks ---- */

/* The clerk's next errand. NULL: there are no more. */
static struct http_exchange *take(struct clerk *clerk, bool was_busy)
{
    struct http_desk *desk = clerk->desk;
    struct http_exchange *exchange;

    pthread_mutex_lock(&desk->lock);
    if (was_busy) {
        count_pace(desk, clerk->pace, -1);
        if (clerk->pace != PACE_SHORT) /* what waited for this may not be the next in line */
            pthread_cond_broadcast(&desk->given);
    }
    while (!(exchange = take_first(desk)) && !desk->closing)
        pthread_cond_wait(&desk->given, &desk->lock);
    if (exchange) {
        clerk->pace = exchange->turn.pace;
        count_pace(desk, clerk->pace, 1);
    }
    pthread_mutex_unlock(&desk->lock);
    return exchange;
}

static void *clerk_main(void *context)
{
    struct clerk *clerk = context;
    struct http_exchange *exchange = take(clerk, false);

    while (exchange) {
        exchange->turn.errand(exchange, clerk->db);
        exchange = take(clerk, true);
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
    pthread_mutex_lock(&desk->lock);
    desk->count++;
    pthread_mutex_unlock(&desk->lock);
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

bool desk_has_room(struct http *http, enum http_pace pace)
{
    struct http_desk *desk = http->desk;
    bool room;

    pthread_mutex_lock(&desk->lock);
    room = desk->waiting < DESK_WAITING_MAX &&
           (pace == PACE_SHORT || desk->long_waiting < DESK_LONG_WAITING_MAX);
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

void desk_give(struct http_exchange *exchange, exchange_errand *errand, enum http_pace pace)
{
    struct http_desk *desk = exchange->http->desk;

    exchange->turn.errand = errand;
    exchange->turn.pace = pace;
    exchange->turn.next = NULL;
    pthread_mutex_lock(&desk->lock);
    *desk->last = exchange;
    desk->last = &exchange->turn.next;
    desk->waiting++;
    desk->long_waiting += pace != PACE_SHORT;
    pthread_cond_signal(&desk->given);
    pthread_mutex_unlock(&desk->lock);
}
