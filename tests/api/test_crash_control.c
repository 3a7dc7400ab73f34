/* Death of a real daemon while its jobs change their course by what they find: falling rates, an
 * early end, returns after diverging, weights taken over. What comes out must be what one life
 * would have given, bit for bit. */
#include "tests/api/daemon.h"
#include "tests/core/support.h"
#include "tests/harness.h"
#include "tests/server/workshop.h"

#include "core/field.h"

#include <jansson.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void wait_seconds(double seconds)
{
    struct timespec moment = {.tv_nsec = (long)(seconds * 1e9)};
    (void)nanosleep(&moment, NULL);
}

static void submit(const struct daemon *daemon, const char *spec, char id[JOB_ID_SIZE])
{
    char *answer = NULL;
    int status = daemon_ask(daemon, "/v1/jobs", spec, &answer);
    json_t *job = json_loads(answer, 0, NULL);
    const char *given = json_string_value(json_object_get(job, "id"));
    if (status != 201 || !given)
        FAIL("submitting gave %d: %s", status, answer);
    (void)snprintf(id, JOB_ID_SIZE, "%s", given);
    json_decref(job);
    free(answer);
}

/* A member of the job by the API; to be freed, NULL for null. */
static char *member_of(const struct daemon *daemon, const char *id, const char *key)
{
    char path[64], *answer = NULL;
    (void)snprintf(path, sizeof(path), "/v1/jobs/%s", id);
    int status = daemon_ask(daemon, path, NULL, &answer);
    json_t *job = json_loads(answer, 0, NULL);
    const char *text = json_string_value(json_object_get(job, key));
    if (status != 200)
        FAIL("the job %s gave %d: %s", id, status, answer);
    char *copy = text ? strdup(text) : NULL;
    json_decref(job);
    free(answer);
    return copy;
}

