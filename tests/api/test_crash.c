/* Death and orderly end of a real daemon in the middle of training. */
#include "tests/api/daemon.h"
#include "tests/core/support.h"
#include "tests/harness.h"
#include "tests/server/workshop.h"

#include <jansson.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void wait_seconds(double seconds)
{
    struct timespec moment = {.tv_sec = (time_t)seconds,
                              .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)};
    (void)nanosleep(&moment, NULL);
}

static void submit(const struct daemon *daemon, const char *extra, char id[JOB_ID_SIZE])
{
    char *spec = tiny_spec(extra), *answer = NULL;
    int status = daemon_ask(daemon, "/v1/jobs", spec, &answer);
    json_t *job = json_loads(answer, 0, NULL);
    const char *given = json_string_value(json_object_get(job, "id"));
    if (status != 201 || !given)
        FAIL("submitting gave %d: %s", status, answer);
    (void)snprintf(id, JOB_ID_SIZE, "%s", given);
    json_decref(job);
    free(answer);
    free(spec);
}

/* The job's state by the API, as text. */
static void read_state(const struct daemon *daemon, const char *id, char state[32])
{
    char path[64], *answer = NULL;
    (void)snprintf(path, sizeof(path), "/v1/jobs/%s", id);
    int status = daemon_ask(daemon, path, NULL, &answer);
    json_t *job = json_loads(answer, 0, NULL);
    const char *given = json_string_value(json_object_get(job, "state"));
    if (status != 200 || !given)
        FAIL("the job %s gave %d: %s", id, status, answer);
    (void)snprintf(state, 32, "%s", given);
    json_decref(job);
    free(answer);
}

static void wait_state(const struct daemon *daemon, const char *id, const char *wanted)
{
    char state[32] = "";
    while (strcmp(state, wanted) != 0) {
        read_state(daemon, id, state);
        if (strcmp(state, "failed") == 0 && strcmp(wanted, "failed") != 0)
            FAIL("the job failed");
        wait_seconds(0.01);
    }
}

static int64_t number_of(struct db *db, const char *id)
{
    struct job_row row = {0};
    struct error error = {0};
    if (!store_job_get(db, id, &row, &error))
        FAIL("%s: %s", id, error.text);
    int64_t number = row.number;
    job_row_drop(&row);
    return number;
}

/* What the killed daemons' job must be equal to. */
static int64_t run_undisturbed(struct workshop *shop, const char *extra)
{
    char *spec = tiny_spec(extra);
    workshop_open(shop, "undisturbed");
    int64_t job = workshop_submit(shop, spec);
    workshop_work(shop, 1);
    workshop_wait_end(shop, job);
    check_state(shop->db, job, JOB_SUCCEEDED, NULL);
    workshop_rest(shop);
    free(spec);
    return job;
}

enum { ROUNDS = 14 };

static const char short_run[] = "\"epochs\": 2, \"seed\": 12";

/* Longer than the time that the rounds leave it; shorter where every step takes longer. */
static void long_run(char out[256])
{
    (void)snprintf(out, 256,
                   "\"max_steps\": %d, \"seed\": 11, \"evaluate_every\": {\"steps\": 50}, "
                   "\"checkpoint\": {\"every\": {\"steps\": 90}, \"keep_last\": 3}",
                   32000 / test_slowdown());
}

/* Kills daemons at random moments; how many met the long job in training. */
static int kill_rounds(struct daemon *daemon, const char *long_job,
                       char short_jobs[ROUNDS][JOB_ID_SIZE])
{
    unsigned seed = (unsigned)time(NULL);
    int met = 0;
    printf("random seed %u\n", seed);
    for (int i = 0; i < ROUNDS; i++) {
        char state[32];
        submit(daemon, short_run, short_jobs[i]);
        /* Every third dies in the moment of its answer. */
        if (i % 3 != 0)
            wait_seconds(0.001 * (double)(rand_r(&seed) % 200));
        if (i % 3 == 1)
            daemon_let_advance(daemon, long_job);
        daemon_kill(daemon);
        daemon_start(daemon, "data", test_dir(), NULL);
        read_state(daemon, long_job, state);
        met += strcmp(state, "succeeded") != 0;
    }
    return met;
}

