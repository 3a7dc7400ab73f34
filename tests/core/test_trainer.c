/* Trainer: what its reports promise, and what becomes of a run that leaves the finite numbers. */
#include "tests/harness.h"

#include "tests/core/support.h"
#include "tests/core/support_job.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct data_shape images = {{1, 12, 12, 0}, 4, 300, 100};
static const char small_net[] =
    "conv2d out_channels=8 kernel_size=3 padding=1 | relu | max_pool2d kernel_size=2 | "
    "flatten | linear out_features=4";

struct stage {
    struct dataset *dataset;
    struct job job;
    struct trainer *trainer;
};

static void set_up(struct stage *stage, const struct job_words *words)
{
    make_idx_dataset("set", &images, 1);
    stage->dataset = open_dataset("set");
    job_make(&stage->job, words, stage->dataset);
    stage->trainer = job_trainer(&stage->job, 2, KERNELS_BEST);
}

static void tear_down(struct stage *stage)
{
    trainer_free(stage->trainer);
    job_drop(&stage->job);
    dataset_release(stage->dataset);
}

static struct evaluation evaluate(struct trainer *trainer, enum data_split split)
{
    struct evaluation evaluation;

    trainer_evaluation_begin(trainer, split, &evaluation);
    while (!evaluation.done)
        trainer_evaluate_batch(trainer, &evaluation);
    CHECK_INT(evaluation.next, evaluation.total);
    return evaluation;
}

TEST("a small network learns to tell the classes of a small data set, also on images it has not "
     "seen")
{
    struct stage stage;
    struct evaluation before, after;

    set_up(&stage, &(struct job_words){.model = small_net,
                                       .optimizer = "adam lr=0.01",
                                       .epochs = 6,
                                       .batch_size = 32,
                                       .shuffle = true,
                                       .seed = 1});
    before = evaluate(stage.trainer, SPLIT_TEST);
    CHECK_NEAR(before.loss_sum / 100, log(4), 0.2);
    while (!trainer_ended(stage.trainer))
        CHECK(step(stage.trainer).finite);
    after = evaluate(stage.trainer, SPLIT_TEST);
    CHECK(after.correct >= 98);
    CHECK(after.loss_sum < before.loss_sum / 5);
    CHECK(evaluate(stage.trainer, SPLIT_TRAIN).correct >= 295);
    tear_down(&stage);
}

TEST("reports count steps, epochs and samples, the last batch of an epoch being what is left")
{
    struct stage stage;

    set_up(&stage, &(struct job_words){.model = small_net, .epochs = 2, .batch_size = 128});
    CHECK_INT(stage.job.plan.steps, 6);
    for (int64_t i = 1; i <= 6; i++) {
        struct step_report report = step(stage.trainer);

        CHECK_INT(report.step, i);
        CHECK_INT(report.epoch, i <= 3 ? 1 : 2);
        CHECK_INT(report.samples, i % 3 == 0 ? 300 - 2 * 128 : 128);
        CHECK_INT(report.epoch_ended, i % 3 == 0);
        CHECK_INT(report.ended, i == 6);
        CHECK_INT(trainer_steps_done(stage.trainer), i);
        CHECK(report.lr == 0.01 && report.grad_norm > 0 && report.finite);
    }
    tear_down(&stage);
}

TEST("drop_last leaves the batch out that is not full")
{
    struct stage stage;

    set_up(&stage, &(struct job_words){
                       .model = small_net, .epochs = 2, .batch_size = 128, .drop_last = true});
    CHECK_INT(stage.job.plan.steps, 4);
    while (!trainer_ended(stage.trainer))
        CHECK_INT(step(stage.trainer).samples, 128);
    tear_down(&stage);
}

TEST("a step after the last one is an error and changes nothing")
{
    struct stage stage;
    struct step_report report;
    struct error error = {0};

    set_up(&stage, &(struct job_words){.model = small_net, .max_steps = 2});
    step(stage.trainer);
    CHECK(step(stage.trainer).ended);
    CHECK(!trainer_step(stage.trainer, &report, &error));
    CHECK_INT(error.kind, ERROR_CONFLICT);
    CHECK_INT(trainer_steps_done(stage.trainer), 2);
    tear_down(&stage);
}

TEST("the gradient norm is that of the gradients, padding between tensors excluded")
{
    struct stage stage;
    const struct plan *plan = &stage.job.plan;
    const real *gradients;
    struct step_report report;
    double squares = 0, all = 0;

    set_up(&stage, &(struct job_words){.model = small_net, .max_steps = 1});
    report = step(stage.trainer);
    gradients = trainer_gradients(stage.trainer);
    for (int i = 0; i < plan->tensor_count; i++)
        for (int64_t k = 0; k < plan->tensors[i].count; k++)
            squares += pow((double)gradients[plan->tensors[i].offset + k], 2);
    for (int64_t k = 0; k < plan->parameters; k++)
        all += pow((double)gradients[k], 2);
    CHECK_NEAR(report.grad_norm, sqrt(squares), 1e-12);
    CHECK_NEAR(report.grad_norm, sqrt(all), 1e-12);
    tear_down(&stage);
}

