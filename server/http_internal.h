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
struct http_linger;
struct http_spool;
struct http_exchange;

/* Requests that wait for their answer. */
struct http_waiters {
    struct http_exchange *first;
    int count;
    uint64_t stirs; /* calls of http_stir so far */
};

/* What other threads touch too. */
struct http_hub {
    pthread_mutex_t lock;
    pthread_cond_t tick;    /* for the thread of the heartbeats: it may have to look earlier */
    pthread_cond_t changed; /* any of the counts went down, or a flag went up */
    int64_t newest;         /* number of the newest event heard of */
    struct http_waiters waiters;
    struct http_live *first; /* live streams */
    int live_count;
    int away_count;   /* connections that wait for the writer or a clerk */
    int answer_count; /* requests under way */
    bool ending;      /* live streams end; new ones are refused */
    bool stopping;    /* changes are refused */
    bool beat_ends;
    pthread_t beat; /* the thread of the heartbeats */
};

/* One connection, from accept to close. */
struct http_peer {
    struct http *http;
    struct http_exchange *exchange; /* the request under way; NULL between two */
    struct http_peer *next, **link;
    double since;      /* the request under way began, or the wait for one */
    uint64_t received; /* bytes of bodies since then */
    uint64_t sent;
    int socket;   /* libmicrohttpd's */
    bool heard;   /* one request line at least could be read */
    bool dropped; /* to make room for others */
    bool lingers; /* it may still be sending when it is closed, and shall get to read our answer */
    char address[46];
};

struct http_peers {
    struct http_peer *first;
    atomic_int count; /* without those that are dropped and not yet gone */
    int at_most;      /* before somebody is dropped */
};

struct http {
    struct http_setup setup; /* with its defaults filled in */
    struct http_hub hub;
    struct http_desk *desk;
    struct http_linger *linger;
    struct http_peers peers;
    struct histogram *durations; /* http_meter.c: by route and class of status */
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
    HTTP_CONNECTIONS = 1024,            /* beside the live streams and those that wait */
    HTTP_WAITERS = 64,                  /* requests that wait for their answer */
    HTTP_RESERVE = 64,                  /* more for those that come while others are dropped */
    HTTP_HEAD_MAX = 32 * 1024,          /* request line and headers */
    HTTP_CONNECTION_MEMORY = 48 * 1024, /* the same, and the head of the answer */
    HTTP_BODIES_MAX = 64 * 1024 * 1024, /* http.body_bytes */
    HTTP_DRAIN_MAX =
        8 * 1024 * 1024 /* a refused body is read up to here, so that the answer arrives */
};

enum exchange_phase {
    EXCHANGE_FRESH,   /* headers not looked at yet */
    EXCHANGE_READING, /* the body comes in */
    EXCHANGE_REFUSED, /* the answer is a problem; what comes in is thrown away */
    EXCHANGE_AWAY,    /* suspended until the writer or a clerk is done */
    EXCHANGE_WAITING, /* suspended until there may be an answer */
    EXCHANGE_DONE     /* the answer is there */
};

/* What a clerk does for an exchange; it ends with exchange_back or with a write to the store. */
typedef void exchange_errand(struct http_exchange *exchange, struct db *db);

/* A body on its way in: in memory, or in a spool. */
struct exchange_intake {
    char *bytes;
    size_t size, room; /* of bytes; size counts what a spool took too */
    struct http_spool *spool;
    uint64_t declared; /* Content-Length */
    bool expected;     /* a length or an encoding is declared */
    size_t thrown;     /* after the body was refused */
};

struct exchange_marks {
    bool counted; /* in hub.answer_count */
    bool head;    /* the method was HEAD */
    bool close;   /* end the connection after the answer */
    bool queued;  /* libmicrohttpd has an answer */
    bool live;    /* which is a live stream */
    bool varies;  /* the handler looked at Accept */
    bool settled; /* http_entity.c is done with the response */
};

