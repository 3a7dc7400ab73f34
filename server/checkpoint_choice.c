/* Checkpoint choice: see checkpoint_choice.h. */
#include "server/checkpoint_choice.h"

#include "server/query.h"

#include <string.h>

static bool read_choice(const char *text, int64_t *out, struct error *error)
{
    if (strcmp(text, "last") == 0)
        *out = CHECKPOINT_NEWEST;
    else if (strcmp(text, "best") == 0)
        *out = CHECKPOINT_BEST;
    else if (!query_read_integer(text, out))
        return error_set(error, ERROR_INVALID, "checkpoint",
                         "the query parameter \"checkpoint\" must be best, last or a step");
    return true;
}

/* False without an error: there is no such one. */
static bool find(struct db *db, const struct job_row *job, int64_t which,
                 struct checkpoint_row *out, struct error *error)
{
    struct error cause = {0};

    if (store_checkpoint_find(db, job->number, which, out, &cause))
        return true;
    return cause.kind == ERROR_NOT_FOUND ? false
                                         : error_set(error, cause.kind, "", "%s", cause.text);
}

bool checkpoint_choose(struct db *db, const struct job_row *job, const char *text, int64_t absent,
                       struct checkpoint_row *out, struct error *error)
{
    struct error cause = {0};
    int64_t which = absent;

    *out = (struct checkpoint_row){.metrics = NULL};
    if (text && !read_choice(text, &which, error))
        return false;
    if (find(db, job, which, out, &cause))
        return true;
    if (cause.kind == ERROR_NONE && !text && find(db, job, CHECKPOINT_NEWEST, out, &cause))
        return true;
    if (cause.kind != ERROR_NONE)
        return error_set(error, cause.kind, "", "%s", cause.text);
    if (text && find(db, job, CHECKPOINT_NEWEST, out, &cause)) {
        checkpoint_row_drop(out);
        return error_set(error, ERROR_NOT_FOUND, "",
                         which == CHECKPOINT_BEST
                             ? "no checkpoint of the job was measured, so none is the best"
                             : "the job has no checkpoint of that step; GET …/checkpoints lists "
                               "those it has");
    }
    return error_set(error, ERROR_CONFLICT, "", "the job has no checkpoint yet");
}
