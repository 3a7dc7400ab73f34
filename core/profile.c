/* Profile: see profile.h. */
#include "core/profile.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LINE = 64 / sizeof(int64_t) }; /* counters that share a cache line */

struct profile {
    int members;
    size_t stride; /* counters of one member, whole cache lines */
    int64_t *nanoseconds;
};

bool profile_make(int members, int ops, struct profile **out, struct error *error)
{
    struct profile *profile = calloc(1, sizeof *profile);
    size_t cells = (size_t)profile_cell(ops, PROFILE_PACK);

    *out = profile;
    if (!profile)
        return error_set(error, ERROR_MEMORY, "profile", "no memory for a profile");
    profile->members = members;
    profile->stride = (cells + LINE - 1) / LINE * LINE;
    profile->nanoseconds =
        aligned_alloc(64, (size_t)members * profile->stride * sizeof *profile->nanoseconds);
    if (!profile->nanoseconds) {
        profile_free(profile);
        *out = NULL;
        return error_set(error, ERROR_MEMORY, "profile", "no memory for a profile");
    }
    profile_clear(profile);
    return true;
}

void profile_free(struct profile *profile)
{
    if (!profile)
        return;
    free(profile->nanoseconds);
    free(profile);
}

void profile_clear(struct profile *profile)
{
    memset(profile->nanoseconds, 0,
           (size_t)profile->members * profile->stride * sizeof *profile->nanoseconds);
}

double profile_seconds(const struct profile *profile, int cell)
{
    int64_t sum = 0;

    for (int member = 0; member < profile->members; member++)
        sum += profile->nanoseconds[(size_t)member * profile->stride + (size_t)cell];
    return (double)sum * 1e-9;
}

int64_t profile_now(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void profile_add(struct profile *profile, int member, int cell, int64_t began)
{
    profile->nanoseconds[(size_t)member * profile->stride + (size_t)cell] += profile_now() - began;
}