/* Of one that waits for its answer. */
struct exchange_later {
    double deadline; /* 0: it has never waited; this and the next by the HTTP thread alone */
    uint64_t stirs;  /* when its handler was asked last */
    int64_t key;
    bool late;                          /* these under the hub's lock */
    struct http_exchange *next, **link; /* the hub's list of waiters, while it is there */
};

/* One request and its answer. */
/* While it is at the desk. */
struct desk_turn {
    exchange_errand *errand;
    enum http_pace pace;
    struct http_exchange *next; /* in the line */
};

/* The method of a request that no route takes. */
#define HTTP_OTHER_METHOD "another method"

struct http_exchange {
    struct http *http;
    struct MHD_Connection *connection;
    struct http_peer *peer;
    struct http_request request;
    struct http_response response;
    struct target target;
    const struct route *route;
    enum exchange_phase phase;   /* under the hub's lock while suspended */
    char *uri;                   /* as it came; NULL when memory was gone or it is too long */
    char bearer[HTTP_NAME_SIZE]; /* whose token it came with */
    struct exchange_intake intake;
    struct exchange_marks marks;
    struct exchange_later later;
    struct desk_turn turn;
};

/* http_request.c */
/* Makes the error the answer; that of a query parameter names it. */
void request_problem(struct http_exchange *exchange, const struct error *error);
/* Looks at everything that comes before the body; finds the route, fills in exchange->request.
 * False: the response is a problem. */
bool request_check(struct http_exchange *exchange, const char *method,
                   const char *version) MUST_CHECK;

/* The most bytes that the route takes as a body. */
uint64_t request_body_limit(const struct http_exchange *exchange);

/* Makes the response a problem; false. */
bool request_refuse(struct http_exchange *exchange, int status, const char *text);
/* The same, where not even the end of this request is certain. */
bool request_refuse_and_close(struct http_exchange *exchange, int status, const char *text);

/* http_route.c: finds exchange->route, as far as who asks may see it. False: the response is a
 * problem, or the answer to OPTIONS. */
bool route_check(struct http_exchange *exchange) MUST_CHECK;
/* Answers OPTIONS; false. */
bool route_options(struct http_exchange *exchange, const char *allow);

/* http_bearer.c: whether who asks may do what needs that scope; else 401 or 403. */
bool bearer_check(struct http_exchange *exchange, enum scope needed) MUST_CHECK;

/* http_framing.c: whether the request begins and ends where everybody would say so. `method` and
 * `version` as libmicrohttpd has them: in its buffer. */
bool framing_check(struct http_exchange *exchange, const char *method,
                   const char *version) MUST_CHECK;

/* http_exchange.c: one request's life. */
struct http_exchange *exchange_new(struct http_peer *peer, struct MHD_Connection *connection,
                                   const char *uri);
/* Before it is freed: an answer that never reached libmicrohttpd still leaves. */
void exchange_end(struct http_exchange *exchange, enum MHD_RequestTerminationCode why);
void exchange_free(struct http_exchange *exchange);
/* The next call of MHD for it: piece NULL when the body is complete. A piece that stays is offered
 * again when the exchange is back. */
struct exchange_piece {
    const char *bytes;
    size_t size;
    bool stays;
};
enum MHD_Result exchange_step(struct http_exchange *exchange, const char *method,
                              const char *version, struct exchange_piece *piece);

/* Runs the route's handler once. */
void exchange_ask(struct http_exchange *exchange, struct db *db);

/* http_desk.c: the clerks' threads. desk_close also takes what desk_open left half-way. */
bool desk_open(struct http *http, struct error *error) MUST_CHECK;
void desk_close(struct http *http);
/* Whether one more may wait. HTTP thread only, which is the only one that gives. */
bool desk_has_room(struct http *http, enum http_pace pace);
void desk_count(struct http *http, struct http_counts *out);
/* A clerk will run the errand. The connection must be suspended. */
void desk_give(struct http_exchange *exchange, exchange_errand *errand, enum http_pace pace);

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
/* Hands a response in memory over to libmicrohttpd, with the headers that every answer has. NULL
 * when memory is gone. */
