/* Store's curves: see store_curve.h. */
#include "server/store_inside.h"

#include <stdio.h>

static const char begin[] = "BEGIN";
static const char commit[] = "COMMIT";

static const char select_series[] =
    "SELECT s.series, n.name FROM summary s JOIN series n ON "
    "n.number = s.series WHERE s.job = ?1 ORDER BY s.series LIMIT ?2";
static const char select_begin[] = "SELECT step FROM arrival WHERE job = ?1 AND series = ?2 AND "
                                   "event > ?3 ORDER BY event LIMIT 1";
static const char select_kept[] =
    "SELECT count(*), min(step) FROM withdrawal WHERE job = ?1 AND event > ?2";

#define SELECT_ROW                                                                                 \
    "SELECT step, value, flag FROM metric WHERE job = ?1 AND series = ?2 AND step BETWEEN ?3 AND " \
    "?4 ORDER BY step "
static const char select_first[] = SELECT_ROW "LIMIT 1";
static const char select_last[] = SELECT_ROW "DESC LIMIT 1";
static const char select_rows[] = SELECT_ROW "LIMIT ?5";

static const char select_time[] =
    "SELECT at FROM metric WHERE job = ?1 AND series = ?2 AND step = ?3";

static const char select_stretches[] =
    "SELECT place, min_step, min, max_step, max, odd_step, odd FROM stretch WHERE job = ?1 AND "
    "series = ?2 AND shift = ?6 AND place BETWEEN ?3 >> ?6 AND ?4 >> ?6 ORDER BY place LIMIT ?5";

/* Until snapshot_end all that is read is of one moment. */
static bool snapshot_begin(struct db *db, struct error *error)
{
    return sql_run(&db->sql, begin, SQL_NONE, error);
}

static bool snapshot_end(struct db *db, bool good, struct error *error)
{
    struct error ignored = {0};

    return sql_run(&db->sql, commit, SQL_NONE, good ? error : &ignored) && good;
}

/* ---- what there is ---- */

static bool read_withdrawn(struct db *db, int64_t job, int64_t since, struct curve_mark *mark,
                           struct error *error)
{
    struct sqlite3_stmt *statement = NULL;
    bool row = false;

    if (!sql_query(&db->sql, select_kept, SQL_LIST(sql_integer(job), sql_integer(since)),
                   &statement, error) ||
        !sql_step(&db->sql, statement, &row, error))
        return false;
    mark->taken_back = row && sql_column_integer(statement, 0) > 0;
    mark->keep = mark->taken_back ? sql_column_integer(statement, 1) : 0;
    sql_reset(statement);
    return true;
}

static bool read_mark(struct db *db, struct curve_range *range, struct curve_mark *mark,
                      struct error *error)
{
    *mark = (struct curve_mark){0};
    if (!store_event_newest(db, &mark->cursor, error))
        return false;
    if (range->since > mark->cursor) {
        range->since = 0;
        mark->taken_back = true;
        return true;
    }
    return range->since == 0 || read_withdrawn(db, range->job, range->since, mark, error);
}

/* The one row of select_first or select_last. */
static bool read_end(struct db *db, const char *text, struct sql_list list, struct stretch_row *out,
                     struct error *error)
{
    struct sqlite3_stmt *statement = NULL;
    bool row = false;

    *out = (struct stretch_row){0};
    if (!sql_query(&db->sql, text, list, &statement, error) ||
        !sql_step(&db->sql, statement, &row, error))
        return false;
    if (row)
        *out =
            (struct stretch_row){sql_column_integer(statement, 0), metric_value(statement, 1, 2)};
    sql_reset(statement);
    return true;
}

static bool read_ends(struct db *db, const struct curve_range *range, struct curve *curve,
                      struct error *error)
{
    const struct sql_value job = sql_integer(range->job), series = sql_integer(curve->series);
    const int64_t to = range->to != 0 ? range->to : INT64_MAX;
    struct error missing = {0};
    int64_t from = range->from, arrived;

    if (range->since != 0) {
        if (!sql_get(&db->sql, select_begin, SQL_LIST(job, series, sql_integer(range->since)),
                     &arrived, &missing))
            return missing.kind == ERROR_NOT_FOUND ||
                   error_set(error, missing.kind, missing.where, "%s", missing.text);
        from = arrived > from ? arrived : from;
    }
    const struct sql_list list = SQL_LIST(job, series, sql_integer(from), sql_integer(to));
    return read_end(db, select_first, list, &curve->first, error) &&
           read_end(db, select_last, list, &curve->last, error);
}

static bool read_curves(struct db *db, const struct curve_range *range, struct curve_list *list,
                        struct error *error)
{
    struct sqlite3_stmt *statement = NULL;
    bool row = true;

    list->count = 0;
    if (!sql_query(&db->sql, select_series,
                   SQL_LIST(sql_integer(range->job), sql_integer(CURVES_MAX)), &statement, error))
        return false;
    while (sql_step(&db->sql, statement, &row, error)) {
        if (!row)
            return true;
        struct curve *curve = &list->items[list->count++];
        *curve = (struct curve){.series = sql_column_integer(statement, 0)};
        (void)snprintf(curve->name, sizeof(curve->name), "%s", sql_column_text(statement, 1));
        if (!read_ends(db, range, curve, error)) {
            sql_reset(statement);
            return false;
        }
    }
    return false;
}

bool store_curve_open(struct db *db, struct curve_range *range, struct curve_list *list,
                      struct error *error)
{
    bool good;

