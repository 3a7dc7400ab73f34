/* A server with routes of its own, in the test's process: what the real handlers cannot be made to
 * do. Everything here fails the test when it cannot do what it says. */
#ifndef TESTS_SERVER_OWN_HTTP_H
#define TESTS_SERVER_OWN_HTTP_H

#include "server/http.h"
#include "tests/api/support.h"

#include <stdatomic.h>

struct app {
    struct http *http;
    int after;           /* sum of after_number, in the writer's thread */
    atomic_int dropped;  /* contexts of writes */
    int64_t published;   /* in the HTTP thread */
    atomic_int alone;    /* handlers of /alone that run */
    atomic_bool crowded; /* there were several at once */
};

/* GET /fail              an error with a path in it
 * POST /slow             a write that takes its time; after_number 1
 * POST /failing          a write that fails with 409 "too late"
 * POST /problem          a write that answers 409 with its context's text
 * GET /stream[?break]    lines 2, 4 … 100, with empty pieces between; breaks in the middle
 * GET /stream?live       says nothing, for ever
 * GET /unlucky           publishes its event between "nothing new" and falling asleep
 * POST /size             the size of the body, up to 8 MiB
 * POST /file[?keep]      its size and sum of bytes out of its file, up to 64 MiB; kept as "kept"
 * GET /text[?size]       JSON of some 4000 bytes, or of that many, named "state.copy", changed at
 *                        OWN_MODIFIED
 * GET /numbers           OWN_NUMBERS bytes in pieces, byte i is i % 251, named "numbers"
 * GET /lines             text in pieces, of a size that is not known before
 * GET /later             waits, and what it waits for comes before it is asleep; its note, 42
 * GET /late[?never]      answers after 3 s, which is longer than patience; or not even then
 * GET /wait              answers after 0.3 s, in a clerk's thread
 * POST /wait             the same, and then a write
 * GET /long, /alone      the same as GET, of PACE_SECONDS and PACE_ALONE */
struct own {
    struct app app;
    struct store *store;
    struct http *http;
    struct api api;
};

enum { OWN_NUMBERS = 300000 };
#define OWN_MODIFIED INT64_C(1700000000123)
#define OWN_MODIFIED_DATE "Tue, 14 Nov 2023 22:13:20 GMT"

/* own_entity.c */
bool own_text(const struct http_request *request, struct http_response *response,
              struct error *error);
bool own_numbers(const struct http_request *request, struct http_response *response,
                 struct error *error);
bool own_lines(const struct http_request *request, struct http_response *response,
               struct error *error);

/* heartbeat in milliseconds. */
void own_start(struct own *own, int heartbeat);
void own_stop(struct own *own);

#endif
