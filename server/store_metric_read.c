/* Store's metrics: reading rows. Knows no series by name. */
#include "server/store_inside.h"

#include <math.h>
#include <string.h>

static const char select_series[] = "SELECT s.series, n.name FROM summary s JOIN series n ON "
                                    "n.number = s.series WHERE s.job = ?1 ORDER BY s.series";
static const char select_metrics[] = "SELECT step, value, flag, at FROM metric WHERE job = ?1 AND "
                                     "series = ?2 AND step BETWEEN ?3 AND ?4 ORDER BY step";

/* ---- numbers that are not finite ---- */

enum nonfinite metric_flag(double value)
{
    if (isnan(value))
        return NONFINITE_NAN;
    if (isinf(value))
        return value > 0 ? NONFINITE_PLUS : NONFINITE_MINUS;
    return FINITE;
}

double metric_nonfinite(int64_t flag)
{
    switch (flag) {
    case NONFINITE_PLUS:
        return INFINITY;
    case NONFINITE_MINUS:
        return -INFINITY;
    default:
        return NAN;
    }
}

double metric_value(struct sqlite3_stmt *statement, int value, int flag)
{
    if (!sql_column_is_null(statement, value))
        return sql_column_real(statement, value);
    return metric_nonfinite(sql_column_integer(statement, flag));
}

/* ---- rows ---- */

static bool wanted(const char *const *names, const char *name)
{
    if (!names)
        return true;
    for (; *names; names++)
        if (strcmp(*names, name) == 0)
            return true;
    return false;
}

struct reading {
    struct db *db;
    const struct metric_query *query;
    metric_each *each;
    void *context;
    bool stopped; /* `each` wants no more */
};

static bool read_series(struct reading *reading, int64_t number, const char *name,
                        struct error *error)
{
    const struct metric_query *query = reading->query;
    struct sql *sql = &reading->db->sql;
    struct sqlite3_stmt *statement = NULL;
    bool row = true;

    if (!sql_query(sql, select_metrics,
                   SQL_LIST(sql_integer(query->job), sql_integer(number), sql_integer(query->from),
                            sql_integer(query->to != 0 ? query->to : INT64_MAX)),
                   &statement, error))
        return false;
    while (sql_step(sql, statement, &row, error)) {
        if (!row)
            return true;
        struct metric_row metric = {.series = name,
                                    .step = sql_column_integer(statement, 0),
                                    .value = metric_value(statement, 1, 2),
                                    .at = sql_column_integer(statement, 3)};
        if (!reading->each(reading->context, &metric)) {
            reading->stopped = true;
            sql_reset(statement);
            return true;
        }
    }
    return false;
}

/* The outer statement stays open over the inner ones, so that all series are read from one
 * snapshot. */
bool store_metrics_read(struct db *db, const struct metric_query *query, metric_each *each,
                        void *context, struct error *error)
{
    struct reading reading = {.db = db, .query = query, .each = each, .context = context};
    struct sqlite3_stmt *statement = NULL;
    bool row = true;

    if (!sql_query(&db->sql, select_series, SQL_LIST(sql_integer(query->job)), &statement, error))
        return false;
    while (sql_step(&db->sql, statement, &row, error)) {
        if (!row)
            return true;
        const char *name = sql_column_text(statement, 1);
        if (!wanted(query->names, name))
            continue;
        bool good = read_series(&reading, sql_column_integer(statement, 0), name, error);
        if (!good || reading.stopped) {
            sql_reset(statement);
            return good;
        }
    }
    return false;
}
