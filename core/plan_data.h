/* The data's part of a plan, between the plan's own files. */
#ifndef CORE_PLAN_DATA_H
#define CORE_PLAN_DATA_H

#include "core/plan.h"

/* Sets plan->data's counts and data.validation_samples from ->data as the data set has it, and adds
 * what is wrong with the spec's data set or worth a remark. The spec is settled. */
void plan_data(const struct spec *spec, struct plan *plan, struct problems *problems,
               struct plan_warnings *warnings);

#endif
