/* Profile: where a job's time goes: nanoseconds of each member of the team, by op and phase and by
 * the parts of a step that belong to no op. Knows nothing of ops beyond their number. While none is
 * asked for, all it costs is a look at a NULL. */
#ifndef CORE_PROFILE_H
#define CORE_PROFILE_H

#include "core/error.h"

#include <stdint.h>

/* What an op does in a step. Meetings of the shards (op.h: barriers) count to the pass that they
 * are in. */
enum profile_phase {
    PROFILE_PACK,
    PROFILE_FORWARD,
    PROFILE_BACKWARD,
    PROFILE_GATHER,
    PROFILE_PHASES
};

/* What belongs to no op: samples made ready, the loss, the gradient norm, the update. */
enum profile_part { PROFILE_DATA, PROFILE_LOSS, PROFILE_NORM, PROFILE_UPDATE, PROFILE_PARTS };

struct profile;

/* All zero, for `members` threads that write without meeting. */
bool profile_make(int members, int ops, struct profile **out, struct error *error) MUST_CHECK;
void profile_free(struct profile *profile); /* NULL is allowed */
void profile_clear(struct profile *profile);

/* A cell is a part, or an op's phase. */
static inline int profile_cell(int op, enum profile_phase phase)
{
    return PROFILE_PARTS + op * PROFILE_PHASES + (int)phase;
}

/* Seconds of all members. While nobody writes. */
double profile_seconds(const struct profile *profile, int cell);

/* Around what is measured, in the member's own thread:
 *     began = profile_begin(profile); …; profile_end(profile, member, cell, began);
 * With NULL they do nothing. */
int64_t profile_now(void);
void profile_add(struct profile *profile, int member, int cell, int64_t began);

static inline int64_t profile_begin(const struct profile *profile)
{
    return profile ? profile_now() : 0;
}

static inline void profile_end(struct profile *profile, int member, int cell, int64_t began)
{
    if (profile)
        profile_add(profile, member, cell, began);
}

#endif
