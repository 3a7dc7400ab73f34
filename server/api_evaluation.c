/* GET /v1/jobs/{id}/evaluation: what a checkpoint makes of a split, sample by sample. Made when it
 * is first asked for, and then kept with the checkpoint. */
#include "server/api.h"

#include "server/checkpoint_choice.h"
#include "server/clock.h"
#include "server/evaluator.h"
#include "server/job_plan.h"
#include "server/review.h"
#include "server/spec_json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORST_DEFAULT = 20 };

/* Multiply-adds that one request may cost: some hours of one processor. */
#define WORK_MAX INT64_C(1000000000000000)

/* In the order of enum data_split. */
const char *const evaluation_splits[] = {"train", "validation", "test", NULL};

struct asked {
    const struct http_request *request;
    struct job_row job;
    struct checkpoint_row checkpoint;
    struct spec spec;
    struct plan plan;
    enum data_split split; /* as it was asked for, and … */
    enum data_split own;   /* … the same or an equal one, of which evaluations are kept */
    int64_t worst;
    int64_t label, predicted; /* of the samples that are shown; −1: any */
};

static void asked_drop(struct asked *asked)
{
    job_row_drop(&asked->job);
    checkpoint_row_drop(&asked->checkpoint);
    plan_drop(&asked->plan);
    spec_drop(&asked->spec);
}

/* ---- making one ---- */

/* The very set that the job has learned from. ERROR_CONFLICT when it is gone. */
static bool open_dataset(const struct asked *asked, const struct trained *network,
                         struct dataset **out, struct error *error)
{
    const struct http_request *request = asked->request;
    struct error cause = {0};

    if (!catalog_open_spec(request->app->catalog, request->db, &asked->spec, out, &cause))
        return error_set(error, cause.kind == ERROR_NOT_FOUND ? ERROR_CONFLICT : cause.kind,
                         cause.where, "the job's data set is gone: %s", cause.text);
    return strcmp(dataset_digest(*out), network->data.digest) == 0 ||
           error_set(error, ERROR_CONFLICT, "",
                     "the data set \"%s\" is no longer the one that the job has learned from",
                     asked->spec.dataset.name);
}

/* The addresses of samples; false: data that was made for the job alone has none. */
static bool name_images(const struct asked *asked, const struct review_setup *setup,
                        char before[128], char after[64])
{
    if (asked->spec.dataset.synthetic.given)
        return false;
    (void)snprintf(before, 128, "/v1/datasets/%s/samples/", asked->spec.dataset.name);
    (void)snprintf(after, 64, ".png?split=%s&sha256=%.12s",
                   setup->part.of_training ? "train" : "test", setup->network->data.digest);
    return true;
}

static bool write_row(const struct asked *asked, const struct review *review,
                      const struct review_setup *setup, struct evaluation_row *out,
                      struct error *error)
{
    char before[128], after[64];
    const struct review_images images = {before, after};
    bool named = name_images(asked, setup, before, after);
    struct body data = {0}, worst = {0};

    review_put(&data, review, &setup->network->data);
    review_put_worst(&worst, review, named ? &images : NULL);
    out->created_at = clock_milliseconds();
    out->data = body_take(&data, NULL, error);
    out->worst = body_take(&worst, NULL, error);
    body_drop(&data);
    body_drop(&worst);
    if (out->data && out->worst)
        return true;
    evaluation_row_drop(out);
    return false;
}

static bool review_all(const struct asked *asked, struct trained *network,
                       struct evaluation_row *out, struct error *error)
{
    struct review_setup setup = {.network = network, .stop = &asked->request->app->stopping};
    struct sampling sampling = {.block = {0}};
    struct dataset *dataset = NULL;
    struct review review = {.pairs = NULL};

    bool good = open_dataset(asked, network, &dataset, error) &&
                sampling_make(&sampling, &network->spec, &network->plan, NULL, error);
    if (good) {
        setup.dataset = dataset;
        setup.part = sampling_part(&sampling, &network->plan, asked->own);
        good = review_make(&setup, &review, error) && write_row(asked, &review, &setup, out, error);
    }
    review_drop(&review);
    sampling_drop(&sampling);
    catalog_close_later(asked->request->app->catalog, dataset);
    return good;
}

/* evaluator_task.make */
static bool make(void *context, struct evaluation_row *out, struct error *error)
{
    const struct asked *asked = context;
    const struct http_request *request = asked->request;
    const struct trained_source source = {.db = request->db,
                                          .catalog = request->app->catalog,
                                          .kernels = request->app->kernels,
                                          .as_trained = true};
    struct trained *network = NULL;
    bool good = trained_open(&source, &asked->job, &asked->checkpoint, &network, error) &&
                review_all(asked, network, out, error);

    trained_free(network);
    return good;
}

/* ---- answering ---- */

static bool is_of(const json_t *item, const char *key, int64_t wanted)
{
    const json_t *value = json_object_get(item, key);
    return wanted < 0 || (json_is_integer(value) && json_integer_value(value) == wanted);
}

/* The first members of a stored list, of those that were asked for. */
static bool put_worst(struct body *body, const struct asked *asked, const char *text,
                      struct error *error)
{
    json_t *list = json_loads(text, 0, NULL);
    const char *comma = "";
    int64_t count = 0;

    if (!list)
        return error_set(error, ERROR_CORRUPT, "", "the stored evaluation is damaged");
    body_text(body, ",\"worst\":[");
    for (size_t i = 0; i < json_array_size(list) && count < asked->worst; i++) {
        const json_t *sample = json_array_get(list, i);

        if (!is_of(sample, "true", asked->label) || !is_of(sample, "predicted", asked->predicted))
            continue;
        char *item = json_text(sample, NULL);
        body_text(body, comma);
        body_text(body, item ? item : "null");
        free(item);
        comma = ",";
        count++;
    }
    body_text(body, "]}");
    json_decref(list);
    return true;
}

