/* Later: requests whose answer is not there yet (long polls). Their connections sleep, so that they
 * cost neither a thread nor processor time, until somebody stirs what they wait for, their time is
 * over, their client has left, or the daemon stops; then their handlers are asked again. Knows no
 * route. */
#include "server/http_internal.h"

#include "server/clock.h"

/* Seconds until it is noticed that a client has left. */
static const double look_seconds = 1;

static bool names(const int64_t *keys, int count, int64_t key)
{
    for (int i = 0; i < count; i++)
        if (keys[i] == key)
            return true;
    return count < 0;
}

/* ---- waking; any thread ---- */

/* With the lock held. */
static void wake(struct http_hub *hub, struct http_exchange *exchange)
{
    struct exchange_later *later = &exchange->later;

    *later->link = later->next;
    if (later->next)
        later->next->later.link = later->link;
    hub->waiters.count--;
    exchange->phase = EXCHANGE_READING;
    MHD_resume_connection(exchange->connection);
}

void http_stir(struct http *http, const int64_t *keys, int count)
{
    struct http_hub *hub = &http->hub;
    struct http_exchange *next;

    pthread_mutex_lock(&hub->lock);
    hub->waiters.stirs++;
    for (struct http_exchange *exchange = hub->waiters.first; exchange; exchange = next) {
        next = exchange->later.next;
        if (names(keys, count, exchange->later.key))
            wake(hub, exchange);
    }
    pthread_mutex_unlock(&hub->lock);
}

void later_tick(struct http_hub *hub, double now, double *until)
{
    struct http_exchange *next;

    for (struct http_exchange *exchange = hub->waiters.first; exchange; exchange = next) {
        struct exchange_later *later = &exchange->later;

        next = later->next;
        /* Who closed his side alone, and still listens, gets his answer now. */
        if (now >= later->deadline || peer_has_left(exchange->peer)) {
            later->late = true;
            wake(hub, exchange);
            continue;
        }
        *until = later->deadline < *until ? later->deadline : *until;
        *until = now + look_seconds < *until ? now + look_seconds : *until;
    }
}

void later_wake_all(struct http_hub *hub)
{
    while (hub->waiters.first)
        wake(hub, hub->waiters.first);
}

/* ---- the HTTP thread's half ---- */

static void look(struct http_exchange *exchange)
{
    struct http_hub *hub = &exchange->http->hub;
    struct exchange_later *later = &exchange->later;

    pthread_mutex_lock(&hub->lock);
    later->stirs = hub->waiters.stirs;
    exchange->request.waited.late = later->late || hub->ending;
    pthread_mutex_unlock(&hub->lock);
}

enum outcome { OUTCOME_ASLEEP, OUTCOME_AGAIN, OUTCOME_FULL };

/* Unless something was stirred since the look: it may have been what the handler wants to hear. */
static enum outcome fall_asleep(struct http_exchange *exchange)
{
    struct http_hub *hub = &exchange->http->hub;
    struct exchange_later *later = &exchange->later;
    enum outcome outcome = OUTCOME_ASLEEP;

    pthread_mutex_lock(&hub->lock);
    if (hub->ending || later->stirs != hub->waiters.stirs) {
        outcome = OUTCOME_AGAIN;
    } else if (hub->waiters.count >= HTTP_WAITERS) {
        outcome = OUTCOME_FULL;
    } else {
        later->next = hub->waiters.first;
        later->link = &hub->waiters.first;
        if (later->next)
            later->next->later.link = &later->next;
        hub->waiters.first = exchange;
        hub->waiters.count++;
        exchange->phase = EXCHANGE_WAITING;
        MHD_suspend_connection(exchange->connection);
        pthread_cond_signal(&hub->tick);
    }
    pthread_mutex_unlock(&hub->lock);
    return outcome;
}

static void note_wish(struct http_exchange *exchange)
{
    const struct http_later *wanted = &exchange->response.later;

    exchange->request.waited.again = true;
    exchange->request.waited.note = wanted->note;
    exchange->later.key = wanted->key;
    if (exchange->later.deadline == 0)
        exchange->later.deadline = clock_seconds() + wanted->milliseconds * 1e-3;
    http_response_drop(&exchange->response);
}

bool later_ask(struct http_exchange *exchange)
{
    for (;;) {
        look(exchange);
        exchange_ask(exchange, exchange->http->db);
        if (exchange->response.later.milliseconds == 0)
            return true;
        note_wish(exchange);
        if (exchange->request.waited.late) {
            (void)request_refuse(exchange, 500, "the server has no answer");
            return true;
        }
        switch (fall_asleep(exchange)) {
        case OUTCOME_ASLEEP:
            return false;
        case OUTCOME_FULL:
            (void)request_refuse(
                exchange, 503,
                "too many requests wait for changes: come back in a moment, or ask "
                "without waiting");
            return true;
        case OUTCOME_AGAIN:
            break;
        }
    }
}

/* libmicrohttpd hears of an end only once, and forgets it when it comes together with bytes: then
 * it would wait for more until its patience ends. A connection that wakes up is looked at anew. */
void later_look_for_end(struct http_exchange *exchange)
{
    struct http_hub *hub = &exchange->http->hub;
    bool here;

    if (!exchange->intake.expected || !peer_has_left(exchange->peer))
        return;
    pthread_mutex_lock(&hub->lock);
    here = exchange->phase == EXCHANGE_READING ||
           (exchange->phase == EXCHANGE_REFUSED && !exchange->marks.close);
    if (here && !hub->stopping) {
        MHD_suspend_connection(exchange->connection);
        MHD_resume_connection(exchange->connection);
    }
    pthread_mutex_unlock(&hub->lock);
}
