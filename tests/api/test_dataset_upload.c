/* Data sets through HTTP: one archive as a body, there wholly or not at all, and their deletion. */
#include "tests/api/support.h"
#include "tests/core/support.h"
#include "tests/core/support_archive.h"
#include "tests/core/support_image.h"
#include "tests/core/support_npy.h"
#include "tests/harness.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct data_shape small = {.sample = {.channels = 1, .height = 8, .width = 8},
                                        .classes = 3,
                                        .train_samples = 32,
                                        .test_samples = 6};

static const char mine[] = "/v1/datasets/mine";

static const char job_on_mine[] =
    "{\"dataset\": {\"name\": \"mine\"}, \"optimizer\": \"sgd\", \"max_steps\": %d, \"seed\": 1,"
    " \"model\": [\"flatten\", {\"type\": \"linear\", \"out_features\": 3}]%s}";

static void submit_on_mine(const struct api *api, int steps, const char *extra, char id[16])
{
    char spec[400];

    (void)snprintf(spec, sizeof(spec), job_on_mine, steps, extra);
    json_t *job = api_post(api, "/v1/jobs", spec, 201);
    (void)snprintf(id, 16, "%s", text_at(job, "id"));
    json_decref(job);
}

static void check_nothing_left(void)
{
    CHECK_INT(count_entries("data/incoming", ""), 0);
    CHECK(count_entries("data/datasets", ".incoming") <= 0);
}

TEST("an archive of any kind becomes a data set: 201 once, 200 again, listed, and trained on")
{
    struct api api;
    char path[64], id[16], digest[65] = "";

    make_idx_dataset("set", &small, 1);
    api_start(&api);
    for (int packing = 0; packing < PACKINGS; packing++) {
        pack_folder("set", "archive", (enum packing)packing, "around/");
        (void)snprintf(path, sizeof(path), "/v1/datasets/set-%d", packing);
        struct answer answer = api_put_file(&api, path, "archive", NULL);
        CHECK_INT(answer.status, 201);
        CHECK_TEXT(answer_header(&answer, "Location"), path);
        CHECK_TEXT(text_at(answer.json, "format"), "idx");
        CHECK_INT(integer_at(answer.json, "train_samples"), 32);
        CHECK(packing == 0 || strcmp(digest, text_at(answer.json, "sha256")) == 0);
        (void)snprintf(digest, sizeof(digest), "%s", text_at(answer.json, "sha256"));
        json_t *again = api_put(&api, path, "archive", 200), *got = api_get(&api, path, 200);
        CHECK(json_equal(again, answer.json) && json_equal(got, answer.json));
        json_decref(again);
        json_decref(got);
        answer_drop(&answer);
    }
    json_decref(api_put(&api, mine, "archive", 201));
    json_t *list = api_get(&api, "/v1/datasets", 200);
    CHECK_COUNT(json_array_size(json_at(list, "items")), PACKINGS + 2);
    json_decref(list);
    submit_on_mine(&api, 5, "", id);
    api_wait(&api, id, "succeeded");
    check_nothing_left();
    api_stop(&api);
}

TEST("what is no data set is refused with the member that is wrong, and nothing of it stays")
{
    struct api api;
    uint8_t pixels[16] = {0};

    make_idx_dataset("set", &small, 1);
    make_idx_dataset("other", &small, 2);
    pack_folder("set", "archive", PACK_ZIP, "");
    pack_folder("other", "second", PACK_ZIP, "");
    write_file("images/a/1.png", make_plain_png(1, 4, 4, pixels));
    make_folders("images/b/2.png");
    write_bytes("images/b/2.png", "no picture", 10);
    pack_folder("images", "pictures", PACK_TAR_GZ, "");
    write_bytes("nothing", "", 0);
    write_bytes("text", "hello", 5);

    api_start(&api);
    json_t *problem = api_put(&api, mine, "pictures", 422);
    CHECK_TEXT(text_at(problem, "errors.0.member"), "b/2.png");
    CHECK_TEXT(text_at(problem, "errors.0.pointer"), "");
    CHECK(strstr(text_at(problem, "errors.0.detail"), "neither a PNG nor a JPEG"));
    check_problem(problem, 422, "b/2.png: ");
    problem = api_put(&api, mine, "text", 422);
    CHECK(!json_at(problem, "errors.0.member"));
    check_problem(problem, 422, "this is no archive");
    check_problem(api_put(&api, mine, "nothing", 422), 422, "empty");
    check_problem(api_put(&api, "/v1/datasets/a%20b", "archive", 400), 400, "at most 64 letters");
    check_problem(api_put(&api, "/v1/datasets/.a", "archive", 400), 400, "no '.' in front");
    check_problem(api_get(&api, mine, 404), 404, "mine");
    json_decref(api_put(&api, mine, "archive", 201));
    check_problem(api_put(&api, mine, "second", 409), 409, "with other content");
    check_problem(api_put(&api, "/v1/datasets/tiny", "second", 409), 409, "with other content");
    check_nothing_left();
    CHECK_INT(count_entries("data/datasets", "mine"), 1);
    api_stop(&api);
}

