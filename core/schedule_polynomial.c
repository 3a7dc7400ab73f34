/* polynomial: α (1 − t / total_iters)^power, then 0, as torch.optim.lr_scheduler.PolynomialLR. */
#include "core/schedule.h"

#include <math.h>

struct polynomial_options {
    int64_t total_iters;
    double power;
};

#define AT(member) offsetof(struct polynomial_options, member)

/* clang-format off */
static const struct field rows[] = {
    {.name = "total_iters", .type = FIELD_INT, .offset = AT(total_iters), .min = 1, .max = 1e9,
     .fallback = 5, .help = "units until the rate is 0"},
    {.name = "power", .type = FIELD_REAL, .offset = AT(power), .min = 0, .max = 100, .fallback = 1,
     .help = "1: a straight line"},
};
/* clang-format on */

static double lr(const void *options, const struct schedule_at *at)
{
    const struct polynomial_options *o = options;
    int64_t t = at->t < o->total_iters ? at->t : o->total_iters;
    return at->base_lr * pow(1 - (double)t / (double)o->total_iters, o->power);
}

const struct schedule_kind schedule_polynomial = {
    .kind = {"polynomial",
             "a power of the share of total_iters that is left",
             {rows, COUNT_OF(rows), sizeof(struct polynomial_options)}},
    .unit = UNIT_EPOCH,
    .lr = lr,
};
