/* Small specs for tests, built without JSON. Every function fails the test when it cannot do what
 * it says. */
#ifndef TESTS_CORE_NETWORK_H
#define TESTS_CORE_NETWORK_H

#include "core/layer.h"
#include "core/optimizer.h"
#include "core/schedule.h"
#include "core/trainer.h"

/* An empty spec with seed 1, sgd and the constant schedule. network_layer adds layers,
 * network_complete ends it. */
struct spec *network_new(void);
void network_free(struct spec *spec);

/* Adds a layer; its options, with defaults, to be filled in. */
void *network_layer(struct spec *spec, const char *type);
void network_conv2d(struct spec *spec, int64_t out_channels, int64_t kernel, int64_t stride,
                    int64_t padding);
void network_max_pool2d(struct spec *spec, int64_t kernel, int64_t stride);
void network_linear(struct spec *spec, int64_t out_features);
/* LeNet-5 of the lecture for `classes` classes. */
void network_lenet5(struct spec *spec, int64_t classes);

void *network_optimizer(struct spec *spec, const char *type); /* its options */

/* spec_complete and plan_make: must find no problem. The plan is to be dropped by plan_drop. */
void network_plan(struct spec *spec, const struct data_shape *data, struct plan *plan);

/* A trainer of the planned spec. */
struct trainer *network_trainer(const struct spec *spec, const struct plan *plan,
                                struct dataset *dataset, int threads, enum kernel_choice kernels);

#endif
