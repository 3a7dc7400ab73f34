/* Plan: how many samples are learned from and how many are held out, and whether normalization and
 * augmentation suit the data. */
#include "core/plan_data.h"

#include "core/augment.h"
#include "core/layer.h"
#include "core/normalize.h"
#include "core/split.h"

#include <assert.h>
#include <string.h>

bool spec_settle(struct spec *spec, const struct data_shape *data, struct plan_warnings *warnings,
                 struct error *error)
{
    struct spec_dataset *dataset = &spec->dataset;
    if (either_is_absent(&dataset->validation)) {
        dataset->validation.choice = data->test_samples > 0 ? VALIDATION_TEST : VALIDATION_NONE;
        if (data->test_samples == 0 && warnings)
            plan_warn(warnings, "/dataset/validation",
                      "the data set has no test split, so nothing will be evaluated; 0.1 would "
                      "hold a tenth of the training samples out");
    }
    return dataset->normalize.kind ||
           variant_make(&spec->arena, &normalize_kinds, normalize_default(data),
                        &dataset->normalize) ||
           error_set(error, ERROR_MEMORY, "spec", "no memory for the defaults");
}

int64_t data_shape_bytes(const struct data_shape *data)
{
    int64_t sample = shape_elements(&data->sample) * (data->real_pixels ? 4 : 1) + 2; /* a label */

    return saturating_product(data->train_samples + data->test_samples, sample);
}

static void take_limit(const struct spec *spec, struct plan *plan, struct plan_warnings *warnings)
{
    long long limit = spec->dataset.limit;
    if (spec->dataset.limit == FIELD_ABSENT)
        return;
    if (limit < plan->data.train_samples)
        plan->data.train_samples = limit;
    else
        plan_warn(warnings, "/dataset/limit",
                  "the data set has %lld training samples: the limit of %lld changes nothing",
                  (long long)plan->data.train_samples, limit);
}

/* Both sides must have a sample. Where they have not, what was there is planned with. */
static void hold_out(const struct spec *spec, struct plan *plan, struct problems *problems)
{
    double fraction = spec->dataset.validation.number;
    int64_t count = plan->data.train_samples, held_out = split_held_out(count, fraction);
    if (held_out < 1 || held_out >= count) {
        problem_add(problems, "/dataset/validation", "%g of %lld training samples leaves none %s",
                    fraction, (long long)count, held_out < 1 ? "to evaluate on" : "to learn from");
        return;
    }
    plan->data.validation_samples = held_out;
    plan->data.train_samples = count - held_out;
}

static void take_validation(const struct spec *spec, struct plan *plan, struct problems *problems,
                            struct plan_warnings *warnings)
{
    const struct either *validation = &spec->dataset.validation;
    if (either_is_number(validation)) {
        hold_out(spec, plan, problems);
    } else if (validation->choice == VALIDATION_TEST) {
        plan->data.validation_samples = plan->data.test_samples;
        if (plan->data.test_samples == 0)
            plan_warn(warnings, "/dataset/validation",
                      "the data set has no test split, so nothing will be evaluated");
    }
}

/* A scale for bytes on numbers that are none, and none for bytes. */
static void remark_scale(const struct spec *spec, const struct plan *plan,
                         struct plan_warnings *warnings)
{
    const char *name = spec->dataset.normalize.kind->name;
    if (!plan->data.real_pixels && strcmp(name, "none") == 0)
        plan_warn(warnings, "/dataset/normalize",
                  "the network would get bytes as they are, 0 … 255; initial weights and rates are "
                  "made for numbers around 1, such as \"scale\" gives");
    if (!plan->data.real_pixels && normalize_is_for_bytes(&spec->dataset.normalize))
        plan_warn(warnings, "/dataset/normalize/mean",
                  "bytes are brought to 0 … 1 before the mean is taken away: these look like means "
                  "of 0 … 255; divide them and std by 255");
    if (plan->data.real_pixels && strcmp(name, "scale") == 0)
        plan_warn(warnings, "/dataset/normalize",
                  "the pixels are real numbers, not bytes: they are divided by 255 all the same");
}

void plan_data(const struct spec *spec, struct plan *plan, struct problems *problems,
               struct plan_warnings *warnings)
{
    assert(spec->dataset.normalize.kind); /* by spec_settle */
    take_limit(spec, plan, warnings);
    if (plan->data.train_samples > UINT32_MAX)
        problem_add(problems, "/dataset/limit",
                    "%lld training samples are more than the %lld that can be put in order: "
                    "give a limit",
                    (long long)plan->data.train_samples, (long long)UINT32_MAX);
    take_validation(spec, plan, problems, warnings);
    normalize_plan(&spec->dataset.normalize, &plan->data, problems);
    remark_scale(spec, plan, warnings);
    augment_plan(&spec->dataset.augment, &plan->data, problems, warnings);
}
