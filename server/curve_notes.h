/* Curve notes: what stands beside the points of a curve: when each row was measured, and the mean
 * of it and the rows before it. The mean is an exponential one over `window` rows, divided by its
 * weight, so that a constant stays what it is from the first row on; rows that are not finite are
 * passed over and have none. It is of the job's rows, whatever points are shown of them and
 * wherever the range begins. Made slice by slice, as the points are. */
#ifndef SERVER_CURVE_NOTES_H
#define SERVER_CURVE_NOTES_H

#include "server/store_curve.h"
#include "server/thin.h"

enum { CURVE_WINDOW_MAX = 1000000 };

struct curve_notes {
    bool times;
    int64_t window; /* rows; 0: no mean */
    struct curve_piece piece;
    struct curve_note *items; /* of the points, one each, when `ready` */
    size_t count, room;
    bool ready, timed;
    size_t met;          /* notes that the mean has gone past */
    int64_t begun;       /* first step that was read for the mean */
    double mean, weight; /* of the rows from there to before piece.from */
    int64_t rows;        /* … that are finite */
};

static inline bool curve_notes_wanted(const struct curve_notes *notes)
{
    return notes->times || notes->window > 0;
}

/* Of another curve, or of the same from its first point on. `piece`: job, series and cursor are
 * taken from it. */
void curve_notes_begin(struct curve_notes *notes, const struct curve_piece *piece);
/* Other points follow. */
void curve_notes_go_on(struct curve_notes *notes);
void curve_notes_drop(struct curve_notes *notes);
/* Makes a slice of the notes on these points, until `ready`. */
bool curve_notes_make(struct curve_notes *notes, struct db *db, const struct thin *thin,
                      struct error *error) MUST_CHECK;

#endif
