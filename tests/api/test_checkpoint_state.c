/* Checkpoints as files, with and without what the optimizer remembers: whole, in part, resumed. */
#include "tests/api/support.h"
#include "tests/core/support.h"
#include "tests/harness.h"
#include "tests/server/workshop.h"

#include "core/digest.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void train(const struct api *api, const char *optimizer, const char *length, char id[16])
{
    static const char model[] = "{\"dataset\": {\"name\": \"tiny\"}, \"seed\": 3, \"model\": "
                                "[\"batch_norm2d\", \"flatten\", {\"type\": \"linear\", "
                                "\"out_features\": 4}], \"optimizer\": %s, %s}";
    char spec[700];

    (void)snprintf(spec, sizeof(spec), model, optimizer, length);
    json_t *job = api_post(api, "/v1/jobs", spec, 201);
    (void)snprintf(id, 16, "%s", text_at(job, "id"));
    json_decref(job);
    api_wait(api, id, "succeeded");
}

static struct answer get_file(const struct api *api, const char *id, const char *rest,
                              const char *header)
{
    char path[160];

    return api_call(api, &(struct call){.path = job_path(id, rest, path), .headers = {header}});
}

static json_t *header_of(const struct answer *file)
{
    uint64_t length;

    CHECK_INT(file->status, 200);
    memcpy(&length, file->body, sizeof(length));
    json_t *header = json_loadb(file->body + 8, length, JSON_REJECT_DUPLICATES, NULL);
    CHECK(header != NULL);
    return header;
}

/* Number `index` of a tensor of the file. */
static float number_at(const struct answer *file, const char *tensor, size_t index)
{
    json_t *header = header_of(file);
    uint64_t length;
    float number;

    memcpy(&length, file->body, sizeof(length));
    if (!json_object_get(header, tensor))
        FAIL("there is no tensor %s", tensor);
    size_t begin = (size_t)integer_at(json_object_get(header, tensor), "data_offsets.0");
    memcpy(&number, file->body + 8 + length + begin + 4 * index, sizeof(number));
    json_decref(header);
    return number;
}

static const char *meta_of(const json_t *header, const char *name)
{
    return text_at(json_object_get(header, "__metadata__"), name);
}

TEST("the whole state of a checkpoint names every buffer as PyTorch's optimizers do")
{
    static const struct {
        const char *optimizer, *slots[3];
    } rows[] = {
        {"\"sgd\"", {NULL}},
        {"{\"type\": \"sgd\", \"momentum\": 0.9}", {"momentum_buffer"}},
        {"{\"type\": \"sgd\", \"momentum\": 0.9, \"formulation\": \"classic\"}", {"velocity"}},
        {"\"adagrad\"", {"sum"}},
        {"\"rmsprop\"", {"square_avg"}},
        {"{\"type\": \"rmsprop\", \"momentum\": 0.9, \"centered\": true}",
         {"square_avg", "momentum_buffer", "grad_avg"}},
        {"{\"type\": \"rmsprop\", \"centered\": true}", {"square_avg", "grad_avg"}},
        {"{\"type\": \"adam\", \"amsgrad\": true}", {"exp_avg", "exp_avg_sq", "max_exp_avg_sq"}},
        {"\"adamw\"", {"exp_avg", "exp_avg_sq"}},
        {"\"nadam\"", {"exp_avg", "exp_avg_sq"}},
        {"\"adabound\"", {"exp_avg", "exp_avg_sq"}},
    };
    static const char *const learned[] = {"0.weight", "0.bias", "2.weight", "2.bias"};
    struct api api;
    char id[16], name[80];

    api_start(&api);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        train(&api, rows[i].optimizer, "\"max_steps\": 2", id);
        struct answer file = get_file(&api, id, "/checkpoints/last?state=full", NULL);
        json_t *header = header_of(&file);
        size_t slots = 0;

        for (; slots < 3 && rows[i].slots[slots]; slots++)
            for (size_t k = 0; k < COUNT_OF(learned); k++) {
                (void)snprintf(name, sizeof(name), "optimizer.%s.%s", learned[k],
                               rows[i].slots[slots]);
                if (!json_object_get(header, name))
                    FAIL("%s has no %s", rows[i].optimizer, name);
                CHECK(json_equal(json_at(json_object_get(header, name), "shape"),
                                 json_at(json_object_get(header, learned[k]), "shape")));
            }
        /* the state, the learned, two statistics, the metadata */
        CHECK_COUNT(json_object_size(header), slots * 4 + 4 + 2 + 1);
        json_decref(header);
        answer_drop(&file);
    }
    api_stop(&api);
}

