/* Checkpoints in the store: bytes, retention, the best one, leftovers. */
#include "tests/server/store_support.h"

#include "core/digest.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct checkpoint_new small(int64_t job, int64_t step, double score)
{
    static const uint8_t bytes[] = "a small checkpoint";

    return (struct checkpoint_new){.job = job,
                                   .step = step,
                                   .epoch = 1,
                                   .bytes = bytes,
                                   .size = sizeof(bytes),
                                   .score = score,
                                   .keep_last = 2,
                                   .keep_best = 1};
}

/* "10 20* 30": the steps, the best one with a star. */
static void describe(struct db *db, int64_t job, char out[128])
{
    struct checkpoint_row *rows = NULL;
    struct error error = {0};
    int count = 0, used = 0;

    GOOD(store_checkpoint_list(db, job, &rows, &count, &error));
    out[0] = '\0';
    for (int i = 0; i < count; i++) {
        used += snprintf(out + used, 128 - (size_t)used, "%s%d%s", i ? " " : "", (int)rows[i].step,
                         rows[i].best ? "*" : "");
        checkpoint_row_drop(&rows[i]);
    }
    free(rows);
}

static int64_t count_rows(struct store *store, const char *check)
{
    struct error error = {0};

    return try_sql(store, check, &error) ? 0 : 1;
}

/* Fails by its CHECK where a row is left. */
static const char no_chunks_but[] =
    "CREATE TEMP TABLE IF NOT EXISTS none (n INTEGER CHECK (n = 0));"
    "INSERT INTO none SELECT count(*) FROM chunk WHERE checkpoint NOT IN (SELECT number FROM "
    "checkpoint WHERE complete = 1);"
    "INSERT INTO none SELECT count(*) FROM checkpoint WHERE complete = 0;";

TEST("a checkpoint of several chunks comes back byte for byte, whole and in parts")
{
    const size_t size = 9 * 1024 * 1024 + 1;
    struct store *store = must_open();
    struct db *db = must_read(store);
    struct error error = {0};
    struct checkpoint_row row;
    uint8_t digest[DIGEST_BYTES], *bytes = make_bytes(size, 1), *back = calloc(1, size);
    char hex[DIGEST_HEX];
    int64_t job = must_add(store, 0);
    struct checkpoint_new checkpoint = small(job, 100, 0.5);

    CHECK(back);
    checkpoint.bytes = bytes;
    checkpoint.size = size;
    checkpoint.metrics = "{\"val_loss\":0.5}";
    checkpoint.file = (struct checkpoint_file){77, "as given"};
    GOOD(store_checkpoint_add(store, &checkpoint, &error));
    GOOD(store_checkpoint_find(db, job, 100, &row, &error));
    digest_sha256(bytes, size, digest);
    digest_hex(digest, hex);
    CHECK_TEXT(row.sha256, hex);
    CHECK_INT(row.file.bytes, 77);
    CHECK_TEXT(row.file.sha256, "as given");
    CHECK_TEXT(row.metrics, "{\"val_loss\":0.5}");
    CHECK(row.bytes == (int64_t)size && row.epoch == 1 && row.best && row.created_at > 0);
    GOOD(store_checkpoint_read(db, row.number, 0, back, size, &error));
    CHECK(memcmp(bytes, back, size) == 0);
    for (size_t at = 0; at < size; at += 700001) {
        size_t part = size - at < 1500000 ? size - at : 1500000;
        memset(back, 0, part);
        GOOD(store_checkpoint_read(db, row.number, (int64_t)at, back, part, &error));
        CHECK(memcmp(bytes + at, back, part) == 0);
    }
    GOOD(store_checkpoint_read(db, row.number, 5, back, 0, &error));
    FAILS(store_checkpoint_read(db, row.number, (int64_t)size - 5, back, 6, &error), ERROR_CORRUPT);
    FAILS(store_checkpoint_read(db, row.number + 1, 0, back, 1, &error), ERROR_NOT_FOUND);
    FAILS(store_checkpoint_read(db, row.number, -1, back, 1, &error), ERROR_NOT_FOUND);
    checkpoint_row_drop(&row);
    free(bytes);
    free(back);
    db_close(db);
    must_finish(store);
}

static bool keep_last(void *context, const struct event_row *row)
{
    snprintf(context, 512, "%s@%d %s", row->name, (int)row->step, row->data);
    return true;
}

