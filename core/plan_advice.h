/* Advice: what a teacher would remark on in a network that can be trained but should perhaps not be
 * trained as it is. Few remarks and right ones: none on what good networks do on purpose. For
 * plan.c only. */
#ifndef CORE_PLAN_ADVICE_H
#define CORE_PLAN_ADVICE_H

#include "core/layer.h"

/* `whole` false: the end of the network is not known. */
void plan_advise(const struct spec *spec, const struct plan *plan, bool whole,
                 struct plan_warnings *warnings);

#endif
