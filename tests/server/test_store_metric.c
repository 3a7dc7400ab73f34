/* Metrics in the store: rows, summaries, what a resumed job takes again. */
#include "tests/server/store_support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct seen {
    struct metric_row rows[64];
    char series[64][32];
    int count, stop_after;
};

static bool see(void *context, const struct metric_row *row)
{
    struct seen *seen = context;

    CHECK(seen->count < 64);
    seen->rows[seen->count] = *row;
    snprintf(seen->series[seen->count], sizeof(seen->series[0]), "%s", row->series);
    seen->count++;
    return seen->stop_after == 0 || seen->count < seen->stop_after;
}

static int64_t newest(struct db *db)
{
    int64_t number = 0;
    struct error error = {0};

    GOOD(store_event_newest(db, &number, &error));
    return number;
}

struct last_event {
    char data[256];
    int64_t step;
    char name[32];
};

static bool keep_event(void *context, const struct event_row *row)
{
    struct last_event *last = context;

    snprintf(last->data, sizeof(last->data), "%s", row->data);
    snprintf(last->name, sizeof(last->name), "%s", row->name);
    last->step = row->step;
    return true;
}

TEST("metrics that are not finite come back as what they were, and steps stay in order")
{
    static const struct metric_row rows[] = {
        {"loss", 1, 2.5, 100},       {"loss", 2, NAN, 101},   {"loss", 3, INFINITY, 102},
        {"loss", 4, -INFINITY, 103}, {"loss", 5, 0.1, 104},   {"lr", 1, -0.0, 100},
        {"lr", 2, 4.9e-324, 101},    {"lr", 3, 1.7e308, 102},
    };
    struct store *store = must_open();
    struct db *db = must_read(store);
    struct error error = {0};
    struct seen seen = {0};
    int64_t job = must_add(store, 0);

    GOOD(try_metrics(store, job, rows, 8, &error));
    GOOD(store_metrics_read(db, &(struct metric_query){.job = job}, see, &seen, &error));
    CHECK_INT(seen.count, 8);
    for (int i = 0; i < 8; i++) {
        CHECK_TEXT(seen.series[i], rows[i].series);
        CHECK_INT(seen.rows[i].step, rows[i].step);
        CHECK_INT(seen.rows[i].at, rows[i].at);
        CHECK(seen.rows[i].value == rows[i].value ||
              (isnan(seen.rows[i].value) && isnan(rows[i].value)));
    }
    db_close(db);
    must_finish(store);
}

TEST("metrics are read by names and steps, and reading stops where the reader says")
{
    static const char *const names[] = {"nonesuch", "lr", NULL};
    struct store *store = must_open();
    struct db *db = must_read(store);
    struct error error = {0};
    struct seen seen = {0};
    int64_t job = must_add(store, 0), other = must_add(store, 0);

    for (int64_t step = 1; step <= 10; step++) {
        const struct metric_row rows[] = {{"loss", step, 1, 0}, {"lr", step, 2, 0}};
        GOOD(try_metrics(store, job, rows, 2, &error));
        GOOD(try_metrics(store, other, rows, 2, &error));
    }
    GOOD(store_metrics_read(db, &(struct metric_query){job, names, 3, 5}, see, &seen, &error));
    CHECK_INT(seen.count, 3);
    CHECK_TEXT(seen.series[0], "lr");
    CHECK_INT(seen.rows[0].step, 3);
    CHECK_INT(seen.rows[2].step, 5);
    seen = (struct seen){.stop_after = 4};
    GOOD(store_metrics_read(db, &(struct metric_query){.job = job}, see, &seen, &error));
    CHECK_INT(seen.count, 4);
    seen = (struct seen){0};
    GOOD(store_metrics_read(db, &(struct metric_query){.job = job, .from = 9}, see, &seen, &error));
    CHECK_INT(seen.count, 4);
    seen = (struct seen){0};
    GOOD(store_metrics_read(db, &(struct metric_query){.job = 99}, see, &seen, &error));
    CHECK_INT(seen.count, 0);
    db_close(db);
    must_finish(store);
}

TEST("metrics that are stored again with the same values change nothing and make no event")
{
    static const struct metric_row rows[] = {{"loss", 1, 2.5, 1},
                                             {"loss", 2, NAN, 2},
                                             {"loss", 3, -0.0, 3}},
                                   again[] = {{"loss", 1, 2.5, 9},
                                              {"loss", 2, NAN, 9},
                                              {"loss", 3, 0.0, 9}};
    struct store *store = must_open();
    struct db *db = must_read(store);
    struct error error = {0};
    struct seen seen = {0};
    int64_t job = must_add(store, 0);

    GOOD(try_metrics(store, job, rows, 3, &error));
    int64_t before = newest(db), revision = must_look(db, job).revision;
    GOOD(try_metrics(store, job, again, 3, &error));
    GOOD(try_metrics(store, job, again, 0, &error));
    CHECK_INT(newest(db), before);
    CHECK_INT(must_look(db, job).revision, revision);
    GOOD(store_metrics_read(db, &(struct metric_query){.job = job}, see, &seen, &error));
    CHECK_INT(seen.count, 3);
    CHECK_INT(seen.rows[0].at, 1);
    db_close(db);
    must_finish(store);
}

