/* Weights that users upload: kept whole or not at all, given back as they came, and what jobs begin
 * with. */
#include "tests/api/support.h"
#include "tests/core/support.h"
#include "tests/harness.h"

#include "core/digest.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char w[] = "/v1/weights/w";

/* A file of one tensor of `count` numbers. */
static void write_weights(const char *path, int count, float value)
{
    char header[160];
    int length = snprintf(header, sizeof(header),
                          "{\"0.bias\":{\"dtype\":\"F32\",\"shape\":[%d],\"data_offsets\":[0,%d]}}",
                          count, count * 4);
    size_t size = 8 + (size_t)length + (size_t)count * 4;
    uint8_t *bytes = malloc(size);
    uint64_t long_length = (uint64_t)length;

    CHECK(bytes != NULL);
    memcpy(bytes, &long_length, 8);
    memcpy(bytes + 8, header, (size_t)length);
    for (int i = 0; i < count; i++) {
        float number = value + (float)i;
        memcpy(bytes + 8 + length + (size_t)i * 4, &number, 4);
    }
    write_bytes(path, bytes, size);
    free(bytes);
}

static int put_with(const struct api *api, const char *file, const char *header)
{
    struct answer answer = api_put_file(api, w, file, header);
    int status = answer.status;

    answer_drop(&answer);
    return status;
}

/* What comes is the file, and the headers say what it is. */
static void check_file(const struct api *api, const char *file)
{
    struct answer answer = api_call(api, &(struct call){.path = w});
    uint8_t digest[DIGEST_BYTES];
    char hex[DIGEST_HEX], tag[80];
    size_t size;
    uint8_t *bytes = read_bytes(file, &size);

    CHECK_INT(answer.status, 200);
    CHECK(answer.size == size && memcmp(answer.body, bytes, size) == 0);
    digest_sha256(bytes, size, digest);
    digest_hex(digest, hex);
    (void)snprintf(tag, sizeof(tag), "\"%s\"", hex);
    CHECK_TEXT(answer_header(&answer, "ETag"), tag);
    CHECK_TEXT(answer_header(&answer, "Accept-Ranges"), "bytes");
    CHECK_TEXT(answer_header(&answer, "Content-Type"), "application/octet-stream");
    CHECK_TEXT(answer_header(&answer, "Content-Disposition"),
               "attachment; filename=\"w.safetensors\"");
    CHECK(strncmp(answer_header(&answer, "Repr-Digest"), "sha-256=:", 9) == 0);
    free(bytes);
    answer_drop(&answer);
}

TEST("a file of weights comes back as it went in, whole or in part, and says what is in it")
{
    struct api api;

    write_weights("file", 100000, 1);
    api_start(&api);
    struct answer put = api_put_file(&api, w, "file", NULL);
    CHECK_INT(put.status, 201);
    CHECK_TEXT(answer_header(&put, "Location"), w);
    CHECK_TEXT(text_at(put.json, "tensors.0.name"), "0.bias");
    json_decref(api_put(&api, w, "file", 200));
    check_file(&api, "file");
    struct answer facts =
        api_call(&api, &(struct call){.path = w, .headers = {"Accept: application/json"}});
    CHECK_INT(facts.status, 200);
    CHECK(json_equal(facts.json, put.json));
    CHECK_TEXT(text_at(facts.json, "tensors.0.dtype"), "F32");
    CHECK_INT(integer_at(facts.json, "tensors.0.shape.0"), 100000);
    CHECK_INT(integer_at(facts.json, "parameters"), 100000);
    CHECK(strstr(answer_header(&facts, "Vary"), "Accept"));
    struct answer part =
        api_call(&api, &(struct call){.path = w, .headers = {"Range: bytes=200000-"}});
    size_t size;
    uint8_t *bytes = read_bytes("file", &size);
    CHECK_INT(part.status, 206);
    CHECK(part.size == size - 200000 && memcmp(part.body, bytes + 200000, part.size) == 0);
    free(bytes);
    answer_drop(&part);
    part = api_call(&api, &(struct call){.path = w, .headers = {"Range: bytes=3-9"}});
    CHECK_INT(part.status, 206);
    CHECK_COUNT(part.size, 7);
    answer_drop(&part);
    answer_drop(&put);
    answer_drop(&facts);
    api_stop(&api);
    api_start(&api);
    check_file(&api, "file");
    CHECK_INT(count_entries("data/weights", ""), 1);
    api_stop(&api);
}

