/* Jobs whose course depends on what they find: early ends, falling rates, returns after diverging.
 * Stopped and continued, each must be the job that was never stopped, bit for bit. */
#include "tests/harness.h"
#include "tests/server/workshop.h"

#include "core/field.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- looking ---- */

struct last_row {
    const char *series;
    int64_t step; /* 0: the last one */
    double value;
};

static bool take_row(void *context, const struct metric_row *row)
{
    ((struct last_row *)context)->value = row->value;
    return true;
}

/* The value of a series at a step, or at its last one. */
static double value_at(struct db *db, int64_t job, const char *series, int64_t step)
{
    const char *const names[] = {series, NULL};
    struct metric_query query = {.job = job, .names = names, .from = step, .to = step};
    struct last_row row = {.value = NAN};
    CHECK(store_metrics_read(db, &query, take_row, &row, NULL));
    return row.value;
}

struct event_hunt {
    const char *name, *part;
    int count;
};

static bool hunt_event(void *context, const struct event_row *row)
{
    struct event_hunt *hunt = context;
    hunt->count += strcmp(row->name, hunt->name) == 0 && strstr(row->data, hunt->part) != NULL;
    return true;
}

/* How many events of that name have this in their data. */
static int events_with(struct db *db, int64_t job, const char *name, const char *part)
{
    struct event_hunt hunt = {.name = name, .part = part};
    const struct event_query query = {.job = job, .limit = 100000};
    CHECK(store_events_read(db, &query, hunt_event, &hunt, NULL));
    return hunt.count;
}

static int64_t newest_step(struct db *db, int64_t job)
{
    struct checkpoint_row row = {0};
    CHECK(store_checkpoint_find(db, job, CHECKPOINT_NEWEST, &row, NULL));
    int64_t step = row.step;
    checkpoint_row_drop(&row);
    return step;
}

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

/* ---- divergence ---- */

/* Two linear layers and a rate that explodes from step %d on: see growth. */
static const char explosive[] =
    "{\"dataset\": {\"name\": \"tiny\"}, \"model\": [\"flatten\","
    "{\"type\": \"linear\", \"out_features\": 8}, {\"type\": \"linear\", \"out_features\": 4}],"
    "\"optimizer\": {\"type\": \"sgd\", \"lr\": 0.01, \"momentum\": 0.5}, \"batch_size\": 16, "
    "\"max_steps\": %d, \"seed\": 1, \"checkpoint\": {\"every\": {\"steps\": 40}}, "
    "\"evaluate_every\": {\"steps\": 10}, \"lr_schedule\": {\"type\": \"piecewise\", \"points\": "
    "[[1, 0.01], [%d, 1000000]]}, \"on_divergence\": %s}";

static int64_t submit_explosive(struct workshop *shop, int steps, int from, const char *answer)
{
    char *text = NULL;
    CHECK(asprintf(&text, explosive, steps, from, answer) > 0);
    int64_t job = workshop_submit(shop, text);
    free(text);
    return job;
}

static const char thousandth[] = "{\"rollback\": true, \"lr_factor\": 0.001, \"max_retries\": 5}";

TEST("a job that diverges goes back to its newest checkpoint, takes the steps again with a smaller "
     "rate, and tells of it")
{
    struct workshop shop;
    workshop_open(&shop, "data");
    workshop_work(&shop, 1);
    int64_t job = submit_explosive(&shop, 300, 100, thousandth);
    workshop_wait_end(&shop, job);
    check_state(shop.db, job, JOB_SUCCEEDED, NULL);
    int64_t returns = count_events(shop.db, job, "warning");
    CHECK(returns >= 2 && returns <= 4);
    CHECK_INT(
        events_with(shop.db, job, "warning", "\"to\":80,\"lr_factor\":[1.0,0.001],\"retry\":1}"),
        1);
    CHECK(events_with(shop.db, job, "warning", "\"lr_factor\":[0.001,1e-06],\"retry\":2}") == 1);
    /* Before the checkpoint nothing changed; behind it every row is of a way taken later. */
    CHECK(value_at(shop.db, job, "lr", 80) == 0.01);
    CHECK(value_at(shop.db, job, "lr", 81) <= 0.01 * 0.001 * 0.001);
    CHECK_NEAR(value_at(shop.db, job, "lr", 300), 1e6 * pow(0.001, (double)returns), 1e-12);
    CHECK_INT(count_series(shop.db, job, "train_loss").rows, 300);
    CHECK_INT(count_series(shop.db, job, "val_loss").rows, 30);
    CHECK_INT(newest_step(shop.db, job), 300);
    workshop_close(&shop);
}

static bool extend(void *context, const struct metric_row *row)
{
    struct metric_summary *summary = context;
    CHECK(isfinite(row->value) && row->step > summary->step);
    if (!summary->any || row->value < summary->min) {
        summary->min = row->value;
        summary->min_step = row->step;
    }
    if (!summary->any || row->value > summary->max) {
        summary->max = row->value;
        summary->max_step = row->step;
    }
    summary->last = row->value;
    summary->step = row->step;
    summary->any = true;
    return true;
}

