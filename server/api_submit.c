/* POST /v1/jobs: a text becomes a spec, the spec a plan, the plan a queued job, or a list of
 * everything that is wrong. All checking happens before the writer hears of it. */
#include "server/api.h"

#include "core/checkpoint.h"
#include "server/initial.h"
#include "server/job_json.h"
#include "server/spec_json.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

struct submission {
    struct spec spec;
    struct job_meta meta;
    struct plan plan;
    bool planned;
    struct plan_warnings warnings;
    struct problems problems;
    int64_t bytes; /* of memory that training takes; −1: unknown */
    int threads;   /* that it would have */
    struct estimate estimate;
    struct initial initial;
    struct dataset_row *datasets; /* only when the name was not among them */
    const char **dataset_names;
    int dataset_count;
};

static void submission_free(struct submission *submission)
{
    if (submission->planned)
        plan_drop(&submission->plan);
    spec_drop(&submission->spec);
    initial_drop(&submission->initial);
    for (int i = 0; i < submission->dataset_count; i++)
        dataset_row_drop(&submission->datasets[i]);
    free(submission->datasets);
    free(submission->dataset_names);
    free(submission);
}

/* ---- checking ---- */

/* The seed of who names none. 53 bits: every JSON reader keeps them. */
static bool draw_seed(int64_t *seed, struct error *error)
{
    uint64_t bits;

    if (getrandom(&bits, sizeof(bits), 0) != (ssize_t)sizeof(bits))
        return error_set(error, ERROR_IO, "seed", "cannot draw a random number: %s",
                         strerror(errno));
    *seed = (int64_t)(bits >> 11);
    return true;
}

static bool unknown_dataset(struct submission *submission, struct db *db, struct error *error)
{
    const char *name = submission->spec.dataset.name;
    struct problem *problem;

    if (!catalog_list(db, &submission->datasets, &submission->dataset_count, error))
        return false;
    submission->dataset_names = calloc((size_t)submission->dataset_count + 1, sizeof(char *));
    if (!submission->dataset_names)
        return error_set(error, ERROR_MEMORY, "", "no memory to check the job");
    for (int i = 0; i < submission->dataset_count; i++)
        submission->dataset_names[i] = submission->datasets[i].name;
    problem = problem_add(&submission->problems, "/dataset/name",
                          "there is no data set \"%s\" on this server", name);
    problem->choices = submission->dataset_names;
    problem_suggest(problem, name);
    return true;
}

/* Shape of the data set that the spec names or describes; false in *known when there is none, or
 * nothing to plan with. */
static bool find_shape(struct submission *submission, struct db *db, struct data_shape *shape,
                       bool *known, struct error *error)
{
    struct error failure = {0};

    *known = false;
    if (submission->spec.dataset.synthetic.given ? submission->problems.count > 0
                                                 : submission->spec.dataset.name[0] == '\0')
        return true; /* what is missing is among the problems already */
    if (catalog_shape_spec(db, &submission->spec, shape, &failure)) {
        *known = true;
        return true;
    }
    if (failure.kind == ERROR_NOT_FOUND)
        return unknown_dataset(submission, db, error);
    return error_set(error, failure.kind, failure.where, "%s", failure.text);
}

/* A job that cannot fit is refused now and not when its turn comes. */
static void check_memory(struct submission *submission)
{
    int64_t memory = (int64_t)sysconf(_SC_PHYS_PAGES) * (int64_t)sysconf(_SC_PAGESIZE);

    submission->bytes = plan_bytes(&submission->spec, &submission->plan, submission->threads);
    if (submission->bytes >= 0) /* what a checkpoint is gathered in counts as well */
        submission->bytes += (int64_t)checkpoint_size(&submission->plan);
    if (submission->bytes < 0)
        problem_add(&submission->problems, "",
                    "training would take more memory than can be counted");
    else if (memory > 0 && submission->bytes > memory - memory / 8)
        problem_add(&submission->problems, "",
                    "training would take %" PRId64 " MiB; this machine has %" PRId64
                    " and keeps an eighth of it free",
                    submission->bytes >> 20, memory >> 20);
}

static void check_precision(struct submission *submission, const struct app *app)
{
    struct error why = {.kind = ERROR_NONE};

    if (submission->spec.run.precision == PRECISION_BF16 && !kernels_have_bf16(app->kernels, &why))
        problem_add(&submission->problems, why.where, "%s", why.text);
}

/* What it would take: memory and time. */
static void reckon(struct submission *submission, const struct app *app)
{
    submission->threads = threads_of_job(&app->threads, &submission->spec, &submission->plan);
    submission->estimate = speedometer_estimate(app->speedometer, &submission->spec,
                                                &submission->plan, submission->threads);
    check_precision(submission, app);
    check_memory(submission);
}

/* The folder is the server's; the name in it is one that the spec's rules allow. */
static bool find_weights(struct submission *submission, const struct app *app, struct error *error)
{
    const char *name = submission->spec.init_from.weights;
    struct error cause = {0};
    char path[1200];

    (void)snprintf(path, sizeof(path), "%s/weights/%s.safetensors", app->config->data_dir, name);
    if (initial_from_file(path, &submission->plan, &submission->initial, &submission->problems,
                          &cause))
        return true;
    if (cause.kind != ERROR_NOT_FOUND)
        return error_set(error, cause.kind, "init_from", "%s", cause.text);
    problem_add(&submission->problems, "/init_from/weights",
                "there are no weights \"%s\" on this server", name);
    return true;
}

