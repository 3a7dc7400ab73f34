/* Samples of data sets as their users see them. */
#include "core/image.h"
#include "tests/api/support.h"
#include "tests/core/support.h"
#include "tests/core/support_archive.h"
#include "tests/core/support_image.h"
#include "tests/core/support_npy.h"
#include "tests/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct image picture(const struct api *api, const char *path)
{
    struct answer answer = api_call(api, &(struct call){.path = path});
    struct error error = {0};
    struct image image;

    if (answer.status != 200)
        FAIL("%s: %d: %s", path, answer.status, answer.body);
    CHECK_TEXT(answer_header(&answer, "Content-Type"), "image/png");
    CHECK(strlen(answer_header(&answer, "ETag")) > 20);
    if (!image_decode((const uint8_t *)answer.body, answer.size, "picture", &image, &error))
        FAIL("%s", error.text);
    answer_drop(&answer);
    return image;
}

TEST("every sample of a set comes as a picture of its pixels, and in pages with its label")
{
    struct dataset *set;
    struct api api;
    char path[100];

    api_start(&api);
    set = open_dataset("sets/tiny");
    const struct dataset_split *test = dataset_test(set);
    for (int i = 0; i < 3; i++) {
        (void)snprintf(path, sizeof(path), "/v1/datasets/tiny/samples/%d.png?split=test", i * 10);
        struct image image = picture(&api, path);
        CHECK(image.channels == 1 && image.height == 10 && image.width == 10);
        CHECK(memcmp(image.planes, test->images + (size_t)i * 1000, 100) == 0);
        image_drop(&image);
    }
    struct image image = picture(&api, "/v1/datasets/tiny/samples/95.png?size=39");
    CHECK(image.height == 30 && image.width == 30);
    CHECK_INT(image.planes[30 * 14 + 17], dataset_train(set)->images[9500 + 45]);
    image_drop(&image);
    json_t *page = api_get(&api, "/v1/datasets/tiny/samples?split=test&offset=30&limit=5", 200);
    CHECK_COUNT(json_array_size(json_at(page, "items")), 2);
    CHECK_INT(integer_at(page, "total"), 32);
    CHECK_INT(integer_at(page, "items.1.index"), 31);
    CHECK_INT(integer_at(page, "items.1.label"), test->labels[31]);
    CHECK(json_is_null(json_at(page, "next_offset")) &&
          json_is_null(json_at(page, "items.0.class")));
    json_decref(page);
    page = api_get(&api, "/v1/datasets/tiny/samples", 200);
    CHECK_COUNT(json_array_size(json_at(page, "items")), 50);
    CHECK_INT(integer_at(page, "next_offset"), 50);
    image = picture(&api, text_at(page, "items.49.links.image"));
    CHECK(memcmp(image.planes, dataset_train(set)->images + 4900, 100) == 0);
    image_drop(&image);
    json_decref(page);
    page = api_get(&api, "/v1/datasets/tiny/samples?offset=96", 200);
    CHECK_COUNT(json_array_size(json_at(page, "items")), 0);
    json_decref(page);
    dataset_release(set);
    api_stop(&api);
}

TEST("samples of one class come in pages of their own, and every page counts the classes")
{
    int64_t count = 0, first = -1;
    struct dataset *set;
    struct api api;

    api_start(&api);
    set = open_dataset("sets/tiny");
    const struct dataset_split *test = dataset_test(set);
    for (int64_t i = 0; i < test->count; i++) {
        first = test->labels[i] == 3 && first < 0 ? i : first;
        count += test->labels[i] == 3;
    }
    CHECK(count > 1);
    json_t *page = api_get(&api, "/v1/datasets/tiny/samples?split=test&class=3&limit=1", 200);
    CHECK_INT(integer_at(page, "total"), count);
    CHECK_INT(integer_at(page, "counts.3"), count);
    CHECK_COUNT(json_array_size(json_at(page, "items")), 1);
    CHECK_INT(integer_at(page, "items.0.index"), first);
    CHECK_INT(integer_at(page, "items.0.label"), 3);
    CHECK_INT(integer_at(page, "next_offset"), 1);
    json_decref(page);
    page = api_get(&api, "/v1/datasets/tiny/samples?split=test&class=3&offset=1&limit=50", 200);
    CHECK_COUNT(json_array_size(json_at(page, "items")), count - 1);
    CHECK(json_is_null(json_at(page, "next_offset")));
    json_decref(page);
    dataset_release(set);
    api_stop(&api);
}

