/* Schedules: the table of kinds, each a pure function from a place in the run to a learning rate,
 * as PyTorch's lr_scheduler in its closed form. Knows nothing of optimizers beyond the rate it
 * starts from, and moves nothing but the rate: momentum is never cycled. reduce_on_plateau is pure
 * only as far as it can be: plateau.h has the rest.
 *
 * To add one: one file schedule_NAME.c with its options, its function and its row, and the row in
 * schedules.c. */
#ifndef CORE_SCHEDULE_H
#define CORE_SCHEDULE_H

#include "core/spec.h"

enum schedule_unit {
    UNIT_NONE = -1, /* of a schedule that counts evaluations */
    UNIT_EPOCH,
    UNIT_STEP
};

/* Where in the run a rate is asked for, counted in the schedule's unit. */
struct schedule_at {
    double base_lr; /* the optimizer's */
    int64_t t;      /* units done before this one: 0 in the first */
    int64_t length; /* units of the whole run; a last epoch that is not full counts */
};

struct schedule_kind {
    struct kind kind;
    int unit; /* enum schedule_unit: PyTorch's habit */
    /* Fills in defaults that depend on other options. NULL: nothing to do. */
    void (*complete)(void *options);
    /* Rules between options; adds problems under `pointer`. NULL: none. Also called on options that
     * could not be read: those have their rows' defaults. */
    void (*check)(const void *options, const char *pointer, struct problems *problems);
    double (*lr)(const void *options, const struct schedule_at *at);
    /* Where the whole run, in units, is an option's default: that option, else NULL. */
    int64_t *(*whole_run)(void *options);
    /* From which unit on, 0 being the first, the schedule has rates of its own and does not ask for
     * the optimizer's. NULL: it always does. */
    int64_t (*own_from)(const void *options);
};

struct schedule_warmup {
    bool given;
    int64_t steps; /* of the optimizer, whatever the schedule's unit */
    double start_factor;
};

/* Options that every schedule takes. */
struct schedule_common {
    int unit; /* enum schedule_unit; UNIT_NONE until completed */
    struct schedule_warmup warmup;
};

/* The length of a run, and the rate that the optimizer's options say. */
struct schedule_run {
    double base_lr;
    int64_t steps, steps_per_epoch;
};

extern const struct kinds schedule_kinds;
extern const struct schedule_kind schedule_constant, schedule_step, schedule_multistep,
    schedule_exponential, schedule_cosine, schedule_cosine_restarts, schedule_cyclic,
    schedule_one_cycle, schedule_linear, schedule_polynomial, schedule_piecewise,
    schedule_reduce_on_plateau;

/* Fills in what depends on other fields and checks the rules between options. */
void schedule_complete(struct variant *schedule, const struct spec_run *run, const char *pointer,
                       struct problems *problems);

/* Writes the run's length in where it is an option's default. */
void schedule_settle(struct variant *schedule, const struct schedule_run *run);
/* The option that schedule_settle would write, where it says the run's length; else NULL. Who
 * changes the length takes it back: what is the whole run stays so. */
const char *schedule_whole_run(const struct variant *schedule, const struct schedule_run *run);

/* The rate of step `step`, counted from 1, warm-up included. Pure, for any step. That of
 * reduce_on_plateau is before any reduction. */
double schedule_lr(const struct variant *schedule, const struct schedule_run *run, int64_t step);

/* Whether the rate of step `step` depends on the optimizer's. */
bool schedule_uses_base(const struct variant *schedule, const struct schedule_run *run,
                        int64_t step);

/* The order of a list whose items, of `size` bytes, begin with an int64_t: each must be above the
 * one before. FIELD_ABSENT is passed over: that item could not be read. */
void schedule_check_order(const struct list *list, size_t size, const char *pointer,
                          struct problems *problems);

#endif
