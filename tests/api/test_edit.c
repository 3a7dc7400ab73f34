/* PATCH of a job: what may change, what is refused, and that it comes true behind the step at which
 * it was taken. */
#include "tests/api/support_control.h"
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

static void check_wrong(const struct api *api, const char *id, const char *body,
                        const char *pointer, const char *word)
{
    json_t *problem = api_patch(api, id, body, 422), *item;
    bool found = false;
    size_t i;

    json_array_foreach (json_at(problem, "errors"), i, item)
        found |= strcmp(text_at(item, "pointer"), pointer) == 0 &&
                 strstr(text_at(item, "detail"), word) != NULL;
    if (!found)
        FAIL("%s: nothing at %s says %s: %s", body, pointer, word, json_dumps(problem, 0));
    json_decref(problem);
}

TEST("a running job's rate changes behind the step that its event names, and its spec says so")
{
    struct api api;
    char id[16];

    api_start(&api);
    api_submit_tiny(&api, endless, id);
    api_wait_step(&api, id, 3);
    json_t *job = api_patch(&api, id, "{\"lr\": 0.0005, \"weight_decay\": 0.25}", 200);
    CHECK(json_number_value(json_at(job, "spec.optimizer.lr")) == 0.0005);
    CHECK(json_number_value(json_at(job, "spec.optimizer.weight_decay")) == 0.25);
    json_decref(job);
    json_t *edit = api_event(&api, id, "edit", 0);
    int64_t step = integer_at(edit, "step");
    CHECK(json_number_value(json_at(edit, "changes.lr.from")) == 0.002);
    CHECK(json_number_value(json_at(edit, "changes.lr.to")) == 0.0005);
    CHECK(json_number_value(json_at(edit, "changes.weight_decay.to")) == 0.25);
    CHECK_COUNT(json_object_size(json_at(edit, "changes")), 2);
    CHECK(json_number_value(json_at(edit, "rate.from")) == 0.002);
    CHECK(json_number_value(json_at(edit, "rate.to")) == 0.0005);
    json_decref(edit);
    api_wait_step(&api, id, step + 2);
    CHECK(step >= 3);
    CHECK(api_value(&api, id, "lr", step) == 0.002);
    CHECK(api_value(&api, id, "lr", step + 1) == 0.0005);
    api_stop(&api);
}

TEST("a schedule is merged or replaced, and a run is made longer and shorter, in steps or epochs")
{
    struct api api;
    char id[16];

    api_start(&api);
    api_submit_tiny(&api, endless, id);
    api_wait_step(&api, id, 2);
    json_t *job =
        api_patch(&api, id, "{\"lr_schedule\": {\"type\": \"cosine\", \"eta_min\": 0.001}}", 200);
    CHECK_TEXT(text_at(job, "spec.lr_schedule.type"), "cosine");
    json_decref(job);
    job = api_patch(&api, id, "{\"lr_schedule\": {\"t_max\": 7}}", 200);
    CHECK(json_number_value(json_at(job, "spec.lr_schedule.eta_min")) == 0.001);
    CHECK_INT(integer_at(job, "spec.lr_schedule.t_max"), 7);
    json_decref(job);
    job = api_patch(&api, id, "{\"lr_schedule\": \"constant\", \"epochs\": 99999}", 200);
    CHECK(!json_at(job, "spec.lr_schedule.t_max"));
    CHECK_INT(integer_at(job, "plan.steps"), 99999 * TINY_STEPS_PER_EPOCH);
    CHECK_INT(integer_at(job, "progress.steps"), 99999 * TINY_STEPS_PER_EPOCH);
    json_decref(job);
    job = api_patch(&api, id, "{\"max_steps\": 900000}", 200);
    CHECK(!json_at(job, "spec.epochs"));
    CHECK_INT(integer_at(job, "spec.max_steps"), 900000);
    CHECK_INT(integer_at(job, "plan.epochs"), 150000);
    json_decref(job);
    json_t *edit = api_event(&api, id, "edit", 3);
    CHECK_INT(integer_at(edit, "changes.epochs.from"), 99999);
    CHECK(json_is_null(json_at(edit, "changes.epochs.to")));
    CHECK_INT(integer_at(edit, "changes.max_steps.to"), 900000);
    json_decref(edit);
    /* It ends where it is told to, or where it stands when it hears of it. */
    job = api_job(&api, id);
    int64_t wanted = integer_at(job, "progress.step") + 3000;
    json_decref(job);
    char body[64];
    (void)snprintf(body, sizeof(body), "{\"max_steps\": %lld}", (long long)wanted);
    json_decref(api_patch(&api, id, body, 200));
    api_wait(&api, id, "succeeded");
    edit = api_event(&api, id, "edit", 4);
    job = api_job(&api, id);
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
    char id[16];

    api_start(&api);
    api_submit_tiny(&api, endless, id);
    api_wait_step(&api, id, 12);
    json_t *before = api_job(&api, id);
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
    json_t *problem = api_patch(&api, id, many, 422);
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
    json_t *after = api_job(&api, id);
    CHECK(json_equal(json_at(before, "spec"), json_at(after, "spec")));
    CHECK(json_equal(json_at(before, "plan"), json_at(after, "plan")));
    CHECK_TEXT(text_at(after, "name"), "");
    json_decref(before);
    json_decref(after);
    api_stop(&api);
}