TEST("If-Match and If-None-Match say whether a data set may be there already")
{
    struct api api;
    char tag[120];

    make_idx_dataset("set", &small, 1);
    pack_folder("set", "archive", PACK_ZIP, "");
    api_start(&api);
    struct answer answer = api_put_file(&api, mine, "archive", "If-Match: *");
    CHECK_INT(answer.status, 412);
    answer_drop(&answer);
    answer = api_put_file(&api, mine, "archive", "If-None-Match: *");
    CHECK_INT(answer.status, 201);
    answer_drop(&answer);
    answer = api_put_file(&api, mine, "archive", "If-None-Match: *");
    CHECK_INT(answer.status, 412);
    answer_drop(&answer);
    answer = api_call(&api, &(struct call){.path = mine});
    (void)snprintf(tag, sizeof(tag), "If-Match: %s", answer_header(&answer, "ETag"));
    answer_drop(&answer);
    answer = api_put_file(&api, mine, "archive", tag);
    CHECK_INT(answer.status, 200);
    answer_drop(&answer);
    const struct call other = {.method = "DELETE", .path = mine, .headers = {"If-Match: \"x\""}};
    answer = api_call(&api, &other);
    CHECK_INT(answer.status, 412);
    answer_drop(&answer);
    answer = api_call(&api, &(struct call){.method = "DELETE", .path = mine, .headers = {tag}});
    CHECK_INT(answer.status, 204);
    answer_drop(&answer);
    api_stop(&api);
}

/* A file of so many bytes that do not pack. */
static void write_noise(const char *path, size_t size)
{
    uint8_t *bytes = malloc(size);
    uint32_t state = 1;

    CHECK(bytes != NULL);
    for (size_t i = 0; i < size; i++) {
        state = state * 1664525 + 1013904223;
        bytes[i] = (uint8_t)(state >> 24);
    }
    write_bytes(path, bytes, size);
    free(bytes);
}

TEST("a body above the limit is 413, declared or not, and one that the disk has no room for is 507")
{
    struct rlimit limit;
    struct api api;

    write_noise("large", (size_t)(API_UPLOAD_MIB << 20) + 1);
    write_noise("fits", (size_t)(API_UPLOAD_MIB << 20));
    api_start(&api);
    check_problem(api_put(&api, mine, "large", 413), 413, "at most 4194304 bytes");
    struct answer answer = api_put_file(&api, mine, "large", "Transfer-Encoding: chunked");
    CHECK_INT(answer.status, 413);
    answer_drop(&answer);
    check_problem(api_put(&api, mine, "fits", 422), 422, "no archive");
    api_stop(&api);
    CHECK(getrlimit(RLIMIT_FSIZE, &limit) == 0);
    limit.rlim_cur = 3 << 20; /* of the daemon, too */
    CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    api_start(&api);
    check_problem(api_put(&api, mine, "fits", 507), 507, "cannot be stored");
    check_problem(api_get(&api, mine, 404), 404, "mine");
    check_nothing_left();
    json_decref(api_get(&api, "/livez", 200));
    api_stop(&api);
}

TEST("a set that unpacks to more than the disk has room for is 507, and nothing of it stays")
{
    enum { BYTES = 5 << 20 };
    uint8_t *zeros = calloc(BYTES, 1);
    struct rlimit limit;
    struct api api;

    CHECK(zeros != NULL && mkdir("set", 0700) == 0);
    write_array("set/train_images.npy", "|u1", "(5, 1024, 1024)", zeros, BYTES);
    write_array("set/train_labels.npy", "|u1", "(5,)", zeros, 5);
    pack_folder("set", "archive", PACK_ZIP, "");
    free(zeros);
    CHECK(getrlimit(RLIMIT_FSIZE, &limit) == 0);
    limit.rlim_cur = 3 << 20;
    CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    api_start(&api);
    check_problem(api_put(&api, mine, "archive", 507), 507, "cannot be written");
    check_problem(api_get(&api, mine, 404), 404, "mine");
    check_nothing_left();
    api_stop(&api);
}

