/* Plan: what is remarked on in networks, and that nothing is in those that are good as they are. */
#include "tests/harness.h"

#include "core/loss.h"
#include "core/normalize.h"
#include "tests/core/network.h"
#include "tests/core/support.h"
#include "tests/core/support_golden_file.h"
#include "tests/core/support_words.h"

#include <stdlib.h>
#include <string.h>

static const struct data_shape photos = {{3, 32, 32, 0}, 10, 50000, 10000};

/* What is 0 or NULL has the spec's default. */
struct lesson {
    const char *model;
    const char *loss, *schedule, *normalize;
    int64_t batch_size;
    bool drop_last;
};

static struct plan_warnings *advice_on(const struct lesson *lesson, const struct data_shape *data)
{
    struct plan_warnings *warnings = calloc(1, sizeof(*warnings));
    struct problems *problems = calloc(1, sizeof(*problems));
    struct spec *spec = network_new();
    struct error error = {0};
    struct plan plan;

    CHECK(warnings != NULL && problems != NULL);
    layers_from_words(&spec->arena, lesson->model, &spec->model);
    if (lesson->loss != NULL)
        variant_from_words(&spec->arena, &loss_kinds, lesson->loss, &spec->loss);
    if (lesson->schedule != NULL)
        variant_from_words(&spec->arena, &schedule_kinds, lesson->schedule, &spec->lr_schedule);
    if (lesson->normalize != NULL)
        variant_from_words(&spec->arena, &normalize_kinds, lesson->normalize,
                           &spec->dataset.normalize);
    if (lesson->batch_size > 0)
        spec->run.batch_size = lesson->batch_size;
    spec->run.drop_last = lesson->drop_last;
    CHECK(spec_complete(spec, problems, &error) && spec_settle(spec, data, NULL, &error));
    CHECK(plan_make(spec, data, &plan, problems, warnings, &error));
    if (problems->count > 0)
        FAIL("%s: %s", problems->items[0].pointer, problems->items[0].detail);
    plan_drop(&plan);
    network_free(spec);
    free(problems);
    return warnings;
}

/* One remark at `pointer` that says `part`; pointer NULL: none at all. */
static void check_lesson(const struct lesson *lesson, const struct data_shape *data,
                         const char *pointer, const char *part)
{
    struct plan_warnings *warnings = advice_on(lesson, data);

    if (pointer == NULL && warnings->count > 0)
        FAIL("%s: %s: %s", lesson->model, warnings->items[0].pointer, warnings->items[0].text);
    if (pointer != NULL) {
        CHECK_INT((int64_t)warnings->count, 1);
        CHECK_TEXT(warnings->items[0].pointer, pointer);
        if (strstr(warnings->items[0].text, part) == NULL)
            FAIL("\"%s\" does not say \"%s\"", warnings->items[0].text, part);
    }
    free(warnings);
}

static void check_advice(const char *model, const char *pointer, const char *part)
{
    check_lesson(&(struct lesson){.model = model}, &photos, pointer, part);
}

#define BLOCK(channels, stride)                                                                    \
    "conv2d out_channels=" #channels " kernel_size=3 padding=1 bias=false stride=" #stride         \
    " | batch_norm2d | relu"
#define SHORT(channels)                                                                            \
    "shortcut=(conv2d out_channels=" #channels " kernel_size=1 stride=2 bias=false | "             \
    "batch_norm2d)"
#define LINEAR_BN(channels)                                                                        \
    "conv2d out_channels=" #channels " kernel_size=1 bias=false | batch_norm2d"
#define ENDING "adaptive_avg_pool2d output_size=1 | flatten | linear out_features=10"

