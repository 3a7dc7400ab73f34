/* Idempotency: see idempotency.h. */
#include "server/idempotency.h"

#include "core/field.h"
#include "server/job_json.h"
#include "server/store_control.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char header[] = "Idempotency-Key";

static bool refuse(struct error *error)
{
    return error_set(error, ERROR_INVALID, header,
                     "the header Idempotency-Key must be 1 to %d visible ASCII characters, or as "
                     "many printable ones between double quotes",
                     IDEMPOTENCY_KEY_MAX);
}

/* Takes the quotes off. False: they are not closed, or something stands behind them. */
static bool unquote(const char *text, char out[IDEMPOTENCY_KEY_MAX + 1])
{
    size_t used = 0;

    while (*text != '"') {
        if (*text == '\\' && *++text != '"' && *text != '\\')
            return false;
        if (*text < 0x20 || *text > 0x7E || used == IDEMPOTENCY_KEY_MAX)
            return false;
        out[used++] = *text++;
    }
    out[used] = '\0';
    return used > 0 && text[1] == '\0';
}

static bool take_plain(const char *text, char out[IDEMPOTENCY_KEY_MAX + 1])
{
    size_t size = strlen(text);

    if (size == 0 || size > IDEMPOTENCY_KEY_MAX)
        return false;
    for (size_t i = 0; i < size; i++)
        if (text[i] <= 0x20 || text[i] > 0x7E)
            return false;
    memcpy(out, text, size + 1);
    return true;
}

bool idempotency_read(const struct http_request *request, const json_t *body,
                      struct idempotency *out, struct error *error)
{
    const char *sent = http_header(request, header);
    uint8_t digest[DIGEST_BYTES];
    char *text;

    *out = (struct idempotency){{0}, {0}};
    if (!sent)
        return true;
    if (!(sent[0] == '"' ? unquote(sent + 1, out->key) : take_plain(sent, out->key)))
        return refuse(error);
    text = json_dumps(body, JSON_SORT_KEYS | JSON_COMPACT);
    if (!text)
        return error_set(error, ERROR_MEMORY, "", "no memory for the request");
    const struct digest_piece pieces[] = {
        {request->path, strlen(request->path) + 1}, /* the NUL ends it */
        {text, strlen(text)},
    };
    digest_pieces(pieces, COUNT_OF(pieces), digest);
    digest_hex(digest, out->sha256);
    free(text);
    return true;
}

static bool answer_job(struct db *db, int64_t number, struct http_response *response,
                       struct error *error)
{
    struct job_row row = {0};
    struct body body = {0};
    bool good = store_job_get_number(db, number, &row, error) &&
                job_json_put(&body, db, &row, error) &&
                http_response_json(response, 201, &body, error);

    if (good) {
        http_response_header(response, "Location", "/v1/jobs/%s", row.id);
        http_response_etag(response, "%" PRId64 ".", row.revision);
        http_response_header(response, "Idempotency-Replayed", "true");
    }
    body_drop(&body);
    job_row_drop(&row);
    return good;
}

bool idempotency_answer(struct db *db, const struct idempotency *asked,
                        struct http_response *response, bool *known, struct error *error)
{
    struct repeat_row row = {0};

    *known = false;
    if (asked->key[0] == '\0')
        return true;
    if (!store_repeat_find(db, asked->key, &row, error))
        return false;
    *known = row.job != 0;
    if (!*known)
        return true;
    if (strcmp(row.sha256, asked->sha256) == 0)
        return answer_job(db, row.job, response, error);
    http_problem(response, 422, NULL,
                 "this Idempotency-Key was sent before, with another request, which made the job "
                 "%s: a new request wants a new key",
                 row.id);
    return true;
}
