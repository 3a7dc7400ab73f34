/* POST /v1/jobs/{id}/predict: what a checkpoint's network says of images that the client sends. */
#include "server/api.h"

#include "core/loss.h"
#include "server/checkpoint_choice.h"
#include "server/models.h"
#include "server/samples.h"
#include "server/spec_json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CHUNK = 64,          /* samples whose scores are in memory at once */
    CELLS_MAX = 1 << 20, /* numbers of an answer */
    CELLS_OF_A_ROW = 4   /* what {"class", "name", "probability"} counts */
};

struct prediction {
    const struct http_request *request;
    const struct job_row *job;
    struct checkpoint_row checkpoint;
    struct trained *network;
    struct samples samples;
    int64_t top;           /* classes of each answer; 0: the probabilities of all */
    real *scores;          /* (CHUNK, classes) */
    double *probabilities; /* (classes) */
    int64_t *order;        /* (top) */
    struct body body;
};

static int64_t classes_of(const struct prediction *prediction)
{
    return prediction->network->plan.data.classes;
}

/* ---- the answer ---- */

/* With the fewest digits that tell a float from its neighbours. */
static void put_probability(struct body *body, double value)
{
    char text[32];
    float number = (float)value;

    if (!isfinite(value)) {
        body_text(body, "null");
        return;
    }
    for (int digits = 6; digits <= 9; digits++) {
        (void)snprintf(text, sizeof(text), "%.*g", digits, (double)number);
        if (strtof(text, NULL) == number)
            break;
    }
    body_text(body, text);
}

/* `"class": …, "name": …, "probability": …` */
static void put_class(struct prediction *prediction, int64_t class)
{
    const char *name = job_data_class(&prediction->network->data, class);
    struct body *body = &prediction->body;

    if (class < 0) {
        body_text(body, "\"class\":null,\"probability\":null");
        return;
    }
    body_print(body, "\"class\":%" PRId64, class);
    if (name) {
        body_text(body, ",\"name\":");
        body_string(body, name);
    }
    body_text(body, ",\"probability\":");
    put_probability(body, prediction->probabilities[class]);
}

/* The most probable classes, of equals the first one first: into order[0 … top − 1]. */
static void sort_top(struct prediction *prediction)
{
    const double *p = prediction->probabilities;
    int64_t *order = prediction->order, count = 0;

    for (int64_t k = 0; k < classes_of(prediction); k++) {
        int64_t at = count;

        while (at > 0 && p[k] > p[order[at - 1]])
            at--;
        if (at == prediction->top)
            continue;
        if (count < prediction->top)
            count++;
        memmove(&order[at + 1], &order[at], (size_t)(count - at - 1) * sizeof(*order));
        order[at] = k;
    }
}

static void put_top(struct prediction *prediction)
{
    sort_top(prediction);
    body_text(&prediction->body, ",\"top\":[");
    for (int64_t i = 0; i < prediction->top; i++) {
        body_text(&prediction->body, i > 0 ? ",{" : "{");
        put_class(prediction, prediction->order[i]);
        body_text(&prediction->body, "}");
    }
    body_text(&prediction->body, "]");
}

static void put_sample(struct prediction *prediction, const real *scores)
{
    struct body *body = &prediction->body;
    int64_t classes = classes_of(prediction), decision = loss_decision(scores, classes);

    loss_probabilities(&prediction->network->spec.loss, scores, classes, prediction->probabilities);
    body_text(body, "{");
    put_class(prediction, decision);
    if (prediction->top > 0 && decision >= 0) {
        put_top(prediction);
    } else {
        body_text(body, ",\"probabilities\":[");
        for (int64_t k = 0; k < classes; k++) {
            body_text(body, k > 0 ? "," : "");
            put_probability(body, prediction->probabilities[k]);
        }
        body_text(body, "]");
    }
    body_text(body, "}");
}

static bool put_all(struct prediction *prediction, struct error *error)
{
    struct body *body = &prediction->body;
    struct predictor_batch batch = {.split = &prediction->samples.split,
                                    .scores = prediction->scores};
    struct model_result sums;

    body_print(body, "{\"model\":{\"job\":\"%s\",\"checkpoint\":%" PRId64 "},\"predictions\":[",
               prediction->job->id, prediction->checkpoint.step);
    for (; batch.first < batch.split->count; batch.first += CHUNK) {
        int64_t left = batch.split->count - batch.first;

        batch.samples = left < CHUNK ? left : CHUNK;
        if (!predictor_run(prediction->network->predictor, &batch, &sums, error))
            return false;
        for (int64_t i = 0; i < batch.samples; i++) {
            body_text(body, batch.first + i > 0 ? "," : "");
            put_sample(prediction, prediction->scores + i * classes_of(prediction));
        }
    }
    body_text(body, "]}");
    return true;
}

/* ---- the request ---- */

