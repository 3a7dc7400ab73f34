/* Checkpoints of version 1, and of runs that have not begun. */
#include "tests/harness.h"

#include "core/checkpoint.h"
#include "tests/core/support.h"
#include "tests/core/support_job.h"
#include "tests/core/support_stage.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* tests/cases/checkpoint/version-1: what the program of that version saved of this very stage. */
static uint8_t *read_version_1(size_t *size)
{
    char path[1100];

    snprintf(path, sizeof(path), "%s/tests/cases/checkpoint/version-1", test_root());
    return read_bytes(path, size);
}

TEST("a checkpoint of version 1 still loads, and the run goes on from it to its end")
{
    struct stage stage;
    struct checkpoint_view view;
    struct error error = {0};
    size_t size;
    uint8_t *old = read_version_1(&size);

    stage_set_up(&stage, stage_words, "adam lr=0.01");
    CHECK_INT((int64_t)checkpoint_numbers_at(&stage.job.plan, (int64_t)size), 96);
    CHECK(checkpoint_open(old, size, &view, &error));
    CHECK_INT(view.version, 1);
    CHECK_INT(view.number_count, stage.job.plan.numbers);
    if (!trainer_load(stage.trainer, old, size, &error))
        FAIL("%s", error.text);
    CHECK_INT(trainer_steps_done(stage.trainer), 3);
    CHECK_INT(trainer_observed(stage.trainer), 0);
    CHECK(isnan(trainer_training(stage.trainer).values[METRIC_TRAIN_ACCURACY]));
    CHECK(memcmp(old + 96, trainer_parameters(stage.trainer),
                 (size_t)stage.job.plan.numbers * sizeof(float)) == 0);
    while (!trainer_ended(stage.trainer))
        CHECK(step(stage.trainer).finite);
    free(old);
    stage_tear_down(&stage);
}

TEST("a checkpoint of version 1 that was cut or changed anywhere is refused")
{
    struct stage stage;
    size_t size;
    uint8_t *old = read_version_1(&size);

    stage_set_up(&stage, stage_words, "adam lr=0.01");
    for (size_t cut = 0; cut < size; cut++) {
        uint8_t *part = malloc(cut + (cut == 0));

        CHECK(part != NULL);
        memcpy(part, old, cut);
        stage_check_refused(&stage, part, cut, ERROR_CORRUPT);
        free(part);
    }
    for (size_t bit = 0; bit < 8 * size; bit++) {
        old[bit / 8] ^= (uint8_t)(1 << bit % 8);
        stage_check_refused(&stage, old, size, ERROR_CORRUPT);
        old[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    free(old);
    stage_tear_down(&stage);
}

TEST(
    "the checkpoint of a run that takes its weights over is the one that a trainer with them saves")
{
    static const char *const optimizers[] = {"sgd", "adam lr=0.1",
                                             "adagrad initial_accumulator_value=0.25"};

    for (size_t i = 0; i < COUNT_OF(optimizers); i++) {
        struct stage stage;
        struct trainer *fresh;
        uint8_t *made;

        stage_set_up(&stage, stage_words, optimizers[i]);
        fresh = job_trainer(&stage.job, 1, KERNELS_REFERENCE);
        trainer_set_parameters(fresh, trainer_parameters(stage.trainer));
        trainer_save(fresh, stage.bytes);
        made = malloc(stage.size);
        CHECK(made != NULL);
        checkpoint_start(&(struct checkpoint_start){.spec = &stage.job.spec,
                                                    .plan = &stage.job.plan,
                                                    .numbers = trainer_parameters(fresh)},
                         made);
        CHECK(memcmp(made, stage.bytes, stage.size) == 0);
        free(made);
        trainer_free(fresh);
        stage_tear_down(&stage);
    }
}

TEST("before its first step a run belongs to no data set, after it to that one alone")
{
    const struct data_shape shape = {{1, 5, 4, 0}, 3, 40, 0};
    const struct job_words words = {.model = stage_words, .batch_size = 8, .epochs = 2};
    struct stage stage;
    struct trainer *elsewhere;
    struct dataset *other;
    struct job job;
    struct error error = {0};

    stage_set_up(&stage, stage_words, "sgd lr=0.01");
    make_idx_dataset("other", &shape, 2);
    other = open_dataset("other");
    job_make(&job, &words, other);
    elsewhere = job_trainer(&job, 1, KERNELS_REFERENCE);
    CHECK(!trainer_load(elsewhere, stage.bytes, stage.size, &error));
    CHECK_INT(error.kind, ERROR_INVALID);
    trainer_free(stage.trainer);
    stage.trainer = job_trainer(&stage.job, 1, KERNELS_REFERENCE);
    trainer_save(stage.trainer, stage.bytes);
    error = (struct error){0};
    if (!trainer_load(elsewhere, stage.bytes, stage.size, &error))
        FAIL("%s", error.text);
    trainer_free(elsewhere);
    job_drop(&job);
    dataset_release(other);
    stage_tear_down(&stage);
}
