/* For tests of deleting jobs. Everything fails the test when it cannot do what it says. */
#ifndef TESTS_API_SUPPORT_DELETE_H
#define TESTS_API_SUPPORT_DELETE_H

#include "tests/api/support.h"

/* DELETE of the job; `header` may be NULL. */
struct answer delete_job(const struct api *api, const char *id, const char *header);
/* The same, and it is 204. */
void check_deleted(const struct api *api, const char *id);
/* Nobody finds anything of the job. */
void check_gone(const struct api *api, const char *id);

/* In data/traind.db, behind the daemon's back: statements, and one that gives a number. */
void run_sql(const char *text);
int64_t ask_sql(const char *text);
/* Waits until deleted jobs have left nothing in it. */
void wait_swept(void);

#endif
