/* PATCH of a job: what may change, what is refused, and that it comes true behind the step at which
 * it was taken. */
#include "tests/api/support.h"
#include "tests/harness.h"
#include "tests/server/workshop.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char endless[] =
    "\"epochs\": 100000, \"seed\": 3, \"checkpoint\": {\"every\": {\"epochs\": 90000}}, "
    "\"evaluate_every\": {\"epochs\": 90000}";

/* The answer, whose status must be that one. */
static json_t *patch(const struct api *api, const char *id, const char *body, int status)
{
    char path[160];
    struct answer answer = api_call(
        api, &(struct call){.method = "PATCH", .path = job_path(id, "", path), .body = body});
    json_t *json = json_incref(answer.json);

    if (answer.status != status)
        FAIL("PATCH %s gave %d and not %d: %s", body, answer.status, status, answer.body);
    answer_drop(&answer);
    return json;
}

static json_t *job_of(const struct api *api, const char *id)
{
    char path[160];

    return api_get(api, job_path(id, "", path), 200);
}

static void check_wrong(const struct api *api, const char *id, const char *body,
                        const char *pointer, const char *word)
{
    json_t *problem = patch(api, id, body, 422), *item;
    bool found = false;
    size_t i;

    json_array_foreach (json_at(problem, "errors"), i, item)
        found |= strcmp(text_at(item, "pointer"), pointer) == 0 &&
                 strstr(text_at(item, "detail"), word) != NULL;
    if (!found)
        FAIL("%s: nothing at %s says %s: %s", body, pointer, word, json_dumps(problem, 0));
    json_decref(problem);
}

/* The data of the job's n-th event of that name, from 0 on; waits for it. */
static json_t *event_of(const struct api *api, const char *id, const char *name, int n)
{
    struct event_log log = {0};
    char path[160];
    json_t *data = NULL;
    int handle = events_open(api, job_path(id, "/events", path), 0);

    for (int found = -1, seen = 0; found < n;) {
        events_read(handle, &log, name);
        for (; seen < log.count; seen++)
            if (strcmp(log.items[seen].name, name) == 0 && ++found == n)
                data = json_loads(log.items[seen].data, 0, NULL);
    }
    (void)close(handle);
    events_drop_log(&log);
    CHECK(data);
    return data;
}

/* The value of a series at a step. */
static double value_of(const struct api *api, const char *id, const char *series, int64_t step)
{
    char rest[96], path[160];

    (void)snprintf(rest, sizeof(rest), "/metrics?names=%s&from=%lld&to=%lld", series,
                   (long long)step, (long long)step);
    json_t *answer = api_get(api, job_path(id, rest, path), 200);
    const json_t *values =
        json_object_get(json_object_get(json_at(answer, "series"), series), "value");
    CHECK_COUNT(json_array_size(values), 1);
    double value = json_number_value(json_array_get(values, 0));
    json_decref(answer);
    return value;
}

static void wait_step(const struct api *api, const char *id, int64_t step)
{
    for (int64_t seen = -1; seen < step; nap(0.005)) {
        json_t *job = job_of(api, id);
        const json_t *newest = json_at(job, "latest.train_loss.step");

        seen = newest ? json_integer_value(newest) : 0;
        json_decref(job);
    }
}

TEST("a running job's rate changes behind the step that its event names, and its spec says so")
{
    struct api api;
    char id[16];

    api_start(&api);
    api_submit_tiny(&api, endless, id);
    wait_step(&api, id, 3);
    json_t *job = patch(&api, id, "{\"lr\": 0.0005, \"weight_decay\": 0.25}", 200);
    CHECK(json_number_value(json_at(job, "spec.optimizer.lr")) == 0.0005);
    CHECK(json_number_value(json_at(job, "spec.optimizer.weight_decay")) == 0.25);
    json_decref(job);
    json_t *edit = event_of(&api, id, "edit", 0);
    int64_t step = integer_at(edit, "step");
    CHECK(json_number_value(json_at(edit, "changes.lr.from")) == 0.002);
    CHECK(json_number_value(json_at(edit, "changes.lr.to")) == 0.0005);
    CHECK(json_number_value(json_at(edit, "changes.weight_decay.to")) == 0.25);
    CHECK_COUNT(json_object_size(json_at(edit, "changes")), 2);
    CHECK(json_number_value(json_at(edit, "rate.from")) == 0.002);
    CHECK(json_number_value(json_at(edit, "rate.to")) == 0.0005);
    json_decref(edit);
    wait_step(&api, id, step + 2);
    CHECK(step >= 3);
    CHECK(value_of(&api, id, "lr", step) == 0.002);
    CHECK(value_of(&api, id, "lr", step + 1) == 0.0005);
    api_stop(&api);
}

