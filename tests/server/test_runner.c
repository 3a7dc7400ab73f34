/* The life of jobs, in the test's own process: claimed, trained, stopped, continued, cancelled, failed. */
#include "tests/harness.h"
#include "tests/server/workshop.h"

#include "core/field.h"

#include <math.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

static int64_t submit(struct workshop *shop, const char *extra)
{
    char *spec = tiny_spec(extra);
    int64_t job = workshop_submit(shop, spec);
    free(spec);
    return job;
}

TEST("a job trains to its end and stores every row, evaluation and checkpoint")
{
    struct workshop shop;
    workshop_open(&shop, "data");
    int64_t job = submit(&shop, "\"epochs\": 3, \"seed\": 5");
    workshop_work(&shop, 1);
    workshop_wait_end(&shop, job);
    check_state(shop.db, job, JOB_SUCCEEDED, NULL);
    static const char *const per_step[] = {"train_loss", "lr", "grad_norm"};
    for (size_t i = 0; i < COUNT_OF(per_step); i++) {
        struct series_count count = count_series(shop.db, job, per_step[i]);
        CHECK_INT(count.rows, 3 * TINY_STEPS_PER_EPOCH);
        CHECK_INT(count.last, 3 * TINY_STEPS_PER_EPOCH);
    }
    CHECK_INT(count_series(shop.db, job, "val_loss").rows, 3);
    CHECK_INT(count_series(shop.db, job, "val_accuracy").rows, 3);
    CHECK_INT(count_events(shop.db, job, "evaluation"), 3);
    CHECK_INT(count_events(shop.db, job, "checkpoint"), 3);
    struct checkpoint_row newest = {0};
    CHECK(store_checkpoint_find(shop.db, job, 0, &newest, NULL));
    CHECK_INT(newest.step, 3 * TINY_STEPS_PER_EPOCH);
    CHECK(newest.metrics && strstr(newest.metrics, "val_loss"));
    checkpoint_row_drop(&newest);
    struct job_row row = {0};
    CHECK(store_job_get_number(shop.db, job, &row, NULL));
    CHECK(row.progress && strstr(row.progress, "\"fraction\":1.0"));
    CHECK(row.started_at > 0 && row.finished_at >= row.started_at);
    job_row_drop(&row);
    workshop_close(&shop);
}

TEST("a small network on easy images learns them")
{
    struct workshop shop;
    workshop_open(&shop, "data");
    workshop_work(&shop, 1);
    int64_t job = submit(&shop, "\"epochs\": 60, \"seed\": 5");
    workshop_wait_end(&shop, job);
    struct metric_summary summary[8];
    int count = 0;
    CHECK(store_metrics_summary(shop.db, job, summary, COUNT_OF(summary), &count, NULL));
    for (int i = 0; i < count; i++) {
        if (strcmp(summary[i].series, "val_accuracy") == 0) {
            CHECK(summary[i].last > 0.9);
            workshop_close(&shop);
            return;
        }
    }
    FAIL("there is no val_accuracy");
}

TEST("as many jobs train at once as there are workers, and each as if it were alone")
{
    struct workshop shop;
    workshop_open(&shop, "data");
    int64_t jobs[3];
    for (int i = 0; i < 3; i++)
        jobs[i] = submit(&shop, "\"epochs\": 40, \"seed\": 9");
    workshop_work(&shop, 2);
    for (int i = 0; i < 3; i++) {
        workshop_wait_end(&shop, jobs[i]);
        check_state(shop.db, jobs[i], JOB_SUCCEEDED, NULL);
    }
    check_same_run(shop.db, jobs[0], shop.db, jobs[1]);
    check_same_run(shop.db, jobs[0], shop.db, jobs[2]);
    workshop_close(&shop);
}

TEST("a job that is added while all workers sleep is started at once")
{
    struct workshop shop;
    workshop_open(&shop, "data");
    workshop_work(&shop, 2);
    for (int i = 0; i < 20; i++) {
        int64_t job = submit(&shop, "\"max_steps\": 1, \"seed\": 1");
        workshop_wait_end(&shop, job);
        check_state(shop.db, job, JOB_SUCCEEDED, NULL);
    }
    workshop_close(&shop);
}

