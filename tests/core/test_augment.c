/* Augmentation: every kind against numpy and torch, and what must not depend on it or it on. */
#include "tests/core/support_batch.h"
#include "tests/core/support_golden_file.h"
#include "tests/core/support_words.h"
#include "tests/harness.h"

#include "core/augment.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- golden ---- */

/* The "shape" and "x" lines behind a line of words. `augment`: of the whole list. */
static void check_golden(struct golden *golden, const struct batch_words *words)
{
    struct batch_stage stage;
    struct batch_words with_seed = *words;
    double *wanted;
    real *got;

    CHECK(golden_next(golden) && golden_rest(golden, "shape") != NULL);
    const struct shape shape = {golden_value(golden->line, "channels"),
                                golden_value(golden->line, "height"),
                                golden_value(golden->line, "width"), 0};
    int64_t samples = golden_value(golden->line, "samples");
    int64_t first = words->augment ? golden_value(golden->line, "first") : 0;
    int64_t count = samples * shape_elements(&shape);
    int64_t epoch = words->augment ? golden_value(golden->line, "epoch") : 0;

    if (words->augment)
        with_seed.seed = golden_value(golden->line, "seed");
    batch_open(&stage, &shape, first + samples, (uint64_t)words->seed);
    batch_settle(&stage, &with_seed);
    got = batch_numbers(&stage, first, samples, epoch);
    wanted = calloc((size_t)count, sizeof(double));
    CHECK(wanted != NULL && golden_next(golden) && golden_rest(golden, "x") != NULL);
    CHECK_INT(golden_numbers(golden->line + 2, wanted, count), count);
    /* Slices are exact; sums of shares are not, nor is a turn by degrees. Normalization is. */
    for (int64_t i = 0; i < count; i++)
        if (!(fabs((double)got[i] - wanted[i]) <= (words->augment ? 255 * 2e-7 : 0)))
            FAIL("%s%s: number %lld is %.9g, not %.9g", words->augment ? words->augment : "",
                 words->normalize, (long long)i, (double)got[i], wanted[i]);
    free(wanted);
    free(got);
    batch_close(&stage);
}

TEST("every augmentation is what numpy and torch make of the same draws, alone and one after "
     "another")
{
    struct golden golden;
    bool seen[32] = {false};
    int64_t number = 0;
    char words[400];

    golden_open(&golden, "batch.txt");
    while (golden_next(&golden)) {
        const char *rest = golden_rest(&golden, "augment");

        if (rest == NULL)
            continue;
        snprintf(words, sizeof(words), "%s", rest);
        for (size_t i = 0; i < augment_kinds.count; i++)
            seen[i] |= strstr(words, augment_kinds.rows[i]->name) != NULL;
        check_golden(&golden, &(struct batch_words){
                                  .normalize = "none", .augment = words, .seed = number++});
    }
    golden_close(&golden);
    for (size_t i = 0; i < augment_kinds.count; i++)
        if (!seen[i])
            FAIL("no golden numbers of %s", augment_kinds.rows[i]->name);
}

TEST("normalization is torchvision's ToTensor and Normalize, to the last digit")
{
    struct golden golden;
    int64_t number = 100;
    char words[200];

    golden_open(&golden, "batch.txt");
    while (golden_next(&golden)) {
        const char *rest = golden_rest(&golden, "normalize");

        if (rest == NULL)
            continue;
        snprintf(words, sizeof(words), "%s", rest);
        check_golden(&golden, &(struct batch_words){.normalize = words, .seed = number++});
    }
    CHECK_INT(number, 105);
    golden_close(&golden);
}

/* ---- what depends on what ---- */

static const struct shape picture = {3, 7, 6, 0};
static const char every_kind[] =
    "random_crop padding=2 | random_horizontal_flip | random_vertical_flip | random_rotation "
    "degrees=20 interpolation=bilinear | cutout size=2 | random_erasing | random_brightness | "
    "random_contrast";

static void open_augmented(struct batch_stage *stage, const char *augment, bool reals)
{
    batch_open(stage, &picture, 40, 3);
    batch_settle(stage, &(struct batch_words){.augment = augment, .seed = 11, .reals = reals});
}

