/* The schedule that a job has really used: submitted with it, the same spec takes the same steps.
 */
#include "tests/api/support_control.h"
#include "tests/harness.h"
#include "tests/server/workshop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Every row of every series, as text: numbers have the digits that tell them from all others. */
static char *curves(const struct api *api, const char *id)
{
    char path[160];
    struct answer answer =
        api_call(api, &(struct call){.path = job_path(id, "/metrics?max_points=0", path)});

    CHECK_INT(answer.status, 200);
    char *text = json_dumps(json_at(answer.json, "series"), JSON_SORT_KEYS | JSON_COMPACT);
    CHECK(text);
    answer_drop(&answer);
    return text;
}

/* Digest of the newest weights. */
static void weights(const struct api *api, const char *id, char out[80])
{
    char path[160];
    json_t *list = api_get(api, job_path(id, "/checkpoints", path), 200);
    size_t count = json_array_size(json_at(list, "items"));

    CHECK(count > 0);
    (void)snprintf(out, 80, "%s",
                   text_at(json_array_get(json_at(list, "items"), count - 1), "sha256"));
    json_decref(list);
}

/* The job's spec with the exported schedule, submitted. */
static void submit_again(const struct api *api, const char *id, char out[16])
{
    char path[160];
    json_t *schedule = api_get(api, job_path(id, "/schedule", path), 200);
    json_t *job = api_job(api, id), *spec = json_object_get(job, "spec");

    CHECK_TEXT(text_at(schedule, "type"), "piecewise");
    CHECK_TEXT(text_at(schedule, "unit"), "step");
    CHECK_INT(json_object_set_new(spec, "lr_schedule", schedule), 0);
    char *text = json_dumps(spec, JSON_REAL_PRECISION(17));
    json_t *again = api_post(api, "/v1/jobs", text, 201);
    (void)snprintf(out, 16, "%s", text_at(again, "id"));
    json_decref(again);
    json_decref(job);
    free(text);
}

static void check_again(const struct api *api, const char *id)
{
    char again[16], one[80], other[80];

    submit_again(api, id, again);
    api_wait(api, again, "succeeded");
    char *left = curves(api, id), *right = curves(api, again);
    if (strcmp(left, right) != 0)
        FAIL("the curves differ:\n%.600s\n%.600s", left, right);
    weights(api, id, one);
    weights(api, again, other);
    CHECK_TEXT(one, other);
    free(left);
    free(right);
}

TEST("cosine, warm-up, plateau, one cycle and exponential runs are the same once more with the "
     "schedule that they used")
{
    static const char *const schedules[] = {
        "{\"type\": \"cosine\", \"unit\": \"step\", \"warmup\": {\"steps\": 7}}",
        "{\"type\": \"cosine\"}",
        "{\"type\": \"reduce_on_plateau\", \"patience\": 0, \"factor\": 0.7, \"threshold\": 0.5}",
        "{\"type\": \"one_cycle\", \"max_lr\": 0.02}",
        "{\"type\": \"exponential\", \"gamma\": 0.987, \"unit\": \"step\"}",
        "{\"type\": \"constant\", \"warmup\": {\"steps\": 5, \"start_factor\": 0.1}}",
    };
    struct api api;
    char members[300], id[16];

    api_start(&api);
    for (size_t i = 0; i < sizeof(schedules) / sizeof(schedules[0]); i++) {
        (void)snprintf(members, sizeof(members), "\"epochs\": 6, \"seed\": 4, \"lr_schedule\": %s",
                       schedules[i]);
        api_submit_tiny(&api, members, id);
        api_wait(&api, id, "succeeded");
        check_again(&api, id);
    }
    api_stop(&api);
}

/* Waits until a step has taken that rate. */
static void wait_rate(const struct api *api, const char *id, double rate)
{
    for (double seen = -1; seen != rate; nap(0.002)) {
        json_t *job = api_job(api, id);
        const json_t *newest = json_at(job, "latest.lr.value");

        seen = newest ? json_number_value(newest) : -1;
        json_decref(job);
    }
}

