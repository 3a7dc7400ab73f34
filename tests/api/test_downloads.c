/* Checkpoints as files, and the dashboard's files. */
#include "tests/api/support.h"

#include "core/checkpoint.h"
#include "core/digest.h"
#include "server/assets.h"
#include "server/store.h"
#include "tests/harness.h"
#include "tests/server/store_support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The file's length is that of its header and of the tensors that the header names. */
static void check_safetensors(const struct answer *file)
{
    const char *key;
    json_t *head, *tensor;
    uint64_t length, most = 0;

    CHECK(file->size > 8);
    memcpy(&length, file->body, sizeof(length));
    CHECK(length < file->size);
    head = json_loadb(file->body + 8, length, JSON_REJECT_DUPLICATES, NULL);
    CHECK_INT(integer_at(json_object_get(head, "0.weight"), "shape.0"), 4);
    CHECK(json_is_object(json_object_get(head, "4.bias")));
    json_object_foreach (head, key, tensor) {
        const json_t *end = json_at(tensor, "data_offsets.1");

        if (end && (uint64_t)json_integer_value(end) > most)
            most = (uint64_t)json_integer_value(end);
    }
    CHECK_COUNT(file->size, 8 + length + most);
    json_decref(head);
}

/* What was listed is what came. */
static void check_digest(const struct answer *file, const json_t *listed)
{
    uint8_t digest[DIGEST_BYTES];
    char hex[DIGEST_HEX];

    digest_sha256(file->body, file->size, digest);
    digest_hex(digest, hex);
    CHECK_TEXT(text_at(listed, "sha256"), hex);
    CHECK_INT(integer_at(listed, "bytes"), (int64_t)file->size);
}

TEST("checkpoints are listed and come as safetensors with the tensors that PyTorch would name")
{
    struct api api;
    char id[16], path[160], wanted[160];

    api_start(&api);
    api_submit_tiny(&api, "\"epochs\": 4, \"seed\": 6", id);
    api_wait(&api, id, "succeeded");
    json_t *list = api_get(&api, job_path(id, "/checkpoints", path), 200);
    const json_t *items = json_at(list, "items");
    CHECK(json_array_size(items) >= 2);
    const json_t *last = json_array_get(items, json_array_size(items) - 1);
    CHECK_INT(integer_at(last, "step"), 24);
    CHECK_INT(integer_at(last, "epoch"), 4);
    CHECK_COUNT(strlen(text_at(last, "sha256")), 64);
    CHECK(json_is_real(json_at(last, "metrics.val_loss")));

    const struct call call = {.path = job_path(id, "/checkpoints/last", path)};
    struct answer file = api_call(&api, &call);
    CHECK_INT(file.status, 200);
    CHECK_TEXT(answer_header(&file, "Accept-Ranges"), "bytes");
    (void)snprintf(wanted, sizeof(wanted), "attachment; filename=\"%s-step24.safetensors\"", id);
    CHECK_TEXT(answer_header(&file, "Content-Disposition"), wanted);
    (void)snprintf(wanted, sizeof(wanted), "\"%s\"", text_at(last, "sha256"));
    CHECK_TEXT(answer_header(&file, "ETag"), wanted);
    check_safetensors(&file);
    check_digest(&file, last);
    answer_drop(&file);
    json_decref(list);
    api_stop(&api);
}

TEST("a checkpoint is named by step, best or last, and is not sent to who has it")
{
    struct api api;
    char id[16], path[160], tag[200];

    api_start(&api);
    api_submit_tiny(&api, "\"epochs\": 4, \"seed\": 6", id);
    api_wait(&api, id, "succeeded");
    struct answer last =
        api_call(&api, &(struct call){.path = job_path(id, "/checkpoints/last", path)});
    struct answer step =
        api_call(&api, &(struct call){.path = job_path(id, "/checkpoints/24", path)});
    struct answer best =
        api_call(&api, &(struct call){.path = job_path(id, "/checkpoints/best", path)});
    CHECK_INT(step.status, 200);
    CHECK_COUNT(step.size, last.size);
    CHECK(memcmp(step.body, last.body, last.size) == 0);
    CHECK_INT(best.status, 200);
    CHECK_COUNT(best.size, last.size);
    (void)snprintf(tag, sizeof(tag), "If-None-Match: %s", answer_header(&best, "ETag"));
    struct answer again = api_call(&api, &(struct call){.path = path, .headers = {tag}});
    CHECK_INT(again.status, 304);
    CHECK_COUNT(again.size, 0);
    answer_drop(&again);
    answer_drop(&last);
    answer_drop(&step);
    answer_drop(&best);
    check_problem(api_get(&api, job_path(id, "/checkpoints/9999", path), 404), 404, "checkpoint");
    check_problem(api_get(&api, job_path(id, "/checkpoints/worst", path), 404), 404, "best");
    check_problem(api_get(&api, job_path(id, "/checkpoints/-1", path), 404), 404, "best");
    api_stop(&api);
}

