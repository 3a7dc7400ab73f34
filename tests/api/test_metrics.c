/* Metrics by HTTP: columns, thinning, CSV, numbers that are not finite. */
#include "tests/api/support.h"
#include "tests/harness.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *metrics_of(const struct api *api, const char *id, const char *query)
{
    char rest[120], path[160];

    (void)snprintf(rest, sizeof(rest), "/metrics%s", query);
    return api_get(api, job_path(id, rest, path), 200);
}

static double value_at(const json_t *series, const char *column, size_t index)
{
    return json_number_value(json_array_get(json_object_get(series, column), index));
}

static size_t rows_of(const json_t *metrics, const char *path)
{
    const json_t *series = json_at(metrics, path);
    size_t rows = json_array_size(json_object_get(series, "step"));
    static const char *const columns[] = {"value", "min", "max"};

    for (int i = 0; i < 3; i++)
        CHECK_COUNT(json_array_size(json_object_get(series, columns[i])), rows);
    return rows;
}

TEST("metrics come in columns, whole or thinned, and thinning keeps first, last and extremes")
{
    struct api api;
    char id[16];

    api_start(&api);
    api_submit_tiny(&api, "\"epochs\": 100, \"seed\": 4", id);
    api_wait(&api, id, "succeeded");
    json_t *all = metrics_of(&api, id, "?max_points=0");
    json_t *few = metrics_of(&api, id, "?max_points=50");
    const json_t *whole = json_at(all, "series.train_loss"),
                 *thin = json_at(few, "series.train_loss");
    CHECK_COUNT(rows_of(all, "series.train_loss"), 600);
    CHECK_COUNT(rows_of(all, "series.lr"), 600);
    CHECK_COUNT(rows_of(all, "series.val_accuracy"), 100);
    size_t count = rows_of(few, "series.train_loss");
    CHECK(count <= 50 && count >= 20);
    CHECK_COUNT(value_at(thin, "step", 0), 1);
    CHECK_COUNT(value_at(thin, "step", count - 1), 600);
    double low = INFINITY, high = -INFINITY, thin_low = INFINITY, thin_high = -INFINITY;
    for (size_t i = 0; i < 600; i++) {
        CHECK_COUNT(value_at(whole, "step", i), i + 1);
        low = fmin(low, value_at(whole, "value", i));
        high = fmax(high, value_at(whole, "value", i));
    }
    for (size_t i = 0; i < count; i++) {
        size_t step = (size_t)value_at(thin, "step", i);
        CHECK(value_at(thin, "value", i) == value_at(whole, "value", step - 1));
        CHECK(value_at(thin, "min", i) <= value_at(thin, "value", i));
        CHECK(value_at(thin, "max", i) >= value_at(thin, "value", i));
        thin_low = fmin(thin_low, value_at(thin, "value", i));
        thin_high = fmax(thin_high, value_at(thin, "value", i));
    }
    CHECK(thin_low == low && thin_high == high);
    CHECK(integer_at(all, "cursor") > 0);
    json_decref(all);
    json_decref(few);
    api_stop(&api);
}

TEST("metrics can be asked for by name and range, and refuse what they do not understand")
{
    struct api api;
    char id[16], path[160];

    api_start(&api);
    api_submit_tiny(&api, "\"epochs\": 5, \"seed\": 4", id);
    json_t *early = metrics_of(&api, id, ""); /* of a job that may not have begun */
    CHECK(json_is_object(json_at(early, "series")));
    json_decref(early);
    api_wait(&api, id, "succeeded");
    json_t *some = metrics_of(&api, id, "?names=val_loss,train_loss,nothing&from=7&to=12");
    CHECK_COUNT(json_object_size(json_at(some, "series")), 2);
    CHECK_COUNT(rows_of(some, "series.train_loss"), 6);
    CHECK_INT(integer_at(some, "series.train_loss.step.0"), 7);
    CHECK_COUNT(rows_of(some, "series.val_loss"), 1);
    CHECK_INT(integer_at(some, "series.val_loss.step.0"), 12);
    json_decref(some);
    check_problem(api_get(&api, job_path(id, "/metrics?max_points=3", path), 400), 400,
                  "max_points");
    check_problem(api_get(&api, job_path(id, "/metrics?from=a", path), 400), 400, "from");
    check_problem(api_get(&api, job_path(id, "/metrics?to=0", path), 400), 400, "to");
    check_problem(api_get(&api, job_path(id, "/metrics?name=lr", path), 400), 400, "name");
    api_stop(&api);
}

