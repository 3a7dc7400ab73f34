/* Control of a run by what it finds, in a trainer. */
#include "tests/harness.h"

#include "core/checkpoint.h"
#include "core/divergence.h"
#include "tests/core/support.h"
#include "tests/core/support_job.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct stage {
    struct dataset *dataset;
    struct job job;
    struct trainer *trainer;
};

static const struct job_words usual = {
    .model = "flatten | linear out_features=6 | relu | linear out_features=3",
    .optimizer = "sgd lr=0.1",
    .batch_size = 8,
    .epochs = 8};

/* A job on a small data set; its trainer is yet to be made, so that the spec can be changed. */
static void set_up(struct stage *stage, const struct job_words *words)
{
    const struct data_shape shape = {{1, 5, 4, 0}, 3, 44, 12};

    make_idx_dataset("set", &shape, 1);
    stage->dataset = open_dataset("set");
    job_make(&stage->job, words, stage->dataset);
    stage->trainer = NULL;
}

static void begin(struct stage *stage)
{
    trainer_free(stage->trainer);
    stage->trainer = job_trainer(&stage->job, 1, KERNELS_REFERENCE);
}

static void tear_down(struct stage *stage)
{
    trainer_free(stage->trainer);
    job_drop(&stage->job);
    dataset_release(stage->dataset);
}

/* ---- counting ---- */

TEST("train_accuracy and the mean training loss are those of all samples since the observation "
     "before, each seen before its update")
{
    struct stage stage;
    struct evaluation evaluation;

    set_up(&stage,
           &(struct job_words){
               .model = usual.model, .optimizer = "sgd lr=0", .batch_size = 8, .epochs = 3});
    begin(&stage);
    CHECK(isnan(trainer_training(stage.trainer).values[METRIC_TRAIN_ACCURACY]));
    trainer_evaluation_begin(stage.trainer, SPLIT_TRAIN, &evaluation);
    while (!evaluation.done)
        trainer_evaluate_batch(stage.trainer, &evaluation);
    while (!step(stage.trainer).epoch_ended)
        continue;
    /* The rate is 0: an epoch sees every sample with the same weights. */
    struct observation found = trainer_training(stage.trainer);
    CHECK(found.values[METRIC_TRAIN_ACCURACY] == (double)evaluation.correct / 44);
    CHECK_NEAR(found.values[METRIC_TRAIN_LOSS], evaluation.loss_sum / 44, 1e-6);
    CHECK(isnan(found.values[METRIC_VAL_LOSS]) && isnan(found.values[METRIC_VAL_ACCURACY]));
    trainer_observe(stage.trainer, &found);
    CHECK_INT(trainer_observed(stage.trainer), 6);
    CHECK(isnan(trainer_training(stage.trainer).values[METRIC_TRAIN_ACCURACY]));
    struct step_report report = step(stage.trainer);
    CHECK_NEAR(trainer_training(stage.trainer).values[METRIC_TRAIN_LOSS], report.train_loss, 1e-12);
    tear_down(&stage);
}

/* ---- early stopping ---- */

static void stop_early(struct stage *stage, int metric, int64_t patience, double min_delta)
{
    stage->job.spec.early_stopping = (struct spec_early_stopping){
        .given = true, .metric = metric, .patience = patience, .min_delta = min_delta};
    begin(stage);
}

/* After how many of these values early stopping ends the run; 0: after none. */
static int ends_after(struct stage *stage, int metric, const double *values, int count)
{
    for (int i = 0; i < count; i++) {
        struct observation observation = {{NAN, NAN, NAN, NAN}};

        observation.values[metric] = values[i];
        step(stage->trainer);
        trainer_observe(stage->trainer, &observation);
        if (trainer_wants_end(stage->trainer))
            return i + 1;
    }
    return 0;
}

TEST("early stopping ends a run after `patience` evaluations in a row that are no better by more "
     "than min_delta")
{
    static const double losses[] = {1.0, 0.9, 0.9, 0.95, 0.8, 0.8, 0.85, NAN, 0.7};
    static const double small[] = {1.0, 0.95, 0.875, 0.75, 0.625};
    static const double rising[] = {0.5, 0.6, 0.6, 0.7, 0.65, 0.7, 0.5};
    struct stage stage;

    set_up(&stage, &usual);
    stop_early(&stage, METRIC_VAL_LOSS, 2, 0);
    CHECK_INT(ends_after(&stage, METRIC_VAL_LOSS, losses, COUNT_OF(losses)), 4);
    stop_early(&stage, METRIC_VAL_LOSS, 3, 0);
    CHECK_INT(ends_after(&stage, METRIC_VAL_LOSS, losses, COUNT_OF(losses)), 8);
    /* 0.875 is better than 1 by an eighth, which is not more than that; 0.75 is. */
    stop_early(&stage, METRIC_VAL_LOSS, 3, 0.125);
    CHECK_INT(ends_after(&stage, METRIC_VAL_LOSS, small, COUNT_OF(small)), 0);
    stop_early(&stage, METRIC_VAL_LOSS, 2, 0.125);
    CHECK_INT(ends_after(&stage, METRIC_VAL_LOSS, small, COUNT_OF(small)), 3);
    stop_early(&stage, METRIC_VAL_ACCURACY, 2, 0);
    CHECK_INT(ends_after(&stage, METRIC_VAL_ACCURACY, rising, COUNT_OF(rising)), 6);
    tear_down(&stage);
}

