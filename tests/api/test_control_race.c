/* Control by several clients, and by one whose picture of the job is old: one of them wins, the
 * others hear why not. What was answered holds, whatever becomes of the daemon. */
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

static const char endless[] =
    "\"epochs\": 100000, \"seed\": 3, \"checkpoint\": {\"every\": {\"epochs\": 90000}}, "
    "\"evaluate_every\": {\"epochs\": 90000}";

static struct answer act(const struct api *api, const char *id, const char *rest,
                         const char *header)
{
    char path[160];

    return api_call(api, &(struct call){.method = "POST",
                                        .path = job_path(id, rest, path),
                                        .body = strcmp(rest, "/fork") == 0 ? "{}" : NULL,
                                        .headers = {header}});
}

static void act_well(const struct api *api, const char *id, const char *rest, const char *state)
{
    struct answer answer = act(api, id, rest, NULL);

    if (answer.status != 200 || strcmp(text_at(answer.json, "state"), state) != 0)
        FAIL("%s gave %d: %s", rest, answer.status, answer.body);
    answer_drop(&answer);
}

static void pause_it(const struct api *api, const char *id)
{
    api_wait(api, id, "running");
    act_well(api, id, "/pause", "pausing");
    api_wait(api, id, "paused");
}

/* ---- If-Match ---- */

static void tag_of(const struct api *api, const char *id, char out[120])
{
    char path[160];
    struct answer answer = api_call(api, &(struct call){.path = job_path(id, "", path)});

    (void)snprintf(out, 120, "If-Match: %s", answer_header(&answer, "ETag"));
    answer_drop(&answer);
}

TEST("with If-Match each action is done only to the job that was seen, and says what it is now")
{
    static const struct {
        const char *rest;
        int status;
    } actions[] = {{"/fork", 201}, {"/resume", 200}, {"/pause", 200}, {"/cancel", 200}};
    struct api api;
    char blocker[16], id[16], match[120], tag[80];

    api_start(&api);
    api_submit_tiny(&api, endless, id);
    api_wait_step(&api, id, 2);
    pause_it(&api, id);
    api_submit_tiny(&api, endless, blocker); /* else it would run when it is resumed */
    api_wait(&api, blocker, "running");
    for (size_t i = 0; i < COUNT_OF(actions); i++) {
        tag_of(&api, id, match);
        json_decref(api_patch(&api, id, i % 2 ? "{\"name\": \"a\"}" : "{\"name\": \"b\"}", 200));
        json_t *before = api_job(&api, id);
        struct answer answer = act(&api, id, actions[i].rest, match);
        check_problem(json_incref(answer.json), 412, "If-Match");
        answer_drop(&answer);
        json_t *after = api_job(&api, id);
        CHECK(json_equal(before, after));
        json_decref(before);
        json_decref(after);
        tag_of(&api, id, match);
        answer = act(&api, id, actions[i].rest, match);
        CHECK_INT(answer.status, actions[i].status);
        if (actions[i].status == 200) {
            (void)snprintf(tag, sizeof(tag), "\"%lld\"",
                           (long long)integer_at(answer.json, "revision"));
            CHECK_TEXT(answer_header(&answer, "ETag"), tag);
        }
        answer_drop(&answer);
    }
    struct answer answer = act(&api, id, "/cancel", "If-Match: *");
    CHECK_INT(answer.status, 409);
    answer_drop(&answer);
    answer = act(&api, "aaaaaaaaaaaa", "/cancel", "If-Match: *");
    CHECK_INT(answer.status, 404);
    answer_drop(&answer);
    api_stop(&api);
}

/* ---- races ---- */

enum { CLIENTS = 8 };

/* All at once; how many had which status. */
static void race(const struct api *api, const struct call *call, int *good, int *refused,
                 int refusal)
{
    pid_t pids[CLIENTS];
    int gate[2], status;

    *good = *refused = 0;
    CHECK(pipe(gate) == 0);
    for (int i = 0; i < CLIENTS; i++) {
        pids[i] = fork();
        CHECK(pids[i] >= 0);
        if (pids[i] == 0) {
            char byte;
            (void)close(gate[1]);
            if (read(gate[0], &byte, 1) != 0)
                _exit(3);
            struct answer answer = api_call(api, call);
            _exit(answer.status == 200 ? 0 : answer.status == refusal ? 1 : 2);
        }
    }
    (void)close(gate[0]);
    (void)close(gate[1]);
    for (int i = 0; i < CLIENTS; i++) {
        CHECK(waitpid(pids[i], &status, 0) == pids[i] && WIFEXITED(status));
        *good += WEXITSTATUS(status) == 0;
        *refused += WEXITSTATUS(status) == 1;
    }
}

static int64_t revision_of(const struct api *api, const char *id)
{
    json_t *job = api_job(api, id);
    int64_t revision = integer_at(job, "revision");

    json_decref(job);
    return revision;
}

