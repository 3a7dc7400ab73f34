/* Support for tests of the core and of all that stands on it: small data sets on disk. */
#ifndef TESTS_CORE_SUPPORT_H
#define TESTS_CORE_SUPPORT_H

#include "core/dataset.h"

#include <stddef.h>
#include <stdint.h>

/* All of these fail the test when they cannot do what they say. */

void write_bytes(const char *path, const void *bytes, size_t size);
/* The same content as a gzip file. */
void write_gzip(const char *path, const void *bytes, size_t size);
/* Replaces a file PATH by PATH.gz. */
void gzip_file(const char *path);
/* malloc'ed. */
uint8_t *read_bytes(const char *path, size_t *size);

/* The header of an IDX file of unsigned bytes: 4 + 4 × dims bytes to `out`, whose size comes back.
 */
size_t idx_header(uint8_t *out, int dims, const int64_t *sizes);

/* Writes an IDX data set of that shape to `dir` (made when missing): plain files, N × H × W images
 * for one channel and N × C × H × W for more; no test files for test_samples 0. Each class is a
 * pattern of waves of its own under noise drawn from `seed`: a small network learns it in some tens
 * of steps. The first label is the last class, so that the data set has exactly shape->classes of
 * them. */
void make_idx_dataset(const char *dir, const struct data_shape *shape, uint64_t seed);

/* Opens a data set, or fails the test with the error. */
struct dataset *open_dataset(const char *dir);

/* Opening `path` must fail with that kind, that `where`, and a text that contains the part. */
void check_dataset_refused(const char *path, enum error_kind kind, const char *where,
                           const char *part_of_text);
/* Both paths hold the same data set. */
void check_same_dataset(const char *path, const char *other);

#endif
