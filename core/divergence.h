/* Divergence: what a user may want when training leaves the finite numbers. Knows nothing of how
 * a run goes back. */
#ifndef CORE_DIVERGENCE_H
#define CORE_DIVERGENCE_H

#include "core/spec.h"

extern const struct kinds divergence_kinds;
extern const struct kind divergence_fail, /* the job fails */
    divergence_stop,                      /* the job ends well, with what it has stored so far */
    divergence_rollback; /* back to the newest checkpoint, on with a smaller rate */

struct divergence_rollback_options {
    bool rollback; /* true, or it is a problem */
    double lr_factor;
    int64_t max_retries;
};

void divergence_check(const struct variant *on_divergence, const char *pointer,
                      struct problems *problems);

#endif
