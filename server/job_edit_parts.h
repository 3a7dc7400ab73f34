/* What job_edit*.c share. */
#ifndef SERVER_JOB_EDIT_PARTS_H
#define SERVER_JOB_EDIT_PARTS_H

#include "server/job_edit.h"

#include "core/plan.h"

/* One request while it is looked at. */
struct job_edit_making {
    const struct job_edit_world *world;
    const struct job_row *job;
    const json_t *request;
    struct job_edit *out;
    struct problems *problems;
    struct problems found;  /* by pointers into the whole spec */
    json_t *before, *after; /* specs */
    struct spec was, spec;
    struct plan plan;
    struct plan_warnings warnings;
};

/* job_edit_course.c: the request's part that needs a job that has not ended. */
bool job_edit_make_course(struct job_edit_making *making, struct error *error) MUST_CHECK;

/* job_edit.c */
bool job_edit_no_memory(struct error *error);
/* The text of a JSON value, which is taken; NULL when memory is gone. */
char *job_edit_text(json_t *json);
/* The pointer to that key of the request. */
void job_edit_point(char pointer[POINTER_BYTES], const char *key);

#endif
