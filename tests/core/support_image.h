/* Support for tests: PNG and JPEG files. All of these fail the test when they cannot do what they
 * say. */
#ifndef TESTS_CORE_SUPPORT_IMAGE_H
#define TESTS_CORE_SUPPORT_IMAGE_H

#include <stddef.h>
#include <stdint.h>

struct file_bytes {
    uint8_t *bytes; /* malloc'ed */
    size_t size;
};

enum png_kind { PNG_GREY, PNG_RGB, PNG_GREY_ALPHA, PNG_RGBA, PNG_PALETTE, PNG_KINDS };

struct png_words {
    enum png_kind kind;
    int width, height;
    int depth; /* bits of a sample: 1, 2, 4, 8, 16; 0: 8 */
    int interlaced;
    const uint8_t *palette; /* of PNG_PALETTE: 3 bytes a colour */
    int colours;
    const uint8_t *transparency; /* tRNS of a palette, one byte a colour */
    const char *text;            /* a tEXt chunk of that text */
};

/* `rows`: as PNG has them, samples packed and 16-bit ones big-endian. */
struct file_bytes make_png(const struct png_words *words, const uint8_t *rows);
/* The same in few words: 8 bits, grey or RGB, pixels interleaved. */
struct file_bytes make_plain_png(int channels, int width, int height, const uint8_t *pixels);
/* Writes other sides into a PNG file's header, with the right checksum. */
void png_set_sides(struct file_bytes *png, uint32_t width, uint32_t height);

enum jpeg_kind { JPEG_GREY, JPEG_RGB, JPEG_CMYK };

struct jpeg_words {
    enum jpeg_kind kind;
    int width, height;
    int progressive;
};

struct file_bytes make_jpeg(const struct jpeg_words *words, const uint8_t *pixels);
/* Writes other sides into a JPEG file's header. */
void jpeg_set_sides(struct file_bytes *jpeg, uint16_t width, uint16_t height);

/* Writes the file, and the folders above it that are missing; frees the bytes. */
void write_file(const char *path, struct file_bytes file);
/* Makes the folders above `path`. */
void make_folders(const char *path);

#endif
