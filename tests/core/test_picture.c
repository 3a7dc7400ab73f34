/* Samples as pictures: what people see is what the data set holds. */
#include "core/dataset_picture.h"
#include "tests/core/support.h"
#include "tests/core/support_image.h"
#include "tests/core/support_npy.h"
#include "tests/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct image picture_of(const struct dataset *dataset, int64_t index, int64_t factor)
{
    struct error error = {0};
    struct image image;

    if (!dataset_picture(dataset, dataset_train(dataset), index, factor, &image, &error))
        FAIL("%s", error.text);
    return image;
}

/* Through a PNG file and back. */
static struct image through_png(struct image *image)
{
    struct error error = {0};
    struct image back;
    uint8_t *bytes;
    size_t size;

    if (!image_encode_png(image, &bytes, &size, &error) ||
        !image_decode(bytes, size, "back", &back, &error))
        FAIL("%s", error.text);
    CHECK(back.channels == image->channels && back.height == image->height &&
          back.width == image->width);
    free(bytes);
    image_drop(image);
    return back;
}

/* One sample of these numbers in a set of two. */
static struct dataset *make_set(int channels, const char *type, const void *numbers, size_t size)
{
    static const uint8_t labels[2] = {0, 1};
    char shape[40];
    uint8_t *twice = malloc(2 * size);

    CHECK(twice != NULL);
    memcpy(twice, numbers, size);
    memcpy(twice + size, numbers, size);
    snprintf(shape, sizeof(shape), "(2, %d, 2, 3)", channels);
    make_folders("set/x");
    write_array("set/train_images.npy", type, shape, twice, 2 * size);
    write_array("set/train_labels.npy", "|u1", "(2,)", labels, sizeof(labels));
    free(twice);
    return open_dataset("set");
}

TEST("grey and coloured samples come back from their PNG files as they are, as large as wanted")
{
    static const int channels[] = {1, 2, 3, 5};
    uint8_t numbers[5 * 6];

    for (size_t i = 0; i < sizeof(numbers); i++)
        numbers[i] = (uint8_t)(i * 43 + 7);
    for (size_t i = 0; i < sizeof(channels) / sizeof(channels[0]); i++)
        for (int factor = 1; factor < 4; factor++) {
            struct dataset *dataset =
                make_set(channels[i], "|u1", numbers, 6 * (size_t)channels[i]);
            struct image image = picture_of(dataset, 1, factor), back = through_png(&image);

            CHECK_INT(back.channels, channels[i] < 3 ? 1 : 3);
            CHECK(back.height == 2 * factor && back.width == 3 * factor);
            for (int c = 0; c < back.channels; c++)
                for (int y = 0; y < 2 * factor; y++)
                    for (int x = 0; x < 3 * factor; x++)
                        CHECK_INT(back.planes[(c * 2 * factor + y) * 3 * factor + x],
                                  numbers[c * 6 + y / factor * 3 + x / factor]);
            image_drop(&back);
            dataset_release(dataset);
        }
}

TEST("real pixels are stretched from the smallest to the largest, however far apart they are")
{
    const float some[6] = {-2, -1, 0, 1, 2, 2}, same[6] = {7, 7, 7, 7, 7, 7};
    const float far[6] = {-3e38F, 0, 3e38F, 0, 0, 0};
    static const uint8_t wanted[6] = {0, 64, 128, 191, 255, 255};
    struct dataset *dataset = make_set(1, "<f4", some, sizeof(some));
    struct image image = picture_of(dataset, 0, 1);

    for (int i = 0; i < 6; i++)
        CHECK(abs(image.planes[i] - wanted[i]) <= 1);
    CHECK(image.planes[0] == 0 && image.planes[4] == 255);
    image_drop(&image);
    dataset_release(dataset);

    dataset = make_set(1, "<f4", same, sizeof(same));
    image = picture_of(dataset, 0, 1);
    for (int i = 0; i < 6; i++)
        CHECK_INT(image.planes[i], 0);
    image_drop(&image);
    dataset_release(dataset);

    dataset = make_set(1, "<f4", far, sizeof(far));
    image = picture_of(dataset, 0, 1);
    CHECK(image.planes[0] == 0 && image.planes[2] == 255 && abs(image.planes[1] - 128) <= 1);
    image_drop(&image);
    dataset_release(dataset);
}

TEST("there is no picture of a sample that is not there")
{
    const uint8_t numbers[6] = {0};
    struct dataset *dataset = make_set(1, "|u1", numbers, sizeof(numbers));
    struct error error = {0};
    struct image image;

    CHECK(!dataset_picture(dataset, dataset_train(dataset), 2, 1, &image, &error));
    CHECK_INT(error.kind, ERROR_NOT_FOUND);
    error = (struct error){0};
    CHECK(!dataset_picture(dataset, dataset_test(dataset), 0, 1, &image, &error));
    CHECK(strstr(error.text, "this split has 0"));
    dataset_release(dataset);
}
