/* The feed against the store: whoever reads in whatever order misses nothing. */
#include "server/event_feed.h"
#include "server/store_control.h"
#include "tests/server/store_support.h"

#include <stdlib.h>
#include <string.h>

enum { JOBS = 4, READERS = 12, EVENTS = 4000 };

/* What the feed is told of. */
static int64_t told(void *context)
{
    return *(const int64_t *)context;
}

struct reader {
    int64_t job; /* 0: all */
    int64_t after;
    size_t seen; /* of the events that there were */
};

struct written {
    int64_t number, job;
};

/* All that was written. */
struct story {
    int64_t jobs[JOBS];
    unsigned seed;
    struct written events[EVENTS];
    size_t count;
    int burst; /* how many at once */
};

static bool burst_work(struct db *db, void *context, struct error *error)
{
    struct story *story = context;

    for (int i = 0; i < story->burst; i++) {
        int64_t job = story->jobs[rand_r(&story->seed) % JOBS];
        const char *name = i % 50 == 0 ? "end" : "warning";

        if (!store_event_add(db, job, name, i, "{\"detail\":\"x\"}", error) ||
            !store_event_newest(db, &story->events[story->count].number, error))
            return false;
        story->events[story->count++].job = job;
    }
    return true;
}

/* Reads at most `most` events and compares them with what was written. */
static void read_some(struct event_feed *feed, struct db *db, struct reader *reader,
                      const struct story *story, int most)
{
    struct error error = {0};

    while (most-- > 0) {
        const struct written *next = &story->events[reader->seen];
        const struct feed_event *event;

        for (; reader->seen < story->count && reader->job != 0 && next->job != reader->job; next++)
            reader->seen++;
        GOOD(event_feed_next(feed, db, reader->job, &reader->after, &event, &error));
        if (reader->seen == story->count) {
            CHECK(!event);
            return;
        }
        CHECK(event);
        CHECK_INT(event->number, next->number);
        CHECK_INT(event->job, next->job);
        CHECK_INT((int64_t)strlen(event->text), (int64_t)event->size);
        CHECK(strstr(event->text, "\"detail\":\"x\"}"));
        CHECK(event->ends == (strcmp(event->name, "end") == 0));
        reader->seen++;
    }
}

TEST("readers of a feed that come and go, sleep and fall behind, each see every event of theirs "
     "once and in order")
{
    struct store *store = must_open();
    struct db *db = must_read(store);
    struct error error = {0};
    struct story *story = calloc(1, sizeof(*story));
    int64_t newest = 0;
    struct reader readers[READERS];
    struct event_feed *feed;

    CHECK(story);
    story->seed = 11;
    for (int i = 0; i < JOBS; i++)
        story->jobs[i] = must_add(store, 0);
    GOOD(store_event_newest(db, &newest, &error));
    for (int i = 0; i < READERS; i++)
        readers[i] = (struct reader){.job = i < 4 ? 0 : story->jobs[i % JOBS], .after = newest};
    GOOD(event_feed_new(told, &newest, &feed, &error));
    while (story->count < EVENTS - 100) {
        story->burst = rand_r(&story->seed) % 100;
        GOOD(store_write(store, burst_work, story, &error));
        GOOD(store_event_newest(db, &newest, &error));
        /* The first always keep up, the next now and then, the last when all is over. */
        for (int i = 0; i < READERS - 2; i++)
            if (i % 3 == 0 || rand_r(&story->seed) % 40 == 0)
                read_some(feed, db, &readers[i], story, 1 + rand_r(&story->seed) % 200);
    }
    for (int i = 0; i < READERS; i++) {
        read_some(feed, db, &readers[i], story, EVENTS);
        CHECK_INT((int64_t)readers[i].seen, (int64_t)story->count);
    }
    event_feed_free(feed);
    free(story);
    db_close(db);
    must_finish(store);
}

static bool delete_work(struct db *db, void *context, struct error *error)
{
    return store_job_delete(db, *(const int64_t *)context, error);
}

TEST("who reads a job's old events while it is deleted hears of that, even before the feed does")
{
    struct store *store = must_open();
    struct db *db = must_read(store);
    struct error error = {0};
    const struct feed_event *event = NULL;

    for (int all = 0; all < 2; all++) {
        int64_t after = 0, newest = 0, number;
        struct event_feed *feed;

        GOOD(store_event_newest(db, &after, &error));
        int64_t job = must_add(store, 0), whose = all ? 0 : job;
        for (int i = 0; i < 5; i++)
            GOOD(try_event(store, job, "warning", i, &error));
        GOOD(try_sql(store, "UPDATE job SET state = 'failed' WHERE state = 'queued'", &error));
        GOOD(store_event_newest(db, &newest, &error));
        GOOD(event_feed_new(told, &newest, &feed, &error));
        GOOD(event_feed_next(feed, db, whose, &after, &event, &error));
        CHECK(event && event->job == job);
        GOOD(store_write(store, delete_work, &job, &error));
        GOOD(event_feed_next(feed, db, whose, &after, &event, &error));
        CHECK(event && event->ends);
        CHECK_TEXT(event->name, "deleted");
        number = event->number;
        CHECK(number == after && number > newest);
        newest = number; /* it is told, and heard no second time */
        GOOD(event_feed_next(feed, db, whose, &after, &event, &error));
        CHECK(!event);
        event_feed_free(feed);
    }
    db_close(db);
    must_finish(store);
}
