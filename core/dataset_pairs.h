/* Pairs: formats that keep the images of a split in one file and its labels in another. Knows the
 * files' names; knows nothing of what stands in them. */
#ifndef CORE_DATASET_PAIRS_H
#define CORE_DATASET_PAIRS_H

#include "core/dataset_format.h"

enum { PAIR_NAMES_MAX = 6 };

/* The usual names, NULL behind the last; the first one that is there is taken. */
struct pair_names {
    const char *images[PAIR_NAMES_MAX + 1];
    const char *labels[PAIR_NAMES_MAX + 1];
};

struct pair_format {
    struct pair_names names[PARTS];
    const char *class_names; /* a file that may be there, or NULL */
    /* Both fill content->parts[part]; images by dataset_claim, labels by dataset_claim_labels. */
    bool (*images)(struct stream *stream, struct dataset_content *content, int part,
                   struct error *error);
    bool (*labels)(struct stream *stream, struct dataset_content *content, int part,
                   struct error *error);
};

/* Whether a file of the training split is there. */
bool pairs_probe(const struct fileset_view *view, const struct pair_format *format);
/* Reads the files in any order and checks that they fit each other. */
bool pairs_load(const struct fileset_view *view, const struct pair_format *format,
                struct dataset_content *content, struct error *error) MUST_CHECK;

#endif
