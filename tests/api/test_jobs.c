/* Jobs by HTTP: submitting, refusing, listing, cancelling. */
#include "tests/api/support.h"
#include "tests/harness.h"
#include "tests/server/workshop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char endless[] =
    "\"epochs\": 100000, \"seed\": 3, \"checkpoint\": {\"every\": {\"epochs\": 90000}}, "
    "\"evaluate_every\": {\"epochs\": 90000}";

TEST("a job is accepted with 201, its address and every default, and trains to its end")
{
    struct api api;
    char *spec =
        tiny_spec("\"name\": \"first\", \"labels\": {\"team\": \"a\"}, \"epochs\": 2, \"seed\": 5");
    struct call call = {.path = "/v1/jobs", .body = spec};
    char id[16], path[160];

    api_start(&api);
    struct answer answer = api_call(&api, &call);
    CHECK_INT(answer.status, 201);
    (void)snprintf(id, sizeof(id), "%s", text_at(answer.json, "id"));
    CHECK_TEXT(answer_header(&answer, "Location"), job_path(id, "", path));
    CHECK_TEXT(answer_header(&answer, "Content-Type"), "application/json");
    CHECK_TEXT(text_at(answer.json, "state"), "queued");
    CHECK_TEXT(text_at(answer.json, "name"), "first");
    CHECK_TEXT(text_at(answer.json, "labels.team"), "a");
    CHECK(json_is_null(json_at(answer.json, "started_at")));
    CHECK_INT(integer_at(answer.json, "progress.epoch"), 0);
    CHECK_INT(integer_at(answer.json, "progress.epochs"), 2);
    CHECK_INT(integer_at(answer.json, "progress.step"), 0);
    CHECK_INT(integer_at(answer.json, "progress.steps"), 2 * TINY_STEPS_PER_EPOCH);
    CHECK(json_number_value(json_at(answer.json, "progress.fraction")) == 0);
    CHECK(json_is_null(json_at(answer.json, "progress.samples_per_second")));
    CHECK(json_is_null(json_at(answer.json, "progress.eta_seconds")));
    CHECK_INT(integer_at(answer.json, "spec.seed"), 5);
    CHECK_INT(integer_at(answer.json, "plan.steps"), 2 * TINY_STEPS_PER_EPOCH);
    CHECK_TEXT(text_at(answer.json, "links.self"), path);
    answer_drop(&answer);

    api_wait(&api, id, "succeeded");
    json_t *job = api_get(&api, path, 200);
    CHECK_INT(integer_at(job, "progress.step"), 2 * TINY_STEPS_PER_EPOCH);
    CHECK_INT(integer_at(job, "latest.train_loss.step"), 2 * TINY_STEPS_PER_EPOCH);
    CHECK(json_is_real(json_at(job, "best.val_loss.value")));
    CHECK(json_is_real(json_at(job, "best.val_accuracy.value")));
    CHECK(integer_at(job, "best.val_accuracy.step") % TINY_STEPS_PER_EPOCH == 0);
    CHECK(json_is_null(json_at(job, "best.lr")) || !json_at(job, "best.lr"));
    CHECK(json_equal(json_at(job, "min.val_loss"), json_at(job, "best.val_loss")));
    CHECK(json_equal(json_at(job, "max.val_accuracy"), json_at(job, "best.val_accuracy")));
    CHECK(json_number_value(json_at(job, "max.train_loss.value")) >
          json_number_value(json_at(job, "min.train_loss.value")));
    CHECK(json_is_number(json_at(job, "max.lr.value")));
    const char *finished = text_at(job, "finished_at");
    CHECK_COUNT(strlen(finished), strlen("2026-01-01T00:00:00.000Z"));
    CHECK(finished[10] == 'T' && finished[19] == '.' && finished[23] == 'Z');
    json_decref(job);
    api_stop(&api);
    free(spec);
}

TEST("a dry run answers with the whole plan and stores nothing")
{
    struct api api;
    char *spec = tiny_spec("\"epochs\": 3");

    api_start(&api);
    json_t *answer = api_post(&api, "/v1/jobs?dry_run=true", spec, 200);
    CHECK_INT(integer_at(answer, "plan.steps"), 3 * TINY_STEPS_PER_EPOCH);
    CHECK_INT(integer_at(answer, "plan.layers.0.parameters"), 4 * (9 + 1));
    CHECK_INT(integer_at(answer, "spec.epochs"), 3);
    CHECK_TEXT(text_at(answer, "spec.dataset.name"), "tiny");
    json_decref(answer);
    answer = api_get(&api, "/v1/jobs", 200);
    CHECK_COUNT(json_array_size(json_at(answer, "items")), 0);
    json_decref(answer);
    check_problem(api_post(&api, "/v1/jobs?dry_run=maybe", spec, 400), 400, "dry_run");
    api_stop(&api);
    free(spec);
}

