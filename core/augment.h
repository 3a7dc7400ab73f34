/* Augmentation: chance changes to training samples, one after another in the order of the spec, on
 * pixel values as they are before normalization. Bytes are taken as numbers 0 … 255 and not rounded
 * on the way, as torchvision's transforms do with float images.
 *
 * Every draw is a function of (seed, place in the list, epoch, the sample's index in the data set):
 * no cut of a batch, order, thread or resumed run changes it.
 *
 * To add one: its options, its rows and its functions in an augment_*.c, and a row in augment.c. */
#ifndef CORE_AUGMENT_H
#define CORE_AUGMENT_H

#include "core/plan.h"
#include "core/rng.h"

enum { AUGMENT_MAX = 16 };
/* Draws that one sample has at each place of the list. */
enum { AUGMENT_DRAWS = 64 };

/* One sample on its way through one augmentation. */
struct augment_call {
    const void *options;
    const struct shape *shape;
    real lowest, highest; /* pixel values stay between them */
    real *pixels;         /* (channels, height, width): the sample; may be changed */
    real *spare;          /* of the same size, for the result of what does not work in place */
    struct rng rng;
    uint64_t draw; /* the first of the sample's AUGMENT_DRAWS draws */
};

/* What an augmentation says about data of a shape. */
struct augment_planning {
    const void *options;
    const struct shape *shape;
    const char *pointer;
    struct problems *problems;
    struct plan_warnings *warnings;
};

struct augment_kind {
    struct kind kind;
    bool flat_too; /* moves no pixels, so that it needs no image */
    /* Rules between options; adds problems under `pointer`. NULL: none. */
    void (*check)(const void *options, const char *pointer, struct problems *problems);
    /* Rules between options and data; NULL: none. */
    void (*plan)(const struct augment_planning *planning);
    /* Returns where the result is: call->pixels or call->spare. */
    real *(*apply)(const struct augment_call *call);
};

extern const struct kinds augment_kinds;
extern const struct augment_kind augment_random_crop, augment_random_horizontal_flip,
    augment_random_vertical_flip, augment_random_rotation, augment_cutout, augment_random_erasing,
    augment_random_brightness, augment_random_contrast;

/* Rules between the options of each, and between them and the data. */
void augment_check(const struct variants *augment, struct problems *problems);
void augment_plan(const struct variants *augment, const struct data_shape *data,
                  struct problems *problems, struct plan_warnings *warnings);

/* Sample `index` of the training split in one epoch. `call` has shape, bounds, pixels and spare;
 * the rest is filled in here. Returns where the result is: call->pixels or call->spare. */
struct augment_sample {
    uint64_t seed;
    uint32_t epoch; /* counted from 0 */
    int64_t index;
};
real *augment_apply(const struct variants *augment, const struct augment_sample *sample,
                    struct augment_call *call);

#endif
