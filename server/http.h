/* HTTP: the listener, requests and responses. The only module that includes microhttpd.h; knows no
 * route by name and nothing of jobs.
 *
 * One epoll thread. Handlers run in it, on a read-only connection, and must be short; those of slow
 * routes run in a clerk's thread, on a connection of his own. A handler that changes something
 * checks its input there and leaves the change as `response->write`: that runs in the store's
 * writer thread, inside its own savepoint, while the connection is suspended; the answer leaves
 * after COMMIT. Bodies are collected up to the route's limit before the handler runs, in memory or
 * in a file. */
#ifndef SERVER_HTTP_H
#define SERVER_HTTP_H

#include "server/body.h"
#include "server/instruments.h"
#include "server/log.h"
#include "server/query.h"
#include "server/scope.h"
#include "server/store.h"

struct http_response;
struct app; /* what handlers need; see routes.h */
struct http_exchange;
struct route_doc; /* see route_doc.h */

/* Of a handler that said "later" and is asked again. */
struct http_waited {
    bool again;   /* it is so */
    bool late;    /* the time is over, or the daemon stops: it must answer now */
    int64_t note; /* its own, of the last time */
};

struct http_request {
    const char *method; /* static text; HEAD arrives as GET */
    const char *path;   /* as sent, without the query */
    const char
        *params[4]; /* the {…} parts of the route's pattern, decoded once; no control characters */
    const char *body; /* NULL when there is none; NUL-terminated */
    size_t body_size;
    /* Instead, where the route says so: who wants to keep it renames it. NULL: an empty body. */
    const char *body_file;
    struct db *db;    /* the reader of the thread that runs the handler */
    enum scope scope; /* what the client may do */
    struct http_waited waited;
    struct app *app;
    struct http_exchange *exchange; /* for the functions below only */
};

/* NULL when absent. Valid during the handler. Queries are decoded; each name is at most once there,
 * is one of the route's rows, and its value is one that the row takes. */
const char *http_query(const struct http_request *request, const char *name);
/* The same by the kind of their row; `absent` where the parameter is not there. A choice is its
 * place among the row's choices; more of them are bits. */
int64_t http_query_integer(const struct http_request *request, const char *name, int64_t absent);
int http_query_choice(const struct http_request *request, const char *name, int absent);
uint32_t http_query_choices(const struct http_request *request, const char *name, uint32_t absent);
bool http_query_true(const struct http_request *request, const char *name);
const char *http_header(const struct http_request *request, const char *name);
/* Whether the Accept header names `type` ("text/csv"), with a weight above 0. The answer then says
 * that it depends on Accept. */
bool http_accepts(const struct http_request *request, const char *type);
/* Which of the NULL-ended types the Accept header gives the largest weight, the first of equals;
 * −1: none is named. The answer then says that it depends on Accept. */
int http_preferred(const struct http_request *request, const char *const *types);

/* ---- bodies that come in pieces ---- */

enum http_more {
    HTTP_MORE, /* call again when the client has taken this piece (none: when others had their turn)
                */
    HTTP_IDLE, /* live streams only: nothing new; call again after http_publish */
    HTTP_END,  /* that was the last piece */
    HTTP_BROKEN /* *error is logged and the connection is cut, so that the client sees the loss */
};

/* A body made on demand: at most one piece is in memory. First member of the maker's own struct. */
struct http_stream {
    /* Appends the next piece (aim at HTTP_PIECE bytes) to *out. Runs in the HTTP thread. */
    enum http_more (*next)(struct http_stream *stream, struct db *db, struct body *out,
                           struct error *error);
    void (*drop)(struct http_stream *stream);
    int64_t size; /* of the whole body; −1: not known before */
    bool live; /* waits for http_publish; counted against the limit of streams; gets heartbeats */
    const char *beat; /* of a live one: what a sign of life is; static text */
    /* The first piece shall begin at this byte of the body, which is inside it. Called once at
     * most, before `next`; only remembers. NULL: the body is given from its beginning or not at
     * all. Needs a size. */
    void (*seek)(struct http_stream *stream, int64_t offset);
};
enum { HTTP_PIECE = 32 * 1024 };

/* ---- responses ---- */

/* The changing half of a request. */
struct http_write {
    /* Runs in the writer's thread inside a savepoint: fills in *response. False: undone, *error is
     * the answer. */
    bool (*run)(struct db *db, void *context, struct http_response *response, struct error *error);
    void *context;
    void (*drop)(void *context); /* NULL: nothing to free */
    /* Called in the writer's thread once `run` was tried: after COMMIT (durable), or when all of it
     * was undone. For what lies beside the database, such as files; NULL. */
    void (*settled)(void *context, bool durable);
};