TEST("the seed that nobody named is drawn and written back, differently each time")
{
    struct api api;
    char *spec = tiny_spec("");

    api_start(&api);
    json_t *one = api_post(&api, "/v1/jobs?dry_run=true", spec, 200);
    json_t *other = api_post(&api, "/v1/jobs?dry_run=true", spec, 200);
    CHECK(integer_at(one, "spec.seed") >= 0 &&
          integer_at(one, "spec.seed") <= INT64_C(9007199254740991));
    CHECK(integer_at(one, "spec.seed") != integer_at(other, "spec.seed"));
    json_decref(one);
    json_decref(other);
    api_stop(&api);
    free(spec);
}

static void check_not_json(const struct api *api, const char *body, const char *word)
{
    json_t *problem = api_post(api, "/v1/jobs", body, 400);

    CHECK(json_array_size(json_at(problem, "errors")) == 1);
    check_problem(problem, 400, word);
}

TEST("a body that is not the JSON of a job is refused with 400, line and column")
{
    struct api api;

    api_start(&api);
    check_not_json(&api, "{\n  \"a\": ,\n}", "line 2");
    check_not_json(&api, "{\"a\": 1, \"a\": 2}", "duplicate");
    check_not_json(&api, "{\"a\": NaN}", "NaN");
    check_not_json(&api, "[]", "object");
    check_not_json(&api, "", "empty");
    check_not_json(&api, "{\"a\": \"\xff\"}", "line 1");
    api_stop(&api);
}

/* The error whose pointer is this one. */
static const json_t *error_at(const json_t *problem, const char *pointer)
{
    size_t i;
    json_t *item;

    json_array_foreach (json_at(problem, "errors"), i, item)
        if (strcmp(text_at(item, "pointer"), pointer) == 0)
            return item;
    FAIL("there is no error at %s in %s", pointer, json_dumps(problem, 0));
}

TEST("a spec that cannot be trained is refused with 422 and everything that is wrong with it")
{
    struct api api;
    static const char spec[] = "{\"dataset\": {\"name\": \"tinny\"}, \"model\": [{\"type\": "
                               "\"conv2\", \"out_channels\": 4},"
                               " {\"type\": \"linear\", \"out_features\": -1}], \"optimiser\": "
                               "{\"type\": \"adam\"}, \"batch_size\": \"x\"}";

    api_start(&api);
    json_t *problem = api_post(&api, "/v1/jobs", spec, 422);
    CHECK_TEXT(text_at(error_at(problem, "/dataset/name"), "suggestion"), "tiny");
    CHECK_TEXT(text_at(error_at(problem, "/dataset/name"), "allowed.0"), "tiny");
    CHECK_TEXT(text_at(error_at(problem, "/model/0/type"), "suggestion"), "conv2d");
    CHECK_TEXT(text_at(error_at(problem, "/optimiser"), "suggestion"), "optimizer");
    (void)error_at(problem, "/model/1/out_features");
    (void)error_at(problem, "/batch_size");
    check_problem(problem, 422, "cannot be trained");

    /* Each part is right, and together they are not: the plan's own errors. */
    problem = api_post(&api, "/v1/jobs",
                       "{\"dataset\": {\"name\": \"tiny\"}, \"model\": [{\"type\": \"conv2d\", "
                       "\"out_channels\": 4, \"kernel_size\": 50}], \"optimizer\": \"sgd\"}",
                       422);
    CHECK(json_array_size(json_at(problem, "errors")) >= 1);
    check_problem(problem, 422, "cannot be trained");
    api_stop(&api);
}

TEST("a job that this machine's memory cannot hold is refused before it is queued, and quickly")
{
    struct api api;
    double start;

    api_start(&api);
    start = seconds_now();
    check_problem(
        api_post(&api, "/v1/jobs",
                 "{\"dataset\": {\"name\": \"tiny\"}, \"model\": [{\"type\": \"flatten\"},"
                 "{\"type\": \"linear\", \"out_features\": 60000},"
                 "{\"type\": \"linear\", \"out_features\": 60000},"
                 "{\"type\": \"linear\", \"out_features\": 60000},"
                 "{\"type\": \"linear\", \"out_features\": 60000},"
                 "{\"type\": \"linear\", \"out_features\": 4}], \"optimizer\": \"adam\"}",
                 422),
        422, "cannot be trained");
    CHECK(seconds_now() - start < 5.0 * test_slowdown());
    api_stop(&api);
}

