/* DELETE of a job: it is gone for everybody at once, what it leaves behind goes soon, other jobs
 * and other writes do not notice, and the death of a daemon changes none of that. */
#include "tests/api/daemon.h"
#include "tests/api/support_control.h"
#include "tests/harness.h"
#include "tests/server/workshop.h"

#include "core/field.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char endless[] =
    "\"epochs\": 100000, \"seed\": 3, \"checkpoint\": {\"every\": {\"epochs\": 90000}}, "
    "\"evaluate_every\": {\"epochs\": 90000}";

static struct answer delete_job(const struct api *api, const char *id, const char *header)
{
    char path[160];

    return api_call(
        api,
        &(struct call){.method = "DELETE", .path = job_path(id, "", path), .headers = {header}});
}

static void check_deleted(const struct api *api, const char *id)
{
    struct answer answer = delete_job(api, id, NULL);

    if (answer.status != 204 || answer.size != 0)
        FAIL("DELETE gave %d: %s", answer.status, answer.body);
    answer_drop(&answer);
}

static void check_refused(const struct api *api, const char *id, int status, const char *word)
{
    struct answer answer = delete_job(api, id, NULL);

    check_problem(json_incref(answer.json), status, word);
    answer_drop(&answer);
}

/* ---- the store behind the daemon's back ---- */

static sqlite3 *open_store(void)
{
    sqlite3 *handle = NULL;

    CHECK(sqlite3_open("data/traind.db", &handle) == SQLITE_OK);
    CHECK(sqlite3_busy_timeout(handle, 30000) == SQLITE_OK);
    return handle;
}

static void run_sql(const char *text)
{
    sqlite3 *handle = open_store();
    char *why = NULL;

    if (sqlite3_exec(handle, text, NULL, NULL, &why) != SQLITE_OK)
        FAIL("%s: %s", text, why);
    CHECK(sqlite3_close(handle) == SQLITE_OK);
}

static int64_t ask_sql(const char *text)
{
    sqlite3 *handle = open_store();
    sqlite3_stmt *statement = NULL;

    if (sqlite3_prepare_v2(handle, text, -1, &statement, NULL) != SQLITE_OK)
        FAIL("%s: %s", text, sqlite3_errmsg(handle));
    CHECK(sqlite3_step(statement) == SQLITE_ROW);
    int64_t number = sqlite3_column_int64(statement, 0);
    CHECK(sqlite3_finalize(statement) == SQLITE_OK && sqlite3_close(handle) == SQLITE_OK);
    return number;
}

