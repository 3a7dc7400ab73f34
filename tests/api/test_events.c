/* Event streams: nothing is lost, nothing is invented, nothing is burnt. */
#include "tests/api/support.h"
#include "tests/harness.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char some_epochs[] =
    "\"epochs\": 60, \"seed\": 9, \"evaluate_every\": {\"epochs\": 7}, "
    "\"checkpoint\": {\"every\": {\"epochs\": 20}}";
static const char endless[] =
    "\"epochs\": 100000, \"seed\": 3, \"evaluate_every\": {\"epochs\": 90000}, "
    "\"checkpoint\": {\"every\": {\"epochs\": 90000}}";

static int count_named(const struct event_log *log, const char *name)
{
    int count = 0;

    for (int i = 0; i < log->count; i++)
        count += strcmp(log->items[i].name, name) == 0;
    return count;
}

/* Every step of `series` is in the metrics events exactly once, in order; how many there were. */
static int64_t check_rows(const struct event_log *log, const char *series)
{
    int64_t last = 0;

    for (int i = 0; i < log->count; i++) {
        json_t *data = json_loads(log->items[i].data, JSON_REJECT_DUPLICATES, NULL);
        const json_t *rows = json_at(data, "rows");
        const json_t *steps = json_object_get(json_object_get(rows, series), "step");

        CHECK(data);
        CHECK(strlen(text_at(data, "job")) == 12);
        CHECK(integer_at(data, "step") >= 0);
        CHECK_COUNT(json_array_size(steps),
                    json_array_size(json_object_get(json_object_get(rows, series), "value")));
        for (size_t k = 0; k < json_array_size(steps); k++)
            CHECK_INT(json_integer_value(json_array_get(steps, k)), ++last);
        json_decref(data);
    }
    return last;
}

TEST("what is seen live is what is replayed, from the beginning and from the middle")
{
    struct api api;
    struct event_log live = {0}, replay = {0}, middle = {0}, since = {0};
    char id[16], path[160], with_since[200];

    api_start(&api);
    api_submit_tiny(&api, some_epochs, id);
    (void)job_path(id, "/events", path);
    int handle = events_open(&api, path, 0);
    events_read(handle, &live, NULL);
    (void)close(handle);
    CHECK_TEXT(live.items[live.count - 1].name, "end");
    CHECK_INT(count_named(&live, "end"), 1);
    CHECK(count_named(&live, "checkpoint") >= 3);
    CHECK(count_named(&live, "evaluation") >= 8);
    CHECK_TEXT(live.items[0].name, "state");
    CHECK_INT(check_rows(&live, "train_loss"), 60 * 6);
    for (int i = 1; i < live.count; i++)
        CHECK(live.items[i].id > live.items[i - 1].id);

    handle = events_open(&api, path, 0);
    events_read(handle, &replay, NULL);
    (void)close(handle);
    check_same_events(&live, &replay);
    CHECK_INT(replay.count, live.count);

    int64_t half = live.items[live.count / 2].id;
    handle = events_open(&api, path, half);
    events_read(handle, &middle, NULL);
    (void)close(handle);
    CHECK(middle.items[0].id > half);
    check_same_events(&live, &middle);

    (void)snprintf(with_since, sizeof(with_since), "%s?since=%lld", path, (long long)half);
    handle = events_open(&api, with_since, 0);
    events_read(handle, &since, NULL);
    (void)close(handle);
    check_same_events(&middle, &since);
    CHECK_INT(since.count, middle.count);

    /* A browser that has seen the end must not ask again for ever. */
    (void)snprintf(with_since, sizeof(with_since), "%s?since=%lld", path,
                   (long long)live.items[live.count - 1].id);
    json_decref(api_get(&api, with_since, 204));
    check_problem(api_get(&api, job_path(id, "/events?since=x", path), 400), 400, "since");
    api_stop(&api);
    events_drop_log(&live);
    events_drop_log(&replay);
    events_drop_log(&middle);
    events_drop_log(&since);
}

TEST("a replay continues across a restart of the daemon without a gap")
{
    struct api api;
    struct event_log before = {0}, after = {0}, all = {0};
    char id[16], path[160];

    api_start(&api);
    api_submit_tiny(&api, endless, id);
    int handle = events_open(&api, job_path(id, "/events", path), 0);
    events_read(handle, &before, "metrics");
    api_stop(&api);
    events_read(handle, &before, NULL);
    (void)close(handle);

    api_start(&api);
    int64_t last = before.items[before.count - 1].id;
    handle = events_open(&api, path, last);
    events_read(handle, &after, "metrics");
    json_decref(api_post(&api, job_path(id, "/cancel", path), NULL, 200));
    events_read(handle, &after, "end");
    (void)close(handle);
    handle = events_open(&api, job_path(id, "/events", path), 0);
    events_read(handle, &all, "end");
    (void)close(handle);
    CHECK_INT(all.count, before.count + after.count);
    check_same_events(&all, &after);
    CHECK(check_rows(&all, "train_loss") > 0);
    api_stop(&api);
    events_drop_log(&before);
    events_drop_log(&after);
    events_drop_log(&all);
}

