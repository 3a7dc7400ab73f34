/* Curves on their way to a client: what is read and how it is written. One series at a time, in
 * slices. Knows nothing of requests. */
#ifndef SERVER_CURVES_H
#define SERVER_CURVES_H

#include "server/curve_notes.h"
#include "server/curve_reader.h"
#include "server/http.h"

/* The columns of a series, in the order of their writing. */
enum column {
    COLUMN_STEP,
    COLUMN_VALUE,
    COLUMN_MIN,
    COLUMN_MAX,
    COLUMN_AT,
    COLUMN_SMOOTHED,
    COLUMN_NONFINITE,
    COLUMNS
};

struct curves;

/* What the curves look like on the wire. */
struct curves_form {
    const char *content_type;
    bool columns; /* one after another, with all points */
    void (*begin)(const struct curves *curves, struct body *out);
    /* Writes on until the piece is full or there are no more points: false at the end of a series.
     */
    bool (*write)(struct curves *curves, struct body *out);
    void (*end)(const struct curves *curves, struct body *out);
};

struct curves {
    struct http_stream stream;
    const struct curves_form *form;
    struct curve_range range;
    size_t points;
    struct curve_list list; /* what is wanted */
    int at;                 /* the series that is read or written; list.count: all are */
    struct curve_reader reader;
    struct curve_notes notes;
    size_t written; /* points of those that are ready */
    int column;
    bool any; /* this column has an item */
};

/* Their content types, NULL-ended, and the forms in the same order. */
extern const char *const curves_form_types[];
extern const struct curves_form curves_forms[];

/* Of every row, by columns, the points come again for each column, and not each wants notes. */
bool curves_want_notes(const struct curves *curves);
/* Points and notes may be written. */
bool curves_ready(const struct curves *curves);

#endif
