/* The learning-rate schedules and their table. */
#include "core/schedule.h"

#include <math.h>

static double constant_lr(const void *options, const struct schedule_at *at)
{
    (void)options;
    return at->base_lr;
}

const struct schedule_kind schedule_constant = {
    .kind = {"constant", "the same rate throughout", {NULL, 0, 0}},
    .lr = constant_lr,
};

#define AT(member) offsetof(struct cosine_options, member)

static const char *const units[] = {"epoch", "step", NULL};

/* clang-format off */
static const struct field cosine_rows[] = {
    {.name = "t_max", .type = FIELD_INT, .flags = FIELD_OPTIONAL, .offset = AT(t_max), .min = 1,
     .max = FIELD_INT_MAX,
     .help = "units until the rate reaches eta_min; default: the whole run"},
    {.name = "eta_min", .type = FIELD_REAL, .offset = AT(eta_min), .min = 0, .max = 1e6,
     .help = "lowest rate"},
    {.name = "unit", .type = FIELD_CHOICE, .offset = AT(unit), .fallback = -1, .choices = units,
     .help = "when the rate changes; default: epoch, or step when the run's length is max_steps"},
};
/* clang-format on */

static void cosine_complete(void *options, const struct spec_run *run)
{
    struct cosine_options *o = options;
    if (o->unit < 0)
        o->unit = run->max_steps == FIELD_ABSENT ? UNIT_EPOCH : UNIT_STEP;
}

/* Loshchilov and Hutter 2017 without restarts, as torch.optim.lr_scheduler.CosineAnnealingLR:
 * η_min + (α − η_min)(1 + cos(π t / t_max)) / 2. Past t_max it goes on along the cosine, as there.
 */
static double cosine_lr(const void *options, const struct schedule_at *at)
{
    const struct cosine_options *o = options;
    int64_t length = o->unit == UNIT_STEP ? 1 : at->steps_per_epoch;
    int64_t whole = (at->steps + length - 1) / length;
    double t = (double)(at->step / length);
    double t_max = (double)(o->t_max == FIELD_ABSENT ? whole : o->t_max);
    return o->eta_min + (at->base_lr - o->eta_min) * (1 + cos(M_PI * t / t_max)) / 2;
}

const struct schedule_kind schedule_cosine = {
    .kind = {"cosine",
             "half a cosine from lr down to eta_min",
             {cosine_rows, COUNT_OF(cosine_rows), sizeof(struct cosine_options)}},
    .complete = cosine_complete,
    .lr = cosine_lr,
};

static const struct kind *const rows[] = {&schedule_constant.kind, &schedule_cosine.kind};

const struct kinds schedule_kinds = {"schedule", rows, COUNT_OF(rows), NULL};