/* The weights to begin with are read now: what they come from may be gone when the job's turn
 * comes. */
static bool check_initial(struct submission *submission, const struct http_request *request,
                          struct error *error)
{
    const struct spec *spec = &submission->spec;
    struct problems *problems = &submission->problems;
    struct initial *initial = &submission->initial;

    if (!spec->init_from.given || problems->count > 0)
        return true;
    bool good =
        spec->init_from.job[0] != '\0'
            ? initial_from_job(request->db, spec, &submission->plan, initial, problems, error)
            : find_weights(submission, request->app, error);
    return good && (problems->count > 0 ||
                    initial_make_checkpoint(spec, &submission->plan, initial, error));
}

static bool check_submission(struct submission *submission, const json_t *json,
                             const struct http_request *request, struct error *error)
{
    struct problems *problems = &submission->problems;
    struct data_shape shape;
    bool known;

    if (!spec_from_json(json, &submission->spec, &submission->meta, problems, error) ||
        !find_shape(submission, request->db, &shape, &known, error))
        return false;
    if (submission->spec.run.seed == FIELD_ABSENT && !draw_seed(&submission->spec.run.seed, error))
        return false;
    if (problems->count > 0 || !known)
        return true;
    submission->planned = true;
    if (!spec_settle(&submission->spec, &shape, &submission->warnings, error) ||
        !plan_make(&submission->spec, &shape, &submission->plan, problems, &submission->warnings,
                   error))
        return false;
    if (problems->count == 0)
        reckon(submission, request->app);
    return check_initial(submission, request, error);
}

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
    struct initial initial;
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

static bool store_accepted(struct db *db, void *context, struct http_response *response,
                           struct error *error)
{
    const struct accepted *accepted = context;
    const struct job_new job = {accepted->meta, accepted->spec, accepted->plan, accepted->priority};
    struct job_row row = {0};
    struct body body = {0};
    bool good = store_job_add(db, &job, &row, error) &&
                store_initial(db, &accepted->initial, &row, error) &&
                job_json_put(&body, db, &row, error) &&
                http_response_json(response, 201, &body, error);

    if (good) {
        http_response_header(response, "Location", "/v1/jobs/%s", row.id);
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

static bool queue(struct submission *submission, struct http_response *response,
                  struct error *error)
{
    struct accepted *accepted = calloc(1, sizeof(*accepted));

    if (!accepted)
        return error_set(error, ERROR_MEMORY, "", "no memory for the job");
    accepted->meta = text_and_free(job_meta_to_json(&submission->meta));
    accepted->spec = text_and_free(spec_to_json(&submission->spec));
    accepted->plan = text_and_free(view_to_json(submission, false));
    accepted->priority = submission->meta.priority;
    accepted->initial = submission->initial;
    submission->initial = (struct initial){0};
    if (!accepted->meta || !accepted->spec || !accepted->plan) {
        accepted_free(accepted);
        return error_set(error, ERROR_MEMORY, "", "no memory for the job");
    }
    response->write = (struct http_write){store_accepted, accepted, accepted_free};
    return true;
}

static bool want_dry_run(const struct http_request *request, bool *dry, struct error *error)
{
    const char *text = http_query(request, "dry_run");

    *dry = text && strcmp(text, "true") == 0;
    if (text && !*dry && strcmp(text, "false") != 0)
        return error_set(error, ERROR_INVALID, "dry_run",
                         "the query parameter \"dry_run\" must be true or false");
    return true;
}

static bool submit(struct submission *submission, const struct http_request *request,
                   struct http_response *response, struct error *error)
{
    json_t *json = NULL;
    bool dry, good;

    if (!want_dry_run(request, &dry, error))
        return false;
    if (!json_parse_strict(request->body ? request->body : "", request->body_size, &json,
                           &submission->problems, error))
        return submission->problems.count > 0 &&
               answer_problems(&submission->problems, 400, response, error);
    good = check_submission(submission, json, request, error);
    json_decref(json);
    if (!good)
        return false;
    if (submission->problems.count > 0)
        return answer_problems(&submission->problems, 422, response, error);
    return dry ? answer_plan(submission, response, error) : queue(submission, response, error);
}

bool api_submit(const struct http_request *request, struct http_response *response,
                struct error *error)
{
    struct submission *submission;
    bool good;

    if (atomic_load(&request->app->stopping))
        return error_set(error, ERROR_BUSY, "", "the server is stopping");
    /* Who sends a key trusts that a repeated request makes one job: better no than two jobs. */
    if (http_header(request, "Idempotency-Key"))
        return error_set(error, ERROR_UNSUPPORTED, "",
                         "Idempotency-Key is not in this version of the server");
    submission = calloc(1, sizeof(*submission));
    if (!submission)
        return error_set(error, ERROR_MEMORY, "", "no memory to check the job");
    spec_init(&submission->spec);
    good = submit(submission, request, response, error);
    submission_free(submission);
    return good;
}
