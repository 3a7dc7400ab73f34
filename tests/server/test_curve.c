/* Curves out of stretches against curves out of rows, and what is new since an event. */
#include "server/assets.h"
#include "server/curve_reader.h"
#include "server/sql.h"
#include "tests/server/store_support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct behind {
    int64_t job, step;
};

static bool forget_work(struct db *db, void *context, struct error *error)
{
    const struct behind *behind = context;

    return store_metrics_forget(db, behind->job, behind->step, error) &&
           store_event_add(db, behind->job, "warning", behind->step, "{}", error);
}

static void must_forget(struct store *store, int64_t job, int64_t step)
{
    struct behind behind = {job, step};
    struct error error = {0};

    GOOD(store_write(store, forget_work, &behind, &error));
}

static bool add_to_thin(void *context, const struct metric_row *row)
{
    return thin_add(context, row->step, row->value);
}

/* All points of one curve, as the reader gives them in slices. */
static struct thin read_all(struct db *db, const struct curve *curve, int64_t job, int64_t cursor,
                            size_t most)
{
    const struct curve_piece piece = {.job = job, .cursor = cursor};
    struct curve_reader reader;
    struct thin out;
    struct error error = {0};

    thin_init(&out, 0, 1);
    curve_reader_open(&reader, curve, &piece, most);
    for (;;) {
        while (!reader.ready)
            GOOD(curve_reader_read(&reader, db, &error));
        for (size_t i = 0; i < reader.thin.count; i++) {
            CHECK(thin_add(&out, reader.thin.points[i].step, 0));
            out.points[out.count - 1] = reader.thin.points[i];
        }
        if (reader.over)
            break;
        curve_reader_go_on(&reader);
    }
    curve_reader_close(&reader);
    return out;
}

static bool same_number(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

/* The reader's answer is that of all rows thinned one by one. */
static void check_curve(struct db *db, const struct curve_range *asked, size_t most)
{
    struct curve_range range = *asked;
    struct curve_list list;
    struct error error = {0};

    GOOD(store_curve_open(db, &range, &list, &error));
    for (int i = 0; i < list.count; i++) {
        const char *const names[] = {list.items[i].name, NULL};
        const struct metric_query query = {range.job, names, range.from, range.to};
        struct thin want, got;

        thin_init(&want, most, 1);
        GOOD(store_metrics_read(db, &query, add_to_thin, &want, &error));
        CHECK(thin_finish(&want));
        got = read_all(db, &list.items[i], range.job, list.mark.cursor, most);
        CHECK_INT((int64_t)got.count, (int64_t)want.count);
        for (size_t k = 0; k < want.count; k++) {
            CHECK_INT(got.points[k].step, want.points[k].step);
            CHECK(same_number(got.points[k].value, want.points[k].value));
            CHECK(same_number(got.points[k].min, want.points[k].min));
            CHECK(same_number(got.points[k].max, want.points[k].max));
        }
        thin_drop(&want);
        thin_drop(&got);
    }
}

/* A loss with spikes and some numbers that are none, a rate that never changes, and an evaluation
 * now and then. */
enum { SERIES = 3 };

static size_t make_rows(struct metric_row *rows, int64_t from, int64_t to, unsigned *seed)
{
    size_t count = 0;

    for (int64_t step = from; step <= to; step++) {
        double loss = (double)(rand_r(seed) % 1000) / 8;
        int odd = rand_r(seed) % 2000;

        loss = odd == 0 ? NAN : odd == 1 ? INFINITY : odd == 2 ? -INFINITY : loss;
        rows[count++] = (struct metric_row){"loss", step, loss, 1};
        rows[count++] = (struct metric_row){"lr", step, 0.1, 1};
        if (step % 700 == 0)
            rows[count++] = (struct metric_row){"val", step, loss, 1};
    }
    return count;
}

/* Batches as a job sends them, of one row to some thousand, in the order of their steps or not. */
static void add_steps(struct store *store, int64_t job, int64_t from, int64_t to, unsigned *seed)
{
    enum { BATCH = 2500 };
    struct metric_row *rows = calloc((size_t)BATCH * SERIES, sizeof(*rows));
    struct error error = {0};

    CHECK(rows);
    while (from <= to) {
        int64_t last = from + rand_r(seed) % (rand_r(seed) % 3 == 0 ? BATCH : 40);

        last = last < to ? last : to;
        size_t count = make_rows(rows, from, last, seed);
        for (size_t i = 0; rand_r(seed) % 4 == 0 && i < count; i++) {
            size_t other = (size_t)rand_r(seed) % count;
            struct metric_row row = rows[i];
            rows[i] = rows[other];
            rows[other] = row;
        }
        GOOD(try_metrics(store, job, rows, count, &error));
        from = last + 1;
    }
    free(rows);
}

static void check_ranges(struct db *db, int64_t job, int64_t steps, unsigned *seed)
{
    static const size_t most[] = {5, 6, 17, 100, 2000, 20000, 0};

    for (size_t i = 0; i < sizeof(most) / sizeof(most[0]); i++) {
        check_curve(db, &(struct curve_range){.job = job}, most[i]);
        for (int round = 0; round < 6; round++) {
            int64_t from = rand_r(seed) % (steps + 100), to = 1 + rand_r(seed) % (steps + 100);
            check_curve(db, &(struct curve_range){job, from, round == 0 ? from : to, 0}, most[i]);
        }
    }
}

TEST("few points out of stretches are those of all rows, for any range, and after rows were taken "
     "back and taken again")
{
    struct store *store = must_open();
    struct db *db = must_read(store);
    unsigned seed = 7;
    int64_t job = must_add(store, 0), other = must_add(store, 0);

    add_steps(store, other, 1, 300, &seed);
    add_steps(store, job, 1, 14000, &seed);
    check_ranges(db, job, 14000, &seed);
    static const int64_t cuts[] = {13999, 12288, 12287, 9000, 4097, 4096, 255, 16, 3, 0};
    for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
        must_forget(store, job, cuts[i]);
        check_curve(db, &(struct curve_range){.job = job}, 20);
        add_steps(store, job, cuts[i] + 1, cuts[i] + 1500, &seed);
        check_curve(db, &(struct curve_range){.job = job}, 20);
        check_curve(db, &(struct curve_range){job, 10, 9999, 0}, 60);
    }
    check_ranges(db, other, 300, &seed);
    db_close(db);
    must_finish(store);
}