TEST("the digest in the header is the file's, as base64")
{
    /* echo -n … | openssl dgst -sha256 -binary | base64, of the file below */
    struct api api;
    char wanted[60] = "sha-256=:";

    write_weights("file", 2, 1);
    size_t size;
    uint8_t *bytes = read_bytes("file", &size), digest[DIGEST_BYTES + 1] = {0};
    digest_sha256(bytes, size, digest);
    free(bytes);
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (int bit = 0; bit < 258; bit += 6) {
        int at = bit / 8, pair = digest[at] << 8 | (at < DIGEST_BYTES ? digest[at + 1] : 0);
        wanted[9 + bit / 6] = digits[pair >> (10 - bit % 8) & 63];
    }
    memcpy(wanted + 9 + 43, "=:", 3);
    api_start(&api);
    json_decref(api_put(&api, w, "file", 201));
    struct answer answer = api_call(&api, &(struct call){.method = "HEAD", .path = w});
    CHECK_INT(answer.status, 200);
    CHECK_TEXT(answer_header(&answer, "Repr-Digest"), wanted);
    answer_drop(&answer);
    api_stop(&api);
}

TEST("other content takes the place of what is there only when the client says what that is")
{
    struct api api;
    char tag[120];

    write_weights("file", 10, 1);
    write_weights("other", 12, 2);
    api_start(&api);
    CHECK_INT(put_with(&api, "file", "If-Match: *"), 412);
    CHECK_INT(put_with(&api, "file", "If-None-Match: *"), 201);
    CHECK_INT(put_with(&api, "file", "If-None-Match: *"), 412);
    check_problem(api_put(&api, w, "other", 409), 409, "If-Match");
    check_file(&api, "file");
    CHECK_INT(put_with(&api, "other", "If-Match: \"0123\""), 412);
    struct answer answer =
        api_call(&api, &(struct call){.path = w, .headers = {"Accept: application/json"}});
    (void)snprintf(tag, sizeof(tag), "If-Match: %s", answer_header(&answer, "ETag"));
    answer_drop(&answer);
    CHECK_INT(put_with(&api, "other", tag), 200);
    check_file(&api, "other");
    CHECK_INT(count_entries("data/weights", ""), 1);
    CHECK_INT(count_entries("data/incoming", ""), 0);
    answer = api_call(&api, &(struct call){.method = "DELETE", .path = w, .headers = {tag}});
    CHECK_INT(answer.status, 412);
    answer_drop(&answer);
    json_decref(api_delete(&api, w, 204));
    CHECK_INT(count_entries("data/weights", ""), 0);
    check_problem(api_delete(&api, w, 404), 404, "w");
    check_problem(api_get(&api, w, 404), 404, "w");
    api_stop(&api);
}

TEST("what is no file of weights is refused, by size, form or name, and nothing of it stays")
{
    static const struct {
        const char *header, *data, *text;
    } wrong[] = {
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", "1234",
         "do not agree"},
        {"{\"a\":{\"dtype\":\"F31\",\"shape\":[1],\"data_offsets\":[0,4]}}", "1234", "dtype"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", "12345", "bytes"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
         "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[2,6]}}",
         "123456", "does not begin where"},
        {"{\"a\":1,\"a\":1}", "", "JSON"},
        {"[]", "", ""},
    };
    struct api api;
    char bytes[300];

    api_start(&api);
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        uint64_t length = strlen(wrong[i].header);
        memcpy(bytes, &length, 8);
        (void)snprintf(bytes + 8, sizeof(bytes) - 8, "%s%s", wrong[i].header, wrong[i].data);
        write_bytes("wrong", bytes, 8 + length + strlen(wrong[i].data));
        json_t *problem = api_put(&api, w, "wrong", 422);
        CHECK(strstr(text_at(problem, "errors.0.detail"), wrong[i].text));
        CHECK(!strstr(text_at(problem, "detail"), "body-"));
        check_problem(problem, 422, "no safetensors file");
    }
    memset(bytes, 0xff, 100);
    write_bytes("wrong", bytes, 100);
    check_problem(api_put(&api, w, "wrong", 422), 422, "header has");
    write_bytes("wrong", "", 0);
    check_problem(api_put(&api, w, "wrong", 422), 422, "empty");
    write_weights("file", 2, 1);
    check_problem(api_put(&api, "/v1/weights/..", "file", 400), 400, "no '.' in front");
    check_problem(api_put(&api, "/v1/weights/a%2Fb", "file", 400), 400, "at most 64");
    write_weights("large", API_UPLOAD_MIB << 18, 1);
    check_problem(api_put(&api, w, "large", 413), 413, "at most");
    CHECK_INT(count_entries("data/weights", ""), 0);
    CHECK_INT(count_entries("data/incoming", ""), 0);
    api_stop(&api);
}

