/* The life of jobs, in the test's own process: claimed, trained, cancelled, failed. */
#include "tests/harness.h"
#include "tests/server/workshop.h"

#include "core/field.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

TEST("a job trains to its end and stores every row, evaluation and checkpoint")
{
    struct workshop shop;
    workshop_open(&shop, "data");
    int64_t job = submit_tiny(&shop, "\"epochs\": 3, \"seed\": 5");
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
    CHECK(store_checkpoint_find(shop.db, job, CHECKPOINT_NEWEST, &newest, NULL));
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
    int64_t job = submit_tiny(&shop, "\"epochs\": 60, \"seed\": 5");
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
        jobs[i] = submit_tiny(&shop, "\"epochs\": 40, \"seed\": 9");
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
        int64_t job = submit_tiny(&shop, "\"max_steps\": 1, \"seed\": 1");
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
    int64_t running = submit_tiny(&shop, "\"epochs\": 100000, \"seed\": 1");
    workshop_wait_step(&shop, running, 1);
    int64_t waiting = submit_tiny(&shop, "\"epochs\": 1, \"seed\": 1");
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
    int64_t job = submit_tiny(
        &shop, "\"epochs\": 100000, \"seed\": 1, \"checkpoint\": {\"every\": {\"epochs\": 50000}}");
    workshop_wait_step(&shop, job, 10);
    workshop_cancel(&shop, job);
    workshop_wait_end(&shop, job);
    struct checkpoint_row newest = {0};
    CHECK(store_checkpoint_find(shop.db, job, CHECKPOINT_NEWEST, &newest, NULL));
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
        int64_t job = submit_tiny(&shop, "\"epochs\": 100000, \"seed\": 1");
        while (workshop_state(shop.db, job) == JOB_QUEUED)
            continue;
        workshop_cancel(&shop, job);
        workshop_wait_end(&shop, job);
        CHECK_INT(workshop_state(shop.db, job), JOB_CANCELLED);
    }
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
        &shop,
        "{\"dataset\": {\"name\": \"tiny\"}, \"model\": [{\"type\": \"flatten\"},"
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
        "{",
        "[]",
        "{\"dataset\": {\"name\": \"tiny\"}, \"model\": [{\"type\": \"teapot\"}], "
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
    int64_t good = submit_tiny(&shop, "\"epochs\": 1, \"seed\": 1");
    workshop_wait_end(&shop, good);
    check_state(shop.db, good, JOB_SUCCEEDED, NULL);
    workshop_close(&shop);
}

TEST("a job whose data set changed since it was registered fails and says so")
{
    struct workshop shop;
    workshop_open(&shop, "data");
    int64_t job = submit_tiny(&shop, "\"epochs\": 1, \"seed\": 1");
    FILE *images = fopen("tiny/train-images-idx3-ubyte", "r+b");
    CHECK(images && fseek(images, 100, SEEK_SET) == 0);
    int byte = getc(images);
    CHECK(fseek(images, 100, SEEK_SET) == 0 && putc(byte ^ 1, images) != EOF &&
          fclose(images) == 0);
    workshop_work(&shop, 1);
    workshop_wait_end(&shop, job);
    check_state(shop.db, job, JOB_FAILED, "registered");
    workshop_close(&shop);
}
