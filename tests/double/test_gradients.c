/* Gradients against central differences, in double: every kind of the core's layer table with
 * options and shapes drawn from its own rows, and whole networks through the trainer. A new row is
 * checked without a line here. */
#include "tests/harness.h"

#include "core/layer.h"
#include "core/rng.h"
#include "tests/core/support.h"
#include "tests/core/support_job.h"
#include "tests/core/support_layer.h"
#include "tests/double/support_draw.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LAYERS_OF_A_KIND = 12, LAYERS_OF_AN_OPTION = 40, TRIES = 40000 };

/* Different values, none near zero, at least 2/count apart: a step of the difference meets no kink
 * of a ReLU and changes no largest value. */
static void fill_apart(real *values, int64_t count, uint64_t seed)
{
    const struct rng rng = {seed, RNG_SHUFFLE, 0};
    uint32_t *order = malloc((size_t)count * sizeof(*order));

    CHECK(order != NULL);
    rng_permutation(&rng, order, (uint32_t)count);
    for (int64_t i = 0; i < count; i++)
        values[i] = (2 * (double)order[i] + 1.25 - (double)count) / (double)count;
    free(order);
}

/* Σ dy·y, whose gradients are dx and the layer's own. */
static double objective(struct layer_run *run, const struct layer_way *way)
{
    double sum = 0;

    layer_compute(run, way);
    for (int64_t i = 0; i < run->samples * run->y_count; i++)
        sum += run->dy[i] * run->y[i];
    return sum;
}

struct varied {
    const char *what;
    real *values;
    const real *gradients; /* as the layer gave them */
    int64_t count;
};

static void check_differences(struct layer_run *run, const struct layer_way *way, const char *words,
                              const struct varied *varied)
{
    const double h = 1e-5;
    double largest = 1e-3;

    for (int64_t i = 0; i < varied->count; i++)
        largest = fmax(largest, fabs(varied->gradients[i]));
    for (int64_t i = 0; i < varied->count; i++) {
        double kept = varied->values[i], above, below, wanted;

        varied->values[i] = kept + h;
        above = objective(run, way);
        varied->values[i] = kept - h;
        below = objective(run, way);
        varied->values[i] = kept;
        wanted = (above - below) / (2 * h);
        if (!(fabs(varied->gradients[i] - wanted) <= 1e-7 * largest))
            FAIL("%s on %" PRId64 "×%" PRId64 "×%" PRId64 ": d/d%s[%" PRId64
                 "] is %.12g, by difference %.12g",
                 words, run->plan.layers[0].input.channels, run->plan.layers[0].input.height,
                 run->plan.layers[0].input.width, varied->what, i, varied->gradients[i], wanted);
    }
}

static real *copy(const real *values, int64_t count)
{
    real *copied = malloc((size_t)(count + 1) * sizeof(*copied));

    CHECK(copied != NULL);
    memcpy(copied, values, (size_t)count * sizeof(*copied));
    return copied;
}

static void check_layer(struct layer_run *run, const char *words, struct dice *dice)
{
    const struct layer_way way = {KERNELS_REFERENCE, roll(dice, 1, run->samples), 1, true};
    int64_t x_count = run->samples * run->x_count;
    real *dx, *gradients;

    fill_apart(run->x, x_count, dice->next);
    fill_symmetric(run->dy, run->samples * run->y_count, dice->next, 1);
    fill_parameters(&run->plan, dice->next, 1, run->parameters);
    layer_compute(run, &way);
    dx = copy(run->dx, x_count);
    gradients = copy(run->gradients, run->plan.parameters);
    check_differences(run, &way, words, &(struct varied){"x", run->x, dx, x_count});
    for (int i = 0; i < run->plan.tensor_count; i++) {
        const struct plan_tensor *tensor = &run->plan.tensors[i];

        if (tensor->learned)
            check_differences(run, &way, words,
                              &(struct varied){tensor->name, run->parameters + tensor->offset,
                                               gradients + tensor->offset, tensor->count});
    }
    free(dx);
    free(gradients);
}

/* Such a layer alone is nothing: whole networks with it are checked below. */
static bool holds_layers(const struct kind *kind)
{
    for (size_t i = 0; i < kind->options.count; i++)
        if (kind->options.rows[i].kinds == &layer_kinds)
            return true;
    return false;
}