TEST(
    "good networks hear nothing: VGG, ResNet, separable and inverted blocks, Inception, SqueezeNet")
{
    check_advice(
        BLOCK(64, 1) " | " BLOCK(64, 1) " | max_pool2d kernel_size=2 | " BLOCK(
            128, 1) " | max_pool2d kernel_size=2 | flatten | linear out_features=512 | relu | "
                    "dropout | linear out_features=10",
        NULL, NULL);
    /* A ResNet's two ways: the 1 × 1 steps over pixels that the 3 × 3 beside it reads. */
    check_advice(BLOCK(16, 1) " | residual body=(" BLOCK(
                     32, 2) " | conv2d out_channels=32 "
                            "kernel_size=3 padding=1 bias=false | batch_norm2d) " SHORT(
                                32) " | relu | " ENDING,
                 NULL, NULL);
    check_advice("residual " SHORT(32) " body=(" BLOCK(32, 2) ") | " ENDING, NULL, NULL);
    /* Depthwise and pointwise without anything between, as in Xception. */
    check_advice(BLOCK(32, 1) " | conv2d out_channels=32 kernel_size=3 padding=1 groups=32 "
                              "bias=false | conv2d out_channels=64 kernel_size=1 | relu | " ENDING,
                 NULL, NULL);
    /* MobileNetV2's linear bottleneck: narrow, then wide again. */
    check_advice(BLOCK(96, 1) " | " LINEAR_BN(24) " | " LINEAR_BN(144) " | relu | " ENDING, NULL,
                 NULL);
    /* A kernel taken apart into a column and a row. */
    check_advice("conv2d out_channels=8 kernel_size=3,1 padding=1,0 | conv2d out_channels=8 "
                 "kernel_size=1,3 padding=0,1 | relu | " ENDING,
                 NULL, NULL);
    check_advice("concat branches=(conv2d out_channels=8 kernel_size=1 | relu)(max_pool2d "
                 "kernel_size=3 stride=1 padding=1 | conv2d out_channels=8 kernel_size=1 | relu) | "
                 "conv2d out_channels=10 kernel_size=1 | relu | adaptive_avg_pool2d "
                 "output_size=1 | flatten",
                 NULL, NULL);
    check_advice("flatten | linear out_features=10", NULL, NULL);
}

TEST("the networks of the golden runs hear nothing but of the bias in front of a batch norm")
{
    static const struct data_shape data = {{3, 16, 16, 0}, 5, 640, 100};
    struct golden golden;
    int networks = 0;
    char *rest;

    golden_open(&golden, "networks.txt");
    while (golden_next(&golden)) {
        struct plan_warnings *warnings;

        if ((rest = golden_rest(&golden, "model")) == NULL)
            continue;
        warnings = advice_on(&(struct lesson){.model = rest}, &data);
        for (size_t i = 0; i < warnings->count; i++)
            if (strstr(warnings->items[i].pointer, "/bias") == NULL)
                FAIL("%.60s…: %s: %s", rest, warnings->items[i].pointer, warnings->items[i].text);
        free(warnings);
        networks++;
    }
    CHECK(networks >= 5);
    golden_close(&golden);
}

TEST("pixels are missed only where every way steps over them")
{
    check_advice("residual body=(conv2d out_channels=8 kernel_size=1 stride=2 | relu) "
                 "shortcut=(conv2d out_channels=8 kernel_size=3 stride=2 padding=1) | " ENDING,
                 NULL, NULL);
    /* Both do here: told of each. */
    struct plan_warnings *warnings = advice_on(
        &(struct lesson){.model = "residual body=(conv2d out_channels=8 kernel_size=1 stride=2 | "
                                  "relu) shortcut=(conv2d out_channels=8 kernel_size=1 stride=2) "
                                  "| " ENDING},
        &photos);
    CHECK_INT((int64_t)warnings->count, 4);
    CHECK_TEXT(warnings->items[0].pointer, "/model/0/body/0");
    CHECK_TEXT(warnings->items[3].pointer, "/model/0/shortcut/0");
    CHECK(strstr(warnings->items[3].text, "16 columns of the 32 × 32 input are never read"));
    free(warnings);
}

TEST("an activation behind an activation, and one before the loss, are remarked on")
{
    check_advice("conv2d out_channels=4 kernel_size=3 | relu | sigmoid | flatten | "
                 "linear out_features=10",
                 "/model/2", "sigmoid stands right behind relu");
    check_advice("flatten | linear out_features=10 | relu", "/model/2",
                 "relu is the last layer, but cross_entropy wants scores of any sign");
    check_advice("conv2d out_channels=10 kernel_size=32 | sigmoid | flatten", "/model/1",
                 "sigmoid is the last layer");
    /* Squared distances from 0 and 1 may well be those of a sigmoid. */
    check_lesson(
        &(struct lesson){.model = "flatten | linear out_features=10 | sigmoid", .loss = "mse"},
        &photos, NULL, NULL);
    check_advice("flatten | linear out_features=10 | dropout", "/model/2",
                 "dropout is the last layer");
}

