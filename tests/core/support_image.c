/* Support for tests: images by libpng and libjpeg. */
#include "tests/core/support_image.h"

#include "tests/core/support.h"
#include "tests/harness.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <jpeglib.h>
#include <png.h>

static void append(png_structp png, png_bytep bytes, size_t size)
{
    struct file_bytes *file = png_get_io_ptr(png);

    file->bytes = realloc(file->bytes, file->size + size);
    CHECK(file->bytes != NULL);
    memcpy(file->bytes + file->size, bytes, size);
    file->size += size;
}

static void fail(png_structp png, png_const_charp text)
{
    (void)png;
    FAIL("libpng: %s", text);
}

static void put_extras(png_structp png, png_infop info, const struct png_words *words)
{
    if (words->kind == PNG_PALETTE) {
        png_color colours[256];

        for (int i = 0; i < words->colours; i++)
            colours[i] = (png_color){words->palette[3 * i], words->palette[3 * i + 1],
                                     words->palette[3 * i + 2]};
        png_set_PLTE(png, info, colours, words->colours);
    }
    if (words->transparency != NULL)
        png_set_tRNS(png, info, words->transparency, words->colours, NULL);
    if (words->text != NULL) {
        png_text text = {.compression = PNG_TEXT_COMPRESSION_zTXt,
                         .key = (char *)(uintptr_t) "Comment",
                         .text = (char *)(uintptr_t)words->text,
                         .text_length = strlen(words->text)};

        png_set_text(png, info, &text, 1);
    }
}

struct file_bytes make_png(const struct png_words *words, const uint8_t *rows)
{
    static const int types[PNG_KINDS] = {PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_RGB,
                                         PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB_ALPHA,
                                         PNG_COLOR_TYPE_PALETTE};
    struct file_bytes file = {0};
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, fail, NULL);
    png_infop info = png_create_info_struct(png);
    png_bytep *list = calloc((size_t)words->height, sizeof(*list));

    CHECK(info != NULL && list != NULL);
    png_set_write_fn(png, &file, append, NULL);
    png_set_IHDR(png, info, (png_uint_32)words->width, (png_uint_32)words->height,
                 words->depth > 0 ? words->depth : 8, types[words->kind],
                 words->interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    put_extras(png, info, words);
    png_write_info(png, info);
    for (int y = 0; y < words->height; y++)
        list[y] = (png_bytep)(uintptr_t)rows + (size_t)y * png_get_rowbytes(png, info);
    png_write_image(png, list);
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    free(list);
    return file;
}

struct file_bytes make_plain_png(int channels, int width, int height, const uint8_t *pixels)
{
    const struct png_words words = {
        .kind = channels == 1 ? PNG_GREY : PNG_RGB, .width = width, .height = height};

    return make_png(&words, pixels);
}

static void put_u32(uint8_t *out, uint32_t number)
{
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(number >> (24 - 8 * i));
}

void png_set_sides(struct file_bytes *png, uint32_t width, uint32_t height)
{
    uint32_t crc = UINT32_MAX;

    put_u32(png->bytes + 16, width);
    put_u32(png->bytes + 20, height);
    /* Over the type and the content of the header's chunk (PNG specification, annex D). */
    for (int i = 12; i < 29; i++) {
        crc ^= png->bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc & 1) != 0 ? crc >> 1 ^ UINT32_C(0xedb88320) : crc >> 1;
    }
    put_u32(png->bytes + 29, ~crc);
}

struct file_bytes make_jpeg(const struct jpeg_words *words, const uint8_t *pixels)
{
    static const struct {
        J_COLOR_SPACE space;
        int numbers;
    } kinds[] = {{JCS_GRAYSCALE, 1}, {JCS_RGB, 3}, {JCS_CMYK, 4}};
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    unsigned char *bytes = NULL;
    unsigned long size = 0;

    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, &bytes, &size);
    jpeg.image_width = (JDIMENSION)words->width;
    jpeg.image_height = (JDIMENSION)words->height;
    jpeg.input_components = kinds[words->kind].numbers;
    jpeg.in_color_space = kinds[words->kind].space;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, 95, TRUE);
    if (words->progressive)
        jpeg_simple_progression(&jpeg);
    jpeg_start_compress(&jpeg, TRUE);
    for (int y = 0; y < words->height; y++) {
        JSAMPROW row = (JSAMPROW)(uintptr_t)pixels +
                       (size_t)y * (size_t)(words->width * kinds[words->kind].numbers);

        jpeg_write_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    return (struct file_bytes){.bytes = bytes, .size = size};
}

void jpeg_set_sides(struct file_bytes *jpeg, uint16_t width, uint16_t height)
{
    size_t at = 2;

    /* From marker to marker up to the frame's header (SOF0 or SOF2). */
    while (jpeg->bytes[at + 1] != 0xc0 && jpeg->bytes[at + 1] != 0xc2) {
        at += 2 + (size_t)(jpeg->bytes[at + 2] << 8 | jpeg->bytes[at + 3]);
        CHECK(at + 9 < jpeg->size && jpeg->bytes[at] == 0xff);
    }
    jpeg->bytes[at + 5] = (uint8_t)(height >> 8);
    jpeg->bytes[at + 6] = (uint8_t)height;
    jpeg->bytes[at + 7] = (uint8_t)(width >> 8);
    jpeg->bytes[at + 8] = (uint8_t)width;
}

void make_folders(const char *path)
{
    char folder[600];

    snprintf(folder, sizeof(folder), "%s", path);
    for (char *slash = strchr(folder, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (slash > folder && mkdir(folder, 0777) != 0 && errno != EEXIST)
            FAIL("cannot make %s: %s", folder, strerror(errno));
        *slash = '/';
    }
}

void write_file(const char *path, struct file_bytes file)
{
    make_folders(path);
    write_bytes(path, file.bytes, file.size);
    free(file.bytes);
}
