/* Death of a real daemon while users change its job, pause it and resume it. What comes out must be
 * what one life gives that makes the same changes at the same places, bit for bit. */
#include "tests/api/daemon.h"
#include "tests/core/support.h"
#include "tests/harness.h"
#include "tests/server/store_support.h"
#include "tests/server/workshop.h"

#include "core/field.h"
#include "server/store_control.h"

#include <jansson.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

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

/* The job's state and the newest step of its curve. */
static enum job_state look(const struct daemon *daemon, const char *id, int64_t *step)
{
    char path[64], *answer = NULL;
    (void)snprintf(path, sizeof(path), "/v1/jobs/%s", id);
    CHECK_INT(daemon_ask(daemon, path, NULL, &answer), 200);
    json_t *job = json_loads(answer, 0, NULL);
    int state = job_state_find(json_string_value(json_object_get(job, "state")));
    json_t *newest = json_object_get(json_object_get(job, "latest"), "train_loss");
    CHECK(state >= 0);
    *step = json_integer_value(json_object_get(newest, "step"));
    json_decref(job);
    free(answer);
    return (enum job_state)state;
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

/* A job whose user cannot leave it alone. */
struct fidget {
    struct daemon daemon;
    char id[JOB_ID_SIZE];
    unsigned seed;
    int taken; /* changes of the course that were answered 200 */
    void (*change)(struct fidget *fidget, int64_t step, char out[400]);
};

static int draw(struct fidget *fidget, int below)
{
    return rand_r(&fidget->seed) % below;
}

static void act(struct fidget *fidget, const char *action)
{
    char path[64], *answer = NULL;
    (void)snprintf(path, sizeof(path), "/v1/jobs/%s/%s", fidget->id, action);
    int status = daemon_call(&fidget->daemon, "POST", path, NULL, &answer);
    if (status != 200 && status != 409)
        FAIL("%s gave %d: %s", path, status, answer);
    free(answer);
}

static void patch(struct fidget *fidget, const char *body)
{
    char path[64], *answer = NULL;
    (void)snprintf(path, sizeof(path), "/v1/jobs/%s", fidget->id);
    int status = daemon_call(&fidget->daemon, "PATCH", path, body, &answer);
    fidget->taken += status == 200;
    if (status != 200 && status != 409 && status != 422)
        FAIL("%s gave %d: %s", body, status, answer);
    free(answer);
}

static void fidget_once(struct fidget *fidget, int64_t step)
{
    char body[400];
    for (int i = draw(fidget, 4); i > 0; i--) {
        fidget->change(fidget, step, body);
        patch(fidget, body);
        wait_seconds(0.001 * (double)draw(fidget, 30));
    }
    if (draw(fidget, 4) == 0)
        act(fidget, "pause");
    wait_seconds(0.001 * (double)draw(fidget, 60));
}

/* Until the job has ended; how many daemons died under it. */
static int fidget_on(struct fidget *fidget)
{
    int rounds = 0;
    int64_t step;
    for (;; rounds++) {
        enum job_state state = look(&fidget->daemon, fidget->id, &step);
        if (job_state_ended(state))
            return rounds;
        if (state == JOB_PAUSED)
            act(fidget, "resume");
        fidget_once(fidget, step);
        if (rounds % 2 == 1) {
            act(fidget, "resume");
            daemon_let_advance(&fidget->daemon, fidget->id);
        }
        /* Lives of a slow build are longer once enough of them are over, or it never gets there. */
        int longest = rounds < 10 ? 100 : 100 * test_slowdown();
        wait_seconds(0.001 * (double)draw(fidget, longest));
        daemon_kill(&fidget->daemon);
        daemon_start(&fidget->daemon, "data", test_dir(), NULL);
    }
}

/* The same job in a store of its own, which has its edits before it begins. */
static int64_t run_straight(struct workshop *shop, const char *spec, const struct edit_list *edits)
{
    struct error error = {0};
    workshop_open(shop, "straight");
    int64_t job = workshop_submit(shop, spec);
    for (int i = 0; i < edits->count; i++) {
        const struct edit_row *edit = &edits->rows[i];
        char *text = NULL;
        CHECK(asprintf(&text,
                       "INSERT INTO edit (job, step, returns, changes, created_at) VALUES (%lld, "
                       "%lld, %lld, '%s', 0)",
                       (long long)job, (long long)edit->step, (long long)edit->returns,
                       edit->changes) > 0);
        GOOD(try_sql(shop->store, text, &error));
        free(text);
    }
    workshop_work(shop, 1);
    workshop_wait_end(shop, job);
    check_state(shop->db, job, JOB_SUCCEEDED, NULL);
    workshop_rest(shop);
    return job;
}

static void check_fidget(struct fidget *fidget, const char *spec, int rounds_min)
{
    struct workshop straight, after;
    struct edit_list edits;
    struct error error = {0};
    fidget->seed = (unsigned)time(NULL);
    printf("random seed %u\n", fidget->seed);
    tiny_dataset("tiny");
    daemon_start(&fidget->daemon, "data", test_dir(), NULL);
    submit(&fidget->daemon, spec, fidget->id);
    int rounds = fidget_on(fidget);
    CHECK_INT(daemon_stop(&fidget->daemon), 0);
    if (rounds < rounds_min)
        FAIL("only %d daemons were killed", rounds);

    workshop_open(&after, "data");
    int64_t got = number_of(after.db, fidget->id);
    check_state(after.db, got, JOB_SUCCEEDED, NULL);
    GOOD(store_edit_list(after.db, got, EDITS_TAKEN, &edits, &error));
    printf("%d daemons killed, %d edits\n", rounds, edits.count);
    /* What was answered has come true, each at its place and in order. */
    CHECK_INT(edits.count, fidget->taken);
    for (int i = 0; i < edits.count; i++) {
        const struct edit_row *edit = &edits.rows[i], *before = &edits.rows[i > 0 ? i - 1 : i];
        CHECK(edit->step >= 0);
        CHECK(edit->returns > before->returns ||
              (edit->returns == before->returns && edit->step >= before->step));
    }
    CHECK_INT(count_events(after.db, got, "edit"), edits.count);
    int64_t wanted = run_straight(&straight, spec, &edits);
    check_same_run(straight.db, wanted, after.db, got);
    CHECK_INT(count_events(after.db, got, "evaluation"),
              count_events(straight.db, wanted, "evaluation"));
    CHECK_INT(count_events(after.db, got, "warning"), count_events(straight.db, wanted, "warning"));
    edit_list_drop(&edits);
    workshop_close(&after);
    workshop_close(&straight);
}

/* ---- any change ---- */

static void any_change(struct fidget *fidget, int64_t step, char out[400])
{
    static const char *const schedules[] = {
        "\"constant\"",
        "{\"type\": \"cosine\", \"warmup\": {\"steps\": 300}}",
        "{\"type\": \"reduce_on_plateau\", \"patience\": 1, \"factor\": 0.9}",
        "{\"type\": \"reduce_on_plateau\", \"patience\": 2, \"factor\": 0.8, \"metric\": "
        "\"train_loss\"}",
        "{\"type\": \"one_cycle\", \"max_lr\": 0.01}",
        "{\"type\": \"exponential\", \"gamma\": 0.999}",
    };
    int64_t most = 8000 / test_slowdown();
    switch (draw(fidget, 5)) {
    case 0:
        (void)snprintf(out, 400, "{\"lr\": %.9g}", 0.0001 * (1 + draw(fidget, 50)));
        break;
    case 1:
        (void)snprintf(out, 400, "{\"weight_decay\": %.9g}", 0.01 * draw(fidget, 9));
        break;
    case 2:
        (void)snprintf(out, 400, "{\"lr\": 0.003, \"weight_decay\": 0.001, \"lr_schedule\": %s}",
                       schedules[draw(fidget, 4)]);
        break;
    case 3:
        (void)snprintf(out, 400, "{\"lr_schedule\": %s}",
                       schedules[draw(fidget, (int)COUNT_OF(schedules))]);
        break;
    default: /* never so short that it ends before the daemons have died often enough */
        (void)snprintf(out, 400, "{\"max_steps\": %lld}",
                       (long long)((step < most ? most : step) + draw(fidget, 1000)));
    }
}

TEST_SLOW("daemons killed at any moment while a user changes rates, schedules, decay and length "
          "change nothing of what the same changes give in one life",
          240)
{
    char members[400];
    (void)snprintf(members, sizeof(members),
                   "\"max_steps\": %d, \"seed\": 11, \"evaluate_every\": {\"steps\": 40}, "
                   "\"checkpoint\": {\"every\": {\"steps\": 90}, \"keep_last\": 3}",
                   8000 / test_slowdown());
    char *spec = tiny_spec(members);
    struct fidget fidget = {.change = any_change};
    check_fidget(&fidget, spec, 5);
    free(spec);
}

/* ---- returns ---- */

/* Every other change makes the run explode some steps later, and go back: not where a checkpoint
 * would keep what is finite still and lost already. */
static void wild_change(struct fidget *fidget, int64_t step, char out[400])
{
    long long at = ((long long)step + draw(fidget, 200)) / 50 * 50 + 52;
    switch (draw(fidget, 3)) {
    case 0:
        (void)snprintf(out, 400,
                       "{\"lr_schedule\": {\"type\": \"piecewise\", \"points\": [[1, 0.01], [%lld, "
                       "1000], [%lld, 0.01]]}}",
                       at, at + 40);
        break;
    case 1:
        (void)snprintf(out, 400, "{\"lr_schedule\": \"constant\", \"lr\": %.9g}",
                       0.001 * (1 + draw(fidget, 20)));
        break;
    default:
        (void)snprintf(out, 400, "{\"weight_decay\": %.9g}", 0.01 * draw(fidget, 9));
    }
}

TEST_SLOW("daemons killed at any moment while a user changes a job that goes back after diverging "
          "change nothing of what the same changes give in one life",
          240)
{
    static const char format[] =
        "{\"dataset\": {\"name\": \"tiny\"}, \"model\": [\"flatten\","
        "{\"type\": \"linear\", \"out_features\": 8}, {\"type\": \"linear\", \"out_features\": 4}],"
        "\"optimizer\": {\"type\": \"sgd\", \"lr\": 0.01}, \"batch_size\": 16, \"max_steps\": "
        "%d, \"seed\": 1, \"checkpoint\": {\"every\": {\"steps\": 50}}, \"evaluate_every\": "
        "{\"steps\": 30}, \"on_divergence\": {\"rollback\": true, \"lr_factor\": 0.01, "
        "\"max_retries\": 100}}";
    struct fidget fidget = {.change = wild_change};
    char spec[800];
    (void)snprintf(spec, sizeof(spec), format, 6000 / test_slowdown());
    check_fidget(&fidget, spec, 5);
}

/* ---- jobs that kill ---- */

static bool has_reason(const struct daemon *daemon, const char *id, const char *word)
{
    char path[64], *answer = NULL;
    (void)snprintf(path, sizeof(path), "/v1/jobs/%s", id);
    CHECK_INT(daemon_ask(daemon, path, NULL, &answer), 200);
    json_t *job = json_loads(answer, 0, NULL);
    const char *reason = json_string_value(json_object_get(job, "reason"));
    bool found = reason && strncmp(reason, word, strlen(word)) == 0;
    json_decref(job);
    free(answer);
    return found;
}

static void die_running(struct daemon *daemon, const char *id)
{
    int64_t step;
    while (look(daemon, id, &step) != JOB_RUNNING)
        wait_seconds(0.001);
    daemon_kill(daemon);
    daemon_start(daemon, "data", test_dir(), NULL);
}

TEST_SLOW("a job under which three daemons die before it has taken a step fails as crash_loop, and "
          "the next one runs",
          120)
{
    /* Its first step takes long. */
    static const char slow[] =
        "{\"dataset\": {\"synthetic\": {\"shape\": [8, 96, 96], \"classes\": 4, \"samples\": "
        "512}}, \"model\": [{\"type\": \"conv2d\", \"out_channels\": 64, \"kernel_size\": 7}, "
        "{\"type\": \"conv2d\", \"out_channels\": 64, \"kernel_size\": 7}, \"flatten\", {\"type\": "
        "\"linear\", \"out_features\": 4}], \"optimizer\": \"sgd\", \"batch_size\": 512}";
    struct daemon daemon;
    char id[JOB_ID_SIZE], next[JOB_ID_SIZE], *spec = tiny_spec("\"epochs\": 1");
    int64_t step;
    tiny_dataset("tiny");
    daemon_start(&daemon, "data", test_dir(), NULL);
    submit(&daemon, slow, id);
    submit(&daemon, spec, next);
    for (int death = 1; death <= 3; death++) {
        CHECK(!has_reason(&daemon, id, "crash_loop"));
        die_running(&daemon, id);
    }
    CHECK_INT(look(&daemon, id, &step), JOB_FAILED);
    CHECK(has_reason(&daemon, id, "crash_loop: "));
    while (look(&daemon, next, &step) != JOB_SUCCEEDED)
        wait_seconds(0.01);
    CHECK_INT(daemon_stop(&daemon), 0);
    free(spec);
}

TEST("a job that gets on in some lives is not given up, however often its daemon dies")
{
    struct daemon daemon;
    char id[JOB_ID_SIZE];
    int64_t step;
    char *spec = tiny_spec("\"epochs\": 100000, \"evaluate_every\": {\"epochs\": 90000}, "
                           "\"checkpoint\": {\"every\": {\"epochs\": 90000}}");
    tiny_dataset("tiny");
    daemon_start(&daemon, "data", test_dir(), NULL);
    submit(&daemon, spec, id);
    for (int death = 0; death < 9; death++) {
        if (death % 3 == 2)
            daemon_let_advance(&daemon, id);
        die_running(&daemon, id);
    }
    CHECK(!job_state_ended(look(&daemon, id, &step)));
    CHECK_INT(daemon_stop(&daemon), 0);
    free(spec);
}
