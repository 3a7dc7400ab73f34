/* Speedometer: measures this machine once, at the daemon's start, in a thread of its own that ends
 * when it is done. Knows nothing of jobs. */
#ifndef SERVER_SPEEDOMETER_H
#define SERVER_SPEEDOMETER_H

#include "core/estimate.h"

struct speedometer;

/* Begins to measure the kernels that jobs will use; `processors` are what jobs can have. */
bool speedometer_start(enum kernel_choice kernels, int processors, struct speedometer **out,
                       struct error *error) MUST_CHECK;
/* Ends the measuring at the next kind of layer, and waits for that. NULL is allowed. */
void speedometer_stop(struct speedometer *speedometer);

/* How long a planned job would take with `threads` threads, of which those beyond the machine's
 * processors are not counted; NAN in both fields while nobody knows, and for a precision that the
 * kernels do not have. Any thread, never waits. NULL is allowed. */
struct estimate speedometer_estimate(const struct speedometer *speedometer, const struct spec *spec,
                                     const struct plan *plan, int threads);

#endif
