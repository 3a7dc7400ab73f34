/* Event text: see event_text.h. */
#include "server/event_text.h"

#include "server/api.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { NAMES_MAX = 64 };

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

bool event_text_put(struct body *out, struct db *db, const struct event_row *event,
                    struct error *error)
{
    json_error_t place;
    json_t *data = json_loads(event->data ? event->data : "{}", 0, &place);
    bool good = true;

    if (!data)
        return error_set(error, ERROR_CORRUPT, event->job_id, "event %" PRId64 " is not JSON: %s",
                         event->number, place.text);
    body_print(out, "{\"job\":\"%s\",\"step\":%" PRId64 ",\"at\":", event->job_id, event->step);
    body_time(out, event->at);
    if (strcmp(event->name, "metrics") == 0)
        good = put_rows(out, db, event->job, data, error);
    else
        put_facts(out, data);
    body_text(out, "}");
    json_decref(data);
    return good;
}
