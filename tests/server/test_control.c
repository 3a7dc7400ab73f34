/* Jobs whose course depends on what they find: early ends and falling rates. Stopped and continued,
 * each must be the job that was never stopped, bit for bit. */
#include "tests/harness.h"
#include "tests/server/store_support.h"
#include "tests/server/workshop.h"

#include "core/checkpoint.h"
#include "core/field.h"
#include "server/spec_json.h"
#include "tests/core/support.h"
#include "tests/core/support_job.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int64_t run(struct workshop *shop, const char *extra)
{
    int64_t job = submit_tiny(shop, extra);
    workshop_wait_end(shop, job);
    return job;
}

/* ---- early stopping ---- */

TEST("a job that no longer gets better ends early and well, and says why in its state and its end")
{
    struct workshop shop;
    workshop_open(&shop, "data");
    workshop_work(&shop, 1);
    /* Nothing is better by more than 100. */
    int64_t job =
        run(&shop, "\"epochs\": 50, \"seed\": 5, \"checkpoint\": {\"every\": {\"epochs\": "
                   "20}}, \"early_stopping\": {\"patience\": 3, \"min_delta\": 100}");
    check_state(shop.db, job, JOB_SUCCEEDED,
                "early_stopping: val_loss has not improved in 3 evaluations");
    CHECK_INT(count_series(shop.db, job, "train_loss").last, 4 * TINY_STEPS_PER_EPOCH);
    CHECK_INT(newest_step(shop.db, job), 4 * TINY_STEPS_PER_EPOCH);
    CHECK_INT(events_with(shop.db, job, "end", "early_stopping"), 1);
    struct job_row row = {0};
    CHECK(store_job_get_number(shop.db, job, &row, NULL));
    CHECK(row.progress && strstr(row.progress, "\"eta_seconds\":0.0"));
    job_row_drop(&row);
    workshop_close(&shop);
}

TEST("early stopping at the very last step is an ordinary end")
{
    struct workshop shop;
    workshop_open(&shop, "data");
    workshop_work(&shop, 1);
    int64_t job = run(&shop, "\"epochs\": 4, \"seed\": 5, \"early_stopping\": {\"patience\": 3, "
                             "\"min_delta\": 100}");
    check_state(shop.db, job, JOB_SUCCEEDED, NULL);
    workshop_close(&shop);
}

TEST("without a validation split the training itself is measured and can end the job")
{
    struct workshop shop;
    workshop_open(&shop, "data");
    workshop_work(&shop, 1);
    char *spec = tiny_spec("\"epochs\": 50, \"seed\": 5, \"early_stopping\": {\"metric\": "
                           "\"train_accuracy\", \"patience\": 2, \"min_delta\": 1}");
    char *text = NULL;
    CHECK(asprintf(&text, "{\"dataset\": {\"name\": \"tiny\", \"validation\": \"none\"}%s",
                   strchr(spec, '}') + 1) > 0);
    int64_t job = workshop_submit(&shop, text);
    workshop_wait_end(&shop, job);
    check_state(shop.db, job, JOB_SUCCEEDED, "early_stopping: train_accuracy");
    CHECK_INT(count_series(shop.db, job, "train_accuracy").rows, 3);
    CHECK_INT(count_series(shop.db, job, "val_loss").rows, 0);
    CHECK_INT(count_events(shop.db, job, "evaluation"), 3);
    free(text);
    free(spec);
    workshop_close(&shop);
}

/* ---- plateau ---- */

TEST("a job whose loss stands still trains on with the smaller rate, and evaluations come before "
     "checkpoints of the same step")
{
    struct workshop shop;
    workshop_open(&shop, "data");
    workshop_work(&shop, 1);
    int64_t job = run(&shop, "\"epochs\": 6, \"seed\": 5, \"lr_schedule\": {\"type\": "
                             "\"reduce_on_plateau\", \"patience\": 1, \"factor\": 0.5, "
                             "\"threshold\": 100, \"threshold_mode\": \"abs\"}");
    check_state(shop.db, job, JOB_SUCCEEDED, NULL);
    /* The first evaluation improves on nothing; the third without improvement is one too many. */
    CHECK(value_at(shop.db, job, "lr", 18) == 0.002);
    CHECK(value_at(shop.db, job, "lr", 19) == 0.001);
    CHECK(value_at(shop.db, job, "lr", 30) == 0.001);
    CHECK(value_at(shop.db, job, "lr", 31) == 0.0005);
    workshop_close(&shop);
}

/* ---- the same after stops ---- */

static int long_steps(void)
{
    return 3600 / test_slowdown();
}

/* Two jobs of one spec (its %d are steps), one of them stopped again and again. */
static void check_stops(const char *format)
{
    struct workshop shop;
    char members[700];
    int steps = long_steps();
    (void)snprintf(members, sizeof(members), format, steps, steps / 36);
    workshop_open(&shop, "data");
    int64_t whole = submit_tiny(&shop, members);
    workshop_work(&shop, 1);
    workshop_wait_end(&shop, whole);
    int64_t parted = submit_tiny(&shop, members);
    for (int i = 0; i < 5; i++) {
        workshop_wait_step(&shop, parted, 1 + i * steps / 10);
        workshop_rest(&shop);
        check_state(shop.db, parted, JOB_QUEUED, NULL);
        workshop_work(&shop, 1);
    }
    workshop_wait_end(&shop, parted);
    CHECK_INT(workshop_state(shop.db, parted), JOB_SUCCEEDED);
    CHECK_INT(workshop_state(shop.db, whole), JOB_SUCCEEDED);
    check_same_run(shop.db, whole, shop.db, parted);
    CHECK_INT(count_events(shop.db, parted, "evaluation"),
              count_events(shop.db, whole, "evaluation"));
    workshop_close(&shop);
}

