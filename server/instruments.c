/* Instruments: see instruments.h. Relaxed: nothing else is read by what these numbers say. */
#include "server/instruments.h"

/* clang-format off */
const double histogram_bounds[HISTOGRAM_BOUNDS] = {
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
    0.1,    0.25,    0.5,    1,     2.5,    5,     10,   30,    60,
};
/* clang-format on */

static void add(_Atomic(uint64_t) *counter, uint64_t by)
{
    (void)atomic_fetch_add_explicit(counter, by, memory_order_relaxed);
}

void histogram_observe(struct histogram *histogram, double seconds)
{
    int bucket = 0;

    while (bucket < HISTOGRAM_BOUNDS && seconds > histogram_bounds[bucket])
        bucket++;
    add(&histogram->counts[bucket], 1);
    add(&histogram->nanoseconds, seconds > 0 ? (uint64_t)(seconds * 1e9) : 0);
}

void histogram_look(const struct histogram *histogram, struct histogram_view *out)
{
    uint64_t sum = 0;

    for (int i = 0; i <= HISTOGRAM_BOUNDS; i++) {
        sum += atomic_load_explicit(&histogram->counts[i], memory_order_relaxed);
        out->counts[i] = sum;
    }
    out->seconds =
        1e-9 * (double)atomic_load_explicit(&histogram->nanoseconds, memory_order_relaxed);
}

void instruments_step(struct instruments *instruments, int64_t samples, double seconds)
{
    if (!instruments)
        return;
    add(&instruments->steps, 1);
    add(&instruments->samples, (uint64_t)samples);
    histogram_observe(&instruments->step_seconds, seconds);
}

void instruments_evaluation(struct instruments *instruments)
{
    if (instruments)
        add(&instruments->evaluations, 1);
}

void instruments_checkpoint(struct instruments *instruments, uint64_t bytes, double seconds)
{
    if (!instruments)
        return;
    add(&instruments->checkpoint_bytes, bytes);
    histogram_observe(&instruments->checkpoint_seconds, seconds);
}
