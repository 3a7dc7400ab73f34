/* PNG and JPEG: every kind of file gives the pixels that went into it, or is refused with its
 * reason. */
#include "core/image.h"
#include "tests/core/support_image.h"
#include "tests/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static struct image decode(const struct file_bytes *file)
{
    struct error error = {0};
    struct image image;

    if (!image_decode(file->bytes, file->size, "file", &image, &error))
        FAIL("%s", error.text);
    return image;
}

static void check_refused(const struct file_bytes *file, enum error_kind kind, const char *text)
{
    struct error error = {0};
    struct image image;

    if (image_decode(file->bytes, file->size, "file", &image, &error))
        FAIL("a wrong image was taken");
    if (error.kind != kind || strstr(error.text, text) == NULL)
        FAIL("%s: %s", error_kind_name(error.kind), error.text);
    CHECK_TEXT(error.where, "file");
    CHECK(image.planes == NULL);
}

static void check_shape(const struct image *image, int channels, int height, int width)
{
    CHECK_INT(image->channels, channels);
    CHECK_INT(image->height, height);
    CHECK_INT(image->width, width);
}

TEST("grey and RGB PNG files give their pixels in planes, interlaced or not")
{
    uint8_t pixels[3 * 7 * 5];

    for (size_t i = 0; i < sizeof(pixels); i++)
        pixels[i] = (uint8_t)(i * 37);
    for (int interlaced = 0; interlaced < 2; interlaced++)
        for (int channels = 1; channels <= 3; channels += 2) {
            const struct png_words words = {.kind = channels == 1 ? PNG_GREY : PNG_RGB,
                                            .width = 7,
                                            .height = 5,
                                            .interlaced = interlaced};
            struct file_bytes file = make_png(&words, pixels);
            struct image image = decode(&file);

            check_shape(&image, channels, 5, 7);
            for (int c = 0; c < channels; c++)
                for (int at = 0; at < 35; at++)
                    CHECK_INT(image.planes[c * 35 + at], pixels[at * channels + c]);
            image_drop(&image);
            free(file.bytes);
        }
}

TEST("samples of 1, 2, 4 and 16 bits are scaled to 8")
{
    static const struct {
        int depth;
        uint8_t rows[4];
        uint8_t wanted[2];
    } cases[] = {{1, {0x40}, {0, 255}},
                 {2, {0x60}, {85, 170}},
                 {4, {0x2f}, {34, 255}},
                 {8, {9, 200}, {9, 200}},
                 /* 0x0181 is 385 of 65535: 1.498 of 255; 0x8000 is 127.502 */
                 {16, {0x01, 0x81, 0x80, 0x00}, {1, 128}}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct png_words words = {
            .kind = PNG_GREY, .width = 2, .height = 1, .depth = cases[i].depth};
        struct file_bytes file = make_png(&words, cases[i].rows);
        struct image image = decode(&file);

        check_shape(&image, 1, 1, 2);
        CHECK_INT(image.planes[0], cases[i].wanted[0]);
        CHECK_INT(image.planes[1], cases[i].wanted[1]);
        image_drop(&image);
        free(file.bytes);
    }
}

TEST("a palette gives its colours; a transparent one is refused once it is used")
{
    static const uint8_t palette[] = {10, 20, 30, 40, 50, 60, 70, 80, 90};
    static const uint8_t used[] = {0, 1, 1, 0}, all[] = {0, 1, 2, 0};
    static const uint8_t transparency[] = {255, 255, 0};
    struct png_words words = {
        .kind = PNG_PALETTE, .width = 4, .height = 1, .palette = palette, .colours = 3};

    for (int transparent = 0; transparent < 2; transparent++) {
        words.transparency = transparent ? transparency : NULL;
        struct file_bytes file = make_png(&words, used);
        struct image image = decode(&file);

        check_shape(&image, 3, 1, 4);
        CHECK_INT(image.planes[0], 10);
        CHECK_INT(image.planes[1], 40);
        CHECK_INT(image.planes[4 + 1], 50);
        CHECK_INT(image.planes[8 + 3], 30);
        image_drop(&image);
        free(file.bytes);
    }
    struct file_bytes file = make_png(&words, all);
    check_refused(&file, ERROR_UNSUPPORTED, "transparent pixels");
    free(file.bytes);
}

