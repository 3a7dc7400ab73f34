/* Cadence: when something that happens every so often is due. Pure: the same report gives the same
 * answer, so a resumed run evaluates and saves at the same steps as one that never stopped. Knows
 * nothing of what is done then. */
#ifndef SERVER_CADENCE_H
#define SERVER_CADENCE_H

#include "core/trainer.h"

/* Whether `every` falls on the step just reported: a multiple of its steps, or the end of a
 * multiple of its epochs. The job's last step is always due, also when `every` was not given. */
bool cadence_due(const struct spec_every *every, const struct step_report *report);

#endif
