/* GET /v1/jobs/{id}/checkpoints/{which}/activations: what the layers of a network make of a sample
 * of its data set. */
#include "server/inspection.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Multiply-adds that a look may cost: some seconds with the reference kernels. */
#define LOOK_MAX INT64_C(10000000000)

struct activations {
    struct inspection inspection;
    struct dataset *dataset;
    int split;      /* index into api_split_names */
    int64_t sample; /* in it */
    int layer;      /* that is shown with all its numbers; −1: none */
    real *numbers;  /* its output */
    real *scores;   /* (classes) */
    int shown;      /* layers so far */
};

static const struct plan *plan_of(const struct activations *activations)
{
    return &activations->inspection.network->plan;
}

static const struct dataset_split *split_of(const struct activations *activations)
{
    return activations->split == 0 ? dataset_train(activations->dataset)
                                   : dataset_test(activations->dataset);
}

/* ---- what each layer gives ---- */

static void put_layer(struct activations *activations, int index, const real *values)
{
    const struct plan_layer *layer = &plan_of(activations)->layers[index];
    const struct shape *shape = &layer->output;
    const int64_t sizes[] = {shape->channels, shape->height, shape->width};
    const struct spread spread = spread_of(values, shape_elements(shape));
    struct body *body = &activations->inspection.body;

    body_print(body, "%s{\"layer\":\"%s\",\"type\":\"%s\"", activations->shown++ > 0 ? "," : "",
               layer->path, layer->kind->name);
    inspection_put_sizes(body, "shape", sizes, shape->flat ? 1 : 3);
    spread_put(body, &spread);
    body_print(body,
               ",\"links\":{\"image\":\"/v1/jobs/%s/checkpoints/%" PRId64
               "/activations?split=%s&sample=%" PRId64 "&layer=%s&format=png\"}}",
               activations->inspection.job.id, activations->inspection.checkpoint.step,
               api_split_names[activations->split], activations->sample, layer->path);
}

/* model_look.see: of all layers how their outputs are spread, of one the numbers. */
static void see(void *context, int index, const real *values)
{
    struct activations *activations = context;
    const struct shape *shape = &plan_of(activations)->layers[index].output;

    if (activations->layer < 0)
        put_layer(activations, index, values);
    else if (activations->layer == index)
        memcpy(activations->numbers, values,
               (size_t)shape_elements(shape) * sizeof(*activations->numbers));
}

static bool run(struct activations *activations, struct error *error)
{
    const struct model_look look = {see, activations};
    const struct predictor_batch batch = {.split = split_of(activations),
                                          .first = activations->sample,
                                          .samples = 1,
                                          .scores = activations->scores,
                                          .look = &look};
    struct model_result sums;

    return predictor_run(activations->inspection.network->predictor, &batch, &sums, error);
}

/* ---- the request ---- */

static bool find_layer(struct activations *activations, struct error *error)
{
    const char *path = http_query(activations->inspection.request, "layer");
    const struct plan *plan = plan_of(activations);

    activations->layer = -1;
    for (int i = 0; path && i < plan->layer_count; i++)
        if (strcmp(plan->layers[i].path, path) == 0)
            activations->layer = i;
    return !path || activations->layer >= 0 ||
           error_set(error, ERROR_NOT_FOUND, "",
                     "the network has no layer \"%.64s\"; without ?layer= all are listed", path);
}

static bool open_sample(struct activations *activations, struct error *error)
{
    const struct http_request *request = activations->inspection.request;
    const struct trained *network = activations->inspection.network;
    struct error cause = {0};

    activations->split = http_query_choice(request, "split", 0);
    activations->sample = http_query_integer(request, "sample", 0);
    if (!catalog_open_spec(request->app->catalog, request->db, &network->spec,
                           &activations->dataset, &cause))
        return error_set(error, cause.kind == ERROR_NOT_FOUND ? ERROR_CONFLICT : cause.kind, "",
                         "the job's data set is gone: %s", cause.text);
    if (strcmp(dataset_digest(activations->dataset), network->data.digest) != 0)
        return error_set(error, ERROR_CONFLICT, "",
                         "the data set \"%s\" is no longer the one that the job has learned from",
                         network->spec.dataset.name);
    return activations->sample < split_of(activations)->count ||
           error_set(error, ERROR_NOT_FOUND, "", "the data set's %s split has %" PRId64 " samples",
                     api_split_names[activations->split], split_of(activations)->count);
}