TEST("an opaque alpha channel is dropped, any other refused")
{
    uint8_t grey[] = {1, 255, 2, 255}, colour[] = {1, 2, 3, 255, 4, 5, 6, 255};
    const struct png_words grey_words = {.kind = PNG_GREY_ALPHA, .width = 2, .height = 1};
    const struct png_words colour_words = {.kind = PNG_RGBA, .width = 2, .height = 1};
    struct file_bytes file = make_png(&grey_words, grey);
    struct image image = decode(&file);

    check_shape(&image, 1, 1, 2);
    CHECK(image.planes[0] == 1 && image.planes[1] == 2);
    image_drop(&image);
    free(file.bytes);
    file = make_png(&colour_words, colour);
    image = decode(&file);
    check_shape(&image, 3, 1, 2);
    CHECK(memcmp(image.planes, "\1\4\2\5\3\6", 6) == 0);
    image_drop(&image);
    free(file.bytes);

    grey[3] = 254;
    file = make_png(&grey_words, grey);
    check_refused(&file, ERROR_UNSUPPORTED, "transparent pixels");
    free(file.bytes);
    colour[7] = 0;
    file = make_png(&colour_words, colour);
    check_refused(&file, ERROR_UNSUPPORTED, "transparent pixels");
    free(file.bytes);
}

TEST("a text of a thousandfold in a PNG file is not unpacked")
{
    enum { TEXT = 30 << 20 };
    char *text = malloc(TEXT + 1);
    const uint8_t pixel = 9;
    struct rlimit limit = {0};
    struct file_bytes file;
    struct image image;

    CHECK(text != NULL);
    memset(text, 'a', TEXT);
    text[TEXT] = '\0';
    const struct png_words words = {.kind = PNG_GREY, .width = 1, .height = 1, .text = text};
    file = make_png(&words, &pixel);
    free(text);
    CHECK(file.size < TEXT / 500);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    CHECK(getrlimit(RLIMIT_AS, &limit) == 0);
    limit.rlim_cur = (rlim_t)100 << 20;
    CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
#endif
    (void)limit;
    image = decode(&file);
    CHECK_INT(image.planes[0], 9);
    image_drop(&image);
    free(file.bytes);
}

TEST("images of 65535 x 65535 are refused by their header, whoever wrote them")
{
    uint8_t pixels[64] = {0};
    struct file_bytes file = make_plain_png(1, 8, 8, pixels);
    const struct jpeg_words words = {.kind = JPEG_GREY, .width = 8, .height = 8};
    struct rlimit limit = {0};

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    CHECK(getrlimit(RLIMIT_AS, &limit) == 0);
    limit.rlim_cur = (rlim_t)200 << 20;
    CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
#endif
    (void)limit;
    png_set_sides(&file, 65535, 65535);
    check_refused(&file, ERROR_TOO_LARGE, "the image is 65535×65535 pixels; at most 4096×4096");
    png_set_sides(&file, 0x7fffffff, 0x7fffffff);
    check_refused(&file, ERROR_TOO_LARGE, "the image is 2147483647×2147483647 pixels");
    png_set_sides(&file, 0xffffffff, 1);
    check_refused(&file, ERROR_CORRUPT, "");
    png_set_sides(&file, 4096, 4097);
    check_refused(&file, ERROR_TOO_LARGE, "4096×4097");
    png_set_sides(&file, 0, 8);
    check_refused(&file, ERROR_CORRUPT, "Invalid IHDR");
    /* Small enough, and still more than the file can hold. */
    png_set_sides(&file, 4096, 4096);
    check_refused(&file, ERROR_CORRUPT, "more than the file's bytes can hold");
    png_set_sides(&file, 8, 9);
    check_refused(&file, ERROR_CORRUPT, "Not enough image data");
    free(file.bytes);

    for (int progressive = 0; progressive < 2; progressive++) {
        struct jpeg_words kind = words;

        kind.progressive = progressive;
        file = make_jpeg(&kind, pixels);
        jpeg_set_sides(&file, 65500, 65500);
        check_refused(&file, ERROR_TOO_LARGE, "the image is 65500×65500 pixels");
        jpeg_set_sides(&file, 65535, 65535);
        check_refused(&file, ERROR_CORRUPT, "65500");
        jpeg_set_sides(&file, 4096, 4096);
        check_refused(&file, ERROR_CORRUPT, "more than the file's bytes can hold");
        jpeg_set_sides(&file, 8, 0);
        check_refused(&file, ERROR_CORRUPT, "");
        free(file.bytes);
    }
}

static void check_near(uint8_t got, uint8_t wanted)
{
    if (abs(got - wanted) > 6)
        FAIL("%d is not near %d", got, wanted);
}