/* "loss 11-20 lr none" for what is new since the event, and "-40" for a step behind which rows were
 * taken back. */
static void check_since(struct db *db, int64_t job, int64_t since, const char *wanted)
{
    struct curve_range range = {.job = job, .since = since};
    struct curve_list list;
    struct error error = {0};
    char out[200] = "";
    int used = 0;

    GOOD(store_curve_open(db, &range, &list, &error));
    for (int i = 0; i < list.count; i++) {
        const struct curve *curve = &list.items[i];
        if (curve->first.step == 0)
            used += snprintf(out + used, sizeof(out) - (size_t)used, "%s none ", curve->name);
        else
            used += snprintf(out + used, sizeof(out) - (size_t)used, "%s %d-%d ", curve->name,
                             (int)curve->first.step, (int)curve->last.step);
    }
    if (list.mark.taken_back)
        (void)snprintf(out + used, sizeof(out) - (size_t)used, "keep %d", (int)list.mark.keep);
    CHECK_TEXT(out, wanted);
}

static int64_t cursor_of(struct db *db, int64_t job)
{
    struct curve_range range = {.job = job};
    struct curve_list list;
    struct error error = {0};

    GOOD(store_curve_open(db, &range, &list, &error));
    return list.mark.cursor;
}

static void add_one(struct store *store, int64_t job, const char *series, int64_t from, int64_t to)
{
    struct metric_row rows[100];
    struct error error = {0};
    size_t count = 0;

    for (int64_t step = from; step <= to; step++)
        rows[count++] = (struct metric_row){series, step, (double)step, 1};
    GOOD(try_metrics(store, job, rows, count, &error));
}

TEST("who asks for what is new gets each row once, and hears of rows that were taken back")
{
    struct store *store = must_open();
    struct db *db = must_read(store);
    int64_t job = must_add(store, 0), other = must_add(store, 0);
    int64_t at[8];

    at[0] = cursor_of(db, job);
    add_one(store, job, "loss", 1, 20);
    at[1] = cursor_of(db, job);
    add_one(store, job, "val", 20, 20);
    at[2] = cursor_of(db, job);
    add_one(store, other, "loss", 1, 90);
    add_one(store, job, "loss", 21, 40);
    at[3] = cursor_of(db, job);
    check_since(db, job, at[0], "loss 1-40 val 20-20 ");
    check_since(db, job, at[1], "loss 21-40 val 20-20 ");
    check_since(db, job, at[2], "loss 21-40 val none ");
    check_since(db, job, at[3], "loss none val none ");
    /* What a resumed job takes again is not new. */
    add_one(store, job, "loss", 31, 45);
    check_since(db, job, at[3], "loss 41-45 val none ");

    at[4] = cursor_of(db, job);
    must_forget(store, job, 30);
    check_since(db, job, at[4], "loss none val none keep 30");
    check_since(db, job, at[1], "loss 21-30 val 20-20 keep 30");
    check_since(db, other, at[1], "loss 1-90 ");
    at[5] = cursor_of(db, job);
    add_one(store, job, "loss", 31, 35);
    check_since(db, job, at[4], "loss 31-35 val none keep 30");
    check_since(db, job, at[5], "loss 31-35 val none ");
    must_forget(store, job, 10);
    add_one(store, job, "loss", 11, 12);
    check_since(db, job, at[4], "loss 11-12 keep 10");
    check_since(db, job, at[5], "loss 11-12 keep 10");
    check_since(db, job, at[0], "loss 1-12 keep 10");

    /* Rows before others that came earlier, and a cursor of another store. */
    at[6] = cursor_of(db, job);
    add_one(store, job, "late", 50, 60);
    at[7] = cursor_of(db, job);
    add_one(store, job, "late", 10, 11);
    check_since(db, job, at[6], "loss none late 10-60 ");
    check_since(db, job, at[7], "loss none late 10-60 ");
    check_since(db, job, 1000000, "loss 1-12 late 10-60 keep 0");
    db_close(db);
    must_finish(store);
}

