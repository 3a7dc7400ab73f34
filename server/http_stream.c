/* Streams: bodies made on demand, and how live ones sleep and wake. Knows no event.
 *
 * A reader that has nothing to say must be suspended: libmicrohttpd would call it again at once and
 * burn a core. A client that goes away while suspended is only seen when something is written,
 * hence the heartbeat. */
#include "server/http_internal.h"

#include "server/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct http_live {
    struct http *http;
    struct MHD_Connection *connection;
    struct http_peer *peer;
    struct http_stream *stream;
    struct body piece;
    size_t sent;                    /* of the piece */
    bool finished, broken;          /* nothing follows the piece */
    bool suspended, beat;           /* under the hub's lock */
    struct http_live *next, **link; /* the hub's list of live streams; link NULL: not in it */
};

/* ---- the hub ---- */

static void deadline_after(struct timespec *deadline, int milliseconds)
{
    clock_gettime(CLOCK_MONOTONIC, deadline);
    deadline->tv_sec += milliseconds / 1000;
    deadline->tv_nsec += (long)(milliseconds % 1000) * 1000000;
    if (deadline->tv_nsec >= 1000000000) {
        deadline->tv_sec++;
        deadline->tv_nsec -= 1000000000;
    }
}

void hub_wait(struct http_hub *hub, bool (*busy)(const struct http_hub *hub), int milliseconds)
{
    struct timespec deadline;

    deadline_after(&deadline, milliseconds < 0 ? 0 : milliseconds);
    while (busy(hub))
        if (milliseconds < 0)
            pthread_cond_wait(&hub->changed, &hub->lock);
        else if (pthread_cond_timedwait(&hub->changed, &hub->lock, &deadline) == ETIMEDOUT)
            break;
}

/* With the lock held. */
static void wake_all(struct http_hub *hub)
{
    for (struct http_live *live = hub->first; live; live = live->next)
        if (live->suspended) {
            live->suspended = false;
            MHD_resume_connection(live->connection);
        }
}

/* With the lock held. */
static void beat(struct http_hub *hub)
{
    for (struct http_live *live = hub->first; live; live = live->next)
        live->beat = true;
    wake_all(hub);
}

static void *beat_main(void *context)
{
    struct http *http = context;
    struct http_hub *hub = &http->hub;
    double each = http->setup.heartbeat * 1e-3, next = clock_seconds() + each;

    pthread_mutex_lock(&hub->lock);
    while (!hub->beat_ends) {
        double now = clock_seconds(), until;
        struct timespec deadline;

        if (now >= next) {
            beat(hub);
            next = now + each;
        }
        until = next;
        later_tick(hub, now, &until);
        deadline_after(&deadline, (int)((until - now) * 1e3) + 1);
        (void)pthread_cond_timedwait(&hub->tick, &hub->lock, &deadline);
    }
    pthread_mutex_unlock(&hub->lock);
    return NULL;
}

bool hub_init(struct http *http, struct error *error)
{
    struct http_hub *hub = &http->hub;
    pthread_condattr_t monotonic;
    int code;

    pthread_mutex_init(&hub->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&hub->changed, &monotonic);
    pthread_cond_init(&hub->tick, &monotonic);
    pthread_condattr_destroy(&monotonic);
    code = pthread_create(&hub->beat, NULL, beat_main, http);
    if (code != 0) {
        pthread_cond_destroy(&hub->tick);
        pthread_cond_destroy(&hub->changed);
        pthread_mutex_destroy(&hub->lock);
        return error_set(error, ERROR_IO, "http", "cannot start a thread: %s", strerror(code));
    }
    return true;
}

void hub_drop(struct http *http)
{
    struct http_hub *hub = &http->hub;

    pthread_mutex_lock(&hub->lock);
    hub->beat_ends = true;
    pthread_cond_signal(&hub->tick);
    pthread_mutex_unlock(&hub->lock);
    pthread_join(hub->beat, NULL);
    pthread_cond_destroy(&hub->tick);
    pthread_cond_destroy(&hub->changed);
    pthread_mutex_destroy(&hub->lock);
}

void http_publish(struct http *http, int64_t newest)
{
    struct http_hub *hub = &http->hub;

    pthread_mutex_lock(&hub->lock);
    if (newest > hub->newest)
        hub->newest = newest;
    wake_all(hub);
    pthread_mutex_unlock(&hub->lock);
}

int64_t http_published(struct http *http)
{
    struct http_hub *hub = &http->hub;
    int64_t newest;

    pthread_mutex_lock(&hub->lock);
    newest = hub->newest;
    pthread_mutex_unlock(&hub->lock);
    return newest;
}

static bool has_live(const struct http_hub *hub)
{
    return hub->live_count > 0;
}

void http_end_streams(struct http *http)
{
    struct http_hub *hub = &http->hub;

    pthread_mutex_lock(&hub->lock);
    hub->ending = true;
    wake_all(hub);
    later_wake_all(hub);
    /* From here on none sleeps again; one whose client does not read is cut later. */
    hub_wait(hub, has_live, 1000);
    pthread_mutex_unlock(&hub->lock);
}

