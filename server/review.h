/* Review: what a network makes of a split, sample by sample: which classes it takes for which,
 * and where it is most wrong. Knows no request and no store. */
#ifndef SERVER_REVIEW_H
#define SERVER_REVIEW_H

#include "core/sampling.h"
#include "server/body.h"
#include "server/trained.h"

#include <stdatomic.h>

/* How many of the worst samples are shown, of the pairs that are confused most often; and of how
 * many classes there is a whole matrix. Of each of its cells a few samples are kept beside the
 * worst of all, but of all cells together no more than REVIEW_KEPT. */
enum {
    REVIEW_WORST = 200,
    REVIEW_PAIRS = 20,
    REVIEW_MATRIX_CLASSES = 1000,
    REVIEW_OF_CELL = 8,
    REVIEW_KEPT = 1500
};

/* One sample, in the order of badness. */
struct review_sample {
    int64_t index; /* in the data set's own split */
    int64_t label, predicted;
    double surprise;       /* −log of the label's probability: larger is worse */
    double probability[2]; /* of the label, of what was predicted */
};

struct review {
    int64_t samples, classes;
    int64_t correct;
    int64_t undecided; /* whose scores are no numbers: the matrix has no place for them */
    double loss_sum;
    int64_t *support; /* (classes) samples of each */
    uint32_t *pairs;  /* (decided samples) label << 16 | predicted, sorted */
    int64_t pair_count;
    struct review_sample *worst; /* (samples) those that are kept, the worst first */
    int64_t worst_count;
    double seconds;
};

struct review_setup {
    struct trained *network; /* as trained */
    const struct dataset *dataset;
    struct sampling_part part;
    const atomic_bool *stop; /* once true: ERROR_BUSY */
};
/* Takes the time of a whole evaluation, in a thread of its own, which makes way for those that
 * train. review_drop in any case. */
bool review_make(const struct review_setup *setup, struct review *out,
                 struct error *error) MUST_CHECK;
void review_drop(struct review *review); /* a zeroed one is allowed */

/* ---- review_json.c ---- */

/* `{"samples", "loss", "accuracy", "undecided", "classes": […], "confusion": […], "most_confused":
 * […], "seconds"}`; confusion is null where there are too many classes. */
void review_put(struct body *out, const struct review *review, const struct job_data *data);
/* A list of {"index", "true", "predicted", "probability", "links"}. `images`: the beginning of the
 * address of a sample's image, and its end; NULL: there is none. */
struct review_images {
    const char *before, *after;
};
void review_put_worst(struct body *out, const struct review *review,
                      const struct review_images *images);

#endif
