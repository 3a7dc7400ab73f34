/* Synthetic data sets: images drawn from a seed that a network can learn to tell apart, for trials
 * and benchmarks. Every class is a smooth pattern of its own; a sample is its class's pattern moved
 * a little, with a contrast and a brightness of its own, under noise. Bytes 0 … 255; sample i is of
 * class i mod classes. The same parameters and seed give the same bytes on every machine. */
#ifndef CORE_DATASET_SYNTHETIC_H
#define CORE_DATASET_SYNTHETIC_H

#include "core/dataset.h"
#include "core/digest.h"

enum { SYNTHETIC_SIDE_MAX = 4096, SYNTHETIC_CLASSES_MAX = 65535 };
/* Images of both splits together. */
enum { SYNTHETIC_BYTES_MAX = 1 << 30 };

/* Fills in test_samples and checks that all of it fits; problems lie under /dataset/synthetic. What
 * could not be read is passed over. */
void synthetic_complete(struct spec_synthetic *synthetic, struct problems *problems);

/* What it will be, without making it. Complete and free of problems. */
void synthetic_shape(const struct spec_synthetic *synthetic, struct data_shape *out);

/* A digest of the parameters and the seed, in hexadecimal: the same one, the same data set. */
void synthetic_key(const struct spec_synthetic *synthetic, uint64_t seed, char out[DIGEST_HEX]);

/* Makes it: seconds for the largest. One reference for the caller. */
bool synthetic_make(const struct spec_synthetic *synthetic, uint64_t seed, struct dataset **out,
                    struct error *error) MUST_CHECK;

#endif
