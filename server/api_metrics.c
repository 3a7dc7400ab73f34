/* GET /v1/jobs/{id}/metrics: the curves of a job, by columns, as CSV or as JSON lines; all, or what
 * is new since an earlier answer. A long job has millions of rows: they are read in slices between
 * which the HTTP thread serves others, one series at a time, and sent as they are made. */
#include "server/api.h"

#include "server/curve_reader.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The columns of a series, in the order of their writing. */
enum column { COLUMN_STEP, COLUMN_VALUE, COLUMN_MIN, COLUMN_MAX, COLUMN_NONFINITE, COLUMNS };

static const char *const column_names[COLUMNS] = {"step", "value", "min", "max", "nonfinite"};

struct curves;

/* What the curves look like on the wire. */
struct form {
    const char *content_type;
    void (*begin)(const struct curves *curves, struct body *out);
    /* Writes on until the piece is full or there are no more points: false at the end of a series.
     */
    bool (*write)(struct curves *curves, struct body *out);
    void (*end)(const struct curves *curves, struct body *out);
};

struct curves {
    struct http_stream stream;
    const struct form *form;
    struct curve_range range;
    size_t points;
    struct curve_list list; /* what is wanted */
    int at;                 /* the series that is read or written; list.count: all are */
    struct curve_reader reader;
    size_t written; /* points of those that are ready */
    int column;
    bool any; /* this column has an item */
};

static void curves_drop(struct http_stream *stream)
{
    struct curves *curves = (struct curves *)stream;

    curve_reader_close(&curves->reader);
    free(curves);
}

/* Whether the points that are ready are written, and others of the series are to be read. */
static bool wants_more(struct curves *curves)
{
    if (curves->reader.over)
        return false;
    curve_reader_go_on(&curves->reader);
    curves->written = 0;
    return true;
}

static const struct thin_point *next_point(struct curves *curves)
{
    const struct thin *thin = &curves->reader.thin;

    return curves->written < thin->count ? &thin->points[curves->written++] : NULL;
}

/* ---- by columns ---- */

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
    else
        body_real(out, numbers[curves->column]);
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
        curves->column++;
        if (curves->column == COLUMNS) {
            body_text(out, "]}");
            return false;
        }
        body_print(out, "],\"%s\":[", column_names[curves->column]);
        curve_reader_rewind(&curves->reader);
        if (!curves->reader.ready)
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
    body_text(out, "\n");
}

static void begin_csv(const struct curves *curves, struct body *out)
{
    (void)curves;
    body_text(out, "series,step,value\n");
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

/* ---- the stream ---- */

static const char *const form_types[] = {"application/json", "text/csv", "application/jsonl", NULL};
static const struct form forms[] = {
    {"application/json", begin_columns, write_columns, end_columns},
    {"text/csv; charset=utf-8", begin_csv, write_csv, nothing},
    {"application/jsonl", nothing, write_jsonl, nothing},
};

static void open_series(struct curves *curves)
{
    const struct curve_piece piece = {.job = curves->range.job, .cursor = curves->list.mark.cursor};

    curve_reader_close(&curves->reader);
    curves->written = 0;
    curves->column = COLUMN_STEP;
    curves->any = false;
    if (curves->at < curves->list.count)
        curve_reader_open(&curves->reader, &curves->list.items[curves->at], &piece, curves->points);
}

static enum http_more curves_next(struct http_stream *stream, struct db *db, struct body *out,
                                  struct error *error)
{
    struct curves *curves = (struct curves *)stream;

    if (curves->at == curves->list.count) {
        curves->form->end(curves, out);
        return HTTP_END;
    }
    if (!curves->reader.ready && !curve_reader_read(&curves->reader, db, error))
        return HTTP_BROKEN;
    if (curves->reader.ready && !curves->form->write(curves, out)) {
        curves->at++;
        open_series(curves);
    }
    return HTTP_MORE;
}

/* The beginning of the document, sent before any row is read. */
static enum http_more curves_begin(struct http_stream *stream, struct db *db, struct body *out,
                                   struct error *error)
{
    struct curves *curves = (struct curves *)stream;

    (void)db;
    (void)error;
    curves->form->begin(curves, out);
    open_series(curves);
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

/* A name that no series has is not there: it may be there later, as val_loss before the first
 * evaluation. */
static void choose_series(struct curve_list *list, const char *names)
{
    int count = 0;

    for (int i = 0; i < list->count; i++)
        if (is_wanted(names, list->items[i].name))
            list->items[count++] = list->items[i];
    list->count = count;
}

static bool read_range(struct curves *curves, const struct http_request *request,
                       struct error *error)
{
    int64_t points = http_query_integer(request, "max_points", API_POINTS_DEFAULT);

    curves->range = (struct curve_range){.from = http_query_integer(request, "from", 0),
                                         .to = http_query_integer(request, "to", 0),
                                         .since = http_query_integer(request, "since", 0)};
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
    const int form = http_preferred(request, form_types);
    bool good = read_range(curves, request, error) && api_find_job(request, &row, error);

    curves->form = &forms[form < 0 ? 0 : form];
    curves->range.job = row.number;
    good = good && store_curve_open(request->db, &curves->range, &curves->list, error);
    choose_series(&curves->list, http_query(request, "names"));
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
    response->content_type = curves->form->content_type;
    response->stream = &curves->stream;
    http_response_header(response, "Traind-Cursor", "%" PRId64, curves->list.mark.cursor);
    if (curves->list.mark.taken_back)
        http_response_header(response, "Traind-Drop-After", "%" PRId64, curves->list.mark.keep);
    return true;
}