TEST("a queued job is cancelled without touching the running one")
{
    struct workshop shop;
    workshop_open(&shop, "data");
    workshop_work(&shop, 1);
    int64_t running = submit(&shop, "\"epochs\": 100000, \"seed\": 1");
    workshop_wait_step(&shop, running, 1);
    int64_t waiting = submit(&shop, "\"epochs\": 1, \"seed\": 1");
    workshop_cancel(&shop, waiting);
    CHECK_INT(workshop_state(shop.db, waiting), JOB_CANCELLED);
    CHECK_INT(count_series(shop.db, waiting, "train_loss").rows, 0);
    CHECK_INT(workshop_state(shop.db, running), JOB_RUNNING);
    CHECK_INT(pool_busy(shop.pool), 1);
    workshop_cancel(&shop, running);
    workshop_wait_end(&shop, running);
    check_state(shop.db, running, JOB_CANCELLED, NULL);
    workshop_close(&shop);
}

TEST("a running job that is cancelled leaves a checkpoint of its last step")
{
    struct workshop shop;
    workshop_open(&shop, "data");
    workshop_work(&shop, 1);
    int64_t job = submit(&shop, "\"epochs\": 100000, \"seed\": 1, \"checkpoint\": {\"every\": {\"epochs\": 50000}}");
    workshop_wait_step(&shop, job, 10);
    workshop_cancel(&shop, job);
    workshop_wait_end(&shop, job);
    struct checkpoint_row newest = {0};
    CHECK(store_checkpoint_find(shop.db, job, 0, &newest, NULL));
    CHECK_INT(newest.step, count_series(shop.db, job, "train_loss").last);
    checkpoint_row_drop(&newest);
    workshop_close(&shop);
}

TEST("a cancel right after the claim is never lost")
{
    struct workshop shop;
    workshop_open(&shop, "data");
    workshop_work(&shop, 1);
    for (int i = 0; i < 20; i++) {
        int64_t job = submit(&shop, "\"epochs\": 100000, \"seed\": 1");
        while (workshop_state(shop.db, job) == JOB_QUEUED)
            continue;
        workshop_cancel(&shop, job);
        workshop_wait_end(&shop, job);
        CHECK_INT(workshop_state(shop.db, job), JOB_CANCELLED);
    }
    workshop_close(&shop);
}

TEST("a stopped job goes back into the queue and ends bit for bit as one that never stopped")
{
    static const char extra[] = "\"epochs\": 700, \"seed\": 3, \"evaluate_every\": {\"steps\": 7}, "
                                "\"checkpoint\": {\"every\": {\"steps\": 110}}";
    struct workshop shop;
    workshop_open(&shop, "data");
    int64_t whole = submit(&shop, extra);
    workshop_work(&shop, 1);
    workshop_wait_end(&shop, whole);
    int64_t parted = submit(&shop, extra);
    int lives = 0;
    for (int64_t step = 1; step < 2000; step += 400, lives++) {
        workshop_wait_step(&shop, parted, step);
        workshop_rest(&shop);
        check_state(shop.db, parted, JOB_QUEUED, NULL);
        workshop_work(&shop, 1);
    }
    workshop_wait_end(&shop, parted);
    check_state(shop.db, parted, JOB_SUCCEEDED, NULL);
    CHECK(lives > 1);
    check_same_run(shop.db, whole, shop.db, parted);
    CHECK_INT(count_events(shop.db, parted, "evaluation"), count_events(shop.db, whole, "evaluation"));
    workshop_close(&shop);
}

/* Damages the stored file behind the store's back. */
static void spoil(const char *statement)
{
    sqlite3 *handle = NULL;
    char *why = NULL;
    CHECK(sqlite3_open("data/traind.db", &handle) == SQLITE_OK);
    if (sqlite3_exec(handle, statement, NULL, NULL, &why) != SQLITE_OK)
        FAIL("%s: %s", statement, why);
    CHECK(sqlite3_changes(handle) > 0);
    CHECK(sqlite3_close(handle) == SQLITE_OK);
}

