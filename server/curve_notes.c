/* Curve notes: see curve_notes.h. */
#include "server/curve_notes.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

enum { SLICE_ROWS = 5000 };

/* Rows that lie this many windows back weigh less than the last bit of the mean. */
enum { WINDOWS_BACK = 40 };

void curve_notes_begin(struct curve_notes *notes, const struct curve_piece *piece)
{
    notes->piece = *piece;
    notes->piece.level = 0;
    notes->piece.limit = SLICE_ROWS;
    notes->begun = 0;
    curve_notes_go_on(notes);
}

void curve_notes_go_on(struct curve_notes *notes)
{
    notes->ready = notes->timed = false;
    notes->count = 0;
    notes->met = 0;
}

void curve_notes_drop(struct curve_notes *notes)
{
    free(notes->items);
    notes->items = NULL;
    notes->count = notes->room = 0;
}

/* ---- the mean ---- */

static void mean_begin(struct curve_notes *notes, int64_t from)
{
    notes->begun = notes->piece.from = from;
    notes->mean = notes->weight = 0;
    notes->rows = 0;
}

static bool take(void *context, const struct stretch *stretch)
{
    struct curve_notes *notes = context;
    const struct stretch_row row = stretch->min.step != 0 ? stretch->min : stretch->odd;
    const double share = 1.0 / (double)notes->window;

    if (isfinite(row.value)) {
        notes->weight += share * (1 - notes->weight);
        notes->mean += share / notes->weight * (row.value - notes->mean);
        notes->rows++;
    }
    while (notes->met < notes->count && notes->items[notes->met].step < row.step)
        notes->met++;
    if (notes->met < notes->count && notes->items[notes->met].step == row.step)
        notes->items[notes->met].mean = isfinite(row.value) ? notes->mean : NAN;
    return true;
}

/* Whether the rows before the first point were too few to outweigh those that were not read. */
static bool began_late(const struct curve_notes *notes, int64_t first)
{
    return notes->begun > 1 && notes->piece.from == first && notes->weight < 1 - DBL_EPSILON;
}

static bool read_mean(struct curve_notes *notes, struct db *db, struct error *error)
{
    const int64_t first = notes->items[0].step, last = notes->items[notes->count - 1].step;
    const int64_t back = first - WINDOWS_BACK * notes->window;
    int64_t next = 0;

    if (notes->begun == 0)
        mean_begin(notes, back > 1 ? back : 1);
    /* First up to the first point alone, to see whether that is enough. */
    notes->piece.to = notes->piece.from < first ? first - 1 : last;
    if (!store_curve_read(db, &notes->piece, take, notes, &next, error))
        return false;
    notes->piece.from = next;
    if (notes->piece.to < first && began_late(notes, first))
        mean_begin(notes, 1);
    return true;
}

/* ---- the notes ---- */

static bool make_room(struct curve_notes *notes, const struct thin *thin, struct error *error)
{
    if (thin->count > notes->room) {
        struct curve_note *grown = realloc(notes->items, thin->count * sizeof(*grown));

        if (!grown)
            return error_set(error, ERROR_MEMORY, "metrics", "no memory for the notes");
        notes->items = grown;
        notes->room = thin->count;
    }
    for (size_t i = 0; i < thin->count; i++)
        notes->items[i] = (struct curve_note){.step = thin->points[i].step, .mean = NAN};
    notes->count = thin->count;
    return true;
}

bool curve_notes_make(struct curve_notes *notes, struct db *db, const struct thin *thin,
                      struct error *error)
{
    if (notes->count != thin->count && !make_room(notes, thin, error))
        return false;
    if (notes->count > 0 && notes->times && !notes->timed) {
        notes->timed = true;
        return store_curve_times(db, &notes->piece, notes->items, notes->count, error);
    }
    if (notes->count > 0 && notes->window > 0 &&
        (notes->begun == 0 || notes->piece.from <= notes->items[notes->count - 1].step))
        return read_mean(notes, db, error);
    notes->ready = true;
    return true;
}
