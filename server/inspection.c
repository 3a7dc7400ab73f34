/* Inspection: see inspection.h. */
#include "server/inspection.h"

#include "server/checkpoint_choice.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Of an answer in JSON. */
enum { NUMBERS_MAX = 1 << 18 };

const char *const inspect_formats[] = {"json", "png", NULL};
bool inspection_open(struct inspection *inspection, struct error *error)
{
    const struct http_request *request = inspection->request;
    const struct trained_source source = {
        .db = request->db, .catalog = request->app->catalog, .kernels = KERNELS_REFERENCE};
    struct error cause = {0};

    if (!api_find_job(request, &inspection->job, error))
        return false;
    if (!checkpoint_choose(request->db, &inspection->job, request->params[1], CHECKPOINT_NEWEST,
                           &inspection->checkpoint, &cause))
        return error_set(
            error, cause.kind == ERROR_INVALID ? ERROR_NOT_FOUND : cause.kind, "", "%s",
            cause.kind == ERROR_INVALID ? "a checkpoint is named by its step, best or last"
                                        : cause.text);
    return trained_open(&source, &inspection->job, &inspection->checkpoint, &inspection->network,
                        error);
}

void inspection_drop(struct inspection *inspection)
{
    trained_free(inspection->network);
    checkpoint_row_drop(&inspection->checkpoint);
    job_row_drop(&inspection->job);
    body_drop(&inspection->body);
}

void inspection_put_model(struct inspection *inspection)
{
    body_print(&inspection->body, "{\"model\":{\"job\":\"%s\",\"checkpoint\":%" PRId64 "}",
               inspection->job.id, inspection->checkpoint.step);
}

struct spread spread_of(const real *numbers, int64_t count)
{
    struct spread spread = {.count = count, .min = INFINITY, .max = -INFINITY};
    double sum = 0, squares = 0;

    for (int64_t i = 0; i < count; i++) {
        double value = (double)numbers[i];

        if (!isfinite(value))
            continue;
        spread.finite++;
        spread.zeros += value == 0;
        spread.min = value < spread.min ? value : spread.min;
        spread.max = value > spread.max ? value : spread.max;
        sum += value;
    }
    spread.mean = sum / (double)spread.finite;
    for (int64_t i = 0; i < count; i++)
        if (isfinite(numbers[i]))
            squares += ((double)numbers[i] - spread.mean) * ((double)numbers[i] - spread.mean);
    spread.std = sqrt(squares / (double)spread.finite);
    return spread;
}

void spread_put(struct body *body, const struct spread *spread)
{
    const struct {
        const char *key;
        double value;
    } members[] = {
        {"min", spread->min}, {"max", spread->max}, {"mean", spread->mean}, {"std", spread->std}};

    body_print(body, ",\"count\":%" PRId64 ",\"nonfinite\":%" PRId64 ",\"zeros\":%" PRId64,
               spread->count, spread->count - spread->finite, spread->zeros);
    for (size_t i = 0; i < COUNT_OF(members); i++) {
        body_print(body, ",\"%s\":", members[i].key);
        body_real(body, members[i].value);
    }
}

void inspection_put_sizes(struct body *body, const char *key, const int64_t *sizes, int count)
{
    body_print(body, ",\"%s\":[", key);
    for (int i = 0; i < count; i++)
        body_print(body, "%s%" PRId64, i > 0 ? "," : "", sizes[i]);
    body_text(body, "]");
}

/* The last size innermost. */
static const real *put_nested(struct body *body, const real *numbers, const int64_t *sizes,
                              int levels)
{
    if (levels == 0) {
        body_real(body, (double)*numbers);
        return numbers + 1;
    }
    body_text(body, "[");
    for (int64_t i = 0; i < sizes[0]; i++) {
        body_text(body, i > 0 ? "," : "");
        numbers = put_nested(body, numbers, sizes + 1, levels - 1);
    }
    body_text(body, "]");
    return numbers;
}

static bool too_many(int64_t numbers, struct error *error)
{
    return error_set(error, ERROR_TOO_LARGE, "",
                     "these are %" PRId64 " numbers, at most %d are listed; ?format=png shows them",
                     numbers, NUMBERS_MAX);
}

bool inspection_put_numbers(struct body *body, const real *numbers, const int64_t *sizes,
                            int levels, struct error *error)
{
    int64_t count = 1;

    for (int i = 0; i < levels; i++)
        count = saturating_product(count, sizes[i]);
    if (count > NUMBERS_MAX)
        return too_many(count, error);
    (void)put_nested(body, numbers, sizes, levels);
    return true;
}

static void describe(struct http_response *response, const struct inspection *inspection)
{
    http_response_etag(response, "%s", inspection->checkpoint.sha256);
    http_response_header(response, "Cache-Control", "private, no-cache");
}

bool inspection_answer_json(struct inspection *inspection, struct http_response *response,
                            struct error *error)
{
    if (!http_response_json(response, 200, &inspection->body, error))
        return false;
    describe(response, inspection);
    return true;
}

bool inspection_answer_tiles(const struct inspection *inspection, const struct tiles *tiles,
                             struct http_response *response, struct error *error)
{
    struct image image = {0};
    uint8_t *bytes = NULL;
    size_t size = 0;
    bool good = tiles_draw(tiles, &image, error) && image_encode_png(&image, &bytes, &size, error);

    image_drop(&image);
    if (!good)
        return false;
    response->status = 200;
    response->content_type = "image/png";
    response->body = (char *)bytes;
    response->body_size = size;
    describe(response, inspection);
    return true;
}
