/* GET of a job with ?wait: the answer comes when the job has changed, and waiting costs nobody
 * anything. */
#include "tests/api/support_control.h"
#include "tests/harness.h"

#include "core/field.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char endless[] =
    "\"epochs\": 100000, \"seed\": 3, \"checkpoint\": {\"every\": {\"epochs\": 90000}}, "
    "\"evaluate_every\": {\"epochs\": 90000}";

/* A job that nothing changes: it is paused. */
static void submit_resting(const struct api *api, char id[16])
{
    char path[160];

    api_submit_tiny(api, endless, id);
    api_wait(api, id, "running");
    json_decref(api_post(api, job_path(id, "/pause", path), NULL, 200));
    api_wait(api, id, "paused");
}

static int64_t revision_of(const struct api *api, const char *id)
{
    json_t *job = api_job(api, id);
    int64_t revision = integer_at(job, "revision");

    json_decref(job);
    return revision;
}

/* Asks and does not wait for the answer. */
static int ask(const struct api *api, const char *id, const char *query)
{
    char text[300];
    int handle = raw_open(api);

    (void)snprintf(text, sizeof(text),
                   "GET /v1/jobs/%s?%s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
                   id, query);
    raw_text(handle, text);
    return handle;
}

static char *answer_of(int handle, const char *status)
{
    char *text = raw_read(handle, 30, NULL), line[64];

    (void)snprintf(line, sizeof(line), "HTTP/1.1 %s", status);
    if (strncmp(text, line, strlen(line)) != 0)
        FAIL("wanted %s and got: %s", status, text);
    (void)close(handle);
    return text;
}

static void check_answer(int handle, const char *status, const char *part)
{
    char *text = answer_of(handle, status);

    if (!strstr(text, part))
        FAIL("there is no %s in: %s", part, text);
    free(text);
}