TEST("a deep network is planned without keeping others waiting")
{
    struct api api;
    size_t room = 1 << 20, used;
    char *spec = malloc(room);
    double start;

    CHECK(spec);
    used = (size_t)snprintf(
        spec, room, "{\"dataset\": {\"name\": \"tiny\"}, \"optimizer\": \"adam\", \"model\": [");
    for (int i = 0; i < 250; i++)
        used += (size_t)snprintf(
            spec + used, room - used,
            "{\"type\": \"conv2d\", \"out_channels\": %d, \"kernel_size\": 3, \"padding\": 1},",
            8 + i);
    (void)snprintf(spec + used, room - used,
                   "{\"type\": \"flatten\"}, {\"type\": \"linear\", \"out_features\": 4}]}");
    api_start(&api);
    const struct call call = {.path = "/v1/jobs?dry_run=true", .body = spec};
    start = seconds_now();
    struct answer answer = api_call(&api, &call);
    CHECK(answer.status == 200 || answer.status == 422);
    answer_drop(&answer);
    CHECK(seconds_now() - start < 3.0 * test_slowdown());
    api_stop(&api);
    free(spec);
}

TEST("a body of another type is refused with 415 and one that is too large with 413")
{
    struct api api;
    size_t size = 5 << 20;
    char *large = malloc(size + 1);
    const struct call form = {
        .path = "/v1/jobs", .body = "{}", .headers = {"Content-Type: text/plain"}};
    const struct call no_wait = {.path = "/v1/jobs", .body = large, .headers = {"Expect:"}};
    const struct call chunked = {
        .path = "/v1/jobs", .body = large, .headers = {"Expect:", "Transfer-Encoding: chunked"}};

    CHECK(large);
    memset(large, ' ', size);
    large[size] = '\0';
    api_start(&api);
    struct answer answer = api_call(&api, &form);
    check_problem(json_incref(answer.json), 415, "application/json");
    answer_drop(&answer);
    check_problem(api_post(&api, "/v1/jobs", large, 413), 413, "4194304");
    answer = api_call(&api, &no_wait);
    check_problem(json_incref(answer.json), 413, "4194304");
    answer_drop(&answer);
    answer = api_call(&api, &chunked);
    check_problem(json_incref(answer.json), 413, "4194304");
    answer_drop(&answer);
    json_decref(api_get(&api, "/livez", 200));
    api_stop(&api);
    free(large);
}

TEST("the list is newest first, in pages without gaps, and takes only what it knows")
{
    struct api api;
    char ids[5][16], path[200];
    int seen = 0;

    api_start(&api);
    for (int i = 0; i < 5; i++)
        api_submit_tiny(&api, i == 0 ? endless : "", ids[i]);
    (void)snprintf(path, sizeof(path), "/v1/jobs?limit=2");
    for (;;) {
        json_t *page = api_get(&api, path, 200);
        const json_t *items = json_at(page, "items");

        CHECK(json_array_size(items) <= 2);
        for (size_t i = 0; i < json_array_size(items); i++, seen++)
            CHECK_TEXT(text_at(json_array_get(items, i), "id"), ids[4 - seen]);
        bool last = json_is_null(json_at(page, "next_cursor"));
        if (!last)
            (void)snprintf(path, sizeof(path), "/v1/jobs?limit=2&cursor=%s",
                           text_at(page, "next_cursor"));
        json_decref(page);
        if (last)
            break;
    }
    CHECK_INT(seen, 5);
    json_t *page = api_get(&api, "/v1/jobs?limit=5", 200);
    CHECK(json_is_null(json_at(page, "next_cursor")));
    json_decref(page);
    page = api_get(&api, "/v1/jobs?state=failed", 200);
    CHECK_COUNT(json_array_size(json_at(page, "items")), 0);
    json_decref(page);
    check_problem(api_get(&api, "/v1/jobs?state=happy", 400), 400, "state");
    check_problem(api_get(&api, "/v1/jobs?limit=0", 400), 400, "limit");
    check_problem(api_get(&api, "/v1/jobs?limit=201", 400), 400, "limit");
    check_problem(api_get(&api, "/v1/jobs?cursor=-1", 400), 400, "cursor");
    check_problem(api_get(&api, "/v1/jobs?colour=red", 400), 400, "colour");
    check_problem(api_get(&api, "/v1/jobs?limit=1&limit=2", 400), 400, "limit");
    api_stop(&api);
}

