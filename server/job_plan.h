/* Job's plan: a stored job's network, planned once more by this version. */
#ifndef SERVER_JOB_PLAN_H
#define SERVER_JOB_PLAN_H

#include "core/plan.h"
#include "server/store.h"

/* Fills both, to be dropped in any case; `spec` is initialized here. ERROR_CONFLICT when this
 * version no longer understands the job, ERROR_NOT_FOUND when its data set is not there any more
 * and the job is one of an earlier version, whose plan does not say what it was. */
bool job_plan(const struct job_row *job, struct db *db, struct spec *spec, struct plan *plan,
              struct error *error) MUST_CHECK;

#endif
