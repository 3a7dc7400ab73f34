/* Plan: what is said about a spec that cannot or should not be trained. */
#include "core/layer.h"
#include "tests/core/network.h"
#include "tests/core/support.h"
#include "tests/core/support_job.h"
#include "tests/harness.h"

#include <stdlib.h>
#include <string.h>

static const struct data_shape fashion = {{1, 28, 28, 0}, 10, 60000, 10000};

/* Plans and gives back everything that was said about it. */
struct opinion {
    struct problems problems;
    struct plan_warnings warnings;
    struct plan plan;
};

static struct opinion *opinion_of(struct spec *spec, const struct data_shape *data)
{
    struct opinion *opinion = calloc(1, sizeof *opinion);
    struct error error = {.kind = ERROR_NONE};
    CHECK(opinion != NULL);
    CHECK(spec_complete(spec, &opinion->problems, &error));
    CHECK(spec_settle(spec, data, &opinion->warnings, &error));
    CHECK(plan_make(spec, data, &opinion->plan, &opinion->problems, &opinion->warnings, &error));
    return opinion;
}

static void opinion_free(struct opinion *opinion)
{
    plan_drop(&opinion->plan);
    free(opinion);
}

static void check_problem(const struct opinion *opinion, const char *pointer, const char *part)
{
    CHECK(opinion->problems.count > 0);
    CHECK_TEXT(opinion->problems.items[0].pointer, pointer);
    if (!strstr(opinion->problems.items[0].detail, part))
        FAIL("\"%s\" does not say \"%s\"", opinion->problems.items[0].detail, part);
}

static void check_warning(const struct opinion *opinion, const char *pointer, const char *part)
{
    for (size_t i = 0; i < opinion->warnings.count; i++)
        if (strcmp(opinion->warnings.items[i].pointer, pointer) == 0 &&
            strstr(opinion->warnings.items[i].text, part))
            return;
    FAIL("no warning at %s says \"%s\"", pointer, part);
}

TEST("a kernel larger than its input is a problem at that layer")
{
    struct spec *spec = network_new();
    network_conv2d(spec, 4, 29, 1, 0);
    network_layer(spec, "flatten");
    network_linear(spec, 10);
    struct opinion *opinion = opinion_of(spec, &fashion);
    check_problem(opinion, "/model/0", "29 × 29 is larger than its input of 28 × 28");
    opinion_free(opinion);
    network_free(spec);
}

TEST(
    "linear on images, conv2d on a vector and a wrong number of scores are problems with a way out")
{
    struct spec *spec = network_new();
    network_linear(spec, 10);
    network_conv2d(spec, 4, 1, 1, 0);
    struct opinion *opinion = opinion_of(spec, &fashion);
    check_problem(opinion, "/model/0", "flatten");
    CHECK_INT((int64_t)opinion->problems.count, 2);
    CHECK_TEXT(opinion->problems.items[1].pointer, "/model/1");
    opinion_free(opinion);
    network_free(spec);

    spec = network_new();
    network_layer(spec, "flatten");
    network_linear(spec, 9);
    opinion = opinion_of(spec, &fashion);
    check_problem(opinion, "/model/1", "gives 9 scores, but the data set has 10 classes");
    opinion_free(opinion);
    network_free(spec);
}

TEST("in_channels and in_features that are given and wrong are problems")
{
    struct spec *spec = network_new();
    network_conv2d(spec, 4, 3, 1, 0);
    ((struct conv2d_options *)spec->model.items[0].options)->in_channels = 3;
    network_layer(spec, "flatten");
    network_linear(spec, 10);
    ((struct linear_options *)spec->model.items[2].options)->in_features = 17;
    struct opinion *opinion = opinion_of(spec, &fashion);
    CHECK_INT((int64_t)opinion->problems.count, 2);
    check_problem(opinion, "/model/0/in_channels", "in_channels is 3, but the input has 1");
    CHECK(strstr(opinion->problems.items[1].detail, "in_features is 17, but the input has 2704") !=
          NULL);
    opinion_free(opinion);
    network_free(spec);
}

