/* What handlers share: reading parameters. Knows no endpoint. */
#include "server/api.h"

#include "server/spec_json.h"

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

void api_put_member(struct body *body, const char *key, const json_t *value)
{
    char *text = json_text(value, NULL);

    body_text(body, ",");
    body_string(body, key);
    body_print(body, ":%s", text ? text : "null");
    free(text);
}
