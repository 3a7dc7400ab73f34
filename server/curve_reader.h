/* Curve reader: the points of one curve, slice by slice, so that a thread that serves others too is
 * never held up: few points out of stretches where that gives the same as all rows would, or every
 * row. Knows nothing of how points are sent. */
#ifndef SERVER_CURVE_READER_H
#define SERVER_CURVE_READER_H

#include "server/store_curve.h"
#include "server/thin.h"

struct curve_reader {
    struct curve curve;
    struct curve_piece piece; /* what is to be read next */
    size_t most;              /* points; 0: every row */
    struct thin thin;         /* points[0..count) are to be taken when `ready` */
    bool ready, over;         /* over: no more will come */
};

/* `piece`: job and cursor are taken from it. most: 0, or at least THIN_MIN. A reader is zeroed or
 * closed before. */
void curve_reader_open(struct curve_reader *reader, const struct curve *curve,
                       const struct curve_piece *piece, size_t most);
void curve_reader_close(struct curve_reader *reader);
/* Reads a slice. Not when `ready`. */
bool curve_reader_read(struct curve_reader *reader, struct db *db, struct error *error) MUST_CHECK;
/* The points were taken, and there are more: they make room. */
void curve_reader_go_on(struct curve_reader *reader);
/* Begins again with the first point. */
void curve_reader_rewind(struct curve_reader *reader);

#endif
