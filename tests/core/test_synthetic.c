/* Synthetic data sets: the same from the same seed, and worth learning. */
#include "tests/core/support_job.h"
#include "tests/harness.h"

#include "core/dataset_synthetic.h"

#include <math.h>
#include <string.h>

static struct spec_side sides[3];

static struct spec_synthetic synthetic_of(const struct data_shape *shape)
{
    sides[0].size = shape->sample.channels;
    sides[1].size = shape->sample.height;
    sides[2].size = shape->sample.width;
    return (struct spec_synthetic){.given = true,
                                   .shape = {sides, 3},
                                   .classes = shape->classes,
                                   .samples = shape->train_samples,
                                   .test_samples = shape->test_samples};
}

static struct dataset *make(const struct data_shape *shape, uint64_t seed)
{
    struct spec_synthetic synthetic = synthetic_of(shape);
    struct dataset *dataset = NULL;
    struct error error = {0};

    if (!synthetic_make(&synthetic, seed, &dataset, &error))
        FAIL("%s", error.text);
    return dataset;
}

static const struct data_shape small = {{3, 9, 10, 0}, 5, 33, 8};

TEST("a synthetic data set has the shape it was planned with, and its classes take turns")
{
    struct spec_synthetic synthetic = synthetic_of(&small);
    struct data_shape planned;
    struct dataset *dataset = make(&small, 1);
    const struct data_shape *made = dataset_shape(dataset);

    synthetic_shape(&synthetic, &planned);
    CHECK(memcmp(&planned, made, sizeof(planned)) == 0);
    CHECK_INT(made->train_samples, 33);
    CHECK_INT(made->test_samples, 8);
    CHECK_INT(made->classes, 5);
    CHECK(!made->real_pixels);
    CHECK_TEXT(dataset_format(dataset), "synthetic");
    CHECK_INT(dataset_bytes(dataset), 41 * (3 * 9 * 10 + 2));
    for (int64_t i = 0; i < 33; i++)
        CHECK_INT(dataset_train(dataset)->labels[i], i % 5);
    dataset_release(dataset);
}

/* The bytes are part of every stored run: whoever changes one of them, changes runs that continue.
 */
TEST("the bytes are a function of parameters and seed, today and tomorrow, on every machine")
{
    struct dataset *first = make(&small, 1), *again = make(&small, 1), *other = make(&small, 2);
    struct spec_synthetic synthetic = synthetic_of(&small);
    char keys[3][DIGEST_HEX];

    CHECK_TEXT(dataset_digest(first), dataset_digest(again));
    CHECK_TEXT(dataset_digest(first),
               "dbad8849e7b845df0bdf65ccdb7959cf41916981c2bb604bb859bc2e91c8dd7c");
    CHECK(strcmp(dataset_digest(first), dataset_digest(other)) != 0);
    for (int i = 0; i < 3; i++) {
        synthetic.test_samples += i == 2;
        synthetic_key(&synthetic, i == 1 ? 2 : 1, keys[i]);
    }
    CHECK(strcmp(keys[0], keys[1]) != 0 && strcmp(keys[0], keys[2]) != 0);
    dataset_release(first);
    dataset_release(again);
    dataset_release(other);
}

TEST("samples differ, use the whole range of grey and stay apart from the test split")
{
    const struct data_shape shape = {{1, 16, 16, 0}, 2, 200, 200};
    struct dataset *dataset = make(&shape, 3);
    const uint8_t *train = dataset_train(dataset)->images, *test = dataset_test(dataset)->images;
    int64_t histogram[256] = {0}, used = 0;

    for (int64_t i = 2; i < 200; i++) {
        CHECK(memcmp(train + 256 * (i % 2), train + 256 * i, 256) != 0);
        CHECK(memcmp(train + 256 * i, test + 256 * i, 256) != 0);
    }
    for (int64_t i = 0; i < 200 * 256; i++)
        histogram[train[i]]++;
    for (int i = 0; i < 256; i++)
        used += histogram[i] > 0;
    CHECK(used > 200);
    CHECK(histogram[0] + histogram[255] < 200 * 256 / 10);
    dataset_release(dataset);
}

static double accuracy(struct trainer *trainer, enum data_split split)
{
    struct evaluation evaluation;

    trainer_evaluation_begin(trainer, split, &evaluation);
    while (!evaluation.done)
        trainer_evaluate_batch(trainer, &evaluation);
    return (double)evaluation.correct / (double)evaluation.total;
}

static void check_learnable(const struct data_shape *shape, const char *model)
{
    const struct job_words words = {.model = model,
                                    .optimizer = "adam lr=0.003",
                                    .epochs = 3,
                                    .batch_size = 32,
                                    .shuffle = true,
                                    .seed = 1};
    struct dataset *dataset = make(shape, 1);
    struct job job;

    job_make(&job, &words, dataset);
    struct trainer *trainer = job_trainer(&job, 2, KERNELS_BEST);
    CHECK(accuracy(trainer, SPLIT_TEST) < 0.4);
    while (!trainer_ended(trainer))
        CHECK(step(trainer).finite);
    CHECK(accuracy(trainer, SPLIT_TEST) > 0.9);
    trainer_free(trainer);
    job_drop(&job);
    dataset_release(dataset);
}

TEST_SLOW("a small network learns a synthetic data set within three epochs, from one class in ten "
          "to nine samples in ten",
          240)
{
    check_learnable(&(struct data_shape){{3, 16, 16, 0}, 10, 2000, 400},
                    "conv2d out_channels=12 kernel_size=3 | relu | max_pool2d kernel_size=2 | "
                    "conv2d out_channels=24 kernel_size=3 | relu | flatten | "
                    "linear out_features=10");
    check_learnable(&(struct data_shape){{1, 28, 28, 0}, 10, 2000, 400},
                    "conv2d out_channels=6 kernel_size=5 | relu | max_pool2d kernel_size=2 | "
                    "conv2d out_channels=16 kernel_size=5 | relu | max_pool2d kernel_size=2 | "
                    "flatten | linear out_features=10");
}

TEST("the smallest and oddest shapes are made too")
{
    static const struct data_shape shapes[] = {{{1, 1, 1, 0}, 2, 2, 0},
                                               {{1, 1, 4096, 0}, 2, 3, 1},
                                               {{5, 4096, 1, 0}, 3, 3, 1},
                                               {{1, 3, 2, 0}, 65535, 65535, 1}};

    for (size_t i = 0; i < COUNT_OF(shapes); i++) {
        struct dataset *dataset = make(&shapes[i], 7);

        CHECK_INT(dataset_shape(dataset)->classes, shapes[i].classes);
        CHECK_INT(dataset_test(dataset)->count, shapes[i].test_samples);
        dataset_release(dataset);
    }
}
