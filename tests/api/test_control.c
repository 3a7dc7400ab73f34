/* Pausing, resuming and cancelling: which state leads where, and that a job that has rested is the
 * one that never did. */
#include "tests/api/support_control.h"
#include "tests/harness.h"
#include "tests/server/workshop.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char endless[] =
    "\"epochs\": 100000, \"seed\": 3, \"checkpoint\": {\"every\": {\"epochs\": 90000}}, "
    "\"evaluate_every\": {\"epochs\": 90000}";

static void check_is(const struct api *api, const char *id, const char *state)
{
    json_t *job = api_job(api, id);

    CHECK_TEXT(text_at(job, "state"), state);
    json_decref(job);
}

static void act(const struct api *api, const char *id, const char *action, const char *state)
{
    char path[160];
    json_t *job = api_post(api, job_path(id, action, path), NULL, 200);

    CHECK_TEXT(text_at(job, "state"), state);
    json_decref(job);
}

/* ---- every state, every action ---- */

/* Changes the store behind the daemon's back: a job in that state whom no worker has. */
static void force(const char *id, const char *state)
{
    sqlite3 *handle = NULL;
    char *why = NULL, text[160];

    (void)snprintf(text, sizeof(text),
                   "UPDATE job SET state = '%s', stop_when = NULL WHERE id = '%s'", state, id);
    CHECK(sqlite3_open("data/traind.db", &handle) == SQLITE_OK);
    CHECK(sqlite3_busy_timeout(handle, 10000) == SQLITE_OK);
    if (sqlite3_exec(handle, text, NULL, NULL, &why) != SQLITE_OK)
        FAIL("%s: %s", text, why);
    CHECK_INT(sqlite3_changes(handle), 1);
    CHECK(sqlite3_close(handle) == SQLITE_OK);
}

static const char *const states[] = {"queued",     "running",   "pausing",   "paused",
                                     "cancelling", "cancelled", "succeeded", "failed"};

static const struct {
    const char *method, *rest, *body;
    const char *to[8]; /* by state; NULL: 409 */
} actions[] = {
    {"POST", "/pause", NULL, {"paused", "pausing"}},
    {"POST", "/resume", NULL, {NULL, NULL, "running", "queued"}},
    {"POST", "/cancel", NULL, {"cancelled", "cancelling", "cancelling", "cancelled", "cancelling"}},
    {"POST",
     "/cancel?when=epoch",
     NULL,
     {"cancelled", "cancelling", "cancelling", "cancelled", "cancelling"}},
    {"POST",
     "/cancel?when=checkpoint",
     NULL,
     {"cancelled", "cancelling", "cancelling", "cancelled", "cancelling"}},
    {"PATCH", "", "{\"lr\": 0.5}", {"queued", "running", "pausing", "paused", "cancelling"}},
    {"PATCH",
     "",
     "{\"name\": \"n\"}",
     {"queued", "running", "pausing", "paused", "cancelling", "cancelled", "succeeded", "failed"}},
    {"GET", "/schedule", NULL, {NULL}},
};

static void check_action(const struct api *api, const char *id, size_t action, size_t state)
{
    const char *to = actions[action].to[state];
    char path[160];

    force(id, states[state]);
    struct answer answer =
        api_call(api, &(struct call){.method = actions[action].method,
                                     .path = job_path(id, actions[action].rest, path),
                                     .body = actions[action].body});
    if (answer.status != (to ? 200 : 409))
        FAIL("%s of a job that is %s gave %d: %s", actions[action].rest, states[state],
             answer.status, answer.body);
    if (!to && !strstr(text_at(answer.json, "detail"), states[state]))
        FAIL("the answer does not say that the job is %s: %s", states[state], answer.body);
    check_is(api, id, to ? to : states[state]);
    answer_drop(&answer);
}

TEST("each action on a job in each state leads where the table says, or is 409 and names the state")
{
    struct api api;
    char running[16], id[16];

    api_start(&api);
    api_submit_tiny(&api, endless, running);
    api_wait(&api, running, "running");
    api_submit_tiny(&api, "\"epochs\": 2", id);
    for (size_t action = 0; action < sizeof(actions) / sizeof(actions[0]); action++)
        for (size_t state = 0; state < 8; state++)
            check_action(&api, id, action, state);
    /* The one that a worker has was touched by none of it. */
    check_is(&api, running, "running");
    force(id, "queued");
    api_stop(&api);
}

