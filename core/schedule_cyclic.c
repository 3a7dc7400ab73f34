/* cyclic: Smith 2017, as torch.optim.lr_scheduler.CyclicLR with cycle_momentum=False: straight
 * lines from base_lr up to max_lr and down again. The optimizer's rate is not used. */
#include "core/schedule.h"

#include <math.h>
#include <stdio.h>

enum mode { MODE_TRIANGULAR, MODE_TRIANGULAR2, MODE_EXP_RANGE };

struct cyclic_options {
    double base_lr, max_lr;
    int64_t step_size_up;
    int64_t step_size_down; /* FIELD_ABSENT until completed */
    int mode;               /* enum mode */
    double gamma;
};

#define AT(member) offsetof(struct cyclic_options, member)

static const char *const modes[] = {"triangular", "triangular2", "exp_range", NULL};

/* clang-format off */
static const struct field rows[] = {
    {.name = "base_lr", .type = FIELD_REAL, .flags = FIELD_REQUIRED, .offset = AT(base_lr),
     .min = 0, .max = 1e6, .fallback = NAN, .help = "rate at the ends of a cycle"},
    {.name = "max_lr", .type = FIELD_REAL, .flags = FIELD_REQUIRED, .offset = AT(max_lr), .min = 0,
     .max = 1e6, .fallback = NAN, .help = "rate at the peak of the first cycle"},
    {.name = "step_size_up", .type = FIELD_INT, .offset = AT(step_size_up), .min = 1, .max = 1e9,
     .fallback = 2000, .help = "units from base_lr up to the peak"},
    {.name = "step_size_down", .type = FIELD_INT, .flags = FIELD_OPTIONAL,
     .offset = AT(step_size_down), .min = 1, .max = 1e9,
     .help = "units from the peak down to base_lr; default: step_size_up"},
    {.name = "mode", .type = FIELD_CHOICE, .offset = AT(mode), .choices = modes,
     .help = "triangular: all peaks the same; triangular2: each half as high as the one before; "
             "exp_range: the height times gamma after every unit"},
    {.name = "gamma", .type = FIELD_REAL, .flags = FIELD_ABOVE_MIN, .offset = AT(gamma), .min = 0,
     .max = 1, .fallback = 1, .help = "factor of exp_range"},
};
/* clang-format on */

static void complete(void *options)
{
    struct cyclic_options *o = options;
    if (o->step_size_down == FIELD_ABSENT)
        o->step_size_down = o->step_size_up;
}

static void check(const void *options, const char *pointer, struct problems *problems)
{
    const struct cyclic_options *o = options;
    char place[sizeof problems->items[0].pointer];
    snprintf(place, sizeof place, "%s/max_lr", pointer);
    if (o->max_lr < o->base_lr)
        problem_add(problems, place, "%g is below base_lr, %g", o->max_lr, o->base_lr);
}

/* In whole numbers up to the last division, so that corners are exact in every cycle. */
static double lr(const void *options, const struct schedule_at *at)
{
    const struct cyclic_options *o = options;
    int64_t period = o->step_size_up + o->step_size_down;
    int64_t cycle = at->t / period, t = at->t % period;
    double height = t <= o->step_size_up ? (double)t / (double)o->step_size_up
                                         : (double)(period - t) / (double)o->step_size_down;
    double scale = 1;
    if (o->mode == MODE_TRIANGULAR2)
        scale = pow(0.5, (double)cycle);
    else if (o->mode == MODE_EXP_RANGE)
        scale = pow(o->gamma, (double)at->t);
    return o->base_lr + (o->max_lr - o->base_lr) * height * scale;
}

static int64_t own_from(const void *options)
{
    (void)options;
    return 0;
}

const struct schedule_kind schedule_cyclic = {
    .kind = {"cyclic",
             "up and down between two rates in straight lines",
             {rows, COUNT_OF(rows), sizeof(struct cyclic_options)}},
    .unit = UNIT_STEP,
    .complete = complete,
    .check = check,
    .lr = lr,
    .own_from = own_from,
};