/* Draws layers of one kind until enough of them could be planned and were checked. */
static void check_kind(const struct kind *kind, uint64_t number)
{
    int wanted = LAYERS_OF_A_KIND + LAYERS_OF_AN_OPTION * (int)kind->options.count, checked = 0;
    int seen[DRAW_OPTIONS][DRAW_TAKES] = {{0}};
    struct dice dice = {{number, RNG_SYNTHETIC, 9}, 0};

    /* Most draws do not fit, such as a window larger than its image: those are not planned. */
    for (int i = 0; i < TRIES && checked < wanted; i++) {
        struct draw draw;
        struct layer_run run;

        draw_layer(&dice, kind, &draw);
        if (layer_try(&run, draw.words, &draw.input, roll(&dice, 1, 3))) {
            check_layer(&run, draw.words, &dice);
            checked++;
            for (size_t k = 0; k < kind->options.count; k++)
                if (draw.taken[k] >= 0 && draw.taken[k] < DRAW_TAKES)
                    seen[k][draw.taken[k]]++;
        }
        layer_close(&run);
    }
    if (checked < wanted)
        FAIL("only %d draws of %s could be planned", checked, kind->name);
    for (size_t k = 0; k < kind->options.count; k++)
        for (int take = 0; take < draw_takes(&kind->options.rows[k]); take++)
            if (seen[k][take] == 0)
                FAIL("no draw of %s took number %d of %s", kind->name, take,
                     kind->options.rows[k].name);
}

TEST_SLOW("the gradients of every layer kind, with all options and shapes drawn from its rows, are "
          "its differences to seven digits",
          240)
{
    CHECK(layer_kinds.count > 0);
    for (size_t k = 0; k < layer_kinds.count; k++)
        if (!holds_layers(layer_kinds.rows[k]))
            check_kind(layer_kinds.rows[k], k);
}

/* ---- whole networks ---- */

struct net_case {
    const char *words;
    struct data_shape data;
    int64_t each; /* every how-manieth parameter is varied */
};

/* Layers with nothing but weights, from the first on. */
static const char bare_words[] =
    "conv2d out_channels=3 kernel_size=2 bias=false | relu | conv2d out_channels=2 kernel_size=3 "
    "bias=false | flatten | linear out_features=2 bias=false";

/* Activations on top of each other: one that works in place must not take from another what its
 * derivative needs. */
static const char stacked_words[] =
    "conv2d out_channels=3 kernel_size=2 | tanh | sigmoid | leaky_relu | elu | gelu | silu | tanh "
    "| "
    "conv2d out_channels=2 kernel_size=3 | silu | tanh | flatten | elu | sigmoid | "
    "linear out_features=2";

/* Batch normalization in front of everything, behind a convolution, twice in a row, and without
 * weights of its own. */
static const char normal_words[] =
    "batch_norm2d | conv2d out_channels=5 kernel_size=3 bias=false | batch_norm2d eps=0.01 | relu "
    "| "
    "conv2d out_channels=4 kernel_size=2 | batch_norm2d affine=false | batch_norm2d | silu | "
    "avg_pool2d kernel_size=2 | flatten | linear out_features=3";

/* Outputs with several readers: nested residuals, an identity from the data on, activations that
 * would like to work in place, a shortcut with batch normalization. */
static const char residual_words[] =
    "residual body=(conv2d out_channels=2 kernel_size=3 padding=1 | tanh) | relu | "
    "residual body=(residual body=(batch_norm2d | relu | conv2d out_channels=2 kernel_size=3 "
    "padding=1) | sigmoid) shortcut=(conv2d out_channels=2 kernel_size=1 | batch_norm2d) | "
    "elu | flatten | residual body=(relu) shortcut=(tanh) | linear out_features=3";

static const char concat_words[] =
    "concat branches=(conv2d out_channels=3 kernel_size=1 | relu)()(conv2d out_channels=2 "
    "kernel_size=3 padding=1 | concat branches=(tanh)(batch_norm2d)()) | "
    "concat branches=()()(relu) | max_pool2d kernel_size=2 | flatten | "
    "concat branches=(linear out_features=4 | relu)() | linear out_features=3";

/* The data itself is read more than once, and nothing is learned before the first join. */
static const char early_words[] =
    "concat branches=(max_pool2d kernel_size=2 stride=2)(avg_pool2d kernel_size=2 stride=2) | "
    "residual body=(relu) | "
    "flatten | residual body=(flatten) | linear out_features=2 | residual body=(linear "
    "out_features=2)";

/* Convolutions whose padding shows the image again, in groups, and weights that are not shared. */
static const char convolving_words[] =
    "conv2d out_channels=4 kernel_size=2 padding=same padding_mode=circular flip_kernel=true | "
    "tanh | conv2d out_channels=8 kernel_size=3 groups=4 dilation=2 padding=2 "
    "padding_mode=reflect | silu | locally_connected2d out_channels=3 kernel_size=3 stride=2 "
    "padding=1 padding_mode=replicate | flatten | linear out_features=3";

/* What is learned lies on the second way to a join alone. */
static const char late_words[] =
    "residual body=(avg_pool2d kernel_size=3 stride=1 padding=1) shortcut=(conv2d out_channels=2 "
    "kernel_size=1) | concat branches=(tanh)(conv2d out_channels=2 kernel_size=1) | flatten | "
    "linear out_features=3";
