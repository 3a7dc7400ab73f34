/* Data set formats: one row for each way a data set can lie in a folder. To add one: a file with
 * `probe` and `load`, and its row in dataset.c. Knows nothing of sharing or digests. */
#ifndef CORE_DATASET_FORMAT_H
#define CORE_DATASET_FORMAT_H

#include "core/dataset.h"

enum {
    DATASET_SIDE_MAX = 4096, /* channels, height, width */
    DATASET_CLASSES_MIN = 2  /* one class is nothing to learn, but two outputs are */
};
/* Images of both splits together. */
#define DATASET_BYTES_MAX (INT64_C(16) << 30)

/* One split as read; the arrays are malloc'ed. */
struct dataset_part {
    struct shape sample;
    uint8_t *images;
    uint16_t *labels;
    int64_t count; /* 0: the split does not exist */
};

struct dataset_format {
    const char *name;
    /* Whether the folder looks like this format: by names alone, without opening a file. */
    bool (*probe)(int dir);
    /* Reads both parts (zeroed by the caller). On failure parts may be half filled: the caller
     * drops them. */
    bool (*load)(int dir, struct dataset_part *train, struct dataset_part *test,
                 struct error *error);
};

extern const struct dataset_format dataset_format_idx;

/* A data set of parts that are in memory already (train, test): takes over their arrays, also where
 * it fails. `classes`: at least so many, 0 where the labels alone tell. */
bool dataset_adopt(const struct dataset_format *format, const struct dataset_part parts[2],
                   int64_t classes, struct dataset **out, struct error *error) MUST_CHECK;

#endif
