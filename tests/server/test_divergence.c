/* Jobs that leave the finite numbers: what they go back to, what is left of them, and how they end.
 */
#include "tests/harness.h"
#include "tests/server/workshop.h"

#include "core/digest.h"
#include "core/field.h"
#include "server/commands.h"
#include "tests/core/support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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

/* Long enough for two returns. */
static int long_steps(void)
{
    return test_slowdown() > 1 ? 900 : 3600;
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

/* ---- without a server ---- */

/* What `traind train` makes of the spec, as the digest of the file of weights that it writes. */
static void train_alone(const char *spec, char sha256[DIGEST_HEX])
{
    char *argv[] = {"spec.json", "--data=tiny=tiny", "--kernels=reference",
                    "--quiet",   "--out=weights",    NULL};
    uint8_t digest[DIGEST_BYTES], *bytes;
    size_t size;
    write_bytes("spec.json", spec, strlen(spec));
    CHECK_INT(command_train(5, argv), 0);
    bytes = read_bytes("weights", &size);
    digest_sha256(bytes, size, digest);
    digest_hex(digest, sha256);
    free(bytes);
}

static void check_alone(struct workshop *shop, const char *spec)
{
    struct checkpoint_row newest = {0};
    char sha256[DIGEST_HEX];
    int64_t job = workshop_submit(shop, spec);
    workshop_wait_end(shop, job);
    CHECK_INT(workshop_state(shop->db, job), JOB_SUCCEEDED);
    CHECK(store_checkpoint_find(shop->db, job, CHECKPOINT_NEWEST, &newest, NULL));
    train_alone(spec, sha256);
    CHECK_TEXT(sha256, newest.file.sha256);
    checkpoint_row_drop(&newest);
}

TEST(
    "traind train ends with the weights of the server's last checkpoint: after returns, a stop, an "
    "early end, a falling rate")
{
    static const char *const answers[] = {thousandth, "\"stop\""};
    static const char *const members[] = {
        "\"epochs\": 50, \"seed\": 5, \"early_stopping\": {\"patience\": 3, \"min_delta\": 100}",
        "\"epochs\": 9, \"seed\": 5, \"clip_grad_value\": 0.01, \"lr_schedule\": {\"type\": "
        "\"reduce_on_plateau\", \"patience\": 0, \"metric\": \"train_accuracy\"}",
    };
    struct workshop shop;
    workshop_open(&shop, "data");
    workshop_work(&shop, 1);
    for (size_t i = 0; i < COUNT_OF(answers); i++) {
        char *spec = NULL;
        CHECK(asprintf(&spec, explosive, 300, 100, answers[i]) > 0);
        check_alone(&shop, spec);
        free(spec);
    }
    for (size_t i = 0; i < COUNT_OF(members); i++) {
        char *spec = tiny_spec(members[i]);
        check_alone(&shop, spec);
        free(spec);
    }
    workshop_close(&shop);
}
