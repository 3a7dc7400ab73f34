/* Jobs that begin with the weights of another one, or of a file. */
#include "tests/api/support.h"
#include "tests/core/support.h"
#include "tests/harness.h"
#include "tests/server/workshop.h"

#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The numbers of a job's checkpoint, without the header of the file that they come in. malloc'ed.
 */
static char *numbers_of(const struct api *api, const char *id, const char *which, size_t *size)
{
    char rest[64], path[160];
    uint64_t length;

    (void)snprintf(rest, sizeof(rest), "/checkpoints/%s", which);
    struct answer file = api_call(api, &(struct call){.path = job_path(id, rest, path)});
    CHECK_INT(file.status, 200);
    memcpy(&length, file.body, sizeof(length));
    *size = file.size - 8 - length;
    char *numbers = malloc(*size);
    CHECK(numbers != NULL);
    memcpy(numbers, file.body + 8 + length, *size);
    answer_drop(&file);
    return numbers;
}

static void check_same_numbers(const struct api *api, const char *one, const char *which,
                               const char *other, const char *which_other)
{
    size_t a, b;
    char *left = numbers_of(api, one, which, &a), *right = numbers_of(api, other, which_other, &b);

    CHECK_COUNT(a, b);
    CHECK(memcmp(left, right, a) == 0);
    free(left);
    free(right);
}

static void submit_from(const struct api *api, const char *extra, const char *from, char id[16])
{
    char members[512];

    (void)snprintf(members, sizeof(members), "%s, \"init_from\": %s", extra, from);
    api_submit_tiny(api, members, id);
}

static const char *from_job(const char *id, const char *which, char out[128])
{
    (void)snprintf(out, 128, "{\"job\": \"%s\"%s%s}", id, which[0] ? ", \"checkpoint\": " : "",
                   which);
    return out;
}

/* Puts the newest checkpoint of a job, as a user downloads it, among the server's weights. */
static void keep_weights(const struct api *api, const char *id, const char *name)
{
    char path[160], weights_path[160];
    struct answer file =
        api_call(api, &(struct call){.path = job_path(id, "/checkpoints/last", path)});

    CHECK_INT(file.status, 200);
    write_bytes("kept.safetensors", file.body, file.size);
    answer_drop(&file);
    (void)snprintf(weights_path, sizeof(weights_path), "/v1/weights/%s", name);
    json_decref(api_put(api, weights_path, "kept.safetensors", 201));
}

