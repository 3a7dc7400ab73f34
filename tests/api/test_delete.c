/* DELETE of a job: it is gone for everybody at once, and other jobs do not notice. */
#include "tests/api/support_control.h"
#include "tests/api/support_delete.h"
#include "tests/harness.h"
#include "tests/server/workshop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char endless[] =
    "\"epochs\": 100000, \"seed\": 3, \"checkpoint\": {\"every\": {\"epochs\": 90000}}, "
    "\"evaluate_every\": {\"epochs\": 90000}";

static void check_refused(const struct api *api, const char *id, int status, const char *word)
{
    struct answer answer = delete_job(api, id, NULL);

    check_problem(json_incref(answer.json), status, word);
    answer_drop(&answer);
}

/* ---- what is gone ---- */

TEST("only a job that has ended can be deleted, and until then 409 names its state")
{
    struct api api;
    char running[16], waiting[16], path[160];

    api_start(&api);
    api_submit_tiny(&api, endless, running);
    api_submit_tiny(&api, endless, waiting);
    api_wait(&api, running, "running");
    check_refused(&api, running, 409, "running");
    check_refused(&api, waiting, 409, "queued");
    json_decref(api_post(&api, job_path(waiting, "/pause", path), NULL, 200));
    check_refused(&api, waiting, 409, "paused");
    check_refused(&api, "aaaaaaaaaaaa", 404, "no such job");
    check_refused(&api, "no-job", 404, "no job");
    json_decref(api_post(&api, job_path(waiting, "/cancel", path), NULL, 200));
    check_deleted(&api, waiting);
    check_refused(&api, waiting, 404, "no such job");
    json_decref(api_post(&api, job_path(running, "/cancel?when=checkpoint", path), NULL, 200));
    check_refused(&api, running, 409, "cancelling");
    json_decref(api_post(&api, job_path(running, "/cancel", path), NULL, 200));
    api_wait(&api, running, "cancelled");
    check_deleted(&api, running);
    api_stop(&api);
}

TEST(
    "a deleted job is gone for every question at once and for ever, with all that it had, and what "
    "was made out of it is not touched")
{
    struct api api;
    char id[16], fork[16], child[16], again[16], extra[200], path[160];
    char *spec = tiny_spec("\"epochs\": 2, \"seed\": 4, \"labels\": {\"team\": \"a\"}");
    const struct call keyed = {
        .path = "/v1/jobs", .body = spec, .headers = {"Idempotency-Key: once"}};

    api_start(&api);
    struct answer answer = api_call(&api, &keyed);
    CHECK_INT(answer.status, 201);
    (void)snprintf(id, sizeof(id), "%s", text_at(answer.json, "id"));
    answer_drop(&answer);
    api_wait(&api, id, "succeeded");
    json_t *made = api_post(&api, job_path(id, "/fork", path), "{}", 201);
    (void)snprintf(fork, sizeof(fork), "%s", text_at(made, "id"));
    json_decref(made);
    (void)snprintf(extra, sizeof(extra), "%s, \"init_from\": {\"job\": \"%s\"}", endless, id);
    api_submit_tiny(&api, extra, child);
    check_deleted(&api, id);
    check_gone(&api, id);
    json_t *list = api_get(&api, "/v1/jobs?label=team:a", 200);
    CHECK_COUNT(json_array_size(json_at(list, "items")), 1); /* the fork */
    json_decref(list);
    api_wait(&api, fork, "succeeded");
    api_wait_step(&api, child, 3);
    json_t *job = api_job(&api, fork);
    CHECK_TEXT(text_at(job, "forked_from.job"), id);
    json_decref(job);
    wait_swept();
    /* Its key is free. */
    answer = api_call(&api, &keyed);
    CHECK_INT(answer.status, 201);
    CHECK_TEXT(answer_header(&answer, "Idempotency-Replayed"), "");
    (void)snprintf(again, sizeof(again), "%s", text_at(answer.json, "id"));
    CHECK(strcmp(id, again) != 0);
    answer_drop(&answer);
    api_stop(&api);
    api_start(&api);
    check_gone(&api, id);
    json_t *ready = api_get(&api, "/readyz", 200);
    CHECK_INT(integer_at(ready, "jobs.succeeded"), 1);
    json_decref(ready);
    api_stop(&api);
    free(spec);
}

