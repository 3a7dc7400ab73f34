/* Metrics by HTTP in increments and as JSON lines. */
#include "tests/api/support.h"
#include "tests/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

/* ---- increments ---- */

static struct answer metrics_as(const struct api *api, const char *id, const char *query,
                                const char *accept)
{
    char rest[120], path[160], header[80];

    (void)snprintf(rest, sizeof(rest), "/metrics%s", query);
    (void)snprintf(header, sizeof(header), "Accept: %s", accept);
    return api_call(api, &(struct call){.path = job_path(id, rest, path), .headers = {header}});
}

TEST("metrics come as one JSON object a row to who prefers that, with the numbers of the columns")
{
    struct api api;
    char id[16];
    size_t rows = 0;

    api_start(&api);
    api_submit_tiny(&api, "\"epochs\": 20, \"seed\": 4", id);
    api_wait(&api, id, "succeeded");
    static const char *const queries[] = {"?names=train_loss", "?names=train_loss&max_points=0",
                                          "?names=train_loss&max_points=20&from=10"};
    for (int i = 0; i < 3; i++) {
        json_t *columns = metrics_of(&api, id, queries[i]);
        const json_t *series = json_at(columns, "series.train_loss");
        struct answer answer =
            metrics_as(&api, id, queries[i], "application/json;q=0.5, application/jsonl, */*");

        CHECK_TEXT(answer_header(&answer, "Content-Type"), "application/jsonl");
        CHECK(strstr(answer_header(&answer, "Vary"), "Accept"));
        CHECK_INT(strtoll(answer_header(&answer, "Traind-Cursor"), NULL, 10),
                  integer_at(columns, "cursor"));
        rows = 0;
        for (char *rest = answer.body, *line; (line = strsep(&rest, "\n")) && line[0]; rows++) {
            json_t *row = json_loads(line, JSON_REJECT_DUPLICATES, NULL);

            CHECK(row);
            CHECK_TEXT(text_at(row, "series"), "train_loss");
            CHECK_COUNT(integer_at(row, "step"), value_at(series, "step", rows));
            CHECK(json_number_value(json_at(row, "value")) == value_at(series, "value", rows));
            CHECK(!json_at(row, "nonfinite"));
            CHECK(!json_at(row, "min") == (i == 1));
            if (i != 1)
                CHECK(json_number_value(json_at(row, "min")) == value_at(series, "min", rows) &&
                      json_number_value(json_at(row, "max")) == value_at(series, "max", rows));
            json_decref(row);
        }
        CHECK_COUNT(rows, rows_of(columns, "series.train_loss"));
        answer_drop(&answer);
        json_decref(columns);
    }
    /* Who names JSON first, or nothing that there is, gets columns. */
    static const char *const accepts[] = {"application/json, text/csv;q=0.9", "image/png",
                                          "application/jsonl;q=0"};
    for (int i = 0; i < 3; i++) {
        struct answer answer = metrics_as(&api, id, "", accepts[i]);
        CHECK_TEXT(answer_header(&answer, "Content-Type"), "application/json");
        answer_drop(&answer);
    }
    api_stop(&api);
}

/* Adds the rows of an answer to what a client has, by the answer's own account. */
static int64_t catch_up(const struct api *api, const char *id, int64_t cursor, json_t *have)
{
    char query[80];
    (void)snprintf(query, sizeof(query), "?max_points=0&since=%lld", (long long)cursor);
    json_t *news = metrics_of(api, id, query);
    const char *name;
    json_t *series;

    CHECK(json_is_null(json_at(news, "drop_after")));
    json_object_foreach (json_object_get(news, "series"), name, series) {
        if (!json_object_get(have, name))
            CHECK(json_object_set_new(have, name, json_object()) == 0);
        json_t *mine = json_object_get(have, name);
        for (size_t i = 0; i < json_array_size(json_object_get(series, "step")); i++) {
            char key[32];
            (void)snprintf(key, sizeof(key), "%lld", (long long)value_at(series, "step", i));
            CHECK(!json_object_get(mine, key)); /* each row comes once */
            CHECK(json_object_set(mine, key, json_array_get(json_object_get(series, "value"), i)) ==
                  0);
        }
    }
    cursor = integer_at(news, "cursor");
    json_decref(news);
    return cursor;
}

/* What the client has put together is what there is. */
static void check_whole(const struct api *api, const char *id, const json_t *have)
{
    json_t *all = metrics_of(api, id, "?max_points=0"), *series;
    const char *name;

    CHECK_COUNT(json_object_size(json_object_get(all, "series")), json_object_size(have));
    json_object_foreach (json_object_get(all, "series"), name, series) {
        size_t rows = json_array_size(json_object_get(series, "step"));
        const json_t *mine = json_object_get(have, name);
        CHECK_COUNT(json_object_size(mine), rows);
        for (size_t i = 0; i < rows; i++) {
            char key[32];
            (void)snprintf(key, sizeof(key), "%lld", (long long)value_at(series, "step", i));
            CHECK(json_equal(json_object_get(mine, key),
                             json_array_get(json_object_get(series, "value"), i)));
        }
    }
    json_decref(all);
}

static void cancel(const struct api *api, const char *id)
{
    char path[160];

    json_decref(api_post(api, job_path(id, "/cancel", path), NULL, 200));
    api_wait(api, id, "cancelled");
}

