/* Support for tests: NPY files, written byte by byte. */
#include "tests/core/support_npy.h"

#include "tests/core/support.h"
#include "tests/harness.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void write_npy(const char *path, int version, const char *text, const void *numbers, size_t size)
{
    size_t preamble = version == 1 ? 10 : 12, length = strlen(text) + 1;
    size_t head = (preamble + length + 63) / 64 * 64;
    uint8_t *bytes = malloc(head + size);

    CHECK(bytes != NULL);
    memset(bytes, ' ', head);
    memcpy(bytes, "\x93NUMPY", 6);
    bytes[6] = (uint8_t)version;
    bytes[7] = 0;
    for (size_t i = 8; i < preamble; i++)
        bytes[i] = (uint8_t)((head - preamble) >> (8 * (i - 8)));
    memcpy(bytes + preamble, text, length - 1);
    bytes[head - 1] = '\n';
    memcpy(bytes + head, numbers, size);
    write_bytes(path, bytes, head + size);
    free(bytes);
}

void write_array(const char *path, const char *type, const char *shape, const void *numbers,
                 size_t size)
{
    char text[200];

    snprintf(text, sizeof(text), "{'descr': '%s', 'fortran_order': False, 'shape': %s, }", type,
             shape);
    write_npy(path, 1, text, numbers, size);
}

void make_npy_dataset(const char *dir, enum npy_pixels pixels)
{
    static const uint8_t labels[] = {0, 1, 2, 1};
    const char *type = pixels == NPY_PIXELS_BYTES ? "|u1" : "<f4";
    size_t size = pixels == NPY_PIXELS_BYTES ? 1 : 4;
    uint8_t bytes[24];
    float reals[24];
    const void *numbers = pixels == NPY_PIXELS_BYTES ? (const void *)bytes : reals;
    char path[300];

    for (int i = 0; i < 24; i++) {
        bytes[i] = (uint8_t)i;
        reals[i] = (float)i;
    }
    if (mkdir(dir, 0777) != 0 && errno != EEXIST)
        FAIL("cannot make %s: %s", dir, strerror(errno));
    snprintf(path, sizeof(path), "%s/train_images.npy", dir);
    write_array(path, type, "(4, 2, 3)", numbers, 24 * size);
    snprintf(path, sizeof(path), "%s/train_labels.npy", dir);
    write_array(path, "|u1", "(4,)", labels, 4);
    snprintf(path, sizeof(path), "%s/test_images.npy", dir);
    write_array(path, type, "(2, 1, 2, 3)", (const uint8_t *)numbers + 12 * size, 12 * size);
    snprintf(path, sizeof(path), "%s/test_labels.npy", dir);
    write_array(path, "|u1", "(2,)", labels + 2, 2);
}
