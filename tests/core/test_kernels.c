/* Kernels: the fast set against the reference on random shapes, and which of them serve what. */
#include "tests/harness.h"

#include "core/kernels.h"
#include "tests/core/support.h"
#include "tests/core/support_conv2d.h"
#include "tests/core/support_job.h"
#include "tests/core/support_lot.h"

#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void roll_linear(struct dice *dice, struct lot *lot)
{
    lot->input = (struct shape){roll(dice, 1, 400), 1, 1, 1};
    snprintf(lot->words, sizeof(lot->words), "linear out_features=%" PRId64 " bias=%s",
             roll(dice, 1, 150), roll(dice, 0, 3) == 0 ? "false" : "true");
}

static void roll_image_layer(struct dice *dice, struct lot *lot)
{
    lot->input = (struct shape){roll_channels(dice), roll(dice, 1, 9), roll(dice, 1, 9), 0};
    snprintf(lot->words, sizeof(lot->words), roll(dice, 0, 1) == 0 ? "relu" : "flatten");
}

static void roll_activation(struct dice *dice, struct lot *lot)
{
    static const char *const words[] = {"leaky_relu negative_slope=0.2",
                                        "elu alpha=0.4",
                                        "gelu",
                                        "gelu approximate=tanh",
                                        "silu",
                                        "sigmoid",
                                        "tanh"};

    lot->input = (struct shape){roll_channels(dice), roll(dice, 1, 9), roll(dice, 1, 9), 0};
    snprintf(lot->words, sizeof(lot->words), "%s",
             words[roll(dice, 0, (int64_t)COUNT_OF(words) - 1)]);
}

TEST("linear of random shapes: the best kernel computes what the reference computes")
{
    compare_many(roll_linear, 300);
}

TEST("relu and flatten of random shapes give the same in any shards")
{
    compare_many(roll_image_layer, 100);
}

TEST("activations give the same in any layout, and channels that fill up a block stay zero")
{
    compare_many(roll_activation, 200);
}

TEST("at zero a ReLU passes no gradient, and a NaN stays one, as in PyTorch")
{
    static const real x[] = {-1, (real)-0.0, 0, (real)1e-30, 2}, dx[] = {0, 0, 0, 1, 1};
    const struct layer_way way = {KERNELS_BEST, 1, 1, true};
    struct layer_run run;

    layer_open(&run, "relu", &(struct shape){1, 1, 5, 0}, 1);
    for (int i = 0; i < 5; i++) {
        run.x[i] = x[i];
        run.dy[i] = 1;
    }
    layer_compute(&run, &way);
    check_numbers("y", run.y, (const real[]){0, 0, 0, (real)1e-30, 2}, 5);
    check_numbers("dx", run.dx, dx, 5);
    run.x[3] = (real)NAN;
    layer_compute(&run, &way);
    CHECK(isnan(run.y[3]));
    layer_close(&run);
}

TEST("a layer's outputs and input gradients do not depend on how the batch is cut")
{
    for (uint64_t number = 0; number < 60; number++) {
        struct lot lot = roll_lot(roll_conv2d, 1000 + number);
        struct layer_run run;
        int64_t count;
        real *y;

        layer_open(&run, lot.words, &lot.input, lot.samples);
        count = lot.samples * run.y_count;
        fill_parameters(&run.plan, number, 1, run.parameters);
        fill_symmetric(run.x, lot.samples * run.x_count, number, 0);
        lot.way.kernels = KERNELS_REFERENCE;
        layer_compute(&run, &lot.way);
        y = malloc((size_t)count * sizeof(*y));
        CHECK(y != NULL);
        memcpy(y, run.y, (size_t)count * sizeof(*y));
        lot.way.shard_size = lot.way.shard_size % 5 + 1;
        layer_compute(&run, &lot.way);
        CHECK(memcmp(y, run.y, (size_t)count * sizeof(*y)) == 0);
        free(y);
        layer_close(&run);
    }
}

/* Networks whose every layer with arithmetic in it oneDNN must serve, or our own kernels where they
 * are better. */
