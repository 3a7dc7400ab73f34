/* Fuzz targets of jobs: see target_job.c. */
#ifndef TESTS_FUZZ_TARGET_JOB_H
#define TESTS_FUZZ_TARGET_JOB_H

#include "tests/fuzz/fuzz.h"

void fuzz_spec(const uint8_t *bytes, size_t size);
void fuzz_checkpoint(const uint8_t *bytes, size_t size);

#endif
