/* step: α γ^⌊t / step_size⌋, as torch.optim.lr_scheduler.StepLR. */
#include "core/schedule.h"

#include <math.h>

struct step_options {
    int64_t step_size;
    double gamma;
};

#define AT(member) offsetof(struct step_options, member)

/* clang-format off */
static const struct field rows[] = {
    {.name = "step_size", .type = FIELD_INT, .flags = FIELD_REQUIRED, .offset = AT(step_size),
     .min = 1, .max = 1e9, .help = "units between one change and the next"},
    {.name = "gamma", .type = FIELD_REAL, .flags = FIELD_ABOVE_MIN, .offset = AT(gamma), .min = 0,
     .max = 100, .fallback = 0.1, .help = "factor of each change"},
};
/* clang-format on */

static double lr(const void *options, const struct schedule_at *at)
{
    const struct step_options *o = options;
    return at->base_lr * pow(o->gamma, (double)(at->t / o->step_size));
}

const struct schedule_kind schedule_step = {
    .kind = {"step",
             "times gamma after every step_size units",
             {rows, COUNT_OF(rows), sizeof(struct step_options)}},
    .unit = UNIT_EPOCH,
    .lr = lr,
};
