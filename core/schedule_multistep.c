/* multistep: α γ^(milestones up to t), as torch.optim.lr_scheduler.MultiStepLR. */
#include "core/schedule.h"

#include <math.h>
#include <stdio.h>

struct multistep_options {
    struct list milestones; /* of struct milestone, increasing */
    double gamma;
};

struct milestone {
    int64_t t;
};

#define AT(member) offsetof(struct multistep_options, member)

/* clang-format off */
static const struct field milestone_rows[] = {
    {.name = "milestone", .type = FIELD_INT, .flags = FIELD_REQUIRED,
     .offset = offsetof(struct milestone, t), .min = 0, .max = 1e9,
     .fallback = (double)FIELD_ABSENT, .help = "units done before the change"},
};
static const struct fields milestone_fields = {milestone_rows, COUNT_OF(milestone_rows),
                                               sizeof(struct milestone)};

static const struct field rows[] = {
    {.name = "milestones", .type = FIELD_LIST, .flags = FIELD_REQUIRED, .offset = AT(milestones),
     .min = 1, .max = 1000, .fields = &milestone_fields,
     .help = "after how many units the rate changes, increasing"},
    {.name = "gamma", .type = FIELD_REAL, .flags = FIELD_ABOVE_MIN, .offset = AT(gamma), .min = 0,
     .max = 100, .fallback = 0.1, .help = "factor of each change"},
};
/* clang-format on */

static void check(const void *options, const char *pointer, struct problems *problems)
{
    const struct multistep_options *o = options;
    char place[sizeof problems->items[0].pointer];
    snprintf(place, sizeof place, "%s/milestones", pointer);
    schedule_check_order(&o->milestones, sizeof(struct milestone), place, problems);
}

static double lr(const void *options, const struct schedule_at *at)
{
    const struct multistep_options *o = options;
    const struct milestone *milestones = o->milestones.items;
    size_t passed = 0;
    while (passed < o->milestones.count && milestones[passed].t <= at->t)
        passed++;
    return at->base_lr * pow(o->gamma, (double)passed);
}

const struct schedule_kind schedule_multistep = {
    .kind = {"multistep",
             "times gamma at each milestone",
             {rows, COUNT_OF(rows), sizeof(struct multistep_options)}},
    .unit = UNIT_EPOCH,
    .check = check,
    .lr = lr,
};