struct MHD_Response *response_make(struct http_response *response);
/* The same as the bytes of a last answer. */
void response_print(const struct http_response *response, struct body *out);

/* http_refusal.c: answers that libmicrohttpd does not take, or makes itself. */
enum MHD_Result response_queue(struct MHD_Connection *connection, int status,
                               struct MHD_Response *response);
/* Straight to the socket; nothing may follow. */
void refusal_send(struct http_peer *peer, const struct http_response *response);

/* http_access.c: the access log. An answer that has left, or was cut; a refusal without a request.
 */
void access_answer(const struct http_exchange *exchange, enum MHD_RequestTerminationCode why);
void access_refusal(const struct http_peer *peer, int status);

/* http_meter.c: how long requests take. meter_close allows what was never opened. */
bool meter_open(struct http *http, struct error *error) MUST_CHECK;
void meter_close(struct http *http);
void meter_answer(const struct http_exchange *exchange, double seconds);

/* http_peer.c: who is connected. HTTP thread only. Peers are made and freed by `notice`, which
 * libmicrohttpd calls. */
void peer_notice(void *context, struct MHD_Connection *connection, void **slot,
                 enum MHD_ConnectionNotificationCode what);
struct http_peer *peer_of(struct MHD_Connection *connection);
/* Its request begins (NULL: ended). */
/* He has closed his side: nothing comes any more, but what did may not have been read yet. */
bool peer_has_left(const struct http_peer *peer);
void peer_turn(struct http_peer *peer, struct http_exchange *exchange);

/* http_linger.c: the ends of connections. A socket that is closed while bytes come in resets the
 * connection, and the client may never read the answer. linger_take gets a descriptor of its own
 * and reads on, for a moment, what nobody wants. */
bool linger_open(struct http *http, struct error *error) MUST_CHECK;
void linger_close(struct http *http);
void linger_take(struct http *http, int socket);

/* http_entity.c: what the request's conditions, its Range and its Accept-Encoding make of the
 * handler's answer. Once for each; any thread that has the exchange. */
void entity_settle(struct http_exchange *exchange);
/* Whether that would take long enough for others to notice. */
bool entity_is_heavy(const struct http_exchange *exchange);

/* http_range.c: makes a 200 the part of itself that the Range header names, 206, or 416. False: it
 * stays as it is. */
bool range_apply(const struct http_request *request, struct http_response *response);
/* Whether it has parts: a tag, a known size and a way to begin in the middle. */
bool range_possible(const struct http_response *response);

/* http_coding.c: gzip. */
bool coding_is_useful(const struct http_response *response); /* if the client takes it */
bool coding_is_taken(const struct http_request *request);
/* Puts the body into gzip. False: it stays as it is. */
bool coding_apply(struct http_response *response);

/* http_date.c: dates in headers. */
enum { DATE_SIZE = 48 };
void date_print(int64_t milliseconds, char out[DATE_SIZE]);
/* Unix seconds; −1 for what is no date. */
int64_t date_read(const char *text);

/* http_etag.c: whether a list as in If-None-Match names this tag. *coded: of its copy in gzip. */
bool etag_listed(const char *list, const char *etag, bool *coded);

/* http_weight.c: the weight of `name` in a list as in Accept, in thousandths; −1 when it is not
 * there. */
int weight_find(const char *list, const char *name);

/* http_later.c: asks the handler until it has an answer. False: the connection sleeps until there
 * may be one, and the exchange may be another thread's at once. */
bool later_ask(struct http_exchange *exchange);
/* After a part of a request: has the connection looked at once more when its client has closed. */
void later_look_for_end(struct http_exchange *exchange);
/* With the hub's lock held. Wakes those whose time is over and those whose clients have left;
 * lowers *until to when it wants to look again. */
void later_tick(struct http_hub *hub, double now, double *until);
void later_wake_all(struct http_hub *hub);

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