/* The newest checkpoint of the only job, as stored; the daemon must be stopped. malloc'ed. */
static uint8_t *stored_checkpoint(size_t *size)
{
    struct store *store = NULL;
    struct db *db = NULL;
    struct checkpoint_row row = {0};
    struct error error = {0};
    uint8_t *bytes;

    if (!store_open("data", &store, &error) || !store_reader(store, &db, &error) ||
        !store_checkpoint_find(db, 1, CHECKPOINT_NEWEST, &row, &error))
        FAIL("%s: %s", error.where, error.text);
    *size = (size_t)row.bytes;
    bytes = malloc(*size);
    CHECK(bytes && store_checkpoint_read(db, row.number, 0, bytes, *size, &error));
    checkpoint_row_drop(&row);
    db_close(db);
    store_close(store);
    return bytes;
}

/* Every tensor of the file lies in the checkpoint, one behind the other, with padding at most
 * between them. */
static void check_tensors(const struct answer *file, const uint8_t *bytes, size_t size)
{
    static const char *const names[] = {"1.weight", "1.bias",   "3.weight",
                                        "3.bias",   "4.weight", "4.bias"};
    const uint8_t *at = bytes + CHECKPOINT_HEADER;
    uint64_t length;
    json_t *head;

    memcpy(&length, file->body, sizeof(length));
    head = json_loadb(file->body + 8, length, JSON_REJECT_DUPLICATES, NULL);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        const json_t *tensor = json_object_get(head, names[i]);
        size_t begin = (size_t)integer_at(tensor, "data_offsets.0");
        size_t count = (size_t)integer_at(tensor, "data_offsets.1") - begin;
        const uint8_t *found =
            memmem(at, size - (size_t)(at - bytes), file->body + 8 + length + begin, count);

        if (!found || found - at > (i == 0 ? 0 : 256))
            FAIL("the numbers of %s are not those of the checkpoint", names[i]);
        at = found + count;
    }
    json_decref(head);
}

TEST("a file of many pieces holds exactly the numbers of the checkpoint")
{
    struct api api;
    char id[16], path[160];
    size_t size = 0;
    static const char spec[] =
        "{\"dataset\": {\"name\": \"tiny\"}, \"model\": [{\"type\": \"flatten\"},"
        "{\"type\": \"linear\", \"out_features\": 3001}, {\"type\": \"relu\"},"
        "{\"type\": \"linear\", \"out_features\": 301}, {\"type\": \"linear\", \"out_features\": "
        "4}], \"optimizer\": \"sgd\", \"max_steps\": 1, \"seed\": 2}";

    api_start(&api);
    json_t *job = api_post(&api, "/v1/jobs", spec, 201);
    (void)snprintf(id, sizeof(id), "%s", text_at(job, "id"));
    json_decref(job);
    api_wait(&api, id, "succeeded");
    const struct call call = {.path = job_path(id, "/checkpoints/last", path)};
    struct answer file = api_call(&api, &call);
    CHECK_INT(file.status, 200);
    api_stop(&api);
    uint8_t *bytes = stored_checkpoint(&size);
    check_tensors(&file, bytes, size);
    free(bytes);
    answer_drop(&file);
}

/* The first number of a tensor of the file. */
static float first_number(const struct answer *file, const char *tensor)
{
    uint64_t length;
    float number;

    memcpy(&length, file->body, sizeof(length));
    json_t *head = json_loadb(file->body + 8, length, JSON_REJECT_DUPLICATES, NULL);
    size_t begin = (size_t)integer_at(json_object_get(head, tensor), "data_offsets.0");
    memcpy(&number, file->body + 8 + length + begin, sizeof(number));
    json_decref(head);
    return number;
}