TEST("a checkpoint makes one event with the digest of its file and whether it is the best")
{
    char text[512] = "", wanted[512], hex[DIGEST_HEX];
    struct store *store = must_open();
    struct db *db = must_read(store);
    struct error error = {0};
    uint8_t digest[DIGEST_BYTES];
    int64_t job = must_add(store, 0), before = 0, after = 0;
    struct checkpoint_new checkpoint = small(job, 7, 0.5);

    checkpoint.metrics = "{\"val_loss\":0.5}";
    digest_sha256("a file", 6, digest);
    digest_hex(digest, hex);
    checkpoint.file.bytes = 6;
    memcpy(checkpoint.file.sha256, hex, sizeof(hex));
    GOOD(store_event_newest(db, &before, &error));
    GOOD(store_checkpoint_add(store, &checkpoint, &error));
    GOOD(store_event_newest(db, &after, &error));
    CHECK_INT(after, before + 1);
    GOOD(store_events_read(db, &(struct event_query){job, before, 9}, keep_last, text, &error));
    snprintf(wanted, sizeof(wanted),
             "checkpoint@7 {\"step\":7,\"epoch\":1,\"bytes\":6,\"sha256\":\"%s\","
             "\"metrics\":{\"val_loss\":0.5},\"best\":true}",
             hex);
    CHECK_TEXT(text, wanted);
    checkpoint.step = 8;
    checkpoint.score = 0.4;
    checkpoint.metrics = NULL;
    GOOD(store_checkpoint_add(store, &checkpoint, &error));
    GOOD(store_events_read(db, &(struct event_query){job, after, 9}, keep_last, text, &error));
    CHECK(strstr(text, "\"metrics\":null,\"best\":false}"));
    db_close(db);
    must_finish(store);
}

TEST("the newest and the best checkpoints stay, the others go with their bytes")
{
    static const struct {
        double score;
        const char *left;
    } steps[] = {
        {NAN, "10"},           {0.5, "10 20*"},         {0.7, "20 30*"},      {0.6, "30* 40"},
        {NAN, "30* 40 50"},    {INFINITY, "30* 50 60"}, {0.7, "30* 60 70"},   {0.9, "70 80*"},
        {-INFINITY, "80* 90"}, {0.1, "80* 90 100"},     {0.2, "80* 100 110"},
    };
    struct store *store = must_open();
    struct db *db = must_read(store);
    struct error error = {0};
    struct checkpoint_row row;
    char text[128];
    int64_t job = must_add(store, 0), other = must_add(store, 0);
    struct checkpoint_new checkpoint = small(other, 1, 5);

    GOOD(store_checkpoint_add(store, &checkpoint, &error));
    for (int i = 0; i < (int)(sizeof(steps) / sizeof(steps[0])); i++) {
        checkpoint = small(job, 10 * (i + 1), steps[i].score);
        GOOD(store_checkpoint_add(store, &checkpoint, &error));
        describe(db, job, text);
        CHECK_TEXT(text, steps[i].left);
        CHECK_INT(count_rows(store, no_chunks_but), 0);
        GOOD(store_checkpoint_find(db, job, CHECKPOINT_NEWEST, &row, &error));
        CHECK_INT(row.step, 10 * (i + 1));
        checkpoint_row_drop(&row);
    }
    GOOD(store_checkpoint_find(db, job, CHECKPOINT_BEST, &row, &error));
    CHECK_INT(row.step, 80);
    checkpoint_row_drop(&row);
    FAILS(store_checkpoint_find(db, job, 10, &row, &error), ERROR_NOT_FOUND);
    describe(db, other, text);
    CHECK_TEXT(text, "1*");
    db_close(db);
    must_finish(store);
}

TEST("the newest checkpoint stays even when none is to be kept, and without finite scores none is "
     "best")
{
    struct store *store = must_open();
    struct db *db = must_read(store);
    struct error error = {0};
    struct checkpoint_row row;
    char text[128];
    int64_t job = must_add(store, 0);

    FAILS(store_checkpoint_find(db, job, CHECKPOINT_NEWEST, &row, &error), ERROR_NOT_FOUND);
    for (int64_t step = 1; step <= 3; step++) {
        struct checkpoint_new checkpoint = small(job, step, NAN);
        checkpoint.keep_last = checkpoint.keep_best = 0;
        GOOD(store_checkpoint_add(store, &checkpoint, &error));
    }
    describe(db, job, text);
    CHECK_TEXT(text, "3");
    FAILS(store_checkpoint_find(db, job, CHECKPOINT_BEST, &row, &error), ERROR_NOT_FOUND);
    db_close(db);
    must_finish(store);
}

