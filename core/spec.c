/* The tables of the whole spec, and the rules between its fields. Rows of layers, optimizers,
 * schedules and losses stand with their kinds. */
#include "core/spec.h"

#include "core/divergence.h"
#include "core/init_from.h"
#include "core/layer.h"
#include "core/loss.h"
#include "core/optimizer.h"
#include "core/schedule.h"

#include <stdio.h>
#include <string.h>

const char *const spec_metrics[] = {"val_loss", "val_accuracy", "train_loss", "train_accuracy",
                                    NULL};
_Static_assert(COUNT_OF(spec_metrics) == SPEC_METRICS + 1, "one name for each metric");

bool spec_metric_larger_is_better(int metric)
{
    return metric == METRIC_VAL_ACCURACY || metric == METRIC_TRAIN_ACCURACY;
}

static const char *const precisions[] = {"fp32", "bf16", NULL};

/* clang-format off */
static const struct field every_rows[] = {
    {.name = "epochs", .type = FIELD_INT, .flags = FIELD_OPTIONAL,
     .offset = offsetof(struct spec_every, epochs), .min = 1, .max = FIELD_INT_MAX,
     .help = "after every n epochs"},
    {.name = "steps", .type = FIELD_INT, .flags = FIELD_OPTIONAL,
     .offset = offsetof(struct spec_every, steps), .min = 1, .max = FIELD_INT_MAX,
     .help = "after every n steps"},
};
/* clang-format on */
static const struct fields every_fields = {every_rows, COUNT_OF(every_rows),
                                           sizeof(struct spec_every)};

/* clang-format off */
static const struct field checkpoint_rows[] = {
    {.name = "every", .type = FIELD_OBJECT, .flags = FIELD_OPTIONAL | FIELD_ONE_KEY,
     .offset = offsetof(struct spec_checkpoint, every), .fields = &every_fields,
     .help = "when to store one; the end is always stored"},
    {.name = "keep_last", .type = FIELD_INT,
     .offset = offsetof(struct spec_checkpoint, keep_last), .min = 1, .max = 1000, .fallback = 2,
     .help = "newest checkpoints to keep"},
    {.name = "keep_best", .type = FIELD_INT,
     .offset = offsetof(struct spec_checkpoint, keep_best), .min = 0, .max = 1000, .fallback = 1,
     .help = "best checkpoints to keep beside them"},
    {.name = "metric", .type = FIELD_CHOICE, .offset = offsetof(struct spec_checkpoint, metric),
     .choices = spec_metrics,
     .help = "what best means, as measured on a checkpoint's weights; train_loss is that of its "
             "last batch"},
};
/* clang-format on */
static const struct fields checkpoint_fields = {checkpoint_rows, COUNT_OF(checkpoint_rows),
                                                sizeof(struct spec_checkpoint)};

#define STOP(member) offsetof(struct spec_early_stopping, member)

/* clang-format off */
static const struct field early_stopping_rows[] = {
    {.name = "metric", .type = FIELD_CHOICE, .offset = STOP(metric), .choices = spec_metrics,
     .help = "what must get better, as measured at each evaluation; train_ metrics are taken over "
             "the training samples since the evaluation before"},
    {.name = "patience", .type = FIELD_INT, .offset = STOP(patience), .min = 1, .max = 1e9,
     .fallback = 10, .help = "the run ends after so many evaluations in a row without improvement"},
    {.name = "min_delta", .type = FIELD_REAL, .offset = STOP(min_delta), .min = 0, .max = 1e9,
     .help = "a change by no more than this is no improvement"},
};
/* clang-format on */
static const struct fields early_stopping_fields = {
    early_stopping_rows, COUNT_OF(early_stopping_rows), sizeof(struct spec_early_stopping)};

#define RUN(member) (offsetof(struct spec, run) + offsetof(struct spec_run, member))

