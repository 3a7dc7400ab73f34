/* Split: what is held out, and that nothing ever sees both sides. */
#include "tests/core/support.h"
#include "tests/core/support_batch.h"
#include "tests/core/support_job.h"
#include "tests/harness.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct shape dot = {1, 1, 1, 0};

TEST("a fraction is rounded to the nearest number of samples, of those within the limit")
{
    static const struct {
        int64_t samples, limit;
        double fraction;
        int64_t held_out;
    } cases[] = {{1000, 0, 0.1, 100}, {1000, 99, 0.1, 10},  {10, 0, 0.25, 3},     {3, 0, 0.5, 2},
                 {2, 0, 0.5, 1},      {1000, 0, 0.0005, 1}, {1000, 0, 0.999, 999}};

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int64_t count = cases[i].limit ? cases[i].limit : cases[i].samples;
        struct batch_stage stage;

        batch_open(&stage, &dot, cases[i].samples, 1);
        batch_settle(&stage, &(struct batch_words){.limit = cases[i].limit,
                                                   .validation = cases[i].fraction});
        CHECK_INT(stage.plan.data.validation_samples, cases[i].held_out);
        CHECK_INT(stage.plan.data.train_samples, count - cases[i].held_out);
        CHECK_INT(stage.samples.held_out, cases[i].held_out);
        CHECK_INT(stage.samples.train, count - cases[i].held_out);
        batch_close(&stage);
    }
}

enum { COUNT = 97, TOTAL = 120 };

/* How often each index stands among `count` of them. */
static void tally(const uint32_t *indices, int64_t count, int out[TOTAL])
{
    memset(out, 0, TOTAL * sizeof(int));
    for (int64_t i = 0; i < count; i++) {
        CHECK(indices[i] < TOTAL);
        out[indices[i]]++;
    }
}

TEST("both sides together are the limit's samples, each once, and every epoch is the one side")
{
    struct batch_stage stage;
    int train[TOTAL], held_out[TOTAL], epoch[TOTAL], moved = 0;
    uint32_t first[COUNT];

    batch_open(&stage, &dot, TOTAL, 1);
    batch_settle(&stage, &(struct batch_words){
                             .limit = COUNT, .validation = 0.3, .seed = 4, .shuffle = true});
    struct split *split = &stage.samples;
    tally(split_train(split), split->train, train);
    tally(split_validation(split), split->held_out, held_out);
    for (int i = 0; i < TOTAL; i++)
        CHECK_INT(train[i] + held_out[i], i < COUNT);
    for (int64_t i = 1; i < split->train; i++)
        CHECK(split_train(split)[i] > split_train(split)[i - 1]);
    for (int64_t e = 0; e < 5; e++) {
        split_seek(split, 4, e);
        tally(split_epoch(split), split->train, epoch);
        CHECK(memcmp(epoch, train, sizeof(train)) == 0);
        for (int64_t i = 0; i < split->train; i++) {
            moved += e > 0 && split_epoch(split)[i] != first[i];
            first[i] = split_epoch(split)[i];
        }
    }
    CHECK(moved > 4 * 50);
    batch_close(&stage);
}

TEST("what is held out follows from the seed, and is no first or last part of the file")
{
    uint32_t drawn[3][COUNT];

    for (int i = 0; i < 3; i++) {
        struct batch_stage stage;

        batch_open(&stage, &dot, COUNT, 1);
        batch_settle(&stage, &(struct batch_words){.validation = 0.5, .seed = i == 2 ? 9 : 8});
        memcpy(drawn[i], stage.samples.samples, sizeof(drawn[i]));
        /* 49 of 97 are held out. */
        CHECK(drawn[i][0] < 20 && drawn[i][47] > 77);
        CHECK(drawn[i][48] < 20 && drawn[i][96] > 77);
        batch_close(&stage);
    }
    CHECK(memcmp(drawn[0], drawn[1], sizeof(drawn[0])) == 0);
    CHECK(memcmp(drawn[0], drawn[2], sizeof(drawn[0])) != 0);
}

/* A data set in which every image is its own number: mean losses tell which were looked at. */
static const struct data_shape numbers = {{1, 4, 4, 0}, 4, 80, 20};

static struct evaluation evaluate(struct trainer *trainer, enum data_split split)
{
    struct evaluation evaluation;

    trainer_evaluation_begin(trainer, split, &evaluation);
    while (!evaluation.done)
        trainer_evaluate_batch(trainer, &evaluation);
    return evaluation;
}

