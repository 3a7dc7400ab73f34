/* Pace: how fast a job gets on, over a window that slides: evaluations, checkpoints and waiting for
 * the disk count as they come, so that what it promises for the rest is what a clock will say.
 * Knows no clock and no job; one thread. */
#ifndef SERVER_PACE_H
#define SERVER_PACE_H

#include <stdbool.h>
#include <stdint.h>

enum { PACE_MARKS = 64 };

struct pace {
    struct pace_mark {
        double at; /* seconds */
        int64_t steps, samples;
    } marks[PACE_MARKS]; /* a ring; the window begins at its oldest */
    int64_t mark_count;
    struct pace_mark last; /* the newest step */
};

struct pace_rates {
    double steps, samples; /* a second */
};

/* Times are of one clock that never goes back. */
void pace_begin(struct pace *pace, double now);
void pace_count(struct pace *pace, int64_t samples, double now);
/* False before anything was measured. */
bool pace_read(const struct pace *pace, struct pace_rates *out);

#endif