TEST("the buffers are those of the step: momentum is the first gradient, adam's square that of its "
     "mean")
{
    struct api api;
    char id[16], next[16], extra[120];

    api_start(&api);
    train(&api, "\"sgd\"", "\"max_steps\": 1", id);
    (void)snprintf(extra, sizeof(extra), "\"max_steps\": 1, \"init_from\": {\"job\": \"%s\"}", id);
    train(&api, "{\"type\": \"sgd\", \"lr\": 0.5, \"momentum\": 0.9}", extra, next);
    struct answer before = get_file(&api, next, "/checkpoints/0", NULL);
    struct answer after = get_file(&api, next, "/checkpoints/1?state=full", NULL);
    bool moved = false;
    for (size_t i = 0; i < 400; i++) {
        float was = number_at(&before, "2.weight", i), is = number_at(&after, "2.weight", i);
        float gradient = number_at(&after, "optimizer.2.weight.momentum_buffer", i);
        CHECK(fabsf(was - 0.5F * gradient - is) <= 1e-6F);
        moved |= was != is;
    }
    CHECK(moved);
    json_t *header = header_of(&after);
    CHECK_TEXT(meta_of(header, "format"), "pt");
    CHECK_TEXT(meta_of(header, "state"), "full");
    CHECK_TEXT(meta_of(header, "step"), "1");
    CHECK_TEXT(meta_of(header, "epoch"), "1");
    CHECK_TEXT(meta_of(header, "seed"), "3");
    CHECK_TEXT(meta_of(header, "optimizer"), "sgd");
    CHECK_TEXT(meta_of(header, "optimizer_steps"), "1");
    CHECK_TEXT(meta_of(header, "lr_factor"), "1.0");
    CHECK(!json_object_get(json_object_get(header, "__metadata__"), "plateau_rate"));
    json_decref(header);
    answer_drop(&before);
    answer_drop(&after);

    train(&api, "\"adam\"",
          "\"max_steps\": 1, \"lr_schedule\": \"reduce_on_plateau\","
          "\"early_stopping\": {\"metric\": \"val_loss\", \"patience\": 3}",
          next);
    after = get_file(&api, next, "/checkpoints/1?state=full", NULL);
    for (size_t i = 0; i < 400; i++) {
        float mean = number_at(&after, "optimizer.2.weight.exp_avg", i) / 0.1F;
        CHECK_NEAR(number_at(&after, "optimizer.2.weight.exp_avg_sq", i), 0.001F * mean * mean,
                   1e-3);
    }
    header = header_of(&after);
    CHECK_TEXT(meta_of(header, "plateau_metric"), "val_loss");
    CHECK_TEXT(meta_of(header, "plateau_rate"), "0.001");
    CHECK_TEXT(meta_of(header, "stopping_bad"), "0");
    json_decref(header);
    answer_drop(&after);
    api_stop(&api);
}

/* From some byte to the end, as who goes on with a download asks. */
static void check_resumed(const struct api *api, const char *path, const struct answer *whole)
{
    const size_t from[] = {1, 100, whole->size / 3, whole->size / 2 + 1, whole->size - 1};
    char range[64], wanted[64], tag[200];

    (void)snprintf(tag, sizeof(tag), "If-Range: %s", answer_header(whole, "ETag"));
    for (size_t i = 0; i < COUNT_OF(from); i++) {
        (void)snprintf(range, sizeof(range), "Range: bytes=%zu-", from[i]);
        struct answer part = api_call(api, &(struct call){.path = path, .headers = {range, tag}});
        CHECK_INT(part.status, 206);
        (void)snprintf(wanted, sizeof(wanted), "bytes %zu-%zu/%zu", from[i], whole->size - 1,
                       whole->size);
        CHECK_TEXT(answer_header(&part, "Content-Range"), wanted);
        CHECK(part.size == whole->size - from[i] &&
              memcmp(part.body, whole->body + from[i], part.size) == 0);
        answer_drop(&part);
    }
    (void)snprintf(range, sizeof(range), "Range: bytes=%zu-%zu", whole->size / 4,
                   whole->size / 4 + 70000);
    struct answer part = api_call(api, &(struct call){.path = path, .headers = {range}});
    CHECK_COUNT(part.size, 70001);
    CHECK(memcmp(part.body, whole->body + whole->size / 4, part.size) == 0);
    answer_drop(&part);
    part = api_call(
        api, &(struct call){.path = path, .headers = {"Range: bytes=5-", "If-Range: \"other\""}});
    CHECK_INT(part.status, 200);
    CHECK_COUNT(part.size, whole->size);
    answer_drop(&part);
}

