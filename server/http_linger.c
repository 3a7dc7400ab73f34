/* Linger: the ends of connections whose clients may still be sending (RFC 9112, 9.6). A thread of
 * its own, asleep as long as there are none. Knows nothing of what is sent. */
#include "server/http_internal.h"

#include "server/clock.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    LINGER_MOST = 64,                    /* at once; one more is closed as it is */
    LINGER_BYTES_MAX = 16 * 1024 * 1024, /* of one */
    LINGER_PIECE = 64 * 1024
};
static const double linger_seconds = 2;

struct linger_guest {
    int socket;
    size_t read;
    double until;
};

struct http_linger {
    pthread_mutex_t lock; /* a leaf; guards what follows up to `ending` */
    int given[LINGER_MOST];
    int given_count;
    bool ending;
    int bell; /* an eventfd: something above has changed */
    pthread_t thread;
    struct linger_guest guests[LINGER_MOST]; /* these: the thread's own */
    int count;
    char scrap[LINGER_PIECE];
};

/* False: the thread shall end. */
static bool let_in(struct http_linger *linger)
{
    bool ending;

    pthread_mutex_lock(&linger->lock);
    for (int i = 0; i < linger->given_count; i++)
        if (linger->count < LINGER_MOST)
            linger->guests[linger->count++] = (struct linger_guest){
                .socket = linger->given[i], .until = clock_seconds() + linger_seconds};
        else
            (void)close(linger->given[i]);
    linger->given_count = 0;
    ending = linger->ending;
    pthread_mutex_unlock(&linger->lock);
    return !ending;
}

/* Throws away what has come. False: that was all, or enough. */
static bool read_on(struct http_linger *linger, struct linger_guest *guest)
{
    for (;;) {
        ssize_t got = recv(guest->socket, linger->scrap, sizeof(linger->scrap), MSG_DONTWAIT);

        if (got < 0)
            return errno == EAGAIN || errno == EINTR;
        guest->read += (size_t)got;
        if (got == 0 || guest->read > LINGER_BYTES_MAX)
            return false;
    }
}

static void look_after(struct http_linger *linger)
{
    double now = clock_seconds();
    int kept = 0;

    for (int i = 0; i < linger->count; i++) {
        struct linger_guest *guest = &linger->guests[i];

        if (read_on(linger, guest) && now < guest->until)
            linger->guests[kept++] = *guest;
        else
            (void)close(guest->socket);
    }
    linger->count = kept;
}

static void wait_for_any(struct http_linger *linger)
{
    struct pollfd polled[LINGER_MOST + 1];
    eventfd_t rung;

    polled[0] = (struct pollfd){.fd = linger->bell, .events = POLLIN};
    for (int i = 0; i < linger->count; i++)
        polled[i + 1] = (struct pollfd){.fd = linger->guests[i].socket, .events = POLLIN};
    (void)poll(polled, (nfds_t)linger->count + 1, linger->count > 0 ? 500 : -1);
    if (polled[0].revents)
        (void)eventfd_read(linger->bell, &rung);
}

static void *linger_main(void *context)
{
    struct http_linger *linger = context;

    while (let_in(linger)) {
        look_after(linger);
        wait_for_any(linger);
    }
    for (int i = 0; i < linger->count; i++)
        (void)close(linger->guests[i].socket);
    return NULL;
}

bool linger_open(struct http *http, struct error *error)
{
    struct http_linger *linger = calloc(1, sizeof(*linger));
    int code;

    if (!linger)
        return error_set(error, ERROR_MEMORY, "http", "no memory for the ends of connections");
    linger->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&linger->lock, NULL);
    code = linger->bell < 0 ? errno : pthread_create(&linger->thread, NULL, linger_main, linger);
    if (code != 0) {
        if (linger->bell >= 0)
            (void)close(linger->bell);
        pthread_mutex_destroy(&linger->lock);
        free(linger);
        return error_set(error, ERROR_IO, "http", "cannot start a thread: %s", strerror(code));
    }
    http->linger = linger;
    return true;
}

void linger_close(struct http *http)
{
    struct http_linger *linger = http->linger;

    if (!linger)
        return;
    pthread_mutex_lock(&linger->lock);
    linger->ending = true;
    pthread_mutex_unlock(&linger->lock);
    (void)eventfd_write(linger->bell, 1);
    pthread_join(linger->thread, NULL);
    for (int i = 0; i < linger->given_count; i++)
        (void)close(linger->given[i]);
    (void)close(linger->bell);
    pthread_mutex_destroy(&linger->lock);
    free(linger);
    http->linger = NULL;
}

void linger_take(struct http *http, int socket)
{
    struct http_linger *linger = http->linger;
    bool room;

    pthread_mutex_lock(&linger->lock);
    room = linger->given_count < LINGER_MOST && !linger->ending;
    if (room)
        linger->given[linger->given_count++] = socket;
    pthread_mutex_unlock(&linger->lock);
    if (room)
        (void)eventfd_write(linger->bell, 1);
    else
        (void)close(socket);
}