TEST("a waiting job is cancelled at once, a running one after its step, an ended one not at all")
{
    struct api api;
    char running[16], waiting[16], path[160];

    api_start(&api);
    api_submit_tiny(&api, endless, running);
    api_submit_tiny(&api, endless, waiting);
    api_wait(&api, running, "running");
    json_t *job = api_post(&api, job_path(waiting, "/cancel", path), NULL, 200);
    CHECK_TEXT(text_at(job, "state"), "cancelled");
    json_decref(job);
    check_problem(api_post(&api, path, NULL, 409), 409, "cancelled");
    api_wait(&api, running, "running");

    check_problem(api_post(&api, job_path(running, "/cancel?when=later", path), NULL, 400), 400,
                  "when");
    job = api_post(&api, job_path(running, "/cancel?when=now", path), NULL, 200);
    CHECK_TEXT(text_at(job, "state"), "cancelling");
    json_decref(job);
    api_wait(&api, running, "cancelled");
    check_problem(api_post(&api, path, NULL, 409), 409, "cancelled");
    check_problem(api_post(&api, "/v1/jobs/aaaaaaaaaaaa/cancel", NULL, 404), 404, "job");
    api_stop(&api);
}

TEST("ids that no job has, or could have, are 404")
{
    struct api api;

    api_start(&api);
    check_problem(api_get(&api, "/v1/jobs/aaaaaaaaaaaa", 404), 404, "job");
    check_problem(api_get(&api, "/v1/jobs/..%2f..%2fetc", 404), 404, "job");
    check_problem(api_get(&api, "/v1/jobs/a'%20or%201=1", 404), 404, "job");
    check_problem(api_get(&api, "/v1/jobs/aaaaaaaaaaaa/metrics", 404), 404, "job");
    check_problem(api_get(&api, "/v1/jobs/aaaaaaaaaaaa/events", 404), 404, "job");
    check_problem(api_get(&api, "/v1/jobs/aaaaaaaaaaaa/checkpoints", 404), 404, "job");
    check_problem(api_get(&api, "/v1/datasets/nothing", 404), 404, "data set");
    api_stop(&api);
}

TEST("data sets are told with their facts and without the place of their files")
{
    struct api api;
    const struct call call = {.path = "/v1/datasets/tiny"};

    api_start(&api);
    struct answer answer = api_call(&api, &call);
    CHECK_INT(answer.status, 200);
    CHECK_TEXT(text_at(answer.json, "name"), "tiny");
    CHECK_INT(integer_at(answer.json, "classes"), 4);
    CHECK_INT(integer_at(answer.json, "train_samples"), TINY_TRAIN);
    CHECK_INT(integer_at(answer.json, "shape.1"), 10);
    CHECK(!strstr(answer.body, "sets/") && !json_at(answer.json, "files"));
    json_t *list = api_get(&api, "/v1/datasets", 200);
    CHECK_COUNT(json_array_size(json_at(list, "items")), 1);
    CHECK(json_equal(json_array_get(json_at(list, "items"), 0), answer.json));
    json_decref(list);
    answer_drop(&answer);
    api_stop(&api);
}

TEST("schema and health answer")
{
    struct api api;

    api_start(&api);
    json_t *answer = api_get(&api, "/v1/schema", 200);
    CHECK(json_is_object(json_at(answer, "properties.optimizer")));
    json_decref(answer);
    answer = api_get(&api, "/livez", 200);
    CHECK_TEXT(text_at(answer, "status"), "ok");
    json_decref(answer);
    answer = api_get(&api, "/readyz?verbose", 200);
    CHECK_INT(integer_at(answer, "workers"), 1);
    CHECK_INT(integer_at(answer, "jobs.queued"), 0);
    json_decref(answer);
    api_stop(&api);
}

TEST("many clients submit at once and every job that was accepted is there")
{
    struct api api;
    enum { CLIENTS = 12, EACH = 5 };

    api_start(&api);
    for (int i = 0; i < CLIENTS; i++) {
        pid_t pid = fork();

        CHECK(pid >= 0);
        if (pid == 0) {
            for (int k = 0; k < EACH; k++) {
                char id[16];
                api_submit_tiny(&api, "\"epochs\": 1", id);
            }
            _exit(0);
        }
    }
    for (;;) {
        json_t *page = api_get(&api, "/v1/jobs?limit=200&state=succeeded", 200);
        size_t count = json_array_size(json_at(page, "items"));

        json_decref(page);
        if (count == CLIENTS * EACH)
            break;
        nap(0.02);
    }
    api_stop(&api);
}