/* Answers that would be too long are asked for with `top`. */
static bool settle_top(struct prediction *prediction, struct error *error)
{
    int64_t classes = classes_of(prediction), count = prediction->samples.split.count;
    int64_t wanted = http_query_integer(prediction->request, "top", 0);
    int64_t cells = wanted > 0 ? CELLS_OF_A_ROW * wanted : classes;

    prediction->top = wanted < classes ? wanted : classes;
    return cells * count <= CELLS_MAX ||
           error_set(error, ERROR_TOO_LARGE, "",
                     "%" PRId64 " samples and %" PRId64 " classes make too long an answer; a small "
                     "?top=, or fewer samples, make a shorter one",
                     count, wanted > 0 ? wanted : classes);
}

static bool take_memory(struct prediction *prediction, struct error *error)
{
    size_t classes = (size_t)classes_of(prediction), top = (size_t)prediction->top;

    prediction->scores = calloc(CHUNK * classes, sizeof(*prediction->scores));
    prediction->probabilities = calloc(classes, sizeof(*prediction->probabilities));
    prediction->order = calloc(top + 1, sizeof(*prediction->order));
    return (prediction->scores && prediction->probabilities && prediction->order) ||
           error_set(error, ERROR_MEMORY, "", "no memory for the answer just now");
}

/* What the client did wrong with the body is told apart here; all else is told by its kind. */
static bool refuse(struct problems *problems, const struct error *cause,
                   struct http_response *response, struct error *error)
{
    static const int statuses[ERROR_KINDS] = {[ERROR_CORRUPT] = 400, [ERROR_INVALID] = 422};
    int status = statuses[cause->kind];

    if (status == 0)
        return error_set(error, cause->kind, cause->where, "%s", cause->text);
    if (problems->count == 0)
        (void)problem_add(problems, "", "%s", cause->text);
    json_t *list = problems_to_json(problems);
    char *text = list ? json_text(list, NULL) : NULL;
    http_problem(response, status, text, "%s", cause->text);
    free(text);
    json_decref(list);
    return true;
}

/* *good: the samples are there; otherwise the response says what is wrong with them. */
static bool read_samples(struct prediction *prediction, struct http_response *response, bool *good,
                         struct error *error)
{
    const struct http_request *request = prediction->request;
    const struct data_shape *data = &prediction->network->plan.data;
    const struct samples_wish wish = {.shape = data->sample,
                                      .real_pixels = data->real_pixels,
                                      .resize = http_query_true(request, "resize")};
    const struct samples_body body = {request->body_file, http_header(request, "Content-Type")};
    struct problems *problems = calloc(1, sizeof(*problems));
    struct error cause = {0};

    if (!problems)
        return error_set(error, ERROR_MEMORY, "", "no memory to read the samples just now");
    *good = samples_read(&wish, &body, &prediction->samples, problems, &cause);
    bool done = *good || refuse(problems, &cause, response, error);
    free(problems);
    return done;
}

static bool predict(struct prediction *prediction, struct http_response *response,
                    struct error *error)
{
    const struct http_request *request = prediction->request;
    const struct trained_source source = {
        .db = request->db, .catalog = request->app->catalog, .kernels = request->app->kernels};
    bool good = false;

    if (!models_borrow(request->app->models, &source, prediction->job, &prediction->checkpoint,
                       &prediction->network, error) ||
        !read_samples(prediction, response, &good, error))
        return false;
    return !good || (settle_top(prediction, error) && take_memory(prediction, error) &&
                     put_all(prediction, error) &&
                     http_response_json(response, 200, &prediction->body, error));
}

static void prediction_drop(struct prediction *prediction)
{
    models_return(prediction->request->app->models, prediction->network);
    samples_drop(&prediction->samples);
    checkpoint_row_drop(&prediction->checkpoint);
    free(prediction->scores);
    free(prediction->probabilities);
    free(prediction->order);
    body_drop(&prediction->body);
}

/* Before anything is read: whether the body is of a kind that is read at all. */
static bool type_is_read(const struct http_request *request, struct http_response *response)
{
    char list[160] = "";

    if (samples_type(http_header(request, "Content-Type")) >= 0)
        return true;
    for (int i = 0; samples_types[i]; i++)
        (void)snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%s", i > 0 ? ", " : "",
                       samples_types[i]);
    http_problem(response, 415, NULL, "want the header Content-Type to be one of: %s", list);
    http_response_header(response, "Accept", "%s", list);
    return false;
}

bool api_predict(const struct http_request *request, struct http_response *response,
                 struct error *error)
{
    struct job_row job = {0};
    struct prediction prediction = {.request = request, .job = &job};
    bool good;

    if (!api_find_job(request, &job, error))
        return false;
    if (!type_is_read(request, response)) {
        job_row_drop(&job);
        return true;
    }
    good = checkpoint_choose(request->db, &job, http_query(request, "checkpoint"), CHECKPOINT_BEST,
                             &prediction.checkpoint, error) &&
           predict(&prediction, response, error);
    prediction_drop(&prediction);
    job_row_drop(&job);
    return good;
}
