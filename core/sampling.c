/* Sampling: see sampling.h. */
#include "core/sampling.h"

bool sampling_make(struct sampling *out, const struct spec *spec, const struct plan *plan,
                   const struct dataset *dataset, struct error *error)
{
    uint64_t seed = (uint64_t)spec->run.seed;
    *out = (struct sampling){.block = {0}};
    split_reserve(&out->split, spec, plan, &out->block);
    normalization_reserve(&out->normalization, plan->data.sample.channels, &out->block);
    if (!block_take(&out->block, error))
        return false;
    split_draw(&out->split, seed);
    if (!dataset)
        return true;
    const struct normalize_data data = {.split = dataset_train(dataset),
                                        .samples = split_train(&out->split),
                                        .count = out->split.train,
                                        .shape = plan->data.sample};
    normalization_measure(&out->normalization, &spec->dataset.normalize, &data);
    return true;
}

void sampling_drop(struct sampling *sampling)
{
    block_drop(&sampling->block);
}

struct sampling_part sampling_part(const struct sampling *sampling, const struct plan *plan,
                                   enum data_split split)
{
    const struct split *drawn = &sampling->split;
    bool held_out = split == SPLIT_VALIDATION && drawn->held_out > 0;
    const int64_t counts[] = {[SPLIT_TRAIN] = plan->data.train_samples,
                              [SPLIT_VALIDATION] = plan->data.validation_samples,
                              [SPLIT_TEST] = plan->data.test_samples};
    struct sampling_part part = {.count = counts[split]};
    part.of_training = split == SPLIT_TRAIN || held_out;
    if (part.of_training)
        part.order = held_out ? split_validation(drawn) : split_train(drawn);
    return part;
}
