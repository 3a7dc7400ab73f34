/* Plan: shapes, tensors, counts and warnings. How many bytes the kernels take is asked of the
 * trainer (plan_bytes).
 */
#include "core/plan.h"

#include "core/digest.h"
#include "core/layer.h"
#include "core/loss.h"
#include "core/model.h"
#include "core/optimizer.h"
#include "core/plan_advice.h"
#include "core/plan_data.h"
#include "core/plan_network.h"
#include "core/plan_watches.h"
#include "core/schedule.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* No option takes a rate above this one; a schedule that multiplies might grow past it. */
#define LR_LIMIT 1e6

void plan_warn(struct plan_warnings *warnings, const char *pointer, const char *format, ...)
{
    if (warnings->count == PLAN_WARNINGS_MAX)
        return;
    struct plan_warning *warning = &warnings->items[warnings->count++];
    snprintf(warning->pointer, sizeof warning->pointer, "%s", pointer);
    va_list list;
    va_start(list, format);
    vsnprintf(warning->text, sizeof warning->text, format, list);
    va_end(list);
}

/* How a batch is cut: by the spec alone, so that sums have one order on every machine and thread
 * count. Small shards stay in a core's cache; more of them than this only adds gradient buffers. */
static void plan_shards(struct plan *plan)
{
    int64_t wanted = plan->batch_size >= 256 ? PLAN_SHARDS_MOST : PLAN_SHARDS;
    int64_t shards = plan->batch_size < wanted ? plan->batch_size : wanted;
    plan->cut.shard_size = (plan->batch_size + shards - 1) / shards;
    plan->cut.shards = (plan->batch_size + plan->cut.shard_size - 1) / plan->cut.shard_size;
}

static void plan_length(const struct spec *spec, struct plan *plan, struct problems *problems,
                        struct plan_warnings *warnings)
{
    const struct spec_run *run = &spec->run;
    plan_data(spec, plan, problems, warnings);
    plan->batch_size = run->batch_size;
    if (plan->batch_size > plan->data.train_samples) {
        if (run->drop_last)
            problem_add(problems, "/batch_size",
                        "a batch of %lld is larger than the %lld training samples, and drop_last "
                        "leaves out what is not full",
                        (long long)plan->batch_size, (long long)plan->data.train_samples);
        else
            plan_warn(warnings, "/batch_size",
                      "a batch of %lld holds all %lld training samples: every step is an epoch",
                      (long long)plan->batch_size, (long long)plan->data.train_samples);
        plan->batch_size = plan->data.train_samples;
    }
    int64_t rest = run->drop_last ? 0 : plan->batch_size - 1;
    plan->steps_per_epoch = (plan->data.train_samples + rest) / plan->batch_size;
    plan->steps =
        run->max_steps != FIELD_ABSENT ? run->max_steps : run->epochs * plan->steps_per_epoch;
    plan->epochs = (plan->steps + plan->steps_per_epoch - 1) / plan->steps_per_epoch;
    plan_shards(plan);
}

/* The network's end must be one score per class. */
static void plan_end(const struct plan *plan, struct problems *problems)
{
    const struct plan_layer *last = &plan->layers[plan->layer_count - 1];
    if (last->output.flat && last->output.channels == plan->data.classes)
        return;
    if (!last->output.flat)
        problem_add(problems, last->pointer,
                    "the last layer gives %lld × %lld × %lld, but the loss wants one score for "
                    "each of the %lld classes: "
                    "end with flatten and a linear layer",
                    (long long)last->output.channels, (long long)last->output.height,
                    (long long)last->output.width, (long long)plan->data.classes);
    else
        problem_add(problems, last->pointer,
                    "the last layer gives %lld scores, but the data set has %lld classes",
                    (long long)last->output.channels, (long long)plan->data.classes);
}

/* Schedules that can outgrow every bound never fall again: the last rate tells. */
static void plan_schedule(const struct spec *spec, const struct plan *plan,
                          struct problems *problems, struct plan_warnings *warnings)
{
    const struct schedule_common *common = spec->lr_schedule.common;
    double first = plan_lr(spec, plan, 1), last = plan_lr(spec, plan, plan->steps);
    if (!(last <= LR_LIMIT))
        problem_add(problems, "/lr_schedule",
                    "the rate would grow past %.0f by the last step, step %lld", LR_LIMIT,
                    (long long)plan->steps);
    if (common->warmup.given && common->warmup.steps >= plan->steps)
        plan_warn(warnings, "/lr_schedule/warmup/steps",
                  "the warm-up of %lld steps does not end within the run's %lld",
                  (long long)common->warmup.steps, (long long)plan->steps);
    if (first > 0 && last == 0)
        plan_warn(warnings, "/lr_schedule",
                  "the rate is 0 at the last step: steps with rate 0 change nothing");
}

/* The largest rate of the run, as far as evenly spread steps show it: schedules may have rates of
 * their own. */
static double largest_lr(const struct spec *spec, const struct plan *plan)
{
    enum { LOOKS = 256 };
    double largest = 0;
    for (int64_t i = 0; i < LOOKS; i++) {
        double share = (double)i / (LOOKS - 1);
        int64_t step = 1 + (int64_t)(share * (double)(plan->steps - 1));
        largest = fmax(largest, plan_lr(spec, plan, step));
    }
    return largest;
}

