/* Weights that come and go: PUT and DELETE of /v1/weights/{name}. A name keeps its content unless
 * the client says by If-Match that it knows what it replaces. Nothing needs a file for long: a job
 * that begins with it has copied its numbers when it was accepted. */
#include "server/api.h"
#include "server/weights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what users see of them ---- */

void api_put_weights(struct body *body, const struct weights_row *row, const char *tensors)
{
    body_text(body, "{\"name\":");
    body_string(body, row->name);
    body_print(body, ",\"bytes\":%lld,\"sha256\":\"%s\",\"tensor_count\":%lld,\"parameters\":%lld",
               (long long)row->bytes, row->sha256, (long long)row->tensors,
               (long long)row->parameters);
    if (tensors)
        body_print(body, ",\"tensors\":%s", tensors);
    body_text(body, ",\"created_at\":");
    body_time(body, row->created_at);
    body_print(body, ",\"links\":{\"self\":\"/v1/weights/%s\"}}", row->name);
}

char *api_tensors_text(const struct safetensors_reader *reader, struct error *error)
{
    struct body body = {0};
    size_t size;

    body_text(&body, "[");
    for (int i = 0; i < reader->count; i++) {
        const struct safetensors_entry *entry = &reader->entries[i];

        body_text(&body, i > 0 ? ",{\"name\":" : "{\"name\":");
        body_string(&body, entry->name);
        body_print(&body, ",\"dtype\":\"%s\",\"shape\":[", safetensors_dtype(entry));
        for (int k = 0; k < entry->rank; k++)
            body_print(&body, "%s%lld", k > 0 ? "," : "", (long long)entry->dims[k]);
        body_text(&body, "]}");
    }
    body_text(&body, "]");
    return body_take(&body, &size, error);
}

static bool check_name(const struct http_request *request, struct error *error)
{
    return catalog_name_good(request->params[0], NULL) ||
           error_set(error, ERROR_INVALID, "",
                     "a name of weights has at most 64 letters, digits, '.', '_', '-' and no '.' "
                     "in front");
}

/* ---- PUT ---- */

struct upload {
    const char *dir;
    char *match, *none; /* If-Match, If-None-Match; NULL: there was none */
    char *tensors;      /* JSON */
    struct weights_row row;
    bool kept;                   /* row.file is in the folder, and no row names it */
    char old[WEIGHTS_FILE_SIZE]; /* whose place it takes; "": none */
};

static void upload_free(void *context)
{
    struct upload *upload = context;

    if (upload->kept)
        weights_remove(upload->dir, upload->row.file);
    free(upload->match);
    free(upload->none);
    free(upload->tensors);
    free(upload);
}

static void upload_settled(void *context, bool durable)
{
    struct upload *upload = context;

    if (!durable)
        upload->kept = true;
    else if (upload->old[0] != '\0')
        weights_remove(upload->dir, upload->old);
}

enum standing { STANDING_NEW, STANDING_SAME, STANDING_OTHER, STANDING_LOST };

/* How what came stands to what is there under the name; *now is that. */
static bool compare(struct db *db, const struct upload *upload, struct weights_row *now,
                    enum standing *out, struct error *error)
{
    struct error missing = {0};

    *out = STANDING_NEW;
    if (!store_weights_get(db, upload->row.name, now, &missing))
        return missing.kind == ERROR_NOT_FOUND ||
               error_set(error, missing.kind, missing.where, "%s", missing.text);
    if (!weights_there(upload->dir, now->file))
        *out = STANDING_LOST;
    else
        *out = strcmp(now->sha256, upload->row.sha256) == 0 ? STANDING_SAME : STANDING_OTHER;
    return true;
}

/* Whether it may come in; else the response says why. */
static bool check_upload(const struct upload *upload, const struct weights_row *now,
                         enum standing standing, struct http_response *response)
{
    const char *etag = standing == STANDING_NEW ? NULL : now->sha256;

    if (!http_may_put(upload->match, upload->none, etag)) {
        http_problem(response, 412, NULL, "%s",
                     etag ? "there are weights of this name, and not as the request's If-Match or "
                            "If-None-Match wants them"
                          : "there are no weights of this name, and the request has If-Match");
        return false;
    }
    if (standing != STANDING_OTHER || upload->match)
        return true;
    http_problem(response, 409, NULL,
                 "there are weights of this name with other content (sha256 %.16s…); choose "
                 "another name, or send If-Match with their entity tag to replace them",
                 now->sha256);
    return false;
}

static bool store_upload(struct db *db, void *context, struct http_response *response,
                         struct error *error)
{
    struct upload *upload = context;
    struct weights_row now = {0};
    enum standing standing;
    struct body body = {0};

