/* exponential: α γ^t, as torch.optim.lr_scheduler.ExponentialLR. */
#include "core/schedule.h"

#include <math.h>

struct exponential_options {
    double gamma;
};

/* clang-format off */
static const struct field rows[] = {
    {.name = "gamma", .type = FIELD_REAL, .flags = FIELD_REQUIRED | FIELD_ABOVE_MIN,
     .offset = offsetof(struct exponential_options, gamma), .min = 0, .max = 100,
     .help = "factor of each unit; above 1 the rate grows, as in a search for the largest one"},
};
/* clang-format on */

static double lr(const void *options, const struct schedule_at *at)
{
    const struct exponential_options *o = options;
    return at->base_lr * pow(o->gamma, (double)at->t);
}

const struct schedule_kind schedule_exponential = {
    .kind = {"exponential",
             "times gamma after every unit",
             {rows, COUNT_OF(rows), sizeof(struct exponential_options)}},
    .unit = UNIT_EPOCH,
    .lr = lr,
};
