/* Speed: what one thread of this processor takes for a piece of work of every kind of layer and of
 * every optimizer, with the kernels that this build would use. Measured by running each on a small
 * input. Knows nothing of jobs: estimate puts the pieces together.
 *
 * Times are the processor time of the thread that measures, so that what else runs on the machine
 * changes them little. */
#ifndef CORE_SPEED_H
#define CORE_SPEED_H

#include "core/trainer.h"

#include <stdatomic.h>

enum { SPEED_LAYERS_MAX = 64, SPEED_OPTIMIZERS_MAX = 16 };

struct speed_cost {
    double unit;   /* seconds for a unit of work, see speed_work; NAN: not known */
    double number; /* … and for a number that goes in or comes out, beside the work; 0 for layers
                      without multiply-adds */
};

struct speed {
    struct speed_cost layers[SPEED_LAYERS_MAX]; /* by the row in layer_kinds; both passes */
    double weight; /* a weight's share that no sample pays for: packing, gathering; a shard */
    double updates[SPEED_OPTIMIZERS_MAX]; /* a parameter, by the row in optimizer_kinds */
    int block;                            /* layout of activations: see op.h */
};

/* For runs of that precision, which these kernels must have. Takes about a tenth of a second; a
 * kind whose turn would come only after SPEED_LIMIT seconds of processor time, or when another
 * thread has said `enough` (NULL: nobody does), stays unknown. To be called in a thread that has
 * nothing else to do. False only when memory is gone. */
#define SPEED_LIMIT 3
bool speed_measure(enum kernel_choice kernels, enum spec_precision precision,
                   const atomic_bool *enough, struct speed *out, struct error *error) MUST_CHECK;

/* One sample's units of work in a layer: multiply-adds in the padded layout, or where there are
 * none the numbers that are read or written. */
double speed_work(const struct plan *plan, const struct plan_layer *layer, int block);
/* The numbers of one sample that go in and come out. */
double speed_numbers(const struct plan *plan, const struct plan_layer *layer, int block);

#endif