TEST("a job begins with the weights of another job's best, last or any checkpoint, and with a "
     "file's")
{
    struct api api;
    char source[16], next[16], from[128];

    api_start(&api);
    api_submit_tiny(&api, "\"epochs\": 3, \"seed\": 5", source);
    api_wait(&api, source, "succeeded");
    keep_weights(&api, source, "tiny-1.0");
    const struct {
        const char *from, *which;
    } rows[] = {
        {"", "last"}, {"\"last\"", "last"}, {"\"best\"", "best"}, {"18", "18"}, {"12.0", "12"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        submit_from(&api, "\"max_steps\": 1, \"seed\": 9", from_job(source, rows[i].from, from),
                    next);
        api_wait(&api, next, "succeeded");
        check_same_numbers(&api, source, rows[i].which, next, "0");
    }
    submit_from(&api, "\"max_steps\": 1, \"seed\": 9", "{\"weights\": \"tiny-1.0\"}", next);
    api_wait(&api, next, "succeeded");
    check_same_numbers(&api, source, "last", next, "0");
    /* The step was taken: the weights are no longer those. */
    size_t a, b;
    char *before = numbers_of(&api, next, "0", &a), *after = numbers_of(&api, next, "1", &b);
    CHECK(a == b && memcmp(before, after, a) != 0);
    free(before);
    free(after);
    api_stop(&api);
}

TEST("a job on made images begins with the weights of one on others")
{
    static const char made[] =
        "{\"dataset\": {\"synthetic\": {\"shape\": [1, 10, 10], \"classes\": 4, \"samples\": 64}}, "
        "\"seed\": 3, \"optimizer\": \"adam\", \"model\": [{\"type\": \"conv2d\", "
        "\"out_channels\": 4, "
        "\"kernel_size\": 3}, \"relu\", {\"type\": \"max_pool2d\", \"kernel_size\": 2}, "
        "\"flatten\", "
        "{\"type\": \"linear\", \"out_features\": 4}], \"init_from\": {\"job\": \"%s\"}}";
    struct api api;
    char source[16], next[16], spec[700];

    api_start(&api);
    api_submit_tiny(&api, "\"epochs\": 3, \"seed\": 5", source);
    api_wait(&api, source, "succeeded");
    (void)snprintf(spec, sizeof(spec), made, source);
    json_t *job = api_post(&api, "/v1/jobs", spec, 201);
    (void)snprintf(next, sizeof(next), "%s", text_at(job, "id"));
    json_decref(job);
    api_wait(&api, next, "succeeded");
    check_same_numbers(&api, source, "last", next, "0");
    api_stop(&api);
}

TEST("a job begins where it was told although what it began from is gone by then")
{
    static const char forget[] = "PRAGMA foreign_keys = ON; DELETE FROM job WHERE number = 1";
    struct api api;
    char source[16], busy[16], next[16], same[16], path[160], from[128];
    sqlite3 *handle = NULL;

    api_start(&api);
    api_submit_tiny(&api, "\"epochs\": 3, \"seed\": 5", source);
    api_wait(&api, source, "succeeded");
    submit_from(&api, "\"epochs\": 2, \"seed\": 9", from_job(source, "", from), same);
    api_wait(&api, same, "succeeded");
    api_submit_tiny(&api, "\"epochs\": 100000, \"seed\": 1", busy);
    api_wait(&api, busy, "running");
    submit_from(&api, "\"epochs\": 2, \"seed\": 9", from_job(source, "", from), next);
    api_stop(&api);
    CHECK(sqlite3_open("data/traind.db", &handle) == SQLITE_OK);
    CHECK(sqlite3_exec(handle, forget, NULL, NULL, NULL) == SQLITE_OK);
    CHECK(sqlite3_close(handle) == SQLITE_OK);
    api_start(&api);
    json_decref(api_get(&api, job_path(source, "", path), 404));
    json_decref(api_post(&api, job_path(busy, "/cancel", path), "", 200));
    api_wait(&api, next, "succeeded");
    check_same_numbers(&api, same, "last", next, "last");
    api_stop(&api);
}

/* One problem at `pointer`, and what it says. */
static void check_refused(const struct api *api, const char *members, const char *pointer,
                          const char *part)
{
    char *spec = tiny_spec(members);
    json_t *problem = api_post(api, "/v1/jobs?dry_run=true", spec, 422);
    const json_t *errors = json_at(problem, "errors");

    CHECK_TEXT(text_at(json_array_get(errors, 0), "pointer"), pointer);
    if (!strstr(text_at(json_array_get(errors, 0), "detail"), part))
        FAIL("%s: \"%s\" does not say \"%s\"", members,
             text_at(json_array_get(errors, 0), "detail"), part);
    json_decref(problem);
    free(spec);
}

TEST("what does not exist or does not fit is refused before the job is taken, at its own place")
{
    static const char other_net[] =
        "{\"dataset\": {\"name\": \"tiny\"}, \"optimizer\": \"sgd\", \"model\": ["
        "{\"type\": \"conv2d\", \"out_channels\": 5, \"kernel_size\": 3}, \"flatten\","
        "{\"type\": \"linear\", \"out_features\": 4}], \"init_from\": {\"job\": \"%s\"}}";
    struct api api;
    char source[16], members[256], spec[512];

    api_start(&api);
    check_refused(&api, "\"init_from\": {\"job\": \"nonesuch\"}", "/init_from/job", "job");
    check_refused(&api, "\"init_from\": {\"weights\": \"nonesuch\"}", "/init_from/weights",
                  "no weights \"nonesuch\"");
    api_submit_tiny(&api, "\"epochs\": 3, \"seed\": 5, \"checkpoint\": {\"keep_best\": 0}", source);
    api_wait(&api, source, "succeeded");
    (void)snprintf(members, sizeof(members), "\"init_from\": {\"job\": \"%s\", \"checkpoint\": 6}",
                   source);
    check_refused(&api, members, "/init_from/checkpoint", "no such checkpoint");
    (void)snprintf(spec, sizeof(spec), other_net, source);
    json_t *problem = api_post(&api, "/v1/jobs", spec, 422);
    const json_t *errors = json_at(problem, "errors");
    CHECK_COUNT(json_array_size(errors), 6);
    CHECK_TEXT(text_at(json_array_get(errors, 0), "pointer"), "/init_from");
    CHECK_TEXT(text_at(json_array_get(errors, 0), "detail"),
               "\"0.weight\" is [5, 1, 3, 3] in this network and [4, 1, 3, 3] there");
    CHECK_TEXT(text_at(json_array_get(errors, 2), "detail"),
               "\"2.weight\" is [4, 320] in this network and missing there");
    CHECK_TEXT(text_at(json_array_get(errors, 4), "detail"),
               "\"4.weight\" is missing in this network and [4, 64] there");
    json_decref(problem);
    json_t *list = api_get(&api, "/v1/jobs", 200);
    CHECK_COUNT(json_array_size(json_at(list, "items")), 1);
    json_decref(list);
    api_stop(&api);
}

/* Header and data of a file for tiny_spec's network, without gaps, as far as `cut` of its tensors.
 */
static void write_tiny_weights(const char *path, const char *dtype, int size, float fill)
{
    static const struct {
        const char *name, *shape;
        int count;
    } tensors[] = {{"0.weight", "[4,1,3,3]", 36},
                   {"0.bias", "[4]", 4},
                   {"4.weight", "[4,64]", 256},
                   {"4.bias", "[4]", 4}};
    char header[1024] = "{\"0.num_batches_tracked\":{\"dtype\":\"I64\",\"shape\":[],"
                        "\"data_offsets\":[0,8]}";
    uint8_t *bytes = calloc(1, 8 + sizeof(header) + 8 + 300 * 8);
    int used = (int)strlen(header), at = 8;

    CHECK(bytes != NULL);
    for (size_t i = 0; i < COUNT_OF(tensors); i++) {
        int end = at + tensors[i].count * size;

        used += snprintf(header + used, sizeof(header) - (size_t)used,
                         ",\"%s\":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":[%d,%d]}",
                         tensors[i].name, dtype, tensors[i].shape, at, end);
        at = end;
    }
    used += snprintf(header + used, sizeof(header) - (size_t)used, "}");
    uint64_t length = (uint64_t)used;
    memcpy(bytes, &length, 8);
    memcpy(bytes + 8, header, (size_t)used);
    memcpy(bytes + 8 + used + 8 + 40 * size, &fill, sizeof(fill));
    write_bytes(path, bytes, 8 + (size_t)used + (size_t)at);
    free(bytes);
}

