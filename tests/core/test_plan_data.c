/* Plan: what is said of a spec's data set, and what a spec settles on. */
#include "tests/core/network.h"
#include "tests/core/support_words.h"
#include "tests/harness.h"

#include "core/augment.h"
#include "core/normalize.h"

#include <stdlib.h>
#include <string.h>

static const struct data_shape grey = {{1, 28, 28, 0}, 10, 1000, 200};
static const struct data_shape colored = {{3, 8, 6, 0}, 10, 1000, 0};
static const struct data_shape real_pixels = {{1, 28, 28, 0}, 10, 1000, 200, true};
static const struct data_shape flat = {{20, 1, 1, 1}, 10, 1000, 200};

/* What is NULL or 0 is left as it was. */
struct wish {
    const struct data_shape *data;
    const char *normalize, *augment;
    double validation;
    int64_t limit;
    const char *pointer; /* of the first problem or warning; NULL: none is wanted */
    const char *part;    /* of its text */
};

struct answer {
    struct problems problems;
    struct plan_warnings warnings;
    struct spec *spec;
    struct plan plan;
};

static struct answer *ask(const struct wish *wish)
{
    struct answer *answer = calloc(1, sizeof(*answer));
    struct error error = {0};
    struct spec *spec = network_new();

    CHECK(answer != NULL);
    answer->spec = spec;
    if (!wish->data->sample.flat)
        network_layer(spec, "flatten");
    network_linear(spec, 10);
    if (wish->normalize)
        variant_from_words(&spec->arena, &normalize_kinds, wish->normalize,
                           &spec->dataset.normalize);
    if (wish->augment)
        variants_from_words(&spec->arena, &augment_kinds, wish->augment, &spec->dataset.augment);
    if (wish->validation != 0)
        spec->dataset.validation = (struct either){-1, wish->validation};
    if (wish->limit != 0)
        spec->dataset.limit = wish->limit;
    spec->checkpoint.given = true;
    fields_defaults(fields_find(&spec_fields, "checkpoint")->fields, &spec->checkpoint);
    spec->checkpoint.given = true;
    spec->checkpoint.metric = 2; /* train_loss: no remark on validation */
    CHECK(spec_complete(spec, &answer->problems, &error));
    CHECK(spec_settle(spec, wish->data, &answer->warnings, &error));
    CHECK(plan_make(spec, wish->data, &answer->plan, &answer->problems, &answer->warnings, &error));
    return answer;
}

static void answer_free(struct answer *answer)
{
    plan_drop(&answer->plan);
    network_free(answer->spec);
    free(answer);
}

static void check_text(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        FAIL("\"%s\" does not say \"%s\"", text, part);
}

TEST("what cannot be done with the data is a problem at its place")
{
    static const struct wish wishes[] = {
        {.data = &colored,
         .normalize = "mean_std mean=0.5 std=0.1,0.2,0.3",
         .pointer = "/dataset/normalize/mean",
         .part = "found 1; the data set has 3 channels"},
        {.data = &grey,
         .normalize = "mean_std mean=0.5 std=0.1,0.2",
         .pointer = "/dataset/normalize/std",
         .part = "found 2; the data set has 1 channel"},
        {.data = &grey,
         .validation = 0.0004,
         .pointer = "/dataset/validation",
         .part = "leaves none to evaluate on"},
        {.data = &grey,
         .validation = 0.9996,
         .pointer = "/dataset/validation",
         .part = "leaves none to learn from"},
        {.data = &grey,
         .validation = 0.1,
         .limit = 4,
         .pointer = "/dataset/validation",
         .part = "0.1 of 4 training samples"},
        {.data = &flat,
         .augment = "random_brightness | random_crop padding=1",
         .pointer = "/dataset/augment/1",
         .part = "random_crop wants images"},
        {.data = &flat,
         .augment = "random_rotation degrees=3",
         .pointer = "/dataset/augment/0",
         .part = "flat vectors of 20 numbers"},
        {.data = &colored,
         .augment = "random_crop padding=2,6 padding_mode=reflect",
         .pointer = "/dataset/augment/0/padding",
         .part = "would mirror more than the image of 8 × 6"},
        {.data = &grey,
         .augment = "cutout size=1 | random_erasing scale=0.5,0.2",
         .pointer = "/dataset/augment/1/scale",
         .part = "want the smaller number first"},
        {.data = &grey,
         .augment = "random_erasing ratio=2,1",
         .pointer = "/dataset/augment/0/ratio",
         .part = "found 2 before 1"},
    };

    for (size_t i = 0; i < COUNT_OF(wishes); i++) {
        struct answer *answer = ask(&wishes[i]);

        CHECK_INT((int64_t)answer->problems.count, 1);
        CHECK_TEXT(answer->problems.items[0].pointer, wishes[i].pointer);
        check_text(answer->problems.items[0].detail, wishes[i].part);
        answer_free(answer);
    }
}

