/* Picture: one sample of a data set as an image for people. Knows nothing of files.
 *
 * One channel is grey, three are red, green, blue; of two channels the first is shown, of four and
 * more the first three. Bytes stay what they are; real numbers are stretched, so that the smallest
 * of what is shown becomes 0 and the largest 255. */
#ifndef CORE_DATASET_PICTURE_H
#define CORE_DATASET_PICTURE_H

#include "core/dataset.h"
#include "core/image.h"

/* Sample `index` (counted from 0) of the split, each of its pixels `factor` times as wide and as
 * high (≥ 1); image_drop it. ERROR_NOT_FOUND when there is no such sample, ERROR_MEMORY. */
bool dataset_picture(const struct dataset *dataset, const struct dataset_split *split,
                     int64_t index, int64_t factor, struct image *out,
                     struct error *error) MUST_CHECK;

#endif