static bool answer(const struct asked *asked, const struct evaluation_row *row,
                   struct http_response *response, struct error *error)
{
    const char *comma = strcmp(row->data, "{}") == 0 ? "" : ",";
    struct body body = {0};

    body_print(&body, "{\"model\":{\"job\":\"%s\",\"checkpoint\":%" PRId64 "},\"split\":\"%s\"",
               asked->job.id, asked->checkpoint.step, evaluation_splits[asked->split]);
    body_text(&body, ",\"created_at\":");
    body_time(&body, row->created_at);
    body_text(&body, comma);
    body_put(&body, row->data + 1, strlen(row->data) - 2);
    bool good = put_worst(&body, asked, row->worst, error) &&
                http_response_json(response, 200, &body, error);
    body_drop(&body);
    if (good) {
        http_response_etag(response, "%s", asked->checkpoint.sha256);
        http_response_header(response, "Cache-Control", "private, no-cache");
    }
    return good;
}

/* What is to be stored before it is shown. */
struct keeping {
    struct asked asked; /* owned */
    struct evaluation_row row;
};

static void keeping_drop(void *context)
{
    struct keeping *keeping = context;

    asked_drop(&keeping->asked);
    evaluation_row_drop(&keeping->row);
    free(keeping);
}

static bool keep(struct db *db, void *context, struct http_response *response, struct error *error)
{
    const struct keeping *keeping = context;
    const struct asked *asked = &keeping->asked;

    return store_evaluation_put(db, asked->checkpoint.number, evaluation_splits[asked->own],
                                &keeping->row, error) &&
           answer(asked, &keeping->row, response, error);
}

/* Made now, or by somebody else just before. */
static bool answer_new(struct keeping *keeping, struct http_response *response, struct error *error)
{
    const struct asked *asked = &keeping->asked;
    const struct evaluator_task task = {.checkpoint = asked->checkpoint.number,
                                        .split = evaluation_splits[asked->own],
                                        .make = make,
                                        .context = &keeping->asked};
    bool fresh = false;

    if (!evaluator_ask(asked->request->app->evaluator, &task, &keeping->row, &fresh, error))
        return false;
    if (!fresh)
        return answer(asked, &keeping->row, response, error);
    response->write = (struct http_write){keep, keeping, keeping_drop};
    return true;
}

/* ---- the request ---- */

/* The split that was meant, and whether there is something in it. */
static bool choose_split(struct asked *asked, struct error *error)
{
    const struct plan *plan = &asked->plan;
    bool held_out = either_is_number(&asked->spec.dataset.validation);
    bool validated = plan->data.validation_samples > 0;
    const int64_t counts[] = {plan->data.train_samples, plan->data.validation_samples,
                              plan->data.test_samples};

    asked->split = (enum data_split)http_query_choice(asked->request, "split",
                                                      validated ? SPLIT_VALIDATION : SPLIT_TRAIN);
    asked->own = asked->split == SPLIT_VALIDATION && !held_out ? SPLIT_TEST : asked->split;
    if (counts[asked->split] == 0)
        return error_set(error, ERROR_CONFLICT, "", "%s; another one is asked for with ?split=",
                         asked->split == SPLIT_TEST ? "the job's data set has no test split"
                                                    : "the job has no validation split");
    if (saturating_product(plan->totals.multiply_adds, counts[asked->split]) > WORK_MAX)
        return error_set(error, ERROR_CONFLICT, "",
                         "%" PRId64
                         " samples are too many for a request: the network takes %" PRId64
                         " multiply-adds for each",
                         counts[asked->split], plan->totals.multiply_adds);
    return true;
}

static bool read_asked(struct asked *asked, struct error *error)
{
    const struct http_request *request = asked->request;
    struct error cause = {0};

    if (!api_find_job(request, &asked->job, error))
        return false;
    asked->worst = http_query_integer(request, "worst", WORST_DEFAULT);
    asked->label = http_query_integer(request, "true", -1);
    asked->predicted = http_query_integer(request, "predicted", -1);
    int64_t usual = job_state_ended(asked->job.state) ? CHECKPOINT_BEST : CHECKPOINT_NEWEST;
    if (!checkpoint_choose(request->db, &asked->job, http_query(request, "checkpoint"), usual,
                           &asked->checkpoint, error))
        return false;
    if (!job_plan(&asked->job, request->db, &asked->spec, &asked->plan, &cause))
        return error_set(error, cause.kind == ERROR_NOT_FOUND ? ERROR_CONFLICT : cause.kind,
                         cause.where, "%s", cause.text);
    return choose_split(asked, error);
}

bool api_evaluation(const struct http_request *request, struct http_response *response,
                    struct error *error)
{
    struct keeping *keeping = calloc(1, sizeof(*keeping));
    struct error cause = {0};
    bool good;

    if (!keeping)
        return error_set(error, ERROR_MEMORY, "", "no memory for the evaluation just now");
    struct asked *asked = &keeping->asked;
    spec_init(&asked->spec);
    asked->request = request;
    good = read_asked(asked, error);
    if (good && store_evaluation_get(request->db, asked->checkpoint.number,
                                     evaluation_splits[asked->own], &keeping->row, &cause))
        good = answer(asked, &keeping->row, response, error);
    else if (good && cause.kind != ERROR_NOT_FOUND)
        good = error_set(error, cause.kind, "", "%s", cause.text);
    else if (good)
        good = answer_new(keeping, response, error);
    if (!response->write.run)
        keeping_drop(keeping);
    return good;
}
