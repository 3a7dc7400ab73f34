/* GET /v1/jobs/{id}/checkpoints/{which}/filters and …/histograms: the weights of a network, as the
 * filters of its first convolution and as how they are spread. */
#include "server/inspection.h"

#include "core/layer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { BINS_DEFAULT = 64 };

/* ---- GET …/filters ---- */

/* The first convolution's weights. */
static const struct plan_tensor *find_filters(const struct plan *plan)
{
    for (int i = 0; i < plan->layer_count; i++) {
        const struct plan_layer *layer = &plan->layers[i];

        if (strcmp(layer->kind->name, "conv2d") == 0)
            return &plan->tensors[layer->first_tensor];
    }
    return NULL;
}

/* Colours where the filters see three channels; else a row for each filter, with its channels side
 * by side. */
static bool draw_filters(const struct inspection *inspection, const struct plan_tensor *tensor,
                         const real *numbers, struct http_response *response, struct error *error)
{
    const int64_t *dims = tensor->dims;
    bool colours = dims[1] == 3;
    const struct tiles tiles = {.numbers = numbers,
                                .count = colours ? dims[0] : dims[0] * dims[1],
                                .channels = colours ? 3 : 1,
                                .height = dims[2],
                                .width = dims[3],
                                .columns = colours || dims[1] == 1 ? 0 : dims[1]};
    return inspection_answer_tiles(inspection, &tiles, response, error);
}

static bool show_filters(struct inspection *inspection, struct http_response *response,
                         struct error *error)
{
    const struct plan_tensor *tensor = find_filters(&inspection->network->plan);
    struct body *body = &inspection->body;

    if (!tensor)
        return error_set(error, ERROR_NOT_FOUND, "", "the network has no convolution");
    const real *numbers = predictor_numbers(inspection->network->predictor) + tensor->offset;
    if (http_query_choice(inspection->request, "format", FORMAT_JSON) == FORMAT_PNG)
        return draw_filters(inspection, tensor, numbers, response, error);
    const struct spread spread = spread_of(numbers, tensor->count);
    inspection_put_model(inspection);
    body_text(body, ",\"name\":");
    body_string(body, tensor->name);
    inspection_put_sizes(body, "shape", tensor->dims, tensor->rank);
    spread_put(body, &spread);
    body_text(body, ",\"filters\":");
    if (!inspection_put_numbers(body, numbers, tensor->dims, tensor->rank, error))
        return false;
    body_text(body, "}");
    return inspection_answer_json(inspection, response, error);
}

/* ---- GET …/histograms ---- */

static void put_bins(struct body *body, const real *numbers, const struct spread *spread,
                     int64_t *counts, int64_t bins)
{
    double width = (spread->max - spread->min) / (double)bins;

    memset(counts, 0, (size_t)bins * sizeof(*counts));
    for (int64_t i = 0; i < spread->count; i++) {
        double place = width > 0 ? ((double)numbers[i] - spread->min) / width : 0;

        if (isfinite(numbers[i]))
            counts[place < (double)bins ? (int64_t)place : bins - 1]++;
    }
    inspection_put_sizes(body, "bins", counts, (int)bins);
}

static void put_tensor(struct body *body, const struct plan_tensor *tensor, const real *numbers,
                       int64_t *counts, int64_t bins)
{
    const struct spread spread = spread_of(numbers, tensor->count);

    body_text(body, "{\"name\":");
    body_string(body, tensor->name);
    inspection_put_sizes(body, "shape", tensor->dims, tensor->rank);
    spread_put(body, &spread);
    put_bins(body, numbers, &spread, counts, bins);
    body_text(body, "}");
}

static bool show_histograms(struct inspection *inspection, struct http_response *response,
                            struct error *error)
{
    const struct plan *plan = &inspection->network->plan;
    const real *numbers = predictor_numbers(inspection->network->predictor);
    int64_t bins = http_query_integer(inspection->request, "bins", BINS_DEFAULT);
    int64_t *counts = calloc((size_t)bins, sizeof(*counts));

    if (!counts)
        return error_set(error, ERROR_MEMORY, "", "no memory for the histograms just now");
    inspection_put_model(inspection);
    body_text(&inspection->body, ",\"tensors\":[");
    for (int i = 0; i < plan->tensor_count; i++) {
        body_text(&inspection->body, i > 0 ? "," : "");
        put_tensor(&inspection->body, &plan->tensors[i], numbers + plan->tensors[i].offset, counts,
                   bins);
    }
    body_text(&inspection->body, "]}");
    free(counts);
    return inspection_answer_json(inspection, response, error);
}

/* ---- the requests ---- */

typedef bool shower(struct inspection *inspection, struct http_response *response,
                    struct error *error);

static bool look_inside(const struct http_request *request, shower *show,
                        struct http_response *response, struct error *error)
{
    struct inspection inspection = {.request = request};
    bool good = inspection_open(&inspection, error) && show(&inspection, response, error);

    inspection_drop(&inspection);
    return good;
}

bool api_filters(const struct http_request *request, struct http_response *response,
                 struct error *error)
{
    return look_inside(request, show_filters, response, error);
}

bool api_histograms(const struct http_request *request, struct http_response *response,
                    struct error *error)
{
    return look_inside(request, show_histograms, response, error);
}
