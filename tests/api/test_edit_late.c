/* PATCH of a job that does not run, or not any more: before its first step, and in the moment of
 * its end. */
#include "tests/api/support_control.h"
#include "tests/harness.h"
#include "tests/server/workshop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char endless[] =
    "\"epochs\": 100000, \"seed\": 3, \"checkpoint\": {\"every\": {\"epochs\": 90000}}, "
    "\"evaluate_every\": {\"epochs\": 90000}";

TEST("a waiting job that was changed begins with what it was changed to")
{
    struct api api;
    char running[16], waiting[16], straight[16], path[160];

    api_start(&api);
    api_submit_tiny(&api, endless, running);
    api_submit_tiny(&api, "\"epochs\": 3, \"seed\": 8", waiting);
    json_t *job = api_patch(&api, waiting, "{\"lr\": 0.01, \"epochs\": 2}", 200);
    CHECK_INT(integer_at(job, "plan.steps"), 2 * TINY_STEPS_PER_EPOCH);
    json_decref(job);
    json_decref(api_post(&api, job_path(running, "/cancel", path), NULL, 200));
    api_wait(&api, waiting, "succeeded");
    json_t *edit = api_event(&api, waiting, "edit", 0);
    CHECK_INT(integer_at(edit, "step"), 0);
    json_decref(edit);
    CHECK(api_value(&api, waiting, "lr", 1) == 0.01);
    char *spec = tiny_spec("\"epochs\": 2, \"seed\": 8");
    memcpy(strstr(spec, "0.002"), "0.010", 5);
    job = api_post(&api, "/v1/jobs", spec, 201);
    (void)snprintf(straight, sizeof(straight), "%s", text_at(job, "id"));
    json_decref(job);
    free(spec);
    api_wait(&api, straight, "succeeded");
    json_t *one = api_job(&api, waiting), *other = api_job(&api, straight);
    CHECK(json_equal(json_at(one, "latest"), json_at(other, "latest")));
    CHECK(json_equal(json_at(one, "best"), json_at(other, "best")));
    CHECK(json_equal(json_at(one, "spec"), json_at(other, "spec")));
    json_decref(one);
    json_decref(other);
    api_stop(&api);
}

TEST("changes that a job did not live to take are taken back, and its story says so")
{
    struct api api;
    char running[16], waiting[16], path[160];

    api_start(&api);
    api_submit_tiny(&api, endless, running);
    api_submit_tiny(&api, "\"epochs\": 3", waiting);
    json_t *before = api_job(&api, waiting);
    json_decref(api_patch(&api, waiting, "{\"lr\": 0.01}", 200));
    json_decref(api_patch(&api, waiting, "{\"epochs\": 7}", 200));
    json_decref(api_post(&api, job_path(waiting, "/cancel", path), NULL, 200));
    json_t *after = api_job(&api, waiting);
    CHECK(json_equal(json_at(before, "spec"), json_at(after, "spec")));
    CHECK(json_equal(json_at(before, "plan"), json_at(after, "plan")));
    json_t *warning = api_event(&api, waiting, "warning", 0);
    CHECK(strstr(text_at(warning, "detail"), "taken back"));
    json_decref(warning);
    json_decref(before);
    json_decref(after);
    api_stop(&api);
}

TEST("a length that is given in the moment of the end is not lost")
{
    struct api api;
    char id[16], body[64];

    api_start(&api);
    api_submit_tiny(&api, "\"max_steps\": 30, \"seed\": 5", id);
    int64_t length = 30;
    for (int late = 0; !late;) {
        (void)snprintf(body, sizeof(body), "{\"max_steps\": %lld}", (long long)length + 7);
        char path[160];
        struct answer answer = api_call(
            &api, &(struct call){.method = "PATCH", .path = job_path(id, "", path), .body = body});
        late = answer.status == 409;
        if (!late) {
            CHECK_INT(answer.status, 200);
            length += 7;
        }
        answer_drop(&answer);
        if (length > 300)
            break;
    }
    api_wait(&api, id, "succeeded");
    json_t *job = api_job(&api, id);
    CHECK_INT(integer_at(job, "progress.step"), length);
    CHECK_INT(integer_at(job, "spec.max_steps"), length);
    json_decref(job);
    api_stop(&api);
}
