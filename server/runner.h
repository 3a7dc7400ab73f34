/* Runner: one job's life from claim to end. Reads the spec, opens the data, makes the trainer,
 * resumes from the newest good checkpoint, pulls steps, stores metrics, evaluations and
 * checkpoints, and moves the job to its end. Knows nothing of HTTP or of other jobs. */
#ifndef SERVER_RUNNER_H
#define SERVER_RUNNER_H

#include "core/trainer.h"
#include "server/catalog.h"
#include "server/instruments.h"
#include "server/log.h"
#include "server/store.h"
#include "server/threads.h"

#include <stdatomic.h>

/* What all jobs share. */
struct runner_world {
    struct store *store;
    struct catalog *catalog;
    const struct log *log;
    struct threads threads;
    enum kernel_choice kernels;
    struct instruments *instruments; /* NULL: nothing is counted */
};

/* Flags that other threads set and the runner reads at each step boundary. */
struct runner_signals {
    atomic_bool look; /* at the job's orders: there may be new ones. The runner takes it down */
    atomic_bool stop; /* the daemon ends: checkpoint, → queued */
};

/* Runs `job` (state running, claimed by the caller) until it ends, is cancelled or must stop. Never
 * fails: a failure is the job's outcome, stored with its reason. */
void runner_run(const struct runner_world *world, const struct job_row *job,
                struct runner_signals *signals);

#endif
