/* POST /v1/jobs: a text becomes a spec, the spec a plan, the plan a queued job, or a list of
 * everything that is wrong: see submission.h. */
#include "server/submission.h"

#include "server/job_json.h"
#include "server/store_control.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool answer_problems(const struct problems *problems, int status,
                            struct http_response *response, struct error *error)
{
    json_t *list = problems_to_json(problems);
    char *text = json_text(list, NULL);
    size_t count = problems->count + problems->dropped;

    json_decref(list);
    if (!text)
        return error_set(error, ERROR_MEMORY, "", "no memory for the list of problems");
    if (status == 400)
        http_problem(response, status, text, "the body is not the JSON of a job: %s",
                     problems->items[0].detail);
    else
        http_problem(response, status, text, "this job cannot be trained: %zu %s", count,
                     count == 1 ? "thing is wrong" : "things are wrong");
    free(text);
    return true;
}

/* ---- answering ---- */

static json_t *view_to_json(const struct submission *submission, bool layers)
{
    const struct plan_view view = {.spec = &submission->spec,
                                   .plan = &submission->plan,
                                   .warnings = &submission->warnings,
                                   .bytes = submission->bytes,
                                   .estimate = submission->estimate};

    return plan_to_json(&view, layers);
}

static bool answer_plan(const struct submission *submission, struct http_response *response,
                        struct error *error)
{
    json_t *spec = spec_to_json(&submission->spec);
    json_t *plan = view_to_json(submission, true);
    char *spec_text = json_text(spec, NULL);
    char *plan_text = json_text(plan, NULL);
    struct body body = {0};
    bool good = spec_text && plan_text;

    if (good) {
        body_print(&body, "{\"spec\":%s,\"plan\":%s}", spec_text, plan_text);
        good = http_response_json(response, 200, &body, error);
    } else {
        (void)error_set(error, ERROR_MEMORY, "", "no memory for the plan");
    }
    json_decref(spec);
    json_decref(plan);
    free(spec_text);
    free(plan_text);
    return good;
}

/* What the writer is to store. */
struct accepted {
    char *meta, *spec, *plan;
    int64_t priority;
    char dataset[65]; /* "": it is made */
    struct initial initial;
    struct idempotency idempotency;
};

static void accepted_free(void *context)
{
    struct accepted *accepted = context;

    free(accepted->meta);
    free(accepted->spec);
    free(accepted->plan);
    initial_drop(&accepted->initial);
    free(accepted);
}

static void wake_pool(struct app *app, int64_t number)
{
    (void)number;
    pool_wake(app->pool);
}

/* The checkpoint that the job begins with is as durable as the job. */
static bool store_initial(struct db *db, const struct initial *initial, struct job_row *row,
                          struct error *error)
{
    const struct checkpoint_new checkpoint = {.job = row->number,
                                              .bytes = initial->bytes,
                                              .size = initial->size,
                                              .file = initial->file,
                                              .score = NAN,
                                              .keep_last = 1};
    int64_t number = row->number;

    if (!initial->bytes)
        return true;
    if (!store_checkpoint_put(db, &checkpoint, error))
        return false;
    job_row_drop(row);
    return store_job_get_number(db, number, row, error);
}

/* It was there when the job was checked; somebody may have deleted it since. */
static bool check_dataset(struct db *db, const char *name, struct error *error)
{
    return name[0] == '\0' || catalog_there(db, name) ||
           error_set(error, ERROR_CONFLICT, "/dataset/name",
                     "the data set %s was deleted while the job was checked", name);
}

static bool store_key(struct db *db, const struct idempotency *asked, const struct job_row *row,
                      struct error *error)
{
    return asked->key[0] == '\0' ||
           store_repeat_put(db, asked->key, asked->sha256, row->number, error);
}

static bool store_accepted(struct db *db, void *context, struct http_response *response,
                           struct error *error)
{
    const struct accepted *accepted = context;
    const struct job_new job = {accepted->meta, accepted->spec, accepted->plan, accepted->priority};
    struct job_row row = {0};
    struct body body = {0};
    bool good, known;

    if (!idempotency_answer(db, &accepted->idempotency, response, &known, error))
        return false;
    if (known)
        return true;
    good = check_dataset(db, accepted->dataset, error) && store_job_add(db, &job, &row, error) &&
           store_initial(db, &accepted->initial, &row, error) &&
           store_key(db, &accepted->idempotency, &row, error) &&
           job_json_put(&body, db, &row, error) && http_response_json(response, 201, &body, error);
    if (good) {
        http_response_header(response, "Location", "/v1/jobs/%s", row.id);
        http_response_etag(response, "%" PRId64 ".", row.revision);
        response->after = wake_pool;
    }
    body_drop(&body);
    job_row_drop(&row);
    return good;
}

static char *text_and_free(json_t *json)
{
    char *text = json_text(json, NULL);

    json_decref(json);
    return text;
}

static json_t *meta_to_json(const struct submission *submission)
{
    json_t *meta = job_meta_to_json(&submission->meta);

    if (!meta || !submission->fork)
        return meta;
    json_t *from =
        json_pack("{s:s, s:I, s:b}", "job", submission->fork->job, "checkpoint",
                  (json_int_t)submission->initial.step, "state", submission->fork->state);
    if (json_object_set_new(meta, "forked_from", from) == 0)
        return meta;
    json_decref(meta);
    return NULL;
}