TEST_SLOW("daemons killed at any moment lose no job, no row and no bit", 180)
{
    struct daemon daemon;
    struct workshop undisturbed, after;
    char long_job[JOB_ID_SIZE], short_jobs[ROUNDS][JOB_ID_SIZE], members[256];
    long_run(members);
    tiny_dataset("tiny");
    daemon_start(&daemon, "data", test_dir(), NULL);
    submit(&daemon, members, long_job);
    int met = kill_rounds(&daemon, long_job, short_jobs);
    if (met < 10)
        FAIL("only %d of the kills met a job in training", met);
    wait_state(&daemon, long_job, "succeeded");
    for (int i = 0; i < ROUNDS; i++)
        wait_state(&daemon, short_jobs[i], "succeeded");
    CHECK_INT(daemon_stop(&daemon), 0);

    int64_t wanted = run_undisturbed(&undisturbed, members);
    workshop_open(&after, "data");
    int64_t got = number_of(after.db, long_job);
    check_same_run(undisturbed.db, wanted, after.db, got);
    CHECK_INT(count_events(after.db, got, "evaluation"),
              count_events(undisturbed.db, wanted, "evaluation"));
    for (int i = 1; i < ROUNDS; i++)
        check_same_run(after.db, number_of(after.db, short_jobs[0]), after.db,
                       number_of(after.db, short_jobs[i]));
    struct job_row row = {0};
    CHECK(store_job_get_number(after.db, got, &row, NULL));
    CHECK(row.restarts >= 10);
    job_row_drop(&row);
    workshop_close(&after);
    workshop_close(&undisturbed);
}

TEST("SIGTERM during training ends with 0 within seconds and leaves the job in the queue")
{
    struct daemon daemon;
    struct workshop after;
    char id[JOB_ID_SIZE];
    tiny_dataset("tiny");
    daemon_start(&daemon, "data", test_dir(), NULL);
    submit(&daemon,
           "\"epochs\": 100000, \"seed\": 1, \"checkpoint\": {\"every\": {\"epochs\": 99999}}", id);
    wait_state(&daemon, id, "running");
    wait_seconds(0.3);
    double start = now();
    CHECK_INT(daemon_stop(&daemon), 0);
    CHECK(now() - start < 3.0 * test_slowdown());
    workshop_open(&after, "data");
    int64_t job = number_of(after.db, id);
    CHECK_INT(workshop_state(after.db, job), JOB_QUEUED);
    struct checkpoint_row newest = {0};
    CHECK(store_checkpoint_find(after.db, job, CHECKPOINT_NEWEST, &newest, NULL));
    CHECK_INT(newest.step, count_series(after.db, job, "train_loss").last);
    checkpoint_row_drop(&newest);
    workshop_close(&after);
}

static void check_refused(const char *const *arguments, int status, const char *sentence)
{
    CHECK_INT(traind_run(arguments, "output"), status);
    size_t size = 0;
    char *output = (char *)read_bytes("output", &size);
    char *text = strndup(output, size);
    CHECK(text);
    if (!strstr(text, sentence))
        FAIL("'%s' is not in: %s", sentence, text);
    free(text);
    free(output);
}

TEST("a second daemon on the same data directory refuses to start and the first goes on")
{
    struct daemon daemon;
    daemon_start(&daemon, "data", "", NULL);
    char pid[32];
    (void)snprintf(pid, sizeof(pid), "%d", (int)daemon.pid);
    check_refused(
        (const char *const[]){"serve", "--listen", "127.0.0.1:0", "--data-dir", "data", NULL}, 1,
        pid);
    CHECK_INT(daemon_ask(&daemon, "/livez", NULL, NULL), 200);
    CHECK_INT(daemon_stop(&daemon), 0);
}

TEST("a daemon without tokens refuses to listen anywhere but on loopback")
{
    check_refused(
        (const char *const[]){"serve", "--listen", "0.0.0.0:0", "--data-dir", "data", NULL}, 1,
        "loopback");
    check_refused((const char *const[]){"serve", "--listen", "[::]:0", "--data-dir", "data", NULL},
                  1, "loopback");
}

TEST("wrong options are refused with the option's name, and unknown commands too")
{
    check_refused((const char *const[]){"serve", "--workers", "0", NULL}, 2, "--workers");
    check_refused((const char *const[]){"serve", "--wrkers", "1", NULL}, 2, "--wrkers");
    check_refused((const char *const[]){"serve", "--listen", NULL}, 2, "--listen");
    check_refused((const char *const[]){"serve", "--kernels=magic", NULL}, 2, "reference");
    check_refused((const char *const[]){"dataset", "add", "x", "y", NULL}, 2, "dataset");
}

TEST("the health check tells a daemon that answers from none")
{
    struct daemon daemon;
    char url[160];
    daemon_start(&daemon, "data", "", NULL);
    (void)snprintf(url, sizeof(url), "http://%s", daemon.address);
    const char *const ask[] = {"healthcheck", "--url", url, NULL};
    CHECK_INT(traind_run(ask, "output"), 0);
    CHECK_INT(daemon_stop(&daemon), 0);
    check_refused(ask, 1, "cannot connect");
}
