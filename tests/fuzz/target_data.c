/* Fuzz targets of data sets. Checksums are set right where a parser would look no further than at a
 * wrong one. */
#include "tests/fuzz/target_data.h"

#include "core/image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fuzz_idx(const uint8_t *bytes, size_t size)
{
    static const char *const names[] = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte",
                                        "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte", NULL};

    fuzz_folder("fuzz-idx", bytes, size, names);
}

void fuzz_npy(const uint8_t *bytes, size_t size)
{
    static const char *const names[] = {"train_images.npy", "train_labels.npy", "class_names.txt",
                                        NULL};

    fuzz_folder("fuzz-npy", bytes, size, names);
}

void fuzz_cifar(const uint8_t *bytes, size_t size)
{
    static const char *const names[] = {"batches.meta.txt", "data_batch_1.bin", NULL};

    fuzz_folder("fuzz-cifar", bytes, size, names);
}

void fuzz_images(const uint8_t *bytes, size_t size)
{
    static const char *const names[] = {"train/a/1.png", "train/b/2.jpg", "test/a/3.png", NULL};

    fuzz_folder("fuzz-images", bytes, size, names);
}

void fuzz_archive(const uint8_t *bytes, size_t size)
{
    fuzz_archive_file(bytes, size);
}

/* The sum over a header, its own field counted as spaces (POSIX, pax). */
static void fix_tar_sum(uint8_t *block)
{
    unsigned sum = 0;

    memset(block + 148, ' ', 8);
    for (int i = 0; i < 512; i++)
        sum += block[i];
    (void)snprintf((char *)block + 148, 8, "%06o", sum);
}

/* A tar archive whose headers' sums are right, with an end mark. */
void fuzz_tar(const uint8_t *bytes, size_t size)
{
    size_t whole = (size + 511) / 512 * 512, at = 0;
    uint8_t *tar = calloc(whole + 1024, 1);

    if (tar == NULL)
        fuzz_fail("no memory");
    if (size > 0)
        memcpy(tar, bytes, size);
    while (at + 512 <= whole) {
        uint64_t content = 0;

        for (int i = 124; i < 135 && tar[at + (size_t)i] >= '0' && tar[at + (size_t)i] <= '7'; i++)
            content = content * 8 + (uint64_t)(tar[at + (size_t)i] - '0');
        fix_tar_sum(tar + at);
        if (content > whole)
            break;
        at += 512 + (size_t)(content + 511) / 512 * 512;
    }
    fuzz_archive_file(tar, whole + 1024);
    free(tar);
}

static uint32_t read_u32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* Every chunk gets the checksum that its content has (PNG specification, annex D). */
static void fix_png_sums(uint8_t *png, size_t size)
{
    size_t at = 8;

    while (at + 12 <= size && read_u32(png + at) <= size - at - 12) {
        size_t end = at + 8 + read_u32(png + at);
        uint32_t crc = UINT32_MAX;

        for (size_t i = at + 4; i < end; i++) {
            crc ^= png[i];
            for (int bit = 0; bit < 8; bit++)
                crc = (crc & 1) != 0 ? crc >> 1 ^ UINT32_C(0xedb88320) : crc >> 1;
        }
        for (int i = 0; i < 4; i++)
            png[end + (size_t)i] = (uint8_t)(~crc >> (24 - 8 * i));
        at = end + 4;
    }
}

void fuzz_image(const uint8_t *bytes, size_t size)
{
    struct error error = {0};
    struct image image;
    uint8_t *copy = malloc(size > 0 ? size : 1);

    if (copy == NULL)
        fuzz_fail("no memory");
    if (size > 0)
        memcpy(copy, bytes, size);
    if (size > 0 && bytes[0] == 0x89)
        fix_png_sums(copy, size);
    if (image_decode(copy, size, "file", &image, &error)) {
        if ((image.channels != 1 && image.channels != 3) || image.height < 1 || image.width < 1 ||
            image.height > IMAGE_SIDE_MAX || image.width > IMAGE_SIDE_MAX)
            fuzz_fail("an image of an impossible shape");
        image_drop(&image);
    } else {
        fuzz_check_error(&error);
    }
    free(copy);
}
