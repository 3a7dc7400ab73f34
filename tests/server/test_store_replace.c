/* What the store takes back: checkpoints that make room for others, and rows that are to be taken
 * again. */
#include "tests/server/store_support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t old_bytes[] = "the first bytes", new_bytes[] = "other bytes, more of them";

static struct checkpoint_new checkpoint_at(int64_t job, int64_t step, bool passing)
{
    return (struct checkpoint_new){.job = job,
                                   .step = step,
                                   .epoch = 1,
                                   .bytes = old_bytes,
                                   .size = sizeof(old_bytes),
                                   .score = (double)step,
                                   .keep_last = 2,
                                   .keep_best = 1,
                                   .passing = passing};
}

/* "0 10p 20*": the steps; p is passing, a star the best. */
static void check_list(struct db *db, int64_t job, const char *wanted)
{
    struct checkpoint_row *rows = NULL;
    struct error error = {0};
    char out[128] = "";
    int count = 0, used = 0;

    GOOD(store_checkpoint_list(db, job, &rows, &count, &error));
    for (int i = 0; i < count; i++) {
        used += snprintf(out + used, sizeof(out) - (size_t)used, "%s%d%s%s", i ? " " : "",
                         (int)rows[i].step, rows[i].passing ? "p" : "", rows[i].best ? "*" : "");
        checkpoint_row_drop(&rows[i]);
    }
    free(rows);
    CHECK_TEXT(out, wanted);
}

static void check_bytes(struct db *db, int64_t job, int64_t step, const uint8_t *wanted,
                        size_t size)
{
    struct checkpoint_row row = {0};
    struct error error = {0};
    uint8_t bytes[64];

    GOOD(store_checkpoint_find(db, job, step, &row, &error));
    CHECK_INT(row.bytes, (int64_t)size);
    GOOD(store_checkpoint_read(db, row.number, 0, bytes, size, &error));
    CHECK(memcmp(bytes, wanted, size) == 0);
    checkpoint_row_drop(&row);
}

