/* Runner's outcomes: what the world wants of a job, and where the job goes in the end. The signals
 * are hints; the stored state is the truth, and is asked in the writer's thread, behind every
 * change that came before. */
#include "server/runner_parts.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

struct standing {
    int64_t number;
    enum job_state state;
};

static bool standing_work(struct db *db, void *context, struct error *error)
{
    struct standing *standing = context;
    struct job_row row = {0};
    if (!store_job_get_number(db, standing->number, &row, error))
        return false;
    standing->state = row.state;
    job_row_drop(&row);
    return true;
}

bool runner_look(struct runner *runner, enum runner_wish *wish, struct error *error)
{
    if (atomic_exchange(&runner->signals->cancel, false)) {
        struct standing standing = {.number = runner->job->number};
        if (!store_write(runner->world->store, standing_work, &standing, error))
            return false;
        if (standing.state == JOB_CANCELLING)
            *wish = WISH_CANCEL;
        else if (standing.state != JOB_RUNNING)
            *wish = WISH_LEAVE;
    }
    if (*wish == WISH_GO && atomic_load(&runner->signals->stop))
        *wish = WISH_STOP;
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
    enum job_state became;
};

/* A cancel that came while the job ended otherwise wins where the table does not allow the other
 * end. */
static bool conclusion_work(struct db *db, void *context, struct error *error)
{
    struct conclusion *conclusion = context;
    struct standing standing = {.number = conclusion->number};
    if (!standing_work(db, &standing, error))
        return false;
    struct job_move move = {.number = conclusion->number,
                            .from = standing.state,
                            .to = conclusion->wanted,
                            .reason = conclusion->reason};
    if (!job_state_may_become(move.from, move.to) && move.from == JOB_CANCELLING)
        move.to = JOB_CANCELLED;
    conclusion->became = move.to;
    return store_job_move(db, &move, error);
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
    return wish == WISH_CANCEL ? JOB_CANCELLED : JOB_SUCCEEDED;
}

void runner_conclude(struct runner *runner, enum runner_wish wish, const struct error *failure)
{
    char reason[640] = "";
    if (wish == WISH_LEAVE) {
        RUNNER_LOG(runner, LOG_WARNING, "the job's state was changed by another hand");
        return;
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
    if (conclude(runner, &conclusion))
        RUNNER_LOG(runner, LOG_INFO, "the job is %s", job_state_name(conclusion.became));
}
