/* Support for tests: see support_stage.h. */
#include "tests/core/support_stage.h"

#include "core/checkpoint.h"
#include "tests/core/support.h"
#include "tests/harness.h"

#include <stdlib.h>
#include <string.h>

const char stage_words[] =
    "conv2d out_channels=3 kernel_size=2 | relu | flatten | linear out_features=3";

/* In place: the trainer keeps the addresses of the job's spec and plan. */
void stage_set_up(struct stage *stage, const char *model, const char *optimizer)
{
    const struct data_shape shape = {{1, 5, 4, 0}, 3, 40, 0};
    const struct job_words words = {
        .model = model, .optimizer = optimizer, .batch_size = 8, .epochs = 2};

    make_idx_dataset("set", &shape, 1);
    stage->dataset = open_dataset("set");
    job_make(&stage->job, &words, stage->dataset);
    stage->trainer = job_trainer(&stage->job, 1, KERNELS_REFERENCE);
    for (int i = 0; i < 3; i++)
        step(stage->trainer);
    stage->size = checkpoint_size(&stage->job.plan);
    stage->bytes = malloc(stage->size);
    CHECK(stage->bytes != NULL);
    trainer_save(stage->trainer, stage->bytes);
}

void stage_tear_down(struct stage *stage)
{
    free(stage->bytes);
    trainer_free(stage->trainer);
    job_drop(&stage->job);
    dataset_release(stage->dataset);
}

/* Loading fails with that error, and the trainer is as it was. */
void stage_check_refused(struct stage *stage, const uint8_t *bytes, size_t size,
                         enum error_kind kind)
{
    const size_t weights = (size_t)stage->job.plan.parameters * sizeof(real);
    int64_t steps = trainer_steps_done(stage->trainer);
    struct error error = {0};
    real *before = malloc(weights);

    CHECK(before != NULL);
    memcpy(before, trainer_parameters(stage->trainer), weights);
    CHECK(!trainer_load(stage->trainer, bytes, size, &error));
    CHECK(error.text[0] != '\0');
    CHECK_TEXT(error_kind_name(error.kind), error_kind_name(kind));
    CHECK_INT(trainer_steps_done(stage->trainer), steps);
    CHECK(memcmp(before, trainer_parameters(stage->trainer), weights) == 0);
    free(before);
}
