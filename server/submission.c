/* Submission: see submission.h. All checking happens before the writer hears of it. */
#include "server/submission.h"

#include "core/checkpoint.h"
#include "server/weights.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

struct submission *submission_new(struct error *error)
{
    struct submission *submission = calloc(1, sizeof(*submission));

    if (submission)
        spec_init(&submission->spec);
    else
        error_set(error, ERROR_MEMORY, "", "no memory to check the job");
    return submission;
}

void submission_free(struct submission *submission)
{
    if (submission->planned)
        plan_drop(&submission->plan);
    spec_drop(&submission->spec);
    initial_drop(&submission->initial);
    for (int i = 0; i < submission->allowed.dataset_count; i++)
        dataset_row_drop(&submission->allowed.datasets[i]);
    free(submission->allowed.datasets);
    free(submission->allowed.names);
    free(submission->allowed.weights);
    free(submission);
}

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

    if (!catalog_list(db, &submission->allowed.datasets, &submission->allowed.dataset_count, error))
        return false;
    submission->allowed.names =
        calloc((size_t)submission->allowed.dataset_count + 1, sizeof(char *));
    if (!submission->allowed.names)
        return error_set(error, ERROR_MEMORY, "", "no memory to check the job");
    for (int i = 0; i < submission->allowed.dataset_count; i++)
        submission->allowed.names[i] = submission->allowed.datasets[i].name;
    problem = problem_add(&submission->problems, "/dataset/name",
                          "there is no data set \"%s\" on this server", name);
    problem->choices = submission->allowed.names;
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
static void check_memory(struct submission *submission, const struct data_shape *shape,
                         int64_t most)
{
    submission->bytes = plan_bytes(&submission->spec, &submission->plan, submission->threads);
    if (submission->bytes >= 0) /* what a checkpoint is gathered in counts as well */
        submission->bytes += (int64_t)checkpoint_size(&submission->plan);
    if (submission->bytes < 0)
        problem_add(&submission->problems, "",
                    "training would take more memory than can be counted");
    else if (submission->bytes > most - data_shape_bytes(shape))
        problem_add(&submission->problems, "",
                    "training would take %" PRId64 " MiB, and its data %" PRId64
                    "; all that this server may use is %" PRId64,
                    submission->bytes >> 20, data_shape_bytes(shape) >> 20, most >> 20);
}

static void check_precision(struct submission *submission, const struct app *app)
{
    struct error why = {.kind = ERROR_NONE};

    if (submission->spec.run.precision == PRECISION_BF16 && !kernels_have_bf16(app->kernels, &why))
        problem_add(&submission->problems, why.where, "%s", why.text);
}

/* What it would take: memory and time. */
static void reckon(struct submission *submission, const struct data_shape *shape,
                   const struct app *app)
{
    submission->threads = threads_of_job(&app->threads, &submission->spec, &submission->plan);
    submission->estimate = speedometer_estimate(app->speedometer, &submission->spec,
                                                &submission->plan, submission->threads);
    check_precision(submission, app);
    check_memory(submission, shape, app->memory->most);
}

static bool unknown_weights(struct submission *submission, struct db *db, struct error *error)
{
    const char *name = submission->spec.init_from.weights;
    struct problem *problem;
    int count = 0;

    submission->allowed.weights = calloc(API_PAGE_MAX, sizeof(*submission->allowed.weights));
    submission->allowed.names = calloc(API_PAGE_MAX + 1, sizeof(char *));
    if (!submission->allowed.weights || !submission->allowed.names)
        return error_set(error, ERROR_MEMORY, "", "no memory to check the job");
    if (!store_weights_list(db, "", submission->allowed.weights, API_PAGE_MAX, &count, error))
        return false;
    for (int i = 0; i < count; i++)
        submission->allowed.names[i] = submission->allowed.weights[i].name;
    problem = problem_add(&submission->problems, "/init_from/weights",
                          "there are no weights \"%s\" on this server", name);
    problem->choices = submission->allowed.names;
    problem_suggest(problem, name);
    return true;
}

/* Whether the file is still what was uploaded. */
static bool check_file(const char *path, const struct weights_row *row, struct error *error)
{
    char sha256[65] = "";
    int file = open(path, O_RDONLY | O_CLOEXEC);

    if (file < 0)
        return error_set(error, errno == ENOENT ? ERROR_NOT_FOUND : ERROR_IO, row->name,
                         "the file of these weights cannot be opened: %s", strerror(errno));
    bool good = weights_digest(file, sha256, error);
    close(file);
    if (good && strcmp(sha256, row->sha256) != 0)
        return error_set(error, ERROR_CORRUPT, row->name, "the file of these weights is damaged");
    return good;
}

static bool find_weights(struct submission *submission, const struct http_request *request,
                         struct error *error)
{
    const char *dir = request->app->config->data_dir;
    struct weights_row row;
    struct error cause = {0};
    char path[WEIGHTS_PATH_SIZE];

    if (store_weights_get(request->db, submission->spec.init_from.weights, &row, &cause)) {
        weights_path(dir, row.file, path);
        if (check_file(path, &row, &cause) &&
            initial_from_file(path, &submission->plan, &submission->initial, &submission->problems,
                              &cause))
            return true;
    }
    if (cause.kind == ERROR_NOT_FOUND)
        return unknown_weights(submission, request->db, error);
    return error_set(error, cause.kind, "init_from", "%s", cause.text);
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
            : find_weights(submission, request, error);
    return good && (problems->count > 0 ||
                    initial_make_checkpoint(spec, &submission->plan, initial, error));
}

bool submission_check(struct submission *submission, const json_t *json,
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
    if (problems->count == 0) {
        plan_settle(&submission->spec, &submission->plan);
        reckon(submission, &shape, request->app);
    }
    return check_initial(submission, request, error);
}