/* Each changes the newest checkpoint, or its bytes. */
static const char *const damages[] = {
    "UPDATE chunk SET data = CAST(substr(data, 1, 200) || x'5a5a5a' || substr(data, 204) AS BLOB)"
    " WHERE checkpoint = (SELECT max(number) FROM checkpoint)",
    "UPDATE chunk SET data = substr(data, 1, length(data) - 1)"
    " WHERE checkpoint = (SELECT max(number) FROM checkpoint)",
    "DELETE FROM chunk WHERE checkpoint = (SELECT max(number) FROM checkpoint)",
    "UPDATE checkpoint SET bytes = bytes + 1 WHERE number = (SELECT max(number) FROM checkpoint)",
};

TEST("a damaged checkpoint is told of, an older one is taken, and the run ends as if nothing had been")
{
    static const char extra[] = "\"epochs\": 600, \"seed\": 4, \"checkpoint\": {\"every\": {\"steps\": 100}}";
    struct workshop shop;
    workshop_open(&shop, "data");
    workshop_work(&shop, 1);
    int64_t whole = submit(&shop, extra);
    workshop_wait_end(&shop, whole);
    int64_t parted = submit(&shop, extra);
    for (size_t i = 0; i < COUNT_OF(damages); i++) {
        workshop_wait_step(&shop, parted, 250 * (int64_t)(i + 1));
        workshop_close(&shop);
        spoil(damages[i]);
        workshop_open(&shop, "data");
        check_state(shop.db, parted, JOB_QUEUED, NULL);
        workshop_work(&shop, 1);
    }
    workshop_wait_end(&shop, parted);
    check_state(shop.db, parted, JOB_SUCCEEDED, NULL);
    CHECK_INT(count_events(shop.db, parted, "warning"), (int64_t)COUNT_OF(damages));
    check_same_run(shop.db, whole, shop.db, parted);
    workshop_close(&shop);
}

TEST("a job without any good checkpoint starts from the beginning and ends the same")
{
    static const char extra[] = "\"epochs\": 600, \"seed\": 4, \"checkpoint\": {\"every\": {\"steps\": 100}}";
    struct workshop shop;
    workshop_open(&shop, "data");
    workshop_work(&shop, 1);
    int64_t whole = submit(&shop, extra);
    workshop_wait_end(&shop, whole);
    int64_t parted = submit(&shop, extra);
    workshop_wait_step(&shop, parted, 300);
    workshop_close(&shop);
    char statement[160];
    (void)snprintf(statement, sizeof(statement),
                   "UPDATE chunk SET data = zeroblob(length(data)) WHERE checkpoint IN"
                   " (SELECT number FROM checkpoint WHERE job = %lld)",
                   (long long)parted);
    spoil(statement);
    workshop_open(&shop, "data");
    workshop_work(&shop, 1);
    workshop_wait_end(&shop, parted);
    check_state(shop.db, parted, JOB_SUCCEEDED, NULL);
    check_same_run(shop.db, whole, shop.db, parted);
    workshop_close(&shop);
}

TEST("rows that a second life cannot reproduce fail the job as not deterministic")
{
    struct workshop shop;
    workshop_open(&shop, "data");
    workshop_work(&shop, 1);
    int64_t job = submit(&shop, "\"epochs\": 100000, \"seed\": 4");
    workshop_wait_step(&shop, job, 20);
    workshop_close(&shop);
    spoil("UPDATE metric SET value = value * 1.0000001 WHERE step = 15 AND series ="
          " (SELECT number FROM series WHERE name = 'train_loss')");
    spoil("DELETE FROM chunk");
    workshop_open(&shop, "data");
    workshop_work(&shop, 1);
    workshop_wait_end(&shop, job);
    check_state(shop.db, job, JOB_FAILED, "nondeterminism_detected: ");
    check_state(shop.db, job, JOB_FAILED, "step 15 ");
    workshop_close(&shop);
}