TEST("what is odd about the data is remarked on, and what is not is not")
{
    static const struct wish wishes[] = {
        {.data = &real_pixels,
         .normalize = "scale",
         .pointer = "/dataset/normalize",
         .part = "real numbers, not bytes"},
        {.data = &grey,
         .augment = "cutout size=29,3",
         .pointer = "/dataset/augment/0/size",
         .part = "larger than the image of 28 × 28"},
        {.data = &grey,
         .augment = "random_crop padding=28",
         .pointer = "/dataset/augment/0/padding",
         .part = "show nothing of the image"},
        {.data = &colored, .pointer = "/dataset/validation", .part = "no test split"},
        {.data = &grey, .limit = 1001, .pointer = "/dataset/limit", .part = "changes nothing"},
        {.data = &grey, .normalize = "scale", .augment = "cutout size=28 | random_crop padding=27"},
        {.data = &colored,
         .validation = 0.1,
         .limit = 999,
         .augment = "random_crop padding=5 padding_mode=reflect | random_horizontal_flip"},
        {.data = &real_pixels, .normalize = "standard"},
        {.data = &flat, .augment = "random_brightness | random_contrast"},
    };

    for (size_t i = 0; i < COUNT_OF(wishes); i++) {
        struct answer *answer = ask(&wishes[i]);

        CHECK_INT((int64_t)answer->problems.count, 0);
        CHECK_INT((int64_t)answer->warnings.count, wishes[i].pointer != NULL);
        if (wishes[i].pointer != NULL) {
            CHECK_TEXT(answer->warnings.items[0].pointer, wishes[i].pointer);
            check_text(answer->warnings.items[0].text, wishes[i].part);
        }
        answer_free(answer);
    }
}

TEST("a spec settles on the test split where there is one, and once settled it stays")
{
    struct answer *answer = ask(&(struct wish){.data = &grey});
    struct spec_dataset *dataset = &answer->spec->dataset, before;
    struct error error = {0};

    CHECK_INT(dataset->validation.choice, VALIDATION_TEST);
    CHECK_INT(answer->plan.data.validation_samples, 200);
    CHECK_TEXT(dataset->normalize.kind->name, "scale");
    before = *dataset;
    CHECK(spec_settle(answer->spec, &colored, &answer->warnings, &error));
    CHECK(spec_settle(answer->spec, &real_pixels, NULL, &error));
    CHECK(memcmp(&before, dataset, sizeof(before)) == 0);
    CHECK_INT((int64_t)answer->warnings.count, 0);
    answer_free(answer);

    answer = ask(&(struct wish){.data = &colored});
    CHECK_INT(answer->spec->dataset.validation.choice, VALIDATION_NONE);
    CHECK_INT(answer->plan.data.validation_samples, 0);
    answer_free(answer);

    answer = ask(&(struct wish){.data = &real_pixels, .validation = 0.25, .limit = 400});
    CHECK_TEXT(answer->spec->dataset.normalize.kind->name, "none");
    CHECK_INT(answer->plan.data.validation_samples, 100);
    CHECK_INT(answer->plan.data.train_samples, 300);
    CHECK_INT(answer->plan.steps_per_epoch, 5);
    answer_free(answer);
}