TEST("a Last-Event-ID that no event has yet waits for the next event, not for ever")
{
    struct api api;
    struct event_log log = {0};
    char id[16], path[160];

    api_start(&api);
    /* Long, so that it cannot have ended before somebody listens. */
    api_submit_tiny(&api, "\"epochs\": 100000", id);
    int handle = events_open(&api, job_path(id, "/events", path), 1000000);
    json_decref(api_post(&api, job_path(id, "/cancel", path), NULL, 200));
    events_read(handle, &log, NULL);
    (void)close(handle);
    CHECK(log.count > 0);
    CHECK_TEXT(log.items[log.count - 1].name, "end");
    events_drop_log(&log);
    api_stop(&api);
}

TEST("fifty streams at once each see everything")
{
    enum { STREAMS = 50 };
    struct api api;
    struct event_log all = {0};
    int handles[STREAMS];
    char ids[2][16], path[160];
    int64_t last = 0;

    api_start(&api);
    for (int i = 0; i < STREAMS; i++)
        handles[i] = events_open(&api, "/v1/events?since=0", 0);
    api_submit_tiny(&api, some_epochs, ids[0]);
    api_submit_tiny(&api, some_epochs, ids[1]);
    api_wait(&api, ids[0], "succeeded");
    api_wait(&api, ids[1], "succeeded");
    for (int i = 0; i < STREAMS; i++) {
        struct event_log log = {0};

        do
            events_read(handles[i], &log, "end");
        while (count_named(&log, "end") < 2);
        (void)close(handles[i]);
        if (i == 0) {
            all = log;
            continue;
        }
        CHECK_INT(log.count, all.count);
        check_same_events(&all, &log);
        events_drop_log(&log);
    }
    (void)job_path(ids[1], "", path);
    last = all.items[all.count - 1].id;
    CHECK(last >= all.count);
    api_stop(&api);
    events_drop_log(&all);
}

TEST("more streams than the daemon holds are refused with 503, and places are given back")
{
    enum { PLACES = 64 };
    struct api api;
    int handles[PLACES];

    api_start(&api);
    for (int i = 0; i < PLACES; i++) {
        char byte;

        handles[i] = events_open(&api, "/v1/events", 0);
        CHECK_INT(recv(handles[i], &byte, 1, 0), 1); /* it is there */
    }
    struct answer answer = api_call(&api, &(struct call){.path = "/v1/events"});
    CHECK_TEXT(answer_header(&answer, "Retry-After"), "2");
    check_problem(json_incref(answer.json), 503, "stream");
    CHECK_INT(answer.status, 503);
    answer_drop(&answer);
    json_decref(api_get(&api, "/livez", 200));
    api_stop(&api); /* ends them all */
    for (int i = 0; i < PLACES; i++) {
        char *rest = raw_read(handles[i], 5, NULL);

        free(rest);
        (void)close(handles[i]);
    }
}

TEST("streams that wait for events cost no processor time")
{
    struct api api;
    int handles[20];
    char byte;

    api_start(&api);
    for (int i = 0; i < 20; i++) {
        handles[i] = events_open(&api, "/v1/events", 0);
        CHECK_INT(recv(handles[i], &byte, 1, 0), 1);
    }
    nap(0.2);
    api_check_idle(&api, "twenty idle streams");
    for (int i = 0; i < 20; i++)
        (void)close(handles[i]);
    api_stop(&api);
}

TEST_SLOW("a silent stream shows signs of life", 60)
{
    struct api api;

    api_start(&api);
    int handle = events_open(&api, "/v1/events", 0);
    char head[4096] = "";
    while (!strstr(head, "retry:"))
        CHECK(recv(handle, head + strlen(head), sizeof(head) - 1 - strlen(head), 0) > 0);
    CHECK(strstr(head, "text/event-stream"));
    double start = seconds_now();
    char piece[64] = "";
    CHECK(recv(handle, piece, sizeof(piece) - 1, 0) > 0);
    CHECK(piece[0] == ':');
    CHECK(seconds_now() - start < 15.0 * test_slowdown());
    (void)close(handle);
    api_stop(&api);
}

TEST("a client that does not read holds up neither the training nor the others nor the stop")
{
    struct api api;
    char id[16], path[160];
    int small = 1024;

    api_start(&api);
    api_submit_tiny(&api, endless, id);
    int deaf = raw_open(&api);
    CHECK(setsockopt(deaf, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)) == 0);
    raw_text(deaf, "GET /v1/events?since=0 HTTP/1.1\r\nHost: localhost\r\n\r\n");
    struct event_log log = {0};
    int handle = events_open(&api, job_path(id, "/events", path), 0);
    for (int i = 0; i < 10; i++)
        events_read(handle, &log, "metrics");
    (void)close(handle);
    events_drop_log(&log);
    double start = seconds_now();
    api_stop(&api);
    CHECK(seconds_now() - start < 6.0 * test_slowdown());
    (void)close(deaf);
}

TEST("SIGTERM ends open streams with a proper end of body")
{
    struct api api;
    char id[16], *text;

    api_start(&api);
    api_submit_tiny(&api, endless, id);
    api_wait(&api, id, "running");
    int chunked = raw_open(&api);
    raw_text(chunked, "GET /v1/events?since=0 HTTP/1.1\r\nHost: localhost\r\n\r\n");
    nap(0.3);
    CHECK(kill(api.pid, SIGTERM) == 0);
    text = raw_read(chunked, 20, NULL); /* who does not read meanwhile is cut */
    api_stop(&api);
    CHECK(strstr(text, "event: metrics"));
    size_t size = strlen(text);
    CHECK(size > 7 && strcmp(text + size - 7, "\r\n0\r\n\r\n") == 0);
    free(text);
    (void)close(chunked);
}
