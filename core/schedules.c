/* The table of learning-rate schedules, and what all of them share: the unit of time and the
 * warm-up. */
#include "core/schedule.h"

#include <inttypes.h>
#include <stdio.h>

#define AT(member) offsetof(struct schedule_common, member)
#define WARM(member) offsetof(struct schedule_warmup, member)

static const char *const units[] = {"epoch", "step", NULL};

/* clang-format off */
static const struct field warmup_rows[] = {
    {.name = "steps", .type = FIELD_INT, .flags = FIELD_REQUIRED, .offset = WARM(steps), .min = 1,
     .max = 1e9, .help = "steps before the full rate: step n takes start_factor + "
                         "(1 - start_factor)(n - 1) / steps of it, and step steps + 1 all"},
    {.name = "start_factor", .type = FIELD_REAL, .offset = WARM(start_factor), .min = 0, .max = 1,
     .fallback = 1.0 / 3, .help = "share of the rate that the first step takes"},
};
static const struct fields warmup_fields = {warmup_rows, COUNT_OF(warmup_rows),
                                            sizeof(struct schedule_warmup)};

static const struct field common_rows[] = {
    {.name = "unit", .type = FIELD_CHOICE, .offset = AT(unit), .fallback = -1, .choices = units,
     .help = "what the schedule counts; default: step for cyclic, one_cycle and piecewise, epoch "
             "for the others, and step for all when the run's length is max_steps; "
             "reduce_on_plateau counts evaluations, whatever stands here"},
    {.name = "warmup", .type = FIELD_OBJECT, .flags = FIELD_OPTIONAL, .offset = AT(warmup),
     .fields = &warmup_fields,
     .help = "begin below the schedule's rate and rise to it in a straight line"},
};
/* clang-format on */

static const struct fields common_fields = {common_rows, COUNT_OF(common_rows),
                                            sizeof(struct schedule_common)};

static const struct kind *const rows[] = {
    &schedule_constant.kind,    &schedule_step.kind,      &schedule_multistep.kind,
    &schedule_exponential.kind, &schedule_cosine.kind,    &schedule_cosine_restarts.kind,
    &schedule_cyclic.kind,      &schedule_one_cycle.kind, &schedule_linear.kind,
    &schedule_polynomial.kind,  &schedule_piecewise.kind, &schedule_reduce_on_plateau.kind,
};

const struct kinds schedule_kinds = {"schedule", rows, COUNT_OF(rows), &common_fields, NULL};

void schedule_complete(struct variant *schedule, const struct spec_run *run, const char *pointer,
                       struct problems *problems)
{
    const struct schedule_kind *kind = (const struct schedule_kind *)schedule->kind;
    struct schedule_common *common = schedule->common;
    if (common->unit == UNIT_NONE && kind->unit != UNIT_NONE)
        common->unit = run->max_steps == FIELD_ABSENT ? kind->unit : UNIT_STEP;
    if (kind->complete)
        kind->complete(schedule->options);
    if (kind->check)
        kind->check(schedule->options, pointer, problems);
}

/* As torch.optim.lr_scheduler.LinearLR: the step after the last one of the warm-up has the whole
 * rate. */
static double warmup_factor(const struct schedule_warmup *warmup, int64_t done)
{
    if (!warmup->given || done >= warmup->steps)
        return 1;
    return warmup->start_factor + (1 - warmup->start_factor) * (double)done / (double)warmup->steps;
}

static int64_t steps_of_unit(const struct schedule_common *common, const struct schedule_run *run)
{
    return common->unit == UNIT_STEP ? 1 : run->steps_per_epoch;
}

static int64_t units_of_run(const struct schedule_common *common, const struct schedule_run *run)
{
    int64_t unit = steps_of_unit(common, run);
    return (run->steps + unit - 1) / unit;
}

void schedule_settle(struct variant *schedule, const struct schedule_run *run)
{
    const struct schedule_kind *kind = (const struct schedule_kind *)schedule->kind;
    int64_t *length = kind->whole_run ? kind->whole_run(schedule->options) : NULL;
    if (length && *length == FIELD_ABSENT)
        *length = units_of_run(schedule->common, run);
}

const char *schedule_whole_run(const struct variant *schedule, const struct schedule_run *run)
{
    const struct schedule_kind *kind = (const struct schedule_kind *)schedule->kind;
    const int64_t *length = kind->whole_run ? kind->whole_run(schedule->options) : NULL;
    if (!length || *length != units_of_run(schedule->common, run))
        return NULL;
    for (size_t i = 0; i < kind->kind.options.count; i++)
        if (field_at(&kind->kind.options.rows[i], schedule->options) == length)
            return kind->kind.options.rows[i].name;
    return NULL;
}

bool schedule_uses_base(const struct variant *schedule, const struct schedule_run *run,
                        int64_t step)
{
    const struct schedule_kind *kind = (const struct schedule_kind *)schedule->kind;
    int64_t t = (step - 1) / steps_of_unit(schedule->common, run);
    return !kind->own_from || t < kind->own_from(schedule->options);
}

double schedule_lr(const struct variant *schedule, const struct schedule_run *run, int64_t step)
{
    const struct schedule_kind *kind = (const struct schedule_kind *)schedule->kind;
    const struct schedule_common *common = schedule->common;
    struct schedule_at at = {.base_lr = run->base_lr,
                             .t = (step - 1) / steps_of_unit(common, run),
                             .length = units_of_run(common, run)};
    return warmup_factor(&common->warmup, step - 1) * kind->lr(schedule->options, &at);
}

void schedule_check_order(const struct list *list, size_t size, const char *pointer,
                          struct problems *problems)
{
    int64_t before = FIELD_ABSENT;
    for (size_t i = 0; i < list->count; i++) {
        int64_t here = *(const int64_t *)((const char *)list->items + i * size);
        if (here == FIELD_ABSENT)
            continue;
        if (here <= before) {
            char place[sizeof problems->items[0].pointer];
            snprintf(place, sizeof place, "%s", pointer);
            pointer_push_index(place, sizeof place, i);
            problem_add(problems, place,
                        "%" PRId64 " follows %" PRId64 "; each must be above the "
                        "one before",
                        here, before);
        }
        before = here;
    }
}
