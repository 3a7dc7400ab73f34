/* Losses: what all kinds share, and what golden numbers cannot show. */
#include "tests/harness.h"

#include "core/loss.h"
#include "tests/core/support.h"
#include "tests/core/support_job.h"

#include <math.h>
#include <string.h>

enum { CLASSES = 4 };

/* One sample through a loss with its default options. */
static struct loss_call run_one(const struct kind *kind, const real *y, uint16_t label, real *dy)
{
    struct arena arena = {0};
    struct variant loss;
    struct loss_call call = {.loss = &loss,
                             .y = y,
                             .labels = &label,
                             .dy = dy,
                             .samples = 1,
                             .classes = CLASSES,
                             .batch = 1};

    CHECK(variant_make(&arena, &loss_kinds, kind, &loss));
    loss_run(&call);
    arena_drop(&arena);
    return call;
}

TEST("whatever the loss, the first largest score decides, and scores that are no numbers decide "
     "nothing and make no loss")
{
    const real plain[] = {1, 3, 2, 0}, equal[] = {2, 1, 2, 2};

    for (size_t k = 0; k < loss_kinds.count; k++) {
        const struct kind *kind = loss_kinds.rows[k];

        CHECK_INT(run_one(kind, plain, 1, NULL).correct, 1);
        CHECK_INT(run_one(kind, plain, 2, NULL).correct, 0);
        CHECK_INT(run_one(kind, equal, 0, NULL).correct, 1);
        CHECK_INT(run_one(kind, equal, 2, NULL).correct, 0);
        for (int place = 0; place < CLASSES; place++)
            for (uint16_t label = 0; label < CLASSES; label++) {
                real strange[] = {1, 3, 2, 0};

                strange[place] = (real)NAN;
                if (isfinite(run_one(kind, strange, label, NULL).loss_sum) ||
                    run_one(kind, strange, label, NULL).correct != 0)
                    FAIL("%s learns from a score that is no number", kind->name);
                strange[place] = (real)INFINITY;
                CHECK_INT(run_one(kind, strange, label, NULL).correct, 0);
            }
    }
}

TEST("no loss overflows for large scores, and none is below zero")
{
    for (size_t k = 0; k < loss_kinds.count; k++)
        for (uint16_t label = 0; label < CLASSES; label++) {
            const real y[] = {-10000, 10000, 0, 9999};
            real dy[CLASSES];
            struct loss_call call = run_one(loss_kinds.rows[k], y, label, dy);

            CHECK(isfinite(call.loss_sum) && call.loss_sum >= 0);
            for (int i = 0; i < CLASSES; i++)
                CHECK(isfinite(dy[i]));
        }
}

static void open_set(struct dataset **dataset)
{
    const struct data_shape shape = {{1, 10, 10, 0}, CLASSES, 64, 32};

    make_idx_dataset("set", &shape, 3);
    *dataset = open_dataset("set");
}

static double mean_loss(struct trainer *trainer)
{
    struct evaluation evaluation;

    trainer_evaluation_begin(trainer, SPLIT_TRAIN, &evaluation);
    while (!evaluation.done)
        trainer_evaluate_batch(trainer, &evaluation);
    return evaluation.loss_sum / (double)evaluation.total;
}

TEST("every loss can be learned from, and an evaluation measures the loss that is trained, label "
     "smoothing and all")
{
    static const char *const losses[] = {"cross_entropy label_smoothing=0.2", "mse",
                                         "hinge p=2 margin=0.5", "binary_cross_entropy",
                                         "focal gamma=1"};
    struct dataset *dataset;

    open_set(&dataset);
    CHECK_INT((int64_t)COUNT_OF(losses), (int64_t)loss_kinds.count);
    for (size_t i = 0; i < COUNT_OF(losses); i++) {
        const struct job_words words = {
            .model = "conv2d out_channels=6 kernel_size=3 | relu | flatten | linear out_features=4",
            .optimizer = "adam lr=0.005",
            .loss = losses[i],
            .batch_size = 64,
            .max_steps = 60,
            .seed = 1};
        struct job job;
        struct trainer *trainer;
        double first;

        job_make(&job, &words, dataset);
        trainer = job_trainer(&job, 2, KERNELS_BEST);
        first = mean_loss(trainer);
        CHECK_NEAR(step(trainer).train_loss, first, 1e-6);
        while (!trainer_ended(trainer))
            CHECK(step(trainer).finite);
        if (!(mean_loss(trainer) < first * 0.8))
            FAIL("%s went from %g to %g only", losses[i], first, mean_loss(trainer));
        trainer_free(trainer);
        job_drop(&job);
    }
    dataset_release(dataset);
}
