/* PATCH /v1/jobs/{id}: everything is checked in a clerk's thread. The write then only stores it,
 * unless somebody else has changed the job in between: then it is checked once more, there. */
#include "server/api.h"

#include "server/job_edit.h"
#include "server/job_json.h"
#include "server/spec_json.h"
#include "server/store_control.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct patch {
    struct api_aim aim;
    json_t *request;
    struct app *app;
    struct job_edit edit;
    char *spec, *meta; /* the job's when it was checked */
};

static void patch_free(void *context)
{
    struct patch *patch = context;

    job_edit_drop(&patch->edit);
    json_decref(patch->request);
    api_aim_drop(&patch->aim);
    free(patch->spec);
    free(patch->meta);
    free(patch);
}

static bool answer_problems(const struct problems *problems, struct http_response *response,
                            struct error *error)
{
    size_t count = problems->count + problems->dropped;
    json_t *list = problems_to_json(problems);
    char *text = json_text(list, NULL);

    json_decref(list);
    if (!text)
        return error_set(error, ERROR_MEMORY, "", "no memory for the list of problems");
    http_problem(response, 422, text, "the job cannot be changed so: %zu %s", count,
                 count == 1 ? "thing is wrong" : "things are wrong");
    free(text);
    return true;
}

/* *good: nothing is wrong; otherwise the response says what is. */
static bool check(struct patch *patch, struct db *db, const struct job_row *row,
                  struct http_response *response, bool *good, struct error *error)
{
    const struct job_edit_world world = {
        .db = db, .speedometer = patch->app->speedometer, .threads = &patch->app->threads};
    struct problems *problems = calloc(1, sizeof(*problems));
    bool done;

    *good = false;
    if (!problems)
        return error_set(error, ERROR_MEMORY, "", "no memory to change the job");
    job_edit_drop(&patch->edit);
    done = job_edit_make(&world, row, patch->request, &patch->edit, problems, error);
    if (done && problems->count == 0)
        *good = true;
    else if (done)
        done = answer_problems(problems, response, error);
    free(problems);
    return done;
}

static bool store(struct db *db, const struct patch *patch, int64_t number, struct error *error)
{
    const struct job_edit *edit = &patch->edit;
    const struct job_naming naming = {
        .job = number, .meta = edit->meta, .priority = edit->priority, .event = edit->meta_event};
    const struct edit_new course = {.job = number,
                                    .changes = edit->changes,
                                    .spec = edit->spec,
                                    .plan = edit->plan,
                                    .steps = edit->steps,
                                    .epochs = edit->epochs};

    return (!edit->meta || store_job_name(db, &naming, error)) &&
           (!edit->changes || store_edit_add(db, &course, error));
}

static void tell_pool(struct app *app, int64_t number)
{
    pool_tell(app->pool, number);
}

/* Whether the job is another than when the request was checked. */
static bool is_stale(const struct patch *patch, const struct job_row *row)
{
    bool ended = job_state_ended(row->state) && job_edit_wants_course(patch->request);

    return ended || strcmp(row->spec, patch->spec) != 0 || strcmp(row->meta, patch->meta) != 0;
}

static bool change(struct db *db, struct patch *patch, const struct job_row *row,
                   struct http_response *response, struct error *error)
{
    bool good = true, done;

    if (!api_may_change(&patch->aim, row, response))
        return true;
    if (is_stale(patch, row)) {
        done = check(patch, db, row, response, &good, error);
        if (!done || !good)
            return done;
    }
    if (!store(db, patch, row->number, error))
        return false;
    response->after = tell_pool;
    response->after_number = row->number;
    return api_answer_job(db, row->number, response, error);
}

static bool write_patch(struct db *db, void *context, struct http_response *response,
                        struct error *error)
{
    struct patch *patch = context;
    struct job_row row = {0};
    bool good =
        api_find_job_by(db, patch->aim.id, &row, error) && change(db, patch, &row, response, error);

    job_row_drop(&row);
    return good;
}

static bool read_request(const struct http_request *request, struct patch *patch,
                         struct http_response *response, bool *good, struct error *error)
{
    struct problems *problems = calloc(1, sizeof(*problems));
    bool done = problems != NULL;

    if (!done)
        return error_set(error, ERROR_MEMORY, "", "no memory for the request");
    *good = json_parse_strict(request->body ? request->body : "", request->body_size,
                              &patch->request, problems, error);
    if (!*good) {
        done = problems->count > 0;
        if (done)
            api_refuse_body(response, problems);
    }
    free(problems);
    patch->app = request->app;
    return done && api_aim_take(request, &patch->aim, error);
}

static bool remember(struct patch *patch, struct job_row *row)
{
    patch->spec = row->spec;
    patch->meta = row->meta;
    row->spec = row->meta = NULL;
    return patch->spec && patch->meta;
}

bool api_jobs_patch(const struct http_request *request, struct http_response *response,
                    struct error *error)
{
    struct patch *patch = calloc(1, sizeof(*patch));
    struct job_row row = {0};
    bool good = false, done;

    if (!patch)
        return error_set(error, ERROR_MEMORY, "", "no memory for the request");
    done = read_request(request, patch, response, &good, error) &&
           (!good || (api_find_job(request, &row, error) &&
                      check(patch, request->db, &row, response, &good, error)));
    if (done && good && remember(patch, &row))
        response->write = (struct http_write){write_patch, patch, patch_free};
    else
        patch_free(patch);
    job_row_drop(&row);
    return done;
}