static bool has_ended(const struct daemon *daemon, const char *id)
{
    char *state = member_of(daemon, id, "state");
    int found = state ? job_state_find(state) : -1;
    free(state);
    return found >= 0 && job_state_ended((enum job_state)found);
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

/* Kills daemons at random moments until the job has ended; how many of them died under it. */
static int kill_until_ended(struct daemon *daemon, const char *id)
{
    unsigned seed = (unsigned)time(NULL);
    int rounds = 0;
    printf("random seed %u\n", seed);
    for (; !has_ended(daemon, id); rounds++) {
        /* Lives of a slow build are longer once enough of them are over, or it never gets there. */
        int longest = rounds < 10 ? 200 : 200 * test_slowdown();
        wait_seconds(0.001 * (double)(rand_r(&seed) % longest));
        if (rounds % 2 == 1)
            daemon_let_advance(daemon, id);
        daemon_kill(daemon);
        daemon_start(daemon, "data", test_dir(), NULL);
    }
    return rounds;
}

/* The same spec in two folders, one of them with daemons that die. The reason that both end with is
 * *reason's. */
static void check_killed(const char *spec, const char *reason, int64_t warnings_min)
{
    struct daemon daemon;
    struct workshop undisturbed, after;
    char id[JOB_ID_SIZE];
    tiny_dataset("tiny");
    daemon_start(&daemon, "data", test_dir(), NULL);
    submit(&daemon, spec, id);
    int rounds = kill_until_ended(&daemon, id);
    if (rounds < 5)
        FAIL("only %d daemons were killed", rounds);
    CHECK_INT(daemon_stop(&daemon), 0);

    workshop_open(&undisturbed, "undisturbed");
    int64_t wanted = workshop_submit(&undisturbed, spec);
    workshop_work(&undisturbed, 1);
    workshop_wait_end(&undisturbed, wanted);
    check_state(undisturbed.db, wanted, JOB_SUCCEEDED, reason);
    workshop_rest(&undisturbed);
    workshop_open(&after, "data");
    int64_t got = number_of(after.db, id);
    check_state(after.db, got, JOB_SUCCEEDED, reason);
    check_same_run(undisturbed.db, wanted, after.db, got);
    CHECK_INT(count_events(after.db, got, "evaluation"),
              count_events(undisturbed.db, wanted, "evaluation"));
    int64_t warnings = count_events(undisturbed.db, wanted, "warning");
    CHECK(warnings >= warnings_min);
    CHECK_INT(count_events(after.db, got, "warning"), warnings);
    workshop_close(&after);
    workshop_close(&undisturbed);
}

TEST_SLOW(
    "daemons killed at any moment change no rate of a plateau, and the early end comes where it "
    "would have come",
    180)
{
    char members[600];
    (void)snprintf(
        members, sizeof(members),
        "\"max_steps\": %d, \"seed\": 11, \"evaluate_every\": {\"steps\": 40}, "
        "\"checkpoint\": {\"every\": {\"steps\": 90}, \"keep_last\": 3}, "
        "\"lr_schedule\": {\"type\": \"reduce_on_plateau\", \"patience\": 3, \"factor\": "
        "0.95, \"cooldown\": 1}, \"early_stopping\": {\"metric\": \"val_accuracy\", "
        "\"patience\": %d, \"min_delta\": 0.3}, \"clip_grad_norm\": 1",
        24000 / test_slowdown(), 300 / test_slowdown());
    char *spec = tiny_spec(members);
    check_killed(spec, "early_stopping: val_accuracy", 0);
    free(spec);
}

TEST_SLOW(
    "daemons killed at any moment change nothing of a job that began with the weights of another",
    180)
{
    struct daemon daemon;
    struct workshop after;
    char source[JOB_ID_SIZE], whole[JOB_ID_SIZE], killed[JOB_ID_SIZE], members[300];
    char *spec = tiny_spec("\"epochs\": 3, \"seed\": 4");
    tiny_dataset("tiny");
    daemon_start(&daemon, "data", test_dir(), NULL);
    submit(&daemon, spec, source);
    free(spec);
    while (!has_ended(&daemon, source))
        wait_seconds(0.01);
    /* Without a checkpoint of its own for long, so that many lives begin where it did. */
    (void)snprintf(members, sizeof(members),
                   "\"max_steps\": %d, \"seed\": 6, \"checkpoint\": {\"every\": {\"steps\": %d}}, "
                   "\"init_from\": {\"job\": \"%s\"}",
                   5000 / test_slowdown(), 200 / test_slowdown(), source);
    spec = tiny_spec(members);
    submit(&daemon, spec, whole);
    while (!has_ended(&daemon, whole))
        wait_seconds(0.01);
    submit(&daemon, spec, killed);
    free(spec);
    CHECK(kill_until_ended(&daemon, killed) >= 3);
    CHECK_INT(daemon_stop(&daemon), 0);
    workshop_open(&after, "data");
    check_same_run(after.db, number_of(after.db, whole), after.db, number_of(after.db, killed));
    workshop_close(&after);
}

TEST_SLOW("daemons killed at any moment change nothing of a job that goes back again and again",
          180)
{
    /* Twice the rate explodes, and each time it takes many returns to make it bearable. */
    static const char spec[] =
        "{\"dataset\": {\"name\": \"tiny\"}, \"model\": [\"flatten\","
        "{\"type\": \"linear\", \"out_features\": 8}, {\"type\": \"linear\", \"out_features\": 4}],"
        "\"optimizer\": {\"type\": \"sgd\", \"lr\": 0.01}, \"batch_size\": 16, \"max_steps\": "
        "6000, "
        "\"seed\": 1, \"checkpoint\": {\"every\": {\"steps\": 50}}, \"evaluate_every\": "
        "{\"steps\": 30}, \"lr_schedule\": {\"type\": \"piecewise\", \"points\": [[1, 0.01], "
        "[1500, 1000], [1540, 1], [3500, 1000000], [3540, 100]]}, "
        "\"on_divergence\": {\"rollback\": true, \"lr_factor\": 0.7, \"max_retries\": 80}}";
    check_killed(spec, NULL, 10);
}
