/* Data sets: images and labels, read once, immutable, shared by reference count between jobs. Knows
 * the file formats; knows nothing of batches, shuffling or normalization (batch does), nor of names
 * and registries.
 *
 * Every file is hostile: sizes are checked against what is really there before memory is taken. */
#ifndef CORE_DATASET_H
#define CORE_DATASET_H

#include "core/error.h"
#include "core/plan.h"

struct dataset_split {
    const uint8_t *images;  /* count × channels × height × width, row-major; NULL where the data
                               set's pixels are real numbers, */
    const float *reals;     /* which then stand here */
    const uint16_t *labels; /* count, each below the data set's classes */
    int64_t count;
};

struct dataset;

/* Reads the data set in the folder `path`, or in the one folder inside it that holds one: the usual
 * IDX names (train-images-idx3-ubyte, …), each plain or .gz. One reference for the caller.
 * ERROR_NOT_FOUND when there is no such folder or nothing known in it, ERROR_INVALID when it is no
 * folder or holds several data sets, ERROR_CORRUPT (with the file's name in `where`, and what is
 * wrong with it), ERROR_UNSUPPORTED, ERROR_TOO_LARGE, ERROR_IO, ERROR_MEMORY. No error names `path`
 * itself. Takes seconds for large sets. */
bool dataset_open(const char *path, struct dataset **out, struct error *error) MUST_CHECK;

struct dataset *
dataset_share(struct dataset *dataset);        /* one more reference; returns its argument */
void dataset_release(struct dataset *dataset); /* NULL is allowed */

const struct data_shape *dataset_shape(const struct dataset *dataset);
const struct dataset_split *dataset_train(const struct dataset *dataset);
const struct dataset_split *
dataset_test(const struct dataset *dataset); /* count 0 when there is none */
int64_t dataset_bytes(const struct dataset *dataset);
/* SHA-256 over shape, images and labels of both splits, in hexadecimal. */
const char *dataset_digest(const struct dataset *dataset);
/* "idx". */
const char *dataset_format(const struct dataset *dataset);

#endif