TEST("an evaluation looks at what is held out, or at the test split, or at nothing")
{
    static const double ways[] = {0, 0.3, -1};
    double train = 0, all = 0;

    make_idx_dataset("set", &numbers, 2);
    struct dataset *dataset = open_dataset("set");
    for (size_t i = 0; i < COUNT_OF(ways); i++) {
        const struct job_words words = {.model = "flatten | linear out_features=4",
                                        .validation = ways[i],
                                        .batch_size = 7,
                                        .seed = 3};
        struct job job;

        job_make(&job, &words, dataset);
        struct trainer *trainer = job_trainer(&job, 2, KERNELS_BEST);
        struct evaluation seen = evaluate(trainer, SPLIT_VALIDATION);
        struct evaluation learned = evaluate(trainer, SPLIT_TRAIN);
        struct evaluation test = evaluate(trainer, SPLIT_TEST);
        CHECK_INT(test.total, 20);
        CHECK_INT(seen.total, i == 0 ? 20 : i == 1 ? 24 : 0);
        CHECK_INT(learned.total, i == 1 ? 56 : 80);
        CHECK(i != 0 || seen.loss_sum == test.loss_sum);
        if (i == 1)
            train = seen.loss_sum + learned.loss_sum;
        else
            all = learned.loss_sum;
        trainer_free(trainer);
        job_drop(&job);
    }
    CHECK_NEAR(train, all, 1e-6); /* both sides together are the training split */
    dataset_release(dataset);
}

TEST("what is held out is never learned from")
{
    const struct job_words words = {.model = "flatten | linear out_features=4",
                                    .validation = 0.4,
                                    .batch_size = 1,
                                    .epochs = 2,
                                    .shuffle = true,
                                    .optimizer = "sgd lr=0",
                                    .seed = 5};
    double sums[2] = {0, 0};
    struct job job;

    make_idx_dataset("set", &numbers, 2);
    struct dataset *dataset = open_dataset("set");
    job_make(&job, &words, dataset);
    CHECK_INT(job.plan.steps, 96);
    struct trainer *trainer = job_trainer(&job, 2, KERNELS_BEST);
    double learned = evaluate(trainer, SPLIT_TRAIN).loss_sum;
    for (int i = 0; i < 96; i++)
        sums[i / 48] += step(trainer).train_loss;
    CHECK_NEAR(sums[0], learned, 1e-6);
    CHECK_NEAR(sums[1], learned, 1e-6);
    trainer_free(trainer);
    job_drop(&job);
    dataset_release(dataset);
}

TEST("augmentation is not seen by evaluations, and is seen by training")
{
    double losses[2][3];

    make_idx_dataset("set", &numbers, 2);
    struct dataset *dataset = open_dataset("set");
    for (int i = 0; i < 2; i++) {
        const struct job_words words = {
            .model = "flatten | linear out_features=4",
            .augment = i == 0 ? NULL : "random_crop padding=1 | random_brightness",
            .optimizer = "sgd lr=0"};
        struct job job;

        job_make(&job, &words, dataset);
        struct trainer *trainer = job_trainer(&job, 2, KERNELS_BEST);
        losses[i][2] = step(trainer).train_loss;
        losses[i][0] = evaluate(trainer, SPLIT_TRAIN).loss_sum;
        losses[i][1] = evaluate(trainer, SPLIT_VALIDATION).loss_sum;
        trainer_free(trainer);
        job_drop(&job);
    }
    CHECK(losses[0][0] == losses[1][0] && losses[0][1] == losses[1][1]);
    CHECK(losses[0][2] != losses[1][2]);
    dataset_release(dataset);
}

TEST("the memory that is asked for is the memory that is taken, with index lists and scratch")
{
    make_idx_dataset("set", &numbers, 2);
    struct dataset *dataset = open_dataset("set");
    int64_t before = 0;

    for (int i = 0; i < 4; i++) {
        const struct job_words words = {.model = "flatten | linear out_features=4",
                                        .validation = i > 0 ? 0.25 : 0,
                                        .shuffle = i > 1,
                                        .augment = i > 2 ? "cutout size=1" : NULL};
        struct job job;

        job_make(&job, &words, dataset);
        struct trainer *trainer = job_trainer(&job, 2, KERNELS_BEST);
        int64_t bytes = trainer_bytes(trainer);
        CHECK_INT(plan_bytes(&job.spec, &job.plan, 2), bytes);
        CHECK(bytes > before);
        before = bytes;
        trainer_free(trainer);
        job_drop(&job);
    }
    dataset_release(dataset);
}
