/* Runner's outcomes: what the world wants of a job, and where the job goes in the end. The signals
 * are hints; the stored state is the truth, and is asked in the writer's thread, behind every
 * change that came before. */
#include "server/runner_parts.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

struct asking {
    int64_t number;
    struct job_orders orders;
};

static bool asking_work(struct db *db, void *context, struct error *error)
{
    struct asking *asking = context;
    return store_job_orders(db, asking->number, &asking->orders, error);
}

static enum runner_wish wish_of(struct runner_course *course, const struct job_orders *orders)
{
    course->wait = orders->edits;
    course->cancelling = orders->state == JOB_CANCELLING;
    course->stop = orders->when;
    if (orders->state == JOB_PAUSING)
        return WISH_PAUSE;
    if (course->cancelling)
        return course->stop == STOP_NOW ? WISH_CANCEL : WISH_GO;
    return orders->state == JOB_RUNNING ? WISH_GO : WISH_LEAVE;
}

bool runner_look(struct runner *runner, enum runner_wish *wish, struct error *error)
{
    if (atomic_exchange(&runner->signals->look, false)) {
        struct asking asking = {.number = runner->job->number};
        if (!store_write(runner->world->store, asking_work, &asking, error))
            return false;
        *wish = wish_of(&runner->course, &asking.orders);
    }
    /* A cancel that was to wait for something waits for no other life. */
    if (*wish == WISH_GO && atomic_load(&runner->signals->stop))
        *wish = runner->course.cancelling ? WISH_CANCEL : WISH_STOP;
    return true;
}

/* A job's end by kind of error. `waits`: when the daemon stops anyway, the job may try again at the
 * next start. */
static const struct outcome {
    const char *reason;
    bool waits;
} outcomes[ERROR_KINDS] = {
    [ERROR_NONE] = {"internal", false},
    [ERROR_MEMORY] = {"out_of_memory", true},
    [ERROR_INVALID] = {"spec_refused", false},
    [ERROR_TOO_LARGE] = {"too_large", false},
    [ERROR_NOT_FOUND] = {"not_found", false},
    [ERROR_CONFLICT] = {"internal", false},
    [ERROR_BUSY] = {"busy", true},
    [ERROR_IO] = {"io_error", true},
    [ERROR_FULL] = {"disk_full", true},
    [ERROR_CORRUPT] = {"corrupt", false},
    [ERROR_DIVERGED] = {"diverged", false},
    [ERROR_CANCELLED] = {"cancelled", false},
    [ERROR_UNSUPPORTED] = {"unsupported", false},
    [ERROR_INTERNAL] = {"internal", false},
};

/* Causes that deserve a word of their own, by how the store begins their sentence (store.h, sql.c).
 */
static const struct special {
    enum error_kind kind;
    const char *start;
    const char *reason;
} specials[] = {
    {ERROR_CORRUPT, "nondeterminism", "nondeterminism_detected"},
};

static const char *reason_word(const struct error *failure)
{
    for (size_t i = 0; i < COUNT_OF(specials); i++) {
        if (failure->kind == specials[i].kind &&
            strncmp(failure->text, specials[i].start, strlen(specials[i].start)) == 0)
            return specials[i].reason;
    }
    return outcomes[failure->kind].reason;
}

/* "word: sentence". Only a place in the spec is named: others are files of this machine, for the
 * log. */
static void reason_text(const struct error *failure, char *out, size_t size)
{
    bool in_spec = failure->kind == ERROR_INVALID && failure->where[0] != '\0';
    (void)snprintf(out, size, "%s: %s%s%s", reason_word(failure), in_spec ? failure->where : "",
                   in_spec ? ": " : "", failure->text);
}

struct conclusion {
    int64_t number;
    enum job_state wanted;
    const char *reason;
    bool at_length; /* it ends because its length is reached, which an edit may change */
    enum job_state became;
    bool goes_on;
};

/* What becomes of a job that its worker would leave in `wanted`, when meanwhile it was told
 * something else: the state that it goes to, or that it is in, for a job that goes on. */
