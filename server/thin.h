/* Thin: few points for many rows of one series, without losing what a chart must show: the first
 * row, the last one, the smallest and largest value of every stretch, and that something there was
 * not finite. Rows come in order of their steps; how many there will be need not be known. Knows
 * nothing of stores or charts. */
#ifndef SERVER_THIN_H
#define SERVER_THIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { THIN_MIN = 5 };

/* A row that is kept, and the extremes of the rows it stands for; NaN where none of those is
 * finite. */
struct thin_point {
    int64_t step;
    double value, min, max;
};

struct thin_bucket;

struct thin {
    size_t most;           /* points wanted at most; 0: keep every row */
    int64_t origin, width; /* bucket i: steps from origin + i × width */
    struct thin_bucket *buckets;
    size_t bucket_count, bucket_room;
    size_t kept; /* points that the buckets would give */
    struct thin_point first, last;
    size_t rows;
    struct thin_point *points; /* the result; with most = 0 filled as rows come */
    size_t count, room;
};

/* most: 0, or at least THIN_MIN. */
void thin_init(struct thin *thin, size_t most);
void thin_drop(struct thin *thin);
/* One more row, of a larger step than all before; steps count from 1. False when memory is gone. */
bool thin_add(struct thin *thin, int64_t step, double value);
/* Fills points[0..count). False when memory is gone. */
bool thin_finish(struct thin *thin);

#endif
