/* Data sets that come and go: one archive as the body of a PUT, checked fully before its name
 * appears, and the deletion of what came so. A name has one content for as long as it is there: who
 * wants another one deletes the set, or takes another name. */
#include "server/api.h"

#include <stdlib.h>
#include <string.h>

/* ---- PUT /v1/datasets/{name} ---- */

/* *good false: the response says why. */
static bool check_conditions(const struct http_request *request, bool there,
                             struct http_response *response, bool *good, struct error *error)
{
    const char *match = http_header(request, "If-Match");
    const char *none = http_header(request, "If-None-Match");
    struct dataset_row row = {0};
    struct error missing = {0};
    char etag[65];
    bool found = catalog_find(request->db, request->params[0], &row, &missing);

    *good = false;
    if (!found && missing.kind != ERROR_NOT_FOUND)
        return error_set(error, missing.kind, missing.where, "%s", missing.text);
    if (found && !catalog_row_digest(&row, etag, error)) {
        dataset_row_drop(&row);
        return false;
    }
    dataset_row_drop(&row);
    /* What this very request has put there is no reason to refuse it. */
    *good = (found && there) || http_may_put(match, none, found ? etag : NULL);
    if (!*good)
        http_problem(response, 412, NULL, "%s",
                     found ? "there is a data set of this name, and not as the request's If-Match "
                             "or If-None-Match wants it"
                           : "there is no data set of this name, and the request has If-Match");
    return true;
}

static bool answer(const struct http_request *request, bool there, struct http_response *response,
                   struct error *error)
{
    struct dataset_row row = {0};
    struct body body = {0};
    bool good = catalog_find(request->db, request->params[0], &row, error) &&
                api_put_dataset(&body, &row, error) &&
                http_response_json(response, there ? 200 : 201, &body, error);

    if (good)
        http_response_header(response, "Location", "/v1/datasets/%s", request->params[0]);
    body_drop(&body);
    dataset_row_drop(&row);
    return good;
}

/* Reads, checks and stores what came. */
static bool add(const struct http_request *request, struct http_response *response,
                struct error *error)
{
    struct catalog_addition addition;
    struct error cause = {0};
    bool good;

    if (!catalog_add(request->app->config->data_dir, request->params[0], request->body_file,
                     request->app->memory, &addition, &cause)) {
        if (addition.read || !api_is_about_file(cause.kind))
            return error_set(error, cause.kind, cause.where, "%s", cause.text);
        api_refuse_file(response, "the body is no data set that can be used", request->body_file,
                        &cause);
        return true;
    }
    dataset_release(addition.dataset);
    if (!check_conditions(request, !addition.there, response, &good, error))
        return false;
    if (!good || answer(request, addition.there, response, &cause))
        return true;
    if (cause.kind == ERROR_NOT_FOUND)
        return error_set(error, ERROR_CONFLICT, "",
                         "the data set was stored, and somebody has deleted it at the same moment");
    return error_set(error, cause.kind, cause.where, "%s", cause.text);
}

bool api_datasets_put(const struct http_request *request, struct http_response *response,
                      struct error *error)
{
    const struct error empty = {.text = "it is empty"};
    bool good;

    if (!catalog_name_good(request->params[0], error) ||
        !check_conditions(request, false, response, &good, error))
        return false;
    if (!good)
        return true;
    if (request->body_file)
        return add(request, response, error);
    api_refuse_file(response, "the body is no data set that can be used", NULL, &empty);
    return true;
}

/* ---- DELETE /v1/datasets/{name} ---- */

enum { USERS_TOLD = 20 };

struct deletion {
    char name[65];
    char *match;                 /* If-Match as it came, or NULL */
    char hidden[CATALOG_HIDDEN]; /* "": nothing is hidden */
    const char *dir;
};

static void deletion_free(void *context)
{
    struct deletion *deletion = context;

    free(deletion->match);
    free(deletion);
}

