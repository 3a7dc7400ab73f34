/* Support for the store's tests: one call of the store's as one write of its own. */
#ifndef TESTS_SERVER_STORE_SUPPORT_H
#define TESTS_SERVER_STORE_SUPPORT_H

#include "server/store.h"
#include "tests/harness.h"

/* Both need a local `struct error error`, which then holds how the call went. */
#define GOOD(call) store_good(TEST_PLACE(#call), (error = (struct error){0}, (call)), &error)
#define FAILS(call, wanted)                                                                        \
    store_fails(TEST_PLACE(#call), (error = (struct error){0}, (call)), &error, (wanted))

void store_good(struct test_place place, bool good, const struct error *error);
void store_fails(struct test_place place, bool good, const struct error *error,
                 enum error_kind wanted);

/* The folder "data" of the test; fails the test. */
struct store *must_open(void);
void must_finish(struct store *store);
struct db *must_read(struct store *store);

/* Each is one store_write. */
int64_t must_add(struct store *store, int64_t priority);
bool try_add(struct store *store, struct job_row *out, struct error *error);
bool try_claim(struct store *store, struct job_row *out, struct error *error);
bool try_move(struct store *store, const struct job_move *move, struct error *error);
bool try_metrics(struct store *store, int64_t job, const struct metric_row *rows, size_t count,
                 struct error *error);
bool try_event(struct store *store, int64_t job, const char *name, int64_t step,
               struct error *error);
/* A statement with the writer's connection. */
bool try_sql(struct store *store, const char *text, struct error *error);

/* State, revision, restarts: the texts are dropped. */
struct job_row must_look(struct db *db, int64_t number);
int64_t count_jobs(struct db *db);

/* Holds the writer inside a piece, so that what is queued meanwhile makes one group. */
struct gate;
struct gate *gate_close(struct store *store);
void gate_open(struct gate *gate);

/* Bytes that depend on `seed`, malloc'ed. */
uint8_t *make_bytes(size_t size, unsigned seed);

#endif