TEST("a run whose user changed the rate by hand is the same once more with the schedule that came "
     "of "
     "it")
{
    struct api api;
    char id[16], path[160], body[64];

    api_start(&api);
    api_submit_tiny(&api,
                    "\"max_steps\": 100000, \"seed\": 4, \"evaluate_every\": {\"steps\": 100}, "
                    "\"checkpoint\": {\"every\": {\"steps\": 5000}}",
                    id);
    wait_rate(&api, id, 0.002);
    for (int i = 1; i <= 5; i++) {
        (void)snprintf(body, sizeof(body), "{\"lr\": %.17g}", 0.01 / (double)(3 * i));
        struct answer answer = api_call(
            &api, &(struct call){.method = "PATCH", .path = job_path(id, "", path), .body = body});
        CHECK_INT(answer.status, 200);
        answer_drop(&answer);
        wait_rate(&api, id, 0.01 / (double)(3 * i));
    }
    json_t *job = api_job(&api, id);
    (void)snprintf(body, sizeof(body), "{\"max_steps\": %lld}",
                   (long long)integer_at(job, "progress.step") + 2000);
    json_decref(job);
    struct answer answer = api_call(
        &api, &(struct call){.method = "PATCH", .path = job_path(id, "", path), .body = body});
    CHECK_INT(answer.status, 200);
    answer_drop(&answer);
    api_wait(&api, id, "succeeded");
    json_t *schedule = api_get(&api, job_path(id, "/schedule", path), 200);
    CHECK_COUNT(json_array_size(json_at(schedule, "points")), 6);
    CHECK_INT(integer_at(schedule, "points.0.0"), 1);
    CHECK(json_number_value(json_at(schedule, "points.5.1")) == 0.01 / 15);
    json_decref(schedule);
    check_again(&api, id);
    api_stop(&api);
}

TEST("a run that went back after diverging is the same once more with the schedule that came of it")
{
    static const char spec[] =
        "{\"dataset\": {\"name\": \"tiny\"}, \"model\": [\"flatten\","
        "{\"type\": \"linear\", \"out_features\": 8}, {\"type\": \"linear\", \"out_features\": 4}],"
        "\"optimizer\": {\"type\": \"sgd\", \"lr\": 0.01}, \"batch_size\": 16, \"max_steps\": 120, "
        "\"seed\": 1, \"checkpoint\": {\"every\": {\"steps\": 20}}, \"lr_schedule\": {\"type\": "
        "\"piecewise\", \"points\": [[1, 0.01], [50, 1000]]}, \"on_divergence\": {\"rollback\": "
        "true, \"lr_factor\": 0.1, \"max_retries\": 80}}";
    struct api api;
    char id[16];

    api_start(&api);
    json_t *job = api_post(&api, "/v1/jobs", spec, 201);
    (void)snprintf(id, sizeof(id), "%s", text_at(job, "id"));
    json_decref(job);
    api_wait(&api, id, "succeeded");
    check_again(&api, id);
    api_stop(&api);
}

TEST("a schedule may have as many points as a long run has steps")
{
    enum { POINTS = 100000 };
    struct api api;
    size_t room = (size_t)POINTS * 40, used;
    char *spec = malloc(room);

    CHECK(spec);
    used = (size_t)snprintf(spec, room,
                            "{\"dataset\": {\"name\": \"tiny\"}, \"model\": [\"flatten\", "
                            "{\"type\": \"linear\", \"out_features\": 4}], \"optimizer\": \"sgd\", "
                            "\"max_steps\": 200000, \"lr_schedule\": {\"type\": \"piecewise\", "
                            "\"points\": [[1,0.1]");
    for (int i = 2; i <= POINTS; i++)
        used += (size_t)snprintf(spec + used, room - used, ",[%d,%.17g]", i, 0.1 / i);
    (void)snprintf(spec + used, room - used, "]}}");
    api_start(&api);
    struct answer answer =
        api_call(&api, &(struct call){.path = "/v1/jobs?dry_run=true", .body = spec});
    CHECK_INT(answer.status, 200);
    CHECK_COUNT(json_array_size(json_at(answer.json, "spec.lr_schedule.points")), POINTS);
    answer_drop(&answer);
    api_stop(&api);
    free(spec);
}

TEST("a job that has taken no step has used no schedule")
{
    struct api api;
    char running[16], waiting[16], path[160];

    api_start(&api);
    api_submit_tiny(&api,
                    "\"epochs\": 100000, \"evaluate_every\": {\"epochs\": 90000}, \"checkpoint\": "
                    "{\"every\": {\"epochs\": 90000}}",
                    running);
    api_submit_tiny(&api, "", waiting);
    check_problem(api_get(&api, job_path(waiting, "/schedule", path), 409), 409, "queued");
    check_problem(api_get(&api, "/v1/jobs/aaaaaaaaaaaa/schedule", 404), 404, "no such job");
    api_stop(&api);
}
