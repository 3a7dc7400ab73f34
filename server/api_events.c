/* Event streams (text/event-stream): the stored events of one job or of all, from any of them on,
 * then live. What is sent is read from the store each time, so a replay is what was seen live, and
 * a slow client holds nothing up. */
#include "server/api.h"

#include "server/spec_json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAMES_MAX = 64 };

struct event_stream {
    struct http_stream stream;
    int64_t job;   /* number; 0: all jobs */
    int64_t after; /* number of the last event sent */
    bool may_end;  /* the job had ended before: no event will come after those stored */
};

static void events_drop(struct http_stream *stream)
{
    free(stream);
}

/* ---- one event ---- */

struct event_copy {
    struct event_row row; /* its texts are the two below */
    char *name, *data;
};

static bool copy_event(void *context, const struct event_row *row)
{
    struct event_copy *copy = context;

    copy->row = *row;
    copy->name = strdup(row->name);
    copy->data = strdup(row->data ? row->data : "{}");
    return false;
}

/* Columns of the rows that a `metrics` event covers, as they are met in order of (series, step). */
struct columns {
    struct body steps, values, odd; /* of the series at hand */
    struct body *out;
    char series[64];
    bool any;
};

static void end_series(struct columns *columns)
{
    if (columns->series[0] == '\0')
        return;
    body_text(columns->out, columns->any ? "," : "");
    body_string(columns->out, columns->series);
    body_print(columns->out, ":{\"step\":[%s],\"value\":[%s]", columns->steps.bytes,
               columns->values.bytes);
    if (columns->odd.size > 0)
        body_print(columns->out, ",\"nonfinite\":[%s]", columns->odd.bytes);
    body_text(columns->out, "}");
    columns->any = true;
    body_drop(&columns->steps);
    body_drop(&columns->values);
    body_drop(&columns->odd);
}

static bool add_row(void *context, const struct metric_row *row)
{
    struct columns *columns = context;

    if (strcmp(columns->series, row->series) != 0) {
        end_series(columns);
        (void)snprintf(columns->series, sizeof(columns->series), "%s", row->series);
    }
    body_print(&columns->steps, "%s%" PRId64, columns->steps.size > 0 ? "," : "", row->step);
    body_text(&columns->values, columns->values.size > 0 ? "," : "");
    body_real(&columns->values, row->value);
    if (!isfinite(row->value))
        body_print(&columns->odd, "%s[%" PRId64 ",\"%s\"]", columns->odd.size > 0 ? "," : "",
                   row->step, body_nonfinite_name(row->value));
    return !columns->steps.failed && !columns->values.failed && !columns->odd.failed;
}

/* "rows": what the store has of the steps that the event names, of the series that it names. */
static bool put_rows(struct body *out, struct db *db, int64_t job, const json_t *data,
                     struct error *error)
{
    const json_t *series = json_object_get(data, "series");
    const char *names[NAMES_MAX + 1] = {NULL};
    struct metric_query query = {.job = job,
                                 .names = json_array_size(series) > 0 ? names : NULL,
                                 .from = json_integer_value(json_object_get(data, "from")),
                                 .to = json_integer_value(json_object_get(data, "to"))};
    struct columns columns = {.out = out};
    bool good;

    for (size_t i = 0; i < json_array_size(series) && i < NAMES_MAX; i++)
        names[i] = json_string_value(json_array_get(series, i));
    body_text(out, ",\"rows\":{");
    good = store_metrics_read(db, &query, add_row, &columns, error);
    out->failed |= columns.steps.failed || columns.values.failed || columns.odd.failed;
    end_series(&columns);
    body_text(out, "}");
    body_drop(&columns.steps);
    body_drop(&columns.values);
    body_drop(&columns.odd);
    return good;
}

/* The event's own facts, without those that every event has. */
static void put_facts(struct body *out, const json_t *data)
{
    const char *key;
    json_t *value;

    json_object_foreach ((json_t *)data, key, value) {
        if (strcmp(key, "step") != 0 && strcmp(key, "job") != 0 && strcmp(key, "at") != 0)
            api_put_member(out, key, value);
    }
}

static bool put_event(struct body *out, struct db *db, const struct event_copy *event,
                      struct error *error)
{
    const struct event_row *row = &event->row;
    json_error_t place;
    json_t *data = json_loads(event->data, 0, &place);
    bool good = true;

    if (!data)
        return error_set(error, ERROR_CORRUPT, row->job_id, "event %" PRId64 " is not JSON: %s",
                         row->number, place.text);
    body_print(out,
               "id: %" PRId64 "\nevent: %s\ndata: {\"job\":\"%s\",\"step\":%" PRId64 ",\"at\":",
               row->number, event->name, row->job_id, row->step);
    body_time(out, row->at);
    if (strcmp(event->name, "metrics") == 0)
        good = put_rows(out, db, row->job, data, error);
    else
        put_facts(out, data);
    body_text(out, "}\n\n");
    json_decref(data);
    return good;
}

