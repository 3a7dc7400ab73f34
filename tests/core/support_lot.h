/* Support for tests: random layers of one kind, computed by both kernel sets and compared. */
#ifndef TESTS_CORE_SUPPORT_LOT_H
#define TESTS_CORE_SUPPORT_LOT_H

#include "core/rng.h"
#include "tests/core/support_layer.h"

/* A random layer of one kind. */
struct lot {
    char words[300];
    struct shape input;
    int64_t samples;
    int block;                     /* layout that the best kernel is offered */
    enum spec_precision precision; /* in bf16 all numbers that the layer gets are rounded to it */
    struct layer_way way;
};

/* Draws of one lot: each call takes the next. */
struct dice {
    struct rng rng;
    uint64_t next;
};

int64_t roll(struct dice *dice, int64_t low, int64_t high);
/* Channels: any, with the whole blocks of the vector kernels and their neighbours often among them.
 */
int64_t roll_channels(struct dice *dice);
/* A side that a window of `kernel` fits into with that padding. */
int64_t roll_side(struct dice *dice, int64_t kernel, int64_t padding);

/* Fills in words and input; the rest is drawn by who calls it. */
typedef void roll_layer(struct dice *dice, struct lot *lot);
struct lot roll_lot(roll_layer *layer, uint64_t number);

/* Fails the test unless the kernels of lot->way compute what the reference computes. `ties`: inputs
 * of few values, as behind a ReLU, so that windows hold several largest ones. */
void compare(const struct lot *lot, uint64_t number, bool ties);
void compare_many(roll_layer *layer, uint64_t lots); /* the best kernels */
void compare_many_by(enum kernel_choice kernels, roll_layer *layer, uint64_t lots);

/* Fails the test unless the numbers are the same. */
void check_numbers(const char *what, const real *got, const real *wanted, int64_t count);

#endif