    if (!snapshot_begin(db, error))
        return false;
    good = read_mark(db, range, &list->mark, error) && read_curves(db, range, list, error);
    return snapshot_end(db, good, error);
}

/* ---- rows and stretches ---- */

/* Steps that are read from one level. */
struct segment {
    int64_t from, to;
    int level;
};

/* The widest stretches that fit from `from` on, as far as they go: near the ends of a range, and
 * until wider ones begin, that is not far. */
static struct segment next_segment(int64_t from, int64_t to, int widest)
{
    struct segment segment = {from, to, widest};
    int64_t width = stretch_width(widest);

    while (from % width != 0 || to - from < width - 1)
        width = stretch_width(--segment.level);
    segment.to = to - (to + 1) % width;
    if (segment.level < widest) {
        int64_t wider = stretch_width(segment.level + 1), before = from - from % wider + wider - 1;

        segment.to = before < segment.to ? before : segment.to;
    }
    return segment;
}

struct reading {
    struct db *db;
    const struct curve_piece *piece;
    curve_each *each;
    void *context;
    int count;
};

static void read_row(struct sqlite3_stmt *statement, struct stretch *out, int64_t *behind)
{
    const struct stretch_row row = {sql_column_integer(statement, 0),
                                    metric_value(statement, 1, 2)};

    *out = (struct stretch){0};
    stretch_take(out, row);
    *behind = row.step + 1;
}

static void read_stretch(struct sqlite3_stmt *statement, struct stretch *out, int64_t *behind)
{
    out->min =
        (struct stretch_row){sql_column_integer(statement, 1), sql_column_real(statement, 2)};
    out->max =
        (struct stretch_row){sql_column_integer(statement, 3), sql_column_real(statement, 4)};
    out->odd = (struct stretch_row){sql_column_integer(statement, 5),
                                    metric_nonfinite(sql_column_integer(statement, 6))};
    *behind = sql_column_integer(statement, 0) + 1;
}

/* Reads until the segment or the limit is at its end; *next: behind what was read. */
static bool read_segment(struct reading *reading, const struct segment *segment, int64_t *next,
                         struct error *error)
{
    const struct curve_piece *piece = reading->piece;
    struct sql *sql = &reading->db->sql;
    const int64_t width = stretch_width(segment->level);
    struct sql_list list =
        SQL_LIST(sql_integer(piece->job), sql_integer(piece->series), sql_integer(segment->from),
                 sql_integer(segment->to), sql_integer(piece->limit - reading->count),
                 sql_integer(stretch_shift(segment->level)));
    struct sqlite3_stmt *statement = NULL;
    bool row = true;

    list.count -= segment->level == 0; /* rows have no shift */
    if (!sql_query(sql, segment->level > 0 ? select_stretches : select_rows, list, &statement,
                   error))
        return false;
    while (sql_step(sql, statement, &row, error)) {
        struct stretch found;

        if (!row) {
            if (reading->count < piece->limit)
                *next = segment->to + 1;
            return true;
        }
        (segment->level > 0 ? read_stretch : read_row)(statement, &found, next);
        *next *= width;
        reading->count++;
        if (!reading->each(reading->context, &found)) {
            sql_reset(statement);
            return error_set(error, ERROR_MEMORY, "metrics", "no memory for the rows");
        }
    }
    return false;
}

static bool still_true(struct db *db, const struct curve_piece *piece, struct error *error)
{
    struct curve_mark mark;

    return read_withdrawn(db, piece->job, piece->cursor, &mark, error) &&
           (!mark.taken_back ||
            error_set(error, ERROR_BUSY, "metrics", "rows were taken back while they were read"));
}

static bool read_piece(struct reading *reading, int64_t *next, struct error *error)
{
    const struct curve_piece *piece = reading->piece;

    *next = piece->from;
    while (*next <= piece->to && reading->count < piece->limit) {
        const struct segment segment = next_segment(*next, piece->to, piece->level);

        if (!read_segment(reading, &segment, next, error))
            return false;
    }
    return true;
}

bool store_curve_read(struct db *db, const struct curve_piece *piece, curve_each *each,
                      void *context, int64_t *next, struct error *error)
{
    struct reading reading = {.db = db, .piece = piece, .each = each, .context = context};
    bool good;

    if (!snapshot_begin(db, error))
        return false;
    good = still_true(db, piece, error) && read_piece(&reading, next, error);
    return snapshot_end(db, good, error);
}

/* ---- times ---- */

static bool read_times(struct db *db, const struct curve_piece *piece, struct curve_note *notes,
                       size_t count, struct error *error)
{
    for (size_t i = 0; i < count; i++) {
        const struct sql_list list = SQL_LIST(sql_integer(piece->job), sql_integer(piece->series),
                                              sql_integer(notes[i].step));
        struct sqlite3_stmt *statement = NULL;
        bool row = false;

        if (!sql_query(&db->sql, select_time, list, &statement, error) ||
            !sql_step(&db->sql, statement, &row, error))
            return false;
        notes[i].at = row ? sql_column_integer(statement, 0) : 0;
        sql_reset(statement);
    }
    return true;
}

bool store_curve_times(struct db *db, const struct curve_piece *piece, struct curve_note *notes,
                       size_t count, struct error *error)
{
    if (!snapshot_begin(db, error))
        return false;
    return snapshot_end(
        db, still_true(db, piece, error) && read_times(db, piece, notes, count, error), error);
}
