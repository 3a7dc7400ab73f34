/* Fuzz targets of data sets: see target_data.c. */
#ifndef TESTS_FUZZ_TARGET_DATA_H
#define TESTS_FUZZ_TARGET_DATA_H

#include "tests/fuzz/fuzz.h"

void fuzz_idx(const uint8_t *bytes, size_t size);
void fuzz_npy(const uint8_t *bytes, size_t size);
void fuzz_cifar(const uint8_t *bytes, size_t size);
void fuzz_images(const uint8_t *bytes, size_t size);
void fuzz_archive(const uint8_t *bytes, size_t size);
void fuzz_tar(const uint8_t *bytes, size_t size);
void fuzz_image(const uint8_t *bytes, size_t size);

#endif
