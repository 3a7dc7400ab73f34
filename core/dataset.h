/* Data sets: images and labels, read once, immutable, shared by reference count between jobs. Knows
 * the file formats; knows nothing of batches, shuffling or normalization (batch does), nor of names
 * and registries.
 *
 * Every file is hostile: sizes are checked against what is really there before memory is taken. */
#ifndef CORE_DATASET_H
#define CORE_DATASET_H

#include "core/error.h"
#include "core/memory.h"
#include "core/plan.h"

struct dataset_split {
    const uint8_t *images;  /* count × channels × height × width, row-major; NULL where the data
                               set's pixels are real numbers, */
    const float *reals;     /* which then stand here */
    const uint16_t *labels; /* count, each below the data set's classes */
    int64_t count;
};

struct dataset;

/* Reads the data set at `path`: a folder, or an archive (tar, tar.gz, tar.zst, zip), with the files
 * of one format (dataset_find.c lists them) in it or in the one folder inside it. One reference for
 * the caller. ERROR_NOT_FOUND when there is no such path or nothing known in it, ERROR_INVALID when
 * it is neither or holds what it must not, as several data sets, ERROR_CORRUPT (with the file's
 * name in `where`, and what is wrong with it), ERROR_UNSUPPORTED, ERROR_TOO_LARGE, ERROR_IO,
 * ERROR_MEMORY. No error names the folder that `path` is in. Takes seconds for large sets. */
bool dataset_open(const char *path, struct dataset **out, struct error *error) MUST_CHECK;
/* The same within a budget, from which the images are taken before there is memory for them, until
 * the set is released. ERROR_BUSY too: it would fit if others gave back what they have. */
bool dataset_open_within(const char *path, struct memory *memory, struct dataset **out,
                         struct error *error) MUST_CHECK;

/* Writes the set into the open, empty folder `dir` in the form that dataset_open reads fastest, and
 * sees to it that it is on the disk: NPY files, and class_names.txt where the classes have names.
 * What is read back has the same digest. ERROR_FULL, ERROR_IO; files may then be left there. */
bool dataset_write(const struct dataset *dataset, int dir, struct error *error) MUST_CHECK;

struct dataset *
dataset_share(struct dataset *dataset);        /* one more reference; returns its argument */
void dataset_release(struct dataset *dataset); /* NULL is allowed */

const struct data_shape *dataset_shape(const struct dataset *dataset);
const struct dataset_split *dataset_train(const struct dataset *dataset);
const struct dataset_split *
dataset_test(const struct dataset *dataset); /* count 0 when there is none */
int64_t dataset_bytes(const struct dataset *dataset);
/* SHA-256 over shape, images and labels of both splits, and the names of the classes where there
 * are any, in hexadecimal. The same content has the same digest whatever its format. */
const char *dataset_digest(const struct dataset *dataset);
/* "idx", "npy", … */
const char *dataset_format(const struct dataset *dataset);
/* The name of a class, as the files give it: clean UTF-8. NULL when they give none. */
const char *dataset_class_name(const struct dataset *dataset, int64_t class);

#endif