TEST("without early stopping no observation ends a run")
{
    struct stage stage;

    set_up(&stage, &usual);
    begin(&stage);
    for (int i = 0; i < 40; i++)
        trainer_observe(stage.trainer, &(struct observation){{NAN, NAN, NAN, NAN}});
    CHECK(!trainer_wants_end(stage.trainer));
    tear_down(&stage);
}

/* ---- plateau ---- */

static const struct job_words on_plateau = {
    .model = "flatten | linear out_features=6 | relu | linear out_features=3",
    .optimizer = "adam lr=0.01",
    .schedule = "reduce_on_plateau factor=0.5 patience=1 cooldown=1",
    .batch_size = 8,
    .shuffle = true,
    .epochs = 8};

TEST("an observation that reduces the rate changes it from the next step on, and says so")
{
    struct stage stage;
    struct observation same = {{1, NAN, NAN, NAN}};

    set_up(&stage, &on_plateau);
    begin(&stage);
    for (int i = 0; i < 3; i++) {
        CHECK(step(stage.trainer).lr == 0.01);
        CHECK(trainer_observe(stage.trainer, &same).reduced == (i == 2));
    }
    CHECK(step(stage.trainer).lr == 0.005);
    CHECK(plan_lr(&stage.job.spec, &stage.job.plan, 4) == 0.01); /* the preview knows nothing */
    tear_down(&stage);
}

/* A run whose observations are a function of the step alone, from where the trainer stands. */
static void run_on(struct trainer *trainer, int64_t until)
{
    while (trainer_steps_done(trainer) < until && !trainer_wants_end(trainer)) {
        int64_t at = step(trainer).step;
        struct observation found = trainer_training(trainer);

        if (at % 2 != 0)
            continue;
        found.values[METRIC_VAL_LOSS] = 1 + 0.25 * (double)(at * 7 % 5);
        trainer_observe(trainer, &found);
    }
}

static uint8_t *saved(const struct stage *stage)
{
    uint8_t *bytes = malloc(checkpoint_size(&stage->job.plan));

    CHECK(bytes != NULL);
    trainer_save(stage->trainer, bytes);
    return bytes;
}

static void load(struct stage *stage, const uint8_t *bytes)
{
    struct error error = {0};

    if (!trainer_load(stage->trainer, bytes, checkpoint_size(&stage->job.plan), &error))
        FAIL("%s", error.text);
}

TEST("plateau, early stopping and the training's counts go on from a checkpoint of any step as in "
     "the straight run, bit for bit")
{
    struct stage stage;
    uint8_t *whole;

    set_up(&stage, &on_plateau);
    stop_early(&stage, METRIC_VAL_LOSS, 18, 0);
    size_t size = checkpoint_size(&stage.job.plan);
    run_on(stage.trainer, stage.job.plan.steps);
    int64_t last = trainer_steps_done(stage.trainer);
    CHECK(trainer_wants_end(stage.trainer) && last < stage.job.plan.steps);
    whole = saved(&stage);
    for (int64_t k = 0; k <= last; k++) {
        begin(&stage);
        run_on(stage.trainer, k);
        uint8_t *half = saved(&stage);
        begin(&stage);
        run_on(stage.trainer, 11); /* elsewhere */
        load(&stage, half);
        run_on(stage.trainer, stage.job.plan.steps);
        uint8_t *end = saved(&stage);
        CHECK(memcmp(end, whole, size) == 0);
        free(half);
        free(end);
    }
    free(whole);
    tear_down(&stage);
}

TEST("what a plateau or early stopping has counted by another metric is forgotten on loading, by "
     "the "
     "same it is kept")
{
    struct stage stage;
    struct observation same = {{1, 1, 1, 1}};

    set_up(&stage, &on_plateau);
    stop_early(&stage, METRIC_VAL_LOSS, 2, 0);
    for (int i = 0; i < 3; i++) {
        step(stage.trainer);
        trainer_observe(stage.trainer, &same);
    }
    CHECK(trainer_wants_end(stage.trainer));
    uint8_t *bytes = saved(&stage);
    load(&stage, bytes);
    CHECK(trainer_wants_end(stage.trainer));
    stop_early(&stage, METRIC_TRAIN_LOSS, 2, 0);
    load(&stage, bytes);
    CHECK(!trainer_wants_end(stage.trainer));
    CHECK(step(stage.trainer).lr == 0.005);
    *(int *)field_at(fields_find(&stage.job.spec.lr_schedule.kind->options, "metric"),
                     stage.job.spec.lr_schedule.options) = METRIC_TRAIN_LOSS;
    begin(&stage);
    load(&stage, bytes);
    CHECK(step(stage.trainer).lr == 0.01);
    free(bytes);
    tear_down(&stage);
}