/* Repr-Digest tells the SHA-256 of these bytes. */
static void check_digest(const struct answer *file)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint8_t digest[DIGEST_BYTES], read[DIGEST_BYTES] = {0};
    const char *text = answer_header(file, "Repr-Digest");

    CHECK(strncmp(text, "sha-256=:", 9) == 0 && strlen(text) == 9 + 44 + 1);
    for (int i = 0; i < 43; i++) {
        int value = (int)(strchr(digits, text[9 + i]) - digits);
        for (int bit = 0; bit < 6; bit++)
            if (value >> (5 - bit) & 1 && 6 * i + bit < 256)
                read[(6 * i + bit) / 8] |= (uint8_t)(128 >> (6 * i + bit) % 8);
    }
    digest_sha256(file->body, file->size, digest);
    CHECK(memcmp(digest, read, sizeof(digest)) == 0);
}

TEST("both forms of a checkpoint have tags and digests of their own, and a download goes on where "
     "it broke off")
{
    static const char spec[] =
        "{\"dataset\": {\"name\": \"tiny\"}, \"model\": [\"flatten\","
        "{\"type\": \"linear\", \"out_features\": 501}, {\"type\": \"linear\", \"out_features\": "
        "4}], \"optimizer\": \"adam\", \"max_steps\": 1, \"seed\": 2}";
    struct api api;
    char id[16], path[160], tag[200];

    api_start(&api);
    json_t *job = api_post(&api, "/v1/jobs", spec, 201);
    (void)snprintf(id, sizeof(id), "%s", text_at(job, "id"));
    json_decref(job);
    api_wait(&api, id, "succeeded");
    struct answer weights = get_file(&api, id, "/checkpoints/last?state=weights", NULL);
    struct answer full = get_file(&api, id, "/checkpoints/last?state=full", NULL);
    CHECK(full.size > 2 * weights.size);
    (void)snprintf(tag, sizeof(tag), "If-None-Match: %s", answer_header(&weights, "ETag"));
    CHECK(strcmp(tag + 15, answer_header(&full, "ETag")) != 0);
    CHECK(strstr(answer_header(&full, "Content-Disposition"), "-step1-full.safetensors"));
    for (size_t i = 0; i < 501; i++)
        CHECK(number_at(&weights, "1.bias", i) == number_at(&full, "1.bias", i));
    check_digest(&weights);
    check_digest(&full);
    struct answer other = get_file(&api, id, "/checkpoints/last?state=full", tag);
    CHECK_INT(other.status, 200);
    answer_drop(&other);
    (void)snprintf(tag, sizeof(tag), "If-None-Match: %s", answer_header(&full, "ETag"));
    other = get_file(&api, id, "/checkpoints/last?state=full", tag);
    CHECK_INT(other.status, 304);
    answer_drop(&other);
    check_resumed(&api, job_path(id, "/checkpoints/last", path), &weights);
    check_resumed(&api, job_path(id, "/checkpoints/1?state=full", path), &full);
    json_t *list = api_get(&api, job_path(id, "/checkpoints", path), 200);
    other = api_call(&api, &(struct call){.path = text_at(list, "items.0.links.full")});
    CHECK(other.size == full.size && memcmp(other.body, full.body, full.size) == 0);
    answer_drop(&other);
    json_decref(list);
    check_problem(api_get(&api, job_path(id, "/checkpoints/1?state=all", path), 400), 400, "state");
    check_problem(api_get(&api, job_path(id, "/checkpoints/1?state=full&format=onnx", path), 400),
                  400, "safetensors");
    answer_drop(&weights);
    answer_drop(&full);
    api_stop(&api);
}

TEST("the file of a whole state stays the same when its job is edited or renamed, and is a file of "
     "weights as well")
{
    struct api api;
    char id[16], next[16], path[160];

    api_start(&api);
    api_submit_tiny(&api, "\"epochs\": 2, \"seed\": 6", id);
    api_wait(&api, id, "succeeded");
    struct answer full = get_file(&api, id, "/checkpoints/last?state=full", NULL);
    const struct call rename = {
        .method = "PATCH", .path = job_path(id, "", path), .body = "{\"name\": \"other\"}"};
    struct answer answer = api_call(&api, &rename);
    CHECK_INT(answer.status, 200);
    answer_drop(&answer);
    answer = get_file(&api, id, "/checkpoints/last?state=full", NULL);
    CHECK(answer.size == full.size && memcmp(answer.body, full.body, full.size) == 0);
    write_bytes("full.safetensors", full.body, full.size);
    json_decref(api_put(&api, "/v1/weights/full", "full.safetensors", 201));
    api_submit_tiny(&api, "\"max_steps\": 1, \"seed\": 1, \"init_from\": {\"weights\": \"full\"}",
                    next);
    api_wait(&api, next, "succeeded");
    struct answer begun = get_file(&api, next, "/checkpoints/0", NULL);
    for (size_t i = 0; i < 256; i++)
        CHECK(number_at(&begun, "4.weight", i) == number_at(&full, "4.weight", i));
    answer_drop(&begun);
    answer_drop(&answer);
    answer_drop(&full);
    api_stop(&api);
}
