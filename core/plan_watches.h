/* Plan of what watches the evaluations, reduce_on_plateau and early stopping: whether there will be
 * anything to see. For plan.c only. */
#ifndef CORE_PLAN_WATCHES_H
#define CORE_PLAN_WATCHES_H

#include "core/plan.h"

void plan_watches(const struct spec *spec, const struct plan *plan, struct problems *problems,
                  struct plan_warnings *warnings);

#endif