TEST("a sample's augmentation depends on seed, epoch and its index alone, not on the cut")
{
    struct batch_stage stage;
    int64_t elements = shape_elements(&picture), changed[2] = {0, 0};
    size_t size = (size_t)elements * sizeof(real);

    open_augmented(&stage, every_kind, false);
    real *whole = batch_numbers(&stage, 0, 40, 1), *later = batch_numbers(&stage, 0, 40, 2);
    real *plain = batch_numbers(&stage, 0, 40, -1);
    for (int64_t i = 0; i < 40; i++) {
        real *alone = batch_numbers(&stage, i, 1, 1);

        CHECK(memcmp(alone, whole + i * elements, size) == 0);
        changed[0] += memcmp(later + i * elements, whole + i * elements, size) != 0;
        changed[1] += memcmp(plain + i * elements, whole + i * elements, size) != 0;
        free(alone);
    }
    CHECK(changed[0] == 40 && changed[1] == 40);
    free(whole);
    free(later);
    free(plain);
    batch_close(&stage);
}

TEST("two samples and two places in the list draw on their own")
{
    struct batch_stage stage;
    int64_t apart = 0, elements = shape_elements(&picture);

    batch_open(&stage, &picture, 40, 3);
    for (int64_t i = 1; i < 40; i++) /* the same image everywhere */
        memcpy(stage.images + i * elements, stage.images, (size_t)elements);
    batch_settle(&stage,
                 &(struct batch_words){.augment = "random_horizontal_flip | random_horizontal_flip",
                                       .normalize = "none"});
    real *x = batch_numbers(&stage, 0, 40, 0);
    for (int64_t i = 0; i < 40; i++)
        apart += x[i * elements] != (real)stage.images[0];
    /* Turned over once by one of both: as often as not. */
    CHECK(apart > 8 && apart < 32);
    free(x);
    batch_close(&stage);
}

TEST("real pixels are augmented as bytes of the same values are, without bounds")
{
    struct batch_stage bytes, reals;
    double lowest = 0;

    open_augmented(
        &bytes, "random_crop padding=3 padding_mode=reflect | random_rotation degrees=45", false);
    open_augmented(&reals,
                   "random_crop padding=3 padding_mode=reflect | random_rotation degrees=45", true);
    real *x = batch_numbers(&bytes, 0, 40, 5), *y = batch_numbers(&reals, 0, 40, 5);
    for (int64_t i = 0; i < 40 * shape_elements(&picture); i++)
        CHECK(x[i] == y[i] / 255); /* scale against none: the defaults */
    free(x);
    free(y);
    batch_close(&bytes);
    batch_close(&reals);

    open_augmented(&reals, "random_contrast factor=100", true);
    y = batch_numbers(&reals, 0, 40, 0);
    for (int64_t i = 0; i < 40 * shape_elements(&picture); i++)
        lowest = fmin(lowest, (double)y[i]);
    CHECK(lowest < -255);
    free(y);
    batch_close(&reals);
}

TEST("p of 0 and 1, a turn by nothing and padding of 0 do what they say")
{
    struct batch_stage stage;
    int64_t elements = shape_elements(&picture), width = picture.width;

    open_augmented(&stage,
                   "random_crop padding=0 | random_horizontal_flip p=0 | random_vertical_flip p=0 "
                   "| random_rotation degrees=0 | random_rotation degrees=0 "
                   "interpolation=bilinear | random_erasing p=0 | random_brightness factor=0 | "
                   "random_contrast factor=0",
                   false);
    real *x = batch_numbers(&stage, 0, 40, 0), *plain = batch_numbers(&stage, 0, 40, -1);
    CHECK(memcmp(x, plain, (size_t)(40 * elements) * sizeof(real)) == 0);
    free(x);
    batch_close(&stage);

    open_augmented(&stage, "random_horizontal_flip p=1", false);
    x = batch_numbers(&stage, 0, 40, 0);
    for (int64_t i = 0; i < 40 * elements; i++)
        CHECK(x[i] == plain[i / width * width + width - 1 - i % width]);
    free(x);
    free(plain);
    batch_close(&stage);
}