/* What the answer is a copy of, so that clients can ask whether theirs is still right, and go on
 * where a transfer broke off. Without a tag, one is made of the bytes where they are in memory, and
 * nobody can ask for a part. */
struct http_entity {
    char etag[88];    /* without quotes; "": none. Up to the first '.' it names the state that
                         If-Match is about; what follows tells copies of one state apart. When
                         nothing follows, what follows is made of the bytes */
    int64_t modified; /* Unix milliseconds; 0: not known */
};

/* There is no answer yet: the handler is asked again after http_stir with that key, and at the
 * latest when the time is over, counted from the first time. Meanwhile the connection sleeps. Not
 * for slow routes, which have a thread to wait in; not together with a write. */
struct http_later {
    int milliseconds; /* 0: the answer is here */
    int64_t key;
    int64_t note; /* comes back as request.waited.note */
};

struct http_response {
    int status;
    const char *content_type;   /* static text */
    char *body;                 /* malloc'ed, taken by the response */
    const void *fixed;          /* instead: bytes that live as long as the program */
    size_t body_size;           /* of body or fixed */
    const void *packed;         /* the same as fixed in gzip; NULL: there is none */
    size_t packed_size;         /* of packed */
    struct http_entity entity;  /* of an answer 200 to GET */
    struct http_stream *stream; /* instead: made on demand; taken by the response */
    struct http_write write;    /* instead, where run is set: the answer comes from there */
    struct http_later later;    /* instead, where it has a time: there is none yet */
    struct http_header_line {
        const char *name; /* static text */
        char value[256];
    } headers[12];
    int header_count;
    /* Called in the writer's thread after COMMIT and before the answer leaves, e.g. to wake the
     * pool; NULL. */
    void (*after)(struct app *app, int64_t number);
    int64_t after_number;
};

/* Each name is there once: a second value takes the place of the first. */
void http_response_header(struct http_response *response, const char *name, const char *format, ...)
    PRINTF_LIKE(3, 4);
void http_response_etag(struct http_response *response, const char *format, ...) PRINTF_LIKE(2, 3);
/* Makes the response one of `status` with what *body holds, JSON, and empties *body. */
bool http_response_json(struct http_response *response, int status, struct body *body,
                        struct error *error) MUST_CHECK;
/* Makes the response, but for its `write`, an application/problem+json (RFC 9457). `errors`: text
 * of a JSON list, or NULL. */
void http_problem(struct http_response *response, int status, const char *errors,
                  const char *format, ...) PRINTF_LIKE(4, 5);
/* The same from an error, by the kind → status table. What may hold paths of this machine is left
 * to the log. */
void http_problem_from(struct http_response *response, const struct error *error);
/* Frees what the response holds and zeroes it. */
void http_response_drop(struct http_response *response);

/* ---- conditions ----
 *
 * http itself answers 304, 412, 206 and 416 out of what a handler of GET fills in, and sends gzip
 * where the client takes it and the type is worth it. Handlers may spare themselves the body: */

/* Whether the request's conditions and the entity in *response settle the answer, which is then
 * there: 304 or 412. */
bool http_settled(const struct http_request *request, struct http_response *response);
/* For PUT, in any thread: whether the values of If-Match and If-None-Match (NULL: there was none)
 * allow to store something where this tag is now (NULL: nothing is there). Else the answer is 412.
 */
bool http_may_put(const char *if_match, const char *if_none_match, const char *etag);
/* For changes, in the writer's thread: whether the value of an If-Match header allows to change
 * what has this tag now. NULL: there was none. */
bool http_may_change(const char *if_match, const char *etag);

/* ---- routes ---- */

enum route_flag {
    ROUTE_BODY_JSON = 1, /* 415 unless application/json */
    ROUTE_SLOW = 2,      /* the handler runs in a clerk's thread: it may compute, read much, wait */
    ROUTE_BODY_FILE = 4, /* the body is written to a file (request.body_file); implies ROUTE_SLOW */
    ROUTE_BODY_MAY = 8,  /* there may be no body at all: else 411 */
    ROUTE_QUIET = 16,    /* asked all the time: what goes well is logged for debugging only */
    ROUTE_OPEN = 32,     /* for everybody, with a token or without */
    ROUTE_BODY_PATCH = 64 /* as ROUTE_BODY_JSON; application/merge-patch+json is welcome as well */
};

