/* Control: see control.h. */
#include "core/control.h"

#include "core/divergence.h"
#include "core/optimizer.h"
#include "core/schedule.h"

#include <math.h>

static double base_lr(const struct spec *spec)
{
    return optimizer_base_lr(&spec->optimizer);
}

static struct watch_rule stopping_rule(const struct spec *spec)
{
    const struct spec_early_stopping *stopping = &spec->early_stopping;
    return (struct watch_rule){.larger_is_better = spec_metric_larger_is_better(stopping->metric),
                               .threshold = stopping->min_delta};
}

struct control control_begin(const struct spec *spec)
{
    struct watch_rule rule = stopping_rule(spec);
    struct control control = {.stopping = watch_begin(&rule), .factor = 1};
    if (plateau_is(&spec->lr_schedule))
        control.plateau = plateau_begin(&spec->lr_schedule, base_lr(spec));
    else
        control.plateau.rate = base_lr(spec);
    return control;
}

static bool watch_is_sound(const struct watch *watch, int64_t steps)
{
    return !isnan(watch->best) && watch->bad >= 0 && watch->bad <= steps;
}

bool control_is_sound(const struct control *control, int64_t steps)
{
    return isfinite(control->plateau.rate) && control->plateau.rate >= 0 &&
           watch_is_sound(&control->plateau.watch, steps) && control->plateau.cooldown >= 0 &&
           watch_is_sound(&control->stopping, steps) && control->factor >= 0 &&
           control->factor <= 1 && control->retries >= 0 && control->observed >= 0 &&
           control->observed <= steps && control->correct >= 0 &&
           control->correct <= control->samples && isfinite(control->loss_sum);
}

double control_lr(const struct spec *spec, const struct plan *plan, const struct control *control,
                  int64_t step)
{
    struct schedule_run run = {.base_lr = control->plateau.rate,
                               .steps = plan->steps,
                               .steps_per_epoch = plan->steps_per_epoch};
    return control->factor * schedule_lr(&spec->lr_schedule, &run, step);
}

void control_edit(const struct control_edit *edit, struct control *control)
{
    const struct variant *old = &edit->before->lr_schedule, *new = &edit->after->lr_schedule;
    struct control fresh = control_begin(edit->after);
    bool kept = plateau_is(old) && plateau_is(new) && plateau_metric(old) == plateau_metric(new);

    if (!kept)
        control->plateau = fresh.plateau;
    else if (edit->lr)
        control->plateau.rate = fresh.plateau.rate;
    if (edit->lr || edit->schedule)
        control->factor = 1;
}

struct observation control_training(const struct control *control)
{
    struct observation observation = {{NAN, NAN, NAN, NAN}};
    double samples = (double)control->samples;
    if (control->samples > 0) {
        observation.values[METRIC_TRAIN_LOSS] = control->loss_sum / samples;
        observation.values[METRIC_TRAIN_ACCURACY] = (double)control->correct / samples;
    }
    return observation;
}

struct control_news control_observe(const struct spec *spec, struct control *control, int64_t step,
                                    const struct observation *observation)
{
    const struct variant *schedule = &spec->lr_schedule;
    const struct spec_early_stopping *stopping = &spec->early_stopping;
    struct watch_rule rule = stopping_rule(spec);
    struct control_news news = {.rate_before = control->plateau.rate};

    if (plateau_is(schedule))
        news.reduced = plateau_step(schedule, &control->plateau,
                                    observation->values[plateau_metric(schedule)]);
    if (stopping->given)
        (void)watch_look(&rule, &control->stopping, observation->values[stopping->metric]);
    control->observed = step;
    control->samples = control->correct = 0;
    control->loss_sum = 0;
    news.rate = control->plateau.rate;
    return news;
}

bool control_wants_end(const struct spec *spec, const struct control *control)
{
    return spec->early_stopping.given && control->stopping.bad >= spec->early_stopping.patience;
}

static const struct divergence_rollback_options *rollback_of(const struct spec *spec)
{
    const struct variant *chosen = &spec->on_divergence;
    return chosen->kind == &divergence_rollback ? chosen->options : NULL;
}

bool control_may_return(const struct spec *spec, const struct control *control)
{
    const struct divergence_rollback_options *options = rollback_of(spec);
    return options && control->retries < options->max_retries;
}

void control_return(const struct spec *spec, struct control *control)
{
    control->factor *= rollback_of(spec)->lr_factor;
    control->retries++;
}
