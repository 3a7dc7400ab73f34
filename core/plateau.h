/* Plateau: the schedule reduce_on_plateau, the only one whose rate is no function of the step: it
 * depends on what evaluations have found. As torch.optim.lr_scheduler.ReduceLROnPlateau, stepped
 * once at each evaluation. Knows nothing of who evaluates. */
#ifndef CORE_PLATEAU_H
#define CORE_PLATEAU_H

#include "core/spec.h"
#include "core/watch.h"

/* What the schedule has come to. Part of every checkpoint. */
struct plateau {
    double rate; /* as it stands, without warm-up */
    struct watch watch;
    int64_t cooldown; /* evaluations that are still passed over after a reduction */
};

/* Whether that schedule is reduce_on_plateau. All others of these functions want one that is. */
bool plateau_is(const struct variant *schedule);
/* Index into spec_metrics of what it watches. */
int plateau_metric(const struct variant *schedule);
int64_t plateau_patience(const struct variant *schedule);
struct plateau plateau_begin(const struct variant *schedule, double base_lr);
/* Takes the metric's next value; true when that reduced the rate. */
bool plateau_step(const struct variant *schedule, struct plateau *plateau, double value);

#endif