    if (!compare(db, upload, &now, &standing, error))
        return false;
    if (!check_upload(upload, &now, standing, response))
        return true;
    if (standing != STANDING_SAME) {
        if (!store_weights_put(db, &upload->row, error))
            return false;
        upload->kept = false;
        memcpy(upload->old, now.file, sizeof(now.file));
        now = upload->row;
    }
    api_put_weights(&body, &now, upload->tensors);
    bool good = http_response_json(response, standing == STANDING_NEW ? 201 : 200, &body, error);
    http_response_header(response, "Location", "/v1/weights/%s", now.name);
    http_response_etag(response, "%s", now.sha256);
    body_drop(&body);
    return good;
}

/* Looks at the file and moves it to where it stays, if it stays. */
static bool take(const struct http_request *request, struct upload *upload,
                 struct http_response *response, bool *good, struct error *error)
{
    struct safetensors_reader reader = {.file = -1};
    struct error cause = {0};

    *good = weights_look(request->body_file, &upload->row, &reader, &cause);
    if (*good)
        upload->tensors = api_tensors_text(&reader, error);
    safetensors_reader_close(&reader);
    if (!*good) {
        if (!api_is_about_file(cause.kind))
            return error_set(error, cause.kind, cause.where, "%s", cause.text);
        api_refuse_file(response, "the body is no safetensors file", request->body_file, &cause);
        return true;
    }
    upload->kept =
        upload->tensors && weights_keep(upload->dir, request->body_file, &upload->row, error);
    return upload->kept;
}

static bool copy_header(const struct http_request *request, const char *name, char **out)
{
    const char *value = http_header(request, name);

    *out = value ? strdup(value) : NULL;
    return !value || *out;
}

bool api_weights_put(const struct http_request *request, struct http_response *response,
                     struct error *error)
{
    const struct error empty = {.text = "it is empty"};
    struct upload *upload;
    bool good = false, done;

    if (!check_name(request, error))
        return false;
    if (!request->body_file) {
        api_refuse_file(response, "the body is no safetensors file", NULL, &empty);
        return true;
    }
    upload = calloc(1, sizeof(*upload));
    if (!upload)
        return error_set(error, ERROR_MEMORY, "", "no memory for the request");
    upload->dir = request->app->config->data_dir;
    (void)snprintf(upload->row.name, sizeof(upload->row.name), "%s", request->params[0]);
    done = (copy_header(request, "If-Match", &upload->match) &&
            copy_header(request, "If-None-Match", &upload->none)) ||
           error_set(error, ERROR_MEMORY, "", "no memory for the request");
    done = done && take(request, upload, response, &good, error);
    if (done && good)
        response->write = (struct http_write){store_upload, upload, upload_free, upload_settled};
    else
        upload_free(upload);
    return done;
}

/* ---- DELETE ---- */

struct removal {
    const char *dir;
    char *match;
    char name[WEIGHTS_NAME_SIZE];
    char file[WEIGHTS_FILE_SIZE]; /* that no row names any more; "": none */
};

static void removal_free(void *context)
{
    struct removal *removal = context;

    free(removal->match);
    free(removal);
}

static void removal_settled(void *context, bool durable)
{
    const struct removal *removal = context;

    if (durable && removal->file[0] != '\0')
        weights_remove(removal->dir, removal->file);
}

static bool store_removal(struct db *db, void *context, struct http_response *response,
                          struct error *error)
{
    struct removal *removal = context;
    struct weights_row row;

    if (!store_weights_get(db, removal->name, &row, error))
        return false;
    if (!http_may_change(removal->match, row.sha256)) {
        http_problem(response, 412, NULL, "the weights %s are not those that If-Match names",
                     row.name);
        return true;
    }
    memcpy(removal->file, row.file, sizeof(row.file));
    response->status = 204;
    return store_weights_delete(db, row.name, error);
}

bool api_weights_delete(const struct http_request *request, struct http_response *response,
                        struct error *error)
{
    struct removal *removal;

    if (!catalog_name_good(request->params[0], NULL))
        return error_set(error, ERROR_NOT_FOUND, "", "there are no weights of this name");
    removal = calloc(1, sizeof(*removal));
    if (!removal)
        return error_set(error, ERROR_MEMORY, "", "no memory for the request");
    removal->dir = request->app->config->data_dir;
    (void)snprintf(removal->name, sizeof(removal->name), "%s", request->params[0]);
    response->write = (struct http_write){store_removal, removal, removal_free, removal_settled};
    return copy_header(request, "If-Match", &removal->match) ||
           error_set(error, ERROR_MEMORY, "", "no memory for the request");
}