static void remark_rate(const struct spec *spec, const struct plan *plan,
                        struct plan_warnings *warnings)
{
    const struct optimizer_kind *optimizer = (const struct optimizer_kind *)spec->optimizer.kind;
    double low = optimizer->usual_lr[0], high = optimizer->usual_lr[1];
    double own = optimizer->base_lr(spec->optimizer.options), lr = largest_lr(spec, plan);
    bool scheduled = fabs(lr - own) > 1e-9 * own;
    if (lr < low / 100 || lr > high * 10)
        plan_warn(warnings, scheduled ? "/lr_schedule" : "/optimizer/lr",
                  "%s%g%s is far outside the usual range for %s, %g … %g",
                  scheduled ? "the largest rate of the run, " : "", lr, scheduled ? "," : "",
                  optimizer->kind.name, low, high);
}

static void plan_remarks(const struct spec *spec, const struct plan *plan,
                         struct plan_warnings *warnings)
{
    remark_rate(spec, plan, warnings);
    if (plan->data.validation_samples == 0 &&
        strncmp(spec_metrics[spec->checkpoint.metric], "val_", 4) == 0)
        plan_warn(warnings, "/checkpoint/metric",
                  "without validation there is no %s, so no checkpoint is ever the best",
                  spec_metrics[spec->checkpoint.metric]);
    if (plan->totals.learned == 0)
        plan_warn(warnings, "/model", "no layer has weights: there is nothing to learn");
}

bool plan_make(const struct spec *spec, const struct data_shape *data, struct plan *plan,
               struct problems *problems, struct plan_warnings *warnings, struct error *error)
{
    struct plan_warnings unwanted = {.count = 0};
    struct layer_planning planning = {
        .plan = plan, .problems = problems, .warnings = warnings ? warnings : &unwanted};

    memset(plan, 0, sizeof *plan);
    plan->data = *data;
    plan->data.given_samples = data->train_samples;
    plan_length(spec, plan, problems, planning.warnings);
    plan_schedule(spec, plan, problems, planning.warnings);
    const struct optimizer_kind *optimizer = (const struct optimizer_kind *)spec->optimizer.kind;
    plan->optimizer_slots = optimizer->slots(spec->optimizer.options);
    bool whole = plan_network(&planning, &spec->model);
    if (whole && problems->count == 0)
        plan_end(plan, problems);
    if (planning.memory_gone) {
        plan_drop(plan);
        return error_set(error, ERROR_MEMORY, "plan", "no memory for a plan");
    }
    plan_advise(spec, plan, whole, planning.warnings);
    plan_remarks(spec, plan, planning.warnings);
    plan_watches(spec, plan, problems, planning.warnings);
    return true;
}

void plan_drop(struct plan *plan)
{
    arena_drop(&plan->arena);
    memset(plan, 0, sizeof *plan);
}

void plan_settle(struct spec *spec, const struct plan *plan)
{
    const struct schedule_run run = {.steps = plan->steps,
                                     .steps_per_epoch = plan->steps_per_epoch};
    schedule_settle(&spec->lr_schedule, &run);
}

double plan_lr(const struct spec *spec, const struct plan *plan, int64_t step)
{
    struct schedule_run run = {.base_lr = optimizer_base_lr(&spec->optimizer),
                               .steps = plan->steps,
                               .steps_per_epoch = plan->steps_per_epoch};
    return schedule_lr(&spec->lr_schedule, &run, step);
}

int plan_threads(const struct plan *plan, int64_t wanted)
{
    int64_t useful = wanted < plan->cut.shards ? wanted : plan->cut.shards;
    return useful > 1 ? (int)useful : 1;
}

int64_t plan_layer_bytes(const struct plan *plan, int index)
{
    return shape_elements(&plan->layers[index].output) * plan->batch_size * (int64_t)sizeof(float);
}

void plan_fingerprint(const struct spec *spec, const struct plan *plan, uint8_t out[32])
{
    uint8_t parts[2][DIGEST_BYTES] = {{0}};
    const struct optimizer_kind *optimizer = (const struct optimizer_kind *)spec->optimizer.kind;
    const char *form = optimizer->form ? optimizer->form(spec->optimizer.options) : "";
    struct digest_piece pieces[4] = {{parts[0], DIGEST_BYTES},
                                     {optimizer->kind.name, strlen(optimizer->kind.name)},
                                     {form, strlen(form)},
                                     {&plan->optimizer_slots, sizeof plan->optimizer_slots}};
    for (int i = 0; i < plan->tensor_count; i++) {
        const struct plan_tensor *tensor = &plan->tensors[i];
        struct digest_piece piece[4] = {{parts[0], DIGEST_BYTES},
                                        {tensor->name, strlen(tensor->name) + 1},
                                        {tensor->dims, sizeof tensor->dims},
                                        {&tensor->offset, sizeof tensor->offset}};
        digest_pieces(piece, 4, parts[1]);
        memcpy(parts[0], parts[1], DIGEST_BYTES);
    }
    digest_pieces(pieces, 4, out);
}