/* ---- returns ---- */

static void roll_back(struct stage *stage, const char *words)
{
    variant_from_words(&stage->job.spec.arena, &divergence_kinds, words,
                       &stage->job.spec.on_divergence);
    begin(stage);
}

TEST("a return leads to the checkpoint and halves the rate, once more at each return, as often as "
     "the spec allows")
{
    struct stage stage;
    struct error error = {0};

    set_up(&stage, &usual);
    roll_back(&stage, "rollback lr_factor=0.5 max_retries=2");
    size_t size = checkpoint_size(&stage.job.plan);
    step(stage.trainer);
    step(stage.trainer);
    uint8_t *bytes = saved(&stage);
    step(stage.trainer);
    CHECK(trainer_may_return(stage.trainer));
    CHECK(trainer_return(stage.trainer, bytes, size, &error));
    CHECK_INT(trainer_steps_done(stage.trainer), 2);
    CHECK(trainer_lr_factor(stage.trainer) == 0.5);
    CHECK(step(stage.trainer).lr == 0.05);
    CHECK(trainer_may_return(stage.trainer));
    CHECK(trainer_return(stage.trainer, bytes, size, &error));
    CHECK(step(stage.trainer).lr == 0.025);
    CHECK_INT(trainer_retries(stage.trainer), 2);
    CHECK(!trainer_may_return(stage.trainer));
    free(bytes);
    tear_down(&stage);
}

TEST("a return to the beginning begins as a new trainer does, but for the rate")
{
    struct stage stage;
    struct error error = {0};
    uint8_t *fresh, *again;

    set_up(&stage, &on_plateau);
    roll_back(&stage, "rollback lr_factor=0.25");
    fresh = saved(&stage);
    run_on(stage.trainer, 9);
    CHECK(trainer_return(stage.trainer, NULL, 0, &error));
    again = saved(&stage);
    CHECK_INT(trainer_steps_done(stage.trainer), 0);
    /* Factor and count stand at 144 to 160, the digest at the end. */
    size_t size = checkpoint_size(&stage.job.plan);
    CHECK(memcmp(fresh, again, 144) == 0);
    CHECK(memcmp(fresh + 144, again + 144, 16) != 0);
    CHECK(memcmp(fresh + 160, again + 160, size - 160 - 32) == 0);
    CHECK(step(stage.trainer).lr == 0.0025);
    free(fresh);
    free(again);
    tear_down(&stage);
}

TEST("a return to bytes that are damaged changes nothing")
{
    struct stage stage;
    struct error error = {0};

    set_up(&stage, &usual);
    roll_back(&stage, "rollback");
    uint8_t *bytes = saved(&stage);
    step(stage.trainer);
    uint8_t *before = saved(&stage);
    size_t size = checkpoint_size(&stage.job.plan);
    bytes[300] ^= 1;
    CHECK(!trainer_return(stage.trainer, bytes, size, &error));
    CHECK_INT(error.kind, ERROR_CORRUPT);
    uint8_t *after = saved(&stage);
    CHECK(memcmp(before, after, size) == 0);
    free(bytes);
    free(before);
    free(after);
    tear_down(&stage);
}

TEST("a run that diverges goes on after returns with rates that it can bear")
{
    struct stage stage;
    struct error error = {0};
    int returns = 0;

    /* Two linear layers drive each other up at the first rate. */
    set_up(&stage,
           &(struct job_words){.model = "flatten | linear out_features=8 | linear out_features=3",
                               .optimizer = "sgd lr=1000",
                               .batch_size = 8,
                               .epochs = 8});
    roll_back(&stage, "rollback lr_factor=0.01 max_retries=5");
    while (!trainer_ended(stage.trainer)) {
        if (step(stage.trainer).finite)
            continue;
        CHECK(trainer_may_return(stage.trainer));
        CHECK(trainer_return(stage.trainer, NULL, 0, &error));
        returns++;
    }
    CHECK(returns > 0);
    for (int64_t i = 0; i < stage.job.plan.numbers; i++)
        CHECK(isfinite(trainer_parameters(stage.trainer)[i]));
    tear_down(&stage);
}

TEST("a spec that does not want returns allows none")
{
    struct stage stage;

    set_up(&stage, &usual);
    begin(&stage);
    CHECK(!trainer_may_return(stage.trainer));
    roll_back(&stage, "stop");
    CHECK(!trainer_may_return(stage.trainer));
    tear_down(&stage);
}