TEST("of many who resume, pause or cancel one waiting job at once, one does it and the others get "
     "409; of many who change what they have seen, one does and the others get 412")
{
    static const char *const actions[] = {"/resume", "/pause", "/resume", "/cancel"};
    struct api api;
    char blocker[16], id[16], path[160], match[120];
    int good, refused;

    api_start(&api);
    api_submit_tiny(&api, endless, id);
    pause_it(&api, id);
    api_submit_tiny(&api, endless, blocker);
    api_wait(&api, blocker, "running");
    for (size_t i = 0; i < COUNT_OF(actions); i++) {
        int64_t revision = revision_of(&api, id);
        const struct call call = {.method = "POST", .path = job_path(id, actions[i], path)};
        race(&api, &call, &good, &refused, 409);
        CHECK_INT(good, 1);
        CHECK_INT(refused, CLIENTS - 1);
        CHECK_INT(revision_of(&api, id), revision + 1);
    }
    tag_of(&api, id, match);
    const struct call patch = {.method = "PATCH",
                               .path = job_path(id, "", path),
                               .body = "{\"name\": \"mine\"}",
                               .headers = {match}};
    race(&api, &patch, &good, &refused, 412);
    CHECK_INT(good, 1);
    CHECK_INT(refused, CLIENTS - 1);
    tag_of(&api, id, match);
    json_t *running = api_job(&api, blocker);
    CHECK_TEXT(text_at(running, "state"), "running");
    CHECK_INT(integer_at(running, "restarts"), 0);
    json_decref(running);
    api_stop(&api);
}

TEST("a job that is resumed twice runs once")
{
    struct api api;
    char id[16];

    api_start(&api);
    api_submit_tiny(&api, "\"max_steps\": 3000, \"seed\": 3", id);
    pause_it(&api, id);
    act_well(&api, id, "/resume", "queued");
    struct answer answer = act(&api, id, "/resume", NULL);
    CHECK_INT(answer.status, 409);
    answer_drop(&answer);
    api_wait(&api, id, "succeeded");
    json_t *job = api_job(&api, id);
    CHECK_INT(integer_at(job, "restarts"), 0);
    CHECK_INT(integer_at(job, "latest.train_loss.step"), 3000);
    json_decref(job);
    api_stop(&api);
}

/* ---- order ---- */

TEST("one worker takes the higher priority first and equal ones in order of arrival, and a changed "
     "priority counts")
{
    static const int priorities[] = {0, 5, 0, -3, 5, 1000000, -1000000};
    static const size_t order[] = {5, 1, 4, 3, 0, 2, 6};
    struct api api;
    char blocker[16], ids[COUNT_OF(priorities)][16], extra[200];

    api_start(&api);
    api_submit_tiny(&api, endless, blocker);
    api_wait(&api, blocker, "running");
    for (size_t i = 0; i < COUNT_OF(priorities); i++) {
        (void)snprintf(extra, sizeof(extra), "\"max_steps\": 2, \"priority\": %d", priorities[i]);
        api_submit_tiny(&api, extra, ids[i]);
    }
    json_decref(api_patch(&api, ids[3], "{\"priority\": 4}", 200));
    act_well(&api, blocker, "/cancel", "cancelling");
    for (size_t i = 0; i < COUNT_OF(priorities); i++)
        api_wait(&api, ids[i], "succeeded");
    json_t *list = api_get(&api, "/v1/jobs?sort=started_at", 200);
    CHECK_TEXT(text_at(json_array_get(json_at(list, "items"), 0), "id"), blocker);
    for (size_t i = 0; i < COUNT_OF(order); i++)
        CHECK_TEXT(text_at(json_array_get(json_at(list, "items"), i + 1), "id"), ids[order[i]]);
    json_decref(list);
    api_stop(&api);
}

/* ---- hostile bodies ---- */

static const char *const not_json[] = {"",
                                       "null",
                                       "[]",
                                       "\"lr\"",
                                       "3",
                                       "true",
                                       "{",
                                       "{}}",
                                       "{\"name\": \"a\", \"name\": \"b\"}",
                                       "{\"lr\": NaN}",
                                       "{\"lr\": 01}",
                                       "\xef\xbb\xbf{}",
                                       "{\"a\xff\": 1}"};
static const char *const wrong_patches[] = {
    "{\"id\": \"aaaaaaaaaaaa\"}",
    "{\"state\": \"succeeded\"}",
    "{\"revision\": 1}",
    "{\"created_at\": 0}",
    "{\"restarts\": 0}",
    "{\"spec\": {\"seed\": 1}}",
    "{\"plan\": {}}",
    "{\"__proto__\": {}}",
    "{\"\": 1}",
    "{\"forked_from\": null}",
    "{\"name\": 3}",
    "{\"name\": [\"a\"]}",
    "{\"name\": \"a\\u0000b\"}",
    "{\"name\": \"a\\nb\"}",
    "{\"labels\": []}",
    "{\"labels\": \"a:b\"}",
    "{\"labels\": {\"\": \"x\"}}",
    "{\"labels\": {\"a\": {\"b\": \"c\"}}}",
    "{\"labels\": {\"a\": \"\\u0007\"}}",
    "{\"priority\": 1.5}",
    "{\"priority\": \"1\"}",
    "{\"priority\": 1e99}",
    "{\"priority\": true}",
    "{\"lr\": \"0.1\"}",
    "{\"lr\": [0.1]}",
    "{\"lr\": {}}",
    "{\"lr\": 1e999}",
    "{\"lr_schedule\": []}",
    "{\"lr_schedule\": null, \"epochs\": []}",
    "{\"max_steps\": -1}",
    "{\"epochs\": 1e300}",
    "{\"lr\": 0.1, \"unknown\": null}",
};

