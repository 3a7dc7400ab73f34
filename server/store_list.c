/* Store's lists of jobs: see store_list.h. Each page is found by the key of the last one and never
 * by counting. The statements are texts of the program; what is asked for reaches them as values.
 *
 * Jobs without the key of an order (not yet finished, without a name, never measured) are walked
 * through after those that have it. */
#include "server/store_list.h"

#include "server/store_inside.h"

#include <float.h>
#include <stdio.h>
#include <string.h>

/* clang-format off */
const char *const job_order_names[2 * JOB_ORDERS + 1] = {
    "created_at", "-created_at", "priority", "-priority", "name", "-name",
    "started_at", "-started_at", "finished_at", "-finished_at",
    "best.val_loss", "-best.val_loss", "best.val_accuracy", "-best.val_accuracy",
    "best.train_loss", "-best.train_loss", "best.train_accuracy", "-best.train_accuracy",
};

/* ?1, ?2: key and number to go on behind; ?3: states with commas around them; ?4: part of the name;
 * ?5: labels, ?6: how many; ?7: series; ?8: at most so many. NULL: all. */
#define FILTERS                                                                                    \
    " AND j.state <> 'deleted' AND (?3 IS NULL OR instr(?3, ',' || j.state || ',') > 0)"           \
    " AND (?4 IS NULL OR instr(lower(j.name), lower(?4)) > 0)"                                     \
    " AND (?5 IS NULL OR j.number IN (SELECT l.job FROM json_each(?5) w JOIN label l"              \
    " ON l.name = w.value ->> 0 AND (w.value ->> 1 IS NULL OR l.value = w.value ->> 1)"            \
    " GROUP BY l.job HAVING count(*) = ?6)) "

#define BY_NUMBER(way, sign)                                                                       \
    "SELECT j.number, NULL FROM job j NOT INDEXED WHERE j.number " sign " ?2" FILTERS              \
    "ORDER BY j.number " way " LIMIT ?8"
#define BY_COLUMN(column, index, present, way, sign)                                               \
    "SELECT j.number, j." column " FROM job j INDEXED BY " index                                   \
    " WHERE (j." column ", j.number) " sign " (?1, ?2)" present FILTERS                            \
    "ORDER BY j." column " " way ", j.number " way " LIMIT ?8"
#define WITHOUT_COLUMN(column, index, none)                                                        \
    "SELECT j.number, NULL FROM job j INDEXED BY " index " WHERE j." column " = " none             \
    " AND j.number < ?2" FILTERS "ORDER BY j.number DESC LIMIT ?8"

#define SERIES "(SELECT number FROM series WHERE name = ?7)"
#define BY_METRIC(column, way, sign)                                                               \
    "SELECT j.number, s." column " FROM summary s INDEXED BY summary_by_" column                   \
    " CROSS JOIN job j ON j.number = s.job WHERE s.series = " SERIES                               \
    " AND s." column " IS NOT NULL AND (s." column ", s.job) " sign " (?1, ?2)" FILTERS            \
    "ORDER BY s." column " " way ", s.job " way " LIMIT ?8"

static const char without_metric[] =
    "SELECT j.number, NULL FROM job j NOT INDEXED WHERE j.number < ?2 AND NOT EXISTS (SELECT 1 FROM"
    " summary s WHERE s.job = j.number AND s.series = " SERIES " AND s.max IS NOT NULL)" FILTERS
    "ORDER BY j.number DESC LIMIT ?8";

/* The same jobs both ways. */
struct walk {
    const char *up, *down;
};

static const struct walk by_number = {BY_NUMBER("ASC", ">"), BY_NUMBER("DESC", "<")};
#define WALK(column, index, present) {BY_COLUMN(column, index, present, "ASC", ">"),               \
                                      BY_COLUMN(column, index, present, "DESC", "<")}
static const struct walk by_priority = WALK("priority", "job_by_priority", "");
static const struct walk by_name = WALK("name", "job_by_name", " AND j.name > ''");
static const struct walk by_start = WALK("started_at", "job_by_start", " AND j.started_at > 0");
static const struct walk by_end = WALK("finished_at", "job_by_end", " AND j.finished_at > 0");
static const struct walk by_least = {BY_METRIC("min", "ASC", ">"), BY_METRIC("min", "DESC", "<")};
static const struct walk by_most = {BY_METRIC("max", "ASC", ">"), BY_METRIC("max", "DESC", "<")};

static const char without_name[] = WITHOUT_COLUMN("name", "job_by_name", "''");
static const char without_start[] = WITHOUT_COLUMN("started_at", "job_by_start", "0");
static const char without_end[] = WITHOUT_COLUMN("finished_at", "job_by_end", "0");

static const struct order {
    const struct walk *walk;
    enum job_key key;
    const char *without; /* NULL: there are no such jobs */
    const char *series;
} orders[JOB_ORDERS] = {
    [ORDER_ARRIVAL] = {&by_number, KEY_NONE},
    [ORDER_PRIORITY] = {&by_priority, KEY_INTEGER},
    [ORDER_NAME] = {&by_name, KEY_TEXT, without_name},
    [ORDER_START] = {&by_start, KEY_INTEGER, without_start},
    [ORDER_END] = {&by_end, KEY_INTEGER, without_end},
    [ORDER_VAL_LOSS] = {&by_least, KEY_REAL, without_metric, "val_loss"},
    [ORDER_VAL_ACCURACY] = {&by_most, KEY_REAL, without_metric, "val_accuracy"},
    [ORDER_TRAIN_LOSS] = {&by_least, KEY_REAL, without_metric, "train_loss"},
    [ORDER_TRAIN_ACCURACY] = {&by_most, KEY_REAL, without_metric, "train_accuracy"},
};
/* clang-format on */

