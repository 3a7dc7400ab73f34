/* Damaged database files: an error, never a crash. */
#include "server/store_list.h"
#include "tests/server/store_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct image {
    uint8_t *bytes;
    size_t size;
};

static void put_image(const struct image *image, size_t size)
{
    FILE *file = fopen("data/traind.db", "wb");

    unlink("data/traind.db-wal");
    unlink("data/traind.db-shm");
    CHECK(file && fwrite(image->bytes, 1, size, file) == size && fclose(file) == 0);
}

/* A closed store with something of everything in it. */
static struct image make_image(void)
{
    struct store *store = must_open();
    struct error error = {0};
    struct image image = {0};
    struct stat found;
    int64_t job = 0;

    for (int i = 0; i < 30; i++) {
        job = must_add(store, i % 3);
        for (int64_t step = 1; step <= 20; step++)
            GOOD(try_metrics(store, job, &(struct metric_row){"loss", step, 1.0 / (double)step, 1},
                             1, &error));
    }
    uint8_t *bytes = make_bytes(20000, 4);
    struct checkpoint_new checkpoint = {.job = job,
                                        .step = 20,
                                        .epoch = 1,
                                        .bytes = bytes,
                                        .size = 20000,
                                        .score = 1,
                                        .keep_last = 1};
    GOOD(store_checkpoint_add(store, &checkpoint, &error));
    free(bytes);
    must_finish(store);
    FILE *file = fopen("data/traind.db", "rb");
    CHECK(file && fstat(fileno(file), &found) == 0);
    image.size = (size_t)found.st_size;
    image.bytes = malloc(image.size);
    CHECK(image.bytes && fread(image.bytes, 1, image.size, file) == image.size);
    fclose(file);
    return image;
}

TEST("a database that is cut off anywhere is corrupt, with its name, and can be opened again once "
     "restored")
{
    struct image image = make_image();
    struct store *store = NULL;
    struct error error = {0};

    /* SQLite takes a file of one byte for an empty one. A cut inside the last page may take
     * nothing. */
    for (size_t size = 2; size + 4096 <= image.size; size += size < 100 ? 33 : 4096 - 1000) {
        put_image(&image, size);
        error = (struct error){0};
        if (store_open("data", &store, &error) || error.kind != ERROR_CORRUPT)
            FAIL("%zu of %zu bytes are %s", size, image.size, error_kind_name(error.kind));
        CHECK(strstr(error.where, "data/traind.db"));
    }
    put_image(&image, image.size);
    store = must_open();
    struct db *db = must_read(store);
    CHECK_INT(count_jobs(db), 30);
    db_close(db);
    must_finish(store);
    free(image.bytes);
}

TEST("a file of garbage in the database's place is corrupt, not overwritten")
{
    struct image image = {make_bytes(50000, 5), 50000};
    struct store *store = NULL;
    struct error error = {0};
    struct stat found;

    CHECK(mkdir("data", 0700) == 0);
    put_image(&image, image.size);
    FAILS(store_open("data", &store, &error), ERROR_CORRUPT);
    CHECK(strstr(error.where, "data/traind.db"));
    CHECK(stat("data/traind.db", &found) == 0 && found.st_size == 50000);
    free(image.bytes);
}

static bool any_event(void *context, const struct event_row *row)
{
    (void)row;
    ++*(int *)context;
    return true;
}

static bool any_metric(void *context, const struct metric_row *row)
{
    (void)row;
    ++*(int *)context;
    return true;
}

/* Uses what a damaged file still gives. Errors are right, crashes are not. */
static void use_store(struct store *store)
{
    static uint8_t back[20000];
    struct db *db = NULL;
    struct error error = {0};
    static struct job_page page;
    struct job_row row;
    struct checkpoint_row checkpoint;
    int seen = 0;

    if (!store_reader(store, &db, &error))
        return;
    for (int order = 0; order < JOB_ORDERS; order++)
        if (store_job_list(db, &(struct job_query){.order = (enum job_order)order, .limit = 50},
                           &page, &error))
            job_page_drop(&page);
    bool read = store_events_read(db, &(struct event_query){0, 0, 10000}, any_event, &seen, &error);
    for (int64_t job = 1; job <= 30; job++)
        read =
            store_metrics_read(db, &(struct metric_query){.job = job}, any_metric, &seen, &error) &&
            read;
    if (store_checkpoint_find(db, 30, CHECKPOINT_NEWEST, &checkpoint, &error)) {
        read = store_checkpoint_read(db, checkpoint.number, 0, back, sizeof(back), &error) && read;
        checkpoint_row_drop(&checkpoint);
    }
    db_close(db);
    if (try_claim(store, &row, &error))
        job_row_drop(&row);
}

TEST("damage at any place of the database is an error or goes unnoticed, but never a crash")
{
    struct image image = make_image();
    struct error error = {0};
    uint32_t state = 12345;
    int refused = 0, opened = 0;

    for (int round = 0; round < 150; round++) {
        struct store *store = NULL;
        size_t at[3];
        uint8_t before[3];
        for (int i = 0; i < 3; i++) {
            state = state * 1664525u + 1013904223u;
            /* Every other round in the pages that say what the others are. */
            at[i] = (state >> 8) % (round % 2 ? image.size : 8192);
            before[i] = image.bytes[at[i]];
            image.bytes[at[i]] =
                (uint8_t)(before[i] ^ (1u << (state >> 29)) ^ (round % 3 ? 0 : 0x55));
        }
        put_image(&image, image.size);
        for (int i = 2; i >= 0; i--)
            image.bytes[at[i]] = before[i];
        error = (struct error){0};
        if (!store_open("data", &store, &error)) {
            CHECK(error.text[0] && !store);
            refused++;
            continue;
        }
        opened++;
        use_store(store);
        store_close(store);
    }
    CHECK(refused > 20 && opened > 20);
    free(image.bytes);
}
