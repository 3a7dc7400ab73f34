/* The feed against the store: whoever reads in whatever order misses nothing. */
#include "server/event_feed.h"
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

struct burst {
    const int64_t *jobs;
    unsigned *seed;
    struct written *events;
    size_t *count;
    int size;
};

static bool burst_work(struct db *db, void *context, struct error *error)
{
    struct burst *burst = context;

    for (int i = 0; i < burst->size; i++) {
        int64_t job = burst->jobs[rand_r(burst->seed) % JOBS];
        const char *name = i % 50 == 0 ? "end" : "warning";

        if (!store_event_add(db, job, name, i, "{\"detail\":\"x\"}", error) ||
            !store_event_newest(db, &burst->events[*burst->count].number, error))
            return false;
        burst->events[(*burst->count)++].job = job;
    }
    return true;
}

/* Reads at most `most` events and compares them with what was written. */
static void read_some(struct event_feed *feed, struct db *db, struct reader *reader,
                      const struct written *events, size_t count, int most)
{
    struct error error = {0};

    while (most-- > 0) {
        const struct feed_event *event;

        while (reader->seen < count && reader->job != 0 && events[reader->seen].job != reader->job)
            reader->seen++;
        GOOD(event_feed_next(feed, db, reader->job, &reader->after, &event, &error));
        if (reader->seen == count) {
            CHECK(!event);
            return;
        }
        CHECK(event);
        CHECK_INT(event->number, events[reader->seen].number);
        CHECK_INT(event->job, events[reader->seen].job);
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
    unsigned seed = 11;
    int64_t jobs[JOBS], newest = 0;
    struct written *events = calloc(EVENTS, sizeof(*events));
    size_t count = 0;
    struct reader readers[READERS];
    struct event_feed *feed;

    CHECK(events);
    for (int i = 0; i < JOBS; i++)
        jobs[i] = must_add(store, 0);
    GOOD(store_event_newest(db, &newest, &error));
    for (int i = 0; i < READERS; i++)
        readers[i] = (struct reader){.job = i < 4 ? 0 : jobs[i % JOBS], .after = newest};
    struct burst burst = {jobs, &seed, events, &count, 0};
    GOOD(event_feed_new(told, &newest, &feed, &error));
    while (count < EVENTS - 100) {
        burst.size = rand_r(&seed) % 100;
        GOOD(store_write(store, burst_work, &burst, &error));
        GOOD(store_event_newest(db, &newest, &error));
        /* The first always keep up, the next now and then, the last when all is over. */
        for (int i = 0; i < READERS - 2; i++)
            if (i % 3 == 0 || rand_r(&seed) % 40 == 0)
                read_some(feed, db, &readers[i], events, count, 1 + rand_r(&seed) % 200);
    }
    for (int i = 0; i < READERS; i++) {
        read_some(feed, db, &readers[i], events, count, EVENTS);
        CHECK_INT((int64_t)readers[i].seen, (int64_t)count);
    }
    event_feed_free(feed);
    free(events);
    db_close(db);
    must_finish(store);
}
