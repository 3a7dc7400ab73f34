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

bool api_is_about_file(enum error_kind kind)
{
    static const bool about[ERROR_KINDS] = {
        [ERROR_INVALID] = true, [ERROR_TOO_LARGE] = true,   [ERROR_NOT_FOUND] = true,
        [ERROR_CORRUPT] = true, [ERROR_UNSUPPORTED] = true,
    };
    return about[kind];
}

void api_refuse_file(struct http_response *response, const char *what, const char *file,
                     const struct error *cause)
{
    const char *slash = file ? strrchr(file, '/') : NULL, *own = slash ? slash + 1 : file;
    bool member = cause->where[0] != '\0' && (!own || strcmp(own, cause->where) != 0) &&
                  (!file || strcmp(file, cause->where) != 0);
    struct body errors = {0};
    char *text;
    size_t size;

    body_text(&errors, "[{\"pointer\":\"\",\"detail\":");
    body_string(&errors, cause->text);
    if (member) {
        body_text(&errors, ",\"member\":");
        body_string(&errors, cause->where);
    }
    body_text(&errors, "}]");
    text = body_take(&errors, &size, NULL);
    http_problem(response, 422, text, "%s: %s%s%s", what, member ? cause->where : "",
                 member ? ": " : "", cause->text);
    free(text);
}