TEST("no body that a stranger sends as a PATCH changes a job that it should not, or is taken for "
     "what it is not")
{
    struct api api;
    char id[16], path[160], *large = malloc(70000);
    struct call call = {.method = "PATCH"};

    CHECK(large);
    api_start(&api);
    api_submit_tiny(&api, endless, id);
    pause_it(&api, id);
    json_t *before = api_job(&api, id);
    call.path = job_path(id, "", path);
    for (size_t i = 0; i < COUNT_OF(not_json) + COUNT_OF(wrong_patches); i++) {
        bool json = i >= COUNT_OF(not_json);
        call.body = json ? wrong_patches[i - COUNT_OF(not_json)] : not_json[i];
        struct answer answer = api_call(&api, &call);
        if (answer.status != (json ? 422 : 400) && !(json && answer.status == 400))
            FAIL("%s gave %d: %s", call.body, answer.status, answer.body);
        if (answer.status == 422)
            CHECK(json_array_size(json_at(answer.json, "errors")) > 0);
        answer_drop(&answer);
    }
    /* Very many labels, and very deep. */
    size_t used = (size_t)snprintf(large, 70000, "{\"labels\": {");
    for (int i = 0; i < 3000; i++)
        used += (size_t)snprintf(large + used, 70000 - used, "\"k%d\": \"v\",", i);
    (void)snprintf(large + used - 1, 70000 - used, "}}");
    call.body = large;
    struct answer answer = api_call(&api, &call);
    CHECK_INT(answer.status, 422);
    answer_drop(&answer);
    memset(large, '[', 60000);
    large[60000] = '\0';
    answer = api_call(&api, &call);
    CHECK_INT(answer.status, 400);
    answer_drop(&answer);
    json_t *after = api_job(&api, id);
    CHECK(json_equal(before, after));
    json_decref(before);
    json_decref(after);
    api_stop(&api);
    free(large);
}

/* ---- death ---- */

TEST_SLOW("what a client was told of a job holds although the daemon dies in the next moment", 120)
{
    static const struct {
        const char *method, *rest, *body, *state;
    } steps[] = {{"POST", "/resume", NULL, "queued"},
                 {"POST", "/pause", NULL, "paused"},
                 {"PATCH", "", "{\"name\": \"n1\"}", "paused"},
                 {"PATCH", "", "{\"priority\": -7, \"labels\": {\"k\": \"v\"}}", "paused"},
                 {"PATCH", "", "{\"lr\": 0.125}", "paused"},
                 {"POST", "/resume", NULL, "queued"},
                 {"POST", "/cancel", NULL, "cancelled"}};
    struct daemon daemon;
    struct api api = {0};
    char id[16], path[160];
    char *spec = tiny_spec(endless), *answer = NULL;

    tiny_dataset("tiny");
    for (size_t i = 0; i <= COUNT_OF(steps); i++) {
        daemon_start(&daemon, "data", test_dir(), NULL);
        (void)snprintf(api.address, sizeof(api.address), "%.63s", daemon.address);
        CHECK(sscanf(strrchr(api.address, ':'), ":%d", &api.port) == 1);
        if (i == 0) {
            json_t *job = api_post(&api, "/v1/jobs", spec, 201);
            json_decref(job); /* keeps the worker */
            api_submit_tiny(&api, endless, id);
            act_well(&api, id, "/pause", "paused");
        } else {
            json_t *job = api_job(&api, id);
            /* The job before it in the queue may have failed by now: its process died so often. */
            if (strcmp(text_at(job, "state"), "running") != 0 ||
                strcmp(steps[i - 1].state, "queued") != 0)
                CHECK_TEXT(text_at(job, "state"), steps[i - 1].state);
            json_decref(job);
        }
        if (i == COUNT_OF(steps))
            break;
        CHECK_INT(daemon_call(&daemon, steps[i].method, job_path(id, steps[i].rest, path),
                              steps[i].body, &answer),
                  200);
        daemon_kill(&daemon);
        free(answer);
        answer = NULL;
    }
    json_t *job = api_job(&api, id);
    CHECK_TEXT(text_at(job, "name"), "n1");
    CHECK_INT(integer_at(job, "priority"), -7);
    CHECK_TEXT(text_at(job, "labels.k"), "v");
    json_decref(job);
    CHECK_INT(daemon_stop(&daemon), 0);
    free(spec);
}
