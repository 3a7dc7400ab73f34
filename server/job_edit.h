/* Job's edit: a user's request to change a stored job, checked against all that the job's own spec
 * was checked against, and what is to be stored of it. Changes nothing; knows no request of HTTP.
 */
#ifndef SERVER_JOB_EDIT_H
#define SERVER_JOB_EDIT_H

#include "server/speedometer.h"
#include "server/store.h"
#include "server/threads.h"

#include <jansson.h>

struct job_edit_world {
    struct db *db;
    const struct speedometer *speedometer; /* NULL: times are not estimated */
    const struct threads *threads;
};

/* JSON texts; NULL where nothing of the kind was asked for. */
struct job_edit {
    char *meta, *meta_event;     /* name, labels, priority; data of an `edit` event */
    char *spec, *plan, *changes; /* the course: see job_course.h */
    int64_t priority;
    int64_t steps, epochs; /* length of the run as it is with it */
};
/* A zeroed one is allowed. */
void job_edit_drop(struct job_edit *edit);

/* Whether the request names what only a job can change that has not ended. */
bool job_edit_wants_course(const json_t *request);

/* Fills *out. What is wrong goes to *problems, all at once, by pointers into the request. Otherwise
 * false: ERROR_CONFLICT when the job has ended and the request names more than its name, labels and
 * priority, or this version no longer understands the job. */
bool job_edit_make(const struct job_edit_world *world, const struct job_row *job,
                   const json_t *request, struct job_edit *out, struct problems *problems,
                   struct error *error) MUST_CHECK;

#endif
