/* Mean and standard deviation of each channel of a data set's samples. */
#ifndef CORE_NORMALIZE_MEASURE_H
#define CORE_NORMALIZE_MEASURE_H

#include "core/normalize.h"

/* Of pixel / out->divisor, over all samples and pixels: the population's standard deviation (its
 * sum is divided by the count). A channel of one value everywhere has a standard deviation of 1. */
void normalize_measure(const void *options, const struct normalize_data *data,
                       struct normalization *out);

#endif