TEST("a schedule is merged or replaced, and a run is made longer and shorter, in steps or epochs")
{
    struct api api;
    char id[16];

    api_start(&api);
    api_submit_tiny(&api, endless, id);
    wait_step(&api, id, 2);
    json_t *job =
        patch(&api, id, "{\"lr_schedule\": {\"type\": \"cosine\", \"eta_min\": 0.001}}", 200);
    CHECK_TEXT(text_at(job, "spec.lr_schedule.type"), "cosine");
    json_decref(job);
    job = patch(&api, id, "{\"lr_schedule\": {\"t_max\": 7}}", 200);
    CHECK(json_number_value(json_at(job, "spec.lr_schedule.eta_min")) == 0.001);
    CHECK_INT(integer_at(job, "spec.lr_schedule.t_max"), 7);
    json_decref(job);
    job = patch(&api, id, "{\"lr_schedule\": \"constant\", \"epochs\": 99999}", 200);
    CHECK(!json_at(job, "spec.lr_schedule.t_max"));
    CHECK_INT(integer_at(job, "plan.steps"), 99999 * TINY_STEPS_PER_EPOCH);
    CHECK_INT(integer_at(job, "progress.steps"), 99999 * TINY_STEPS_PER_EPOCH);
    json_decref(job);
    job = patch(&api, id, "{\"max_steps\": 900000}", 200);
    CHECK(!json_at(job, "spec.epochs"));
    CHECK_INT(integer_at(job, "spec.max_steps"), 900000);
    CHECK_INT(integer_at(job, "plan.epochs"), 150000);
    json_decref(job);
    json_t *edit = event_of(&api, id, "edit", 3);
    CHECK_INT(integer_at(edit, "changes.epochs.from"), 99999);
    CHECK(json_is_null(json_at(edit, "changes.epochs.to")));
    CHECK_INT(integer_at(edit, "changes.max_steps.to"), 900000);
    json_decref(edit);
    /* It ends where it is told to, or where it stands when it hears of it. */
    job = job_of(&api, id);
    int64_t wanted = integer_at(job, "progress.step") + 3000;
    json_decref(job);
    char body[64];
    (void)snprintf(body, sizeof(body), "{\"max_steps\": %lld}", (long long)wanted);
    json_decref(patch(&api, id, body, 200));
    api_wait(&api, id, "succeeded");
    edit = event_of(&api, id, "edit", 4);
    job = job_of(&api, id);
    int64_t taken = integer_at(edit, "step");
    CHECK_INT(integer_at(job, "progress.step"), taken > wanted ? taken : wanted);
    CHECK_INT(integer_at(job, "latest.val_loss.step"), taken > wanted ? taken : wanted);
    CHECK(json_number_value(json_at(job, "progress.fraction")) == 1);
    json_decref(edit);
    json_decref(job);
    api_stop(&api);
}