TEST("a daemon that is killed while a set comes in shows nothing of it, and sweeps at its start")
{
    struct api api;
    char head[200];

    make_idx_dataset("set", &small, 1);
    pack_folder("set", "archive", PACK_ZIP, "");
    write_noise("noise", 3 << 20);
    api_start(&api);
    int handle = raw_open(&api);
    (void)snprintf(head, sizeof(head),
                   "PUT %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4000000\r\n\r\n", mine);
    raw_text(handle, head);
    size_t size;
    uint8_t *noise = read_bytes("noise", &size);
    raw_send(handle, (const char *)noise, size);
    free(noise);
    for (int i = 0; count_entries("data/incoming", "body-") != 1; i++) {
        CHECK(i < 1000);
        nap(0.01);
    }
    api_kill(&api);
    (void)close(handle);
    CHECK_INT(count_entries("data/incoming", "body-"), 1);
    /* As a deletion, or an addition, leaves it that was cut off in the middle. */
    CHECK(mkdir("data/datasets", 0700) == 0 && mkdir("data/datasets/.incoming-abcdef", 0700) == 0);
    write_bytes("data/datasets/.incoming-abcdef/info.json", "{}", 2);
    api_start(&api);
    check_nothing_left();
    check_problem(api_get(&api, mine, 404), 404, "mine");
    json_decref(api_put(&api, mine, "archive", 201));
    api_kill(&api);
    api_start(&api);
    json_decref(api_get(&api, mine, 200));
    json_decref(api_delete(&api, mine, 204));
    api_kill(&api);
    api_start(&api);
    check_problem(api_get(&api, mine, 404), 404, "mine");
    check_nothing_left();
    api_stop(&api);
}

TEST("a set is not deleted while a job needs it, nor a registered folder at all")
{
    struct api api;
    char running[16], waiting[16], path[160];

    make_idx_dataset("set", &small, 1);
    pack_folder("set", "archive", PACK_ZIP, "");
    api_start(&api);
    check_problem(api_delete(&api, mine, 404), 404, "mine");
    check_problem(api_delete(&api, "/v1/datasets/..", 404), 404, "");
    check_problem(api_delete(&api, "/v1/datasets/tiny", 409), 409, "registered");
    json_decref(api_put(&api, mine, "archive", 201));
    submit_on_mine(&api, 100000000, "", running);
    api_wait(&api, running, "running");
    submit_on_mine(&api, 2, "", waiting);
    json_t *problem = api_delete(&api, mine, 409);
    CHECK_COUNT(json_array_size(json_at(problem, "errors")), 2);
    CHECK_TEXT(text_at(problem, "errors.0.job"), running);
    CHECK_TEXT(text_at(problem, "errors.1.job"), waiting);
    CHECK(strstr(text_at(problem, "errors.1.detail"), " is queued"));
    check_problem(problem, 409, running);
    json_decref(api_post(&api, job_path(running, "/pause", path), NULL, 200));
    api_wait(&api, running, "paused");
    api_wait(&api, waiting, "succeeded");
    problem = api_delete(&api, mine, 409);
    CHECK(strstr(text_at(problem, "errors.0.detail"), " is paused"));
    check_problem(problem, 409, running);
    json_decref(api_post(&api, job_path(running, "/cancel", path), NULL, 200));
    api_wait(&api, running, "cancelled");
    json_decref(api_delete(&api, mine, 204));
    check_problem(api_get(&api, mine, 404), 404, "mine");
    check_nothing_left();
    CHECK_INT(count_entries("data/datasets", "mine"), 0);
    api_stop(&api);
}

TEST("jobs of a deleted set keep their checkpoints, also when another set gets the name")
{
    static const struct data_shape larger = {
        .sample = {.channels = 3, .height = 12, .width = 9}, .classes = 5, .train_samples = 40};
    struct api api;
    char id[16], next[16], path[160], from[100];

    make_idx_dataset("set", &small, 1);
    make_idx_dataset("other", &larger, 2);
    pack_folder("set", "archive", PACK_ZIP, "");
    pack_folder("other", "second", PACK_ZIP, "");
    api_start(&api);
    json_decref(api_put(&api, mine, "archive", 201));
    submit_on_mine(&api, 4, "", id);
    api_wait(&api, id, "succeeded");
    struct answer before =
        api_call(&api, &(struct call){.path = job_path(id, "/checkpoints/last", path)});
    CHECK_INT(before.status, 200);
    json_decref(api_delete(&api, mine, 204));
    for (int other = 0; other < 2; other++) {
        struct answer after = api_call(&api, &(struct call){.path = path});
        CHECK_INT(after.status, 200);
        CHECK(after.size == before.size && memcmp(after.body, before.body, after.size) == 0);
        answer_drop(&after);
        if (other == 0)
            json_decref(api_put(&api, mine, "second", 201));
    }
    json_decref(api_delete(&api, mine, 204));
    json_decref(api_put(&api, mine, "archive", 201));
    (void)snprintf(from, sizeof(from), ", \"init_from\": {\"job\": \"%s\"}", id);
    submit_on_mine(&api, 1, from, next);
    api_wait(&api, next, "succeeded");
    answer_drop(&before);
    api_stop(&api);
}