static bool queue(struct submission *submission, struct http_response *response,
                  struct error *error)
{
    struct accepted *accepted = calloc(1, sizeof(*accepted));

    if (!accepted)
        return error_set(error, ERROR_MEMORY, "", "no memory for the job");
    accepted->meta = text_and_free(meta_to_json(submission));
    accepted->spec = text_and_free(spec_to_json(&submission->spec));
    accepted->plan = text_and_free(view_to_json(submission, false));
    accepted->priority = submission->meta.priority;
    memcpy(accepted->dataset, submission->spec.dataset.name, sizeof(accepted->dataset));
    accepted->idempotency = submission->idempotency;
    accepted->initial = submission->initial;
    submission->initial = (struct initial){0};
    if (!accepted->meta || !accepted->spec || !accepted->plan) {
        accepted_free(accepted);
        return error_set(error, ERROR_MEMORY, "", "no memory for the job");
    }
    response->write = (struct http_write){store_accepted, accepted, accepted_free};
    return true;
}

/* The spec of a fork is a part of the request; what it begins with is another. */
static void map_to_fork(struct problem *problem)
{
    static const char *const own[] = {"/name", "/labels", "/priority", "/state"};
    static const char from[] = "/init_from";
    char pointer[POINTER_BYTES];

    for (size_t i = 0; i < COUNT_OF(own); i++)
        if (strncmp(problem->pointer, own[i], strlen(own[i])) == 0)
            return;
    (void)snprintf(pointer, sizeof(pointer), "/spec%.*s", POINTER_BYTES - 6, problem->pointer);
    if (strncmp(problem->pointer, from, sizeof(from) - 1) == 0)
        (void)snprintf(pointer, sizeof(pointer), "/checkpoint");
    memcpy(problem->pointer, pointer, sizeof(pointer));
}

static void gather_problems(struct submission *submission)
{
    struct problems *problems = &submission->problems;
    const struct problems *found = submission->fork->found;

    for (size_t i = 0; i < problems->count; i++)
        map_to_fork(&problems->items[i]);
    for (size_t i = 0; i < found->count; i++)
        *problem_add(problems, "", "%s", "") = found->items[i];
    problems->dropped += found->dropped;
}

static bool submit_json(struct submission *submission, const struct http_request *request,
                        const json_t *json, struct http_response *response, struct error *error)
{

    if (!submission_check(submission, json, request, error))
        return false;
    if (submission->fork)
        gather_problems(submission);
    if (submission->problems.count > 0)
        return answer_problems(&submission->problems, 422, response, error);
    return http_query_true(request, "dry_run") ? answer_plan(submission, response, error)
                                               : queue(submission, response, error);
}

/* A known key is answered before anything is checked: what the first request needed may be gone. */
static bool submit_once(struct submission *submission, const struct http_request *request,
                        const json_t *json, struct http_response *response, struct error *error)
{
    bool known;

    if (!api_submit_repeat(request, json, &submission->idempotency, response, &known, error))
        return false;
    return known || submit_json(submission, request, json, response, error);
}

static bool submit(struct submission *submission, const struct http_request *request,
                   struct http_response *response, struct error *error)
{
    json_t *json = NULL;
    bool good;

    if (!json_parse_strict(request->body ? request->body : "", request->body_size, &json,
                           &submission->problems, error))
        return submission->problems.count > 0 &&
               answer_problems(&submission->problems, 400, response, error);
    good = submit_once(submission, request, json, response, error);
    json_decref(json);
    return good;
}

bool api_submit_repeat(const struct http_request *request, const json_t *json,
                       struct idempotency *asked, struct http_response *response, bool *known,
                       struct error *error)
{
    *known = false;
    if (!idempotency_read(request, json, asked, error))
        return false;
    if (http_query_true(request, "dry_run"))
        asked->key[0] = '\0'; /* it makes nothing */
    return idempotency_answer(request->db, asked, response, known, error);
}

static bool may_submit(const struct http_request *request, struct error *error)
{
    return !atomic_load(&request->app->stopping) ||
           error_set(error, ERROR_BUSY, "", "the server is stopping");
}

bool api_submit(const struct http_request *request, struct http_response *response,
                struct error *error)
{
    struct submission *submission;
    bool good;

    if (!may_submit(request, error))
        return false;
    submission = submission_new(error);
    if (!submission)
        return false;
    good = submit(submission, request, response, error);
    submission_free(submission);
    return good;
}

bool api_submit_fork(const struct http_request *request, const json_t *job,
                     const struct api_fork *fork, struct http_response *response,
                     struct error *error)
{
    struct submission *submission;
    bool good;

    if (!may_submit(request, error))
        return false;
    submission = submission_new(error);
    if (!submission)
        return false;
    submission->fork = fork;
    submission->idempotency = *fork->idempotency;
    submission->initial.want_state = fork->state;
    good = submit_json(submission, request, job, response, error);
    submission_free(submission);
    return good;
}
