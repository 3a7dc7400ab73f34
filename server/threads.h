/* Threads: how many a job gets. Knows nothing of what they do. */
#ifndef SERVER_THREADS_H
#define SERVER_THREADS_H

#include "core/plan.h"

struct threads {
    int usual; /* of a job whose spec names none */
    int most;  /* of any: the processors there are */
};

/* Processors that this process may use: those of its affinity mask, and no more than its control
 * group's quota has time for. At least 1. */
int threads_processors(void);

/* Whole processors that a control group's `cpu.max` file allows ("150000 100000": 1), at least 1;
 * INT_MAX for no limit, and for a file that is not there or says something else. */
int threads_quota(const char *path);

/* `wanted` threads each for `workers` jobs at once, or for 0 as many that all together have a
 * processor each. */
struct threads threads_share(int processors, int workers, int wanted);

/* What the spec names, or the usual number; never more than there are processors, and never more
 * than have something to do. */
int threads_of_job(const struct threads *threads, const struct spec *spec, const struct plan *plan);

#endif
