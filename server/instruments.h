/* Instruments: counters of this process, which many threads add to without waiting for each other,
 * and what the runners count with them. They begin at zero with the process and never fall. Knows
 * no text format and nobody who reads. */
#ifndef SERVER_INSTRUMENTS_H
#define SERVER_INSTRUMENTS_H

#include "server/log.h"

#include <stdatomic.h>
#include <stdint.h>

/* A distribution of durations. */
enum { HISTOGRAM_BOUNDS = 18 };
/* Upper ends of the buckets in seconds, ascending: 0.0001 … 60. Above the last one is one more. */
extern const double histogram_bounds[HISTOGRAM_BOUNDS];

struct histogram {
    _Atomic(uint64_t) counts[HISTOGRAM_BOUNDS + 1]; /* each of its bucket alone */
    _Atomic(uint64_t) nanoseconds;                  /* all together */
};
void histogram_observe(struct histogram *histogram, double seconds);

/* As one reader saw it. Counts are cumulative: those up to the bound; the last one is of all. */
struct histogram_view {
    uint64_t counts[HISTOGRAM_BOUNDS + 1];
    double seconds;
};
void histogram_look(const struct histogram *histogram, struct histogram_view *out);

/* Zeroed is ready. One for the process; NULL for the functions below: nothing is counted. */
struct instruments {
    _Atomic(uint64_t) samples, steps, evaluations;
    _Atomic(uint64_t) checkpoint_bytes;
    struct histogram step_seconds, checkpoint_seconds;
    struct log_counts log_counts;
};

void instruments_step(struct instruments *instruments, int64_t samples, double seconds);
void instruments_evaluation(struct instruments *instruments);
/* `bytes`: as stored. */
void instruments_checkpoint(struct instruments *instruments, uint64_t bytes, double seconds);

#endif
