/* Store's stretches: what is kept beside the rows of a series as they are written, so that a curve
 * of few points need not read them. Knows no series by name. */
#include "server/store_inside.h"

static const int shifts[STRETCH_LEVELS] = {0, 4, 8, 12};

#define LOWER                                                                                      \
    "excluded.min < min OR min IS NULL OR (excluded.min = min AND excluded.min_step < min_step)"
#define HIGHER                                                                                     \
    "excluded.max > max OR max IS NULL OR (excluded.max = max AND excluded.max_step < max_step)"
#define EARLIER "excluded.odd_step < odd_step OR odd_step IS NULL"

/* Where the new one has nothing to say, its NULL takes the place of a NULL alone. */
static const char join_stretch[] =
    "INSERT INTO stretch (job, series, shift, place, min_step, min, max_step, max, odd_step, odd)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT DO UPDATE SET"
    " min_step = CASE WHEN " LOWER " THEN excluded.min_step ELSE min_step END,"
    " min = CASE WHEN " LOWER " THEN excluded.min ELSE min END,"
    " max_step = CASE WHEN " HIGHER " THEN excluded.max_step ELSE max_step END,"
    " max = CASE WHEN " HIGHER " THEN excluded.max ELSE max END,"
    " odd_step = CASE WHEN " EARLIER " THEN excluded.odd_step ELSE odd_step END,"
    " odd = CASE WHEN " EARLIER " THEN excluded.odd ELSE odd END";

static const char delete_stretches[] =
    "DELETE FROM stretch WHERE job = ?1 AND series = ?2 AND shift = ?3 AND place >= ?4";

#define ROWS                                                                                       \
    "metric WHERE job = ?1 AND series = ?2 AND step BETWEEN ?4 << ?3 AND ((?4 + 1) << ?3) - 1 "    \
    "AND "
static const char make_stretch[] =
    "INSERT INTO stretch (job, series, shift, place, min_step, min, max_step, max, odd_step, odd)"
    " SELECT ?1, ?2, ?3, ?4, low.step, low.value, high.step, high.value, odd.step, odd.flag"
    " FROM (SELECT 1) LEFT JOIN"
    " (SELECT step, value FROM " ROWS "flag = 0 ORDER BY value, step LIMIT 1) low LEFT JOIN"
    " (SELECT step, value FROM " ROWS "flag = 0 ORDER BY value DESC, step LIMIT 1) high LEFT JOIN"
    " (SELECT step, flag FROM " ROWS "flag <> 0 ORDER BY step LIMIT 1) odd"
    " WHERE low.step IS NOT NULL OR odd.step IS NOT NULL";

int64_t stretch_width(int level)
{
    return INT64_C(1) << shifts[level];
}

int stretch_shift(int level)
{
    return shifts[level];
}

/* NULL where there is no such row. */
static struct sql_value step_of(struct stretch_row row)
{
    return row.step != 0 ? sql_integer(row.step) : sql_null();
}

static struct sql_value value_of(struct stretch_row row)
{
    return row.step != 0 ? sql_real(row.value) : sql_null();
}

static bool write_out(struct db *db, const struct stretches *stretches, int level,
                      struct error *error)
{
    const struct stretch *open = &stretches->open[level].stretch;
    const struct sql_value odd =
        open->odd.step != 0 ? sql_integer(metric_flag(open->odd.value)) : sql_null();

    return sql_run(&db->sql, join_stretch,
                   SQL_LIST(sql_integer(stretches->job), sql_integer(stretches->series),
                            sql_integer(shifts[level]), sql_integer(stretches->open[level].place),
                            step_of(open->min), value_of(open->min), step_of(open->max),
                            value_of(open->max), step_of(open->odd), odd),
                   error);
}

bool stretches_add(struct db *db, struct stretches *stretches, struct stretch_row row,
                   struct error *error)
{
    for (int level = 1; level < STRETCH_LEVELS; level++) {
        struct stretch_open *open = &stretches->open[level];
        int64_t place = row.step >> shifts[level];

        if (open->any && open->place != place) {
            if (!write_out(db, stretches, level, error))
                return false;
            open->stretch = (struct stretch){0};
        }
        open->any = true;
        open->place = place;
        stretch_take(&open->stretch, row);
    }
    return true;
}

bool stretches_end(struct db *db, struct stretches *stretches, struct error *error)
{
    for (int level = 1; level < STRETCH_LEVELS; level++) {
        if (stretches->open[level].any && !write_out(db, stretches, level, error))
            return false;
        stretches->open[level] = (struct stretch_open){0};
    }
    return true;
}

/* Those that the step cuts are made of the rows that are left. */
bool stretches_cut(struct db *db, int64_t job, int64_t series, int64_t step, struct error *error)
{
    for (int level = 1; level < STRETCH_LEVELS; level++) {
        const struct sql_list list =
            SQL_LIST(sql_integer(job), sql_integer(series), sql_integer(shifts[level]),
                     sql_integer(step >> shifts[level]));

        if (!sql_run(&db->sql, delete_stretches, list, error) ||
            !sql_run(&db->sql, make_stretch, list, error))
            return false;
    }
    return true;
}
