/* Idempotency-Key: who repeats a request gets the job that the first one made, whatever happened in
 * between. */
#include "tests/api/daemon.h"
#include "tests/api/support_control.h"
#include "tests/harness.h"
#include "tests/server/workshop.h"

#include "core/field.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct answer submit_as(const struct api *api, const char *path, const char *body,
                               const char *key)
{
    char header[600];

    (void)snprintf(header, sizeof(header), "Idempotency-Key: %s", key);
    return api_call(api, &(struct call){.path = path, .body = body, .headers = {header}});
}

static size_t count_jobs_of(const struct api *api)
{
    json_t *list = api_get(api, "/v1/jobs?limit=200", 200);
    size_t count = json_array_size(json_at(list, "items"));

    json_decref(list);
    return count;
}

/* The first of its key; its id. */
static void make(const struct api *api, const char *path, const char *body, const char *key,
                 char id[16])
{
    struct answer answer = submit_as(api, path, body, key);

    if (answer.status != 201)
        FAIL("%s: %d %s", key, answer.status, answer.body);
    CHECK_TEXT(answer_header(&answer, "Idempotency-Replayed"), "");
    (void)snprintf(id, 16, "%s", text_at(answer.json, "id"));
    answer_drop(&answer);
}

static void check_again(const struct api *api, const char *path, const char *body, const char *key,
                        const char *id)
{
    struct answer answer = submit_as(api, path, body, key);
    char wanted[160];

    if (answer.status != 201)
        FAIL("%s: %d %s", key, answer.status, answer.body);
    CHECK_TEXT(text_at(answer.json, "id"), id);
    CHECK_TEXT(answer_header(&answer, "Location"), job_path(id, "", wanted));
    CHECK_TEXT(answer_header(&answer, "Idempotency-Replayed"), "true");
    answer_drop(&answer);
}

static void check_other(const struct api *api, const char *path, const char *body, const char *key,
                        const char *id)
{
    struct answer answer = submit_as(api, path, body, key);

    CHECK(strstr(text_at(answer.json, "detail"), id));
    check_problem(json_incref(answer.json), 422, "Idempotency-Key");
    answer_drop(&answer);
}

static const char first_spec[] =
    "{\"dataset\": {\"name\": \"tiny\"}, \"model\": [\"flatten\", {\"type\": \"linear\", "
    "\"out_features\": 4}], \"optimizer\": \"sgd\", \"epochs\": 1}";
/* The same with other blanks and in another order. */
static const char same_spec[] =
    "{ \"optimizer\":\"sgd\",\"epochs\":1,\n\"dataset\":{\"name\":\"tiny\"},\"model\":[\"flatten\","
    "{\"out_features\":4,\"type\":\"linear\"}]}";
static const char other_spec[] =
    "{\"dataset\": {\"name\": \"tiny\"}, \"model\": [\"flatten\", {\"type\": \"linear\", "
    "\"out_features\": 4}], \"optimizer\": \"sgd\", \"epochs\": 2}";

TEST("the same key with the same request is the same job, drawn seed and all, and with another "
     "request 422")
{
    struct api api;
    char id[16], other[16];

    api_start(&api);
    make(&api, "/v1/jobs", first_spec, "run-1", id);
    json_t *before = api_job(&api, id);
    check_again(&api, "/v1/jobs", first_spec, "run-1", id);
    check_again(&api, "/v1/jobs", same_spec, "\"run-1\"", id);
    check_other(&api, "/v1/jobs", other_spec, "run-1", id);
    CHECK_COUNT(count_jobs_of(&api), 1);
    api_wait(&api, id, "succeeded");
    /* It is told as it is now. */
    struct answer answer = submit_as(&api, "/v1/jobs", first_spec, "run-1");
    CHECK_TEXT(text_at(answer.json, "state"), "succeeded");
    CHECK(json_equal(json_at(answer.json, "spec"), json_at(before, "spec")));
    answer_drop(&answer);
    json_decref(before);
    make(&api, "/v1/jobs", first_spec, "run-2", other);
    CHECK(strcmp(id, other) != 0);
    CHECK_COUNT(count_jobs_of(&api), 2);
    api_stop(&api);
    api_start(&api);
    check_again(&api, "/v1/jobs", first_spec, "run-1", id);
    check_other(&api, "/v1/jobs", other_spec, "run-2", other);
    api_stop(&api);
}

TEST("a key is used up by a job alone: not by a refused request, and not by a dry run")
{
    struct api api;
    char id[16];

    api_start(&api);
    struct answer answer = submit_as(&api, "/v1/jobs", "{\"model\": 3}", "k");
    CHECK_INT(answer.status, 422);
    answer_drop(&answer);
    answer = submit_as(&api, "/v1/jobs?dry_run=true", other_spec, "k");
    CHECK_INT(answer.status, 200);
    answer_drop(&answer);
    make(&api, "/v1/jobs?dry_run=false", first_spec, "k", id);
    check_again(&api, "/v1/jobs", first_spec, "k", id);
    answer = submit_as(&api, "/v1/jobs?dry_run=true", other_spec, "k");
    CHECK_INT(answer.status, 200);
    CHECK(json_at(answer.json, "plan.layers"));
    answer_drop(&answer);
    answer = submit_as(&api, "/v1/jobs", "{\"model\": 3}", "k");
    CHECK_INT(answer.status, 422);
    CHECK(strstr(text_at(answer.json, "detail"), "Idempotency-Key"));
    answer_drop(&answer);
    api_stop(&api);
}

