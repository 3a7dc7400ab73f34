/* Initializers: their distributions, the default to the last digit, and what is refused. That each
 * gives PyTorch's numbers is in the golden tests. */
#include "tests/harness.h"

#include "core/init.h"
#include "tests/core/network.h"
#include "tests/core/support.h"
#include "tests/core/support_golden.h"
#include "tests/core/support_job.h"
#include "tests/core/support_words.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TEST("every initializer gives the numbers of PyTorch's functions, on the same draws")
{
    static const struct golden_tolerance tolerance = {.values = 1e-6};

    check_golden_inits(&tolerance);
}

/* A convolution's weight, large enough for its distribution to show. */
enum { OUT = 256, IN = 128, KERNEL = 3, COUNT = OUT * IN * KERNEL * KERNEL };

static const struct plan_tensor large = {.name = "0.weight",
                                         .dims = {OUT, IN, KERNEL, KERNEL},
                                         .rank = 4,
                                         .count = COUNT,
                                         .fan_in = IN * KERNEL * KERNEL,
                                         .fan_out = OUT * KERNEL * KERNEL};

static real *filled(const char *words, const struct plan_tensor *like)
{
    struct plan_tensor tensor = *like;
    struct arena arena = {0};
    struct variant init;
    struct error error = {0};
    const struct rng rng = {11, RNG_WEIGHTS | 5 << 8, 0};
    real *values = malloc((size_t)tensor.count * sizeof(*values));

    CHECK(values != NULL);
    variant_from_words(&arena, &init_kinds, words, &init);
    tensor.init = &init;
    CHECK(init_tensor(&tensor, &rng, values, &error));
    arena_drop(&arena);
    return values;
}

/* What a distribution must show: its mean and deviation, and where all of it lies. */
struct shown {
    const char *words;
    double mean, deviation, low, high;
};

static void check_shown(const struct shown *shown)
{
    real *values = filled(shown->words, &large);
    double sum = 0, squares = 0, least = INFINITY, most = -INFINITY, mean, deviation;

    for (int i = 0; i < COUNT; i++) {
        double away = (double)values[i] - shown->mean;

        sum += away;
        squares += away * away;
        least = fmin(least, (double)values[i]);
        most = fmax(most, (double)values[i]);
    }
    mean = sum / COUNT;
    deviation = sqrt(squares / COUNT - mean * mean);
    /* Five deviations of what is estimated from so many draws; a normal distribution's fourth
     * moment is the largest here. */
    if (fabs(mean) > 5 * shown->deviation / sqrt(COUNT) ||
        fabs(deviation / shown->deviation - 1) > 5 / sqrt(2.0 * COUNT))
        FAIL("%s: mean %g off, deviation %g, not %g", shown->words, mean, deviation,
             shown->deviation);
    if (least < shown->low * (1 + 1e-6) || most > shown->high * (1 + 1e-6))
        FAIL("%s: %g … %g leaves %g … %g", shown->words, least, most, shown->low, shown->high);
    /* A range that has ends is used up to them. */
    if (isfinite(shown->high) && most - least < 0.999 * (shown->high - shown->low))
        FAIL("%s: %g … %g does not fill %g … %g", shown->words, least, most, shown->low,
             shown->high);
    free(values);
}

TEST("every random initializer has its mean, its deviation and its ends")
{
    const double fan_in = IN * 9, fan_out = OUT * 9, root = sqrt(3), ends = INFINITY;
    const double xavier = sqrt(2 / (fan_in + fan_out));
    const struct shown all[] = {
        {"kaiming_uniform", 0, 1 / sqrt(3 * fan_in), -1 / sqrt(fan_in), 1 / sqrt(fan_in)},
        {"kaiming_uniform nonlinearity=relu mode=fan_out", 0, sqrt(2 / fan_out),
         -root * sqrt(2 / fan_out), root * sqrt(2 / fan_out)},
        {"kaiming_normal nonlinearity=relu", 0, sqrt(2 / fan_in), -ends, ends},
        {"xavier_uniform", 0, xavier, -root * xavier, root * xavier},
        {"xavier_normal gain=3", 0, 3 * xavier, -ends, ends},
        {"normal", 0, 1, -ends, ends},
        {"normal mean=-2 std=0.1", -2, 0.1, -ends, ends},
        {"uniform", 0.5, 1 / sqrt(12), 0, 1},
        {"uniform a=-3 b=1", -1, 4 / sqrt(12), -3, 1},
        /* σ² = 1 − 4φ(2) / (Φ(2) − Φ(−2)) */
        {"truncated_normal", 0, 0.8796256610342398, -2, 2},
        /* Half a normal distribution: mean √(2/π), variance 1 − 2/π, cut where little is left. */
        {"truncated_normal a=0 b=38", 0.7978845608028654, 0.6028102749890869, 0, INFINITY},
    };

    for (size_t i = 0; i < COUNT_OF(all); i++)
        check_shown(&all[i]);
}

