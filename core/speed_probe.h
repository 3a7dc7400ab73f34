/* Probe: one layer alone, made ready to run on a small input, and the time that a pass takes. For
 * speed.c only. */
#ifndef CORE_SPEED_PROBE_H
#define CORE_SPEED_PROBE_H

#include "core/kernels.h"
#include "core/layer.h"

/* What is tried. */
struct probe_words {
    const struct kind *kind;
    enum kernel_choice kernels;
    struct shape sample;
    int64_t size;                  /* of what must be given: output channels or features … */
    int64_t window;                /* … and the sides of windows */
    int64_t samples;               /* of the one shard */
    struct layout x;               /* that the input has */
    enum spec_precision precision; /* of the run */
};

struct probe {
    struct spec spec;
    struct plan plan;
    const struct plan_layer *layer;
    struct op op;
    struct block memory;
    atomic_bool failed;
    real *parameters, *gradients;
    void *x, *y, *dx, *dy; /* numbers as the op says */
    int64_t samples;
};

/* False without an error: such a layer takes no such input, or cannot be made of the sizes alone.
 * To be dropped in every case. */
bool probe_make(struct probe *probe, const struct probe_words *words,
                struct error *error) MUST_CHECK;
void probe_drop(struct probe *probe);

/* Processor seconds of this thread for one training pass, forward and backward. */
double probe_run(struct probe *probe);

/* The clock of probe_run. */
double probe_clock(void);

#endif
