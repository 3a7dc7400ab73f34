/* Jobs that are forked from a checkpoint of another one. */
#include "tests/api/support.h"
#include "tests/harness.h"
#include "tests/server/workshop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Without shuffling every epoch is like the first: a fork sees what its source would have seen. */
static const char source_spec[] =
    "{\"name\": \"source\", \"labels\": {\"team\": \"a\"}, \"dataset\": {\"name\": \"tiny\", "
    "\"shuffle\": false}, \"model\": [{\"type\": \"conv2d\", \"out_channels\": 4, \"kernel_size\": "
    "3}, \"relu\", \"flatten\", {\"type\": \"linear\", \"out_features\": 4}], \"optimizer\": "
    "{\"type\": \"adam\", \"lr\": 0.002}, \"batch_size\": 16, \"epochs\": 4, \"seed\": 6, "
    "\"checkpoint\": {\"keep_last\": 9}}";

static void start(const struct api *api, const char *spec, char id[16])
{
    json_t *job = api_post(api, "/v1/jobs", spec, 201);

    (void)snprintf(id, 16, "%s", text_at(job, "id"));
    json_decref(job);
}

static json_t *fork_of(const struct api *api, const char *id, const char *body, int status)
{
    char path[160];

    return api_post(api, job_path(id, "/fork", path), body, status);
}

static void start_fork(const struct api *api, const char *id, const char *body, char out[16])
{
    json_t *job = fork_of(api, id, body, 201);

    (void)snprintf(out, 16, "%s", text_at(job, "id"));
    json_decref(job);
}

/* Values of a series from one step to another, as they were sent. */
static json_t *values(const struct api *api, const char *id, const char *series, int from, int to)
{
    char rest[96], path[160];

    (void)snprintf(rest, sizeof(rest), "/metrics?names=%s&from=%d&to=%d&max_points=0", series, from,
                   to);
    json_t *answer = api_get(api, job_path(id, rest, path), 200);
    json_t *list =
        json_incref(json_object_get(json_object_get(json_at(answer, "series"), series), "value"));
    CHECK_COUNT(json_array_size(list), to - from + 1);
    json_decref(answer);
    return list;
}

static bool same_values(const struct api *api, const char *one, int from, const char *other,
                        int from_other)
{
    json_t *left = values(api, one, "train_loss", from, from + 11);
    json_t *right = values(api, other, "train_loss", from_other, from_other + 11);
    bool same = json_equal(left, right);

    json_decref(left);
    json_decref(right);
    return same;
}

