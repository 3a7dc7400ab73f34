/* Idempotency: the key by which a client says that two requests for a new job are one, so that it
 * may repeat a request whose answer it never got. Knows nothing of how a job is made.
 *
 * Header `Idempotency-Key`: 1 to 255 visible ASCII characters as they are, or, as the IETF's draft
 * wants it, printable ones between quotes with \" and \\; abc and "abc" are the same key. A key
 * belongs to the one job that it made, for as long as that job is there, whoever sent it. The same
 * request is the same path with the same JSON; the order of members and blanks do not count. */
#ifndef SERVER_IDEMPOTENCY_H
#define SERVER_IDEMPOTENCY_H

#include "server/http.h"

#include "core/digest.h"

#include <jansson.h>

enum { IDEMPOTENCY_KEY_MAX = 255 };

struct idempotency {
    char key[IDEMPOTENCY_KEY_MAX + 1]; /* "": none was sent */
    char sha256[DIGEST_HEX];           /* of what is asked for */
};

/* ERROR_INVALID for what is no key. `body`: the request's. */
bool idempotency_read(const struct http_request *request, const json_t *body,
                      struct idempotency *out, struct error *error) MUST_CHECK;

/* *known: the key has been used, and the response is there: the job that it made, again with 201,
 * because who repeats a request cannot know that it is the second; or 422 where something else was
 * asked for. Decides for good when called in the writer's thread. */
bool idempotency_answer(struct db *db, const struct idempotency *asked,
                        struct http_response *response, bool *known,
                        struct error *error) MUST_CHECK;

#endif