/* A step that is not finite leaves weights and position alone, as often as it is asked for. */
static void check_stuck(struct stage *stage)
{
    size_t size = (size_t)stage->job.plan.parameters * sizeof(real);
    int64_t steps = trainer_steps_done(stage->trainer);
    real *before = malloc(size);

    CHECK(before != NULL);
    memcpy(before, trainer_parameters(stage->trainer), size);
    for (int i = 0; i < 2; i++) {
        CHECK(!step(stage->trainer).finite);
        CHECK(memcmp(before, trainer_parameters(stage->trainer), size) == 0);
        CHECK_INT(trainer_steps_done(stage->trainer), steps);
    }
    free(before);
}

TEST("a run that diverges is told, and the update that would spoil the weights is not made")
{
    struct stage stage;
    int64_t steps = 0;

    /* Two linear layers drive each other up; a ReLU between them would die instead. */
    set_up(&stage,
           &(struct job_words){.model = "flatten | linear out_features=8 | linear out_features=4",
                               .optimizer = "sgd lr=1000",
                               .epochs = 100});
    while (step(stage.trainer).finite)
        CHECK(++steps < 200);
    for (int64_t i = 0; i < stage.job.plan.parameters; i++)
        CHECK(isfinite(trainer_parameters(stage.trainer)[i]));
    check_stuck(&stage);
    tear_down(&stage);
}

TEST("an update that leaves the finite numbers is told, though loss and gradient were finite")
{
    struct stage stage;
    struct step_report report = {.finite = true};

    /* Each step multiplies the weights by −10¹². */
    set_up(&stage, &(struct job_words){.model = "flatten | linear out_features=4",
                                       .optimizer = "sgd lr=1000000 weight_decay=1000000",
                                       .epochs = 10});
    for (int i = 0; report.finite; i++) {
        CHECK(i < 10);
        report = step(stage.trainer);
        for (int64_t k = 0; report.finite && k < stage.job.plan.parameters; k++)
            CHECK(isfinite(trainer_parameters(stage.trainer)[k]));
    }
    CHECK(isfinite(report.train_loss) && isfinite(report.grad_norm));
    CHECK(!report.ended && !report.epoch_ended);
    CHECK_INT(trainer_steps_done(stage.trainer), report.step - 1);
    tear_down(&stage);
}

TEST("a step that `halt` cuts short has not happened, and the run goes on as if it had not begun")
{
    struct stage stage;
    struct step_report report;
    struct error error = {0};
    atomic_bool halt = true;
    struct trainer *trainer;

    set_up(&stage, &(struct job_words){.model = small_net, .optimizer = "adam lr=0.01"});
    const struct trainer_setup setup = {.spec = &stage.job.spec,
                                        .plan = &stage.job.plan,
                                        .dataset = stage.job.dataset,
                                        .threads = 2,
                                        .halt = &halt};
    CHECK(trainer_new(&setup, &trainer, &error));
    CHECK(!trainer_step(trainer, &report, &error));
    CHECK_INT(error.kind, ERROR_CANCELLED);
    CHECK_INT(trainer_steps_done(trainer), 0);
    atomic_store(&halt, false);
    for (int i = 0; i < 3; i++) {
        error = (struct error){0};
        CHECK(trainer_step(trainer, &report, &error));
        CHECK(report.train_loss == step(stage.trainer).train_loss);
    }
    CHECK(memcmp(trainer_parameters(trainer), trainer_parameters(stage.trainer),
                 (size_t)stage.job.plan.parameters * sizeof(real)) == 0);
    trainer_free(trainer);
    tear_down(&stage);
}

/* Every tensor's first weight in turn: a ReLU or a pool must not swallow what comes out of it. */
static void check_poison(float poison, enum kernel_choice kernels)
{
    struct stage stage;

    set_up(&stage, &(struct job_words){.model = small_net});
    for (int i = 0; i < stage.job.plan.tensor_count; i++) {
        const struct plan_tensor *tensor = &stage.job.plan.tensors[i];
        size_t size = (size_t)stage.job.plan.parameters * sizeof(real);
        real *parameters = malloc(size);

        CHECK(parameters != NULL);
        trainer_free(stage.trainer);
        stage.trainer = job_trainer(&stage.job, 2, kernels);
        memcpy(parameters, trainer_parameters(stage.trainer), size);
        parameters[tensor->offset] = (real)poison;
        trainer_set_parameters(stage.trainer, parameters);
        check_stuck(&stage);
        free(parameters);
    }
    tear_down(&stage);
}

/* Minus infinity is left out: before a ReLU it is a filter that is off, and PyTorch's loss is
 * finite too. */
TEST("a NaN or an infinity in any layer's weights makes the step not finite")
{
    static const enum kernel_choice sets[] = {KERNELS_BEST, KERNELS_REFERENCE};

    for (size_t i = 0; i < COUNT_OF(sets); i++) {
        check_poison(NAN, sets[i]);
        check_poison(INFINITY, sets[i]);
    }
}

TEST("given weights are taken as they are, and the optimizer goes on from them")
{
    struct stage stage;
    size_t size;
    real *given;

    set_up(&stage, &(struct job_words){.model = small_net, .optimizer = "sgd lr=0"});
    size = (size_t)stage.job.plan.parameters * sizeof(real);
    given = calloc(1, size);
    CHECK(given != NULL);
    trainer_set_parameters(stage.trainer, given);
    CHECK(memcmp(given, trainer_parameters(stage.trainer), size) == 0);
    /* All weights zero: every class has the same chance. */
    CHECK_NEAR(step(stage.trainer).train_loss, log(4), 1e-6);
    CHECK_NEAR(evaluate(stage.trainer, SPLIT_TEST).loss_sum / 100, log(4), 1e-6);
    free(given);
    tear_down(&stage);
}
