/* Job states: their names and the table of legal moves. Knows nothing of who moves a job or why. */
#include "server/store.h"

#include <string.h>

#define TO(state) (1u << (state))

static const struct {
    const char *name; /* as stored and as sent: never changed */
    unsigned moves;   /* none: the job has ended */
} states[JOB_STATES] = {
    [JOB_QUEUED] = {"queued", TO(JOB_RUNNING) | TO(JOB_PAUSED) | TO(JOB_CANCELLED)},
    /* Back to queued: the daemon stops, or has died. */
    [JOB_RUNNING] = {"running", TO(JOB_QUEUED) | TO(JOB_PAUSING) | TO(JOB_CANCELLING) |
                                    TO(JOB_SUCCEEDED) | TO(JOB_FAILED)},
    [JOB_PAUSING] = {"pausing", TO(JOB_QUEUED) | TO(JOB_RUNNING) | TO(JOB_PAUSED) |
                                    TO(JOB_CANCELLING) | TO(JOB_SUCCEEDED) | TO(JOB_FAILED)},
    [JOB_PAUSED] = {"paused", TO(JOB_QUEUED) | TO(JOB_CANCELLED)},
    /* Not to succeeded: a user who was told that the job is being cancelled finds it cancelled. */
    [JOB_CANCELLING] = {"cancelling", TO(JOB_CANCELLED) | TO(JOB_FAILED)},
    [JOB_CANCELLED] = {"cancelled", 0},
    [JOB_SUCCEEDED] = {"succeeded", 0},
    [JOB_FAILED] = {"failed", 0},
};

static bool known(enum job_state state)
{
    return (unsigned)state < JOB_STATES;
}

const char *job_state_name(enum job_state state)
{
    return known(state) ? states[state].name : "unknown";
}

int job_state_find(const char *name)
{
    for (int i = 0; i < JOB_STATES; i++)
        if (strcmp(states[i].name, name) == 0)
            return i;
    return -1;
}

bool job_state_ended(enum job_state state)
{
    return known(state) && states[state].moves == 0;
}

bool job_state_may_become(enum job_state from, enum job_state to)
{
    return known(from) && known(to) && (states[from].moves & TO(to)) != 0;
}