TEST("a fork has its source's spec but for the patch, says what it is forked from, and begins with "
     "that checkpoint's weights as init_from does")
{
    struct api api;
    char source[16], id[16], straight[16], path[160], spec[900];

    api_start(&api);
    start(&api, source_spec, source);
    api_wait(&api, source, "succeeded");
    struct call call = {.path = job_path(source, "/fork", path),
                        .body = "{\"checkpoint\": 12, \"spec\": {\"seed\": 9, \"epochs\": 2, "
                                "\"optimizer\": {\"lr\": 0.003}}, \"labels\": {\"kind\": "
                                "\"fork\"}}"};
    struct answer answer = api_call(&api, &call);
    CHECK_INT(answer.status, 201);
    (void)snprintf(id, sizeof(id), "%s", text_at(answer.json, "id"));
    CHECK_TEXT(answer_header(&answer, "Location"), job_path(id, "", path));
    CHECK_TEXT(text_at(answer.json, "forked_from.job"), source);
    CHECK_INT(integer_at(answer.json, "forked_from.checkpoint"), 12);
    CHECK(json_is_false(json_at(answer.json, "forked_from.state")));
    CHECK_TEXT(text_at(answer.json, "name"), "source");
    CHECK_TEXT(text_at(answer.json, "labels.team"), "a");
    CHECK_TEXT(text_at(answer.json, "labels.kind"), "fork");
    CHECK(json_is_integer(json_at(answer.json, "spec.init_from.checkpoint")));
    CHECK_INT(integer_at(answer.json, "spec.init_from.checkpoint"), 12);
    CHECK(json_number_value(json_at(answer.json, "spec.optimizer.lr")) == 0.003);
    CHECK_TEXT(text_at(answer.json, "spec.optimizer.type"), "adam");
    CHECK_INT(integer_at(answer.json, "plan.steps"), 2 * TINY_STEPS_PER_EPOCH);
    json_t *from = json_incref((json_t *)(uintptr_t)json_at(answer.json, "forked_from"));
    answer_drop(&answer);

    (void)snprintf(spec, sizeof(spec),
                   "%.*s, \"init_from\": {\"job\": \"%s\", \"checkpoint\": 12}}",
                   (int)strlen(source_spec) - 1, source_spec, source);
    memcpy(strstr(spec, "0.002"), "0.003", 5);
    memcpy(strstr(spec, "\"epochs\": 4"), "\"epochs\": 2", 11);
    memcpy(strstr(spec, "\"seed\": 6"), "\"seed\": 9", 9);
    start(&api, spec, straight);
    api_wait(&api, id, "succeeded");
    api_wait(&api, straight, "succeeded");
    CHECK(same_values(&api, id, 1, straight, 1));
    /* Renamed, it still knows where it comes from. */
    call = (struct call){
        .method = "PATCH", .path = job_path(id, "", path), .body = "{\"name\": \"other\"}"};
    answer = api_call(&api, &call);
    CHECK(json_equal(json_at(answer.json, "forked_from"), from));
    answer_drop(&answer);
    json_t *job = api_get(&api, job_path(straight, "", path), 200);
    CHECK(json_is_null(json_at(job, "forked_from")));
    json_decref(job);
    json_decref(from);
    api_stop(&api);
}

TEST("with its state a fork goes on as its source went on, to the bit, also when the daemon stops "
     "in "
     "between, and without it it does not")
{
    struct api api;
    char source[16], with[16], without[16], path[160];

    api_start(&api);
    start(&api, source_spec, source);
    api_wait(&api, source, "succeeded");
    start_fork(&api, source, "{\"checkpoint\": 12, \"state\": true}", with);
    start_fork(&api, source, "{\"checkpoint\": 12}", without);
    api_stop(&api);
    api_start(&api);
    api_wait(&api, with, "succeeded");
    api_wait(&api, without, "succeeded");
    CHECK(same_values(&api, source, 13, with, 1));
    CHECK(!same_values(&api, source, 13, without, 1));
    json_t *job = api_get(&api, job_path(with, "", path), 200);
    CHECK(json_is_true(json_at(job, "forked_from.state")));
    json_decref(job);
    api_stop(&api);
}

TEST(
    "a fork takes the newest checkpoint where none is named, of a running job too, and its changed "
    "course")
{
    struct api api;
    char source[16], path[160];

    api_start(&api);
    api_submit_tiny(&api,
                    "\"epochs\": 100000, \"seed\": 3, \"evaluate_every\": {\"epochs\": 90000}, "
                    "\"checkpoint\": {\"every\": {\"steps\": 50}}",
                    source);
    json_t *patched;
    struct answer answer =
        api_call(&api, &(struct call){.method = "PATCH",
                                      .path = job_path(source, "", path),
                                      .body = "{\"lr\": 0.25, \"lr_schedule\": \"cosine\"}"});
    CHECK_INT(answer.status, 200);
    answer_drop(&answer);
    for (;;) {
        json_t *list = api_get(&api, job_path(source, "/checkpoints", path), 200);
        bool any = json_array_size(json_at(list, "items")) > 0;

        json_decref(list);
        if (any)
            break;
        nap(0.005);
    }
    patched = fork_of(&api, source, "{\"name\": \"f\", \"spec\": {\"max_steps\": 20}}", 201);
    CHECK(integer_at(patched, "forked_from.checkpoint") % 50 == 0);
    CHECK_TEXT(text_at(patched, "name"), "f");
    CHECK(json_number_value(json_at(patched, "spec.optimizer.lr")) == 0.25);
    CHECK_TEXT(text_at(patched, "spec.lr_schedule.type"), "cosine");
    CHECK(!json_at(patched, "spec.epochs"));
    CHECK_INT(integer_at(patched, "plan.steps"), 20);
    CHECK_TEXT(text_at(patched, "state"), "queued");
    json_decref(patched);
    api_stop(&api);
}