TEST("two products with nothing that bends between them are remarked on at the second")
{
    check_advice("flatten | linear out_features=64 | linear out_features=10", "/model/2",
                 "nothing between linear, layer 1, and this linear bends");
    check_advice("conv2d out_channels=8 kernel_size=3 | dropout | avg_pool2d kernel_size=2 | "
                 "flatten | linear out_features=10",
                 "/model/4", "nothing between conv2d, layer 0");
    check_advice("residual body=(conv2d out_channels=3 kernel_size=3 padding=1 | conv2d "
                 "out_channels=3 kernel_size=3 padding=1) | relu | " ENDING,
                 "/model/0/body/1", "layer 0.body.0");
    /* Through a narrow middle they can do less, which may be wanted. */
    check_advice("flatten | linear out_features=5 | linear out_features=10", NULL, NULL);
    check_advice("conv2d out_channels=8 kernel_size=3 | max_pool2d kernel_size=2 | flatten | "
                 "linear out_features=10",
                 NULL, NULL);
}

TEST("a bias that a batch norm takes away is remarked on, once for the whole network")
{
    check_advice("conv2d out_channels=8 kernel_size=3 | batch_norm2d | relu | flatten | "
                 "linear out_features=10",
                 "/model/0/bias", "takes this bias away with the mean: \"bias\": false");
    check_advice("conv2d out_channels=8 kernel_size=3 | batch_norm2d | relu | conv2d "
                 "out_channels=8 kernel_size=3 | batch_norm2d | relu | conv2d out_channels=8 "
                 "kernel_size=3 bias=false | batch_norm2d | relu | flatten | "
                 "linear out_features=10",
                 "/model/0/bias", "here and in 1 more layer:");
    check_advice("conv2d out_channels=8 kernel_size=3 | relu | batch_norm2d | flatten | "
                 "linear out_features=10",
                 NULL, NULL);
}

TEST("a rate far outside the usual is remarked on where it comes from, and bytes as they are, too")
{
    static const struct {
        const char *schedule, *pointer;
    } all[] = {
        {"one_cycle max_lr=0.5", NULL},
        {"one_cycle max_lr=50", "/lr_schedule"},
        {"cyclic base_lr=1e-9 max_lr=2e-9 step_size_up=9", "/lr_schedule"},
        {"cosine", NULL},
    };
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        struct plan_warnings *warnings =
            advice_on(&(struct lesson){.model = "flatten | linear out_features=10",
                                       .schedule = all[i].schedule},
                      &photos);

        CHECK_INT((int64_t)warnings->count, all[i].pointer != NULL);
        if (all[i].pointer != NULL)
            CHECK_TEXT(warnings->items[0].pointer, all[i].pointer);
        free(warnings);
    }
    check_lesson(&(struct lesson){.model = "flatten | linear out_features=10", .normalize = "none"},
                 &photos, "/dataset/normalize", "bytes as they are");
}

TEST("batch norm over a single sample is remarked on, and most of all where that is one number")
{
    static const struct data_shape odd = {{3, 32, 32, 0}, 10, 129, 10};
    static const char images[] = "batch_norm2d | relu | " ENDING;
    static const char points[] =
        "adaptive_avg_pool2d output_size=1 | batch_norm2d | relu | flatten | linear "
        "out_features=10";

    check_lesson(&(struct lesson){.model = images, .batch_size = 1}, &photos, "/batch_size",
                 "every batch holds a single sample, whose own mean and variance batch_norm2d, "
                 "layer 0, then takes");
    check_lesson(&(struct lesson){.model = images, .batch_size = 64}, &odd, "/drop_last",
                 "the last batch of an epoch holds a single sample");
    check_lesson(&(struct lesson){.model = points, .batch_size = 64}, &odd, "/drop_last",
                 "nothing is left of it; drop_last");
    check_lesson(&(struct lesson){.model = points, .batch_size = 64, .drop_last = true}, &odd, NULL,
                 NULL);
    check_lesson(&(struct lesson){.model = points, .batch_size = 2}, &photos, NULL, NULL);
    check_lesson(&(struct lesson){.model = "flatten | linear out_features=10", .batch_size = 1},
                 &photos, NULL, NULL);
}