static bool take_memory(struct activations *activations, struct error *error)
{
    const struct plan *plan = plan_of(activations);
    int64_t numbers =
        activations->layer < 0 ? 1 : shape_elements(&plan->layers[activations->layer].output);

    activations->numbers = calloc((size_t)numbers, sizeof(*activations->numbers));
    activations->scores = calloc((size_t)plan->data.classes, sizeof(*activations->scores));
    return (activations->numbers && activations->scores) ||
           error_set(error, ERROR_MEMORY, "", "no memory for the activations just now");
}

/* A tile for each channel; what is flat as one tile, in rows. */
static bool answer_png(const struct activations *activations, struct http_response *response,
                       struct error *error)
{
    const struct shape *shape = &plan_of(activations)->layers[activations->layer].output;
    int64_t pixels = shape->height * shape->width;
    struct tiles tiles = {.numbers = activations->numbers,
                          .count = shape->channels,
                          .channels = 1,
                          .height = shape->height,
                          .width = shape->width};

    if (pixels == 1) { /* single numbers need no gaps: as many as make whole rows */
        int64_t width = 1;
        for (int64_t i = 1; i * i <= shape->channels; i++)
            width = shape->channels % i == 0 ? shape->channels / i : width;
        tiles.count = 1;
        tiles.width = width;
        tiles.height = shape->channels / width;
    }
    return inspection_answer_tiles(&activations->inspection, &tiles, response, error);
}

static bool answer_layer(struct activations *activations, struct http_response *response,
                         struct error *error)
{
    const struct plan_layer *layer = &plan_of(activations)->layers[activations->layer];
    const struct shape *shape = &layer->output;
    const int64_t sizes[] = {shape->channels, shape->height, shape->width};
    const struct spread spread = spread_of(activations->numbers, shape_elements(shape));
    struct body *body = &activations->inspection.body;

    if (http_query_choice(activations->inspection.request, "format", FORMAT_JSON) == FORMAT_PNG)
        return answer_png(activations, response, error);
    inspection_put_model(&activations->inspection);
    body_print(body, ",\"layer\":\"%s\",\"type\":\"%s\"", layer->path, layer->kind->name);
    inspection_put_sizes(body, "shape", sizes, shape->flat ? 1 : 3);
    spread_put(body, &spread);
    body_text(body, ",\"values\":");
    if (!inspection_put_numbers(body, activations->numbers, sizes, shape->flat ? 1 : 3, error))
        return false;
    body_text(body, "}");
    return inspection_answer_json(&activations->inspection, response, error);
}

static bool answer(struct activations *activations, struct http_response *response,
                   struct error *error)
{
    struct body *body = &activations->inspection.body;

    if (activations->layer >= 0)
        return run(activations, error) && answer_layer(activations, response, error);
    if (http_query_choice(activations->inspection.request, "format", FORMAT_JSON) == FORMAT_PNG)
        return error_set(error, ERROR_INVALID, "format", "a picture is of one layer: add ?layer=");
    inspection_put_model(&activations->inspection);
    body_print(body, ",\"split\":\"%s\",\"sample\":%" PRId64 ",\"true\":%d,\"layers\":[",
               api_split_names[activations->split], activations->sample,
               split_of(activations)->labels[activations->sample]);
    if (!run(activations, error))
        return false;
    body_text(body, "]}");
    return inspection_answer_json(&activations->inspection, response, error);
}

static bool is_small(const struct activations *activations, struct error *error)
{
    int64_t work = plan_of(activations)->totals.multiply_adds;

    return work <= LOOK_MAX ||
           error_set(error, ERROR_TOO_LARGE, "",
                     "the network takes %" PRId64 " multiply-adds for a sample, too many to show "
                     "every layer of",
                     work);
}

bool api_activations(const struct http_request *request, struct http_response *response,
                     struct error *error)
{
    struct activations activations = {.inspection.request = request};
    bool good = inspection_open(&activations.inspection, error) &&
                find_layer(&activations, error) && is_small(&activations, error) &&
                open_sample(&activations, error) && take_memory(&activations, error) &&
                answer(&activations, response, error);

    catalog_close_later(request->app->catalog, activations.dataset);
    free(activations.numbers);
    free(activations.scores);
    inspection_drop(&activations.inspection);
    return good;
}