static void check_wrong(const struct api *api, const char *id, const char *body,
                        const char *pointer, const char *word)
{
    json_t *problem = fork_of(api, id, body, 422), *item;
    bool found = false;
    size_t i;

    json_array_foreach (json_at(problem, "errors"), i, item)
        found |= strcmp(text_at(item, "pointer"), pointer) == 0 &&
                 strstr(text_at(item, "detail"), word) != NULL;
    if (!found)
        FAIL("%s: nothing at %s says %s: %s", body, pointer, word, json_dumps(problem, 0));
    json_decref(problem);
}

TEST("a dry run of a fork answers with its plan and stores nothing, and what is wrong is told at "
     "its "
     "place in the request")
{
    struct api api;
    char source[16], empty[16], path[160];

    api_start(&api);
    start(&api, source_spec, source);
    api_wait(&api, source, "succeeded");
    json_t *answer = api_post(&api, job_path(source, "/fork?dry_run=true", path),
                              "{\"spec\": {\"epochs\": 3}}", 200);
    CHECK_INT(integer_at(answer, "plan.steps"), 3 * TINY_STEPS_PER_EPOCH);
    CHECK_INT(integer_at(answer, "spec.epochs"), 3);
    json_decref(answer);
    answer = api_get(&api, "/v1/jobs", 200);
    CHECK_COUNT(json_array_size(json_at(answer, "items")), 1);
    json_decref(answer);

    static const char many[] = "{\"chekpoint\": \"last\", \"epochs\": 3, \"state\": 1, \"labels\": "
                               "{\"a\": 1}, \"spec\": {\"optimizer\": {\"type\": \"adm\"}, "
                               "\"batch_size\": 0, \"init_from\": {\"job\": \"x\"}}}";
    check_wrong(&api, source, many, "/chekpoint", "no such key");
    check_wrong(&api, source, many, "/epochs", "belongs into \"spec\"");
    check_wrong(&api, source, many, "/state", "true or false");
    check_wrong(&api, source, many, "/labels/a", "want a string");
    check_wrong(&api, source, many, "/spec/optimizer/type", "adm");
    check_wrong(&api, source, many, "/spec/batch_size", "found 0");
    check_wrong(&api, source, many, "/spec/init_from", "checkpoint");
    check_wrong(&api, source, "{\"spec\": 3}", "/spec", "want an object");
    check_wrong(&api, source, "{\"checkpoint\": 13}", "/checkpoint", "checkpoint");
    check_wrong(&api, source, "{\"checkpoint\": \"first\"}", "/checkpoint", "first");
    check_wrong(&api, source, "{\"state\": true, \"spec\": {\"optimizer\": {\"type\": \"sgd\"}}}",
                "/state", "same optimizer");
    check_wrong(&api, source,
                "{\"spec\": {\"model\": [\"flatten\", {\"type\": \"linear\", "
                "\"out_features\": 4}]}}",
                "/checkpoint", "in this network");
    check_problem(fork_of(&api, source, "{", 400), 400, "line 1");
    check_problem(fork_of(&api, "aaaaaaaaaaaa", "{}", 404), 404, "no such job");
    api_submit_tiny(&api, "\"epochs\": 1", empty);
    api_wait(&api, empty, "succeeded");
    json_decref(fork_of(&api, empty, "{}", 201));
    api_stop(&api);
}
