/* one_cycle: Smith and Topin 2018, as torch.optim.lr_scheduler.OneCycleLR in two phases with
 * cosines and cycle_momentum=False: from max_lr / div_factor up to max_lr, and down to max_lr /
 * div_factor / final_div_factor in the last unit of the run. The optimizer's rate is not used. */
#include "core/schedule.h"

#include <math.h>

struct one_cycle_options {
    double max_lr, pct_start, div_factor, final_div_factor;
};

#define AT(member) offsetof(struct one_cycle_options, member)

/* clang-format off */
static const struct field rows[] = {
    {.name = "max_lr", .type = FIELD_REAL, .flags = FIELD_REQUIRED, .offset = AT(max_lr), .min = 0,
     .max = 1e6, .help = "rate at the peak"},
    {.name = "pct_start", .type = FIELD_REAL, .flags = FIELD_ABOVE_MIN | FIELD_BELOW_MAX,
     .offset = AT(pct_start), .min = 0, .max = 1, .fallback = 0.3,
     .help = "share of the run that the rate rises in"},
    {.name = "div_factor", .type = FIELD_REAL, .offset = AT(div_factor), .min = 1, .max = 1e12,
     .fallback = 25, .help = "the first rate is max_lr / div_factor"},
    {.name = "final_div_factor", .type = FIELD_REAL, .offset = AT(final_div_factor), .min = 1e-3,
     .max = 1e12, .fallback = 1e4, .help = "the last rate is the first / final_div_factor"},
};
/* clang-format on */

static double along_cosine(double start, double end, double share)
{
    return end + (start - end) / 2 * (cos(M_PI * share) + 1);
}

static double lr(const void *options, const struct schedule_at *at)
{
    const struct one_cycle_options *o = options;
    double first = o->max_lr / o->div_factor, last = first / o->final_div_factor;
    double peak = o->pct_start * (double)at->length - 1, end = (double)(at->length - 1);
    double t = fmin((double)at->t, end);
    /* A rise shorter than a unit begins before the run, or, where PyTorch divides zero by zero, at
     * its first unit: then the run begins at the peak. */
    if (t <= peak && peak > 0)
        return along_cosine(first, o->max_lr, t / peak);
    return along_cosine(o->max_lr, last, (t - peak) / (end - peak));
}

static int64_t own_from(const void *options)
{
    (void)options;
    return 0;
}

const struct schedule_kind schedule_one_cycle = {
    .kind = {"one_cycle",
             "one rise to max_lr and one fall to almost nothing over the whole run",
             {rows, COUNT_OF(rows), sizeof(struct one_cycle_options)}},
    .unit = UNIT_STEP,
    .lr = lr,
    .own_from = own_from,
};
