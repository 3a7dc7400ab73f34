/* Estimate: how long a planned job would take on a machine whose speed was measured, if it had the
 * machine to itself. Meant for people who choose a network: right within a factor of two or so.
 * Pure. */
#ifndef CORE_ESTIMATE_H
#define CORE_ESTIMATE_H

#include "core/speed.h"

struct estimate {
    double seconds_per_epoch; /* training alone; NAN: not known */
    double seconds;           /* the whole run with its evaluations */
};

/* `speed` is that of the spec's precision. `threads` of the job, as plan_threads gives them; more
 * of them than processors are the caller's to leave out. */
void estimate_make(const struct spec *spec, const struct plan *plan, const struct speed *speed,
                   int threads, struct estimate *out);

#endif
