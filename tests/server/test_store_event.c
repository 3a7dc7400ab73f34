/* Events in the store: numbers, pages, what state changes say. */
#include "server/store_control.h"
#include "tests/server/store_support.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM = 32 };

struct page {
    int64_t numbers[ROOM];
    char texts[ROOM][160]; /* "name@step data" */
    char ids[ROOM][JOB_ID_SIZE];
    int count, stop_after;
};

static bool keep(void *context, const struct event_row *row)
{
    struct page *page = context;

    CHECK(page->count < ROOM);
    page->numbers[page->count] = row->number;
    snprintf(page->texts[page->count], sizeof(page->texts[0]), "%s@%d %s", row->name,
             (int)row->step, row->data);
    memcpy(page->ids[page->count], row->job_id, JOB_ID_SIZE);
    CHECK(row->at > 1500000000000);
    page->count++;
    return page->stop_after == 0 || page->count < page->stop_after;
}

TEST("a job's way through its states is told by its events, with its step, revision and reason")
{
    static const char *const wanted[] = {
        "state@0 {\"state\":\"queued\",\"revision\":1}",
        "state@0 {\"state\":\"running\",\"revision\":2}",
        "warning@17 {\"x\":1}",
        "state@17 {\"state\":\"failed\",\"revision\":3,\"reason\":\"no \\\"disk\\\"\"}",
        "end@17 {\"state\":\"failed\",\"reason\":\"no \\\"disk\\\"\"}",
    };
    struct store *store = must_open();
    struct db *db = must_read(store);
    struct error error = {0};
    struct page page = {0};
    struct job_row row = {0};
    int64_t job = must_add(store, 0);

    GOOD(try_claim(store, &row, &error));
    GOOD(try_event(store, job, "warning", 17, &error));
    GOOD(try_move(store, &(struct job_move){job, JOB_RUNNING, JOB_FAILED, "no \"disk\""}, &error));
    GOOD(store_events_read(db, &(struct event_query){job, 0, ROOM}, keep, &page, &error));
    CHECK_INT(page.count, 5);
    for (int i = 0; i < 5; i++) {
        CHECK_TEXT(page.texts[i], wanted[i]);
        CHECK_TEXT(page.ids[i], row.id);
    }
    job_row_drop(&row);
    db_close(db);
    must_finish(store);
}

TEST("events are read after a number, page by page, of one job or of all")
{
    struct store *store = must_open();
    struct db *db = must_read(store);
    struct error error = {0};
    int64_t jobs[2] = {must_add(store, 0), must_add(store, 0)}, newest = 0;
    struct page page = {0};

    for (int i = 0; i < 20; i++)
        GOOD(try_event(store, jobs[i % 2], "tick", i, &error));
    GOOD(store_event_newest(db, &newest, &error));
    for (int which = 0; which < 3; which++) {
        int64_t after = 0;
        int total = 0;
        do {
            page = (struct page){0};
            GOOD(store_events_read(db, &(struct event_query){which < 2 ? jobs[which] : 0, after, 4},
                                   keep, &page, &error));
            CHECK(page.count <= 4);
            for (int i = 0; i < page.count; i++) {
                CHECK(page.numbers[i] > after);
                after = page.numbers[i];
            }
            total += page.count;
        } while (page.count > 0);
        CHECK_INT(total, which < 2 ? 11 : 22);
        CHECK(which == 0 || after == newest);
    }
    page = (struct page){.stop_after = 3};
    GOOD(store_events_read(db, &(struct event_query){0, 0, ROOM}, keep, &page, &error));
    CHECK_INT(page.count, 3);
    page = (struct page){0};
    GOOD(store_events_read(db, &(struct event_query){0, 0, -1}, keep, &page, &error));
    CHECK_INT(page.count, 0);
    FAILS(try_event(store, 99, "tick", 1, &error), ERROR_NOT_FOUND);
    db_close(db);
    must_finish(store);
}

static bool delete_work(struct db *db, void *context, struct error *error)
{
    return store_job_delete(db, *(const int64_t *)context, error);
}

TEST("of a deleted job its deletion is left, for who reads everything and for who leaves metrics "
     "out")
{
    struct store *store = must_open();
    struct db *db = must_read(store);
    struct error error = {0};
    int64_t job = must_add(store, 0);

    GOOD(try_event(store, job, "warning", 1, &error));
    GOOD(try_sql(store, "UPDATE job SET state = 'failed'", &error));
    GOOD(store_write(store, delete_work, &job, &error));
    for (int quiet = 0; quiet < 2; quiet++) {
        struct page page = {0};
        const struct event_query query = {.job = job, .limit = ROOM, .quiet = quiet > 0};
        GOOD(store_events_read(db, &query, keep, &page, &error));
        CHECK_INT(page.count, 1);
        CHECK_TEXT(page.texts[0], "deleted@1 {}");
    }
    db_close(db);
    must_finish(store);
}

