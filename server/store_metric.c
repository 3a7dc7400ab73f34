/* Store's metrics: adding rows of numbers by job, series and step, and what is kept beside them:
 * the summary of each series, its stretches, and with which event its rows came. Knows no series by
 * name. */
#include "server/store_inside.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Of one job. Keeps the lists of jobs and the events small, whoever names the series. */
enum { SERIES_MAX = 64 };

static const char find_series[] = "SELECT number FROM series WHERE name = ?1";
static const char add_series[] = "INSERT INTO series (name) VALUES (?1)";
static const char count_series[] = "SELECT count(*) FROM summary WHERE job = ?1";

static const char select_summary[] =
    "SELECT step, last, min_step, min, max_step, max FROM summary WHERE job = ?1 AND series = ?2";
static const char replace_summary[] =
    "INSERT OR REPLACE INTO summary (job, series, step, last, min_step, min, max_step, max)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
static const char select_summaries[] =
    "SELECT s.step, s.last, s.min_step, s.min, s.max_step, s.max, n.name FROM summary s"
    " JOIN series n ON n.number = s.series WHERE s.job = ?1 ORDER BY s.series LIMIT ?2";

static const char insert_metric[] =
    "INSERT INTO metric (job, series, step, value, flag, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
    " ON CONFLICT (job, series, step) DO NOTHING";
static const char select_metric[] =
    "SELECT value, flag FROM metric WHERE job = ?1 AND series = ?2 AND step = ?3";

