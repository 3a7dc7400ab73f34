/* Samples of a data set: a page of them with their labels, and each as a picture. A set that was
 * looked at stays in memory for a short while: who looks at one sample looks at more. */
#include "server/api.h"

#include "core/dataset_picture.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PREFIX_LEAST = 8, PREFIX_SENT = 16 };

const char *const api_split_names[] = {"train", "test", NULL};

/* What a request is about. */
struct looking {
    const char *name;
    char sha256[65];
    int split; /* index into api_split_names */
    struct data_shape shape;
};

static int64_t count_of(const struct looking *looking)
{
    return looking->split == 0 ? looking->shape.train_samples : looking->shape.test_samples;
}

static const struct dataset_split *split_of(const struct looking *looking,
                                            const struct dataset *dataset)
{
    return looking->split == 0 ? dataset_train(dataset) : dataset_test(dataset);
}

/* Without reading the set. */
static bool look(const struct http_request *request, struct looking *out, struct error *error)
{
    struct dataset_row row = {0};

    *out = (struct looking){.name = request->params[0],
                            .split = http_query_choice(request, "split", 0)};
    bool good = catalog_find(request->db, out->name, &row, error) &&
                catalog_row_digest(&row, out->sha256, error) &&
                catalog_shape(request->db, out->name, &out->shape, error);
    dataset_row_drop(&row);
    return good;
}

/* ---- GET /v1/datasets/{name}/samples ---- */

static void put_sample(struct body *body, const struct looking *looking,
                       const struct dataset *dataset, int64_t index)
{
    int label = split_of(looking, dataset)->labels[index];

    body_print(body, "{\"index\":%" PRId64 ",\"label\":%d,\"class\":", index, label);
    body_string(body, dataset_class_name(dataset, label));
    body_print(body,
               ",\"links\":{\"image\":\"/v1/datasets/%s/samples/%" PRId64
               ".png?split=%s&sha256=%.*s\"}}",
               looking->name, index, api_split_names[looking->split], PREFIX_SENT, looking->sha256);
}

/* How many samples of the split each class has, in the order of the classes. */
static bool put_counts(struct body *body, const struct dataset *dataset,
                       const struct dataset_split *split, struct error *error)
{
    int64_t classes = dataset_shape(dataset)->classes;
    int64_t *counts = calloc((size_t)classes, sizeof(*counts));

    if (!counts)
        return error_set(error, ERROR_MEMORY, "", "no memory to count the samples");
    for (int64_t i = 0; i < split->count; i++)
        counts[split->labels[i]]++;
    body_text(body, ",\"counts\":[");
    for (int64_t i = 0; i < classes; i++)
        body_print(body, "%s%" PRId64, i > 0 ? "," : "", counts[i]);
    body_text(body, "]");
    free(counts);
    return true;
}

struct wanted {
    int64_t offset, limit, class; /* class -1: all */
};

/* Returns how many samples are of the class. */
static int64_t put_items(struct body *body, const struct looking *looking,
                         const struct dataset *dataset, const struct wanted *wanted)
{
    const struct dataset_split *split = split_of(looking, dataset);
    int64_t found = 0;

    body_text(body, "\"items\":[");
    for (int64_t i = 0; i < split->count; i++) {
        if (wanted->class >= 0 && split->labels[i] != wanted->class)
            continue;
        if (found >= wanted->offset && found - wanted->offset < wanted->limit) {
            body_text(body, found > wanted->offset ? "," : "");
            put_sample(body, looking, dataset, i);
        }
        found++;
    }
    body_text(body, "]");
    return found;
}

static bool put_page(struct body *body, const struct looking *looking,
                     const struct dataset *dataset, const struct wanted *wanted,
                     struct error *error)
{
    if (wanted->class >= looking->shape.classes)
        return error_set(error, ERROR_INVALID, "class",
                         "there is no class %" PRId64 "; this data set has %" PRId64
                         ", counted from 0",
                         wanted->class, looking->shape.classes);
    body_print(body, "{\"split\":\"%s\",\"offset\":%" PRId64 ",", api_split_names[looking->split],
               wanted->offset);
    int64_t total = put_items(body, looking, dataset, wanted);
    body_print(body, ",\"total\":%" PRId64 ",\"next_offset\":", total);
    if (total > wanted->limit && wanted->offset < total - wanted->limit)
        body_print(body, "%" PRId64, wanted->offset + wanted->limit);
    else
        body_text(body, "null");
    if (!put_counts(body, dataset, split_of(looking, dataset), error))
        return false;
    body_text(body, "}");
    return true;
}