TEST("event numbers go on after a restart, even when the newest events are gone")
{
    struct store *store = must_open();
    struct error error = {0};
    int64_t job = must_add(store, 0), before = 0, after = 0;

    for (int i = 0; i < 5; i++)
        GOOD(try_event(store, job, "tick", i, &error));
    GOOD(try_sql(store, "DELETE FROM event WHERE number > 3", &error));
    must_finish(store);
    store = must_open();
    struct db *db = must_read(store);
    GOOD(store_event_newest(db, &before, &error));
    CHECK_INT(before, 6);
    GOOD(try_event(store, job, "tick", 9, &error));
    GOOD(store_event_newest(db, &after, &error));
    CHECK_INT(after, before + 1);
    db_close(db);
    must_finish(store);
}

/* ---- the audience ---- */

struct audience {
    atomic_llong newest;
    atomic_int calls; /* with events */
    atomic_int job;   /* the last one that changed; −1: several */
};

static void hear(void *context, const struct store_news *news)
{
    struct audience *audience = context;

    CHECK(news->events || news->job_count != 0);
    atomic_store(&audience->job, news->job_count == 0   ? 0
                                 : news->job_count == 1 ? (int)news->jobs[0]
                                                        : -1);
    if (!news->events)
        return;
    CHECK(news->newest_event > atomic_load(&audience->newest));
    atomic_store(&audience->newest, news->newest_event);
    atomic_fetch_add(&audience->calls, 1);
}

static bool event_and_fail(struct db *db, void *context, struct error *error)
{
    return store_event_add(db, *(int64_t *)context, "lost", 1, "{}", error) &&
           error_set(error, ERROR_INVALID, "", "changed its mind");
}

TEST("the audience hears of each commit with events or changed jobs before its caller does, and of "
     "no other")
{
    struct store *store = must_open();
    struct db *db = must_read(store);
    struct error error = {0};
    struct audience audience = {0};
    int64_t newest = 0;

    store_on_commit(store, hear, &audience);
    int64_t job = must_add(store, 0);
    for (int i = 1; i <= 20; i++) {
        GOOD(try_event(store, job, "tick", i, &error));
        GOOD(store_event_newest(db, &newest, &error));
        CHECK_INT(atomic_load(&audience.newest), newest);
    }
    CHECK_INT(atomic_load(&audience.calls), 21);
    FAILS(store_write(store, event_and_fail, &job, &error), ERROR_INVALID);
    CHECK_INT(atomic_load(&audience.job), 0);
    GOOD(try_sql(store, "UPDATE job SET priority = 1", &error));
    CHECK_INT(atomic_load(&audience.calls), 21);
    CHECK_INT(atomic_load(&audience.job), job);
    int64_t other = must_add(store, 0);
    CHECK_INT(atomic_load(&audience.job), other);
    GOOD(try_sql(store, "UPDATE job SET priority = 2", &error));
    CHECK_INT(atomic_load(&audience.job), -1);
    for (int i = 0; i < 50; i++)
        must_add(store, 0);
    GOOD(try_sql(store, "UPDATE job SET priority = 3", &error));
    CHECK_INT(atomic_load(&audience.job), -1);
    GOOD(store_event_newest(db, &newest, &error));
    GOOD(try_event(store, job, "tick", 21, &error));
    CHECK_INT(atomic_load(&audience.newest), newest + 1);
    db_close(db);
    must_finish(store);
}

struct nested {
    struct db *db;
    struct error error;
    bool good;
};

static bool read_inside(void *context, const struct event_row *row)
{
    struct nested *nested = context;
    struct page page = {0};

    (void)row;
    nested->good =
        store_events_read(nested->db, &(struct event_query){0, 0, 1}, keep, &page, &nested->error);
    return false;
}

TEST("a list that is read inside itself is an error, not a mix-up")
{
    struct store *store = must_open();
    struct db *db = must_read(store);
    struct error error = {0};
    struct nested nested = {.db = db};
    struct page page = {0};

    must_add(store, 0);
    GOOD(store_events_read(db, &(struct event_query){0, 0, 5}, read_inside, &nested, &error));
    CHECK(!nested.good);
    CHECK_INT(nested.error.kind, ERROR_INTERNAL);
    GOOD(store_events_read(db, &(struct event_query){0, 0, 5}, keep, &page, &error));
    CHECK_INT(page.count, 1);
    db_close(db);
    must_finish(store);
}