/* Waits until deleted jobs have left nothing. */
static void wait_swept(void)
{
    static const char *const tables[] = {"metric", "event", "checkpoint",  "job_text", "summary",
                                         "label",  "edit",  "idempotency", "job"};
    char text[160];

    while (ask_sql("SELECT count(*) FROM deletion WHERE swept = 0") > 0)
        nap(0.01);
    for (size_t i = 0; i < COUNT_OF(tables); i++) {
        (void)snprintf(text, sizeof(text),
                       "SELECT count(*) FROM %s WHERE %s IN (SELECT job FROM deletion)", tables[i],
                       i + 1 < COUNT_OF(tables) ? "job" : "number");
        if (ask_sql(text) != 0)
            FAIL("something is left in %s", tables[i]);
    }
    CHECK_INT(ask_sql("SELECT count(*) FROM chunk WHERE checkpoint NOT IN"
                      " (SELECT number FROM checkpoint)"),
              0);
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

static void check_gone(const struct api *api, const char *id)
{
    static const char *const rest[] = {"",          "/metrics",     "/events",
                                       "/schedule", "/checkpoints", "/checkpoints/last"};
    char path[160];

    for (size_t i = 0; i < COUNT_OF(rest); i++)
        json_decref(api_get(api, job_path(id, rest[i], path), 404));
    check_problem(api_patch(api, id, "{\"name\": \"x\"}", 404), 404, "job");
    json_decref(api_post(api, job_path(id, "/cancel", path), NULL, 404));
    json_decref(api_post(api, job_path(id, "/fork", path), "{}", 404));
    json_t *list = api_get(api, "/v1/jobs?limit=200", 200), *item;
    size_t i;
    json_array_foreach (json_at(list, "items"), i, item)
        CHECK(strcmp(text_at(item, "id"), id) != 0);
    json_decref(list);
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

/* ---- large ones ---- */

/* Gives the job of that id very much, as if it had run for days. Its stream has much to say before
 * its end. */
static void fatten(const char *id, int rows, int events, int megabytes)
{
    char text[1600];

    (void)snprintf(
        text, sizeof(text),
        "BEGIN; DELETE FROM event WHERE name = 'end';"
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
        " INSERT INTO metric SELECT j.number, s.number, 1000 + n.i, 0.5, 0, 0 FROM n, job j, series"
        " s WHERE j.id = '%s' AND s.name = 'lr';"
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
        " INSERT INTO event (job, name, step, at, data) SELECT number, 'warning', n.i, 1, '{}'"
        " FROM n, job WHERE id = '%s';"
        "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
        " INSERT INTO chunk (checkpoint, start, data) SELECT k.number, 1000000000 + n.i,"
        " randomblob(1 << 20) FROM n, checkpoint k JOIN job j ON j.number = k.job WHERE j.id = '%s'"
        " AND k.step = (SELECT max(step) FROM checkpoint WHERE job = j.number); COMMIT;",
        rows, id, events, id, megabytes - 1, id);
    run_sql(text);
}

TEST_SLOW(
    "while a very large job is swept away others write as they like, its stream ends, and the "
    "file gets small again",
    120)
{
    enum { ROWS = 300000, MEGABYTES = 64 };
    struct api api;
    struct event_log log = {0};
    char id[16], other[16], path[160];
    int written = 0;

    api_start(&api);
    api_submit_tiny(&api, "\"epochs\": 1", id);
    api_submit_tiny(&api, "\"epochs\": 1", other);
    api_wait(&api, other, "succeeded");
    int64_t before = ask_sql("PRAGMA page_count");
    fatten(id, ROWS, ROWS, MEGABYTES);
    CHECK(ask_sql("PRAGMA page_count") > before + MEGABYTES * 256);
    int handle = events_open(&api, job_path(id, "/events", path), 0);
    double longest = 0;
    check_deleted(&api, id);
    while (ask_sql("SELECT count(*) FROM deletion WHERE swept = 0") > 0) {
        double start = seconds_now();
        json_decref(api_patch(&api, other, "{\"priority\": 1}", 200));
        longest = seconds_now() - start > longest ? seconds_now() - start : longest;
        written++;
    }
    printf("%d writes meanwhile, the longest took %.0f ms\n", written, longest * 1000);
    CHECK(written >= 5);
    wait_swept();
    events_read(handle, &log, NULL);
    (void)close(handle);
    CHECK(log.count < ROWS);
    CHECK_TEXT(log.items[log.count - 1].name, "deleted");
    events_drop_log(&log);
    while (ask_sql("PRAGMA freelist_count") > 0)
        nap(0.01);
    CHECK(ask_sql("PRAGMA page_count") < before + 256);
    json_t *job = api_job(&api, other);
    CHECK_INT(integer_at(job, "latest.train_loss.step"), TINY_STEPS_PER_EPOCH);
    json_decref(job);
    api_stop(&api);
    CHECK_INT(ask_sql("SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'"),
              0);
}

/* Once with a daemon of its own, so that it can be killed. */
static void start_killable(struct daemon *daemon, struct api *api)
{
    daemon_start(daemon, "data", test_dir(), NULL);
    (void)snprintf(api->address, sizeof(api->address), "%.63s", daemon->address);
    CHECK(sscanf(strrchr(api->address, ':'), ":%d", &api->port) == 1);
}

TEST_SLOW("a daemon that is killed while it sweeps goes on sweeping when it starts again, and the "
          "job stays gone",
          120)
{
    struct daemon daemon;
    struct api api = {0};
    char id[16], other[16];
    int deaths = 0;

    tiny_dataset("tiny");
    start_killable(&daemon, &api);
    api_submit_tiny(&api, "\"epochs\": 1", id);
    api_submit_tiny(&api, "\"epochs\": 1", other);
    api_wait(&api, other, "succeeded");
    fatten(id, 300000, 100000, 32);
    check_deleted(&api, id);
    for (; deaths < 6 && ask_sql("SELECT count(*) FROM deletion WHERE swept = 0") > 0; deaths++) {
        nap(0.01 * deaths);
        daemon_kill(&daemon);
        start_killable(&daemon, &api);
        check_gone(&api, id);
    }
    CHECK(deaths >= 2);
    wait_swept();
    check_gone(&api, id);
    json_t *job = api_job(&api, other);
    CHECK_TEXT(text_at(job, "state"), "succeeded");
    CHECK_INT(integer_at(job, "latest.train_loss.step"), TINY_STEPS_PER_EPOCH);
    json_decref(job);
    check_deleted(&api, other);
    daemon_kill(&daemon);
    start_killable(&daemon, &api);
    check_gone(&api, other);
    wait_swept();
    CHECK_INT(daemon_stop(&daemon), 0);
}