/* ---- pausing ---- */

TEST("a paused job has stored where it stands, leaves its worker to others, and is paused after a "
     "restart too")
{
    struct api api;
    char id[16], other[16], path[160];

    api_start(&api);
    api_submit_tiny(&api, endless, id);
    api_wait_step(&api, id, 20);
    act(&api, id, "/pause", "pausing");
    api_wait(&api, id, "paused");
    json_t *job = api_job(&api, id);
    int64_t step = integer_at(job, "progress.step");
    CHECK_INT(integer_at(job, "latest.train_loss.step"), step);
    CHECK_INT(integer_at(job, "restarts"), 0);
    json_decref(job);
    json_t *list = api_get(&api, job_path(id, "/checkpoints", path), 200);
    size_t count = json_array_size(json_at(list, "items"));
    CHECK(count > 0);
    CHECK_INT(integer_at(json_array_get(json_at(list, "items"), count - 1), "step"), step);
    json_decref(list);
    /* There is one worker. */
    api_submit_tiny(&api, "\"epochs\": 2", other);
    api_wait(&api, other, "succeeded");
    json_t *ready = api_get(&api, "/readyz", 200);
    CHECK_INT(integer_at(ready, "busy"), 0);
    CHECK_INT(integer_at(ready, "jobs.paused"), 1);
    json_decref(ready);
    api_stop(&api);
    api_start(&api);
    check_is(&api, id, "paused");
    act(&api, id, "/resume", "queued");
    api_wait_step(&api, id, step + 5);
    check_is(&api, id, "running");
    act(&api, id, "/cancel", "cancelling");
    api_wait(&api, id, "cancelled");
    api_stop(&api);
}

TEST("a waiting job is paused at once, and takes its place again when it is resumed")
{
    struct api api;
    char running[16], first[16], second[16];

    api_start(&api);
    api_submit_tiny(&api, endless, running);
    api_wait(&api, running, "running");
    api_submit_tiny(&api, "\"epochs\": 1", first);
    api_submit_tiny(&api, "\"epochs\": 1", second);
    act(&api, first, "/pause", "paused");
    act(&api, running, "/cancel", "cancelling");
    api_wait(&api, second, "succeeded");
    check_is(&api, first, "paused");
    act(&api, first, "/resume", "queued");
    api_wait(&api, first, "succeeded");
    api_stop(&api);
}

TEST("who pauses and resumes a job again and again, stops the daemon in between and edits nothing "
     "gets the run that was left alone")
{
    static const char members[] =
        "\"max_steps\": 2400, \"seed\": 12, \"evaluate_every\": {\"steps\": 70}, \"checkpoint\": "
        "{\"every\": {\"steps\": 200}, \"keep_last\": 3}, \"lr_schedule\": {\"type\": "
        "\"reduce_on_plateau\", \"patience\": 1, \"factor\": 0.9}";
    struct api api;
    struct workshop shop;
    struct job_row rows[2] = {{0}, {0}};
    char whole[16], parted[16], path[160];
    unsigned seed = 7;

    api_start(&api);
    api_submit_tiny(&api, members, whole);
    api_wait(&api, whole, "succeeded");
    api_submit_tiny(&api, members, parted);
    for (int i = 0; i < 8; i++) {
        json_t *job = api_job(&api, parted);
        bool over = strcmp(text_at(job, "state"), "succeeded") == 0;

        json_decref(job);
        if (over)
            break;
        nap(0.001 * (double)(rand_r(&seed) % 40));
        struct answer pause = api_call(
            &api, &(struct call){.method = "POST", .path = job_path(parted, "/pause", path)});
        answer_drop(&pause);
        if (i % 3 == 0)
            nap(0.03); /* otherwise it may still be pausing */
        struct answer resume = api_call(
            &api, &(struct call){.method = "POST", .path = job_path(parted, "/resume", path)});
        answer_drop(&resume);
        if (i == 4) {
            api_stop(&api);
            api_start(&api);
        }
    }
    api_wait(&api, parted, "succeeded");
    api_stop(&api);
    workshop_open(&shop, "data");
    CHECK(store_job_get(shop.db, whole, &rows[0], NULL));
    CHECK(store_job_get(shop.db, parted, &rows[1], NULL));
    check_same_run(shop.db, rows[0].number, shop.db, rows[1].number);
    CHECK_INT(count_events(shop.db, rows[0].number, "evaluation"),
              count_events(shop.db, rows[1].number, "evaluation"));
    for (int i = 0; i < 2; i++)
        job_row_drop(&rows[i]);
    workshop_close(&shop);
}