/* ---- the stream ---- */

/* Reads the next event; number 0 when there is none. */
static bool next_event(struct event_stream *stream, struct db *db, struct event_copy *out,
                       struct error *error)
{
    *out = (struct event_copy){0};
    if (!store_events_read(db, &(struct event_query){stream->job, stream->after, 1}, copy_event,
                           out, error))
        return false;
    if (out->row.number != 0 && (!out->name || !out->data))
        return error_set(error, ERROR_MEMORY, "events", "no memory for an event");
    return true;
}

static enum http_more events_next(struct http_stream *base, struct db *db, struct body *out,
                                  struct error *error)
{
    struct event_stream *stream = (struct event_stream *)base;
    enum http_more more = HTTP_MORE;

    while (more == HTTP_MORE && out->size < HTTP_PIECE) {
        struct event_copy event;
        bool good = next_event(stream, db, &event, error);

        if (good && event.row.number != 0)
            good = put_event(out, db, &event, error);
        if (!good)
            more = HTTP_BROKEN;
        else if (event.row.number == 0)
            more = stream->may_end ? HTTP_END : HTTP_IDLE;
        else if (stream->job != 0 && strcmp(event.name, "end") == 0)
            more = HTTP_END;
        stream->after = event.row.number != 0 ? event.row.number : stream->after;
        free(event.name);
        free(event.data);
    }
    return more;
}

/* Something at once, so that a client knows that it is connected. */
static enum http_more events_begin(struct http_stream *stream, struct db *db, struct body *out,
                                   struct error *error)
{
    (void)db;
    (void)error;
    body_text(out, "retry: 1500\n\n");
    stream->next = events_next;
    return HTTP_MORE;
}

/* Where to go on: a browser's own header is fresher than the address it was first given. */
static bool read_number(const struct http_request *request, int64_t fallback, int64_t *out,
                        struct error *error)
{
    const char *header = http_header(request, "Last-Event-ID");

    *out = http_query_integer(request, "since", fallback);
    if (header && header[0] != '\0' && !query_read_integer(header, out))
        return error_set(error, ERROR_INVALID, "Last-Event-ID",
                         "Last-Event-ID must be an event's number");
    return true;
}

/* A number that no event has yet, of another data directory perhaps, would wait for ever. */
static bool read_position(const struct http_request *request, int64_t fallback, int64_t *out,
                          struct error *error)
{
    int64_t newest;

    if (!read_number(request, fallback, out, error) ||
        !store_event_newest(request->db, &newest, error))
        return false;
    if (*out > newest)
        *out = newest;
    return true;
}

static bool answer(struct event_stream start, struct http_response *response, struct error *error)
{
    struct event_stream *stream = malloc(sizeof(*stream));

    if (!stream)
        return error_set(error, ERROR_MEMORY, "", "no memory for a stream");
    *stream = start;
    stream->stream =
        (struct http_stream){.next = events_begin, .drop = events_drop, .size = -1, .live = true};
    response->status = 200;
    response->content_type = "text/event-stream; charset=utf-8";
    response->stream = &stream->stream;
    http_response_header(response, "X-Accel-Buffering", "no"); /* nginx would hold events back */
    return true;
}

static bool seen_all(struct db *db, const struct event_stream *stream, bool *all,
                     struct error *error)
{
    struct event_copy event = {0};
    bool good = store_events_read(db, &(struct event_query){stream->job, stream->after, 1},
                                  copy_event, &event, error);

    *all = event.row.number == 0;
    free(event.name);
    free(event.data);
    return good;
}

/* From the job's first event, unless asked otherwise. */
bool api_events_job(const struct http_request *request, struct http_response *response,
                    struct error *error)
{
    struct event_stream stream = {0};
    struct job_row row = {0};
    bool all = false;
    bool good =
        api_find_job(request, &row, error) && read_position(request, 0, &stream.after, error);

    stream.job = row.number;
    stream.may_end = job_state_ended(row.state);
    job_row_drop(&row);
    if (!good || (stream.may_end && !seen_all(request->db, &stream, &all, error)))
        return false;
    if (all) {
        /* Nothing will ever follow: 204 keeps a browser from asking again. */
        response->status = 204;
        return true;
    }
    return answer(stream, response, error);
}

/* From now on, unless asked otherwise. */
bool api_events_all(const struct http_request *request, struct http_response *response,
                    struct error *error)
{
    struct event_stream stream = {0};
    int64_t newest = 0;

    if (!store_event_newest(request->db, &newest, error) ||
        !read_position(request, newest, &stream.after, error))
        return false;
    return answer(stream, response, error);
}