TEST("a passing checkpoint is kept until the next one, is never the best and takes nobody's place")
{
    struct store *store = must_open();
    struct db *db = must_read(store);
    struct error error = {0};
    int64_t job = must_add(store, 0);
    static const struct {
        int64_t step;
        bool passing;
        const char *left;
    } rows[] = {
        {5, true, "5p"},       {10, false, "10*"},    {15, true, "10* 15p"},
        {17, true, "10* 17p"}, {20, false, "10 20*"}, {25, true, "10 20* 25p"},
        {30, false, "20 30*"}, {30, true, "20 30*"},  {40, true, "20 30* 40p"},
        {40, false, "30 40*"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct checkpoint_new checkpoint = checkpoint_at(job, rows[i].step, rows[i].passing);
        GOOD(store_checkpoint_add(store, &checkpoint, &error));
        check_list(db, job, rows[i].left);
    }
    db_close(db);
    must_finish(store);
}

struct also {
    int runs;
    bool fails;
};

static bool also_work(struct db *db, void *context, struct error *error)
{
    struct also *also = context;

    (void)db;
    also->runs++;
    return !also->fails || error_set(error, ERROR_IO, "", "as wished");
}

TEST("a checkpoint that replaces one of its step takes its place in one write with what belongs to "
     "it, or not at all")
{
    struct store *store = must_open();
    struct db *db = must_read(store);
    struct error error = {0};
    int64_t job = must_add(store, 0);
    struct also also = {.fails = true};
    struct checkpoint_new checkpoint = checkpoint_at(job, 10, false);

    GOOD(store_checkpoint_add(store, &checkpoint, &error));
    checkpoint.bytes = new_bytes;
    checkpoint.size = sizeof(new_bytes);
    GOOD(store_checkpoint_add(store, &checkpoint, &error)); /* without being told to */
    check_bytes(db, job, 10, old_bytes, sizeof(old_bytes));
    checkpoint.replace = true;
    checkpoint.also = also_work;
    checkpoint.context = &also;
    FAILS(store_checkpoint_add(store, &checkpoint, &error), ERROR_IO);
    check_bytes(db, job, 10, old_bytes, sizeof(old_bytes));
    also.fails = false;
    GOOD(store_checkpoint_add(store, &checkpoint, &error));
    check_bytes(db, job, 10, new_bytes, sizeof(new_bytes));
    CHECK_INT(also.runs, 2);
    check_list(db, job, "10*");
    GOOD(try_sql(store,
                 "CREATE TEMP TABLE none (n INTEGER CHECK (n = 0));"
                 "INSERT INTO none SELECT count(*) FROM checkpoint WHERE complete = 0",
                 &error));
    db_close(db);
    must_finish(store);
}

TEST("where there is nothing to replace the checkpoint is added, also at step 0")
{
    struct store *store = must_open();
    struct db *db = must_read(store);
    struct error error = {0};
    int64_t job = must_add(store, 0);
    struct checkpoint_new checkpoint = checkpoint_at(job, 0, false);

    checkpoint.replace = true;
    for (int i = 0; i < 3; i++) {
        GOOD(store_checkpoint_add(store, &checkpoint, &error));
        check_list(db, job, "0*");
    }
    check_bytes(db, job, 0, old_bytes, sizeof(old_bytes));
    check_bytes(db, job, CHECKPOINT_NEWEST, old_bytes, sizeof(old_bytes));
    check_bytes(db, job, CHECKPOINT_BEST, old_bytes, sizeof(old_bytes));
    db_close(db);
    must_finish(store);
}

struct behind {
    int64_t job, step;
};

static bool forget_work(struct db *db, void *context, struct error *error)
{
    const struct behind *behind = context;

    return store_checkpoint_forget(db, behind->job, behind->step, error) &&
           store_metrics_forget(db, behind->job, behind->step, error);
}

static bool put_work(struct db *db, void *context, struct error *error)
{
    return store_checkpoint_put(db, context, error);
}

TEST("checkpoints behind a step are taken back, and the best is chosen among those that are left")
{
    struct store *store = must_open();
    struct db *db = must_read(store);
    struct error error = {0};
    int64_t job = must_add(store, 0), other = must_add(store, 0);
    struct behind behind = {job, 20};

    for (int64_t step = 10; step <= 40; step += 10) {
        struct checkpoint_new checkpoint = checkpoint_at(job, step, step == 40);
        checkpoint.keep_last = 9;
        GOOD(store_checkpoint_add(store, &checkpoint, &error));
    }
    struct checkpoint_new far = checkpoint_at(other, 90, false);
    GOOD(store_checkpoint_add(store, &far, &error));
    check_list(db, job, "10 20 30* 40p");
    GOOD(store_write(store, forget_work, &behind, &error));
    check_list(db, job, "10 20*");
    check_list(db, other, "90*");
    /* Their steps are free. */
    struct checkpoint_new again = checkpoint_at(job, 30, false);
    GOOD(store_checkpoint_add(store, &again, &error));
    check_list(db, job, "20 30*");
    db_close(db);
    must_finish(store);
}

TEST("a checkpoint of several chunks that is put inside one write comes back byte for byte")
{
    const size_t size = 3 * 1024 * 1024 + 1;
    struct store *store = must_open();
    struct db *db = must_read(store);
    struct error error = {0};
    struct checkpoint_row row;
    uint8_t *bytes = make_bytes(size, 1), *back = calloc(1, size);
    int64_t job = must_add(store, 0);
    struct checkpoint_new checkpoint = checkpoint_at(job, 0, false);

    CHECK(back);
    checkpoint.bytes = bytes;
    checkpoint.size = size;
    checkpoint.score = NAN;
    GOOD(store_write(store, put_work, &checkpoint, &error));
    check_list(db, job, "0");
    GOOD(store_checkpoint_find(db, job, 0, &row, &error));
    GOOD(store_checkpoint_read(db, row.number, 0, back, size, &error));
    CHECK(memcmp(bytes, back, size) == 0);
    checkpoint_row_drop(&row);
    free(bytes);
    free(back);
    db_close(db);
    must_finish(store);
}

/* "loss 2: last 5, 1@1 to 5@2" for each series. */
static void check_summaries(struct db *db, int64_t job, const char *wanted)
{
    struct metric_summary series[8];
    struct error error = {0};
    char out[400] = "";
    int count = 0, used = 0;

    GOOD(store_metrics_summary(db, job, series, 8, &count, &error));
    for (int i = 0; i < count; i++) {
        const struct metric_summary *s = &series[i];
        if (!s->any)
            used += snprintf(out + used, sizeof(out) - (size_t)used, "%s none;", s->series);
        else
            used += snprintf(out + used, sizeof(out) - (size_t)used,
                             "%s %d: last %g, %g@%d to %g@%d;", s->series, (int)s->step, s->last,
                             s->min, (int)s->min_step, s->max, (int)s->max_step);
    }
    CHECK_TEXT(out, wanted);
}

TEST("rows behind a step are forgotten, the summaries are those of the rest, and the steps can be "
     "taken again")
{
    static const struct metric_row rows[] = {
        {"loss", 1, 3, 1},         {"loss", 2, 5, 1},   {"loss", 3, 5, 1}, {"loss", 4, 1, 1},
        {"loss", 5, NAN, 1},       {"norm", 1, NAN, 1}, {"norm", 4, 2, 1}, {"late", 4, 7, 1},
        {"early", 1, INFINITY, 1}, {"early", 2, 4, 1},
    };
    static const struct metric_row again[] = {{"loss", 4, 9, 1}, {"late", 5, 6, 1}};
    struct store *store = must_open();
    struct db *db = must_read(store);
    struct error error = {0};
    int64_t job = must_add(store, 0), other = must_add(store, 0);
    struct behind behind = {job, 3};

    GOOD(try_metrics(store, job, rows, sizeof(rows) / sizeof(rows[0]), &error));
    GOOD(try_metrics(store, other, rows, sizeof(rows) / sizeof(rows[0]), &error));
    FAILS(try_metrics(store, job, again, 2, &error), ERROR_CORRUPT);
    GOOD(store_write(store, forget_work, &behind, &error));
    check_summaries(db, job, "loss 3: last 5, 3@1 to 5@2;norm none;early 2: last 4, 4@2 to 4@2;");
    check_summaries(db, other,
                    "loss 4: last 1, 1@4 to 5@2;norm 4: last 2, 2@4 to 2@4;"
                    "late 4: last 7, 7@4 to 7@4;early 2: last 4, 4@2 to 4@2;");
    GOOD(try_metrics(store, job, again, 2, &error));
    check_summaries(db, job,
                    "loss 4: last 9, 3@1 to 9@4;norm none;late 5: last 6, 6@5 to 6@5;"
                    "early 2: last 4, 4@2 to 4@2;");
    behind.step = 0;
    GOOD(store_write(store, forget_work, &behind, &error));
    check_summaries(db, job, "");
    db_close(db);
    must_finish(store);
}
