/* Plan of what watches the evaluations: see plan_watches.h. */
#include "core/plan_watches.h"

#include "core/layer.h"
#include "core/plateau.h"
#include "core/schedule.h"

#include <stdio.h>
#include <string.h>

struct watcher {
    const char *pointer;
    int metric;
    int64_t bad; /* evaluations without improvement in a row that make it act */
};

static int64_t evaluations(const struct spec *spec, const struct plan *plan)
{
    const struct spec_every *every = &spec->evaluate_every;
    int64_t steps = every->steps > 0 ? every->steps : plan->steps;
    if (every->epochs > 0)
        steps = every->epochs < plan->epochs ? every->epochs * plan->steps_per_epoch : plan->steps;
    return (plan->steps + steps - 1) / steps;
}

static void plan_watcher(const struct watcher *watcher, int64_t count, bool validated,
                         struct problems *problems, struct plan_warnings *warnings)
{
    const char *name = spec_metrics[watcher->metric];
    char place[sizeof warnings->items[0].pointer];
    if (!validated && strncmp(name, "val_", 4) == 0) {
        snprintf(place, sizeof place, "%s/metric", watcher->pointer);
        problem_add(problems, place,
                    "without validation there is no %s; train_loss and train_accuracy are "
                    "measured in every run",
                    name)
            ->choices = spec_metrics;
    }
    /* The first evaluation is always an improvement. */
    if (count <= watcher->bad) {
        snprintf(place, sizeof place, "%s/patience", watcher->pointer);
        plan_warn(warnings, place,
                  "the run has %lld evaluations and would need more than %lld before this acts",
                  (long long)count, (long long)watcher->bad);
    }
}

void plan_watches(const struct spec *spec, const struct plan *plan, struct problems *problems,
                  struct plan_warnings *warnings)
{
    const struct spec_early_stopping *stopping = &spec->early_stopping;
    int64_t count = evaluations(spec, plan);
    bool validated = plan->data.validation_samples > 0;
    if (plateau_is(&spec->lr_schedule)) {
        const struct schedule_common *common = spec->lr_schedule.common;
        struct watcher watcher = {.pointer = "/lr_schedule",
                                  .metric = plateau_metric(&spec->lr_schedule),
                                  .bad = plateau_patience(&spec->lr_schedule) + 1};
        plan_watcher(&watcher, count, validated, problems, warnings);
        if (common->unit != UNIT_NONE)
            plan_warn(warnings, "/lr_schedule/unit",
                      "reduce_on_plateau counts evaluations: evaluate_every says how often");
    }
    if (stopping->given) {
        struct watcher watcher = {
            .pointer = "/early_stopping", .metric = stopping->metric, .bad = stopping->patience};
        plan_watcher(&watcher, count, validated, problems, warnings);
    }
}