bool api_samples_list(const struct http_request *request, struct http_response *response,
                      struct error *error)
{
    struct wanted wanted = {.offset = http_query_integer(request, "offset", 0),
                            .limit = http_query_integer(request, "limit", API_PAGE_DEFAULT),
                            .class = http_query_integer(request, "class", -1)};
    struct dataset *dataset = NULL;
    struct looking looking;
    struct body body = {0};

    if (!look(request, &looking, error) ||
        !catalog_open(request->app->catalog, request->db, looking.name, &dataset, error))
        return false;
    bool good = put_page(&body, &looking, dataset, &wanted, error);
    catalog_close_later(request->app->catalog, dataset);
    good = good && http_response_json(response, 200, &body, error);
    body_drop(&body);
    return good;
}

/* ---- GET /v1/datasets/{name}/samples/{i}.png ---- */

static bool read_index(const char *file, int64_t count, int64_t *out, struct error *error)
{
    size_t length = strlen(file);
    char digits[24] = "";

    if (length <= 4 || length - 4 >= sizeof(digits) || strcmp(file + length - 4, ".png") != 0)
        return error_set(error, ERROR_NOT_FOUND, "",
                         "a sample is named by its number, counted from 0, as in 17.png");
    memcpy(digits, file, length - 4);
    if (!query_read_integer(digits, out))
        return error_set(error, ERROR_NOT_FOUND, "",
                         "a sample is named by its number, counted from 0, as in 17.png");
    return *out < count ||
           error_set(error, ERROR_NOT_FOUND, "",
                     "there is no sample %" PRId64 "; this split has %" PRId64 ", counted from 0",
                     *out, count);
}

/* A picture of a content that is named may be kept for ever; that of a name only for a while, as
 * another set may get it one day. */
static bool describe(const struct http_request *request, const struct looking *looking,
                     int64_t index, int64_t factor, struct http_response *response,
                     struct error *error)
{
    const char *wanted = http_query(request, "sha256");
    size_t length = wanted ? strlen(wanted) : 0;

    if (wanted && (length < PREFIX_LEAST || strncmp(wanted, looking->sha256, length) != 0))
        return error_set(error, ERROR_NOT_FOUND, "",
                         "the data set %s has other content: its sha256 begins with %.*s",
                         looking->name, PREFIX_SENT, looking->sha256);
    http_response_etag(response, "%.32s-%s-%" PRId64 "-%" PRId64, looking->sha256,
                       api_split_names[looking->split], index, factor);
    http_response_header(response, "Cache-Control", "%s",
                         wanted ? "private, max-age=31536000, immutable" : "private, max-age=3600");
    return true;
}

/* The largest whole number of times by which the picture still fits `size`. */
static int64_t factor_of(const struct shape *sample, int64_t size)
{
    int64_t side = sample->height > sample->width ? sample->height : sample->width;

    return size > side ? size / side : 1;
}

static bool make_png(const struct http_request *request, const struct looking *looking,
                     int64_t index, int64_t factor, struct http_response *response,
                     struct error *error)
{
    struct dataset *dataset = NULL;
    struct image image = {0};
    uint8_t *bytes = NULL;

    if (!catalog_open(request->app->catalog, request->db, looking->name, &dataset, error))
        return false;
    bool good = dataset_picture(dataset, split_of(looking, dataset), index, factor, &image, error);
    catalog_close_later(request->app->catalog, dataset);
    good = good && image_encode_png(&image, &bytes, &response->body_size, error);
    image_drop(&image);
    response->body = (char *)bytes;
    response->content_type = "image/png";
    response->status = 200;
    return good;
}

bool api_samples_get(const struct http_request *request, struct http_response *response,
                     struct error *error)
{
    struct looking looking;
    int64_t index = 0, factor;

    if (!look(request, &looking, error) ||
        !read_index(request->params[1], count_of(&looking), &index, error))
        return false;
    factor = factor_of(&looking.shape.sample, http_query_integer(request, "size", 1));
    if (!describe(request, &looking, index, factor, response, error))
        return false;
    return http_settled(request, response) ||
           make_png(request, &looking, index, factor, response, error);
}