/* clang-format off */
static const struct field spec_rows[] = {
    {.name = "seed", .type = FIELD_INT, .flags = FIELD_OPTIONAL, .offset = RUN(seed), .min = 0,
     .max = FIELD_INT_MAX, .help = "start of all random numbers; drawn when absent"},
    {.name = "dataset", .type = FIELD_OBJECT, .flags = FIELD_REQUIRED,
     .offset = offsetof(struct spec, dataset), .fields = &spec_dataset_fields,
     .help = "what to learn from"},
    {.name = "model", .type = FIELD_VARIANTS, .flags = FIELD_REQUIRED,
     .offset = offsetof(struct spec, model), .min = 1, .max = 256, .kinds = &layer_kinds,
     .help = "the layers, from the image to the class scores"},
    {.name = "loss", .type = FIELD_VARIANT, .offset = offsetof(struct spec, loss),
     .kinds = &loss_kinds, .fallback_kind = "cross_entropy", .help = "what is minimized"},
    {.name = "optimizer", .type = FIELD_VARIANT, .flags = FIELD_REQUIRED,
     .offset = offsetof(struct spec, optimizer), .kinds = &optimizer_kinds,
     .help = "how gradients change the weights"},
    {.name = "lr_schedule", .type = FIELD_VARIANT, .offset = offsetof(struct spec, lr_schedule),
     .kinds = &schedule_kinds, .fallback_kind = "constant",
     .help = "how the learning rate changes"},
    {.name = "epochs", .type = FIELD_INT, .flags = FIELD_OPTIONAL, .offset = RUN(epochs),
     .min = 1, .max = 100000,
     .help = "passes over the training samples; default 1 unless max_steps is given"},
    {.name = "max_steps", .type = FIELD_INT, .flags = FIELD_OPTIONAL, .offset = RUN(max_steps),
     .min = 1, .max = 1e9, .help = "length in steps instead of epochs"},
    {.name = "batch_size", .type = FIELD_INT, .offset = RUN(batch_size), .min = 1,
     .max = SPEC_BATCH_MAX,
     .fallback = 64, .help = "samples of one step"},
    {.name = "drop_last", .type = FIELD_BOOL, .offset = RUN(drop_last),
     .help = "leave out the last batch of an epoch when it is not full"},
    {.name = "precision", .type = FIELD_CHOICE, .offset = RUN(precision), .choices = precisions,
     .help = "number format of the computation"},
    {.name = "evaluate_every", .type = FIELD_OBJECT, .flags = FIELD_OPTIONAL | FIELD_ONE_KEY,
     .offset = offsetof(struct spec, evaluate_every), .fields = &every_fields,
     .help = "when to evaluate; the end is always evaluated"},
    {.name = "checkpoint", .type = FIELD_OBJECT, .flags = FIELD_OPTIONAL,
     .offset = offsetof(struct spec, checkpoint), .fields = &checkpoint_fields,
     .help = "when to store checkpoints and which to keep"},
    {.name = "clip_grad_norm", .type = FIELD_REAL, .flags = FIELD_OPTIONAL | FIELD_ABOVE_MIN,
     .offset = RUN(clip_grad_norm), .min = 0, .max = 1e9,
     .help = "gradients of a larger norm are made shorter to this one; the metric grad_norm stays "
             "what it was before"},
    {.name = "clip_grad_value", .type = FIELD_REAL, .flags = FIELD_OPTIONAL | FIELD_ABOVE_MIN,
     .offset = RUN(clip_grad_value), .min = 0, .max = 1e9,
     .help = "each number of a gradient is kept within plus and minus this, after clip_grad_norm"},
    {.name = "early_stopping", .type = FIELD_OBJECT, .flags = FIELD_OPTIONAL,
     .offset = offsetof(struct spec, early_stopping), .fields = &early_stopping_fields,
     .help = "end the run when a metric no longer gets better"},
    {.name = "on_divergence", .type = FIELD_VARIANT,
     .offset = offsetof(struct spec, on_divergence), .kinds = &divergence_kinds,
     .fallback_kind = "fail", .help = "what to do when training leaves the finite numbers"},
    {.name = "init_from", .type = FIELD_OBJECT, .flags = FIELD_OPTIONAL,
     .offset = offsetof(struct spec, init_from), .fields = &init_from_fields,
     .help = "begin with trained weights instead of drawn ones; the optimizer begins anew"},
    {.name = "threads", .type = FIELD_INT, .flags = FIELD_OPTIONAL, .offset = RUN(threads),
     .min = 1, .max = 256, .help = "threads of this job; the numbers do not depend on it"},
};
/* clang-format on */

const struct fields spec_fields = {spec_rows, COUNT_OF(spec_rows), sizeof(struct spec)};

void spec_init(struct spec *spec)
{
    memset(spec, 0, sizeof *spec);
    fields_defaults(&spec_fields, spec);
}

void spec_drop(struct spec *spec)
{
    arena_drop(&spec->arena);
    memset(spec, 0, sizeof *spec);
}

bool variant_make(struct arena *arena, const struct kinds *kinds, const struct kind *kind,
                  struct variant *out)
{
    *out = (struct variant){.kind = kind};
    if (kind->options.count > 0) {
        out->options = arena_take(arena, kind->options.size);
        if (!out->options)
            return false;
        fields_defaults(&kind->options, out->options);
    }
    if (kinds->common) {
        out->common = arena_take(arena, kinds->common->size);
        if (!out->common)
            return false;
        fields_defaults(kinds->common, out->common);
    }
    return true;
}

static void complete_every(struct spec_every *every)
{
    if (!every->given)
        *every = (struct spec_every){.given = true, .epochs = 1, .steps = FIELD_ABSENT};
}

static void complete_checkpoint(struct spec_checkpoint *checkpoint)
{
    if (!checkpoint->given) {
        fields_defaults(&checkpoint_fields, checkpoint);
        checkpoint->given = true;
    }
    complete_every(&checkpoint->every);
}

bool spec_complete(struct spec *spec, struct problems *problems, struct error *error)
{
    if (spec->run.epochs != FIELD_ABSENT && spec->run.max_steps != FIELD_ABSENT)
        problem_add(problems, "/max_steps",
                    "epochs and max_steps both say how long to train: give one of them");
    if (spec->run.epochs == FIELD_ABSENT && spec->run.max_steps == FIELD_ABSENT)
        spec->run.epochs = 1;
    spec_dataset_complete(&spec->dataset, problems);
    complete_every(&spec->evaluate_every);
    complete_checkpoint(&spec->checkpoint);
    init_from_complete(&spec->init_from, "/init_from", problems);
    if (!spec_complete_rows(&spec->arena, &spec_fields, spec))
        return error_set(error, ERROR_MEMORY, "spec", "no memory for the defaults");
    divergence_check(&spec->on_divergence, "/on_divergence", problems);

    if (spec->lr_schedule.kind)
        schedule_complete(&spec->lr_schedule, &spec->run, "/lr_schedule", problems);
    const struct optimizer_kind *optimizer = (const struct optimizer_kind *)spec->optimizer.kind;
    if (optimizer && optimizer->check)
        optimizer->check(spec->optimizer.options, "/optimizer", problems);
    return true;
}
