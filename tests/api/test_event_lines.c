/* Event streams as JSON lines, and as many of them as the daemon is told to hold. */
#include "tests/api/daemon.h"
#include "tests/api/support.h"
#include "tests/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The whole body of a stream that ends, as lines of JSON. */
static json_t *lines_of(const struct api *api, const char *path)
{
    const struct call call = {.path = path, .headers = {"Accept: application/jsonl"}};
    struct answer answer = api_call(api, &call);
    json_t *lines = json_array();

    CHECK_INT(answer.status, 200);
    CHECK_TEXT(answer_header(&answer, "Content-Type"), "application/jsonl");
    CHECK(strstr(answer_header(&answer, "Vary"), "Accept"));
    for (char *rest = answer.body, *line; (line = strsep(&rest, "\n"));) {
        if (line[0] == '\0' && !rest)
            break; /* behind the last one */
        json_t *object = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
        CHECK(object);
        CHECK(json_array_append_new(lines, object) == 0);
    }
    answer_drop(&answer);
    return lines;
}

TEST("a stream as JSON lines has the events of the stream, and ends with the job")
{
    struct api api;
    struct event_log log = {0};
    char id[16], path[160], since[200];

    api_start(&api);
    api_submit_tiny(&api, "\"epochs\": 20, \"seed\": 9", id);
    json_t *lines = lines_of(&api, job_path(id, "/events", path)); /* live */
    int handle = events_open(&api, path, 0);
    events_read(handle, &log, NULL);
    (void)close(handle);
    CHECK_COUNT(json_array_size(lines), log.count);
    for (int i = 0; i < log.count; i++) {
        json_t *line = json_array_get(lines, (size_t)i);
        json_t *data = json_loads(log.items[i].data, 0, NULL);

        CHECK_INT(integer_at(line, "id"), log.items[i].id);
        CHECK_TEXT(text_at(line, "event"), log.items[i].name);
        CHECK(json_object_del(line, "id") == 0 && json_object_del(line, "event") == 0);
        CHECK(json_equal(line, data));
        json_decref(data);
    }
    json_decref(lines);
    (void)snprintf(since, sizeof(since), "/v1/jobs/%s/events?since=%lld", id,
                   (long long)log.items[log.count - 2].id);
    lines = lines_of(&api, since);
    CHECK_COUNT(json_array_size(lines), 1);
    CHECK_TEXT(text_at(lines, "0.event"), "end");
    json_decref(lines);
    events_drop_log(&log);
    api_stop(&api);
}

TEST(
    "a stream as JSON lines is nothing but lines of JSON where the job has ended, and one that has "
    "nothing to say answers at once")
{
    struct api api;
    char id[16], path[160], request[256], head[4096] = "";

    api_start(&api);
    api_submit_tiny(&api, "\"epochs\": 1", id);
    api_wait(&api, id, "succeeded");
    const struct call call = {.path = job_path(id, "/events", path),
                              .headers = {"Accept: application/jsonl"}};
    struct answer answer = api_call(&api, &call);
    CHECK_INT(answer.body[0], '{');
    CHECK(!strstr(answer.body, "\n\n"));
    answer_drop(&answer);
    (void)snprintf(request, sizeof(request),
                   "GET /v1/events HTTP/1.1\r\nHost: localhost\r\nAccept: %s\r\n\r\n",
                   "application/jsonl");
    int handle = raw_open(&api);
    raw_text(handle, request);
    while (!strstr(head, "\r\n\r\n"))
        CHECK(recv(handle, head + strlen(head), sizeof(head) - 1 - strlen(head), 0) > 0);
    CHECK(strncmp(head, "HTTP/1.1 200", 12) == 0);
    (void)close(handle);
    api_stop(&api);
}

static int open_stream(const char *address)
{
    struct api api = {0};
    char byte;

    api.port = (int)strtol(strrchr(address, ':') + 1, NULL, 10);
    int handle = events_open(&api, "/v1/events?since=0", 0);
    CHECK_INT(recv(handle, &byte, 1, 0), 1);
    return handle;
}