TEST("grey and RGB JPEG files give their pixels nearly, baseline or progressive")
{
    uint8_t pixels[3 * 16 * 24];

    for (int progressive = 0; progressive < 2; progressive++)
        for (int channels = 1; channels <= 3; channels += 2) {
            const struct jpeg_words words = {.kind = channels == 1 ? JPEG_GREY : JPEG_RGB,
                                             .width = 16,
                                             .height = 24,
                                             .progressive = progressive};
            struct file_bytes file;
            struct image image;

            for (int at = 0; at < 16 * 24; at++)
                for (int c = 0; c < channels; c++)
                    pixels[at * channels + c] = (uint8_t)(60 + at / 16 * 4 + c * 40);
            file = make_jpeg(&words, pixels);
            image = decode(&file);
            check_shape(&image, channels, 24, 16);
            for (int c = 0; c < channels; c++)
                for (int at = 0; at < 16 * 24; at++)
                    check_near(image.planes[c * 16 * 24 + at], pixels[at * channels + c]);
            image_drop(&image);
            free(file.bytes);
        }
}

TEST("printing inks are refused by name")
{
    uint8_t pixels[4 * 64] = {0};
    const struct jpeg_words words = {.kind = JPEG_CMYK, .width = 8, .height = 8};
    struct file_bytes file = make_jpeg(&words, pixels);

    check_refused(&file, ERROR_UNSUPPORTED, "CMYK");
    free(file.bytes);
}

/* The reason is one line, whatever the file holds. */
static void check_every_cut(struct file_bytes file)
{
    size_t size = file.size;

    for (file.size = 0; file.size < size; file.size++) {
        struct error error = {0};
        struct image image;
        /* So that a byte behind the end is seen by the sanitizers. */
        uint8_t *exact = malloc(file.size > 0 ? file.size : 1);

        CHECK(exact != NULL);
        memcpy(exact, file.bytes, file.size);
        if (image_decode(exact, file.size, "file", &image, &error))
            FAIL("an image cut off at %zu of %zu bytes was taken", file.size, size);
        CHECK_INT(error.kind, ERROR_CORRUPT);
        free(exact);
    }
    free(file.bytes);
}

TEST("an image cut off at any length is refused")
{
    uint8_t pixels[3 * 16 * 16];

    for (size_t i = 0; i < sizeof(pixels); i++)
        pixels[i] = (uint8_t)(i * i % 251);
    check_every_cut(make_plain_png(3, 16, 16, pixels));
    for (int progressive = 0; progressive < 2; progressive++) {
        const struct jpeg_words words = {
            .kind = JPEG_RGB, .width = 16, .height = 16, .progressive = progressive};

        check_every_cut(make_jpeg(&words, pixels));
    }
}

TEST("a PNG file with any bit flipped is refused or gives the same pixels")
{
    uint8_t pixels[3 * 8 * 8];
    struct file_bytes file;

    for (size_t i = 0; i < sizeof(pixels); i++)
        pixels[i] = (uint8_t)(i * 77);
    file = make_plain_png(3, 8, 8, pixels);
    struct image whole = decode(&file);

    for (size_t bit = 0; bit < 8 * file.size; bit++) {
        struct image image;

        file.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (image_decode(file.bytes, file.size, "file", &image, NULL)) {
            CHECK(memcmp(image.planes, whole.planes, sizeof(pixels)) == 0);
            image_drop(&image);
        }
        file.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    image_drop(&whole);
    free(file.bytes);
}

TEST("a JPEG file with any bit flipped is decoded or refused, and never more than that")
{
    uint8_t pixels[3 * 16 * 16];

    for (size_t i = 0; i < sizeof(pixels); i++)
        pixels[i] = (uint8_t)(i * i % 251);
    for (int progressive = 0; progressive < 2; progressive++) {
        const struct jpeg_words words = {
            .kind = JPEG_RGB, .width = 16, .height = 16, .progressive = progressive};
        struct file_bytes file = make_jpeg(&words, pixels);

        for (size_t bit = 0; bit < 8 * file.size; bit++) {
            struct image image;

            file.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
            if (image_decode(file.bytes, file.size, "file", &image, NULL))
                image_drop(&image);
            file.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        free(file.bytes);
    }
}

TEST("what is neither PNG nor JPEG is refused")
{
    static const char *const others[] = {"", "\x89PN", "GIF89a", "\xff\xd8", "BM", "RIFF"};

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        struct file_bytes file = {(uint8_t *)(uintptr_t)others[i], strlen(others[i])};

        check_refused(&file, ERROR_CORRUPT, "neither a PNG nor a JPEG");
    }
}