TEST("a checkpoint keeps the running statistics, and its file has them inside blocks too")
{
    struct api api;
    char id[16], path[160];
    static const char spec[] =
        "{\"dataset\": {\"name\": \"tiny\"}, \"model\": [\"batch_norm2d\","
        "{\"type\": \"residual\", \"body\": [\"batch_norm2d\"]}, \"flatten\","
        "{\"type\": \"linear\", \"out_features\": 4}],"
        " \"optimizer\": \"sgd\", \"max_steps\": 2, \"seed\": 2}";

    api_start(&api);
    json_t *job = api_post(&api, "/v1/jobs", spec, 201);
    (void)snprintf(id, sizeof(id), "%s", text_at(job, "id"));
    json_decref(job);
    api_wait(&api, id, "succeeded");
    json_t *list = api_get(&api, job_path(id, "/checkpoints", path), 200);
    const struct call call = {.path = job_path(id, "/checkpoints/last", path)};
    struct answer file = api_call(&api, &call);
    CHECK_INT(file.status, 200);
    check_digest(&file, json_at(list, "items.0"));
    /* It began at 0, and pixels are never below. */
    float mean = first_number(&file, "0.running_mean");
    CHECK(mean > 0 && mean < 1);
    float variance = first_number(&file, "1.body.0.running_var");
    CHECK(isfinite(variance) && variance > 0.9f && variance < 1.1f);
    answer_drop(&file);
    json_decref(list);
    api_stop(&api);
}

TEST("every file of the dashboard comes as it is in the program, plain or compressed, once")
{
    struct api api;

    api_start(&api);
    CHECK(asset_count > 3);
    for (size_t i = 0; i < asset_count; i++) {
        const struct asset *asset = &assets[i];
        struct answer plain = api_call(&api, &(struct call){.path = asset->path});
        struct answer packed = api_call(
            &api, &(struct call){.path = asset->path, .headers = {"Accept-Encoding: br, gzip"}});
        char tag[200];

        CHECK_INT(plain.status, 200);
        CHECK_COUNT(plain.size, asset->size);
        CHECK(memcmp(plain.body, asset->bytes, asset->size) == 0);
        CHECK_TEXT(answer_header(&plain, "Content-Type"), asset->content_type);
        CHECK_TEXT(answer_header(&plain, "Content-Encoding"), "");
        CHECK_TEXT(answer_header(&packed, "Content-Encoding"), asset->gzip ? "gzip" : "");
        CHECK_COUNT(packed.size, asset->gzip ? asset->gzip_size : asset->size);
        bool vendor = strncmp(asset->path, "/vendor/", 8) == 0;
        CHECK((strstr(answer_header(&plain, "Cache-Control"), "immutable") != NULL) == vendor);
        (void)snprintf(tag, sizeof(tag), "If-None-Match: %s", answer_header(&plain, "ETag"));
        struct answer again = api_call(&api, &(struct call){.path = asset->path, .headers = {tag}});
        CHECK_INT(again.status, 304);
        CHECK_COUNT(again.size, 0);
        answer_drop(&again);
        answer_drop(&plain);
        answer_drop(&packed);
    }
    struct answer refused =
        api_call(&api, &(struct call){.path = "/", .headers = {"Accept-Encoding: gzip;q=0"}});
    CHECK_TEXT(answer_header(&refused, "Content-Encoding"), "");
    answer_drop(&refused);
    api_stop(&api);
}

TEST("a checkpoint of a job that this version no longer understands is refused, and the daemon "
     "goes on")
{
    struct api api;
    struct store *store;
    struct error error = {0};
    char id[16], path[160];

    api_start(&api);
    api_submit_tiny(&api, "\"epochs\": 1, \"seed\": 6", id);
    api_wait(&api, id, "succeeded");
    api_stop(&api);
    CHECK(store_open("data", &store, &error));
    CHECK(try_sql(store,
                  "UPDATE job_text SET spec ="
                  " replace(spec, '\"optimizer\":{\"type\":\"', '\"optimizer\":{\"type\":\"old-')",
                  &error));
    store_close(store);
    api_start(&api);
    struct answer answer =
        api_call(&api, &(struct call){.path = job_path(id, "/checkpoints/last", path)});
    CHECK_INT(answer.status, 409);
    CHECK(strstr(text_at(answer.json, "detail"), "no longer understands"));
    answer_drop(&answer);
    json_decref(api_get(&api, "/livez", 200));
    api_stop(&api);
}