TEST("pixels that a stride never reads, odd rates and missing test data are remarked on")
{
    struct data_shape data = {{1, 28, 28, 0}, 10, 100, 0};
    struct spec *spec = network_new();
    network_conv2d(spec, 4, 3, 4, 0); /* leaves out 3, 7, … 27 */
    network_layer(spec, "flatten");
    network_linear(spec, 10);
    ((struct sgd_options *)spec->optimizer.options)->lr = 100;
    struct opinion *opinion = opinion_of(spec, &data);
    CHECK_INT((int64_t)opinion->problems.count, 0);
    check_warning(opinion, "/model/0", "7 rows of the 28 × 28 input");
    check_warning(opinion, "/model/0", "7 columns of the 28 × 28 input");
    check_warning(opinion, "/optimizer/lr", "outside the usual");
    check_warning(opinion, "/dataset/validation", "no test split");
    opinion_free(opinion);
    network_free(spec);
}

/* Remarks on the rate alone: a network without other faults. */
static size_t rate_warnings(const char *optimizer, double lr)
{
    struct data_shape data = {{1, 28, 28, 0}, 10, 100, 100};
    struct spec *spec = network_new();
    network_layer(spec, "flatten");
    network_linear(spec, 10);
    void *options = network_optimizer(spec, optimizer);
    const struct field *field = fields_find(&spec->optimizer.kind->options, "lr");
    *(double *)field_at(field, options) = lr;
    struct opinion *opinion = opinion_of(spec, &data);
    size_t count = opinion->warnings.count;
    opinion_free(opinion);
    network_free(spec);
    return count;
}

TEST("what rate is far outside the usual is each optimizer's own")
{
    CHECK_INT((int64_t)rate_warnings("sgd", 0.2), 0);
    CHECK_INT((int64_t)rate_warnings("adam", 0.2), 1);
    CHECK_INT((int64_t)rate_warnings("adamw", 0.2), 1);
    CHECK_INT((int64_t)rate_warnings("adagrad", 0.2), 0);
    CHECK_INT((int64_t)rate_warnings("sgd", 2e-6), 1);
    CHECK_INT((int64_t)rate_warnings("adam", 2e-6), 0);
}

TEST("counts of a monstrous network stay finite and become problems, not overflows")
{
    struct spec *spec = network_new();
    for (int i = 0; i < 20; i++)
        network_conv2d(spec, 65536, 4096, 1, 4096);
    network_layer(spec, "flatten");
    network_linear(spec, 1048576);
    network_linear(spec, 10);
    struct opinion *opinion = opinion_of(spec, &fashion);
    CHECK(opinion->problems.count > 0);
    CHECK(opinion->plan.totals.multiply_adds >= 0);
    opinion_free(opinion);
    network_free(spec);
}

TEST("strides of many layers multiply without overflow")
{
    struct spec *spec = network_new();
    struct plan plan;

    for (int i = 0; i < 8; i++)
        network_conv2d(spec, 1, 3, 4096, 1);
    network_layer(spec, "flatten");
    network_linear(spec, 10);
    network_plan(spec, &fashion, &plan);
    for (int i = 0; i < 9; i++)
        CHECK(plan.layers[i].stride[0] > 0 && plan.layers[i].receptive_field[0] > 0);
    plan_drop(&plan);
    network_free(spec);
}

/* ---- convolutions: one layer on a small image ---- */

static struct opinion *opinion_of_layer(const char *words, const struct shape *input)
{
    const struct data_shape data = {*input, 4, 100, 10};
    struct spec *spec = network_new();
    struct opinion *opinion;

    network_layer(spec, "relu");
    variant_from_words(&spec->arena, &layer_kinds, words, &spec->model.items[0]);
    network_layer(spec, "relu");
    network_layer(spec, "flatten");
    network_linear(spec, 4);
    opinion = opinion_of(spec, &data);
    plan_drop(&opinion->plan); /* it borrows from the spec */
    network_free(spec);
    return opinion;
}

static void check_refused(const char *words, const char *pointer, const char *part)
{
    struct opinion *opinion = opinion_of_layer(words, &(struct shape){4, 5, 3, 0});

    CHECK_INT((int64_t)opinion->problems.count, 1);
    check_problem(opinion, pointer, part);
    opinion_free(opinion);
}

