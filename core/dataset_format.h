/* Data set formats: one row for each way in which a data set's files can be named and written. To
 * add one: a file with `probe` and `load`, and its row in dataset_find.c. Knows nothing of sharing
 * or digests. */
#ifndef CORE_DATASET_FORMAT_H
#define CORE_DATASET_FORMAT_H

#include "core/arena.h"
#include "core/dataset.h"
#include "core/fileset.h"

enum {
    DATASET_SIDE_MAX = 4096, /* channels, height, width */
    DATASET_CLASSES_MIN = 2, /* one class is nothing to learn, but two outputs are */
    DATASET_CLASSES_MAX = 1 << 16,
    DATASET_CLASS_NAME_MAX = 200 /* bytes */
};
/* Images of both splits together, as they are held in memory. */
#define DATASET_BYTES_MAX (INT64_C(16) << 30)
/* Of one split. */
#define DATASET_SAMPLES_MAX INT64_C(0x7fffffff)

/* One split as read; the arrays are malloc'ed. */
struct dataset_part {
    struct shape sample;
    int64_t count; /* 0: the split does not exist */
    bool real;
    uint8_t *images;
    float *reals; /* instead of images */
    uint16_t *labels;
    int64_t labels_count;
};

enum { PART_TRAIN, PART_TEST, PARTS };

/* What a reader makes of the files. Zeroed before, dropped by the caller also when reading failed.
 */
struct dataset_content {
    struct dataset_part parts[PARTS];
    struct arena arena;       /* owns the names */
    const char **class_names; /* NULL where the files name no classes */
    int64_t class_name_count;
    int64_t classes;       /* at least so many; 0 where labels and names alone tell */
    struct memory *memory; /* NULL: no budget */
    int64_t taken;         /* from it */
};

struct dataset_format {
    const char *name;
    /* Whether the files look like this format: by names alone, without reading one. */
    bool (*probe)(const struct fileset_view *view);
    bool (*load)(const struct fileset_view *view, struct dataset_content *content,
                 struct error *error);
};

extern const struct dataset_format dataset_format_idx, dataset_format_cifar10,
    dataset_format_cifar100, dataset_format_npy, dataset_format_npz, dataset_format_images;

/* A data set of what is in memory: takes over the content, also where it fails. */
bool dataset_adopt(const struct dataset_format *format, struct dataset_content *content,
                   struct dataset **out, struct error *error) MUST_CHECK;
void dataset_content_drop(struct dataset_content *content);

/* Which format the fileset's files have, and where: in it, or in the one folder inside it. */
bool dataset_find(struct fileset *fileset, const struct dataset_format **format,
                  struct fileset_view *view, struct error *error) MUST_CHECK;

/* What a file says of the images of one split. */
struct dataset_claim {
    int64_t count;
    int64_t sides[3]; /* channels, height, width */
    bool real;
};
/* Takes the claim into the content's part when it is within every limit, also together with the
 * other part, and takes that from the budget. `where` is the file's name. *bytes: what the images
 * take. No memory is taken. */
bool dataset_claim(struct dataset_content *content, int part, const struct dataset_claim *claim,
                   int64_t *bytes, const char *where, struct error *error) MUST_CHECK;

/* Room for `count` labels of a part. */
bool dataset_claim_labels(struct dataset_part *part, int64_t count, const char *where,
                          struct error *error) MUST_CHECK;

/* The names of the classes, one a line. */
bool dataset_read_names(struct stream *stream, struct dataset_content *content,
                        struct error *error) MUST_CHECK;
/* Whether the text may be a class's name: clean, not empty, not too long. */
bool dataset_class_name_good(const char *name);

#endif