TEST(
    "everything that is wrong with a change is told at once, at its own place, and nothing changes")
{
    struct api api;
    char id[16], sgd[16], path[160];

    api_start(&api);
    api_submit_tiny(&api, endless, id);
    wait_step(&api, id, 12);
    json_t *before = job_of(&api, id);
    static const char many[] =
        "{\"lr\": -1, \"momentum\": 0.9, \"batch_size\": 3, \"lrr\": 1, \"epochs\": \"x\", "
        "\"labels\": {\"a\": 3}, \"lr_schedule\": {\"type\": \"cosin\"}}";
    check_wrong(&api, id, many, "/lr", "want a number from 0");
    check_wrong(&api, id, many, "/momentum", "adam, has no momentum");
    check_wrong(&api, id, many, "/batch_size", "fork");
    check_wrong(&api, id, many, "/lrr", "nothing of that name");
    check_wrong(&api, id, many, "/epochs", "want an integer");
    check_wrong(&api, id, many, "/labels/a", "want a string");
    check_wrong(&api, id, many, "/lr_schedule/type", "cosin");
    json_t *problem = patch(&api, id, many, 422);
    CHECK_COUNT(json_array_size(json_at(problem, "errors")), 7);
    json_decref(problem);
    check_wrong(&api, id, "{\"max_steps\": 5}", "/max_steps", "has done");
    check_wrong(&api, id, "{\"epochs\": 1}", "/epochs", "has done");
    check_wrong(&api, id, "{\"epochs\": null}", "/epochs", "must have a length");
    check_wrong(&api, id, "{\"epochs\": 100000, \"max_steps\": 900000}", "/max_steps",
                "one of them");
    check_wrong(&api, id, "{\"lr\": null, \"priority\": 1e9}", "/priority", "want an integer");
    check_wrong(&api, id,
                "{\"lr\": 0.1, \"lr_schedule\": {\"type\": \"one_cycle\", \"max_lr\": 0.2}}", "/lr",
                "change lr_schedule");
    check_wrong(&api, id,
                "{\"lr\": 0.1, \"lr_schedule\": {\"type\": \"piecewise\", \"points\": [[2, 0.1]]}}",
                "/lr", "change lr_schedule");
    check_wrong(&api, id, "{\"lr_schedule\": {\"type\": \"reduce_on_plateau\", \"patience\": -1}}",
                "/lr_schedule/patience", "found -1");
    json_t *after = job_of(&api, id);
    CHECK(json_equal(json_at(before, "spec"), json_at(after, "spec")));
    CHECK(json_equal(json_at(before, "plan"), json_at(after, "plan")));
    CHECK_TEXT(text_at(after, "name"), "");
    json_decref(before);
    json_decref(after);
    json_decref(api_post(&api, job_path(id, "/cancel", path), NULL, 200));

    json_t *job = api_post(&api, "/v1/jobs",
                           "{\"dataset\": {\"name\": \"tiny\"}, \"model\": [\"flatten\", {\"type\":"
                           " \"linear\", \"out_features\": 4}], \"optimizer\": \"sgd\", \"epochs\":"
                           " 100000, \"evaluate_every\": {\"epochs\": 90000}}",
                           201);
    (void)snprintf(sgd, sizeof(sgd), "%s", text_at(job, "id"));
    json_decref(job);
    check_wrong(&api, sgd, "{\"momentum\": 0.9}", "/momentum", "fork");
    api_stop(&api);
}

TEST("a body that is no JSON object, or of another type, is refused, and a merge patch is welcome")
{
    struct api api;
    char id[16], path[160];

    api_start(&api);
    api_submit_tiny(&api, endless, id);
    check_problem(patch(&api, id, "{\"lr\": ", 400), 400, "line 1");
    check_problem(patch(&api, id, "[1]", 400), 400, "object");
    check_problem(patch(&api, id, "{\"lr\": 1, \"lr\": 2}", 400), 400, "duplicate");
    check_problem(patch(&api, "aaaaaaaaaaaa", "{}", 404), 404, "no such job");
    struct call call = {.method = "PATCH",
                        .path = job_path(id, "", path),
                        .body = "{\"name\": \"n\"}",
                        .headers = {"Content-Type: application/merge-patch+json; charset=utf-8"}};
    struct answer answer = api_call(&api, &call);
    CHECK_INT(answer.status, 200);
    answer_drop(&answer);
    call.headers[0] = "Content-Type: application/json-patch+json";
    answer = api_call(&api, &call);
    check_problem(json_incref(answer.json), 415, "merge-patch");
    answer_drop(&answer);
    json_decref(patch(&api, id, "{}", 200));
    api_stop(&api);
}

TEST("name, labels and priority change in any state, null takes a label away, and what runs next "
     "follows")
{
    struct api api;
    char running[16], first[16], second[16], path[160];

    api_start(&api);
    api_submit_tiny(&api, endless, running);
    api_submit_tiny(&api, "\"name\": \"a\", \"labels\": {\"team\": \"x\", \"old\": \"y\"}", first);
    api_submit_tiny(&api, "", second);
    json_t *job =
        patch(&api, first, "{\"name\": \"b\", \"labels\": {\"old\": null, \"new\": \"z\"}}", 200);
    CHECK_TEXT(text_at(job, "name"), "b");
    CHECK_COUNT(json_object_size(json_at(job, "labels")), 2);
    CHECK_TEXT(text_at(job, "labels.team"), "x");
    CHECK_TEXT(text_at(job, "labels.new"), "z");
    json_decref(job);
    json_t *edit = event_of(&api, first, "edit", 0);
    CHECK_TEXT(text_at(edit, "changes.name.to"), "b");
    CHECK_TEXT(text_at(edit, "changes.labels.from.old"), "y");
    CHECK(!json_at(edit, "changes.priority"));
    json_decref(edit);
    job = patch(&api, second, "{\"priority\": 5}", 200);
    CHECK_INT(integer_at(job, "priority"), 5);
    json_decref(job);
    json_decref(api_post(&api, job_path(running, "/cancel", path), NULL, 200));
    api_wait(&api, first, "succeeded");
    api_wait(&api, second, "succeeded");
    json_t *one = job_of(&api, first), *other = job_of(&api, second);
    CHECK(strcmp(text_at(one, "started_at"), text_at(other, "started_at")) > 0);
    json_decref(one);
    json_decref(other);
    job = patch(&api, first, "{\"name\": null, \"labels\": null, \"priority\": -1}", 200);
    CHECK_TEXT(text_at(job, "name"), "");
    CHECK_COUNT(json_object_size(json_at(job, "labels")), 0);
    json_decref(job);
    check_problem(patch(&api, first, "{\"lr\": 0.1, \"name\": \"c\"}", 409), 409, "succeeded");
    job = job_of(&api, first);
    CHECK_TEXT(text_at(job, "name"), "");
    json_decref(job);
    api_stop(&api);
}