TEST("a momentum is refused where the run has none, and where it is out of range")
{
    struct api api;
    char sgd[16], path[160];

    api_start(&api);
    json_t *job = api_post(&api, "/v1/jobs",
                           "{\"dataset\": {\"name\": \"tiny\"}, \"model\": [\"flatten\", {\"type\":"
                           " \"linear\", \"out_features\": 4}], \"optimizer\": \"sgd\", \"epochs\":"
                           " 100000, \"evaluate_every\": {\"epochs\": 90000}}",
                           201);
    (void)snprintf(sgd, sizeof(sgd), "%s", text_at(job, "id"));
    json_decref(job);
    check_wrong(&api, sgd, "{\"momentum\": 0.9}", "/momentum", "fork");
    json_decref(api_post(&api, job_path(sgd, "/cancel", path), NULL, 200));

    job = api_post(&api, "/v1/jobs",
                   "{\"dataset\": {\"name\": \"tiny\"}, \"model\": [\"flatten\", {\"type\":"
                   " \"linear\", \"out_features\": 4}], \"optimizer\": {\"type\": \"sgd\", "
                   "\"momentum\": 0.5}, \"epochs\": 100000}",
                   201);
    (void)snprintf(sgd, sizeof(sgd), "%s", text_at(job, "id"));
    json_decref(job);
    check_wrong(&api, sgd, "{\"momentum\": 2}", "/momentum",
                "found 2; want a number of at least 0");
    api_stop(&api);
}

TEST("a body that is no JSON object, or of another type, is refused, and a merge patch is welcome")
{
    struct api api;
    char id[16], path[160];

    api_start(&api);
    api_submit_tiny(&api, endless, id);
    check_problem(api_patch(&api, id, "{\"lr\": ", 400), 400, "line 1");
    check_problem(api_patch(&api, id, "[1]", 400), 400, "object");
    check_problem(api_patch(&api, id, "{\"lr\": 1, \"lr\": 2}", 400), 400, "duplicate");
    check_problem(api_patch(&api, "aaaaaaaaaaaa", "{}", 404), 404, "no such job");
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
    json_decref(api_patch(&api, id, "{}", 200));
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
    json_t *job = api_patch(&api, first,
                            "{\"name\": \"b\", \"labels\": {\"old\": null, \"new\": \"z\"}}", 200);
    CHECK_TEXT(text_at(job, "name"), "b");
    CHECK_COUNT(json_object_size(json_at(job, "labels")), 2);
    CHECK_TEXT(text_at(job, "labels.team"), "x");
    CHECK_TEXT(text_at(job, "labels.new"), "z");
    json_decref(job);
    json_t *edit = api_event(&api, first, "edit", 0);
    CHECK_TEXT(text_at(edit, "changes.name.to"), "b");
    CHECK_TEXT(text_at(edit, "changes.labels.from.old"), "y");
    CHECK(!json_at(edit, "changes.priority"));
    json_decref(edit);
    job = api_patch(&api, second, "{\"priority\": 5}", 200);
    CHECK_INT(integer_at(job, "priority"), 5);
    json_decref(job);
    json_decref(api_post(&api, job_path(running, "/cancel", path), NULL, 200));
    api_wait(&api, first, "succeeded");
    api_wait(&api, second, "succeeded");
    json_t *one = api_job(&api, first), *other = api_job(&api, second);
    CHECK(strcmp(text_at(one, "started_at"), text_at(other, "started_at")) > 0);
    json_decref(one);
    json_decref(other);
    job = api_patch(&api, first, "{\"name\": null, \"labels\": null, \"priority\": -1}", 200);
    CHECK_TEXT(text_at(job, "name"), "");
    CHECK_COUNT(json_object_size(json_at(job, "labels")), 0);
    int64_t revision = integer_at(job, "revision");
    json_decref(job);
    job = api_patch(&api, first, "{\"labels\": null, \"name\": null, \"priority\": -1}", 200);
    CHECK_INT(integer_at(job, "revision"), revision); /* nothing is another: no event, no edit */
    json_decref(job);
    check_problem(api_patch(&api, first, "{\"lr\": 0.1, \"name\": \"c\"}", 409), 409, "succeeded");
    job = api_job(&api, first);
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
