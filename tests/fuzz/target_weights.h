/* Fuzz targets of weights: see target_weights.c. */
#ifndef TESTS_FUZZ_TARGET_WEIGHTS_H
#define TESTS_FUZZ_TARGET_WEIGHTS_H

#include "tests/fuzz/fuzz.h"

void fuzz_safetensors(const uint8_t *bytes, size_t size);

#endif
