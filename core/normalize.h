/* Normalization: pixel values become the network's input numbers, x = (pixel / divisor − mean) /
 * std, channel by channel. Knows nothing of batches or layers. */
#ifndef CORE_NORMALIZE_H
#define CORE_NORMALIZE_H

#include "core/block.h"
#include "core/dataset.h"

struct normalize_mean_std_options {
    struct list mean, std; /* of struct normalize_number, one for each channel */
};
struct normalize_number {
    double value;
};

/* What a job really uses, as its numbers are: who exports a network must write these down. */
struct normalization {
    real divisor; /* 1 or 255 */
    bool shifts;  /* false: mean and std are 0 and 1 in every channel and change nothing */
    int64_t channels;
    real *mean, *std; /* (channels) */
};

/* Samples that a normalization may be measured on: split[samples[i]], or split[i] for NULL. */
struct normalize_data {
    const struct dataset_split *split;
    const uint32_t *samples;
    int64_t count;
    struct shape shape;
};

/* Whether given means are out of reach for pixels of 0 … 1. */
bool normalize_is_for_bytes(const struct variant *normalize);

struct normalize_kind {
    struct kind kind;
    real divisors[2]; /* of byte pixels, of real pixels */
    bool shifts;
    /* What is wrong with the options for such data; NULL: nothing can be. */
    void (*plan)(const void *options, const struct data_shape *data, struct problems *problems);
    /* Fills mean and std; NULL: 0 and 1. */
    void (*measure)(const void *options, const struct normalize_data *data,
                    struct normalization *out);
};

extern const struct kinds normalize_kinds;

/* The kind of who names none. */
const struct kind *normalize_default(const struct data_shape *data);

/* Rules between the options and the data. Lists that could not be read are passed over. */
void normalize_plan(const struct variant *normalize, const struct data_shape *data,
                    struct problems *problems);

/* Reserves the arrays. Their digits are a function of spec and data alone. */
void normalization_reserve(struct normalization *out, int64_t channels, struct block *block);
/* After the block is taken. `data` holds the samples that are learned from. */
void normalization_measure(struct normalization *out, const struct variant *normalize,
                           const struct normalize_data *data);

/* One sample of `channels` × `pixels` numbers; `to` may be `from`. */
void normalization_apply(const struct normalization *normalization, const real *from, real *to,
                         int64_t pixels);

#endif
