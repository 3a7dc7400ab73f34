/* The inside of a trainer, for trainer*.c and checkpoint.c only. */
#ifndef CORE_TRAINER_STATE_H
#define CORE_TRAINER_STATE_H

#include "core/clip.h"
#include "core/control.h"
#include "core/model.h"
#include "core/split.h"
#include "core/trainer.h"

/* How the data set's samples reach the network. */
struct trainer_data {
    struct split split; /* its order is that of the epoch that comes next */
    struct batch_input input;
};

/* What the optimizer remembers. */
struct trainer_memory {
    real *state;       /* (plan.optimizer_slots, plan.parameters) */
    int64_t steps;     /* updates that made it */
    int64_t inherited; /* those of them that another run has made */
};

/* What may change while the run goes on, as it stands. The network, the data and what the optimizer
 * remembers are those of the setup for ever. */
struct trainer_course {
    const struct spec *spec;
    const struct plan *plan;
    int64_t steps; /* of the whole run */
    int64_t edits;
};

struct trainer {
    struct trainer_setup setup;
    struct trainer_course course;
    struct dataset *dataset;
    struct model *model;
    struct team *team;
    real *parameters, *gradients; /* (plan.parameters) */
    struct trainer_memory memory;
    double *norms; /* (ranges) partial sums of the gradient norm */
    struct trainer_data data;
    int64_t steps_done;
    struct control control;
    struct trainer_update {
        double lr, base_lr;
        struct clip clip;    /* what is done to its gradients before */
    } update;                /* the one that runs */
    bool packed;             /* the kernels' weights agree with `parameters` */
    struct profile *profile; /* NULL: nobody asked where the time goes */
};

/* Reserves the trainer's own arrays in the model's block. */
void trainer_reserve(struct trainer *trainer, const struct trainer_setup *setup);

/* Puts the run to its beginning: drawn weights, fresh optimizer state. ERROR_MEMORY. */
bool trainer_begin(struct trainer *trainer, struct error *error) MUST_CHECK;

/* Moves the position to "this many steps are done": draws the epoch's order. */
void trainer_seek(struct trainer *trainer, int64_t steps_done);

#endif
