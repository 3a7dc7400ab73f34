/* What stands beside the rows of a curve: when each was measured, and the mean up to it. */
#include "tests/api/support.h"
#include "tests/harness.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 600 };

static json_t *metrics_of(const struct api *api, const char *id, const char *query)
{
    char rest[160], path[200];

    (void)snprintf(rest, sizeof(rest), "/metrics%s", query);
    return api_get(api, job_path(id, rest, path), 200);
}

static double value_at(const json_t *series, const char *column, size_t index)
{
    return json_number_value(json_array_get(json_object_get(series, column), index));
}

/* The mean as its definition says: each row weighs (1 − 1/window) of the next. */
static double mean_to(const json_t *all, size_t row, double window)
{
    double sum = 0, weights = 0, weight = 1;

    for (size_t i = row + 1; i-- > 0; weight *= 1 - 1 / window) {
        sum += weight * value_at(all, "value", i);
        weights += weight;
    }
    return sum / weights;
}

static void check_means(const struct api *api, const char *id, const json_t *all, const char *query,
                        int window)
{
    char text[120];

    (void)snprintf(text, sizeof(text), "%s&names=train_loss&smooth=%d", query, window);
    json_t *answer = metrics_of(api, id, text);
    const json_t *series = json_at(answer, "series.train_loss");
    size_t count = json_array_size(json_object_get(series, "step"));

    CHECK(count > 0);
    CHECK_COUNT(json_array_size(json_object_get(series, "smoothed")), count);
    CHECK(!json_object_get(series, "at"));
    for (size_t i = 0; i < count; i++) {
        size_t step = (size_t)value_at(series, "step", i);
        CHECK_NEAR(value_at(series, "smoothed", i), mean_to(all, step - 1, window), 1e-12);
    }
    json_decref(answer);
}

TEST("a smoothed curve is the mean of all rows before, however few of them are shown")
{
    static const char *const queries[] = {"?max_points=0", "?max_points=20",
                                          "?max_points=10&from=301&to=500",
                                          "?max_points=0&from=590"};
    struct api api;
    char id[16];

    api_start(&api);
    api_submit_tiny(&api, "\"epochs\": 100, \"seed\": 4", id);
    api_wait(&api, id, "succeeded");
    json_t *whole = metrics_of(&api, id, "?max_points=0&names=train_loss,lr&smooth=7");
    const json_t *all = json_at(whole, "series.train_loss"), *lr = json_at(whole, "series.lr");
    for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++)
        for (int window = 1; window < 1000; window *= 6)
            check_means(&api, id, all, queries[i], window);
    /* A constant stays what it is, to the last bit. */
    for (size_t i = 0; i < ROWS; i++)
        CHECK(value_at(lr, "smoothed", i) == value_at(lr, "value", i));
    CHECK_INT(integer_at(all, "rows"), ROWS);
    json_decref(whole);
    api_stop(&api);
}

TEST("rows that are not finite have no mean and do not harm that of others")
{
    struct api api;
    char id[16];
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
    json_t *answer = metrics_of(&api, id, "?names=train_loss&smooth=3");
    const json_t *series = json_at(answer, "series.train_loss");
    const json_t *means = json_object_get(series, "smoothed");
    size_t count = json_array_size(means);
    CHECK(count > 1 && json_is_null(json_array_get(means, count - 1)));
    CHECK(json_is_real(json_array_get(means, count - 2)));
    CHECK_COUNT(json_integer_value(json_object_get(series, "rows")), count - 1);
    json_decref(answer);
    api_stop(&api);
}

TEST("each row can say when it was measured, in columns, CSV and lines")
{
    struct api api;
    char id[16], path[200];

    api_start(&api);
    api_submit_tiny(&api, "\"epochs\": 5, \"seed\": 4", id);
    api_wait(&api, id, "succeeded");
    json_t *answer = metrics_of(&api, id, "?names=train_loss&times=true");
    const json_t *at = json_at(answer, "series.train_loss.at");
    CHECK_COUNT(json_array_size(at), 30);
    CHECK(!json_at(answer, "series.train_loss.smoothed"));
    for (size_t i = 0; i < json_array_size(at); i++) {
        double time = json_number_value(json_array_get(at, i));
        CHECK(time > 1.6e12 && time >= json_number_value(json_array_get(at, i > 0 ? i - 1 : 0)));
    }
    const struct call call = {
        .path = job_path(id, "/metrics?names=train_loss&times=true&smooth=2&to=1", path),
        .headers = {"Accept: text/csv"}};
    struct answer csv = api_call(&api, &call);
    double value = 0, mean = 0;
    long long time = 0;
    CHECK_INT(sscanf(csv.body, "series,step,value,at,smoothed\ntrain_loss,1,%lf,%lld,%lf\n", &value,
                     &time, &mean),
              3);
    CHECK(mean == value && time == json_integer_value(json_array_get(at, 0)));
    answer_drop(&csv);
    const struct call lines = {.path = path, .headers = {"Accept: application/jsonl"}};
    struct answer jsonl = api_call(&api, &lines);
    json_t *line = json_loads(jsonl.body, JSON_DISABLE_EOF_CHECK, NULL);
    CHECK(json_real_value(json_object_get(line, "smoothed")) == value);
    CHECK_INT(json_integer_value(json_object_get(line, "at")), time);
    json_decref(line);
    answer_drop(&jsonl);
    json_decref(answer);
    check_problem(api_get(&api, job_path(id, "/metrics?smooth=0", path), 400), 400, "smooth");
    check_problem(api_get(&api, job_path(id, "/metrics?times=yes", path), 400), 400, "times");
    api_stop(&api);
}