TEST("a job that was killed between its last checkpoint and its end just ends")
{
    struct workshop shop;
    workshop_open(&shop, "data");
    workshop_work(&shop, 1);
    int64_t job = submit(&shop, "\"epochs\": 3, \"seed\": 4");
    workshop_wait_end(&shop, job);
    int64_t evaluations = count_events(shop.db, job, "evaluation");
    workshop_close(&shop);
    spoil("UPDATE job SET state = 'running', finished_at = 0");
    workshop_open(&shop, "data");
    workshop_work(&shop, 1);
    workshop_wait_end(&shop, job);
    check_state(shop.db, job, JOB_SUCCEEDED, NULL);
    CHECK_INT(count_events(shop.db, job, "evaluation"), evaluations);
    CHECK_INT(count_series(shop.db, job, "train_loss").rows, 3 * TINY_STEPS_PER_EPOCH);
    workshop_close(&shop);
}

struct row_hunt {
    int64_t step;
    double value;
};

static bool hunt_nonfinite(void *context, const struct metric_row *row)
{
    struct row_hunt *hunt = context;
    if (isfinite(row->value))
        return true;
    *hunt = (struct row_hunt){.step = row->step, .value = row->value};
    return false;
}

TEST("a run that leaves the finite numbers fails as diverged and keeps the row that shows it")
{
    struct workshop shop;
    workshop_open(&shop, "data");
    workshop_work(&shop, 1);
    /* Without activations between them, two layers under such a rate feed each other's growth. */
    int64_t job = workshop_submit(
        &shop, "{\"dataset\": {\"name\": \"tiny\"}, \"model\": [{\"type\": \"flatten\"},"
               "{\"type\": \"linear\", \"out_features\": 8}, {\"type\": \"linear\", \"out_features\": 4}],"
               "\"optimizer\": {\"type\": \"sgd\", \"lr\": 1e6}, \"epochs\": 50, \"seed\": 1}");
    workshop_wait_end(&shop, job);
    check_state(shop.db, job, JOB_FAILED, "diverged: ");
    const char *const names[] = {"train_loss", "grad_norm", NULL};
    struct metric_query query = {.job = job, .names = names, .from = 1};
    struct row_hunt hunt = {0};
    CHECK(store_metrics_read(shop.db, &query, hunt_nonfinite, &hunt, NULL));
    CHECK(hunt.step > 0);
    char at_step[32];
    (void)snprintf(at_step, sizeof(at_step), "step %lld:", (long long)hunt.step);
    check_state(shop.db, job, JOB_FAILED, at_step);
    workshop_close(&shop);
}

TEST("a stored spec that this release refuses fails its job and nothing else")
{
    static const char *const specs[] = {
        "{", "[]", "{\"dataset\": {\"name\": \"tiny\"}, \"model\": [{\"type\": \"teapot\"}], "
                   "\"optimizer\": {\"type\": \"adam\"}, \"seed\": 1}",
    };
    struct workshop shop;
    workshop_open(&shop, "data");
    workshop_work(&shop, 1);
    for (size_t i = 0; i < COUNT_OF(specs); i++) {
        int64_t job = workshop_submit_raw(&shop, specs[i]);
        workshop_wait_end(&shop, job);
        check_state(shop.db, job, JOB_FAILED, i == 0 ? "corrupt: " : "spec_refused: ");
    }
    int64_t good = submit(&shop, "\"epochs\": 1, \"seed\": 1");
    workshop_wait_end(&shop, good);
    check_state(shop.db, good, JOB_SUCCEEDED, NULL);
    workshop_close(&shop);
}

TEST("a job whose data set changed since it was registered fails and says so")
{
    struct workshop shop;
    workshop_open(&shop, "data");
    int64_t job = submit(&shop, "\"epochs\": 1, \"seed\": 1");
    FILE *images = fopen("tiny/train-images-idx3-ubyte", "r+b");
    CHECK(images && fseek(images, 100, SEEK_SET) == 0);
    int byte = getc(images);
    CHECK(fseek(images, 100, SEEK_SET) == 0 && putc(byte ^ 1, images) != EOF && fclose(images) == 0);
    workshop_work(&shop, 1);
    workshop_wait_end(&shop, job);
    check_state(shop.db, job, JOB_FAILED, "registered");
    workshop_close(&shop);
}
