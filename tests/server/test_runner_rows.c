/* A running job and the disk. */
#include "tests/harness.h"
#include "tests/server/workshop.h"

#include <stdatomic.h>
#include <time.h>

static void nap(long milliseconds)
{
    struct timespec moment = {.tv_nsec = milliseconds * 1000 * 1000};
    (void)nanosleep(&moment, NULL);
}

/* A write that takes as long as the test wants, as on a disk that is busy with something else. */
struct slow {
    atomic_bool begun, may_end, ended;
};

static bool slow_work(struct db *db, void *context, struct error *error)
{
    struct slow *slow = context;
    (void)db;
    (void)error;
    atomic_store(&slow->begun, true);
    while (!atomic_load(&slow->may_end))
        nap(50);
    return true;
}

static void slow_done(void *context, const struct error *error)
{
    struct slow *slow = context;
    CHECK(error == NULL);
    atomic_store(&slow->ended, true);
}

/* Processor time of the whole process: of the one thread that trains, as the others sleep. */
static double processor_seconds(void)
{
    struct timespec time;
    CHECK(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time) == 0);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* So large that rows do not fill their batch while the test looks. */
static const char spec[] =
    "{\"dataset\": {\"name\": \"tiny\"}, \"model\": ["
    "{\"type\": \"conv2d\", \"out_channels\": 32, \"kernel_size\": 3}, \"relu\","
    "{\"type\": \"conv2d\", \"out_channels\": 32, \"kernel_size\": 3}, \"relu\", \"flatten\","
    "{\"type\": \"linear\", \"out_features\": 4}], \"optimizer\": \"adam\", \"batch_size\": 32,"
    "\"max_steps\": 1000000, \"seed\": 5, \"evaluate_every\": {\"steps\": 1000000}, "
    "\"checkpoint\": {\"every\": {\"steps\": 1000000}}}";

TEST_SLOW("training goes on while its rows wait for a slow disk, and none is lost", 20)
{
    struct workshop shop;
    struct slow slow = {0};
    workshop_open(&shop, "data");
    workshop_work(&shop, 1);
    int64_t job = workshop_submit(&shop, spec);
    workshop_wait_step(&shop, job, 1);
    store_write_later(shop.store, slow_work, slow_done, &slow);
    while (!atomic_load(&slow.begun))
        nap(1);
    /* Who waits for the disk does so after a tenth of a second. */
    double before = processor_seconds();
    while (processor_seconds() - before < 0.3)
        nap(50);
    atomic_store(&slow.may_end, true);
    while (!atomic_load(&slow.ended))
        nap(1);
    workshop_rest(&shop); /* stores what is left */
    struct series_count count = count_series(shop.db, job, "train_loss");
    CHECK(count.rows > 0);
    CHECK_INT(count.rows, count.last);
    workshop_close(&shop);
}
