/* A job as JSON. Texts that the store keeps as JSON are copied as they are: they were written by
 * this program, with every number at its shortest. */
#include "server/job_json.h"

#include "core/spec.h"
#include "server/spec_json.h"
#include "server/store_control.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { SERIES_MAX = 64 };

/* name and labels: what the user wrote beside the spec; and what job it was forked from, or null.
 */
static bool put_meta(struct body *out, const struct job_row *row, struct error *error)
{
    static const char *const keys[] = {"name", "labels", "forked_from"};
    json_error_t place;
    json_t *meta = json_loads(row->meta, 0, &place);

    if (!meta)
        return error_set(error, ERROR_CORRUPT, row->id,
                         "the stored name and labels are not JSON: %s", place.text);
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        char *text = json_text(json_object_get(meta, keys[i]), NULL);

        body_print(out, ",\"%s\":%s", keys[i], text ? text : "null");
        free(text);
    }
    json_decref(meta);
    return true;
}

static void put_times(struct body *out, const struct job_row *row)
{
    body_text(out, ",\"created_at\":");
    body_time(out, row->created_at);
    body_text(out, ",\"started_at\":");
    body_time(out, row->started_at);
    body_text(out, ",\"finished_at\":");
    body_time(out, row->finished_at);
}

static void put_point(struct body *out, const char *series, double value, int64_t step)
{
    body_string(out, series);
    body_text(out, ":{\"value\":");
    body_real(out, value);
    body_print(out, ",\"step\":%" PRId64 "}", step);
}

/* Only finite values count here: a NaN is neither newest nor best. */
enum point { POINT_LATEST, POINT_MIN, POINT_MAX, POINTS };

static void put_points(struct body *out, enum point point, const struct metric_summary *series,
                       int count)
{
    static const char *const names[POINTS] = {"latest", "min", "max"};
    const char *comma = "";

    body_print(out, ",\"%s\":{", names[point]);
    for (int i = 0; i < count; i++) {
        const struct metric_summary *s = &series[i];
        const double values[POINTS] = {s->last, s->min, s->max};
        const int64_t steps[POINTS] = {s->step, s->min_step, s->max_step};

        if (!s->any)
            continue;
        body_text(out, comma);
        put_point(out, s->series, values[point], steps[point]);
        comma = ",";
    }
    body_text(out, "}");
}

static void put_best(struct body *out, const struct metric_summary *series, int count)
{
    const char *comma = "";

    body_text(out, ",\"best\":{");
    for (int metric = 0; spec_metrics[metric]; metric++)
        for (int i = 0; i < count; i++) {
            bool larger = spec_metric_larger_is_better(metric);

            if (!series[i].any || strcmp(series[i].series, spec_metrics[metric]) != 0)
                continue;
            body_text(out, comma);
            put_point(out, series[i].series, larger ? series[i].max : series[i].min,
                      larger ? series[i].max_step : series[i].min_step);
            comma = ",";
        }
    body_text(out, "}");
}

static void put_links(struct body *out, const char *id)
{
    static const char *const parts[] = {"events",  "metrics",    "checkpoints", "schedule",
                                        "predict", "evaluation", "pause",       "resume",
                                        "cancel",  "fork"};

    body_print(out, ",\"links\":{\"self\":\"/v1/jobs/%s\"", id);
    for (size_t i = 0; i < COUNT_OF(parts); i++)
        body_print(out, ",\"%s\":\"/v1/jobs/%s/%s\"", parts[i], id, parts[i]);
    body_text(out, "}");
}

/* Of a job that is being cancelled: what it goes on to. */
static bool put_stop(struct body *out, struct db *db, const struct job_row *row,
                     struct error *error)
{
    struct job_orders orders;

    if (!store_job_orders(db, row->number, &orders, error))
        return false;
    body_print(out, ",\"stop_when\":\"%s\"", stop_when_name(orders.when));
    return true;
}

/* Of a job that has taken no step yet, the beginning: the object has its members from the first
 * answer on, so that who asks for the step need not ask first whether there is one. */
static void put_progress(struct body *out, const struct job_row *row)
{
    json_t *plan;
    json_int_t epochs = 0, steps = 0;

    if (row->progress) {
        body_print(out, ",\"progress\":%s", row->progress);
        return;
    }
    plan = row->plan ? json_loads(row->plan, 0, NULL) : NULL;
    (void)json_unpack(plan, "{s:I, s:I}", "epochs", &epochs, "steps", &steps);
    json_decref(plan);
    body_print(out,
               ",\"progress\":{\"epoch\":0,\"epochs\":%" PRId64 ",\"step\":0,\"steps\":%" PRId64
               ",\"fraction\":0,\"samples_per_second\":null,\"eta_seconds\":null}",
               (int64_t)epochs, (int64_t)steps);
}

bool job_json_put(struct body *out, struct db *db, const struct job_row *row, struct error *error)
{
    struct metric_summary series[SERIES_MAX];
    int count = 0;

    if (!store_metrics_summary(db, row->number, series, SERIES_MAX, &count, error))
        return false;
    body_print(out, "{\"id\":\"%s\"", row->id);
    if (!put_meta(out, row, error))
        return false;
    body_print(out, ",\"state\":\"%s\",\"reason\":", job_state_name(row->state));
    body_string(out, row->reason);
    if (row->state == JOB_CANCELLING && !put_stop(out, db, row, error))
        return false;
    body_print(out, ",\"revision\":%" PRId64 ",\"priority\":%" PRId64 ",\"restarts\":%" PRId64,
               row->revision, row->priority, row->restarts);
    put_times(out, row);
    put_progress(out, row);
    put_points(out, POINT_LATEST, series, count);
    put_best(out, series, count);
    put_points(out, POINT_MIN, series, count);
    put_points(out, POINT_MAX, series, count);
    body_print(out, ",\"plan\":%s,\"spec\":%s", row->plan ? row->plan : "null",
               row->spec ? row->spec : "null");
    put_links(out, row->id);
    body_text(out, "}");
    return true;
}