/* As stored: one NaN is like the other, and zero has no sign. */
static bool same(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

/* ---- summaries ---- */

static void read_summary(struct sqlite3_stmt *statement, struct metric_summary *out)
{
    out->any = !sql_column_is_null(statement, 0);
    out->step = sql_column_integer(statement, 0);
    out->last = sql_column_real(statement, 1);
    out->min_step = sql_column_integer(statement, 2);
    out->min = sql_column_real(statement, 3);
    out->max_step = sql_column_integer(statement, 4);
    out->max = sql_column_real(statement, 5);
}

/* Rows may come in any order of steps; of equal extremes the earliest counts. */
static void extend_summary(struct metric_summary *summary, int64_t step, double value)
{
    if (!isfinite(value))
        return;
    if (!summary->any || step >= summary->step) {
        summary->step = step;
        summary->last = value;
    }
    if (!summary->any || value < summary->min ||
        (value == summary->min && step < summary->min_step)) {
        summary->min_step = step;
        summary->min = value;
    }
    if (!summary->any || value > summary->max ||
        (value == summary->max && step < summary->max_step)) {
        summary->max_step = step;
        summary->max = value;
    }
    summary->any = true;
}

bool store_metrics_summary(struct db *db, int64_t job, struct metric_summary *out, int room,
                           int *count, struct error *error)
{
    const struct sql_list list = SQL_LIST(sql_integer(job), sql_integer(room > 0 ? room : 0));
    struct sqlite3_stmt *statement = NULL;
    bool row = true;

    *count = 0;
    if (!sql_query(&db->sql, select_summaries, list, &statement, error))
        return false;
    while (sql_step(&db->sql, statement, &row, error)) {
        if (!row)
            return true;
        struct metric_summary *summary = &out[(*count)++];
        *summary = (struct metric_summary){0};
        snprintf(summary->series, sizeof(summary->series), "%s", sql_column_text(statement, 6));
        read_summary(statement, summary);
    }
    return false;
}

/* ---- adding ---- */

/* One series of a batch; `summary.series` is its name. */
struct batch_series {
    int64_t number;
    bool stored; /* the job had it before this batch */
    bool changed;
    int64_t from; /* first step of the rows that are new */
    struct stretches stretches;
    struct metric_summary summary;
};

struct batch {
    struct db *db;
    int64_t job;
    struct batch_series series[SERIES_MAX];
    size_t count;
    int64_t from, to; /* steps of the rows that are new */
    bool changed;
};

/* Such a name needs no escapes in JSON. */
static bool name_allowed(const char *name)
{
    size_t length =
        strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-");

    return length > 0 && name[length] == '\0' &&
           length < sizeof(((struct metric_summary *)NULL)->series);
}

static bool series_number(struct db *db, const char *name, int64_t *out, struct error *error)
{
    struct error missing = {0};

    if (sql_get(&db->sql, find_series, SQL_LIST(sql_text(name)), out, &missing))
        return true;
    if (missing.kind != ERROR_NOT_FOUND)
        return error_set(error, missing.kind, missing.where, "%s", missing.text);
    if (!sql_run(&db->sql, add_series, SQL_LIST(sql_text(name)), error))
        return false;
    *out = sql_last_key(&db->sql);
    return true;
}

/* A series that the job does not have yet must find room. */
static bool load_summary(struct batch *batch, struct batch_series *series, struct error *error)
{
    struct sql *sql = &batch->db->sql;
    struct sqlite3_stmt *statement = NULL;
    bool row = false;
    int64_t stored = 0, fresh = 1;

    if (!sql_query(sql, select_summary,
                   SQL_LIST(sql_integer(batch->job), sql_integer(series->number)), &statement,
                   error) ||
        !sql_step(sql, statement, &row, error))
        return false;
    if (row) {
        read_summary(statement, &series->summary);
        sql_reset(statement);
        series->stored = true;
        return true;
    }
    for (size_t i = 0; i < batch->count; i++)
        fresh += !batch->series[i].stored;
    if (!sql_get(sql, count_series, SQL_LIST(sql_integer(batch->job)), &stored, error))
        return false;
    return stored + fresh <= SERIES_MAX ||
           error_set(error, ERROR_TOO_LARGE, "metrics", "a job has at most %d series", SERIES_MAX);
}

static struct batch_series *find_batch_series(struct batch *batch, const char *name,
                                              struct error *error)
{
    for (size_t i = 0; i < batch->count; i++)
        if (strcmp(batch->series[i].summary.series, name) == 0)
            return &batch->series[i];
    if (!name_allowed(name)) {
        error_set(error, ERROR_INVALID, "metrics", "a series cannot have the name %s", name);
        return NULL;
    }
    if (batch->count == SERIES_MAX) {
        error_set(error, ERROR_TOO_LARGE, "metrics", "a job has at most %d series", SERIES_MAX);
        return NULL;
    }
    struct batch_series *series = &batch->series[batch->count];
    *series = (struct batch_series){0};
    snprintf(series->summary.series, sizeof(series->summary.series), "%s", name);
    if (!series_number(batch->db, name, &series->number, error) ||
        !load_summary(batch, series, error))
        return NULL;
    series->stretches = (struct stretches){.job = batch->job, .series = series->number};
    batch->count++;
    return series;
}

/* The row is there already: a resumed job has taken the step again and must have found the same. */
static bool compare_row(struct batch *batch, const struct batch_series *series,
                        const struct metric_row *row, struct error *error)
{
    struct sql *sql = &batch->db->sql;
    struct sqlite3_stmt *statement = NULL;
    bool found = false;

    if (!sql_query(
            sql, select_metric,
            SQL_LIST(sql_integer(batch->job), sql_integer(series->number), sql_integer(row->step)),
            &statement, error) ||
        !sql_step(sql, statement, &found, error))
        return false;
    double stored = found ? metric_value(statement, 0, 1) : NAN;
    sql_reset(statement);
    if (!found)
        return error_set(error, ERROR_CORRUPT, sql->where, "a row of %s is there and is not",
                         row->series);
    return same(stored, row->value) ||
           error_set(error, ERROR_CORRUPT, "metrics",
                     "nondeterminism: %s of step %" PRId64 " was %.17g and is now %.17g",
                     row->series, row->step, stored, row->value);
}

static bool add_row(struct batch *batch, const struct metric_row *row, struct error *error)
{
    struct sql *sql = &batch->db->sql;
    struct batch_series *series = find_batch_series(batch, row->series, error);

    if (!series)
        return false;
    if (!sql_run(sql, insert_metric,
                 SQL_LIST(sql_integer(batch->job), sql_integer(series->number),
                          sql_integer(row->step), sql_real(row->value),
                          sql_integer(metric_flag(row->value)), sql_integer(row->at)),
                 error))
        return false;
    if (sql_changes(sql) == 0)
        return compare_row(batch, series, row, error);
    extend_summary(&series->summary, row->step, row->value);
    if (!series->changed || row->step < series->from)
        series->from = row->step;
    series->changed = true;
    if (!batch->changed || row->step < batch->from)
        batch->from = row->step;
    if (!batch->changed || row->step > batch->to)
        batch->to = row->step;
    batch->changed = true;
    return stretches_add(batch->db, &series->stretches, (struct stretch_row){row->step, row->value},
                         error);
}

static bool write_summary(struct batch *batch, const struct batch_series *series,
                          struct error *error)
{
    const struct metric_summary *summary = &series->summary;
    const struct sql_value job = sql_integer(batch->job), number = sql_integer(series->number);

    if (!summary->any)
        return sql_run(&batch->db->sql, replace_summary,
                       SQL_LIST(job, number, sql_null(), sql_null(), sql_null(), sql_null(),
                                sql_null(), sql_null()),
                       error);
    return sql_run(&batch->db->sql, replace_summary,
                   SQL_LIST(job, number, sql_integer(summary->step), sql_real(summary->last),
                            sql_integer(summary->min_step), sql_real(summary->min),
                            sql_integer(summary->max_step), sql_real(summary->max)),
                   error);
}

/* {"from": 11, "to": 20, "series": ["train_loss", "lr"]} */
static bool add_event(struct batch *batch, struct error *error)
{
    char data[SERIES_MAX * sizeof(batch->series[0].summary.series) + 4 * SERIES_MAX + 96];
    int used = snprintf(data, sizeof(data), "{\"from\":%" PRId64 ",\"to\":%" PRId64 ",\"series\":[",
                        batch->from, batch->to);
    const char *comma = "";

    for (size_t i = 0; i < batch->count; i++)
        if (batch->series[i].changed) {
            used += snprintf(data + used, sizeof(data) - (size_t)used, "%s\"%s\"", comma,
                             batch->series[i].summary.series);
            comma = ",";
        }
    snprintf(data + used, sizeof(data) - (size_t)used, "]}");
    return store_event_add(batch->db, batch->job, "metrics", batch->to, data, error);
}

/* What is kept beside the rows; after their event. */
static bool end_series(struct batch *batch, struct batch_series *series, struct error *error)
{
    return write_summary(batch, series, error) &&
           stretches_end(batch->db, &series->stretches, error) &&
           arrival_add(batch->db, batch->job, series->number, series->from, error);
}

bool store_metrics_add(struct db *db, int64_t job, const struct metric_row *rows, size_t count,
                       struct error *error)
{
    struct batch batch = {.db = db, .job = job};

    for (size_t i = 0; i < count; i++)
        if (!add_row(&batch, &rows[i], error))
            return false;
    if (!batch.changed)
        return true;
    if (!add_event(&batch, error))
        return false;
    for (size_t i = 0; i < batch.count; i++)
        if (batch.series[i].changed && !end_series(&batch, &batch.series[i], error))
            return false;
    return store_job_touch(db, job, error);
}