/* How long a slow handler may take at worst. The slower, the fewer clerks are at it at once: there
 * is always one left for what is short. */
enum http_pace {
    PACE_SHORT,
    PACE_SECONDS, /* all clerks but one */
    PACE_MINUTES, /* half of them; counts as seconds too, and so on */
    PACE_ALONE,   /* one: it may need as much memory as there is */
    HTTP_PACES
};

#define HTTP_UPLOAD_LIMIT SIZE_MAX

struct route {
    const char *method;               /* "GET", "POST" */
    const char *pattern;              /* "/v1/jobs/{id}/metrics" */
    bool (*serves)(const char *path); /* instead of a pattern */
    /* Fills in *response. False: *error becomes the answer. NULL: the address is known, but not in
     * this version: 501. */
    bool (*handle)(const struct http_request *request, struct http_response *response,
                   struct error *error);
    const struct query *queries; /* what may stand after the ?; NULL: nothing */
    unsigned flags;              /* enum route_flag */
    enum http_pace pace;         /* of a slow route */
    size_t body_limit;           /* 0: takes no body; HTTP_UPLOAD_LIMIT: what the setup says */
    /* What the client needs. SCOPE_NONE: read for GET, submit for POST and PATCH, admin for PUT and
     * DELETE. */
    enum scope scope;
    const struct route_doc *doc; /* what the OpenAPI document says of it; http does not look */
};

enum scope http_route_scope(const struct route *route);

/* What the bearer of a token may do, and his name, for the log. `token` NULL: none was sent.
 * SCOPE_NONE: nothing, he needs another one. HTTP thread only. */
enum { HTTP_NAME_SIZE = 65 };
typedef enum scope http_admit(void *gate, const char *token, char name[HTTP_NAME_SIZE]);

/* ---- what is measured ---- */

/* Places and who has them, now. */
struct http_counts {
    int connections, streams; /* streams: live ones */
    int clerks, clerks_busy, clerks_waiting;
};
void http_count(const struct http_request *request, struct http_counts *out);
/* Durations from a request's first byte to its answer's last, by route and class of status: 2 is
 * 2xx. Live streams are left out: theirs is the patience of who listens. `route` NULL: those that
 * no route takes. Only what has happened at least once. Any thread. */
typedef void http_durations_each(void *context, const struct route *route, int status_class,
                                 const struct histogram *durations);
void http_durations(const struct http_request *request, http_durations_each *each, void *context);

/* ---- the listener ---- */

struct http_setup {
    const char *listen; /* "127.0.0.1:8080", "[::1]:0" */
    const struct route *routes;
    size_t route_count;
    struct store *store;
    struct app *app;
    const struct log *log;
    const char
        *spool; /* folder for bodies that go to files; what it holds at the start is removed */
    const char *hosts;    /* further names in the Host header, with commas between; NULL: none */
    http_admit *admit;    /* NULL: everybody may do everything */
    void *gate;           /* for admit */
    int64_t upload_limit; /* bytes of a body where the route says HTTP_UPLOAD_LIMIT; 0: 8 GiB */
    int clerks;           /* threads for slow handlers; 0: 6 */
    int streams;          /* live streams at once; 0: 64 */
    int heartbeat;        /* milliseconds between signs of life on an idle stream; 0: 12 s */
    int patience;         /* seconds that a client may be silent; 0: 30 */
};

struct http;

/* Opens its own reader of the store. ERROR_BUSY when the port is taken. */
bool http_start(const struct http_setup *setup, struct http **out, struct error *error) MUST_CHECK;
/* "127.0.0.1:43121", with the real port. */
const char *http_address(const struct http *http);
/* Stops listening; what is connected goes on. */
void http_quiesce(struct http *http);
/* Ends live streams with a clean end of body, and waits a moment for slow clients. New ones get
 * 503. Who waits for a later answer gets one now. */
void http_end_streams(struct http *http);
/* Waits for writes and slow handlers under way, answers them, closes every connection. The store
 * must still be open. NULL is allowed. */
void http_stop(struct http *http);

/* Wakes the live streams: there are events up to `newest`. Any thread, never blocks for long. */
void http_publish(struct http *http, int64_t newest);
/* The newest event that was published; 0: none yet. Any thread. */
int64_t http_published(struct http *http);
/* Has the handlers asked again that wait for one of the keys; count −1: for any. The same. */
void http_stir(struct http *http, const int64_t *keys, int count);

#endif