TEST("far from its mean, too, a truncated normal distribution falls as it should")
{
    /* Above a = 9 what is left of the distribution has the mean φ(9) / (1 − Φ(9)). */
    real *above = filled("truncated_normal a=9 b=60", &large);
    real *below = filled("truncated_normal a=-60 b=-9", &large);
    double sum[2] = {0};

    for (int i = 0; i < COUNT; i++) {
        CHECK(above[i] >= 9 && above[i] < 14 && below[i] <= -9 && below[i] > -14);
        sum[0] += (double)above[i];
        sum[1] += (double)below[i];
    }
    CHECK_NEAR(sum[0] / COUNT, 9.108523, 2e-4);
    CHECK_NEAR(sum[1] / COUNT, -9.108523, 2e-4);
    free(above);
    free(below);
}

/* Whether all numbers of a trainer's tensor are `value`. */
static bool all_are(const struct trainer *trainer, const struct plan_tensor *tensor, double value)
{
    const real *numbers = trainer_parameters(trainer) + tensor->offset;

    for (int64_t k = 0; k < tensor->count; k++)
        if (numbers[k] != (real)value)
            return false;
    return tensor->count > 0;
}

TEST(
    "init gives a layer's weights, bias_init its bias, and without them both are PyTorch's default")
{
    const struct data_shape data = {{1, 6, 6, 0}, 3, 10, 0};
    const struct job_words words = {
        .model = "conv2d out_channels=2 kernel_size=3 init=(ones) bias_init=(constant value=0.1) | "
                 "batch_norm2d | batch_norm2d init=(zeros) bias_init=(ones) | flatten | "
                 "linear out_features=3 init=(zeros)"};
    const double wanted[] = {1, 0.1, 1, 0, 0, 1, 0, 1, 0, 1, 0};
    struct dataset *dataset;
    struct trainer *trainer;
    struct job job;

    make_idx_dataset("set", &data, 1);
    dataset = open_dataset("set");
    job_make(&job, &words, dataset);
    trainer = job_trainer(&job, 1, KERNELS_REFERENCE);
    CHECK_INT(job.plan.tensor_count, COUNT_OF(wanted) + 1);
    for (size_t i = 0; i < COUNT_OF(wanted); i++)
        if (!all_are(trainer, &job.plan.tensors[i], wanted[i]))
            FAIL("%s is not %g", job.plan.tensors[i].name, wanted[i]);
    /* linear's bias has no bias_init: within 1/√fan_in of its weights. */
    for (int64_t k = 0; k < 3; k++) {
        double value =
            (double)trainer_parameters(trainer)[job.plan.tensors[COUNT_OF(wanted)].offset + k];

        CHECK(value != 0 && fabs(value) <= 1 / sqrt(32));
    }
    trainer_free(trainer);
    job_drop(&job);
    dataset_release(dataset);
}

TEST("kaiming_uniform as it stands is the default to the last bit: ±1/√fan_in of the same draws")
{
    for (int64_t fan = 1; fan <= 3000; fan = fan * 5 / 4 + 1) {
        const struct plan_tensor tensor = {
            .dims = {7, fan}, .rank = 2, .count = 7 * fan, .fan_in = fan, .fan_out = 7};
        const struct rng rng = {11, RNG_WEIGHTS | 5 << 8, 0};
        struct error error = {0};
        real *named = filled("kaiming_uniform", &tensor), *unnamed = filled("zeros", &tensor);
        double bound = 1 / sqrt((double)fan);

        CHECK(init_tensor(&tensor, &rng, unnamed, &error));
        CHECK(memcmp(named, unnamed, (size_t)tensor.count * sizeof(*named)) == 0);
        for (int64_t k = 0; k < tensor.count; k++)
            CHECK(named[k] == (real)((2 * rng_uniform(&rng, (uint64_t)k) - 1) * bound));
        free(named);
        free(unnamed);
    }
}

