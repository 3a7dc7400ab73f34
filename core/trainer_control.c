/* Trainer's control: observations, early stopping, and the way back after diverging. */
#include "core/trainer_state.h"

#include "core/checkpoint.h"

struct observation trainer_training(const struct trainer *trainer)
{
    return control_training(&trainer->control);
}

struct control_news trainer_observe(struct trainer *trainer, const struct observation *observation)
{
    return control_observe(trainer->setup.spec, &trainer->control, trainer->steps_done,
                           observation);
}

int64_t trainer_observed(const struct trainer *trainer)
{
    return trainer->control.observed;
}

bool trainer_wants_end(const struct trainer *trainer)
{
    return control_wants_end(trainer->setup.spec, &trainer->control);
}

bool trainer_may_return(const struct trainer *trainer)
{
    return control_may_return(trainer->setup.spec, &trainer->control);
}

/* A return leads to a checkpoint that does not know of it. */
bool trainer_return(struct trainer *trainer, const uint8_t *bytes, size_t size, struct error *error)
{
    const struct control before = trainer->control;
    bool returned =
        bytes ? trainer_load(trainer, bytes, size, error) : trainer_begin(trainer, error);
    if (!returned)
        return false;
    trainer->control.factor = before.factor;
    trainer->control.retries = before.retries;
    control_return(trainer->setup.spec, &trainer->control);
    return true;
}

double trainer_lr_factor(const struct trainer *trainer)
{
    return trainer->control.factor;
}

int64_t trainer_retries(const struct trainer *trainer)
{
    return trainer->control.retries;
}