/* The summary is the one of the rows that are there. */
static void check_summary(struct db *db, int64_t job, const struct metric_summary *summary)
{
    const char *const names[] = {summary->series, NULL};
    struct metric_query query = {.job = job, .names = names, .from = 1};
    struct metric_summary wanted = {.any = false};
    CHECK(store_metrics_read(db, &query, extend, &wanted, NULL));
    CHECK(summary->any && wanted.any);
    CHECK_INT(summary->step, 120);
    CHECK_INT(summary->step, wanted.step);
    CHECK_INT(summary->min_step, wanted.min_step);
    CHECK_INT(summary->max_step, wanted.max_step);
    CHECK(summary->last == wanted.last && summary->min == wanted.min && summary->max == wanted.max);
}

TEST("no summary, row or checkpoint is left of the way that was not taken")
{
    struct workshop shop;
    workshop_open(&shop, "data");
    workshop_work(&shop, 1);
    int64_t job = submit_explosive(&shop, 120, 100, thousandth);
    workshop_wait_end(&shop, job);
    struct metric_summary series[16];
    int count = 0;
    CHECK(store_metrics_summary(shop.db, job, series, COUNT_OF(series), &count, NULL));
    CHECK_INT(count, 6);
    for (int i = 0; i < count; i++)
        check_summary(shop.db, job, &series[i]);
    workshop_close(&shop);
}

TEST("a job that diverges before its first checkpoint begins anew with a smaller rate")
{
    struct workshop shop;
    workshop_open(&shop, "data");
    workshop_work(&shop, 1);
    int64_t job = submit_explosive(&shop, 60, 5, thousandth);
    workshop_wait_end(&shop, job);
    check_state(shop.db, job, JOB_SUCCEEDED, NULL);
    CHECK_INT(
        events_with(shop.db, job, "warning", "\"to\":0,\"lr_factor\":[1.0,0.001],\"retry\":1}"), 1);
    CHECK(value_at(shop.db, job, "lr", 1) < 0.01);
    CHECK_INT(count_series(shop.db, job, "train_loss").rows, 60);
    workshop_close(&shop);
}

TEST("returns are bounded: after the last one the job fails as diverged, and its rows stay")
{
    struct workshop shop;
    workshop_open(&shop, "data");
    workshop_work(&shop, 1);
    int64_t job = submit_explosive(&shop, 300, 50,
                                   "{\"rollback\": true, \"lr_factor\": 0.9, \"max_retries\": 2}");
    workshop_wait_end(&shop, job);
    check_state(shop.db, job, JOB_FAILED, "diverged: ");
    check_state(shop.db, job, JOB_FAILED, "after 2 returns to a checkpoint");
    CHECK_INT(count_events(shop.db, job, "warning"), 2);
    CHECK(count_series(shop.db, job, "train_loss").last > 50);
    CHECK_INT(newest_step(shop.db, job), 40);
    workshop_close(&shop);
}

TEST("a job that is to stop when it diverges ends well, says so, and keeps its newest checkpoint")
{
    struct workshop shop;
    workshop_open(&shop, "data");
    workshop_work(&shop, 1);
    int64_t job = submit_explosive(&shop, 300, 100, "\"stop\"");
    workshop_wait_end(&shop, job);
    check_state(shop.db, job, JOB_SUCCEEDED,
                "diverged: training left the finite numbers at step 1");
    CHECK_INT(newest_step(shop.db, job), 80);
    int64_t other = submit_explosive(&shop, 300, 100, "\"fail\"");
    workshop_wait_end(&shop, other);
    check_state(shop.db, other, JOB_FAILED, "diverged: training left the finite numbers at step 1");
    check_same_run(shop.db, job, shop.db, other);
    workshop_close(&shop);
}

TEST("a job that goes back is the same after any number of stops, and a stop's checkpoint is no "
     "place "
     "to go back to")
{
    struct workshop shop;
    int steps = long_steps(), from = steps / 2;
    workshop_open(&shop, "data");
    workshop_work(&shop, 1);
    int64_t whole = submit_explosive(&shop, steps, from, thousandth);
    workshop_wait_end(&shop, whole);
    CHECK(count_events(shop.db, whole, "warning") >= 2);
    int64_t parted = submit_explosive(&shop, steps, from, thousandth);
    for (int i = 1; i < 10; i++) {
        workshop_wait_step(&shop, parted, i * steps / 20);
        workshop_rest(&shop);
        workshop_work(&shop, 1);
    }
    workshop_wait_end(&shop, parted);
    check_state(shop.db, parted, JOB_SUCCEEDED, NULL);
    check_same_run(shop.db, whole, shop.db, parted);
    CHECK_INT(count_events(shop.db, parted, "warning"), count_events(shop.db, whole, "warning"));
    workshop_close(&shop);
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
