/* PyTorch: optimizer and schedule, as far as PyTorch has them. What it has not is said in the
 * script. */
#include "server/pytorch.h"

#include "core/optimizer.h"
#include "core/schedule.h"

#include <inttypes.h>
#include <strings.h>

/* ---- optimizers ---- */

/* clang-format off */
static const char *const of_sgd[] = {"lr", "momentum", "dampening", "weight_decay",
                                     "nesterov", NULL};
static const char *const of_adagrad[] = {"lr", "lr_decay", "weight_decay",
                                         "initial_accumulator_value", "eps", NULL};
static const char *const of_rmsprop[] = {"lr", "alpha", "eps", "weight_decay", "momentum",
                                         "centered", NULL};
static const char *const of_adam[] = {"lr", "betas", "eps", "weight_decay", "amsgrad", NULL};
static const char *const of_nadam[] = {"lr", "betas", "eps", "weight_decay",
                                       "momentum_decay", NULL};

static const struct pytorch_optimizer {
    const struct kind *kind;
    const char *module;         /* of torch.optim */
    const char *const *options; /* NULL-ended, of both; lr is always written */
} optimizers[] = {
    {&optimizer_sgd.kind, "SGD", of_sgd},
    {&optimizer_adagrad.kind, "Adagrad", of_adagrad},
    {&optimizer_rmsprop.kind, "RMSprop", of_rmsprop},
    {&optimizer_adam.kind, "Adam", of_adam},
    {&optimizer_adamw.kind, "AdamW", of_adam},
    {&optimizer_nadam.kind, "NAdam", of_nadam},
};
/* clang-format on */

static bool is_among(const char *const *names, const char *name)
{
    for (; *names; names++)
        if (strcasecmp(*names, name) == 0)
            return true;
    return false;
}

/* The options that PyTorch has not, where they say something else than it does. */
static void put_rest(struct body *out, const struct variant *variant, const char *const *known)
{
    const struct fields *fields = &variant->kind->options;
    const char *lead = "    # PyTorch has not: ";

    for (size_t i = 0; i < fields->count; i++) {
        const struct field *field = &fields->rows[i];
        if (is_among(known, field->name) || pytorch_is_default(field, variant->options))
            continue;
        body_print(out, "%s%s=", lead, field->name);
        pytorch_value(out, field, variant->options);
        lead = ", ";
    }
    body_text(out, lead[0] == ',' ? "\n" : "");
}

static const struct pytorch_optimizer *find_optimizer(const struct kind *kind)
{
    for (size_t i = 0; i < COUNT_OF(optimizers); i++)
        if (optimizers[i].kind == kind)
            return &optimizers[i];
    return NULL;
}

static void put_optimizer(struct body *out, const struct variant *optimizer)
{
    const struct pytorch_optimizer *row = find_optimizer(optimizer->kind);

    body_text(out, "def make_optimizer(network):\n");
    if (!row) {
        body_print(out, "    return None  # PyTorch has no %s\n\n\n", optimizer->kind->name);
        return;
    }
    put_rest(out, optimizer, row->options);
    body_print(out, "    return torch.optim.%s(network.parameters(), lr=", row->module);
    body_real(out, optimizer_base_lr(optimizer));
    pytorch_options(out, &optimizer->kind->options, optimizer->options, row->options + 1, ", ");
    body_text(out, ")\n\n\n");
}

/* ---- schedules ---- */

/* A schedule's further arguments; `length` is the run's in the schedule's unit. */
typedef void further(struct body *out, const struct variant *schedule, int64_t length);

static void whole_run(struct body *out, const struct variant *schedule, int64_t length)
{
    const struct field *field = fields_find(&schedule->kind->options, "t_max");

    if (*(const int64_t *)field_at(field, schedule->options) == FIELD_ABSENT)
        body_print(out, ", T_max=%" PRId64, length);
}

static void one_cycle(struct body *out, const struct variant *schedule, int64_t length)
{
    (void)schedule;
    body_print(out, ", total_steps=%" PRId64 ", cycle_momentum=False", length);
}

static void cyclic(struct body *out, const struct variant *schedule, int64_t length)
{
    (void)schedule;
    (void)length;
    body_text(out, ", cycle_momentum=False");
}

static void constant(struct body *out, const struct variant *schedule, int64_t length)
{
    (void)schedule;
    (void)length;
    body_text(out, ", factor=1");
}