static const char late_flat_words[] =
    "flatten | residual body=(concat branches=()) shortcut=(linear out_features=40) | tanh | "
    "linear out_features=3";

static const struct net_case nets[] = {
    {odd_net_words, {{3, 13, 11, 0}, 3, 7, 0}, 1},
    {odd_net_words, {{1, 9, 12, 0}, 3, 18, 0}, 1},
    {lenet5_words, {{1, 28, 28, 0}, 10, 5, 0}, 331},
    {bare_words, {{2, 8, 7, 0}, 2, 9, 0}, 1},
    {stacked_words, {{2, 8, 7, 0}, 2, 9, 0}, 1},
    {"flatten | linear out_features=4", {{2, 3, 5, 0}, 4, 33, 0}, 1},
    {normal_words, {{2, 8, 7, 0}, 3, 21, 0}, 1},
    {residual_words, {{2, 5, 4, 0}, 3, 9, 0}, 1},
    {concat_words, {{2, 5, 6, 0}, 3, 17, 0}, 1},
    {early_words, {{2, 4, 6, 0}, 2, 10, 0}, 1},
    {late_words, {{2, 5, 4, 0}, 3, 9, 0}, 1},
    {late_flat_words, {{2, 5, 4, 0}, 3, 9, 0}, 7},
    {convolving_words, {{2, 5, 7, 0}, 3, 11, 0}, 1},
};

/* Of all samples as one batch, as training sees them. The rate is 0: the weights stay. */
static double mean_loss(struct trainer *trainer)
{
    return step(trainer).train_loss;
}

static double loss_at(struct trainer *trainer, real *parameters, int64_t at, double value)
{
    double kept = parameters[at], loss;

    parameters[at] = value;
    trainer_set_parameters(trainer, parameters);
    loss = mean_loss(trainer);
    parameters[at] = kept;
    return loss;
}

/* A step that happens to cross a kink is tried again with a smaller one. */
static double difference(struct trainer *trainer, real *parameters, int64_t at, double expected)
{
    double slope = 0;

    for (double h = 1e-4; h > 1e-8; h /= 10) {
        slope = (loss_at(trainer, parameters, at, parameters[at] + h) -
                 loss_at(trainer, parameters, at, parameters[at] - h)) /
                (2 * h);
        if (fabs(slope - expected) <= 1e-6 * fmax(fabs(expected), 1e-2))
            break;
    }
    return slope;
}

static void check_net(const struct net_case *net, const struct job *job, struct trainer *trainer)
{
    const struct plan *plan = &job->plan;
    real *parameters = copy(trainer_parameters(trainer), plan->numbers), *gradients;
    struct step_report report = step(trainer); /* its rate is 0: the weights stay */

    gradients = copy(trainer_gradients(trainer), plan->parameters);
    CHECK(memcmp(parameters, trainer_parameters(trainer),
                 (size_t)plan->parameters * sizeof(real)) == 0);
    CHECK_NEAR(mean_loss(trainer), report.train_loss, 1e-12);
    for (int i = 0; i < plan->tensor_count; i++) {
        const struct plan_tensor *tensor = &plan->tensors[i];

        for (int64_t k = i % net->each; tensor->learned && k < tensor->count; k += net->each) {
            double got = gradients[tensor->offset + k];
            double wanted = difference(trainer, parameters, tensor->offset + k, got);

            if (!(fabs(got - wanted) <= 1e-6 * fmax(fabs(wanted), 1e-2)))
                FAIL("%s: d/d%s[%" PRId64 "] is %.12g, by difference %.12g", net->words,
                     tensor->name, k, got, wanted);
        }
    }
    free(parameters);
    free(gradients);
}

static void check_nets(enum kernel_choice kernels)
{
    for (size_t i = 0; i < COUNT_OF(nets); i++) {
        const struct job_words words = {.model = nets[i].words,
                                        .optimizer = "sgd lr=0",
                                        .seed = (int64_t)i + 1,
                                        .max_steps = 1000000};
        struct dataset *dataset;
        struct trainer *trainer;
        struct job job;

        make_idx_dataset("set", &nets[i].data, i);
        dataset = open_dataset("set");
        job_make(&job, &words, dataset);
        trainer = job_trainer(&job, 2, kernels);
        check_net(&nets[i], &job, trainer);
        trainer_free(trainer);
        job_drop(&job);
        dataset_release(dataset);
    }
}

TEST_SLOW("the gradients of whole networks are their differences", 240)
{
    check_nets(KERNELS_REFERENCE);
}

TEST_SLOW("so are those by our own kernels, of which some compute several layers", 240)
{
    check_nets(KERNELS_PORTABLE);
}
