/* Pool: claiming, sleeping, waking. The queue itself is the database: a wake-up that is lost costs
 * seconds, never a job. */
#include "server/pool.h"

#include "server/spec_json.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { POOL_RECHECK_SECONDS = 3 };

struct worker {
    struct pool *pool;
    pthread_t thread;
    int64_t job; /* number of the running one; 0: none */
    struct runner_signals signals;
};

struct pool {
    struct store *store;
    const struct runner_world *world;
    struct memory *memory;
    int started; /* threads to join */
    int count;
    struct worker *workers;
    /* A leaf: guards `job` of every worker and what follows. The signals are atomic, but are
     * cleared only under it, together with a change of `job`, so that none reaches the next job. */
    pthread_mutex_t lock;
    pthread_cond_t news; /* `wakes` or `stopping` changed */
    int64_t wakes;
    int admitted; /* jobs, from their claim on */
    bool held;    /* the next job waits for memory */
    bool stopping;
    int ended; /* threads */
};

struct claim {
    struct pool *pool;
    struct job_row job;
    int64_t bytes; /* taken for it */
    bool found;
};

/* Whether there is memory for the next job. One that would run alone is never held: it was
 * accepted, and nothing that it could wait for would end. */
static bool admit(struct claim *claim)
{
    struct pool *pool = claim->pool;
    bool fits = memory_take(pool->memory, claim->bytes);

    pthread_mutex_lock(&pool->lock);
    bool alone = pool->admitted == 0;
    pool->admitted += fits || alone;
    pool->held = !fits && !alone;
    pthread_mutex_unlock(&pool->lock);
    if (alone && !fits)
        memory_charge(pool->memory, claim->bytes);
    return fits || alone;
}

static void dismiss(const struct claim *claim)
{
    struct pool *pool = claim->pool;

    memory_give(pool->memory, claim->bytes);
    pthread_mutex_lock(&pool->lock);
    pool->admitted--;
    bool held = pool->held;
    pool->held = false;
    pthread_mutex_unlock(&pool->lock);
    if (held)
        pool_wake(pool);
}

/* An empty queue is no failure: nothing is to be undone. */
static bool claim_work(struct db *db, void *context, struct error *error)
{
    struct claim *claim = context;
    struct error failure = {0};
    char *plan = NULL;
    if (store_job_next(db, &plan, &failure)) {
        claim->bytes = plan_bytes_from_text(plan);
        free(plan);
        if (!admit(claim))
            return true;
        claim->found = store_job_claim(db, &claim->job, &failure);
        if (!claim->found)
            dismiss(claim);
    }
    if (claim->found || failure.kind == ERROR_NOT_FOUND)
        return true;
    return error_set(error, failure.kind, failure.where, "%s", failure.text);
}

/* One job from claim to end. False when none was there to claim. */
static bool worker_turn(struct worker *worker)
{
    struct pool *pool = worker->pool;
    struct claim claim = {.pool = pool};
    struct error error = {0};
    if (!store_write(pool->store, claim_work, &claim, &error)) {
        log_line(pool->world->log, LOG_ERROR, "cannot claim a job: %s", error.text);
        if (claim.found) { /* claimed, but the transaction failed */
            dismiss(&claim);
            job_row_drop(&claim.job);
        }
        return false;
    }
    if (!claim.found)
        return false;
    pthread_mutex_lock(&pool->lock);
    worker->job = claim.job.number;
    atomic_store(&worker->signals.look, false);
    pthread_mutex_unlock(&pool->lock);

    runner_run(pool->world, &claim.job, &worker->signals);

    pthread_mutex_lock(&pool->lock);
    worker->job = 0;
    pthread_mutex_unlock(&pool->lock);
    dismiss(&claim);
    job_row_drop(&claim.job);
    return true;
}

/* Sleeps until a wake-up later than `seen`, the stop, or a few seconds. */
static void worker_sleep(struct pool *pool, int64_t seen)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += POOL_RECHECK_SECONDS;
    pthread_mutex_lock(&pool->lock);
    while (!pool->stopping && pool->wakes == seen) {
        if (pthread_cond_timedwait(&pool->news, &pool->lock, &until) == ETIMEDOUT)
            break;
    }
    pthread_mutex_unlock(&pool->lock);
}

static void *worker_main(void *context)
{
    struct worker *worker = context;
    struct pool *pool = worker->pool;
    for (;;) {
        pthread_mutex_lock(&pool->lock);
        bool stopping = pool->stopping;
        pool->ended += stopping;
        int64_t seen = pool->wakes; /* read before the claim: a job added after it wakes us */
        pthread_mutex_unlock(&pool->lock);
        if (stopping)
            return NULL;
        if (!worker_turn(worker))
            worker_sleep(pool, seen);
    }
}

static struct pool *pool_make(const struct pool_setup *setup)
{
    struct pool *pool = calloc(1, sizeof(*pool));
    if (!pool)
        return NULL;
    pool->workers = calloc((size_t)setup->workers, sizeof(*pool->workers));
    if (!pool->workers) {
        free(pool);
        return NULL;
    }
    pool->store = setup->store;
    pool->world = setup->world;
    pool->memory = setup->memory;
    pool->count = setup->workers;
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&pool->news, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&pool->lock, NULL);
    return pool;
}

bool pool_new(const struct pool_setup *setup, struct pool **out, struct error *error)
{
    *out = pool_make(setup);
    return *out || error_set(error, ERROR_MEMORY, "pool", "no memory for the workers");
}

bool pool_start(struct pool *pool, struct error *error)
{
    for (; pool->started < pool->count; pool->started++) {
        struct worker *worker = &pool->workers[pool->started];
        worker->pool = pool;
        int code = pthread_create(&worker->thread, NULL, worker_main, worker);
        if (code != 0)
            return error_set(error, ERROR_IO, "pool", "cannot start a worker: %s", strerror(code));
    }
    return true;
}

void pool_wake(struct pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->wakes++;
    pthread_cond_broadcast(&pool->news);
    pthread_mutex_unlock(&pool->lock);
}

void pool_tell(struct pool *pool, int64_t number)
{
    pthread_mutex_lock(&pool->lock);
    for (int i = 0; i < pool->count; i++) {
        if (pool->workers[i].job == number)
            atomic_store(&pool->workers[i].signals.look, true);
    }
    pthread_mutex_unlock(&pool->lock);
}

void pool_stop(struct pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->stopping = true;
    for (int i = 0; i < pool->count; i++)
        atomic_store(&pool->workers[i].signals.stop, true);
    pthread_cond_broadcast(&pool->news);
    pthread_mutex_unlock(&pool->lock);
    for (int i = 0; i < pool->started; i++)
        pthread_join(pool->workers[i].thread, NULL);
}

void pool_free(struct pool *pool)
{
    if (!pool)
        return;
    pthread_cond_destroy(&pool->news);
    pthread_mutex_destroy(&pool->lock);
    free(pool->workers);
    free(pool);
}

int pool_busy(struct pool *pool)
{
    int busy = 0;
    pthread_mutex_lock(&pool->lock);
    for (int i = 0; i < pool->count; i++)
        busy += pool->workers[i].job != 0;
    pthread_mutex_unlock(&pool->lock);
    return busy;
}

int pool_ended(struct pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    int ended = pool->ended;
    pthread_mutex_unlock(&pool->lock);
    return ended;
}

int pool_workers(const struct pool *pool)
{
    return pool->count;
}