/* In the place of what is there under the name w. */
static void put_tiny_weights(const struct api *api, const char *dtype, int size, float fill)
{
    write_tiny_weights("w", dtype, size, fill);
    struct answer before = api_call(api, &(struct call){.path = "/v1/weights/w"});
    struct answer answer =
        api_put_file(api, "/v1/weights/w", "w", before.status == 200 ? "If-Match: *" : NULL);
    if (answer.status != (before.status == 200 ? 200 : 201))
        FAIL("%d: %s", answer.status, answer.body);
    answer_drop(&answer);
    answer_drop(&before);
}

TEST("a stranger's file is refused at its own place when it is none, or holds no finite real "
     "numbers")
{
    static const char members[] = "\"max_steps\": 1, \"seed\": 1, \"init_from\": {\"weights\": "
                                  "\"w\"}";
    struct api api;
    char id[16];

    api_start(&api);
    write_bytes("w", "no such thing", 13);
    check_problem(api_put(&api, "/v1/weights/w", "w", 422), 422, "no safetensors file");
    put_tiny_weights(&api, "I32", 4, 0);
    check_refused(&api, members, "/init_from/weights", "holds I32");
    put_tiny_weights(&api, "F32", 4, NAN);
    check_refused(&api, members, "/init_from", "\"4.weight\" has a number that is not finite");
    put_tiny_weights(&api, "F16", 2, 0);
    api_submit_tiny(&api, members, id);
    api_wait(&api, id, "succeeded");
    put_tiny_weights(&api, "F32", 4, 0.5f);
    api_submit_tiny(&api, members, id);
    api_wait(&api, id, "succeeded");
    api_stop(&api);
}