static const char begin[] = "BEGIN";
static const char end[] = "COMMIT";

enum job_key job_order_key(enum job_order order)
{
    return orders[order].key;
}

void job_page_drop(struct job_page *page)
{
    for (int i = 0; i < page->count; i++)
        job_row_drop(&page->rows[i]);
    page->count = 0;
}

/* ---- values ---- */

/* In front of the first key, or behind the last one. A blob is behind every text. */
static struct sql_value outermost(enum job_key key, bool down)
{
    switch (key) {
    case KEY_INTEGER:
        return sql_integer(down ? INT64_MAX : INT64_MIN);
    case KEY_REAL:
        return sql_real(down ? DBL_MAX : -DBL_MAX);
    case KEY_TEXT:
        return down ? sql_blob("", 0) : sql_text("");
    case KEY_NONE:
        break;
    }
    return sql_null();
}

static struct sql_value key_of(enum job_key key, const struct job_place *place)
{
    switch (key) {
    case KEY_INTEGER:
        return sql_integer(place->integer);
    case KEY_REAL:
        return sql_real(place->real);
    case KEY_TEXT:
        return sql_text(place->text);
    case KEY_NONE:
        break;
    }
    return sql_null();
}

enum { STATES_SIZE = 128 };

static struct sql_value states_value(uint32_t states, char out[STATES_SIZE])
{
    size_t used = 0;

    if (states == 0)
        return sql_null();
    for (int i = 0; i < JOB_STATES; i++)
        if (states & UINT32_C(1) << i)
            used += (size_t)snprintf(out + used, STATES_SIZE - used, ",%s",
                                     job_state_name((enum job_state)i));
    (void)snprintf(out + used, STATES_SIZE - used, ",");
    return sql_text(out);
}

/* ---- walking ---- */

struct listing {
    struct db *db;
    const struct job_query *query;
    struct job_page *page;
    bool without; /* the walk is through the jobs without the key */
};

static void note_place(struct listing *listing, struct sqlite3_stmt *statement)
{
    struct job_place *last = &listing->page->last;

    *last =
        (struct job_place){.number = sql_column_integer(statement, 0), .without = listing->without};
    if (listing->without)
        return;
    last->integer = sql_column_integer(statement, 1);
    last->real = sql_column_real(statement, 1);
    (void)snprintf(last->text, sizeof(last->text), "%s", sql_column_text(statement, 1));
}

/* The statement stays open over the reading of the rows. */
static bool take_rows(struct listing *listing, struct sqlite3_stmt *statement, struct error *error)
{
    struct job_page *page = listing->page;
    bool row = true;

    while (sql_step(&listing->db->sql, statement, &row, error)) {
        if (!row)
            return true;
        page->more = page->count == listing->query->limit;
        if (!page->more)
            note_place(listing, statement);
        if (!page->more && store_job_get_number(listing->db, sql_column_integer(statement, 0),
                                                &page->rows[page->count], error)) {
            page->count++;
            continue;
        }
        sql_reset(statement);
        return page->more;
    }
    return false;
}

/* From `after` on, which NULL puts in front of the walk. */
static bool walk(struct listing *listing, const char *text, const struct job_place *after,
                 struct error *error)
{
    const struct job_query *query = listing->query;
    const struct order *order = &orders[query->order];
    bool down = query->down || listing->without;
    struct sqlite3_stmt *statement = NULL;
    char states[STATES_SIZE];
    struct sql_value key = listing->without ? sql_null()
                           : after          ? key_of(order->key, after)
                                            : outermost(order->key, down);
    int64_t number = after ? after->number : down ? INT64_MAX : INT64_MIN;

    return sql_query(&listing->db->sql, text,
                     SQL_LIST(key, sql_integer(number), states_value(query->states, states),
                              sql_text(query->name), sql_text(query->labels),
                              sql_integer(query->label_count), sql_text(order->series),
                              sql_integer(query->limit - listing->page->count + 1)),
                     &statement, error) &&
           take_rows(listing, statement, error);
}

static bool walk_all(struct listing *listing, struct error *error)
{
    const struct job_query *query = listing->query;
    const struct order *order = &orders[query->order];
    const struct job_place *after = query->after;

    if (!after || !after->without) {
        if (!walk(listing, query->down ? order->walk->down : order->walk->up, after, error))
            return false;
        after = NULL;
    }
    if (listing->page->more || !order->without)
        return true;
    listing->without = true;
    return walk(listing, order->without, after, error);
}

bool store_job_list(struct db *db, const struct job_query *query, struct job_page *out,
                    struct error *error)
{
    struct listing listing = {.db = db, .query = query, .page = out};
    struct error ignored = {0};
    bool good;

    out->count = 0;
    out->more = false;
    if (query->limit < 1 || query->limit > JOB_PAGE_MAX)
        return error_set(error, ERROR_INTERNAL, "store", "a page of %d jobs", query->limit);
    if (!sql_run(&db->sql, begin, SQL_NONE, error))
        return false;
    good = walk_all(&listing, error);
    good = sql_run(&db->sql, end, SQL_NONE, good ? error : &ignored) && good;
    if (!good)
        job_page_drop(out);
    return good;
}