/* Products of all pairs of the vectors that should stand at right angles. */
static void check_orthogonal(int64_t rows, int64_t columns, double gain)
{
    const struct plan_tensor tensor = {.dims = {rows, columns}, .rank = 2, .count = rows * columns};
    char words[64];
    bool across = columns >= rows;
    int64_t count = across ? rows : columns, length = across ? columns : rows;
    real *values;

    snprintf(words, sizeof(words), "orthogonal gain=%g", gain);
    values = filled(words, &tensor);
    for (int64_t i = 0; i < count; i++)
        for (int64_t j = 0; j <= i; j++) {
            double sum = 0, wanted = i == j ? gain * gain : 0;

            for (int64_t at = 0; at < length; at++)
                sum += across ? (double)values[i * columns + at] * (double)values[j * columns + at]
                              : (double)values[at * columns + i] * (double)values[at * columns + j];
            if (fabs(sum - wanted) > 1e-6 * gain * gain)
                FAIL("%s of %d × %d: product %d, %d is %g", words, (int)rows, (int)columns, (int)i,
                     (int)j, sum);
        }
    free(values);
}

TEST("orthogonal weights are: all rows, or all columns, have one length and right angles")
{
    check_orthogonal(1, 1, 1);
    check_orthogonal(1, 40, 2);
    check_orthogonal(40, 1, 1);
    check_orthogonal(97, 97, 1);
    check_orthogonal(60, 211, 0.5);
    check_orthogonal(211, 60, 1.41);
}

/* pointer NULL: nothing is wrong. */
static void check_refused(const char *model, const char *pointer, const char *part)
{
    const struct data_shape data = {{3, 80, 80, 0}, 10, 10, 0};
    struct problems *problems = calloc(1, sizeof(*problems));
    struct spec *spec = network_new();
    struct error error = {0};
    struct plan plan;

    CHECK(problems != NULL);
    layers_from_words(&spec->arena, model, &spec->model);
    CHECK(spec_complete(spec, problems, &error) && spec_settle(spec, &data, NULL, &error));
    CHECK(plan_make(spec, &data, &plan, problems, NULL, &error));
    CHECK_INT((int64_t)problems->count, pointer ? 1 : 0);
    if (pointer) {
        CHECK_TEXT(problems->items[0].pointer, pointer);
        if (!strstr(problems->items[0].detail, part))
            FAIL("\"%s\" does not say \"%s\"", problems->items[0].detail, part);
    }
    plan_drop(&plan);
    network_free(spec);
    free(problems);
}

TEST("what an initializer cannot do is a problem at its place, before any memory is taken")
{
#define LINEAR(options) "flatten | linear out_features=1000 " options " | linear out_features=10"
    check_refused(LINEAR("init=(normal) bias_init=(uniform a=-0.1 b=0.1)"), NULL, NULL);
    check_refused(LINEAR("init=(uniform a=1 b=1) bias_init=(truncated_normal)"), NULL, NULL);
    check_refused(LINEAR("bias_init=(kaiming_uniform)"), "/model/1/bias_init", "has none");
    check_refused(LINEAR("bias_init=(orthogonal)"), "/model/1/bias_init", "has none");
    check_refused(LINEAR("init=(orthogonal)"), "/model/1/init", "too large to be made orthogonal");
    check_refused(LINEAR("init=(uniform a=1 b=0.5)"), "/model/1/init", "a is above b");
    check_refused(LINEAR("init=(truncated_normal a=1 b=1)"), "/model/1/init", "a must be below b");
    check_refused(LINEAR("bias_init=(truncated_normal std=0.01 a=1)"), "/model/1/bias_init",
                  "nothing between a and b");
    check_refused("batch_norm2d init=(xavier_normal) | flatten | linear out_features=10",
                  "/model/0/init", "has none");
    check_refused("locally_connected2d out_channels=2 kernel_size=1 bias_init=(kaiming_normal) | "
                  "flatten | linear out_features=10",
                  "/model/0/bias_init", "has none");
    check_refused("residual body=(conv2d out_channels=3 kernel_size=1 bias_init=(xavier_normal)) | "
                  "flatten | linear out_features=10",
                  "/model/0/body/0/bias_init", "has none");
#undef LINEAR
}
