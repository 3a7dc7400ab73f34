/* Jobs with several lives: stopped, continued, damaged in between. What comes out must be what one
 * life would have given, bit for bit. */
#include "tests/core/support.h"
#include "tests/harness.h"
#include "tests/server/workshop.h"

#include "core/field.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

/* Long enough to be stopped in the middle; shorter where every step takes longer. */
static int long_steps(void)
{
    return 3600 / test_slowdown();
}

/* A run of long_steps() with a checkpoint every 36th part of it, and further members. */
static int64_t submit_long(struct workshop *shop, const char *extra)
{
    char members[256];
    (void)snprintf(members, sizeof(members),
                   "\"max_steps\": %d, \"seed\": 3, \"checkpoint\": {\"every\": {\"steps\": %d}}%s",
                   long_steps(), long_steps() / 36, extra);
    return submit_tiny(shop, members);
}

TEST("a stopped job goes back into the queue and ends bit for bit as one that never stopped")
{
    static const char extra[] = ", \"evaluate_every\": {\"steps\": 7}";
    struct workshop shop;
    workshop_open(&shop, "data");
    int64_t whole = submit_long(&shop, extra);
    workshop_work(&shop, 1);
    workshop_wait_end(&shop, whole);
    int64_t parted = submit_long(&shop, extra);
    for (int i = 0; i < 5; i++) {
        workshop_wait_step(&shop, parted, 1 + i * long_steps() / 10);
        workshop_rest(&shop);
        check_state(shop.db, parted, JOB_QUEUED, NULL);
        workshop_work(&shop, 1);
    }
    workshop_wait_end(&shop, parted);
    check_state(shop.db, parted, JOB_SUCCEEDED, NULL);
    check_same_run(shop.db, whole, shop.db, parted);
    CHECK_INT(count_events(shop.db, parted, "evaluation"),
              count_events(shop.db, whole, "evaluation"));
    workshop_close(&shop);
}

static bool newest_is_measured(struct workshop *shop, int64_t job)
{
    struct checkpoint_row newest = {0};
    CHECK(store_checkpoint_find(shop->db, job, CHECKPOINT_NEWEST, &newest, NULL));
    CHECK_INT(newest.step, 6);
    bool measured = newest.metrics && strstr(newest.metrics, "val_loss");
    CHECK_INT(newest.best, measured);
    checkpoint_row_drop(&newest);
    return measured;
}

TEST(
    "a stop in the middle of an evaluation does not wait for it, and the next life makes up for it")
{
    const struct data_shape shape = {.sample = {.channels = 1, .height = 10, .width = 10},
                                     .classes = 4,
                                     .train_samples = 96,
                                     .test_samples = 60000};
    struct workshop shop;
    workshop_open(&shop, "data");
    make_idx_dataset("wide", &shape, 7);
    CHECK(catalog_register(shop.catalog, "wide", "wide", NULL));
    char *spec = tiny_spec("\"max_steps\": 6, \"seed\": 1");
    memcpy(strstr(spec, "tiny"), "wide", strlen("wide"));
    workshop_work(&shop, 1);
    int64_t job = workshop_submit(&shop, spec);
    free(spec);
    for (int life = 0; life < 3; life++) {
        while (count_series(shop.db, job, "train_loss").last < 6 ||
               workshop_state(shop.db, job) != JOB_RUNNING)
            continue;
        workshop_rest(&shop);
        check_state(shop.db, job, JOB_QUEUED, NULL);
        CHECK_INT(count_events(shop.db, job, "evaluation"), 0);
        CHECK(!newest_is_measured(&shop, job));
        workshop_work(&shop, 1);
    }
    workshop_wait_end(&shop, job);
    check_state(shop.db, job, JOB_SUCCEEDED, NULL);
    CHECK_INT(count_events(shop.db, job, "evaluation"), 1);
    CHECK(newest_is_measured(&shop, job));
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

TEST("a damaged checkpoint is told of, an older one is taken, and the run ends as if nothing had "
     "been")
{
    struct workshop shop;
    workshop_open(&shop, "data");
    workshop_work(&shop, 1);
    int64_t whole = submit_long(&shop, "");
    workshop_wait_end(&shop, whole);
    int64_t parted = submit_long(&shop, "");
    for (size_t i = 0; i < COUNT_OF(damages); i++) {
        workshop_wait_step(&shop, parted, long_steps() * ((int)i + 1) / 10);
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
    struct workshop shop;
    workshop_open(&shop, "data");
    workshop_work(&shop, 1);
    int64_t whole = submit_long(&shop, "");
    workshop_wait_end(&shop, whole);
    int64_t parted = submit_long(&shop, "");
    workshop_wait_step(&shop, parted, long_steps() / 10);
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
    int64_t job = submit_tiny(&shop, "\"epochs\": 100000, \"seed\": 4");
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
    int64_t job = submit_tiny(&shop, "\"epochs\": 3, \"seed\": 4");
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
