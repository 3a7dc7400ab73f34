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

struct trainer {
    struct trainer_setup setup;
    struct dataset *dataset;
    struct model *model;
    struct team *team;
    real *parameters, *gradients; /* (plan.parameters) */
    real *state;                  /* (plan.optimizer_slots, plan.parameters) */
    double *norms;                /* (ranges) partial sums of the gradient norm */
    struct trainer_data data;
    int64_t steps_done;
    int64_t optimizer_steps; /* updates applied */
    struct control control;
    struct trainer_update {
        double lr;
        struct clip clip; /* what is done to its gradients before */
    } update;             /* the one that runs */
    bool packed;          /* the kernels' weights agree with `parameters` */
};

/* Reserves the trainer's own arrays in the model's block. */
void trainer_reserve(struct trainer *trainer, const struct trainer_setup *setup);

/* Puts the run to its beginning: drawn weights, fresh optimizer state. ERROR_MEMORY. */
bool trainer_begin(struct trainer *trainer, struct error *error) MUST_CHECK;

/* Moves the position to "this many steps are done": draws the epoch's order. */
void trainer_seek(struct trainer *trainer, int64_t steps_done);

#endif
