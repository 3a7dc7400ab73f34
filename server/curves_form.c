/* Curves' forms: by columns, as CSV, as JSON lines. */
#include "server/curves.h"

#include <inttypes.h>
#include <math.h>

static const char *const column_names[COLUMNS] = {"step", "value",    "min",      "max",
                                                  "at",   "smoothed", "nonfinite"};

bool curves_want_notes(const struct curves *curves)
{
    const bool noted = curves->column == COLUMN_AT || curves->column == COLUMN_SMOOTHED;

    return curve_notes_wanted(&curves->notes) &&
           (curves->points > 0 || !curves->form->columns || noted);
}

bool curves_ready(const struct curves *curves)
{
    return curves->reader.ready && (!curves_want_notes(curves) || curves->notes.ready);
}

/* Whether the points that are ready are written, and others of the series are to be read. */
static bool wants_more(struct curves *curves)
{
    if (curves->reader.over)
        return false;
    curve_reader_go_on(&curves->reader);
    curve_notes_go_on(&curves->notes);
    curves->written = 0;
    return true;
}

static const struct thin_point *next_point(struct curves *curves)
{
    const struct thin *thin = &curves->reader.thin;

    return curves->written < thin->count ? &thin->points[curves->written++] : NULL;
}

/* What stands beside the point that was just taken. */
static const struct curve_note *note_of(const struct curves *curves)
{
    return &curves->notes.items[curves->written - 1];
}

/* ---- by columns ---- */

static bool is_wanted_column(const struct curves *curves, int column)
{
    if (column == COLUMN_AT)
        return curves->notes.times;
    return column != COLUMN_SMOOTHED || curves->notes.window > 0;
}

static void put_note(const struct curves *curves, int column, struct body *out)
{
    const struct curve_note *note = note_of(curves);

    if (column == COLUMN_SMOOTHED)
        body_real(out, note->mean);
    else if (note->at > 0)
        body_print(out, "%" PRId64, note->at);
    else
        body_text(out, "null");
}

static void begin_columns(const struct curves *curves, struct body *out)
{
    (void)curves;
    body_text(out, "{\"series\":{");
}

static void put_item(struct curves *curves, const struct thin_point *point, struct body *out)
{
    const double numbers[] = {
        [COLUMN_VALUE] = point->value, [COLUMN_MIN] = point->min, [COLUMN_MAX] = point->max};

    if (curves->column == COLUMN_NONFINITE && isfinite(point->value))
        return;
    body_text(out, curves->any ? "," : "");
    curves->any = true;
    if (curves->column == COLUMN_NONFINITE)
        body_print(out, "[%" PRId64 ",\"%s\"]", point->step, body_nonfinite_name(point->value));
    else if (curves->column == COLUMN_STEP)
        body_print(out, "%" PRId64, point->step);
    else if (curves->column == COLUMN_AT || curves->column == COLUMN_SMOOTHED)
        put_note(curves, curves->column, out);
    else
        body_real(out, numbers[curves->column]);
}

/* Begins again with the first point. */
static void rewind_points(struct curves *curves)
{
    curve_reader_rewind(&curves->reader);
    if (!curves->reader.ready && curves_want_notes(curves))
        curve_notes_begin(&curves->notes, &curves->reader.piece);
}

/* `rows`: how many the last mean is of, for who goes on with it. */
static void end_columns_of_series(const struct curves *curves, struct body *out)
{
    body_text(out, "]");
    if (curves->notes.window > 0)
        body_print(out, ",\"rows\":%" PRId64, curves->notes.rows);
    body_text(out, "}");
}