/* ---- cancelling ---- */

/* The job's newest checkpoint is where it ended. */
static int64_t end_of(const struct api *api, const char *id)
{
    char path[160];
    json_t *job = api_job(api, id), *list = api_get(api, job_path(id, "/checkpoints", path), 200);
    size_t count = json_array_size(json_at(list, "items"));
    int64_t step = integer_at(job, "progress.step");

    CHECK_TEXT(text_at(job, "state"), "cancelled");
    CHECK_INT(integer_at(json_array_get(json_at(list, "items"), count - 1), "step"), step);
    json_decref(job);
    json_decref(list);
    return step;
}

TEST("a job that is to stop at an epoch's end or at a checkpoint goes on to it, and says so until "
     "then")
{
    struct api api;
    char id[16], path[160];

    api_start(&api);
    /* An epoch of many steps. */
    api_submit_tiny(&api,
                    "\"epochs\": 1000, \"seed\": 3, \"evaluate_every\": {\"steps\": 90000}, "
                    "\"checkpoint\": {\"every\": {\"steps\": 411}, \"keep_last\": 100}",
                    id);
    api_wait_step(&api, id, 3);
    json_t *job = api_post(&api, job_path(id, "/cancel?when=checkpoint", path), NULL, 200);
    CHECK_TEXT(text_at(job, "state"), "cancelling");
    CHECK_TEXT(text_at(job, "stop_when"), "checkpoint");
    json_decref(job);
    api_wait(&api, id, "cancelled");
    CHECK_INT(end_of(&api, id) % 411, 0);
    job = api_job(&api, id);
    CHECK(!json_at(job, "stop_when"));
    json_decref(job);

    api_submit_tiny(&api, endless, id);
    api_wait_step(&api, id, 3);
    act(&api, id, "/cancel?when=epoch", "cancelling");
    api_wait(&api, id, "cancelled");
    CHECK_INT(end_of(&api, id) % TINY_STEPS_PER_EPOCH, 0);
    api_stop(&api);
}

TEST("a job that is to stop later can still be stopped now, and not the other way round")
{
    struct api api;
    char id[16], path[160];

    api_start(&api);
    api_submit_tiny(&api, endless, id); /* no checkpoint for very long */
    api_wait_step(&api, id, 3);
    act(&api, id, "/cancel?when=checkpoint", "cancelling");
    json_t *job = api_job(&api, id);
    int64_t step = integer_at(job, "progress.step");
    json_decref(job);
    api_wait_step(&api, id, step + 20);
    check_is(&api, id, "cancelling");
    act(&api, id, "/cancel", "cancelling");
    api_wait(&api, id, "cancelled");
    CHECK(end_of(&api, id) >= step + 20);
    check_problem(api_post(&api, job_path(id, "/cancel?when=epoch", path), NULL, 409), 409,
                  "cancelled");
    api_stop(&api);
}

TEST("a daemon that stops does not keep a job that is to stop later")
{
    struct api api;
    char id[16];

    api_start(&api);
    api_submit_tiny(&api, endless, id);
    api_wait_step(&api, id, 3);
    act(&api, id, "/cancel?when=checkpoint", "cancelling");
    api_stop(&api);
    api_start(&api);
    check_is(&api, id, "cancelled");
    (void)end_of(&api, id);
    api_stop(&api);
}

TEST("a job that is being paused can be cancelled, and a paused one ends at once")
{
    struct api api;
    char id[16];

    api_start(&api);
    api_submit_tiny(&api, endless, id);
    api_wait_step(&api, id, 3);
    act(&api, id, "/pause", "pausing");
    api_wait(&api, id, "paused");
    act(&api, id, "/cancel", "cancelled");
    (void)end_of(&api, id);
    api_stop(&api);
}
