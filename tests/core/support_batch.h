/* Support for tests: samples in memory, and what a batch makes of them. Everything fails the test
 * when it cannot do what it says. */
#ifndef TESTS_CORE_SUPPORT_BATCH_H
#define TESTS_CORE_SUPPORT_BATCH_H

#include "core/batch.h"
#include "core/split.h"

/* A training split of random bytes, or of the same values as reals, with everything that a batch
 * needs; labels are the indices. */
struct batch_stage {
    struct spec spec;
    struct plan plan;
    struct data_shape data;
    uint8_t *images;
    float *reals;
    uint16_t *labels;
    struct dataset_split split; /* of one of the two */
    struct block block;
    struct split samples;
    struct batch_input input;
};

/* What is NULL or 0 has the spec's default. */
struct batch_words {
    const char *normalize, *augment;
    int64_t limit, seed;
    double validation;
    bool reals, shuffle;
};

/* Bytes: the high byte of word 0 of draw i of stream RNG_SYNTHETIC under seed `number`, image after
 * image. */
void batch_open(struct batch_stage *stage, const struct shape *shape, int64_t samples,
                uint64_t number);
/* Plans and measures. Once for a stage; the samples may be changed before. */
void batch_settle(struct batch_stage *stage, const struct batch_words *words);
void batch_close(struct batch_stage *stage);

/* Samples first … first + count − 1 in file order, as training sees them in `epoch`, or, for −1, as
 * an evaluation does: malloc'ed. */
real *batch_numbers(const struct batch_stage *stage, int64_t first, int64_t count, int64_t epoch);

#endif
