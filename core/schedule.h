/* Schedules: the table of kinds, each a pure function from a step to a learning rate, as PyTorch's
 * lr_scheduler. Knows nothing of optimizers beyond the rate it starts from.
 *
 * To add one: a block in schedules.c with its options, its function and its row. */
#ifndef CORE_SCHEDULE_H
#define CORE_SCHEDULE_H

#include "core/spec.h"

enum schedule_unit { UNIT_EPOCH, UNIT_STEP };

/* Where in the run a rate is asked for. */
struct schedule_at {
    double base_lr;
    int64_t step;  /* steps done before this one: 0 at the first */
    int64_t steps; /* of the whole run */
    int64_t steps_per_epoch;
};

struct schedule_kind {
    struct kind kind;
    /* Fills in defaults that depend on how the run's length is given. NULL: nothing to do. */
    void (*complete)(void *options, const struct spec_run *run);
    double (*lr)(const void *options, const struct schedule_at *at);
};

struct cosine_options {
    int64_t t_max; /* FIELD_ABSENT: the whole run */
    double eta_min;
    int unit; /* enum schedule_unit; −1 until completed */
};

extern const struct kinds schedule_kinds;
extern const struct schedule_kind schedule_constant, schedule_cosine;

#endif