TEST("metrics come as CSV to who asks for it, with the same numbers")
{
    struct api api;
    char id[16], path[160];
    int lines = 0;

    api_start(&api);
    api_submit_tiny(&api, "\"epochs\": 5, \"seed\": 4", id);
    api_wait(&api, id, "succeeded");
    const struct call call = {.path = job_path(id, "/metrics?names=train_loss", path),
                              .headers = {"Accept: text/html, text/csv;q=0.9"}};
    struct answer csv = api_call(&api, &call);
    json_t *json = metrics_of(&api, id, "?names=train_loss");
    CHECK_TEXT(answer_header(&csv, "Content-Type"), "text/csv; charset=utf-8");
    CHECK(strncmp(csv.body, "series,step,value\n", 18) == 0);
    for (const char *line = csv.body + 18; *line; line = strchr(line, '\n') + 1, lines++) {
        double value = 0;
        int step = 0;
        CHECK_INT(sscanf(line, "train_loss,%d,%lf", &step, &value), 2);
        CHECK_INT(step, lines + 1);
        CHECK(value == value_at(json_at(json, "series.train_loss"), "value", (size_t)lines));
    }
    CHECK_INT(lines, 30);
    json_decref(json);
    answer_drop(&csv);
    api_stop(&api);
}

TEST("a run that diverges says where, as null and by name, in JSON, CSV and events")
{
    struct api api;
    char id[16], path[160];
    char spec[] =
        "{\"dataset\": {\"name\": \"tiny\"}, \"model\": [{\"type\": \"flatten\"},"
        "{\"type\": \"linear\", \"out_features\": 50}, {\"type\": \"linear\", \"out_features\": "
        "4}],"
        "\"optimizer\": {\"type\": \"sgd\", \"lr\": 1e6}, \"epochs\": 50, \"batch_size\": 16,"
        "\"seed\": 1}";

    api_start(&api);
    json_t *job = api_post(&api, "/v1/jobs", spec, 201);
    (void)snprintf(id, sizeof(id), "%s", text_at(job, "id"));
    json_decref(job);
    api_wait(&api, id, "failed");
    job = api_get(&api, job_path(id, "", path), 200);
    CHECK(strstr(text_at(job, "reason"), "diverged"));
    CHECK(json_is_number(json_at(job, "latest.train_loss.value")));
    json_decref(job);

    json_t *metrics = metrics_of(&api, id, "?names=train_loss");
    size_t rows = rows_of(metrics, "series.train_loss");
    const json_t *odd = json_at(metrics, "series.train_loss.nonfinite");
    CHECK_COUNT(json_array_size(odd), 1);
    CHECK_COUNT(json_integer_value(json_at(odd, "0.0")), rows);
    const char *name = text_at(odd, "0.1");
    CHECK(json_is_null(json_array_get(json_at(metrics, "series.train_loss.value"), rows - 1)));

    const struct call call = {.path = job_path(id, "/metrics?names=train_loss", path),
                              .headers = {"Accept: text/csv"}};
    struct answer csv = api_call(&api, &call);
    char line[64];
    (void)snprintf(line, sizeof(line), "train_loss,%zu,%s\n", rows, name);
    CHECK(strstr(csv.body, line));
    answer_drop(&csv);
    const struct call lines = {.path = path, .headers = {"Accept: application/jsonl"}};
    struct answer jsonl = api_call(&api, &lines);
    (void)snprintf(line, sizeof(line), "%zu,\"value\":null,\"nonfinite\":\"%s\"", rows, name);
    CHECK(strstr(jsonl.body, line));
    answer_drop(&jsonl);

    struct event_log log = {0};
    int handle = events_open(&api, job_path(id, "/events", path), 0);
    events_read(handle, &log, NULL);
    bool found = false;
    for (int i = 0; i < log.count; i++) {
        json_t *data = json_loads(log.items[i].data, 0, NULL);
        const json_t *list = json_at(data, "rows.train_loss.nonfinite");
        if (list)
            found = json_equal((json_t *)(uintptr_t)list, (json_t *)(uintptr_t)odd);
        json_decref(data);
    }
    CHECK(found);
    events_drop_log(&log);
    json_decref(metrics);
    api_stop(&api);
}
