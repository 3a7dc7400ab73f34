/* Job states: their names and the table of legal moves. Knows nothing of who moves a job or why. */
#include "server/store.h"

#include <string.h>

#define TO(state) (1u << (state))

/* As stored and as sent: never changed. */
const char *const job_state_names[JOB_STATES + 1] = {
    [JOB_QUEUED] = "queued",       [JOB_RUNNING] = "running",       [JOB_PAUSING] = "pausing",
    [JOB_PAUSED] = "paused",       [JOB_CANCELLING] = "cancelling", [JOB_CANCELLED] = "cancelled",
    [JOB_SUCCEEDED] = "succeeded", [JOB_FAILED] = "failed",
};

/* None: the job has ended. */
static const unsigned moves[JOB_STATES] = {
    [JOB_QUEUED] = TO(JOB_RUNNING) | TO(JOB_PAUSED) | TO(JOB_CANCELLED),
    /* Back to queued: the daemon stops, or has died. */
    [JOB_RUNNING] =
        TO(JOB_QUEUED) | TO(JOB_PAUSING) | TO(JOB_CANCELLING) | TO(JOB_SUCCEEDED) | TO(JOB_FAILED),
    [JOB_PAUSING] = TO(JOB_QUEUED) | TO(JOB_RUNNING) | TO(JOB_PAUSED) | TO(JOB_CANCELLING) |
                    TO(JOB_SUCCEEDED) | TO(JOB_FAILED),
    [JOB_PAUSED] = TO(JOB_QUEUED) | TO(JOB_CANCELLED),
    /* Not to succeeded: a user who was told that the job is being cancelled finds it cancelled. */
    [JOB_CANCELLING] = TO(JOB_CANCELLED) | TO(JOB_FAILED),
};

static bool known(enum job_state state)
{
    return (unsigned)state < JOB_STATES;
}

const char *job_state_name(enum job_state state)
{
    return known(state) ? job_state_names[state] : "unknown";
}

int job_state_find(const char *name)
{
    for (int i = 0; i < JOB_STATES; i++)
        if (strcmp(job_state_names[i], name) == 0)
            return i;
    return -1;
}

bool job_state_ended(enum job_state state)
{
    return known(state) && moves[state] == 0;
}

bool job_state_may_become(enum job_state from, enum job_state to)
{
    return known(from) && known(to) && (moves[from] & TO(to)) != 0;
}
