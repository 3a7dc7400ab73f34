/* Jobs on data that is made, split and changed on the way, in the test's own process. */
#include "tests/harness.h"
#include "tests/server/workshop.h"

#include "core/dataset_synthetic.h"
#include "server/spec_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A small network on synthetic images with everything that a data set may ask for. */
static char *synthetic_spec(const char *extra)
{
    char *text = NULL;
    int length = asprintf(
        &text,
        "{\"dataset\": {\"synthetic\": {\"shape\": [2, 9, 8], \"classes\": 3, \"samples\": 120},"
        "\"limit\": 100, \"validation\": 0.2, \"normalize\": \"standard\", \"augment\": "
        "[{\"type\": \"random_crop\", \"padding\": 2}, \"random_horizontal_flip\", "
        "{\"type\": \"random_rotation\", \"degrees\": 10}]}, \"model\": [{\"type\": \"conv2d\", "
        "\"out_channels\": 4, \"kernel_size\": 3}, \"relu\", {\"type\": \"dropout\", \"p\": 0.2}, "
        "\"flatten\", {\"type\": \"linear\", \"out_features\": 3}], \"optimizer\": \"adam\", "
        "\"batch_size\": 16, \"seed\": 6, %s}",
        extra);
    CHECK(length > 0);
    return text;
}

TEST("a job on synthetic data with augmentation and held-out samples is evaluated every epoch")
{
    struct workshop shop;
    workshop_open(&shop, "data");
    char *spec = synthetic_spec("\"epochs\": 4");
    int64_t job = workshop_submit(&shop, spec);
    workshop_work(&shop, 1);
    workshop_wait_end(&shop, job);
    check_state(shop.db, job, JOB_SUCCEEDED, NULL);
    CHECK_INT(count_series(shop.db, job, "train_loss").rows, 4 * 5); /* 80 samples by 16 */
    CHECK_INT(count_series(shop.db, job, "val_accuracy").rows, 4);
    free(spec);
    workshop_close(&shop);
}

TEST("such a job that is stopped goes on bit for bit")
{
    struct workshop shop;
    char members[160];
    int steps = 2400 / test_slowdown();
    (void)snprintf(members, sizeof(members),
                   "\"max_steps\": %d, \"checkpoint\": {\"every\": {\"steps\": %d}}, "
                   "\"evaluate_every\": {\"steps\": 13}",
                   steps, steps / 30);
    workshop_open(&shop, "data");
    char *spec = synthetic_spec(members);
    int64_t whole = workshop_submit(&shop, spec);
    workshop_work(&shop, 1);
    workshop_wait_end(&shop, whole);
    check_state(shop.db, whole, JOB_SUCCEEDED, NULL);
    int64_t parted = workshop_submit(&shop, spec);
    for (int i = 0; i < 3; i++) {
        workshop_wait_step(&shop, parted, 1 + i * steps / 6);
        workshop_rest(&shop);
        workshop_work(&shop, 1);
    }
    workshop_wait_end(&shop, parted);
    check_state(shop.db, parted, JOB_SUCCEEDED, NULL);
    check_same_run(shop.db, whole, shop.db, parted);
    free(spec);
    workshop_close(&shop);
}

static struct dataset *open_spec(struct workshop *shop, const struct spec *spec)
{
    struct dataset *dataset = NULL;
    struct error error = {0};
    if (!catalog_open_spec(shop->catalog, shop->db, spec, &dataset, &error))
        FAIL("%s: %s", error.where, error.text);
    return dataset;
}

TEST("jobs with the same synthetic data share it, and another seed has other data")
{
    struct spec_side sides[3] = {{1}, {6}, {5}};
    struct spec spec = {.dataset.synthetic = {true, {sides, 3}, 2, 10, 4}, .run.seed = 1};
    struct spec named = {.dataset.name = "tiny"};
    struct data_shape shape;
    struct workshop shop;
    workshop_open(&shop, "data");
    struct dataset *one = open_spec(&shop, &spec), *same = open_spec(&shop, &spec);
    spec.run.seed = 2;
    struct dataset *other = open_spec(&shop, &spec), *tiny = open_spec(&shop, &named);
    CHECK(one == same && one != other);
    CHECK(strcmp(dataset_digest(one), dataset_digest(other)) != 0);
    CHECK_TEXT(dataset_format(tiny), "idx");
    CHECK(catalog_shape_spec(shop.db, &spec, &shape, NULL));
    CHECK_INT(shape.train_samples, 10);
    CHECK(catalog_shape_spec(shop.db, &named, &shape, NULL));
    CHECK_INT(shape.train_samples, TINY_TRAIN);
    catalog_close(shop.catalog, one);
    catalog_close(shop.catalog, same);
    catalog_close(shop.catalog, other);
    catalog_close(shop.catalog, tiny);
    workshop_close(&shop);
}
