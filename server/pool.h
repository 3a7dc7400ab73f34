/* Pool: the worker threads. Each claims a queued job from the store, has the runner run it, and
 * sleeps when none waits, or when the memory that others leave is too little for the next one: no
 * later job overtakes it. Knows nothing of what running a job means.
 *
 * Other threads speak to a running job by its number only: pool_tell sets a flag that the runner
 * reads at each step boundary. */
#ifndef SERVER_POOL_H
#define SERVER_POOL_H

#include "server/runner.h"

struct pool;

struct pool_setup {
    struct store *store;
    const struct runner_world *world; /* borrowed, shared by all workers */
    struct memory *memory;            /* what a job takes of it is known when it is claimed */
    int workers;
};

/* No thread yet: wake-ups and cancels that come before pool_start are as good as later ones. */
bool pool_new(const struct pool_setup *setup, struct pool **out, struct error *error) MUST_CHECK;
/* Starts the workers, which claim at once. On failure those that were started go on until
 * pool_stop. */
bool pool_start(struct pool *pool, struct error *error) MUST_CHECK;
/* A job was queued: wake a sleeping worker. Any thread. */
void pool_wake(struct pool *pool);
/* Has the worker that runs job `number` look at the job's orders after the current step: it is to
 * be cancelled, paused, edited. Any thread; call it after they are stored, in the same write or
 * later. Nothing is lost when no worker has the job yet: the runner looks when it starts. */
void pool_tell(struct pool *pool, int64_t number);
/* Every worker finishes its step, stores a checkpoint, puts its job back into the queue, and ends.
 * Joins. The functions around this one may be called until pool_free. */
void pool_stop(struct pool *pool);
/* After pool_stop. NULL is allowed. */
void pool_free(struct pool *pool);
/* How many workers are busy. */
int pool_busy(struct pool *pool);
int pool_workers(const struct pool *pool);
/* How many of the workers' threads have ended: none should before pool_stop. */
int pool_ended(struct pool *pool);

#endif
