/* Thin: few points for many rows of one series, without losing what a chart must show: the first
 * row, the last one, the smallest and largest value of every stretch, and that something there was
 * not finite. Rows come in order of their steps; how many there will be need not be known.
 *
 * Bucket i holds the steps from i × width on. The width is the smallest power of two, from the
 * first width on, with which the points are not too many: a function of the rows alone. So
 * stretches of a power of two of steps that begin at its multiples may come in the place of their
 * rows, with the same result wherever the width ends above theirs. Knows nothing of stores or
 * charts. */
#ifndef SERVER_THIN_H
#define SERVER_THIN_H

#include "server/stretch.h"

enum { THIN_MIN = 5 };

/* A row that is kept, and the extremes of the rows it stands for; NaN where none of those is
 * finite. */
struct thin_point {
    int64_t step;
    double value, min, max;
};

struct thin {
    size_t most;             /* points wanted at most; 0: keep every row */
    int64_t width;           /* of a bucket, in steps */
    int64_t base;            /* index of the first bucket */
    struct stretch *buckets; /* from `base` on */
    size_t bucket_count, bucket_room;
    size_t kept; /* points that the buckets would give */
    struct stretch_row first, last;
    struct thin_point *points; /* the result; with most = 0 filled as rows come */
    size_t count, room;
};

/* most: 0, or at least THIN_MIN. width: a power of two, that of the widest stretches that will
 * come; 1 for rows. With most = 0 rows alone may come. */
void thin_init(struct thin *thin, size_t most, int64_t width);
void thin_drop(struct thin *thin);
/* One more row, of a larger step than all before; steps count from 1. False when memory is gone. */
bool thin_add(struct thin *thin, int64_t step, double value);
/* The same for what is left of some rows, which are all in one bucket of the first width. */
bool thin_add_stretch(struct thin *thin, const struct stretch *stretch);
/* The first and the last row of all, for who gave stretches; before thin_finish. */
void thin_ends(struct thin *thin, struct stretch_row first, struct stretch_row last);
/* Fills points[0..count). False when memory is gone. */
bool thin_finish(struct thin *thin);

#endif