TEST("with If-Match a job is deleted only as long as it is the one that was seen")
{
    struct api api;
    char id[16], path[160], match[100];

    api_start(&api);
    api_submit_tiny(&api, "\"epochs\": 1", id);
    api_wait(&api, id, "succeeded");
    struct answer seen = api_call(&api, &(struct call){.path = job_path(id, "", path)});
    (void)snprintf(match, sizeof(match), "If-Match: %s", answer_header(&seen, "ETag"));
    answer_drop(&seen);
    json_decref(api_patch(&api, id, "{\"name\": \"kept\"}", 200));
    struct answer answer = delete_job(&api, id, match);
    check_problem(json_incref(answer.json), 412, "revision");
    answer_drop(&answer);
    seen = api_call(&api, &(struct call){.path = path});
    (void)snprintf(match, sizeof(match), "If-Match: %s", answer_header(&seen, "ETag"));
    answer_drop(&seen);
    answer = delete_job(&api, id, match);
    CHECK_INT(answer.status, 204);
    answer_drop(&answer);
    answer = delete_job(&api, id, "If-Match: *");
    CHECK_INT(answer.status, 404);
    answer_drop(&answer);
    api_stop(&api);
}

/* ---- what streams hear ---- */

/* How many events of the job are there; the last one goes to *last. */
static int events_of(const struct event_log *log, const char *id, struct event *last)
{
    int count = 0;

    for (int i = 0; i < log->count; i++)
        if (strstr(log->items[i].data, id)) {
            count++;
            *last = log->items[i];
        }
    return count;
}

/* All that is stored, up to the deletion: of that job nothing but this; how many of the other. */
static int check_replay(const struct api *api, const char *id, const char *other, int64_t deletion)
{
    struct event_log replay = {0};
    struct event last;
    int handle = events_open(api, "/v1/events?since=0", 0);

    events_read(handle, &replay, "deleted");
    (void)close(handle);
    CHECK_INT(events_of(&replay, id, &last), 1);
    CHECK_TEXT(last.name, "deleted");
    CHECK_INT(last.id, deletion);
    int count = events_of(&replay, other, &last);
    events_drop_log(&replay);
    return count;
}

TEST("streams of all jobs hear of a deletion, live and replayed, also after a restart, and nothing "
     "else of that job any more")
{
    struct api api;
    struct event_log live = {0};
    struct event last = {0};
    char id[16], other[16];

    api_start(&api);
    int handle = events_open(&api, "/v1/events?since=0", 0);
    api_submit_tiny(&api, "\"epochs\": 1", other);
    api_submit_tiny(&api, "\"epochs\": 1", id);
    api_wait(&api, id, "succeeded");
    check_deleted(&api, id);
    events_read(handle, &live, "deleted");
    (void)close(handle);
    CHECK(events_of(&live, id, &last) > 5);
    CHECK_TEXT(last.name, "deleted");
    json_t *data = json_loads(last.data, 0, NULL);
    CHECK_TEXT(text_at(data, "job"), id);
    CHECK_INT(integer_at(data, "step"), TINY_STEPS_PER_EPOCH);
    CHECK(json_is_string(json_at(data, "at")));
    json_decref(data);
    int64_t deletion = last.id;
    int others = events_of(&live, other, &last);
    CHECK_INT(check_replay(&api, id, other, deletion), others);
    wait_swept();
    CHECK_INT(check_replay(&api, id, other, deletion), others);
    api_stop(&api);
    api_start(&api);
    CHECK_INT(check_replay(&api, id, other, deletion), others);
    /* What comes later has a later number. */
    api_submit_tiny(&api, "\"epochs\": 1", id);
    json_t *state = api_event(&api, id, "state", 0);
    CHECK_TEXT(text_at(state, "job"), id);
    json_decref(state);
    CHECK(ask_sql("SELECT min(number) > (SELECT max(event) FROM deletion) FROM event WHERE job = "
                  "(SELECT max(number) FROM job)"));
    api_stop(&api);
    events_drop_log(&live);
}
