/* What handlers share: reading parameters. Knows no endpoint. */
#include "server/api.h"

#include "server/job_json.h"
#include "server/spec_json.h"

#include <inttypes.h>
#include <stdio.h>
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

/* ---- a job that is to be changed ---- */

bool api_aim_take(const struct http_request *request, struct api_aim *out, struct error *error)
{
    const char *match = http_header(request, "If-Match");

    *out = (struct api_aim){{0}, match ? strdup(match) : NULL};
    if (strlen(request->params[0]) < sizeof(out->id)) /* else no job has it */
        memcpy(out->id, request->params[0], strlen(request->params[0]));
    return !match || out->match || error_set(error, ERROR_MEMORY, "", "no memory for the request");
}

void api_aim_drop(struct api_aim *aim)
{
    free(aim->match);
    aim->match = NULL;
}

bool api_may_change(const struct api_aim *aim, const struct job_row *row,
                    struct http_response *response)
{
    char etag[32];

    (void)snprintf(etag, sizeof(etag), "%" PRId64, row->revision);
    if (http_may_change(aim->match, etag))
        return true;
    http_problem(response, 412, NULL,
                 "the job has changed since: its revision is %" PRId64
                 " and its entity tag \"%s\", and If-Match names another",
                 row->revision, etag);
    return false;
}

bool api_answer_job(struct db *db, int64_t number, struct http_response *response,
                    struct error *error)
{
    struct job_row row = {0};
    struct body body = {0};
    bool good = store_job_get_number(db, number, &row, error) &&
                job_json_put(&body, db, &row, error) &&
                http_response_json(response, 200, &body, error);

    if (good)
        http_response_etag(response, "%" PRId64 ".", row.revision);
    body_drop(&body);
    job_row_drop(&row);
    return good;
}

/* ---- JSON ---- */

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

void api_refuse_body(struct http_response *response, const struct problems *problems)
{
    json_t *list = problems_to_json(problems);
    char *text = json_text(list, NULL);

    json_decref(list);
    http_problem(response, 400, text, "the body is no JSON object: %s", problems->items[0].detail);
    free(text);
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

static int from_hex(char digit)
{
    return digit <= '9' ? digit - '0' : digit - 'a' + 10;
}

void api_put_digest(struct http_response *response, const char sha256[65])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char text[45];

    /* 32 bytes are 11 groups of three, of which the last lacks one. */
    for (int group = 0; group < 11; group++) {
        unsigned bits = 0;

        for (int i = 0; i < 6; i++)
            bits = bits << 4 | (group * 6 + i < 64 ? (unsigned)from_hex(sha256[group * 6 + i]) : 0);
        for (int i = 0; i < 4; i++)
            text[group * 4 + i] = digits[bits >> (18 - 6 * i) & 63];
    }
    text[43] = '=';
    text[44] = '\0';
    http_response_header(response, "Repr-Digest", "sha-256=:%s:", text);
}
