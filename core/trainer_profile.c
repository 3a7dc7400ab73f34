/* Trainer: where a job's time goes. See trainer.h. */
#include "core/trainer_state.h"

bool trainer_profile_start(struct trainer *trainer, struct error *error)
{
    if (trainer->profile)
        profile_clear(trainer->profile);
    else if (!profile_make(trainer->setup.threads, model_ops(trainer->model), &trainer->profile,
                           error))
        return false;
    model_profile(trainer->model, trainer->profile);
    return true;
}

int trainer_profile_ops(const struct trainer *trainer)
{
    return model_ops(trainer->model);
}

struct op_profile trainer_profile_op(const struct trainer *trainer, int index)
{
    struct model_op op = model_op(trainer->model, index);
    struct op_profile out = {.layer = op.layer, .layers = op.layers, .kernel = op.kernel};
    for (int phase = 0; phase < PROFILE_PHASES; phase++)
        out.seconds[phase] =
            profile_seconds(trainer->profile, profile_cell(index, (enum profile_phase)phase));
    return out;
}

double trainer_profile_part(const struct trainer *trainer, enum profile_part part)
{
    return profile_seconds(trainer->profile, (int)part);
}
