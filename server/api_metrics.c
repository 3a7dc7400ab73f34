/* GET /v1/jobs/{id}/metrics: the curves of a job, by columns, as CSV or as JSON lines; all, or what
 * is new since an earlier answer. A long job has millions of rows: they are read in slices between
 * which the HTTP thread serves others, one series at a time, and sent as they are made. */
#include "server/api.h"

#include "server/curves.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void curves_drop(struct http_stream *stream)
{
    struct curves *curves = (struct curves *)stream;

    curve_reader_close(&curves->reader);
    curve_notes_drop(&curves->notes);
    free(curves);
}

static void open_series(struct curves *curves)
{
    const struct curve_piece piece = {.job = curves->range.job, .cursor = curves->list.mark.cursor};

    curve_reader_close(&curves->reader);
    curves->written = 0;
    curves->column = COLUMN_STEP;
    curves->any = false;
    if (curves->at == curves->list.count)
        return;
    curve_reader_open(&curves->reader, &curves->list.items[curves->at], &piece, curves->points);
    curve_notes_begin(&curves->notes, &curves->reader.piece);
}

static bool read_slice(struct curves *curves, struct db *db, struct error *error)
{
    if (!curves->reader.ready)
        return curve_reader_read(&curves->reader, db, error);
    return curves_ready(curves) ||
           curve_notes_make(&curves->notes, db, &curves->reader.thin, error);
}

static enum http_more curves_next(struct http_stream *stream, struct db *db, struct body *out,
                                  struct error *error)
{
    struct curves *curves = (struct curves *)stream;

    if (curves->at == curves->list.count) {
        curves->form->end(curves, out);
        return HTTP_END;
    }
    if (!read_slice(curves, db, error))
        return HTTP_BROKEN;
    if (curves_ready(curves) && !curves->form->write(curves, out)) {
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
    curves->notes.times = http_query_true(request, "times");
    curves->notes.window = http_query_integer(request, "smooth", 0);
    return true;
}

static bool open_curves(struct curves *curves, const struct http_request *request,
                        struct error *error)
{
    struct job_row row = {0};
    const int form = http_preferred(request, curves_form_types);
    bool good = read_range(curves, request, error) && api_find_job(request, &row, error);

    curves->form = &curves_forms[form < 0 ? 0 : form];
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
