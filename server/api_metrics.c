/* GET /v1/jobs/{id}/metrics: the curves of a job, by columns or as CSV. A long job has millions of
 * rows: they are read in slices between which the HTTP thread serves others, one series at a time,
 * and sent as they are made. */
#include "server/api.h"

#include "server/thin.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SERIES_MAX = 64, SLICE_ROWS = 20000 };

/* The columns of a series, in the order of their writing. */
enum column { COLUMN_STEP, COLUMN_VALUE, COLUMN_MIN, COLUMN_MAX, COLUMN_NONFINITE, COLUMNS };

static const char *const column_names[COLUMNS] = {"step", "value", "min", "max", "nonfinite"};

struct curve_names {
    char items[SERIES_MAX][sizeof(((struct metric_summary *)0)->series)];
    int count;
};

struct curves {
    struct http_stream stream;
    int64_t job, from, to;
    int64_t cursor; /* newest event when the request came: where to go on by the event stream */
    size_t points;
    bool csv;
    struct curve_names names;
    int at; /* the series that is read or written; names.count: all are */
    struct thin thin;
    bool writing;      /* its rows are all in `thin` */
    int64_t next_step; /* to read from */
    int column;
    size_t written; /* points of this column */
    size_t listed;  /* items of the nonfinite list */
};

static void curves_drop(struct http_stream *stream)
{
    struct curves *curves = (struct curves *)stream;

    thin_drop(&curves->thin);
    free(curves);
}

/* ---- reading ---- */

struct slice {
    struct curves *curves;
    int rows;
    bool cut; /* there is more */
    bool no_memory;
};

static bool take_row(void *context, const struct metric_row *row)
{
    struct slice *slice = context;
    struct curves *curves = slice->curves;

    if (slice->rows++ == SLICE_ROWS) {
        slice->cut = true;
        return false;
    }
    slice->no_memory = !thin_add(&curves->thin, row->step, row->value);
    curves->next_step = row->step + 1;
    return !slice->no_memory;
}

static bool read_slice(struct curves *curves, struct db *db, struct error *error)
{
    const char *names[] = {curves->names.items[curves->at], NULL};
    const struct metric_query query = {
        .job = curves->job, .names = names, .from = curves->next_step, .to = curves->to};
    struct slice slice = {.curves = curves};

    if (!store_metrics_read(db, &query, take_row, &slice, error))
        return false;
    if (slice.no_memory || (!slice.cut && !thin_finish(&curves->thin)))
        return error_set(error, ERROR_MEMORY, "metrics", "no memory for the rows");
    curves->writing = !slice.cut;
    return true;
}

/* ---- writing ---- */

static void put_item(struct curves *curves, const struct thin_point *point, struct body *out)
{
    const double numbers[] = {
        [COLUMN_VALUE] = point->value, [COLUMN_MIN] = point->min, [COLUMN_MAX] = point->max};

    if (curves->column == COLUMN_NONFINITE && isfinite(point->value))
        return;
    body_text(out, (curves->column == COLUMN_NONFINITE ? curves->listed++ : curves->written) > 0
                       ? ","
                       : "");
    if (curves->column == COLUMN_NONFINITE)
        body_print(out, "[%" PRId64 ",\"%s\"]", point->step, body_nonfinite_name(point->value));
    else if (curves->column == COLUMN_STEP)
        body_print(out, "%" PRId64, point->step);
    else
        body_real(out, numbers[curves->column]);
}

/* Ends the series. */
static void next_series(struct curves *curves)
{
    thin_drop(&curves->thin);
    thin_init(&curves->thin, curves->points);
    curves->at++;
    curves->writing = false;
    curves->next_step = curves->from;
    curves->column = 0;
    curves->written = 0;
    curves->listed = 0;
}

/* Writes on until the piece is full or the series ends. */
static void write_columns(struct curves *curves, struct body *out)
{
    const struct thin *thin = &curves->thin;

    if (curves->column == 0 && curves->written == 0)
        body_print(out, "%s\"%s\":{\"step\":[", curves->at > 0 ? "," : "",
                   curves->names.items[curves->at]);
    while (out->size < HTTP_PIECE) {
        if (curves->written < thin->count) {
            put_item(curves, &thin->points[curves->written], out);
            curves->written++;
            continue;
        }
        curves->written = 0;
        curves->column++;
        if (curves->column == COLUMNS) {
            body_text(out, "]}");
            next_series(curves);
            return;
        }
        body_print(out, "],\"%s\":[", column_names[curves->column]);
    }
}

