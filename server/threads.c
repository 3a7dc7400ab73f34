/* Threads: see threads.h. */
#include "server/threads.h"

#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

/* Where a container sees its own limit, and a program outside of them none. */
static const char quota_path[] = "/sys/fs/cgroup/cpu.max";

int threads_quota(const char *path)
{
    FILE *file = fopen(path, "re");
    long long quota = 0, period = 0;
    if (!file)
        return INT_MAX;
    int found = fscanf(file, "%lld %lld", &quota, &period);
    (void)fclose(file);
    if (found != 2 || quota <= 0 || period <= 0 || quota / period >= INT_MAX)
        return INT_MAX;
    return quota < period ? 1 : (int)(quota / period);
}

static int allowed_processors(void)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 0)
        return CPU_COUNT(&set);
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (int)online : 1;
}

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

int threads_processors(void)
{
    return smaller(allowed_processors(), threads_quota(quota_path));
}

struct threads threads_share(int processors, int workers, int wanted)
{
    int share = processors / workers;
    return (struct threads){.usual = wanted > 0  ? wanted
                                     : share > 0 ? share
                                                 : 1,
                            .most = processors > wanted ? processors : wanted};
}

int threads_of_job(const struct threads *threads, const struct spec *spec, const struct plan *plan)
{
    int64_t named = spec->run.threads;
    if (named == FIELD_ABSENT)
        return plan_threads(plan, threads->usual);
    return plan_threads(plan, named < threads->most ? named : threads->most);
}