TEST("with If-Match a job changes only as long as it is the one that was seen")
{
    struct api api;
    char id[16], blocker[16], path[160], match[64], tag[32];

    api_start(&api);
    api_submit_tiny(&api, endless, blocker);
    api_submit_tiny(&api, "", id); /* waits: nothing else raises its revision */
    struct call call = {.method = "PATCH",
                        .path = job_path(id, "", path),
                        .body = "{\"name\": \"one\"}",
                        .headers = {"If-Match: \"77\", W/\"1\""}};
    struct answer answer = api_call(&api, &call);
    check_problem(json_incref(answer.json), 412, "revision");
    answer_drop(&answer);
    call.headers[0] = "If-Match: \"77\", \"1\"";
    answer = api_call(&api, &call);
    CHECK_INT(answer.status, 200);
    (void)snprintf(tag, sizeof(tag), "%s", answer_header(&answer, "ETag"));
    CHECK(tag[0] == '"');
    answer_drop(&answer);
    answer = api_call(&api, &call);
    CHECK_INT(answer.status, 412);
    answer_drop(&answer);
    (void)snprintf(match, sizeof(match), "If-Match: %s", tag);
    call.headers[0] = match;
    call.body = "{\"name\": \"two\", \"lr\": 0.5}";
    answer = api_call(&api, &call);
    CHECK_INT(answer.status, 200);
    answer_drop(&answer);
    call.headers[0] = "If-Match: *";
    answer = api_call(&api, &call);
    CHECK_INT(answer.status, 200);
    answer_drop(&answer);
    api_stop(&api);
}

TEST("a waiting job that was changed begins with what it was changed to")
{
    struct api api;
    char running[16], waiting[16], straight[16], path[160];

    api_start(&api);
    api_submit_tiny(&api, endless, running);
    api_submit_tiny(&api, "\"epochs\": 3, \"seed\": 8", waiting);
    json_t *job = patch(&api, waiting, "{\"lr\": 0.01, \"epochs\": 2}", 200);
    CHECK_INT(integer_at(job, "plan.steps"), 2 * TINY_STEPS_PER_EPOCH);
    json_decref(job);
    json_decref(api_post(&api, job_path(running, "/cancel", path), NULL, 200));
    api_wait(&api, waiting, "succeeded");
    json_t *edit = event_of(&api, waiting, "edit", 0);
    CHECK_INT(integer_at(edit, "step"), 0);
    json_decref(edit);
    CHECK(value_of(&api, waiting, "lr", 1) == 0.01);
    char *spec = tiny_spec("\"epochs\": 2, \"seed\": 8");
    memcpy(strstr(spec, "0.002"), "0.010", 5);
    job = api_post(&api, "/v1/jobs", spec, 201);
    (void)snprintf(straight, sizeof(straight), "%s", text_at(job, "id"));
    json_decref(job);
    free(spec);
    api_wait(&api, straight, "succeeded");
    json_t *one = job_of(&api, waiting), *other = job_of(&api, straight);
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
    json_t *before = job_of(&api, waiting);
    json_decref(patch(&api, waiting, "{\"lr\": 0.01}", 200));
    json_decref(patch(&api, waiting, "{\"epochs\": 7}", 200));
    json_decref(api_post(&api, job_path(waiting, "/cancel", path), NULL, 200));
    json_t *after = job_of(&api, waiting);
    CHECK(json_equal(json_at(before, "spec"), json_at(after, "spec")));
    CHECK(json_equal(json_at(before, "plan"), json_at(after, "plan")));
    json_t *warning = event_of(&api, waiting, "warning", 0);
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
    json_t *job = job_of(&api, id);
    CHECK_INT(integer_at(job, "progress.step"), length);
    CHECK_INT(integer_at(job, "spec.max_steps"), length);
    json_decref(job);
    api_stop(&api);
}
