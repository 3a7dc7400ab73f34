/* kill -9 while the store is busy: what was acknowledged is there. */
#include "tests/server/store_support.h"

#include "core/digest.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 50 };

/* What the child promises after each store call has returned; smaller than a pipe's atomic write.
 */
struct promise {
    enum { PROMISED_JOB, PROMISED_METRIC, PROMISED_CHECKPOINT } what;
    int64_t job, step;
    char id[JOB_ID_SIZE];
};

struct busy {
    struct store *store;
    int pipe;
};

static void promise(const struct busy *busy, const struct promise *made)
{
    if (write(busy->pipe, made, sizeof(*made)) != (ssize_t)sizeof(*made))
        _exit(2);
}

static void *submit(void *argument)
{
    struct busy *busy = argument;
    struct error error = {0};

    for (;;) {
        struct job_row row;
        struct promise made = {.what = PROMISED_JOB};
        if (!try_add(busy->store, &row, &error))
            _exit(3);
        made.job = row.number;
        memcpy(made.id, row.id, JOB_ID_SIZE);
        job_row_drop(&row);
        promise(busy, &made);
    }
    return NULL;
}

static void *train(void *argument)
{
    struct busy *busy = argument;
    struct error error = {0};
    struct job_row row;

    while (!try_claim(busy->store, &row, &error))
        error = (struct error){0};
    uint8_t *bytes = make_bytes(3 << 20, (unsigned)row.number);
    for (int64_t step = 1;; step++) {
        const struct metric_row metric = {"loss", step, 1.0 / (double)step, 1};
        struct promise made = {.what = PROMISED_METRIC, .job = row.number, .step = step};
        if (!try_metrics(busy->store, row.number, &metric, 1, &error))
            _exit(4);
        promise(busy, &made);
        if (step % 4 != 0)
            continue;
        const struct checkpoint_new checkpoint = {.job = row.number,
                                                  .step = step,
                                                  .epoch = 1,
                                                  .bytes = bytes,
                                                  .size = 3 << 20,
                                                  .score = (double)step,
                                                  .keep_last = 1};
        if (!store_checkpoint_add(busy->store, &checkpoint, &error))
            _exit(5);
        made.what = PROMISED_CHECKPOINT;
        promise(busy, &made);
    }
    return NULL;
}

static void be_busy(int pipe)
{
    struct busy busy = {.store = must_open(), .pipe = pipe};
    pthread_t thread;

    if (pthread_create(&thread, NULL, submit, &busy) != 0 ||
        pthread_create(&thread, NULL, submit, &busy) != 0)
        _exit(6);
    train(&busy);
}

static int64_t now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

struct promises {
    struct promise *items;
    size_t count, room;
};

/* When to kill: a moment after the first promise of a kind. */
struct moment {
    int kind;
    int64_t after_us;
};

static void keep_promise(struct promises *promises, const struct promise *made)
{
    if (promises->count == promises->room) {
        promises->room = promises->room ? 2 * promises->room : 1024;
        promises->items = realloc(promises->items, promises->room * sizeof(*promises->items));
        CHECK(promises->items);
    }
    promises->items[promises->count++] = *made;
}

/* Collects promises, kills the child, then takes what is still in the pipe. */
static void collect(int pipe, pid_t child, struct moment moment, struct promises *out)
{
    int64_t deadline = 0;
    bool killed = false;

    out->count = 0;
    for (;;) {
        struct pollfd ready = {.fd = pipe, .events = POLLIN};
        struct promise made;
        if (deadline && !killed && now_us() >= deadline) {
            CHECK(kill(child, SIGKILL) == 0);
            killed = true;
        }
        if (poll(&ready, 1, killed ? -1 : 1) == 0)
            continue;
        ssize_t got = read(pipe, &made, sizeof(made));
        if (got == 0)
            break;
        CHECK(got == (ssize_t)sizeof(made));
        keep_promise(out, &made);
        if (!deadline && (int)made.what == moment.kind)
            deadline = now_us() + moment.after_us;
    }
}

struct steps {
    int64_t next;
};

static bool in_order(void *context, const struct metric_row *row)
{
    struct steps *steps = context;

    CHECK_INT(row->step, steps->next++);
    CHECK(row->value == 1.0 / (double)row->step);
    return true;
}

static void check_checkpoint(struct db *db, const struct promise *made)
{
    static uint8_t bytes[3 << 20];
    struct checkpoint_row row;
    struct error error = {0};
    uint8_t digest[DIGEST_BYTES];
    char hex[DIGEST_HEX];

    GOOD(store_checkpoint_find(db, made->job, CHECKPOINT_NEWEST, &row, &error));
    CHECK(row.step >= made->step && row.bytes == sizeof(bytes) && row.best);
    GOOD(store_checkpoint_read(db, row.number, 0, bytes, sizeof(bytes), &error));
    digest_sha256(bytes, sizeof(bytes), digest);
    digest_hex(digest, hex);
    CHECK_TEXT(row.sha256, hex);
    checkpoint_row_drop(&row);
}

static void check_promises(struct db *db, const struct promises *promises)
{
    struct error error = {0};
    const struct promise *metric = NULL, *checkpoint = NULL;

    for (size_t i = 0; i < promises->count; i++) {
        const struct promise *made = &promises->items[i];
        struct job_row row;
        if (made->what == PROMISED_METRIC)
            metric = made;
        if (made->what == PROMISED_CHECKPOINT)
            checkpoint = made;
        if (made->what != PROMISED_JOB)
            continue;
        GOOD(store_job_get(db, made->id, &row, &error));
        CHECK_INT(row.number, made->job);
        CHECK_INT(row.state, JOB_QUEUED);
        job_row_drop(&row);
    }
    if (metric) {
        struct steps steps = {.next = 1};
        GOOD(store_metrics_read(db, &(struct metric_query){.job = metric->job}, in_order, &steps,
                                &error));
        CHECK(steps.next > metric->step);
        CHECK(must_look(db, metric->job).restarts == 1);
    }
    if (checkpoint)
        check_checkpoint(db, checkpoint);
}

/* So that each round claims a job of its own. */
static void end_waiting_jobs(struct store *store)
{
    struct error error = {0};

    GOOD(try_sql(store, "UPDATE job SET state = 'cancelled' WHERE state = 'queued'", &error));
}

TEST_SLOW("kill -9 at any moment loses no job, metric or checkpoint that was acknowledged", 120)
{
    struct promises promises = {0};
    size_t total = 0, of_kind[3] = {0};
    uint32_t state = (uint32_t)now_us();

    for (int round = 0; round < ROUNDS; round++) {
        int ends[2], status;
        CHECK(pipe(ends) == 0);
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            close(ends[0]);
            be_busy(ends[1]);
        }
        close(ends[1]);
        state = state * 1664525u + 1013904223u;
        collect(ends[0], child, (struct moment){round % 3, (state >> 8) % 40000}, &promises);
        close(ends[0]);
        CHECK(waitpid(child, &status, 0) == child);
        CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        struct store *store = must_open();
        struct db *db = must_read(store);
        check_promises(db, &promises);
        end_waiting_jobs(store);
        db_close(db);
        must_finish(store);
        total += promises.count;
        for (size_t i = 0; i < promises.count; i++)
            of_kind[promises.items[i].what]++;
    }
    free(promises.items);
    CHECK(total > ROUNDS);
    CHECK(of_kind[PROMISED_JOB] && of_kind[PROMISED_METRIC] && of_kind[PROMISED_CHECKPOINT]);
}
