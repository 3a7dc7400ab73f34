/* Event streams: the stored events of one job or of all, from any of them on, then live, as
 * server-sent events (text/event-stream) or as JSON lines. What is sent is read from the store,
 * once for all streams that are up to date, so a replay is what was seen live, and a slow client
 * holds nothing up. */
#include "server/api.h"

#include "server/event_feed.h"
#include "server/event_text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* What an event looks like on the wire. */
struct wire {
    const char *content_type;
    const char *opening; /* stands before everything */
    const char *beat;    /* a sign of life that says nothing */
    void (*put)(struct body *out, const struct feed_event *event);
};

struct event_stream {
    struct http_stream stream;
    const struct wire *wire;
    struct app *app;
    int64_t job;    /* number; 0: all jobs */
    int64_t after;  /* number of the last event that was looked at */
    bool may_end;   /* no event will come after those stored, or they are not waited for */
    uint32_t names; /* bits of api_event_names; 0: all */
};

/* The first is NAME_METRICS. */
const char *const api_event_names[] = {"metrics", "state",   "evaluation", "checkpoint",
                                       "edit",    "warning", "end",        NULL};
enum { NAME_METRICS = 1, QUIET_READ = 200 };

static void events_drop(struct http_stream *stream)
{
    free(stream);
}

/* ---- forms ---- */

static void put_sse(struct body *out, const struct feed_event *event)
{
    body_print(out, "id: %" PRId64 "\nevent: %s\ndata: ", event->number, event->name);
    body_put(out, event->text, event->size);
    body_text(out, "\n\n");
}

/* The object's own members follow: it has always some. */
static void put_line(struct body *out, const struct feed_event *event)
{
    body_print(out, "{\"id\":%" PRId64 ",\"event\":\"%s\",", event->number, event->name);
    body_put(out, event->text + 1, event->size - 1);
    body_text(out, "\n");
}

static const char *const wire_types[] = {"text/event-stream", "application/jsonl", NULL};
static const struct wire wires[] = {
    {"text/event-stream; charset=utf-8", "retry: 1500\n\n", ": still here\n\n", put_sse},
    /* A blank in front of the next line: an empty line would be none of JSON. */
    {"application/jsonl", "", " ", put_line},
};

/* ---- the stream ---- */

static bool is_wanted(const struct event_stream *stream, const char *name)
{
    return stream->names == 0 || (stream->names & query_choices(api_event_names, name)) != 0;
}

/* Without metrics: straight from the store, which finds those among the many. */
struct quiet_read {
    struct event_stream *stream;
    struct db *db;
    struct body *out;
    struct error *error;
    bool any, ends, failed;
};

static bool take_quiet(void *context, const struct event_row *row)
{
    struct quiet_read *read = context;
    struct body text = {0};

    read->any = true;
    read->stream->after = row->number;
    read->ends = strcmp(row->name, "end") == 0 || strcmp(row->name, "deleted") == 0;
    if (!is_wanted(read->stream, row->name))
        return true;
    read->failed = !event_text_put(&text, read->db, row, read->error);
    if (!read->failed) {
        const struct feed_event event = {
            .number = row->number, .name = row->name, .text = text.bytes, .size = text.size};
        read->stream->wire->put(read->out, &event);
    }
    body_drop(&text);
    return !read->failed && read->out->size < HTTP_PIECE;
}

static enum http_more quiet_next(struct http_stream *base, struct db *db, struct body *out,
                                 struct error *error)
{
    struct event_stream *stream = (struct event_stream *)base;
    struct quiet_read read = {.stream = stream, .db = db, .out = out, .error = error};
    const struct event_query query = {
        .job = stream->job, .after = stream->after, .limit = QUIET_READ, .quiet = true};

    if (!store_events_read(db, &query, take_quiet, &read, error) || read.failed)
        return HTTP_BROKEN;
    if (read.ends || (!read.any && stream->may_end))
        return HTTP_END;
    return read.any ? HTTP_MORE : HTTP_IDLE;
}

static enum http_more events_next(struct http_stream *base, struct db *db, struct body *out,
                                  struct error *error)
{
    struct event_stream *stream = (struct event_stream *)base;

    while (out->size < HTTP_PIECE) {
        const struct feed_event *event = NULL;

        if (!event_feed_next(stream->app->feed, db, stream->job, &stream->after, &event, error))
            return HTTP_BROKEN;
        if (!event)
            return stream->may_end ? HTTP_END : HTTP_IDLE;
        if (is_wanted(stream, event->name))
            stream->wire->put(out, event);
        if (stream->job != 0 && event->ends)
            return HTTP_END;
    }
    return HTTP_MORE;
}

/* Until there is something: the headers leave with the first bytes, and the client is to know at
 * once that it is connected. Where events follow, these say so. */
static enum http_more events_begin(struct http_stream *base, struct db *db, struct body *out,
                                   struct error *error)
{
    struct event_stream *stream = (struct event_stream *)base;
    const bool quiet = stream->names != 0 && !(stream->names & NAME_METRICS);
    enum http_more more;

    body_text(out, stream->wire->opening);
    more = quiet ? quiet_next(base, db, out, error) : events_next(base, db, out, error);
    if (more == HTTP_IDLE && out->size == 0)
        body_text(out, stream->wire->beat);
    if (out->size > 0)
        base->next = quiet ? quiet_next : events_next;
    return more;
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

static bool answer(struct event_stream start, const struct http_request *request,
                   struct http_response *response, struct error *error)
{
    const int wire = http_preferred(request, wire_types);
    struct event_stream *stream = malloc(sizeof(*stream));

    if (!stream)
        return error_set(error, ERROR_MEMORY, "", "no memory for a stream");
    *stream = start;
    stream->app = request->app;
    stream->wire = &wires[wire < 0 ? 0 : wire];
    stream->stream = (struct http_stream){.next = events_begin,
                                          .drop = events_drop,
                                          .size = -1,
                                          .live = true,
                                          .beat = stream->wire->beat};
    response->status = 200;
    response->content_type = stream->wire->content_type;
    response->stream = &stream->stream;
    http_response_header(response, "X-Accel-Buffering", "no"); /* nginx would hold events back */
    return true;
}

static bool any_event(void *context, const struct event_row *row)
{
    (void)row;
    *(bool *)context = true;
    return false;
}

static bool seen_all(struct db *db, const struct event_stream *stream, bool *all,
                     struct error *error)
{
    bool any = false;
    bool good = store_events_read(db, &(struct event_query){stream->job, stream->after, 1},
                                  any_event, &any, error);

    *all = !any;
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
    const char *follow = http_query(request, "follow");
    const bool ended = job_state_ended(row.state);
    stream.may_end = ended || (follow && strcmp(follow, "false") == 0);
    stream.names = http_query_choices(request, "names", 0);
    job_row_drop(&row);
    if (!good || (ended && !seen_all(request->db, &stream, &all, error)))
        return false;
    if (all) {
        /* Nothing will ever follow: 204 keeps a browser from asking again. */
        response->status = 204;
        return true;
    }
    return answer(stream, request, response, error);
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
    return answer(stream, request, response, error);
}