/* In the writer's thread: the files of a large set take a moment to go, but what waits meanwhile is
 * durable already. */
static void deletion_settled(void *context, bool durable)
{
    const struct deletion *deletion = context;

    if (deletion->hidden[0] == '\0')
        return;
    if (durable)
        catalog_remove(deletion->dir, deletion->hidden);
    else
        catalog_unhide(deletion->dir, deletion->hidden, deletion->name);
}

static bool refuse_users(struct http_response *response, const char *name,
                         const struct dataset_user *users, int count, struct error *error)
{
    int told = count < USERS_TOLD ? count : USERS_TOLD;
    struct body errors = {0}, ids = {0};
    char *list, *text;
    size_t size;

    for (int i = 0; i < told; i++) {
        body_print(&errors, "%c{\"pointer\":\"\",\"detail\":\"job %s is %s\",\"job\":\"%s\"}",
                   i > 0 ? ',' : '[', users[i].job, job_state_name(users[i].state), users[i].job);
        body_print(&ids, "%s%s", i > 0 ? ", " : "", users[i].job);
    }
    body_text(&errors, "]");
    body_text(&ids, count > told ? ", …" : "");
    list = body_take(&errors, &size, error);
    text = list ? body_take(&ids, &size, error) : NULL;
    if (text)
        http_problem(response, 409, list,
                     "the data set %s is needed by jobs that have not ended: %s", name, text);
    body_drop(&ids);
    free(list);
    free(text);
    return text != NULL;
}

/* Whether it is the client's to delete as it is now; else the response says why. */
static bool check_deletion(struct db *db, const struct deletion *deletion,
                           struct http_response *response, bool *good, struct error *error)
{
    struct dataset_row row = {0};
    char etag[65] = "";

    *good = false;
    if (!catalog_find(db, deletion->name, &row, error))
        return false;
    bool read = catalog_row_digest(&row, etag, error);
    dataset_row_drop(&row);
    if (!read)
        return false;
    *good = http_may_change(deletion->match, etag);
    if (!*good) {
        http_problem(response, 412, NULL, "the data set %s is not the one that If-Match names",
                     deletion->name);
        return true;
    }
    return catalog_is_added(db, deletion->name) ||
           error_set(error, ERROR_CONFLICT, "",
                     "the data set %s is a folder that the server's owner has registered "
                     "(--datasets) and that is only read: it cannot be deleted here",
                     deletion->name);
}

/* In the writer's thread no job can come in between. */
static bool delete_set(struct db *db, void *context, struct http_response *response,
                       struct error *error)
{
    struct deletion *deletion = context;
    struct dataset_user users[USERS_TOLD + 1];
    int count = 0;
    bool good;

    if (!check_deletion(db, deletion, response, &good, error) ||
        !store_dataset_users(db, deletion->name, users, USERS_TOLD + 1, &count, error))
        return false;
    if (!good)
        return true;
    if (count > 0)
        return refuse_users(response, deletion->name, users, count, error);
    response->status = 204;
    return catalog_hide(deletion->dir, deletion->name, deletion->hidden, error);
}

bool api_datasets_delete(const struct http_request *request, struct http_response *response,
                         struct error *error)
{
    const char *match = http_header(request, "If-Match"), *name = request->params[0];
    struct deletion *deletion;

    if (!catalog_name_good(name, NULL))
        return error_set(error, ERROR_NOT_FOUND, "", "there is no data set of this name");
    deletion = calloc(1, sizeof(*deletion));
    if (!deletion)
        return error_set(error, ERROR_MEMORY, "", "no memory for the request");
    memcpy(deletion->name, name, strlen(name) + 1);
    deletion->match = match ? strdup(match) : NULL;
    deletion->dir = request->app->config->data_dir;
    response->write = (struct http_write){delete_set, deletion, deletion_free, deletion_settled};
    return !match || deletion->match || error_set(error, ERROR_MEMORY, "", "no memory");
}
