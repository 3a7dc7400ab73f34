/* reduce_on_plateau: α times factor whenever a metric has stood still for more than `patience`
 * evaluations, as torch.optim.lr_scheduler.ReduceLROnPlateau. */
#include "core/plateau.h"

#include "core/schedule.h"

struct plateau_options {
    int metric; /* index into spec_metrics */
    double factor;
    int64_t patience;
    double threshold;
    int threshold_mode;
    int64_t cooldown;
    double min_lr, eps;
};

#define AT(member) offsetof(struct plateau_options, member)

enum { THRESHOLD_RELATIVE, THRESHOLD_ABSOLUTE };
static const char *const threshold_modes[] = {"rel", "abs", NULL};

/* clang-format off */
static const struct field rows[] = {
    {.name = "metric", .type = FIELD_CHOICE, .offset = AT(metric), .choices = spec_metrics,
     .help = "what must get better, as measured at each evaluation; a loss by falling, an accuracy "
             "by rising; train_ metrics are taken over the training samples since the evaluation "
             "before"},
    {.name = "factor", .type = FIELD_REAL, .flags = FIELD_ABOVE_MIN | FIELD_BELOW_MAX,
     .offset = AT(factor), .min = 0, .max = 1, .fallback = 0.1, .help = "factor of each reduction"},
    {.name = "patience", .type = FIELD_INT, .offset = AT(patience), .min = 0, .max = 1e9,
     .fallback = 10,
     .help = "evaluations without improvement that are borne: the next one reduces"},
    {.name = "threshold", .type = FIELD_REAL, .offset = AT(threshold), .min = 0, .max = 1e9,
     .fallback = 1e-4, .help = "how much better counts as better"},
    {.name = "threshold_mode", .type = FIELD_CHOICE, .offset = AT(threshold_mode),
     .choices = threshold_modes,
     .help = "rel: the threshold is a share of the best value; abs: a difference"},
    {.name = "cooldown", .type = FIELD_INT, .offset = AT(cooldown), .min = 0, .max = 1e9,
     .help = "evaluations after a reduction in which none counts as bad"},
    {.name = "min_lr", .type = FIELD_REAL, .offset = AT(min_lr), .min = 0, .max = 1e6,
     .help = "no reduction goes below it"},
    {.name = "eps", .type = FIELD_REAL, .offset = AT(eps), .min = 0, .max = 1e6, .fallback = 1e-8,
     .help = "a change of the rate by no more than this is not made"},
};
/* clang-format on */

bool plateau_is(const struct variant *schedule)
{
    return schedule->kind == &schedule_reduce_on_plateau.kind;
}

int plateau_metric(const struct variant *schedule)
{
    return ((const struct plateau_options *)schedule->options)->metric;
}

int64_t plateau_patience(const struct variant *schedule)
{
    return ((const struct plateau_options *)schedule->options)->patience;
}

static struct watch_rule rule_of(const struct plateau_options *o)
{
    return (struct watch_rule){.larger_is_better = spec_metric_larger_is_better(o->metric),
                               .relative = o->threshold_mode == THRESHOLD_RELATIVE,
                               .threshold = o->threshold};
}

struct plateau plateau_begin(const struct variant *schedule, double base_lr)
{
    struct watch_rule rule = rule_of(schedule->options);
    return (struct plateau){.rate = base_lr, .watch = watch_begin(&rule)};
}

static bool reduce(const struct plateau_options *o, double *rate)
{
    double reduced = *rate * o->factor > o->min_lr ? *rate * o->factor : o->min_lr;
    if (!(*rate - reduced > o->eps))
        return false;
    *rate = reduced;
    return true;
}

/* A reduction that `eps` leaves out begins a cooldown all the same, as PyTorch's does. */
bool plateau_step(const struct variant *schedule, struct plateau *plateau, double value)
{
    const struct plateau_options *o = schedule->options;
    struct watch_rule rule = rule_of(o);

    (void)watch_look(&rule, &plateau->watch, value);
    if (plateau->cooldown > 0) {
        plateau->cooldown--;
        plateau->watch.bad = 0;
    }
    if (plateau->watch.bad <= o->patience)
        return false;
    plateau->cooldown = o->cooldown;
    plateau->watch.bad = 0;
    return reduce(o, &plateau->rate);
}

/* Before any reduction; who knows of some puts the reduced rate in place of the optimizer's. */
static double lr(const void *options, const struct schedule_at *at)
{
    (void)options;
    return at->base_lr;
}

const struct schedule_kind schedule_reduce_on_plateau = {
    .kind = {"reduce_on_plateau",
             "times factor when a metric no longer gets better",
             {rows, COUNT_OF(rows), sizeof(struct plateau_options)}},
    .unit = UNIT_NONE,
    .lr = lr,
};