/* ---- one stream ---- */

static ssize_t take_piece(struct http_live *live, char *out, size_t room)
{
    size_t left = live->piece.size - live->sent;
    size_t size = left < room ? left : room;

    memcpy(out, live->piece.bytes + live->sent, size);
    live->sent += size;
    live->peer->sent += size;
    if (live->sent == live->piece.size) {
        body_drop(&live->piece); /* a sleeping stream holds no memory */
        live->sent = 0;
    }
    return (ssize_t)size;
}

/* What the hub looked like when the stream was last asked. */
struct glimpse {
    int64_t newest;
    bool ending, beat;
};

static struct glimpse look(struct http_live *live)
{
    struct http_hub *hub = &live->http->hub;
    struct glimpse seen;

    pthread_mutex_lock(&hub->lock);
    seen = (struct glimpse){hub->newest, hub->ending, live->beat};
    live->beat = false;
    pthread_mutex_unlock(&hub->lock);
    return seen;
}

/* Sleeps, unless something happened since `seen`. */
static bool fall_asleep(struct http_live *live, const struct glimpse *seen)
{
    struct http_hub *hub = &live->http->hub;
    bool quiet;

    pthread_mutex_lock(&hub->lock);
    quiet = hub->newest == seen->newest && !hub->ending && !live->beat;
    if (quiet) {
        live->suspended = true;
        MHD_suspend_connection(live->connection);
    }
    pthread_mutex_unlock(&hub->lock);
    return quiet;
}

/* Asks the stream for its next piece. */
static enum http_more pull(struct http_live *live)
{
    struct http *http = live->http;
    struct error error = {0};
    enum http_more more = live->stream->next(live->stream, http->db, &live->piece, &error);

    if (live->piece.failed) {
        (void)error_set(&error, ERROR_MEMORY, "http", "no memory for a piece of a stream");
        more = HTTP_BROKEN;
    }
    live->finished = more == HTTP_END;
    live->broken = more == HTTP_BROKEN;
    if (live->broken) {
        log_line(http->setup.log, LOG_WARNING, "a stream was cut: %s: %s", error.where, error.text);
        body_drop(&live->piece);
    }
    return more;
}

static ssize_t read_stream(void *context, uint64_t position, char *out, size_t room)
{
    struct http_live *live = context;

    (void)position;
    for (;;) {
        struct glimpse seen;
        enum http_more more;

        if (live->piece.size > 0)
            return take_piece(live, out, room);
        if (live->broken)
            return MHD_CONTENT_READER_END_WITH_ERROR;
        seen = look(live);
        if (live->finished || (live->stream->live && seen.ending))
            return MHD_CONTENT_READER_END_OF_STREAM;
        more = pull(live);
        if (more == HTTP_MORE && live->piece.size == 0)
            return 0; /* others have their turn, then we are called again */
        if (more != HTTP_IDLE || live->piece.size > 0)
            continue;
        if (seen.beat)
            body_text(&live->piece, live->stream->beat);
        else if (fall_asleep(live, &seen))
            return 0;
    }
}

static void free_stream(void *context)
{
    struct http_live *live = context;
    struct http_hub *hub = &live->http->hub;

    pthread_mutex_lock(&hub->lock);
    if (live->link) {
        *live->link = live->next;
        if (live->next)
            live->next->link = live->link;
        hub->live_count--;
        pthread_cond_broadcast(&hub->changed);
    }
    pthread_mutex_unlock(&hub->lock);
    live->stream->drop(live->stream);
    body_drop(&live->piece);
    free(live);
}

/* Enters a live stream into the hub's list. False: there is no place. */
static bool enter(struct http_live *live)
{
    struct http_hub *hub = &live->http->hub;
    bool place;

    pthread_mutex_lock(&hub->lock);
    place = hub->live_count < live->http->setup.streams && !hub->ending;
    if (place) {
        live->next = hub->first;
        live->link = &hub->first;
        if (live->next)
            live->next->link = &live->next;
        hub->first = live;
        hub->live_count++;
    }
    pthread_mutex_unlock(&hub->lock);
    return place;
}

struct MHD_Response *stream_response(struct http_exchange *exchange, struct http_stream *stream,
                                     bool *full)
{
    struct http_live *live = calloc(1, sizeof(*live));
    uint64_t size = stream->size < 0 ? MHD_SIZE_UNKNOWN : (uint64_t)stream->size;
    struct MHD_Response *response;

    if (!live) {
        stream->drop(stream);
        return NULL;
    }
    live->http = exchange->http;
    live->connection = exchange->connection;
    live->peer = exchange->peer;
    live->stream = stream;
    if (stream->live && !enter(live)) {
        *full = true;
        free_stream(live);
        return NULL;
    }
    exchange->marks.live = stream->live;
    response = MHD_create_response_from_callback(size, HTTP_PIECE, read_stream, live, free_stream);
    if (!response)
        free_stream(live);
    return response;
}