static bool write_columns(struct curves *curves, struct body *out)
{
    const struct thin_point *point;

    if (curves->column == COLUMN_STEP && !curves->any && curves->written == 0)
        body_print(out, "%s\"%s\":{\"step\":[", curves->at > 0 ? "," : "",
                   curves->list.items[curves->at].name);
    while (out->size < HTTP_PIECE) {
        point = next_point(curves);
        if (point) {
            put_item(curves, point, out);
            continue;
        }
        if (wants_more(curves))
            return true;
        curves->written = 0;
        curves->any = false;
        do
            curves->column++;
        while (curves->column < COLUMNS && !is_wanted_column(curves, curves->column));
        if (curves->column == COLUMNS) {
            end_columns_of_series(curves, out);
            return false;
        }
        body_print(out, "],\"%s\":[", column_names[curves->column]);
        rewind_points(curves);
        if (!curves_ready(curves))
            return true;
    }
    return true;
}

static void end_columns(const struct curves *curves, struct body *out)
{
    const struct curve_mark *mark = &curves->list.mark;

    body_print(out, "},\"cursor\":%" PRId64 ",\"drop_after\":", mark->cursor);
    if (mark->taken_back)
        body_print(out, "%" PRId64 "}\n", mark->keep);
    else
        body_text(out, "null}\n");
}

/* ---- by lines ---- */

typedef void put_line(const struct curves *curves, const struct thin_point *point,
                      struct body *out);

static bool write_lines(struct curves *curves, put_line *put, struct body *out)
{
    const struct thin_point *point;

    while (out->size < HTTP_PIECE) {
        point = next_point(curves);
        if (!point)
            return wants_more(curves);
        put(curves, point, out);
    }
    return true;
}

static void put_csv(const struct curves *curves, const struct thin_point *point, struct body *out)
{
    body_print(out, "%s,%" PRId64 ",", curves->list.items[curves->at].name, point->step);
    if (isfinite(point->value))
        body_real(out, point->value);
    else
        body_text(out, body_nonfinite_name(point->value));
    if (curves->notes.times && note_of(curves)->at > 0)
        body_print(out, ",%" PRId64, note_of(curves)->at);
    else if (curves->notes.times)
        body_text(out, ",");
    if (curves->notes.window > 0)
        body_text(out, ",");
    if (curves->notes.window > 0 && isfinite(note_of(curves)->mean))
        body_real(out, note_of(curves)->mean);
    body_text(out, "\n");
}

static void begin_csv(const struct curves *curves, struct body *out)
{
    body_print(out, "series,step,value%s%s\n", curves->notes.times ? ",at" : "",
               curves->notes.window > 0 ? ",smoothed" : "");
}

static bool write_csv(struct curves *curves, struct body *out)
{
    return write_lines(curves, put_csv, out);
}

/* Of every row its own extremes say nothing. */
static void put_jsonl(const struct curves *curves, const struct thin_point *point, struct body *out)
{
    body_print(out, "{\"series\":\"%s\",\"step\":%" PRId64 ",\"value\":",
               curves->list.items[curves->at].name, point->step);
    body_real(out, point->value);
    if (!isfinite(point->value))
        body_print(out, ",\"nonfinite\":\"%s\"", body_nonfinite_name(point->value));
    if (curves->points > 0) {
        body_text(out, ",\"min\":");
        body_real(out, point->min);
        body_text(out, ",\"max\":");
        body_real(out, point->max);
    }
    for (int column = COLUMN_AT; column <= COLUMN_SMOOTHED; column++)
        if (is_wanted_column(curves, column)) {
            body_print(out, ",\"%s\":", column_names[column]);
            put_note(curves, column, out);
        }
    body_text(out, "}\n");
}

static bool write_jsonl(struct curves *curves, struct body *out)
{
    return write_lines(curves, put_jsonl, out);
}

static void nothing(const struct curves *curves, struct body *out)
{
    (void)curves;
    (void)out;
}

const char *const curves_form_types[] = {"application/json", "text/csv", "application/jsonl", NULL};
const struct curves_form curves_forms[] = {
    {"application/json", true, begin_columns, write_columns, end_columns},
    {"text/csv; charset=utf-8", false, begin_csv, write_csv, nothing},
    {"application/jsonl", false, nothing, write_jsonl, nothing},
};