TEST("rows that are taken back while a curve is read are not mixed with those that follow")
{
    struct store *store = must_open();
    struct db *db = must_read(store);
    struct error error = {0};
    unsigned seed = 3;
    int64_t job = must_add(store, 0);

    add_steps(store, job, 1, 8000, &seed);
    struct curve_range range = {.job = job};
    struct curve_list list;
    GOOD(store_curve_open(db, &range, &list, &error));
    const struct curve_piece piece = {.job = job, .cursor = list.mark.cursor};
    struct curve_reader reader;
    curve_reader_open(&reader, &list.items[0], &piece, 0);
    GOOD(curve_reader_read(&reader, db, &error));
    CHECK(reader.ready && !reader.over);
    curve_reader_go_on(&reader);
    must_forget(store, job, 100);
    FAILS(curve_reader_read(&reader, db, &error), ERROR_BUSY);
    curve_reader_close(&reader);
    db_close(db);
    must_finish(store);
}

/* A database as releases before the third migration left it. */
static void make_old_database(void)
{
    static const char rows[] =
        "INSERT INTO job (id, state, priority, created_at) VALUES ('aaaaaaaaaaaa', 'succeeded', 0, "
        "1);"
        "INSERT INTO job_text (job, meta, spec, plan) VALUES (1, '{\"labels\":{}}', '{}', '{}');"
        "INSERT INTO series (name) VALUES ('loss'), ('val');"
        "INSERT INTO event (job, name, step, at, data) VALUES (1, 'metrics', 9000, 1, '{}');"
        "WITH RECURSIVE steps (step) AS (SELECT 1 UNION ALL SELECT step + 1 FROM steps WHERE step "
        "< 9000)"
        "INSERT INTO metric (job, series, step, value, flag, at) SELECT 1, 1, step,"
        " CASE WHEN step % 811 = 0 THEN NULL ELSE (step * 7919 % 1009) / 8.0 END,"
        " CASE WHEN step % 811 = 0 THEN 1 + step / 811 % 3 ELSE 0 END, 1 FROM steps;"
        "INSERT INTO metric (job, series, step, value, flag, at) SELECT 1, 2, step, value, flag, 1"
        " FROM metric WHERE step % 600 = 0;"
        "INSERT INTO summary (job, series) VALUES (1, 1), (1, 2);";
    struct sql sql;
    struct error error = {0};

    GOOD(sql_open(&sql, "data/traind.db", SQL_WRITES, &error));
    for (size_t i = 0; i < migration_count && migrations[i].number < 3; i++)
        GOOD(sql_script(&sql, migrations[i].sql, &error));
    GOOD(sql_script(&sql, rows, &error));
    GOOD(sql_close(&sql, &error));
}

TEST("the curves of a database of an earlier release are those of its rows, and all new to whoever "
     "had less")
{
    struct error error = {0};
    unsigned seed = 5;

    GOOD(store_make_directory("data", &error));
    FILE *file = fopen("data/traind.db", "wb");
    CHECK(file && fclose(file) == 0);
    make_old_database();
    struct store *store = must_open();
    struct db *db = must_read(store);
    check_ranges(db, 1, 9000, &seed);
    int64_t cursor = cursor_of(db, 1);
    check_since(db, 1, cursor, "loss none val none ");
    add_one(store, 1, "loss", 9001, 9010);
    check_since(db, 1, cursor, "loss 9001-9010 val none ");
    check_since(db, 1, cursor - 1, "loss 1-9010 val 600-9000 ");
    db_close(db);
    must_finish(store);
}
