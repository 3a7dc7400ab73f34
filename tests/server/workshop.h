/* Workshop: a store, a catalog and workers in the test's own process, and jobs small enough to
 * train in a blink. Everything here fails the test when it cannot do what it says. */
#ifndef TESTS_SERVER_WORKSHOP_H
#define TESTS_SERVER_WORKSHOP_H

#include "server/pool.h"

#include <stdio.h>

struct workshop {
    struct store *store;
    struct catalog *catalog;
    struct db *db; /* the test's reader */
    struct log log;
    struct runner_world world;
    struct memory memory; /* without an end */
    struct pool *pool;    /* NULL while nobody works */
};

/* Opens the store in `dir` and registers the data set "tiny", which is made beside it at the first
 * time. */
void workshop_open(struct workshop *shop, const char *dir);
void workshop_close(struct workshop *shop);

void workshop_work(struct workshop *shop, int workers);
/* Stops the workers as a stopping daemon does. */
void workshop_rest(struct workshop *shop);

/* The spec of a small network on "tiny": TINY_STEPS_PER_EPOCH steps in an epoch. `extra` is further
 * JSON members, such as "\"epochs\": 3, \"seed\": 1", or "". malloc'ed. */
enum { TINY_TRAIN = 96, TINY_TEST = 32, TINY_BATCH = 16, TINY_STEPS_PER_EPOCH = 6 };
char *tiny_spec(const char *extra);
/* Writes the data set of that name's shape to `path`. */
void tiny_dataset(const char *path);

/* Queues the job as the API does, wakes the workers; its number. */
int64_t workshop_submit(struct workshop *shop, const char *spec);
/* Both: a job with the spec that tiny_spec gives. */
int64_t submit_tiny(struct workshop *shop, const char *extra);
/* Adds a queued job with that text as its stored spec, unlooked at. */
int64_t workshop_submit_raw(struct workshop *shop, const char *spec);
/* As the API cancels. */
void workshop_cancel(struct workshop *shop, int64_t job);

enum job_state workshop_state(struct db *db, int64_t job);
/* Fails the test when the job has another state or its reason does not contain `reason` (NULL: no
 * reason). */
void check_state(struct db *db, int64_t job, enum job_state state, const char *reason);
/* Waits until the job has ended. */
void workshop_wait_end(struct workshop *shop, int64_t job);
/* Waits until the store holds a row of `train_loss` at or past `step`. */
void workshop_wait_step(struct workshop *shop, int64_t job, int64_t step);

/* How many rows the series has; its last step. */
struct series_count {
    int64_t rows, last;
};
struct series_count count_series(struct db *db, int64_t job, const char *series);
int64_t count_events(struct db *db, int64_t job, const char *name);
/* How many events of that name have this in their data. */
int64_t events_with(struct db *db, int64_t job, const char *name, const char *part);
/* The value of a series at a step; NaN when there is none. */
double value_at(struct db *db, int64_t job, const char *series, int64_t step);
/* Of the newest checkpoint. */
int64_t newest_step(struct db *db, int64_t job);

/* Fails unless both jobs have the same series, steps 1 … without gaps or doubles in train_loss,
 * bit-equal values, and the same bytes in their newest checkpoints. */
void check_same_run(struct db *one, int64_t a, struct db *other, int64_t b);

#endif
