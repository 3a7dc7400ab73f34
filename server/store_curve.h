/* Store's curves: one series of a job over a range of steps, for answers that show few points of
 * many rows, in increments too. Reads only; knows nothing of how points are chosen. */
#ifndef SERVER_STORE_CURVE_H
#define SERVER_STORE_CURVE_H

#include "server/store.h"
#include "server/stretch.h"

/* Which stretches the store has beside the rows: 0 are the rows themselves. */
enum { STRETCH_LEVELS = 4 };
/* Steps of a stretch of that level: a power of two. They begin at its multiples. */
int64_t stretch_width(int level);

/* One series: the ends of its rows in a range. */
struct curve {
    int64_t series; /* internal key */
    char name[32];
    struct stretch_row first, last; /* step 0: there are no rows */
};

/* Which rows of a job. */
struct curve_range {
    int64_t job;
    int64_t from, to; /* steps, inclusive; to 0: no end */
    int64_t since;    /* only what came after this event; 0: all */
};

/* What a client must know to ask for what comes next. */
struct curve_mark {
    int64_t cursor;  /* the newest event: what was written up to it is in the answer */
    bool taken_back; /* rows that the client may have since range.since are no longer true: */
    int64_t keep;    /* … those behind this step */
};

enum { CURVES_MAX = 64 };
struct curve_list {
    struct curve items[CURVES_MAX];
    int count;
    struct curve_mark mark;
};

/* All series of the job, also those without rows in the range, and the mark, from one snapshot. A
 * range.since that no event has yet is of another store: it becomes 0, and nothing is to be kept.
 */
bool store_curve_open(struct db *db, struct curve_range *range, struct curve_list *list,
                      struct error *error) MUST_CHECK;

/* A piece of a curve. */
struct curve_piece {
    int64_t job, series;
    int64_t from, to; /* steps, inclusive */
    int level;        /* of the widest stretches that may stand for rows */
    int limit;        /* rows or stretches at most */
    int64_t cursor;   /* ERROR_BUSY when rows of the job were taken back after this event */
};
/* In order; each row once, by itself or in one stretch. False stops: memory is gone. */
typedef bool curve_each(void *context, const struct stretch *stretch);
/* *next: where the rest begins; behind piece.to when there is none. */
bool store_curve_read(struct db *db, const struct curve_piece *piece, curve_each *each,
                      void *context, int64_t *next, struct error *error) MUST_CHECK;

/* What stands beside a row. */
struct curve_note {
    int64_t step;
    int64_t at;  /* when it was measured, in ms; 0: that is not known */
    double mean; /* NaN: there is none */
};
/* Fills `at`. Job, series and cursor are taken from `piece`; ERROR_BUSY as above. */
bool store_curve_times(struct db *db, const struct curve_piece *piece, struct curve_note *notes,
                       size_t count, struct error *error) MUST_CHECK;

#endif