TEST("a daemon holds as many streams as it is told to, each of which sees every event")
{
    enum { STREAMS = 300 };
    static const char *const extra[] = {"--streams", "300", NULL};
    static const char spec[] =
        "{\"dataset\": {\"synthetic\": {\"shape\": [1, 2, 2], \"classes\": 2, \"samples\": 8}},"
        "\"model\": [\"flatten\", {\"type\": \"linear\", \"out_features\": 2}], \"optimizer\":"
        "\"sgd\", \"epochs\": 30, \"seed\": 1}";
    struct daemon daemon;
    struct event_log first = {0};
    int handles[STREAMS];
    char *answer = NULL;

    daemon_start(&daemon, "data", "", extra);
    for (int i = 0; i < STREAMS; i++)
        handles[i] = open_stream(daemon.address);
    CHECK_INT(daemon_ask(&daemon, "/v1/events", NULL, &answer), 503);
    CHECK(strstr(answer, "stream"));
    free(answer);
    CHECK_INT(daemon_ask(&daemon, "/v1/jobs", spec, NULL), 201);
    for (int i = 0; i < STREAMS; i++) {
        struct event_log log = {0};

        events_read(handles[i], &log, "end");
        (void)close(handles[i]);
        if (i == 0) {
            first = log;
            CHECK(log.count > 30);
            continue;
        }
        CHECK_INT(log.count, first.count);
        check_same_events(&first, &log);
        events_drop_log(&log);
    }
    events_drop_log(&first);
    CHECK_INT(daemon_stop(&daemon), 0);
}

TEST("a job's events can be asked for by kind, without its metrics and without waiting")
{
    struct api api;
    char id[16], path[160];

    api_start(&api);
    api_submit_tiny(
        &api, "\"epochs\": 100000, \"seed\": 9, \"checkpoint\": {\"every\": {\"steps\": 50}}", id);
    api_wait(&api, id, "running");
    while (true) { /* it goes on meanwhile: the answer ends all the same */
        json_t *lines =
            lines_of(&api, job_path(id, "/events?names=state,checkpoint&follow=false", path));
        size_t states = 0, checkpoints = 0;

        for (size_t i = 0; i < json_array_size(lines); i++) {
            const char *name = text_at(json_array_get(lines, i), "event");
            states += strcmp(name, "state") == 0;
            checkpoints += strcmp(name, "checkpoint") == 0;
        }
        CHECK_COUNT(states + checkpoints, json_array_size(lines));
        CHECK(states >= 2);
        json_decref(lines);
        if (checkpoints > 1)
            break;
    }
    json_t *both = lines_of(&api, job_path(id, "/events?names=metrics,state&follow=false", path));
    CHECK_TEXT(text_at(both, "0.event"), "state");
    size_t metrics = 0;
    for (size_t i = 0; i < json_array_size(both); i++)
        metrics += strcmp(text_at(json_array_get(both, i), "event"), "metrics") == 0;
    CHECK(metrics > 0);
    json_decref(both);
    json_decref(api_post(&api, job_path(id, "/cancel", path), "", 200));
    /* A stream that waits for one kind ends with the job like any other. */
    json_t *ends = lines_of(&api, job_path(id, "/events?names=end", path));
    CHECK_COUNT(json_array_size(ends), 1);
    CHECK_TEXT(text_at(ends, "0.state"), "cancelled");
    json_decref(ends);
    check_problem(api_get(&api, job_path(id, "/events?names=stat", path), 400), 400, "names");
    check_problem(api_get(&api, job_path(id, "/events?follow=no", path), 400), 400, "follow");
    api_stop(&api);
}

TEST("a stream of lines that has nothing to say shows that it is alive without a line of its own")
{
    struct api api;

    api_start(&api);
    int handle = raw_open(&api);
    raw_text(handle, "GET /v1/events HTTP/1.0\r\nAccept: application/jsonl\r\n\r\n");
    char *answer = raw_read(handle, 1, NULL), *body = strstr(answer, "\r\n\r\n");
    CHECK(strstr(answer, "200 OK") && body);
    /* Blanks in front of the next object: every line stays one of JSON. */
    CHECK(body[4] == ' ' && strspn(body + 4, " ") == strlen(body + 4));
    (void)close(handle);
    free(answer);
    api_stop(&api);
}
