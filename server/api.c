/* What handlers share: reading parameters. Knows no endpoint. */
#include "server/api.h"

#include "server/spec_json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

bool api_find_job_by(struct db *db, const char *id, struct job_row *out, struct error *error)
{
    size_t length = strlen(id);

    if (length != JOB_ID_SIZE - 1 || strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789") != length)
        return error_set(error, ERROR_NOT_FOUND, "", "there is no job with this id");
    return store_job_get(db, id, out, error);
}

bool api_find_job(const struct http_request *request, struct job_row *out, struct error *error)
{
    return api_find_job_by(request->db, request->params[0], out, error);
}

bool api_read_integer(const char *text, int64_t *out)
{
    size_t length = strlen(text);
    int64_t value = 0;

    if (length == 0 || length > 18 || strspn(text, "0123456789") != length)
        return false;
    for (const char *at = text; *at; at++)
        value = value * 10 + (*at - '0');
    *out = value;
    return true;
}

bool api_query_integer(const struct http_request *request, const struct api_integer *wanted,
                       int64_t *out, struct error *error)
{
    const char *text = http_query(request, wanted->name);
    int64_t value;

    if (!text)
        return true;
    if (!api_read_integer(text, &value) || value < wanted->min || value > wanted->max)
        return error_set(error, ERROR_INVALID, wanted->name,
                         "the query parameter \"%s\" must be a whole number in %" PRId64
                         " … %" PRId64,
                         wanted->name, wanted->min, wanted->max);
    *out = value;
    return true;
}

void api_put_member(struct body *body, const char *key, const json_t *value)
{
    char *text = json_text(value, NULL);

    body_text(body, ",");
    body_string(body, key);
    body_print(body, ":%s", text ? text : "null");
    free(text);
}