TEST("plateau, train_accuracy and early stopping are the same after any number of stops")
{
    check_stops("\"max_steps\": %d, \"seed\": 3, \"checkpoint\": {\"every\": {\"steps\": %d}}, "
                "\"evaluate_every\": {\"steps\": 7}, \"clip_grad_norm\": 0.5, "
                "\"lr_schedule\": {\"type\": \"reduce_on_plateau\", \"patience\": 2, \"factor\": "
                "0.9}, \"early_stopping\": {\"metric\": \"train_loss\", \"patience\": 400}");
}

/* Puts an ended job back into the queue, as if a stop had left it at step `at`, in front of an
 * evaluation whose rows an earlier life has stored: with one checkpoint, which knows nothing of it.
 */
static void put_back(struct workshop *shop, int64_t job, int64_t at)
{
    struct job_row row = {0};
    struct problems *problems = calloc(1, sizeof(*problems));
    struct dataset *dataset = open_dataset("tiny");
    struct trainer *trainer = NULL;
    struct error error = {0};
    struct spec spec;
    struct plan plan;
    CHECK(problems && store_job_get_number(shop->db, job, &row, &error));
    CHECK(spec_from_stored(row.spec, &spec, &error));
    CHECK(spec_settle(&spec, dataset_shape(dataset), NULL, &error));
    CHECK(plan_make(&spec, dataset_shape(dataset), &plan, problems, NULL, &error));
    const struct trainer_setup setup = {.spec = &spec,
                                        .plan = &plan,
                                        .dataset = dataset,
                                        .threads = 1,
                                        .kernels = KERNELS_REFERENCE};
    CHECK(trainer_new(&setup, &trainer, &error));
    for (int64_t i = 0; i < at; i++)
        step(trainer);
    size_t size = checkpoint_size(&plan);
    uint8_t *bytes = malloc(size);
    CHECK(bytes != NULL);
    trainer_save(trainer, bytes);
    const struct checkpoint_new checkpoint = {
        .job = job, .step = at, .bytes = bytes, .size = size, .score = NAN, .passing = true};
    CHECK(try_sql(shop->store, "UPDATE checkpoint SET complete = 0", &error));
    CHECK(store_checkpoint_add(shop->store, &checkpoint, &error));
    CHECK(try_sql(shop->store, "UPDATE job SET state = 'queued', finished_at = 0", &error));
    trainer_free(trainer);
    plan_drop(&plan);
    spec_drop(&spec);
    dataset_release(dataset);
    job_row_drop(&row);
    free(problems);
    free(bytes);
}

TEST("an evaluation whose rows are stored is not made once more, and the rate still falls by it")
{
    struct workshop shop, other;
    static const char members[] =
        "\"epochs\": 6, \"seed\": 5, \"evaluate_every\": {\"steps\": 9}, "
        "\"lr_schedule\": {\"type\": \"reduce_on_plateau\", \"patience\": "
        "0, \"threshold\": 100, \"threshold_mode\": \"abs\"}";
    workshop_open(&other, "other");
    workshop_work(&other, 1);
    int64_t whole = run(&other, members);
    workshop_open(&shop, "data");
    workshop_work(&shop, 1);
    int64_t job = run(&shop, members);
    workshop_rest(&shop);
    put_back(&shop, job, 9);
    workshop_work(&shop, 1);
    workshop_wait_end(&shop, job);
    check_state(shop.db, job, JOB_SUCCEEDED, NULL);
    check_same_run(other.db, whole, shop.db, job);
    CHECK(value_at(shop.db, job, "lr", 19) < value_at(shop.db, job, "lr", 18));
    CHECK_INT(count_events(shop.db, job, "evaluation"), 4);
    workshop_close(&shop);
    workshop_close(&other);
}

TEST("what a stopped job keeps is what one keeps that was never stopped")
{
    static const char members[] = "\"epochs\": 400, \"seed\": 3, \"checkpoint\": {\"every\": "
                                  "{\"epochs\": 150}, \"keep_last\": 2}";
    struct workshop shop;
    workshop_open(&shop, "data");
    workshop_work(&shop, 1);
    int64_t job = submit_tiny(&shop, members);
    for (int i = 1; i < 4; i++) {
        workshop_wait_step(&shop, job, i * 100 * TINY_STEPS_PER_EPOCH);
        workshop_rest(&shop);
        workshop_work(&shop, 1);
    }
    workshop_wait_end(&shop, job);
    struct checkpoint_row *rows = NULL;
    int count = 0;
    CHECK(store_checkpoint_list(shop.db, job, &rows, &count, NULL));
    for (int i = 0; i < count; i++) {
        CHECK(!rows[i].passing);
        CHECK(rows[i].step % (150 * TINY_STEPS_PER_EPOCH) == 0 ||
              rows[i].step == 400 * TINY_STEPS_PER_EPOCH);
        checkpoint_row_drop(&rows[i]);
    }
    CHECK(count >= 2 && count <= 3);
    free(rows);
    workshop_close(&shop);
}