TEST("weights are listed by name, a page at a time")
{
    static const char *const names[] = {"a", "b-2", "c.3"};
    struct api api;
    char path[60];

    write_weights("file", 2, 1);
    api_start(&api);
    for (int i = 2; i >= 0; i--) {
        (void)snprintf(path, sizeof(path), "/v1/weights/%s", names[i]);
        json_decref(api_put(&api, path, "file", 201));
    }
    json_t *list = api_get(&api, "/v1/weights?limit=2", 200);
    CHECK_COUNT(json_array_size(json_at(list, "items")), 2);
    CHECK_TEXT(text_at(list, "items.1.name"), "b-2");
    CHECK_INT(integer_at(list, "items.0.tensor_count"), 1);
    (void)snprintf(path, sizeof(path), "/v1/weights?cursor=%s", text_at(list, "next_cursor"));
    json_decref(list);
    list = api_get(&api, path, 200);
    CHECK_COUNT(json_array_size(json_at(list, "items")), 1);
    CHECK_TEXT(text_at(list, "items.0.name"), "c.3");
    CHECK(json_is_null(json_at(list, "next_cursor")));
    json_decref(list);
    api_stop(&api);
}

TEST("what a crash leaves of weights is swept at the start; a person's own files are not")
{
    struct api api;

    write_weights("file", 2, 1);
    api_start(&api);
    json_decref(api_put(&api, w, "file", 201));
    api_kill(&api);
    /* As of an upload whose row was never written, or of a deletion whose file was not removed. */
    write_bytes("data/weights/00112233445566778899aabbccddeeff.safetensors", "x", 1);
    write_bytes("data/weights/mine.safetensors", "x", 1);
    api_start(&api);
    CHECK_INT(count_entries("data/weights", ""), 2);
    CHECK_INT(count_entries("data/weights", "mine"), 1);
    check_file(&api, "file");
    /* A file that is gone or changed is not passed off as what was uploaded. */
    CHECK(unlink("data/weights/mine.safetensors") == 0);
    json_decref(api_delete(&api, w, 204));
    json_decref(api_put(&api, w, "file", 201));
    api_kill(&api);
    api_start(&api);
    check_file(&api, "file");
    api_stop(&api);
}

TEST("a job names the weights that there are when it names others, and the tensors that differ")
{
    struct api api;
    char *spec;

    write_weights("file", 3, 1);
    api_start(&api);
    json_decref(api_put(&api, "/v1/weights/lenet-1", "file", 201));
    CHECK(asprintf(&spec,
                   "{\"dataset\": {\"name\": \"tiny\"}, \"optimizer\": \"sgd\", \"model\": "
                   "[\"flatten\", {\"type\": \"linear\", \"out_features\": 4}], \"init_from\": "
                   "{\"weights\": \"%s\"}}",
                   "lenet_1") > 0);
    json_t *problem = api_post(&api, "/v1/jobs", spec, 422);
    CHECK_TEXT(text_at(problem, "errors.0.pointer"), "/init_from/weights");
    CHECK_TEXT(text_at(problem, "errors.0.suggestion"), "lenet-1");
    json_decref(problem);
    *strchr(strstr(spec, "lenet"), '_') = '-';
    problem = api_post(&api, "/v1/jobs", spec, 422);
    CHECK_TEXT(text_at(problem, "errors.0.pointer"), "/init_from");
    CHECK(strstr(text_at(problem, "errors.0.detail"), "\"1.weight\" is [4, 100] in this network"));
    json_decref(problem);
    free(spec);
    api_stop(&api);
}

TEST("a file that changed on the disk is no job's beginning")
{
    static const char spec[] =
        "{\"dataset\": {\"name\": \"tiny\"}, \"optimizer\": \"sgd\", \"model\": "
        "[\"flatten\", {\"type\": \"linear\", \"out_features\": 4}], \"init_from\": "
        "{\"weights\": \"w\"}}";
    struct api api;
    char path[400] = "";

    write_weights("file", 3, 1);
    api_start(&api);
    json_decref(api_put(&api, w, "file", 201));
    DIR *folder = opendir("data/weights");
    for (const struct dirent *entry = readdir(folder); entry; entry = readdir(folder))
        if (entry->d_name[0] != '.')
            (void)snprintf(path, sizeof(path), "data/weights/%s", entry->d_name);
    (void)closedir(folder);
    size_t size;
    uint8_t *bytes = read_bytes(path, &size);
    bytes[size - 1] ^= 1;
    write_bytes(path, bytes, size);
    free(bytes);
    check_problem(api_post(&api, "/v1/jobs", spec, 500), 500, "log");
    CHECK(unlink(path) == 0);
    check_problem(api_get(&api, w, 500), 500, "log");
    /* It can be put there again. */
    json_decref(api_put(&api, w, "file", 200));
    check_file(&api, "file");
    api_stop(&api);
}
