/* Support for tests of predictions: see support_predict.h. */
#include "tests/api/support_predict.h"

#include "tests/core/support_npy.h"
#include "tests/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char net[] =
    "{\"dataset\": {\"name\": \"tiny\", \"normalize\": {\"mean\": [0.4], \"std\": [0.3]}},"
    "\"model\": [{\"type\": \"conv2d\", \"out_channels\": 4, \"kernel_size\": 3}, \"batch_norm2d\","
    "\"relu\", {\"type\": \"max_pool2d\", \"kernel_size\": 2}, \"flatten\","
    "{\"type\": \"linear\", \"out_features\": 4}],"
    "\"optimizer\": {\"type\": \"adam\", \"lr\": 0.01}, \"batch_size\": 16, \"epochs\": 2,"
    "\"seed\": 3}";

void predict_pixels(uint8_t *pixels, int count)
{
    for (int i = 0; i < count; i++)
        pixels[i] = (uint8_t)(i * 89 + i / 13 * 57);
}

void predict_submit(const struct api *api, const char *spec, char id[16])
{
    json_t *job = api_post(api, "/v1/jobs", spec, 201);
    (void)snprintf(id, 16, "%s", text_at(job, "id"));
    json_decref(job);
}

/* A daemon with a trained job. */
void predict_begin(struct api *api, char id[16])
{
    api_start(api);
    predict_submit(api, net, id);
    api_wait(api, id, "succeeded");
}

struct answer predict_ask(const struct api *api, const struct predict_request *request)
{
    char path[160], type[80];
    (void)snprintf(path, sizeof(path), "/v1/jobs/%s/predict%s", request->id,
                   request->query ? request->query : "");
    (void)snprintf(type, sizeof(type), "Content-Type: %s", request->type);
    const struct call call = {.method = "POST",
                              .path = path,
                              .body = request->bytes,
                              .size = request->size,
                              .headers = {type}};
    return api_call(api, &call);
}

/* The predictions; the caller owns them. */
json_t *predict(const struct api *api, const struct predict_request *request)
{
    struct answer answer = predict_ask(api, request);
    if (answer.status != 200)
        FAIL("%s gave %d: %s", request->type, answer.status, answer.body);
    CHECK_TEXT(text_at(answer.json, "model.job"), request->id);
    json_t *list = json_incref((json_t *)(uintptr_t)json_at(answer.json, "predictions"));
    answer_drop(&answer);
    return list;
}

void predict_refused(const struct api *api, const struct predict_request *request, int status,
                     const char *word)
{
    struct answer answer = predict_ask(api, request);
    if (answer.status != status || !strstr(answer.body, word))
        FAIL("%d and not %d with \"%s\": %s", answer.status, status, word, answer.body);
    CHECK_TEXT(answer_header(&answer, "Content-Type"), "application/problem+json");
    answer_drop(&answer);
    json_decref(api_get(api, "/livez", 200));
}

static struct file_bytes read_whole(const char *path)
{
    struct file_bytes file = {malloc(1 << 20), 0};
    FILE *stream = fopen(path, "rb");
    CHECK(stream && file.bytes);
    file.size = fread(file.bytes, 1, 1 << 20, stream);
    (void)fclose(stream);
    return file;
}

struct file_bytes predict_npy(const char *type, const char *shape, const void *numbers, size_t size)
{
    write_array("samples.npy", type, shape, numbers, size);
    return read_whole("samples.npy");
}

/* {"instances": …}: samples of rows, or with their one channel around them. */
char *predict_json(const uint8_t *pixels, int count, bool channels)
{
    json_t *samples = json_array();
    for (int i = 0; i < count; i++) {
        json_t *rows = json_array();
        for (int y = 0; y < SIDE; y++) {
            json_t *row = json_array();
            for (int x = 0; x < SIDE; x++)
                json_array_append_new(row, json_integer(pixels[i * PIXELS + y * SIDE + x]));
            json_array_append_new(rows, row);
        }
        json_array_append_new(samples, channels ? json_pack("[o]", rows) : rows);
    }
    json_t *object = json_pack("{s:o}", "instances", samples);
    char *text = json_dumps(object, 0);
    json_decref(object);
    CHECK(text);
    return text;
}
