/* Event feed: see event_feed.h. A ring of the newest events without a gap between them: who is in
 * it needs no store, and who is behind it reads his way there. */
#include "server/event_feed.h"

#include "server/event_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FEED_EVENTS = 1024,
    FEED_BYTES = 8 * 1024 * 1024, /* of texts */
    FEED_READ = 32                /* events at once */
};

struct feed_item {
    struct feed_event event; /* its text is the body's */
    char name[24];
    struct body text;
};

struct event_feed {
    event_feed_newest *newest;
    void *context;
    bool begun;
    int64_t low, high; /* it has every event behind low, up to high */
    struct feed_item items[FEED_EVENTS];
    uint64_t first, end; /* of the ring: item i is items[i % FEED_EVENTS] */
    size_t bytes;
    struct feed_item old; /* one that is not in the ring */
};

bool event_feed_new(event_feed_newest *newest, void *context, struct event_feed **out,
                    struct error *error)
{
    *out = calloc(1, sizeof(**out));
    if (!*out)
        return error_set(error, ERROR_MEMORY, "events", "no memory for the events");
    (*out)->newest = newest;
    (*out)->context = context;
    return true;
}

static struct feed_item *item_at(struct event_feed *feed, uint64_t index)
{
    return &feed->items[index % FEED_EVENTS];
}

static void drop_first(struct event_feed *feed)
{
    struct feed_item *item = item_at(feed, feed->first++);

    feed->low = item->event.number;
    feed->bytes -= item->text.size;
    body_drop(&item->text);
}

void event_feed_free(struct event_feed *feed)
{
    if (!feed)
        return;
    while (feed->first < feed->end)
        drop_first(feed);
    body_drop(&feed->old.text);
    free(feed);
}

/* ---- reading ---- */

struct intake {
    struct event_feed *feed;
    struct db *db;
    struct error *error;
    bool failed;
    bool any;
};

static bool is_deletion(const struct event_row *row)
{
    return strcmp(row->name, "deleted") == 0;
}

static bool fill(struct feed_item *item, struct intake *intake, const struct event_row *row)
{
    body_drop(&item->text);
    intake->failed = !event_text_put(&item->text, intake->db, row, intake->error);
    if (!intake->failed && item->text.failed)
        intake->failed =
            !error_set(intake->error, ERROR_MEMORY, "events", "no memory for an event");
    if (intake->failed) {
        body_drop(&item->text);
        return false;
    }
    (void)snprintf(item->name, sizeof(item->name), "%s", row->name);
    item->event = (struct feed_event){.number = row->number,
                                      .job = row->job,
                                      .name = item->name,
                                      .text = item->text.bytes,
                                      .size = item->text.size,
                                      .ends = strcmp(row->name, "end") == 0 || is_deletion(row)};
    return true;
}

static bool take_new(void *context, const struct event_row *row)
{
    struct intake *intake = context;
    struct event_feed *feed = intake->feed;

    /* What the ring has of a deleted job goes with it; the store knows what is left. */
    while (feed->first < feed->end && (is_deletion(row) || feed->end - feed->first == FEED_EVENTS))
        drop_first(feed);
    if (!fill(item_at(feed, feed->end), intake, row))
        return false;
    feed->bytes += item_at(feed, feed->end)->text.size;
    feed->end++;
    feed->high = row->number;
    while (feed->bytes > FEED_BYTES && feed->end - feed->first > 1)
        drop_first(feed);
    return true;
}

static bool take_old(void *context, const struct event_row *row)
{
    struct intake *intake = context;

    intake->any = true;
    (void)fill(&intake->feed->old, intake, row);
    return false;
}

/* Brings the ring up to date, some events at a time; *more: there were any. */
static bool advance(struct event_feed *feed, struct db *db, bool *more, struct error *error)
{
    struct intake intake = {.feed = feed, .db = db, .error = error};
    const int64_t before = feed->high, newest = feed->newest(feed->context);

    if (!store_events_read(db, &(struct event_query){0, before, FEED_READ}, take_new, &intake,
                           error) ||
        intake.failed)
        return false;
    *more = feed->high > before;
    /* Those that are not there any more went with their job. */
    if (!*more)
        feed->high = newest;
    return true;
}

/* The ring begins where the store ends when it is first asked. */
static bool begin(struct event_feed *feed, struct db *db, struct error *error)
{
    if (feed->begun)
        return true;
    if (!store_event_newest(db, &feed->high, error))
        return false;
    feed->low = feed->high;
    feed->begun = true;
    return true;
}

/* ---- the next one ---- */

/* Not in the ring: behind it, or already in the store when the feed was not told of it yet, which
 * then is all that is left of a deleted job. *out NULL: the ring has what follows. */
static bool find_old(struct event_feed *feed, struct db *db, int64_t job, int64_t *after,
                     const struct feed_event **out, struct error *error)
{
    struct intake intake = {.feed = feed, .db = db, .error = error};

    if (!store_events_read(db, &(struct event_query){job, *after, 1}, take_old, &intake, error) ||
        intake.failed)
        return false;
    const int64_t number = feed->old.event.number;
    if (intake.any && (number <= feed->low || number > feed->high)) {
        *out = &feed->old.event;
        *after = number;
    } else {
        *after = feed->low;
    }
    return true;
}

/* In the ring, where numbers rise. */
static const struct feed_event *find_new(struct event_feed *feed, int64_t job, int64_t *after)
{
    uint64_t low = feed->first, high = feed->end;

    while (low < high) {
        uint64_t middle = low + (high - low) / 2;

        if (item_at(feed, middle)->event.number <= *after)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < feed->end; low++) {
        const struct feed_event *event = &item_at(feed, low)->event;

        *after = event->number;
        if (job == 0 || event->job == job)
            return event;
    }
    return NULL;
}

bool event_feed_next(struct event_feed *feed, struct db *db, int64_t job, int64_t *after,
                     const struct feed_event **out, struct error *error)
{
    bool more = true;

    *out = NULL;
    if (!begin(feed, db, error))
        return false;
    /* First of all: something may have been deleted. */
    if (feed->newest(feed->context) > feed->high && !advance(feed, db, &more, error))
        return false;
    more = true;
    while (!*out && more) {
        more = *after < feed->low;
        if (more) {
            if (!find_old(feed, db, job, after, out, error))
                return false;
            continue;
        }
        *out = find_new(feed, job, after);
        if (!*out && feed->newest(feed->context) > feed->high && !advance(feed, db, &more, error))
            return false;
    }
    return true;
}