TEST("a metric that comes again with another value is corrupt, and nothing of its batch is stored")
{
    static const double others[] = {0.30000000000000004, NAN, INFINITY, -0.3};
    static const struct metric_row first = {"loss", 2, 0.3, 1};
    struct store *store = must_open();
    struct db *db = must_read(store);
    struct error error = {0};
    struct seen seen = {0};
    int64_t job = must_add(store, 0);

    GOOD(try_metrics(store, job, &first, 1, &error));
    int64_t before = newest(db);
    for (int i = 0; i < 4; i++) {
        const struct metric_row rows[] = {
            {"loss", 1, 1, 1}, {"new", 1, 1, 1}, {"loss", 2, others[i], 1}};
        FAILS(try_metrics(store, job, rows, 3, &error), ERROR_CORRUPT);
        CHECK(strstr(error.text, "nondeterminism") && strstr(error.text, "loss"));
    }
    GOOD(store_metrics_read(db, &(struct metric_query){.job = job}, see, &seen, &error));
    CHECK_INT(seen.count, 1);
    CHECK_INT(newest(db), before);
    db_close(db);
    must_finish(store);
}

TEST("one event covers the new rows of a batch alone and names their series")
{
    static const struct metric_row
        first[] = {{"loss", 4, 1, 1}, {"loss", 5, 2, 1}, {"lr", 4, 1, 1}, {"lr", 5, 1, 1}},
        second[] = {{"lr", 5, 1, 1}, {"loss", 5, 2, 1}, {"loss", 7, 1, 1}, {"loss", 6, 1, 1}};
    struct store *store = must_open();
    struct db *db = must_read(store);
    struct error error = {0};
    struct last_event last = {0};
    int64_t job = must_add(store, 0), before = newest(db);

    GOOD(try_metrics(store, job, first, 4, &error));
    CHECK_INT(newest(db), before + 1);
    GOOD(try_metrics(store, job, second, 4, &error));
    CHECK_INT(newest(db), before + 2);
    GOOD(store_events_read(db, &(struct event_query){job, before, 1}, keep_event, &last, &error));
    CHECK_TEXT(last.name, "metrics");
    CHECK_TEXT(last.data, "{\"from\":4,\"to\":5,\"series\":[\"loss\",\"lr\"]}");
    CHECK_INT(last.step, 5);
    GOOD(store_events_read(db, &(struct event_query){job, before + 1, 5}, keep_event, &last,
                           &error));
    CHECK_TEXT(last.data, "{\"from\":6,\"to\":7,\"series\":[\"loss\"]}");
    CHECK_INT(last.step, 7);
    db_close(db);
    must_finish(store);
}

TEST("the summary has the last value and the extremes of finite rows, in whatever order they come")
{
    static const struct metric_row first[] = {{"loss", 3, 5, 1},
                                              {"loss", 4, NAN, 1},
                                              {"nan", 1, NAN, 1}},
                                   second[] = {{"loss", 2, 7, 1},        {"loss", 1, -1, 1},
                                               {"loss", 6, INFINITY, 1}, {"loss", 7, -INFINITY, 1},
                                               {"loss", 5, 6, 1},        {"loss", 8, NAN, 1}},
                                   third[] = {
                                       {"loss", 9, 7, 1}, {"loss", 10, -1, 1}, {"loss", 3, 5, 1}};
    struct store *store = must_open();
    struct db *db = must_read(store);
    struct error error = {0};
    struct metric_summary summary[4];
    int count = 0;
    int64_t job = must_add(store, 0);

    GOOD(try_metrics(store, job, first, 3, &error));
    GOOD(try_metrics(store, job, second, 6, &error));
    GOOD(store_metrics_summary(db, job, summary, 4, &count, &error));
    CHECK_INT(count, 2);
    CHECK_TEXT(summary[0].series, "loss");
    CHECK(summary[0].any && summary[0].step == 5 && summary[0].last == 6);
    CHECK(summary[0].min_step == 1 && summary[0].min == -1 && summary[0].max_step == 2 &&
          summary[0].max == 7);
    CHECK_TEXT(summary[1].series, "nan");
    CHECK(!summary[1].any);
    GOOD(try_metrics(store, job, third, 3, &error));
    GOOD(store_metrics_summary(db, job, summary, 1, &count, &error));
    CHECK_INT(count, 1);
    CHECK(summary[0].step == 10 && summary[0].last == -1);
    CHECK(summary[0].min_step == 1 && summary[0].max_step == 2);
    GOOD(store_metrics_summary(db, job + 1, summary, 4, &count, &error));
    CHECK_INT(count, 0);
    db_close(db);
    must_finish(store);
}

TEST("metrics of no job, of a bad name, or of one series too many are refused")
{
    static const char *const bad[] = {"",    "a b", "a\"b",
                                      "a\\", "ä",   "an_overlong_name_of_a_series_abcd"};
    static const struct metric_row row = {"loss", 1, 1, 1};
    char names[65][16];
    struct metric_row rows[65];
    struct store *store = must_open();
    struct error error = {0};
    int64_t job = must_add(store, 0), other = must_add(store, 0);

    FAILS(try_metrics(store, 99, &row, 1, &error), ERROR_NOT_FOUND);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        FAILS(try_metrics(store, job, &(struct metric_row){bad[i], 1, 1, 1}, 1, &error),
              ERROR_INVALID);
    for (int i = 0; i < 65; i++) {
        snprintf(names[i], sizeof(names[i]), "s%d", i);
        rows[i] = (struct metric_row){names[i], 1, 1, 1};
    }
    FAILS(try_metrics(store, job, rows, 65, &error), ERROR_TOO_LARGE);
    GOOD(try_metrics(store, job, rows, 60, &error));
    FAILS(try_metrics(store, job, rows + 60, 5, &error), ERROR_TOO_LARGE);
    GOOD(try_metrics(store, job, rows + 58, 6, &error));
    FAILS(try_metrics(store, job, rows + 64, 1, &error), ERROR_TOO_LARGE);
    GOOD(try_metrics(store, job, &(struct metric_row){"s3", 2, 1, 1}, 1, &error));
    GOOD(try_metrics(store, other, rows + 64, 1, &error));
    must_finish(store);
}