static bool is_silent(int handle, double seconds)
{
    char byte;

    nap(seconds);
    return recv(handle, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0;
}

TEST("who waits is answered as soon as the job changes in any way, and not before")
{
    struct api api;
    char id[16], other[16], query[64], part[64], path[160];

    api_start(&api);
    submit_resting(&api, id);
    submit_resting(&api, other);
    int64_t revision = revision_of(&api, id);
    (void)snprintf(query, sizeof(query), "wait=60&after=%lld", (long long)revision);
    (void)snprintf(part, sizeof(part), "\"revision\":%lld,", (long long)revision + 1);
    int handle = ask(&api, id, query), without = ask(&api, id, "wait=60");
    CHECK(is_silent(handle, 0.3) && is_silent(without, 0));
    json_decref(api_patch(&api, other, "{\"name\": \"other\"}", 200));
    CHECK(is_silent(handle, 0.3) && is_silent(without, 0));
    json_decref(api_patch(&api, id, "{\"priority\": 3}", 200));
    check_answer(handle, "200", part);
    check_answer(without, "200", part);
    /* It has changed already. */
    check_answer(ask(&api, id, query), "200", part);
    check_answer(ask(&api, id, "wait=60&after=0"), "200", part);
    check_answer(ask(&api, id, "wait=0&after=99999"), "200", part);
    check_answer(ask(&api, id, "after=99999"), "200", part);

    handle = ask(&api, id, "wait=60");
    json_decref(api_post(&api, job_path(id, "/resume", path), NULL, 200));
    check_answer(handle, "200", "\"id\"");
    api_wait(&api, id, "running");
    /* It trains, and so it changes all the time. */
    for (int i = 0; i < 3; i++) {
        int64_t seen = revision_of(&api, id);
        (void)snprintf(query, sizeof(query), "wait=60&after=%lld", (long long)seen);
        char *text = answer_of(ask(&api, id, query), "200");
        CHECK(strtoll(strstr(text, "\"revision\":") + 11, NULL, 10) > seen);
        free(text);
    }
    api_stop(&api);
}

TEST("what changes a job without an event is heard as well, and so are its end and its deletion")
{
    struct api api;
    char id[16], path[160], query[64];

    api_start(&api);
    submit_resting(&api, id);
    int handle = ask(&api, id, "wait=60");
    CHECK(is_silent(handle, 0.2));
    json_decref(api_post(&api, job_path(id, "/cancel", path), NULL, 200));
    check_answer(handle, "200", "\"state\":\"cancelled\"");
    handle = ask(&api, id, "wait=60");
    CHECK(is_silent(handle, 0.2));
    struct answer gone =
        api_call(&api, &(struct call){.method = "DELETE", .path = job_path(id, "", path)});
    CHECK_INT(gone.status, 204);
    answer_drop(&gone);
    check_answer(handle, "404", "no such job");

    /* To stop earlier than it was to: the state is the same. */
    api_submit_tiny(&api, endless, id);
    api_wait_step(&api, id, 3);
    json_decref(api_post(&api, job_path(id, "/cancel?when=checkpoint", path), NULL, 200));
    for (const char *state = "cancelling"; strcmp(state, "cancelled") != 0;) {
        (void)snprintf(query, sizeof(query), "wait=60&after=%lld",
                       (long long)revision_of(&api, id));
        handle = ask(&api, id, query);
        if (strcmp(state, "cancelling") == 0)
            json_decref(api_post(&api, job_path(id, "/cancel?when=now", path), NULL, 200));
        char *text = answer_of(handle, "200");
        state = strstr(text, "\"state\":\"cancelled\"") ? "cancelled" : "stopping";
        free(text);
    }
    api_stop(&api);
}

TEST("when the time is over the job is told as it is, with 304 to who has it, and wrong times are "
     "refused")
{
    struct api api;
    char id[16], path[160], query[64], match[200];

    api_start(&api);
    submit_resting(&api, id);
    int64_t revision = revision_of(&api, id);
    struct answer first = api_call(&api, &(struct call){.path = job_path(id, "", path)});
    (void)snprintf(match, sizeof(match), "If-None-Match: %s", answer_header(&first, "ETag"));
    answer_drop(&first);
    (void)snprintf(query, sizeof(query), "?wait=1&after=%lld", (long long)revision);
    const char *const forms[] = {query, "?wait=1", "?after=99999&wait=1"};
    for (size_t i = 0; i < COUNT_OF(forms); i++) {
        double start = seconds_now();
        json_t *job = api_get(&api, job_path(id, forms[i], path), 200);
        CHECK_INT(integer_at(job, "revision"), revision);
        CHECK(seconds_now() - start >= 0.99);
        json_decref(job);
    }
    struct answer same =
        api_call(&api, &(struct call){.path = job_path(id, "?wait=1", path), .headers = {match}});
    CHECK_INT(same.status, 304);
    answer_drop(&same);
    same = api_call(&api, &(struct call){.method = "HEAD", .path = path});
    CHECK_INT(same.status, 200);
    CHECK_INT((int64_t)same.size, 0);
    answer_drop(&same);
    check_problem(api_get(&api, job_path(id, "?wait=-1", path), 400), 400, "wait");
    check_problem(api_get(&api, job_path(id, "?wait=301", path), 400), 400, "wait");
    check_problem(api_get(&api, job_path(id, "?wait=1&after=x", path), 400), 400, "after");
    json_decref(api_get(&api, "/v1/jobs/aaaaaaaaaaaa?wait=60", 404));
    api_stop(&api);
}

TEST("on one connection a request that waits and one behind it are answered in order")
{
    struct api api;
    char id[16], text[400];

    api_start(&api);
    submit_resting(&api, id);
    int handle = raw_open(&api);
    (void)snprintf(text, sizeof(text),
                   "GET /v1/jobs/%s?wait=60 HTTP/1.1\r\nHost: localhost\r\n\r\n"
                   "GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
                   id);
    raw_text(handle, text);
    CHECK(is_silent(handle, 0.3));
    json_decref(api_patch(&api, id, "{\"name\": \"changed\"}", 200));
    char *both = raw_read(handle, 30, NULL);
    char *job = strstr(both, "\"name\":\"changed\""), *live = strstr(both, "\"status\":\"ok\"");
    CHECK(job && live && job < live);
    free(both);
    (void)close(handle);
    api_stop(&api);
}

enum { WAITERS = 64 };

TEST("no more than so many may wait, which costs no processor time and holds nobody up, and who "
     "leaves makes room")
{
    struct api api;
    int handles[WAITERS];
    char id[16], path[160];

    api_start(&api);
    submit_resting(&api, id);
    for (int i = 0; i < WAITERS; i++)
        handles[i] = ask(&api, id, "wait=300");
    CHECK(is_silent(handles[WAITERS - 1], 0.5));
    struct answer full = api_call(&api, &(struct call){.path = job_path(id, "?wait=300", path)});
    CHECK(strtol(answer_header(&full, "Retry-After"), NULL, 10) > 0);
    check_problem(json_incref(full.json), 503, "wait");
    answer_drop(&full);
    api_check_idle(&api, "all those who wait");
    double start = seconds_now();
    json_decref(api_get(&api, "/livez", 200));
    json_decref(api_job(&api, id));
    CHECK(seconds_now() - start < 1.0 * test_slowdown());
    for (int i = 0; i < WAITERS / 2; i++)
        (void)close(handles[i]);
    for (int left = 0; left < WAITERS / 2;) { /* noticed within a second or so */
        int handle = ask(&api, id, "wait=300");
        if (is_silent(handle, 0.1))
            handles[left++] = handle;
        else
            check_answer(handle, "503", "Retry-After");
    }
    json_decref(api_patch(&api, id, "{\"name\": \"changed\"}", 200));
    for (int i = 0; i < WAITERS; i++)
        check_answer(handles[i], "200", "\"name\":\"changed\"");
    api_stop(&api);
}

TEST("a daemon that stops answers at once who waits, and who has shut his side alone as well")
{
    struct api api;
    int handles[8];
    char id[16];

    api_start(&api);
    submit_resting(&api, id);
    int half = ask(&api, id, "wait=300");
    CHECK(shutdown(half, SHUT_WR) == 0);
    check_answer(half, "200", id);
    for (int i = 0; i < 8; i++)
        handles[i] = ask(&api, id, "wait=300");
    CHECK(is_silent(handles[7], 0.3));
    double start = seconds_now();
    api_stop(&api);
    CHECK(seconds_now() - start < 10.0 * test_slowdown());
    for (int i = 0; i < 8; i++)
        check_answer(handles[i], "200", id);
}
