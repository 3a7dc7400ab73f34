/* Epochs: which samples they see, and in what order. */
#include "tests/harness.h"

#include "tests/core/support.h"
#include "tests/core/support_job.h"

TEST("an epoch sees every training sample once, in an order that changes from epoch to epoch")
{
    const struct data_shape shape = {{1, 1, 1, 0}, 2, 97, 0};
    const struct job_words words = {.model = "flatten | linear out_features=2",
                                    .batch_size = 1,
                                    .epochs = 2,
                                    .shuffle = true,
                                    .optimizer = "sgd lr=0"};
    struct dataset *dataset;
    struct trainer *trainer;
    struct job job;
    double sums[2] = {0, 0}, losses[2][97];
    int moved = 0;

    make_idx_dataset("set", &shape, 1);
    dataset = open_dataset("set");
    job_make(&job, &words, dataset);
    trainer = job_trainer(&job, 1, KERNELS_BEST);
    for (int i = 0; i < 2 * 97; i++) {
        struct step_report report = step(trainer);

        CHECK_INT(report.epoch, i / 97 + 1);
        CHECK_INT(report.epoch_ended, i % 97 == 96);
        CHECK_INT(report.ended, i == 2 * 97 - 1);
        losses[i / 97][i % 97] = report.train_loss;
        sums[i / 97] += report.train_loss;
    }
    for (int i = 0; i < 97; i++)
        moved += losses[0][i] != losses[1][i];
    CHECK_NEAR(sums[0], sums[1], 1e-12);
    CHECK(moved > 80);
    trainer_free(trainer);
    job_drop(&job);
    dataset_release(dataset);
}
