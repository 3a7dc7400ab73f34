/* cosine_restarts: Loshchilov and Hutter 2017 (SGDR), as
 * torch.optim.lr_scheduler.CosineAnnealingWarmRestarts: cosines from α towards eta_min, the first
 * of t_0 units, each next one t_mult times as long. */
#include "core/schedule.h"

#include <math.h>

struct restarts_options {
    int64_t t_0, t_mult;
    double eta_min;
};

#define AT(member) offsetof(struct restarts_options, member)

/* clang-format off */
static const struct field rows[] = {
    {.name = "t_0", .type = FIELD_INT, .flags = FIELD_REQUIRED, .offset = AT(t_0), .min = 1,
     .max = 1e9, .help = "units until the first restart"},
    {.name = "t_mult", .type = FIELD_INT, .offset = AT(t_mult), .min = 1, .max = 1e6,
     .fallback = 1, .help = "how many times longer each next stretch is"},
    {.name = "eta_min", .type = FIELD_REAL, .offset = AT(eta_min), .min = 0, .max = 1e6,
     .help = "rate that each stretch falls towards"},
};
/* clang-format on */

static double lr(const void *options, const struct schedule_at *at)
{
    const struct restarts_options *o = options;
    int64_t length = o->t_0, t = at->t;
    if (o->t_mult == 1)
        t %= length;
    while (t >= length) {
        t -= length;
        if (__builtin_mul_overflow(length, o->t_mult, &length))
            length = INT64_MAX;
    }
    return o->eta_min +
           (at->base_lr - o->eta_min) * (1 + cos(M_PI * (double)t / (double)length)) / 2;
}

const struct schedule_kind schedule_cosine_restarts = {
    .kind = {"cosine_restarts",
             "cosines from lr down to eta_min, one after the other",
             {rows, COUNT_OF(rows), sizeof(struct restarts_options)}},
    .unit = UNIT_EPOCH,
    .lr = lr,
};
