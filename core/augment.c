/* Augmentation: the table of kinds, and the way of one sample through a list of them. */
#include "core/augment.h"

#include "core/layer.h"

#include <stdio.h>

static const struct kind *const rows[] = {
    &augment_random_crop.kind,
    &augment_random_horizontal_flip.kind,
    &augment_random_vertical_flip.kind,
    &augment_random_rotation.kind,
    &augment_cutout.kind,
    &augment_random_erasing.kind,
    &augment_random_brightness.kind,
    &augment_random_contrast.kind,
};
const struct kinds augment_kinds = {.noun = "augmentation", .rows = rows, .count = COUNT_OF(rows)};

static void place(size_t index, char out[64])
{
    snprintf(out, 64, "/dataset/augment/%zu", index);
}

void augment_check(const struct variants *augment, struct problems *problems)
{
    for (size_t i = 0; i < augment->count; i++) {
        const struct augment_kind *kind = (const struct augment_kind *)augment->items[i].kind;
        char pointer[64];
        place(i, pointer);
        if (kind && kind->check)
            kind->check(augment->items[i].options, pointer, problems);
    }
}

void augment_plan(const struct variants *augment, const struct data_shape *data,
                  struct problems *problems, struct plan_warnings *warnings)
{
    for (size_t i = 0; i < augment->count; i++) {
        const struct augment_kind *kind = (const struct augment_kind *)augment->items[i].kind;
        char pointer[64];
        place(i, pointer);
        const struct augment_planning planning = {augment->items[i].options, &data->sample, pointer,
                                                  problems, warnings};
        if (!kind)
            continue;
        if (data->sample.flat && !kind->flat_too)
            problem_add(problems, pointer,
                        "%s wants images, but the samples are flat vectors of %lld numbers",
                        kind->kind.name, (long long)data->sample.channels);
        else if (kind->plan)
            kind->plan(&planning);
    }
}

real *augment_apply(const struct variants *augment, const struct augment_sample *sample,
                    struct augment_call *call)
{
    call->draw = (uint64_t)sample->index * AUGMENT_DRAWS;
    for (size_t i = 0; i < augment->count; i++) {
        const struct augment_kind *kind = (const struct augment_kind *)augment->items[i].kind;
        call->options = augment->items[i].options;
        call->rng = (struct rng){sample->seed, RNG_AUGMENT | (uint32_t)i << 8, sample->epoch};
        real *result = kind->apply(call);
        if (result == call->spare)
            call->spare = call->pixels;
        call->pixels = result;
    }
    return call->pixels;
}
