/* Digits: traces of training runs with our own kernels, to the last bit, for tests/digits.sh, which
 * compares those of different instruction sets. */
#include "tests/harness.h"

#include "core/field.h"
#include "tests/core/support.h"
#include "tests/core/support_job.h"

#include <stdio.h>
#include <stdlib.h>

/* Layers of every kind; sums over blocks and over pixels; draws. */
static const char various_words[] =
    "conv2d out_channels=20 kernel_size=3 padding=1 bias=false | batch_norm2d | relu | "
    "residual body=(conv2d out_channels=20 kernel_size=3 padding=same groups=20 | gelu | "
    "batch_norm2d | conv2d out_channels=20 kernel_size=1) | silu | max_pool2d kernel_size=2 | "
    "conv2d out_channels=33 kernel_size=3 stride=2 padding=1 padding_mode=reflect | elu | "
    "concat branches=(conv2d out_channels=7 kernel_size=3 padding=2 dilation=2 | tanh)(sigmoid) | "
    "dropout p=0.2 | avg_pool2d kernel_size=2 ceil_mode=true | "
    "conv2d out_channels=12 kernel_size=2 groups=4 flip_kernel=true | gelu approximate=tanh | "
    "flatten | linear out_features=37 | leaky_relu | linear out_features=10";

static void trace(FILE *out, const struct job_words *words, struct dataset *dataset)
{
    struct trainer *trainer;
    struct job job;

    job_make(&job, words, dataset);
    trainer = job_trainer(&job, 2, KERNELS_PORTABLE);
    while (!trainer_ended(trainer)) {
        struct step_report report = step(trainer);

        CHECK(fprintf(out, "%a %a\n", report.train_loss, report.grad_norm) > 0);
    }
    for (int64_t i = 0; i < job.plan.numbers; i++)
        CHECK(fprintf(out, "%a\n", (double)trainer_parameters(trainer)[i]) > 0);
    trainer_free(trainer);
    job_drop(&job);
}

TEST("the digits of training runs are written to the file that TRAIND_DIGITS names")
{
    static const struct data_shape shape = {{1, 28, 28, 0}, 10, 120, 0};
    static const struct job_words words[] = {
        {.model = lenet5_words, .optimizer = "adam lr=0.002", .epochs = 3, .shuffle = true},
        {.model = various_words, .optimizer = "sgd lr=0.05 momentum=0.9", .epochs = 3}};
    const char *path = getenv("TRAIND_DIGITS");
    struct dataset *dataset;
    FILE *out;

    if (path == NULL)
        SKIP("nobody has asked for them");
    out = fopen(path, "w");
    CHECK(out != NULL);
    make_idx_dataset("set", &shape, 4);
    dataset = open_dataset("set");
    for (size_t i = 0; i < COUNT_OF(words); i++)
        trace(out, &words[i], dataset);
    CHECK(fclose(out) == 0);
    dataset_release(dataset);
}