static void write_lines(struct curves *curves, struct body *out)
{
    const struct thin *thin = &curves->thin;

    while (out->size < HTTP_PIECE && curves->written < thin->count) {
        const struct thin_point *point = &thin->points[curves->written++];

        body_print(out, "%s,%" PRId64 ",", curves->names.items[curves->at], point->step);
        if (isfinite(point->value))
            body_real(out, point->value);
        else
            body_text(out, body_nonfinite_name(point->value));
        body_text(out, "\n");
    }
    if (curves->written == thin->count)
        next_series(curves);
}

static enum http_more curves_next(struct http_stream *stream, struct db *db, struct body *out,
                                  struct error *error)
{
    struct curves *curves = (struct curves *)stream;

    if (curves->at == curves->names.count) {
        if (!curves->csv)
            body_print(out, "},\"cursor\":%" PRId64 "}\n", curves->cursor);
        return HTTP_END;
    }
    if (!curves->writing)
        return read_slice(curves, db, error) ? HTTP_MORE : HTTP_BROKEN;
    if (curves->csv)
        write_lines(curves, out);
    else
        write_columns(curves, out);
    return HTTP_MORE;
}

/* The beginning of the document, sent before any row is read. */
static enum http_more curves_begin(struct http_stream *stream, struct db *db, struct body *out,
                                   struct error *error)
{
    struct curves *curves = (struct curves *)stream;

    (void)db;
    (void)error;
    body_text(out, curves->csv ? "series,step,value\n" : "{\"series\":{");
    stream->next = curves_next;
    return HTTP_MORE;
}

/* ---- the request ---- */

/* Whether `name` is in the list with commas, or there is no list. */
static bool is_wanted(const char *list, const char *name)
{
    size_t length = strlen(name);

    if (!list)
        return true;
    while (*list) {
        size_t item = strcspn(list, ",");

        if (item == length && memcmp(list, name, length) == 0)
            return true;
        list += item;
        list += *list == ',';
    }
    return false;
}

static bool find_series(struct curves *curves, struct db *db, const char *names,
                        struct error *error)
{
    struct metric_summary series[SERIES_MAX];
    int count = 0;

    if (!store_metrics_summary(db, curves->job, series, SERIES_MAX, &count, error))
        return false;
    for (int i = 0; i < count; i++)
        if (is_wanted(names, series[i].series))
            memcpy(curves->names.items[curves->names.count++], series[i].series,
                   sizeof(series[i].series));
    return true;
}

static bool read_range(struct curves *curves, const struct http_request *request,
                       struct error *error)
{
    int64_t points = http_query_integer(request, "max_points", API_POINTS_DEFAULT);

    curves->from = http_query_integer(request, "from", 0);
    curves->to = http_query_integer(request, "to", 0);
    if (points > 0 && points < THIN_MIN)
        return error_set(error, ERROR_INVALID, "max_points",
                         "the query parameter \"max_points\" must be 0 (every row) or at least %d",
                         THIN_MIN);
    curves->points = (size_t)points;
    return true;
}

static bool open_curves(struct curves *curves, const struct http_request *request,
                        struct error *error)
{
    struct job_row row = {0};
    bool good = read_range(curves, request, error) && api_find_job(request, &row, error);

    curves->job = row.number;
    curves->csv = http_accepts(request, "text/csv");
    good = good && store_event_newest(request->db, &curves->cursor, error) &&
           find_series(curves, request->db, http_query(request, "names"), error);
    curves->next_step = curves->from;
    thin_init(&curves->thin, curves->points);
    job_row_drop(&row);
    return good;
}

bool api_metrics(const struct http_request *request, struct http_response *response,
                 struct error *error)
{
    struct curves *curves = calloc(1, sizeof(*curves));

    if (!curves)
        return error_set(error, ERROR_MEMORY, "", "no memory for the metrics");
    curves->stream = (struct http_stream){.next = curves_begin, .drop = curves_drop, .size = -1};
    if (!open_curves(curves, request, error)) {
        curves_drop(&curves->stream);
        return false;
    }
    response->status = 200;
    response->content_type = curves->csv ? "text/csv; charset=utf-8" : "application/json";
    response->stream = &curves->stream;
    http_response_header(response, "Vary", "Accept");
    return true;
}