TEST("samples that are not there, and other words for them, are refused")
{
    static const char *const missing[] = {"96.png",  "32.png?split=test",
                                          "-1.png",  "x.png",
                                          "1.jpg",   ".png",
                                          "1",       "1.png?sha256=00000000",
                                          "0x1.png", "99999999999999999999.png"};
    static const char *const wrong[] = {"?split=val", "?limit=0",  "?limit=1001", "?offset=-1",
                                        "?page=2",    "?class=10", "?class=-1"};
    struct api api;
    char path[160];

    api_start(&api);
    for (size_t i = 0; i < COUNT_OF(missing); i++) {
        (void)snprintf(path, sizeof(path), "/v1/datasets/tiny/samples/%s", missing[i]);
        check_problem(api_get(&api, path, 404), 404, "");
    }
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        (void)snprintf(path, sizeof(path), "/v1/datasets/tiny/samples%s", wrong[i]);
        check_problem(api_get(&api, path, 400), 400, "");
    }
    check_problem(api_get(&api, "/v1/datasets/tiny/samples/1.png?size=0", 400), 400, "size");
    check_problem(api_get(&api, "/v1/datasets/no/samples/1.png", 404), 404, "no");
    check_problem(api_get(&api, "/v1/datasets/no/samples", 404), 404, "no");
    api_stop(&api);
}

TEST("a picture may be kept, for ever where the content is named, and is not sent to who has it")
{
    struct api api;
    char tag[200];

    api_start(&api);
    json_t *page = api_get(&api, "/v1/datasets/tiny/samples?limit=1", 200);
    const char *path = text_at(page, "items.0.links.image");
    struct answer answer = api_call(&api, &(struct call){.path = path});
    CHECK(strstr(answer_header(&answer, "Cache-Control"), "immutable"));
    (void)snprintf(tag, sizeof(tag), "If-None-Match: %s", answer_header(&answer, "ETag"));
    answer_drop(&answer);
    const char *const plain = "/v1/datasets/tiny/samples/0.png?split=train";
    answer = api_call(&api, &(struct call){.path = plain, .headers = {tag}});
    CHECK_INT(answer.status, 304);
    CHECK_TEXT(answer_header(&answer, "Cache-Control"), "private, max-age=3600");
    answer_drop(&answer);
    answer =
        api_call(&api, &(struct call){.path = "/v1/datasets/tiny/samples/1.png", .headers = {tag}});
    CHECK_INT(answer.status, 200);
    answer_drop(&answer);
    json_decref(page);
    api_stop(&api);
}

TEST("coloured images show their colours and the names of their classes, real numbers their range")
{
    uint8_t pixels[3 * 4];
    struct api api;

    for (int i = 0; i < 12; i++)
        pixels[i] = (uint8_t)(20 * i);
    write_file("pets/cat/1.png", make_plain_png(3, 2, 2, pixels));
    write_file("pets/dog/1.png", make_plain_png(3, 2, 2, pixels));
    pack_folder("pets", "archive", PACK_TAR_GZ, "");
    make_npy_dataset("reals", NPY_PIXELS_REALS);
    pack_folder("reals", "numbers", PACK_ZIP, "");
    api_start(&api);
    json_decref(api_put(&api, "/v1/datasets/pets", "archive", 201));
    json_decref(api_put(&api, "/v1/datasets/reals", "numbers", 201));
    json_t *page = api_get(&api, "/v1/datasets/pets/samples", 200);
    CHECK_TEXT(text_at(page, "items.1.class"), "dog");
    struct image image = picture(&api, text_at(page, "items.1.links.image"));
    for (int i = 0; i < 12; i++)
        CHECK_INT(image.planes[i % 3 * 4 + i / 3], pixels[i]);
    image_drop(&image);
    json_decref(page);
    image = picture(&api, "/v1/datasets/reals/samples/3.png");
    CHECK(image.channels == 1 && image.planes[0] == 0 && image.planes[5] == 255);
    image_drop(&image);
    json_decref(api_delete(&api, "/v1/datasets/pets", 204));
    check_problem(api_get(&api, "/v1/datasets/pets/samples/0.png", 404), 404, "pets");
    api_stop(&api);
}