static const char *const usual_nets[] = {
    lenet5_words,
    odd_net_words,
    "conv2d out_channels=32 kernel_size=3 padding=1 | relu | max_pool2d kernel_size=2 | "
    "conv2d out_channels=64 kernel_size=3 padding=1 | relu | max_pool2d kernel_size=2 | "
    "conv2d out_channels=100 kernel_size=1 | relu | conv2d out_channels=30 kernel_size=3 stride=2 "
    "| "
    "relu | flatten | linear out_features=128 | relu | linear out_features=10",
    "conv2d out_channels=32 kernel_size=3 padding=1 padding_mode=reflect | relu | "
    "conv2d out_channels=32 kernel_size=3 padding=same groups=32 | conv2d out_channels=64 "
    "kernel_size=1 | relu | conv2d out_channels=64 kernel_size=3 stride=2 padding=1 groups=64 | "
    "conv2d out_channels=40 kernel_size=1 | relu | conv2d out_channels=40 kernel_size=3 groups=10 "
    "padding=2 dilation=2 flip_kernel=true | flatten | linear out_features=10",
};

/* Some steps and an evaluation of a network, with what serves each of its layers. */
static void check_served(const char *model, int64_t channels)
{
    const int64_t classes = strcmp(model, odd_net_words) == 0 ? 3 : 10;
    const struct data_shape shape = {{channels, 28, 28, 0}, classes, 40, 0};
    const struct job_words words = {.model = model, .batch_size = 16};
    struct dataset *dataset;
    struct trainer *trainer;
    struct job job;

    make_idx_dataset("set", &shape, 1);
    dataset = open_dataset("set");
    job_make(&job, &words, dataset);
    trainer = job_trainer(&job, 1, KERNELS_BEST);
    for (int i = 0; i < job.plan.layer_count; i++) {
        const char *name = job.plan.layers[i].kind->name, *kernel = trainer_kernel(trainer, i);

        CHECK(kernel != NULL && kernel[0] != '\0');
        if (strstr(kernel, "ref") != NULL ||
            (job.plan.layers[i].multiply_adds > 0 && strstr(kernel, "oneDNN") == NULL &&
             strstr(kernel, "own ") == NULL))
            FAIL("layer %d, %s, is served by \"%s\"", i, name, kernel);
    }
    while (!trainer_ended(trainer))
        step(trainer);
    trainer_free(trainer);
    job_drop(&job);
    dataset_release(dataset);
}

/* oneDNN's own account of what it ran: "dnnl_verbose,exec,cpu,KIND,IMPLEMENTATION,…" on standard
 * output. */
static void check_account(const char *path)
{
    FILE *file = fopen(path, "r");
    char *line = NULL;
    size_t room = 0;
    int executed = 0;

    CHECK(file != NULL);
    while (getline(&line, &room, file) > 0) {
        char implementation[64];

        if (sscanf(line, "%*[^,],exec,cpu,%*[^,],%63[^,]", implementation) != 1)
            continue;
        executed++;
        if (strstr(implementation, "ref") != NULL)
            FAIL("oneDNN ran its slow reference: %s", line);
    }
    CHECK(executed > 100);
    free(line);
    fclose(file);
}

TEST("vector kernels serve the usual networks, and nothing oneDNN runs for them is its slow "
     "reference")
{
    int kept = dup(STDOUT_FILENO), file = open("account", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    CHECK(setenv("DNNL_VERBOSE", "1", 1) == 0); /* is read at the first call of the library */
    if (strncmp(kernels_describe(KERNELS_BEST), "oneDNN", 6) != 0)
        SKIP("%s", kernels_describe(KERNELS_BEST));
    CHECK(kept >= 0 && file >= 0 && fflush(stdout) == 0 && dup2(file, STDOUT_FILENO) >= 0);
    for (size_t i = 0; i < COUNT_OF(usual_nets); i++) {
        check_served(usual_nets[i], 1);
        check_served(usual_nets[i], 3);
    }
    CHECK(fflush(stdout) == 0 && dup2(kept, STDOUT_FILENO) >= 0);
    check_account("account");
    close(kept);
    close(file);
}

TEST("the reference set is the reference throughout")
{
    for (size_t i = 0; i < kernel_row_count; i++)
        CHECK(kernel_rows[i].set <= KERNELS_REFERENCE);
    for (uint64_t number = 0; number < 20; number++) {
        struct lot lot = roll_lot(number % 2 ? roll_conv2d : roll_linear, number);
        struct layer_run run;

        layer_open(&run, lot.words, &lot.input, lot.samples);
        lot.way.kernels = KERNELS_REFERENCE;
        layer_compute(&run, &lot.way);
        CHECK(strstr(run.kernel, "oneDNN") == NULL);
        layer_close(&run);
    }
    CHECK(strstr(kernels_describe(KERNELS_REFERENCE), "reference") != NULL);
}
