/* Control: what the rest of a run depends on beside its weights and its step: what its evaluations
 * have found, how often it has gone back after diverging, and what it has counted since the newest
 * evaluation. Plain numbers, part of every checkpoint. Knows nothing of who evaluates or stores. */
#ifndef CORE_CONTROL_H
#define CORE_CONTROL_H

#include "core/plan.h"
#include "core/plateau.h"

struct control {
    struct plateau plateau; /* its rate is the optimizer's under every other schedule */
    struct watch stopping;  /* early stopping */
    double factor;          /* of every rate: what the returns have made of it */
    int64_t retries;        /* returns so far */
    int64_t observed;       /* step of the newest observation; 0: none yet */
    /* Training passes since then, each over weights before their update. */
    int64_t samples, correct;
    double loss_sum;
};

/* What one evaluation has found, by enum spec_metric. NAN: not measured. */
struct observation {
    double values[SPEC_METRICS];
};

struct control control_begin(const struct spec *spec);
/* Whether each number is one that a run of `steps` steps can come to. */
bool control_is_sound(const struct control *control, int64_t steps);

/* The rate of step `step`, counted from 1. */
double control_lr(const struct spec *spec, const struct plan *plan, const struct control *control,
                  int64_t step);

/* An observation that holds the training metrics, counted since the newest one, and no others. */
struct observation control_training(const struct control *control);

/* What changed by an observation. */
struct control_news {
    bool reduced; /* reduce_on_plateau has changed its rate */
    double rate_before, rate;
};
/* Takes what was found at `step` and begins to count anew. Once for each evaluation. */
struct control_news control_observe(const struct spec *spec, struct control *control, int64_t step,
                                    const struct observation *observation);

/* Whether early stopping ends the run where it stands. */
bool control_wants_end(const struct spec *spec, const struct control *control);

/* What a user has changed of a run that goes on. */
struct control_edit {
    const struct spec *before, *after;
    bool lr, schedule; /* which of them he has named, be it by the value that they had */
};
/* The optimizer's rate counts from here on. A plateau is kept where the new schedule watches the
 * same metric, and so is its rate unless one was named. Who names a rate or a schedule gets it as
 * he names it: what returns have made of the rate is over. The same twice is the same as once. */
void control_edit(const struct control_edit *edit, struct control *control);

/* Whether the spec allows one more return, and the count and the factor after it. */
bool control_may_return(const struct spec *spec, const struct control *control);
void control_return(const struct spec *spec, struct control *control);

#endif