static void plateau(struct body *out, const struct variant *schedule, int64_t length)
{
    const struct field *field = fields_find(&schedule->kind->options, "metric");
    int metric = *(const int *)field_at(field, schedule->options);

    (void)length;
    body_text(out, spec_metric_larger_is_better(metric) ? ", mode=\"max\"" : "");
}

/* clang-format off */
static const char *const none[] = {NULL};
static const char *const of_step[] = {"step_size", "gamma", NULL};
static const char *const of_multistep[] = {"milestones", "gamma", NULL};
static const char *const of_exponential[] = {"gamma", NULL};
static const char *const of_cosine[] = {"T_max", "eta_min", NULL};
static const char *const of_restarts[] = {"T_0", "T_mult", "eta_min", NULL};
static const char *const of_cyclic[] = {"base_lr", "max_lr", "step_size_up",
                                        "step_size_down", "mode", "gamma", NULL};
static const char *const of_one_cycle[] = {"max_lr", "pct_start", "div_factor",
                                           "final_div_factor", NULL};
static const char *const of_linear[] = {"start_factor", "end_factor", "total_iters", NULL};
static const char *const of_polynomial[] = {"total_iters", "power", NULL};
static const char *const of_plateau[] = {"factor", "patience", "threshold", "threshold_mode",
                                         "cooldown", "min_lr", "eps", NULL};

static const struct pytorch_schedule {
    const struct kind *kind;
    const char *module;         /* of torch.optim.lr_scheduler; defaults as ours */
    const char *const *options; /* NULL-ended, of both but for large letters */
    further *more;
} schedules[] = {
    {&schedule_constant.kind, "ConstantLR", none, constant},
    {&schedule_step.kind, "StepLR", of_step, NULL},
    {&schedule_multistep.kind, "MultiStepLR", of_multistep, NULL},
    {&schedule_exponential.kind, "ExponentialLR", of_exponential, NULL},
    {&schedule_cosine.kind, "CosineAnnealingLR", of_cosine, whole_run},
    {&schedule_cosine_restarts.kind, "CosineAnnealingWarmRestarts", of_restarts, NULL},
    {&schedule_cyclic.kind, "CyclicLR", of_cyclic, cyclic},
    {&schedule_one_cycle.kind, "OneCycleLR", of_one_cycle, one_cycle},
    {&schedule_linear.kind, "LinearLR", of_linear, NULL},
    {&schedule_polynomial.kind, "PolynomialLR", of_polynomial, NULL},
    {&schedule_reduce_on_plateau.kind, "ReduceLROnPlateau", of_plateau, plateau},
};
/* clang-format on */

static const struct pytorch_schedule *find_schedule(const struct kind *kind)
{
    for (size_t i = 0; i < COUNT_OF(schedules); i++)
        if (schedules[i].kind == kind)
            return &schedules[i];
    return NULL;
}

static void put_unit(struct body *out, const struct schedule_common *common)
{
    static const char *const names[] = {[UNIT_EPOCH] = "epoch", [UNIT_STEP] = "optimizer's step"};

    body_print(out, "    \"\"\"Its step() is to be called after every %s.\"\"\"\n",
               common->unit == UNIT_NONE ? "evaluation" : names[common->unit]);
    if (common->warmup.given) {
        body_print(out, "    # Not in here: a warm-up over %" PRId64 " steps, from ",
                   common->warmup.steps);
        body_real(out, common->warmup.start_factor);
        body_text(out, " of the rate to all of it\n");
    }
}

static void put_schedule(struct body *out, const struct variant *schedule, const struct plan *plan)
{
    const struct pytorch_schedule *row = find_schedule(schedule->kind);
    const struct schedule_common *common = schedule->common;
    int64_t unit = common->unit == UNIT_STEP ? 1 : plan->steps_per_epoch;
    int64_t length = (plan->steps + unit - 1) / unit;

    body_text(out, "def make_schedule(optimizer):\n");
    put_unit(out, common);
    if (!row) {
        body_print(out, "    return None  # PyTorch has no %s schedule\n\n\n",
                   schedule->kind->name);
        return;
    }
    body_print(out, "    return torch.optim.lr_scheduler.%s(optimizer", row->module);
    pytorch_options(out, &schedule->kind->options, schedule->options, row->options, ", ");
    if (row->more)
        row->more(out, schedule, length);
    body_text(out, ")\n\n\n");
}

void pytorch_course(struct body *out, const struct spec *spec, const struct plan *plan)
{
    put_optimizer(out, &spec->optimizer);
    put_schedule(out, &spec->lr_schedule, plan);
}
