/* DELETE of a job that has very much: it is swept away in pieces, others do not wait for it, and
 * the death of a daemon only interrupts it. */
#include "tests/api/daemon.h"
#include "tests/api/support_control.h"
#include "tests/api/support_delete.h"
#include "tests/harness.h"
#include "tests/server/workshop.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Gives the job of that id very much, as if it had run for days. Its stream has much to say before
 * its end. */
static void fatten(const char *id, int rows, int events, int megabytes)
{
    char text[2000];

    (void)snprintf(
        text, sizeof(text),
        "BEGIN; DELETE FROM event WHERE name = 'end';"
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
        " INSERT INTO metric SELECT j.number, s.number, 1000 + n.i, 0.5, 0, 0 FROM n, job j, series"
        " s WHERE j.id = '%s' AND s.name = 'lr';"
        "INSERT INTO stretch (job, series, shift, place) SELECT job, series, 4, step FROM metric"
        " WHERE step > 1000 AND step %% 16 = 0;"
        "INSERT INTO arrival (job, series, event, step) SELECT job, series, 1000000 + step, step"
        " FROM metric WHERE step > 1000 AND step %% 16 = 0;"
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
    enum { ROWS = 100000, MEGABYTES = 32 };
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
    fatten(id, 100000, 50000, 16);
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
