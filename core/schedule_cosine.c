/* cosine: Loshchilov and Hutter 2017 without restarts, as
 * torch.optim.lr_scheduler.CosineAnnealingLR: η_min + (α − η_min)(1 + cos(π t / t_max)) / 2.
 * Past t_max it goes on along the cosine, as there. The last unit of a whole run is t_max − 1:
 * eta_min itself is never taken. */
#include "core/schedule.h"

#include <math.h>

struct cosine_options {
    int64_t t_max; /* FIELD_ABSENT: the whole run */
    double eta_min;
};

#define AT(member) offsetof(struct cosine_options, member)

/* clang-format off */
static const struct field rows[] = {
    {.name = "t_max", .type = FIELD_INT, .flags = FIELD_OPTIONAL, .offset = AT(t_max), .min = 1,
     .max = FIELD_INT_MAX,
     .help = "units until the rate reaches eta_min; default: the whole run, also when its length is "
             "changed"},
    {.name = "eta_min", .type = FIELD_REAL, .offset = AT(eta_min), .min = 0, .max = 1e6,
     .help = "lowest rate"},
};
/* clang-format on */

static int64_t *whole_run(void *options)
{
    return &((struct cosine_options *)options)->t_max;
}

static double lr(const void *options, const struct schedule_at *at)
{
    const struct cosine_options *o = options;
    double t_max = (double)(o->t_max == FIELD_ABSENT ? at->length : o->t_max);
    return o->eta_min + (at->base_lr - o->eta_min) * (1 + cos(M_PI * (double)at->t / t_max)) / 2;
}

const struct schedule_kind schedule_cosine = {
    .kind = {"cosine",
             "half a cosine from lr down to eta_min",
             {rows, COUNT_OF(rows), sizeof(struct cosine_options)}},
    .unit = UNIT_EPOCH,
    .lr = lr,
    .whole_run = whole_run,
};
