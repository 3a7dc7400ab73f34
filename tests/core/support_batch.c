/* Support for tests: batches, see support_batch.h. */
#include "tests/core/support_batch.h"

#include "core/augment.h"
#include "core/optimizer.h"
#include "core/rng.h"
#include "tests/core/support_words.h"
#include "tests/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void batch_open(struct batch_stage *stage, const struct shape *shape, int64_t samples,
                uint64_t number)
{
    const struct rng rng = {number, RNG_SYNTHETIC, 0};
    int64_t count = samples * shape_elements(shape);

    *stage = (struct batch_stage){
        .data = {.sample = *shape, .classes = 2, .train_samples = samples, .test_samples = 1}};
    stage->images = malloc((size_t)count);
    stage->reals = malloc((size_t)count * sizeof(float));
    stage->labels = malloc((size_t)samples * sizeof(uint16_t));
    CHECK(stage->images != NULL && stage->reals != NULL && stage->labels != NULL);
    for (int64_t i = 0; i < count; i++) {
        stage->images[i] = (uint8_t)(rng_draw(&rng, (uint64_t)i).word[0] >> 24);
        stage->reals[i] = stage->images[i];
    }
    for (int64_t i = 0; i < samples; i++)
        stage->labels[i] = (uint16_t)i;
}

static void fill_spec(struct batch_stage *stage, const struct batch_words *words)
{
    struct spec *spec = &stage->spec;

    spec_init(spec);
    snprintf(spec->dataset.name, sizeof(spec->dataset.name), "test");
    spec->run.seed = words->seed;
    spec->dataset.shuffle = words->shuffle;
    if (words->limit != 0)
        spec->dataset.limit = words->limit;
    if (words->validation > 0)
        spec->dataset.validation.number = words->validation;
    if (words->normalize != NULL)
        variant_from_words(&spec->arena, &normalize_kinds, words->normalize,
                           &spec->dataset.normalize);
    if (words->augment != NULL)
        variants_from_words(&spec->arena, &augment_kinds, words->augment, &spec->dataset.augment);
    variant_from_words(&spec->arena, &optimizer_kinds, "sgd", &spec->optimizer);
    layers_from_words(&spec->arena,
                      stage->data.sample.flat ? "linear out_features=2"
                                              : "flatten | linear out_features=2",
                      &spec->model);
}

void batch_settle(struct batch_stage *stage, const struct batch_words *words)
{
    struct problems problems = {0};
    struct error error = {0};

    stage->data.real_pixels = words->reals;
    stage->split = (struct dataset_split){.images = words->reals ? NULL : stage->images,
                                          .reals = words->reals ? stage->reals : NULL,
                                          .labels = stage->labels,
                                          .count = stage->data.train_samples};
    fill_spec(stage, words);
    if (!spec_complete(&stage->spec, &problems, &error) ||
        !spec_settle(&stage->spec, &stage->data, NULL, &error) ||
        !plan_make(&stage->spec, &stage->data, &stage->plan, &problems, NULL, &error))
        FAIL("%s", error.text);
    if (problems.count > 0)
        FAIL("%s: %s", problems.items[0].pointer, problems.items[0].detail);
    split_reserve(&stage->samples, &stage->spec, &stage->plan, &stage->block);
    batch_reserve(&stage->input, &stage->spec, &stage->plan, 1, &stage->block);
    CHECK(block_take(&stage->block, &error));
    split_draw(&stage->samples, (uint64_t)words->seed);
    const struct normalize_data data = {&stage->split, split_train(&stage->samples),
                                        stage->samples.train, stage->data.sample};
    normalization_measure(&stage->input.normalization, &stage->spec.dataset.normalize, &data);
}

void batch_close(struct batch_stage *stage)
{
    block_drop(&stage->block);
    plan_drop(&stage->plan);
    spec_drop(&stage->spec);
    free(stage->images);
    free(stage->reals);
    free(stage->labels);
}

real *batch_numbers(const struct batch_stage *stage, int64_t first, int64_t count, int64_t epoch)
{
    const struct batch_part part = {.input = &stage->input,
                                    .split = &stage->split,
                                    .first = first,
                                    .samples = count,
                                    .train = epoch >= 0,
                                    .epoch = epoch >= 0 ? (uint32_t)epoch : 0};
    real *x = malloc((size_t)(count * shape_elements(&stage->data.sample)) * sizeof(real));
    uint16_t *labels = malloc((size_t)count * sizeof(uint16_t));

    CHECK(x != NULL && labels != NULL);
    batch_fill(&part, x, labels);
    for (int64_t i = 0; i < count; i++)
        CHECK_INT(labels[i], first + i);
    free(labels);
    return x;
}
