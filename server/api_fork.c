/* POST /v1/jobs/{id}/fork: a new job that begins with a checkpoint of this one. The request is
 *     {"checkpoint": "best" | "last" | step, "state": false, "spec": {…}, "name", "labels",
 * "priority"} where `spec` is a merge patch of the job's spec as it is now, and what is not named
 * is the job's. With `state` the optimizer goes on with what it remembers. From there it is
 * submitted like any other job. */
#include "server/api.h"

#include "server/job_course.h"
#include "server/json_merge.h"
#include "server/spec_json.h"

#include <stdlib.h>
#include <string.h>

static const char *const keys[] = {"checkpoint", "state",    "spec", "name",
                                   "labels",     "priority", NULL};
static const char *const meta_keys[] = {"name", "labels", "priority"};

static void check_keys(const json_t *request, struct problems *problems)
{
    const char *key;
    json_t *value;

    json_object_foreach ((json_t *)request, key, value) {
        char pointer[POINTER_BYTES] = "";
        struct problem *problem;
        const char *const *known = keys;

        while (*known && strcmp(*known, key) != 0)
            known++;
        if (*known)
            continue;
        pointer_push(pointer, sizeof(pointer), key);
        problem =
            problem_add(problems, pointer, "a fork has no such key%s",
                        fields_find(&spec_fields, key) ? "; perhaps it belongs into \"spec\"" : "");
        problem->choices = keys;
        problem_suggest(problem, key);
    }
}

static void check_values(const json_t *request, struct problems *problems)
{
    const json_t *spec = json_object_get(request, "spec");
    const json_t *state = json_object_get(request, "state");

    if (spec && !json_is_object(spec))
        problem_add(problems, "/spec",
                    "want an object: what is to be other than in the job's spec");
    if (json_object_get(spec, "init_from"))
        problem_add(problems, "/spec/init_from",
                    "a fork begins with a checkpoint of the job that it is forked from: "
                    "\"checkpoint\" says with which");
    if (state && !json_is_boolean(state))
        problem_add(problems, "/state", "want true or false");
}

/* The keys of `from` that are named there. */
static json_t *some_of(const json_t *from)
{
    json_t *out = json_object();

    for (size_t i = 0; i < COUNT_OF(meta_keys); i++) {
        json_t *value = json_object_get(from, meta_keys[i]);

        if (value && json_object_set(out, meta_keys[i], value) != 0) {
            json_decref(out);
            return NULL;
        }
    }
    return out;
}

/* What the job has beside its spec, as the fork wants it. */
static bool add_meta(json_t *job, const json_t *stored, const json_t *request)
{
    json_t *own = some_of(stored), *asked = some_of(request);
    json_t *merged = own && asked ? json_merge(own, asked) : NULL;
    bool good = merged && json_object_update(job, merged) == 0;

    json_decref(own);
    json_decref(asked);
    json_decref(merged);
    return good;
}

static bool add_source(json_t *job, const char *id, const json_t *request)
{
    json_t *from = json_pack("{s:s}", "job", id);
    json_t *checkpoint = json_object_get(request, "checkpoint");
    bool good = from && (!checkpoint || json_is_null(checkpoint) ||
                         json_object_set(from, "checkpoint", checkpoint) == 0);

    return json_object_set_new(job, "init_from", from) == 0 && good;
}

/* The new job as its user would have submitted it. NULL when memory is gone, or what is stored is
 * no JSON. */
static json_t *job_of(const struct job_row *row, const json_t *request)
{
    json_t *stored = json_loads(row->meta, 0, NULL), *spec = course_unsettle(row->spec, row->plan);
    const json_t *patch = json_object_get(request, "spec");
    json_t *job = stored && spec ? json_deep_copy(spec) : NULL;

    if (job && json_is_object(patch)) {
        json_decref(job);
        job = json_merge(spec, patch);
    }
    if (job && !(add_meta(job, stored, request) && add_source(job, row->id, request))) {
        json_decref(job);
        job = NULL;
    }
    json_decref(stored);
    json_decref(spec);
    return job;
}

/* Of the revision that is here the fork is made, whatever becomes of the job meanwhile. */
static bool is_as_seen(const struct http_request *request, const struct job_row *row,
                       struct http_response *response)
{
    const struct api_aim aim = {.match = (char *)(uintptr_t)http_header(request, "If-Match")};

    return api_may_change(&aim, row, response);
}

static bool fork_job(const struct http_request *request, const json_t *wanted,
                     struct http_response *response, struct problems *problems, struct error *error)
{
    struct idempotency idempotency;
    struct job_row row = {0};
    bool known;

    if (!api_submit_repeat(request, wanted, &idempotency, response, &known, error))
        return false;
    if (known)
        return true;
    check_keys(wanted, problems);
    check_values(wanted, problems);
    if (!api_find_job(request, &row, error))
        return false;
    if (!is_as_seen(request, &row, response)) {
        job_row_drop(&row);
        return true;
    }
    const struct api_fork fork = {
        .job = row.id,
        .state = json_is_true(json_object_get(wanted, "state")),
        .found = problems,
        .idempotency = &idempotency,
    };
    json_t *job = job_of(&row, wanted);
    bool good = job ? api_submit_fork(request, job, &fork, response, error)
                    : error_set(error, ERROR_MEMORY, "", "no memory to fork the job");
    json_decref(job);
    job_row_drop(&row);
    return good;
}

bool api_jobs_fork(const struct http_request *request, struct http_response *response,
                   struct error *error)
{
    struct problems *problems = calloc(1, sizeof(*problems));
    json_t *wanted = NULL;
    bool good;

    if (!problems)
        return error_set(error, ERROR_MEMORY, "", "no memory to fork the job");
    if (json_parse_strict(request->body ? request->body : "", request->body_size, &wanted, problems,
                          error)) {
        good = fork_job(request, wanted, response, problems, error);
    } else {
        good = problems->count > 0;
        if (good)
            api_refuse_body(response, problems);
    }
    json_decref(wanted);
    free(problems);
    return good;
}