static enum job_state settled_state(const struct conclusion *conclusion, enum job_state found)
{
    if (job_state_ended(conclusion->wanted) || conclusion->wanted == found)
        return found == JOB_CANCELLING && !job_state_may_become(found, conclusion->wanted)
                   ? JOB_CANCELLED
                   : conclusion->wanted;
    /* Who was told to pause and then to go on, or to end at some later moment, goes on. */
    if (conclusion->wanted == JOB_PAUSED)
        return found == JOB_PAUSING ? JOB_PAUSED : found;
    /* The daemon stops. */
    return found == JOB_PAUSING      ? JOB_PAUSED
           : found == JOB_CANCELLING ? JOB_CANCELLED
                                     : conclusion->wanted;
}

static bool conclusion_work(struct db *db, void *context, struct error *error)
{
    struct conclusion *conclusion = context;
    struct job_orders orders;
    if (!store_job_orders(db, conclusion->number, &orders, error))
        return false;
    struct job_move move = {.number = conclusion->number,
                            .from = orders.state,
                            .to = settled_state(conclusion, orders.state),
                            .reason = conclusion->reason};
    /* An edit that came in time may be a greater length. */
    conclusion->goes_on =
        move.to == move.from || (move.to == JOB_SUCCEEDED && conclusion->at_length && orders.edits);
    conclusion->became = move.to;
    return conclusion->goes_on || store_job_move(db, &move, error);
}

static void pause_a_little(void)
{
    struct timespec moment = {.tv_nsec = 200 * 1000 * 1000};
    (void)nanosleep(&moment, NULL);
}

/* The move must not be lost to a full disk: a job without a worker would say `running` until the
 * next start. So it is tried until the disk takes it or the daemon stops, whose next start puts the
 * job back. */
static bool conclude(struct runner *runner, struct conclusion *conclusion)
{
    for (bool told = false;; told = true) {
        struct error error = {0};
        if (store_write(runner->world->store, conclusion_work, conclusion, &error))
            return true;
        bool again = outcomes[error.kind].waits;
        if (!told || !again)
            RUNNER_LOG(runner, LOG_ERROR, "cannot store that the job is %s: %s",
                       job_state_name(conclusion->wanted), error.text);
        if (!again || atomic_load(&runner->signals->stop))
            return false;
        pause_a_little();
    }
}

static enum job_state wanted_state(enum runner_wish wish, const struct error *failure)
{
    if (failure && !(wish == WISH_STOP && outcomes[failure->kind].waits))
        return wish == WISH_CANCEL ? JOB_CANCELLED : JOB_FAILED;
    if (wish == WISH_STOP)
        return JOB_QUEUED;
    if (wish == WISH_PAUSE)
        return JOB_PAUSED;
    return wish == WISH_CANCEL ? JOB_CANCELLED : JOB_SUCCEEDED;
}

bool runner_conclude(struct runner *runner, enum runner_wish wish, const struct error *failure)
{
    char reason[640] = "";
    if (wish == WISH_LEAVE) {
        RUNNER_LOG(runner, LOG_WARNING, "the job's state was changed by another hand");
        return true;
    }
    if (failure) {
        reason_text(failure, reason, sizeof(reason));
        RUNNER_LOG(runner, LOG_WARNING, "%s %s", reason, failure->where);
    }
    struct conclusion conclusion = {.number = runner->job->number,
                                    .wanted = wanted_state(wish, failure),
                                    .reason = failure ? reason : NULL};
    if (conclusion.wanted == JOB_SUCCEEDED && runner->ending[0] != '\0')
        conclusion.reason = runner->ending;
    conclusion.at_length = runner->ending[0] == '\0';
    bool concluded = conclude(runner, &conclusion);
    if (concluded && conclusion.goes_on)
        return false;
    if (concluded)
        RUNNER_LOG(runner, LOG_INFO, "the job is %s", job_state_name(conclusion.became));
    return true;
}
