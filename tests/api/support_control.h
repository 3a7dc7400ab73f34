/* For tests of what users do to jobs that run. Everything fails the test when it cannot do what it
 * says. */
#ifndef TESTS_API_SUPPORT_CONTROL_H
#define TESTS_API_SUPPORT_CONTROL_H

#include "tests/api/support.h"

json_t *api_job(const struct api *api, const char *id);
/* The answer, whose status must be that one. */
json_t *api_patch(const struct api *api, const char *id, const char *body, int status);
/* Waits until the job's curve has come to that step. */
void api_wait_step(const struct api *api, const char *id, int64_t step);
/* The value of a series at a step. */
double api_value(const struct api *api, const char *id, const char *series, int64_t step);
/* The data of the job's n-th event of that name, from 0 on; waits for it. */
json_t *api_event(const struct api *api, const char *id, const char *name, int n);

#endif
