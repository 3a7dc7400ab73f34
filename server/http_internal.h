/* What the files of http share. The only header that includes microhttpd.h.
 *
 * Threads: everything here belongs to the HTTP thread, but for what struct http_hub guards by its
 * lock. That lock is a leaf except for one thing: MHD_suspend_connection and MHD_resume_connection
 * are called under it, or a wake-up between "nothing new" and "asleep" would be lost. */
#ifndef SERVER_HTTP_INTERNAL_H
#define SERVER_HTTP_INTERNAL_H

#include "server/http.h"
#include "server/http_target.h"

#include <microhttpd.h>
#include <pthread.h>

struct http_live;
struct http_desk;
struct http_spool;

/* What other threads touch too. */
struct http_hub {
    pthread_mutex_t lock;
    pthread_cond_t changed;  /* any of the counts went down, or a flag went up */
    int64_t newest;          /* number of the newest event heard of */
    struct http_live *first; /* live streams */
    int live_count;
    int away_count;   /* connections that wait for the writer or a clerk */
    int answer_count; /* requests under way */
    bool ending;      /* live streams end; new ones are refused */
    bool stopping;    /* changes are refused */
    bool beat_ends;
    pthread_t beat; /* the thread of the heartbeats */
};

struct http {
    struct http_setup setup; /* with its defaults filled in */
    struct http_hub hub;
    struct http_desk *desk;
    struct MHD_Daemon *daemon;
    struct db *db;
    int listener;
    bool any_host;     /* listens on every address */
    size_t body_bytes; /* request bodies in memory, all connections together */
    char host[64];     /* the host part of setup.listen, without brackets */
    char address[96];
};

/* Bounds on what strangers may make the server hold. */
enum {
    HTTP_CONNECTIONS = 256,             /* beside the live streams */
    HTTP_CONNECTION_MEMORY = 32 * 1024, /* request line and headers */
    HTTP_IDLE_SECONDS = 30,
    HTTP_BODIES_MAX = 64 * 1024 * 1024, /* http.body_bytes */
    HTTP_DRAIN_MAX =
        8 * 1024 * 1024 /* a refused body is read up to here, so that the answer arrives */
};

enum exchange_phase {
    EXCHANGE_FRESH,   /* headers not looked at yet */
    EXCHANGE_READING, /* the body comes in */
    EXCHANGE_REFUSED, /* the answer is a problem; what comes in is thrown away */
    EXCHANGE_AWAY,    /* suspended until the writer or a clerk is done */
    EXCHANGE_DONE     /* the answer is there */
};

struct http_exchange;
/* What a clerk does for an exchange; it ends with exchange_back or with a write to the store. */
typedef void exchange_errand(struct http_exchange *exchange, struct db *db);

/* One request and its answer. */
struct http_exchange {
    struct http *http;
    struct MHD_Connection *connection;
    struct http_request request;
    struct http_response response;
    struct target target;
    const struct route *route;
    enum exchange_phase phase; /* under the hub's lock while suspended */
    char *uri;                 /* as it came; NULL when memory was gone or it is too long */
    char *body;
    size_t body_size, body_room;
    size_t thrown;            /* of the body, after it was refused */
    struct http_spool *spool; /* instead of body */
    exchange_errand *errand;  /* these two: while it is at the desk */
    struct http_exchange *next;
    uint64_t declared; /* Content-Length */
    bool counted;      /* in hub.answer_count */
    bool head;         /* the method was HEAD */
    bool close;        /* end the connection after the answer */
};

/* http_request.c: looks at everything that comes before the body; finds the route, fills in
 * exchange->request. False: the response is a problem. */
bool request_check(struct http_exchange *exchange, const char *method,
                   const char *version) MUST_CHECK;

/* http_exchange.c: one request's life. */
struct http_exchange *exchange_new(struct http *http, struct MHD_Connection *connection,
                                   const char *uri);
void exchange_free(struct http_exchange *exchange);
/* The next call of MHD for it: piece NULL when the body is complete. */
struct exchange_piece {
    const char *bytes;
    size_t size;
};
enum MHD_Result exchange_step(struct http_exchange *exchange, const char *method,
                              const char *version, const struct exchange_piece *piece);

/* http_desk.c: the clerks' threads. desk_close also takes what desk_open left half-way. */
bool desk_open(struct http *http, struct error *error) MUST_CHECK;
void desk_close(struct http *http);
/* Whether one more may wait. HTTP thread only, which is the only one that gives. */
bool desk_has_room(struct http *http);
/* A clerk will run the errand. The connection must be suspended. */
void desk_give(struct http_exchange *exchange, exchange_errand *errand);

/* http_spool.c: a body on its way into a file of that folder. spool_prepare makes the folder and
 * removes what is left in it of an earlier daemon. */
bool spool_prepare(const char *folder, struct error *error) MUST_CHECK;
struct http_spool *spool_open(const char *folder, struct error *error);
/* Removes the file, unless somebody has renamed it. NULL is allowed. */
void spool_drop(struct http_spool *spool);
const char *spool_path(const struct http_spool *spool);
/* Takes a piece into memory; false: it is too large. */
bool spool_add(struct http_spool *spool, const char *bytes, size_t size) MUST_CHECK;
/* Whether it is time to write. */
bool spool_is_full(const struct http_spool *spool);
/* Writes what was taken; may block. ERROR_FULL, ERROR_IO. */
bool spool_write(struct http_spool *spool, struct error *error) MUST_CHECK;

/* http_response.c: sends exchange->response. */
enum MHD_Result response_send(struct http_exchange *exchange);

/* http_stream.c */
bool hub_init(struct http *http, struct error *error) MUST_CHECK;
void hub_drop(struct http *http);
/* Waits until all counts that `busy` looks at are down, at most `milliseconds` (−1: for ever). With
 * the lock held. */
void hub_wait(struct http_hub *hub, bool (*busy)(const struct http_hub *hub), int milliseconds);
/* A response that pulls from `stream`, which it takes in every case. NULL: memory is gone, or too
 * many live streams (*full). */
struct MHD_Response *stream_response(struct http_exchange *exchange, struct http_stream *stream,
                                     bool *full);

#endif