TEST("a checkpoint of a step that is stored already is left as it is, without an event")
{
    struct store *store = must_open();
    struct db *db = must_read(store);
    struct error error = {0};
    struct checkpoint_row before, after;
    int64_t job = must_add(store, 0), newest = 0, again = 0;
    struct checkpoint_new checkpoint = small(job, 5, 1);

    GOOD(store_checkpoint_add(store, &checkpoint, &error));
    GOOD(store_checkpoint_find(db, job, 5, &before, &error));
    GOOD(store_event_newest(db, &newest, &error));
    checkpoint.score = 2;
    checkpoint.size = 3;
    GOOD(store_checkpoint_add(store, &checkpoint, &error));
    GOOD(store_checkpoint_find(db, job, 5, &after, &error));
    GOOD(store_event_newest(db, &again, &error));
    CHECK(after.number == before.number && after.bytes == before.bytes);
    CHECK_INT(again, newest);
    checkpoint = small(99, 5, 1);
    FAILS(store_checkpoint_add(store, &checkpoint, &error), ERROR_NOT_FOUND);
    db_close(db);
    must_finish(store);
}

TEST("half a checkpoint is never seen and is gone after the next start, and its step can be stored "
     "again")
{
    struct store *store = must_open();
    struct db *db = must_read(store);
    struct error error = {0};
    struct checkpoint_row row;
    char text[128];
    int64_t job = must_add(store, 0);
    struct checkpoint_new checkpoint = small(job, 5, 1);
    static const char half[] =
        "INSERT INTO checkpoint (number, job, step, epoch, bytes, sha256, created_at,"
        " file_bytes, file_sha256) VALUES (70, 1, 9, 1, 99, '', 1, 9, '');"
        "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 19)"
        " INSERT INTO chunk (checkpoint, start, data) SELECT 70, i * 3, x'010203' FROM n;";

    GOOD(store_checkpoint_add(store, &checkpoint, &error));
    GOOD(try_sql(store, half, &error));
    describe(db, job, text);
    CHECK_TEXT(text, "5*");
    FAILS(store_checkpoint_find(db, job, 9, &row, &error), ERROR_NOT_FOUND);
    CHECK_INT(count_rows(store, no_chunks_but), 1);
    db_close(db);
    must_finish(store);

    store = must_open();
    db = must_read(store);
    CHECK_INT(count_rows(store, no_chunks_but), 0);
    GOOD(try_sql(store, half, &error));
    checkpoint.step = 9;
    GOOD(store_checkpoint_add(store, &checkpoint, &error));
    CHECK_INT(count_rows(store, no_chunks_but), 0);
    GOOD(store_checkpoint_find(db, job, 9, &row, &error));
    CHECK(row.number > 70); /* a number is never used for other bytes */
    checkpoint_row_drop(&row);
    db_close(db);
    must_finish(store);
}

TEST("a checkpoint whose chunk is missing or short is corrupt when it is read")
{
    struct store *store = must_open();
    struct db *db = must_read(store);
    struct error error = {0};
    struct checkpoint_row row;
    const size_t size = 3 << 20;
    uint8_t *bytes = make_bytes(size, 2);
    int64_t job = must_add(store, 0);
    struct checkpoint_new checkpoint = small(job, 5, 1);

    checkpoint.bytes = bytes;
    checkpoint.size = size;
    GOOD(store_checkpoint_add(store, &checkpoint, &error));
    GOOD(store_checkpoint_find(db, job, 5, &row, &error));
    GOOD(try_sql(store, "UPDATE chunk SET data = substr(data, 1, 1000) WHERE start = 1048576",
                 &error));
    FAILS(store_checkpoint_read(db, row.number, 0, bytes, size, &error), ERROR_CORRUPT);
    GOOD(try_sql(store, "DELETE FROM chunk WHERE start = 1048576", &error));
    FAILS(store_checkpoint_read(db, row.number, 0, bytes, size, &error), ERROR_CORRUPT);
    GOOD(store_checkpoint_read(db, row.number, 2 << 20, bytes, 1 << 20, &error));
    GOOD(try_sql(store, "DELETE FROM chunk", &error));
    FAILS(store_checkpoint_read(db, row.number, 0, bytes, size, &error), ERROR_NOT_FOUND);
    checkpoint_row_drop(&row);
    free(bytes);
    db_close(db);
    must_finish(store);
}