TEST("a client that asks for increments has every row once, across a restart of the daemon")
{
    struct api api;
    char id[16];
    json_t *have = json_object();
    int64_t cursor = 0;

    api_start(&api);
    api_submit_tiny(&api, "\"epochs\": 100000, \"seed\": 4, \"evaluate_every\": {\"epochs\": 50}",
                    id);
    api_wait(&api, id, "running");
    for (int i = 0; i < 20; i++) {
        cursor = catch_up(&api, id, cursor, have);
        if (i == 10) {
            api_stop(&api);
            api_start(&api);
            api_wait(&api, id, "running");
        }
        nap(0.05);
    }
    cancel(&api, id);
    cursor = catch_up(&api, id, cursor, have);
    CHECK_INT(catch_up(&api, id, cursor, have), cursor);
    check_whole(&api, id, have);
    json_decref(have);
    /* A cursor of another data directory: all is new, and nothing that the client has is true. */
    json_t *all = metrics_of(&api, id, "?since=999999999&names=lr&max_points=5");
    CHECK_INT(integer_at(all, "drop_after"), 0);
    CHECK_INT(integer_at(all, "series.lr.step.0"), 1);
    json_decref(all);
    api_stop(&api);
}

/* Asks on until that many further rows of the curve are there, or some time is over. */
static int64_t catch_some(const struct api *api, const char *id, int64_t cursor, json_t *have,
                          size_t rows)
{
    size_t before = json_object_size(json_object_get(have, "train_loss"));

    for (int i = 0; i < 2000; i++) {
        cursor = catch_up(api, id, cursor, have);
        if (json_object_size(json_object_get(have, "train_loss")) >= before + rows)
            return cursor;
        nap(0.003);
    }
    FAIL("the job %s does not get on", id);
}

TEST_SLOW("a client that asks for increments has every row once, whenever daemons are killed", 120)
{
    enum { DEATHS = 12 };
    struct api api;
    char id[16];
    json_t *have = json_object();
    int64_t cursor = 0;

    api_start(&api);
    /* Checkpoints are far between, so that each life takes steps again that the client has. */
    api_submit_tiny(&api,
                    "\"epochs\": 100000, \"seed\": 4, \"evaluate_every\": {\"steps\": 40},"
                    " \"checkpoint\": {\"every\": {\"steps\": 100}}",
                    id);
    for (int death = 0; death < DEATHS; death++) {
        cursor = catch_some(&api, id, cursor, have, 150);
        nap(0.013 * (death % 5));
        if (death % 2)
            cursor = catch_up(&api, id, cursor, have);
        api_kill(&api);
        api_start(&api);
        /* What it has heard of before is there still, and not once more. */
        cursor = catch_up(&api, id, cursor, have);
    }
    cursor = catch_some(&api, id, cursor, have, 150);
    cancel(&api, id);
    cursor = catch_up(&api, id, cursor, have);
    CHECK_INT(catch_up(&api, id, cursor, have), cursor);
    check_whole(&api, id, have);
    json_decref(have);
    api_stop(&api);
}

TEST("after a rollback an increment says behind which step what the client has is no longer true")
{
    struct api api;
    char id[16], path[160], query[64];
    const char *spec =
        "{\"dataset\": {\"name\": \"tiny\"}, \"model\": [\"flatten\","
        "{\"type\": \"linear\", \"out_features\": 4}], \"loss\": \"mse\","
        "\"optimizer\": {\"type\": \"sgd\", \"lr\": 0.001}, \"lr_schedule\": {\"type\":"
        "\"piecewise\", \"points\": [[1, 0.001], [30, 0.001], [31, 1e6]]}, \"epochs\": 50,"
        "\"batch_size\": 16, \"checkpoint\": {\"every\": {\"steps\": 20}},"
        "\"on_divergence\": {\"rollback\": true, \"lr_factor\": 1e-8, \"max_retries\": 3},"
        "\"seed\": 1}";

    api_start(&api);
    json_t *job = api_post(&api, "/v1/jobs", spec, 201);
    (void)snprintf(id, sizeof(id), "%s", text_at(job, "id"));
    json_decref(job);
    api_wait(&api, id, "succeeded");
    /* The job's `state` events come first; whoever asked then has heard of no rollback. */
    struct event_log log = {0};
    int handle = events_open(&api, job_path(id, "/events", path), 0);
    events_read(handle, &log, "warning");
    int64_t warning = log.items[log.count - 1].id;
    json_t *told = json_loads(log.items[log.count - 1].data, 0, NULL);
    int64_t keep = integer_at(told, "rollback.to");
    json_decref(told);
    (void)snprintf(query, sizeof(query), "?max_points=0&since=%lld", (long long)warning - 1);
    json_t *news = metrics_of(&api, id, query);
    CHECK_INT(integer_at(news, "drop_after"), keep);
    CHECK_INT(integer_at(news, "series.train_loss.step.0"), keep + 1);
    json_decref(news);
    struct answer answer = metrics_as(&api, id, query, "text/csv");
    CHECK_INT(strtoll(answer_header(&answer, "Traind-Drop-After"), NULL, 10), keep);
    answer_drop(&answer);
    (void)snprintf(query, sizeof(query), "?max_points=0&since=%lld", (long long)warning);
    news = metrics_of(&api, id, query);
    CHECK(json_is_null(json_at(news, "drop_after")));
    CHECK_INT(integer_at(news, "series.train_loss.step.0"), keep + 1);
    json_decref(news);
    events_drop_log(&log);
    (void)close(handle);
    api_stop(&api);
}