TEST("a key is some visible characters, bare or in quotes, and anything else is 400")
{
    struct api api;
    char id[16], many[300], quoted[304];

    api_start(&api);
    memset(many, 'k', sizeof(many));
    many[256] = '\0';
    static const char *const wrong[] = {"\"",        "\"\"",      "\"open",   "\"a\\x\"",
                                        "\"a\"b",    "\"a\";p=1", "two keys", "k\xc3\xa4",
                                        "\"k\xc3\"", "a\tb",      "\"a\tb\""};
    for (size_t i = 0; i < COUNT_OF(wrong) + 1; i++) {
        struct answer answer =
            submit_as(&api, "/v1/jobs", first_spec, i < COUNT_OF(wrong) ? wrong[i] : many);
        if (answer.status != 400)
            FAIL("the key %zu gave %d", i, answer.status);
        answer_drop(&answer);
    }
    struct answer answer = submit_as(&api, "/v1/jobs", first_spec, "two keys");
    check_problem(json_incref(answer.json), 400, "Idempotency-Key");
    answer_drop(&answer);
    CHECK_COUNT(count_jobs_of(&api), 0);
    many[255] = '\0';
    make(&api, "/v1/jobs", first_spec, many, id);
    (void)snprintf(quoted, sizeof(quoted), "\"%s\"", many);
    check_again(&api, "/v1/jobs", first_spec, quoted, id);
    make(&api, "/v1/jobs", first_spec, "\"two keys, \\\"quoted\\\" and \\\\\"", id);
    check_again(&api, "/v1/jobs", first_spec, "\"two keys, \\\"quoted\\\" and \\\\\"", id);
    api_stop(&api);
}

TEST("a fork is repeated by its key as well, also when its source has gone on, and is no other "
     "job's fork")
{
    struct api api;
    char source[16], second[16], id[16], path[160], other_path[160];
    static const char best[] = "{\"checkpoint\": \"last\", \"name\": \"f\"}";

    api_start(&api);
    api_submit_tiny(&api, "\"epochs\": 1", source);
    api_submit_tiny(&api, "\"epochs\": 1", second);
    api_wait(&api, source, "succeeded");
    api_wait(&api, second, "succeeded");
    job_path(source, "/fork", path);
    make(&api, path, best, "f1", id);
    check_again(&api, path, "{\"name\":\"f\",\"checkpoint\":\"last\"}", "f1", id);
    check_other(&api, path, "{\"checkpoint\": \"best\", \"name\": \"f\"}", "f1", id);
    check_other(&api, job_path(second, "/fork", other_path), best, "f1", id);
    check_other(&api, "/v1/jobs", first_spec, "f1", id);
    CHECK_COUNT(count_jobs_of(&api), 3);
    api_stop(&api);
}

TEST("many clients that send one key at once make one job, and all of them are told which")
{
    enum { CLIENTS = 12 };
    struct api api;
    pid_t pids[CLIENTS];
    char id[16];

    api_start(&api);
    for (int i = 0; i < CLIENTS; i++) {
        pids[i] = fork();
        CHECK(pids[i] >= 0);
        if (pids[i] == 0) {
            struct answer answer = submit_as(&api, "/v1/jobs", first_spec, "one");
            _exit(answer.status == 201 ? 0 : 1);
        }
    }
    for (int i = 0; i < CLIENTS; i++) {
        int status;
        CHECK(waitpid(pids[i], &status, 0) == pids[i] && status == 0);
    }
    json_t *list = api_get(&api, "/v1/jobs", 200);
    CHECK_COUNT(json_array_size(json_at(list, "items")), 1);
    (void)snprintf(id, sizeof(id), "%s", text_at(list, "items.0.id"));
    json_decref(list);
    check_again(&api, "/v1/jobs", first_spec, "one", id);
    api_stop(&api);
}

/* ---- death ---- */

static void send_all(const struct api *api, int count)
{
    char key[32];

    for (int i = 0; i < count; i++) {
        (void)snprintf(key, sizeof(key), "k%d", i);
        struct answer answer = submit_as(api, "/v1/jobs?dry_run=false", first_spec, key);
        if (answer.status != 201)
            _exit(0);
        answer_drop(&answer);
    }
    _exit(0);
}

TEST_SLOW("whoever sends every request again after each death of the daemon has one job for a key",
          180)
{
    enum { KEYS = 40, DEATHS = 5 };
    struct daemon daemon;
    struct api api = {0};

    tiny_dataset("tiny");
    for (int death = 0; death <= DEATHS; death++) {
        daemon_start(&daemon, "data", test_dir(), NULL);
        (void)snprintf(api.address, sizeof(api.address), "%.63s", daemon.address);
        CHECK(sscanf(strrchr(api.address, ':'), ":%d", &api.port) == 1);
        pid_t pid = fork();
        CHECK(pid >= 0);
        if (pid == 0) {
            /* A call that fails is no failure here: who is killed does not answer. */
            CHECK(freopen("/dev/null", "w", stderr) && freopen("/dev/null", "w", stdout));
            send_all(&api, KEYS);
        }
        if (death < DEATHS) {
            nap(0.02 * (death + 1));
            daemon_kill(&daemon);
        }
        int status;
        CHECK(waitpid(pid, &status, 0) == pid);
    }
    CHECK_COUNT(count_jobs_of(&api), KEYS);
    CHECK_INT(daemon_stop(&daemon), 0);
}
