/* Trainer's control: observations, early stopping, and the way back after diverging. */
#include "core/trainer_state.h"

#include "core/checkpoint.h"

struct observation trainer_training(const struct trainer *trainer)
{
    return control_training(&trainer->control);
}

struct control_news trainer_observe(struct trainer *trainer, const struct observation *observation)
{
    return control_observe(trainer->course.spec, &trainer->control, trainer->steps_done,
                           observation);
}

int64_t trainer_observed(const struct trainer *trainer)
{
    return trainer->control.observed;
}

bool trainer_wants_end(const struct trainer *trainer)
{
    return control_wants_end(trainer->course.spec, &trainer->control);
}

bool trainer_may_return(const struct trainer *trainer)
{
    return control_may_return(trainer->course.spec, &trainer->control);
}

/* A return leads to a checkpoint that does not know of it. */
void trainer_count_return(struct trainer *trainer, double factor, int64_t retries)
{
    trainer->control.factor = factor;
    trainer->control.retries = retries;
    control_return(trainer->course.spec, &trainer->control);
}

bool trainer_start_over(struct trainer *trainer, struct error *error)
{
    if (!trainer_begin(trainer, error))
        return false;
    trainer->course.steps = trainer->course.plan->steps;
    return true;
}

bool trainer_return(struct trainer *trainer, const uint8_t *bytes, size_t size, struct error *error)
{
    const struct control before = trainer->control;
    if (bytes ? !trainer_load(trainer, bytes, size, error) : !trainer_start_over(trainer, error))
        return false;
    trainer_count_return(trainer, before.factor, before.retries);
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
