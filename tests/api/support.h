/* The API's tests speak to a real daemon: serve_run in a forked child on a free port, so that
 * sanitizers see it. Requests go by libcurl, or byte by byte by a socket. Everything here fails the
 * test when it cannot do what it says. The data set "tiny" is registered (see
 * tests/server/workshop.h); uploads have at most API_UPLOAD_MIB. */
#ifndef TESTS_API_SUPPORT_H
#define TESTS_API_SUPPORT_H

#include <jansson.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Sizes and counts, which are not signed. */
#define CHECK_COUNT(got, wanted) CHECK_INT((int64_t)(got), (int64_t)(wanted))

enum { API_UPLOAD_MIB = 4 };

struct api {
    pid_t pid;
    char address[64]; /* "127.0.0.1:43121" */
    int port;
};

/* Starts a daemon with its data in `data`; returns once it answers. A second start continues with
 * the same data. */
void api_start(struct api *api);
/* SIGTERM; fails the test unless the daemon ends with 0. */
void api_stop(struct api *api);
/* SIGKILL, and gone when it returns. */
void api_kill(struct api *api);
/* Fails the test unless the daemon soon uses next to no processor time: at its start it measures
 * the machine. `who` has nothing to do. */
void api_check_idle(const struct api *api, const char *who);

/* ---- requests ---- */

struct call {
    const char *method; /* NULL: GET, or POST where there is a body */
    const char *path;
    const char *body;       /* sent as application/json, unless a header says otherwise */
    size_t size;            /* of the body; 0: it is text */
    const char *headers[4]; /* further ones, NULL-ended */
};

struct answer {
    int status;
    char *head; /* status line and headers as they came */
    char *body; /* NUL-terminated */
    size_t size;
    json_t *json; /* the body, where it is JSON; else NULL */
};

struct answer api_call(const struct api *api, const struct call *call);
void answer_drop(struct answer *answer);
/* Value of a header of the answer, "" when it is absent; valid until the next call. */
const char *answer_header(const struct answer *answer, const char *name);

/* GET `path`: fails the test unless it has this status and, but for 204 and 304, ends with a
 * newline and is JSON. The caller owns the result. */
json_t *api_get(const struct api *api, const char *path, int status);
json_t *api_post(const struct api *api, const char *path, const char *body, int status);
/* PUT of a file's content; the caller drops the answer. `header` is a further one, or NULL. */
struct answer api_put_file(const struct api *api, const char *path, const char *file,
                           const char *header);
/* The same: fails the test unless it has that status; the caller owns the JSON. */
json_t *api_put(const struct api *api, const char *path, const char *file, int status);
/* DELETE: fails the test unless it has that status; NULL for 204. */
json_t *api_delete(const struct api *api, const char *path, int status);
/* Runs a script of tests/api by python3; its exit status, 127 when there is no python3. */
int run_python(const char *script, const char *const *arguments);
/* Members of the folder whose names begin so; −1: there is no such folder. */
int count_entries(const char *folder, const char *beginning);
/* The problem's detail contains `word`, and its status is the answer's. Takes the object. */
void check_problem(json_t *problem, int status, const char *word);
/* A string or integer by path, such as "progress.step". */
const char *text_at(const json_t *object, const char *path);
int64_t integer_at(const json_t *object, const char *path);
const json_t *json_at(const json_t *object, const char *path);

/* Submits a small job (see tiny_spec) and gives its id. */
void api_submit_tiny(const struct api *api, const char *extra, char id[16]);
/* Waits until the job is in `state`; a job that ends in another one fails the test. */
void api_wait(const struct api *api, const char *id, const char *state);
/* A path made of a job's id: format has one %s. */
const char *job_path(const char *id, const char *rest, char out[160]);

/* ---- sockets ---- */

int raw_open(const struct api *api);
void raw_send(int socket, const char *bytes, size_t size);
void raw_text(int socket, const char *text);
/* All that comes until the server closes or `seconds` pass without a byte (then *late, unless
 * NULL). malloc'ed text. */
char *raw_read(int socket, double seconds, bool *late);

/* Sends the text, reads until the server closes or falls silent for `seconds` (then *open). */
char *raw_talk(const struct api *api, const char *text, double seconds, bool *open);
/* Fails unless the connection is closed after one answer, a problem document of this status. */
void raw_check_refused(const struct api *api, const char *text, const char *status);

/* ---- event streams ---- */

struct event {
    int64_t id;
    char name[32];
    char *data;
};

struct event_log {
    struct event *items;
    int count;
    int comments;
    bool ended; /* the server closed the stream */
};

/* Opens `path` by HTTP/1.0 on a new socket; `last` > 0 goes as Last-Event-ID. */
int events_open(const struct api *api, const char *path, int64_t last);
/* Reads on until an event named `until` has come (NULL: to the end of the stream), or fails after
 * some seconds. */
void events_read(int socket, struct event_log *log, const char *until);
void events_drop_log(struct event_log *log);
/* Fails unless both have the same events, from the first of `some` on in `all`. */
void check_same_events(const struct event_log *all, const struct event_log *some);

void nap(double seconds);
double seconds_now(void);

#endif