/* How many warnings; the first is to say `part`. */
static void check_remarks(const char *words, int64_t count, const char *part)
{
    struct opinion *opinion = opinion_of_layer(words, &(struct shape){4, 5, 3, 0});

    CHECK_INT((int64_t)opinion->problems.count, 0);
    CHECK_INT((int64_t)opinion->warnings.count, count);
    if (count > 0)
        check_warning(opinion, "/model/0", part);
    opinion_free(opinion);
}

TEST("groups that channels cannot be shared out to are problems at the groups")
{
    check_refused("conv2d out_channels=6 kernel_size=3 groups=3", "/model/0/groups",
                  "the 4 channels of the input cannot be shared out to 3 groups");
    check_refused("conv2d out_channels=6 kernel_size=3 groups=4", "/model/0/groups",
                  "out_channels, 6, cannot be shared out to 4 groups");
    check_refused("conv2d out_channels=8 kernel_size=3 groups=8", "/model/0/groups", "4 channels");
    check_remarks("conv2d out_channels=8 kernel_size=3 groups=4", 0, NULL);
}

TEST("\"same\" with a stride is a problem at the padding, as in PyTorch")
{
    check_refused("conv2d out_channels=1 kernel_size=3 padding=same stride=1,2", "/model/0/padding",
                  "wants a stride of 1, but it is 1 × 2");
    check_refused("locally_connected2d out_channels=1 kernel_size=3 padding=same stride=2",
                  "/model/0/padding", "wants a stride of 1");
    check_remarks("conv2d out_channels=1 kernel_size=3 padding=valid stride=2,1", 0, NULL);
}

TEST("reflect wants more pixels than padding, circular as many, as in PyTorch")
{
    check_refused("conv2d out_channels=1 kernel_size=3 padding=1,3 padding_mode=reflect",
                  "/model/0/padding", "a padding of 3 with padding_mode reflect wants more than 3");
    check_refused("conv2d out_channels=1 kernel_size=1,7 padding=same padding_mode=reflect",
                  "/model/0/padding", "a padding of 3");
    check_refused("conv2d out_channels=1 kernel_size=3 padding=0,4 padding_mode=circular",
                  "/model/0/padding", "at least 4 pixels, but the input is 5 × 3");
    check_remarks("conv2d out_channels=1 kernel_size=3 padding=4,2 padding_mode=reflect", 0, NULL);
    check_remarks("conv2d out_channels=1 kernel_size=3 padding=5,3 padding_mode=circular", 0, NULL);
    check_remarks("conv2d out_channels=1 kernel_size=3 padding=9 padding_mode=replicate", 0, NULL);
}

TEST("a dilated kernel that does not fit is a problem, one that only padding makes fit a remark")
{
    check_refused(
        "conv2d out_channels=1 kernel_size=3 dilation=1,2", "/model/0",
        "3 × 3 with dilation 1 × 2, which spans 3 × 5, is larger than its input of 5 × 3");
    check_remarks("conv2d out_channels=1 kernel_size=3 dilation=1,2 padding=0,1", 2,
                  "is larger than its input of 5 × 3: wherever it lies");
    check_remarks("conv2d out_channels=1 kernel_size=1,5 padding=same", 1,
                  "the kernel of 1 × 5 is larger");
    check_remarks("max_pool2d kernel_size=2,4 padding=0,1", 2, "the kernel of 2 × 4 is larger");
}

TEST("pixels that nothing reads are remarked on under dilation too, unless the padding shows them")
{
    check_remarks("conv2d out_channels=1 kernel_size=2,1 dilation=4,1", 1,
                  "3 rows of the 5 × 3 input are never read: the stride of 1 with a dilation of 4 "
                  "steps over them");
    check_remarks("conv2d out_channels=1 kernel_size=1 stride=2,3", 2,
                  "2 rows of the 5 × 3 input are never read: the stride of 2 steps over them");
    check_remarks("conv2d out_channels=1 kernel_size=1 stride=1,2 padding=0,2", 1,
                  "1 column of the 5 × 3 input is never read");
    check_remarks("conv2d out_channels=1 kernel_size=1 stride=1,2 padding=0,2 "
                  "padding_mode=circular",
                  0, NULL);
    check_remarks("locally_connected2d out_channels=1 kernel_size=2 stride=3,1", 1, "1 row of");
}
