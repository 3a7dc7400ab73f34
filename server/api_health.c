/* Health: whether the daemon lives, and whether it is of use. */
#include "server/api.h"

#include "server/process.h"
#include "server/store_watch.h"
#include "server/version.h"

#include <inttypes.h>
#include <stdio.h>

/* One thing that must be well. `word`: what is wrong, or what is worth saying. */
enum { WORD_SIZE = 128 };
struct check {
    const char *name;
    bool (*passes)(const struct http_request *request, char word[WORD_SIZE]);
};

/* A write that waits so long is a disk that does not answer. */
static const double writer_seconds = 10;

static bool answers(const struct http_request *request, char word[WORD_SIZE])
{
    (void)request;
    (void)snprintf(word, WORD_SIZE, "requests are answered");
    return true;
}

static bool goes_on(const struct http_request *request, char word[WORD_SIZE])
{
    bool stopping = atomic_load(&request->app->stopping);

    (void)snprintf(word, WORD_SIZE,
                   stopping ? "the server is stopping" : "the server is not stopping");
    return !stopping;
}

static bool store_is_readable(const struct http_request *request, char word[WORD_SIZE])
{
    int64_t counts[JOB_STATES] = {0};
    struct error error = {0};

    (void)snprintf(word, WORD_SIZE, "the database can be read");
    if (store_job_counts(request->db, counts, &error))
        return true;
    (void)snprintf(word, WORD_SIZE, "the database cannot be read; the server's log says why");
    log_line(request->app->log, LOG_ERROR, "not ready: %s: %s", error.where, error.text);
    return false;
}

static bool writer_answers(const struct http_request *request, char word[WORD_SIZE])
{
    double seconds = store_writer_delay(request->app->store);

    (void)snprintf(word, WORD_SIZE, "the oldest unanswered write waits %.1f s, and may wait %g s",
                   seconds, writer_seconds);
    return seconds <= writer_seconds;
}

static bool disk_has_room(const struct http_request *request, char word[WORD_SIZE])
{
    const struct config *config = request->app->config;
    int64_t free_bytes = disk_free_bytes(config->data_dir);

    if (free_bytes < 0) {
        (void)snprintf(word, WORD_SIZE, "nobody can tell how much room there is");
        return false;
    }
    (void)snprintf(word, WORD_SIZE, "%" PRId64 " MiB are free, and %d must be", free_bytes >> 20,
                   config->free_disk);
    return free_bytes >> 20 >= config->free_disk;
}

static bool workers_are_there(const struct http_request *request, char word[WORD_SIZE])
{
    struct pool *pool = request->app->pool;
    int ended = pool_ended(pool), all = pool_workers(pool);

    (void)snprintf(word, WORD_SIZE, "%d of %d workers are there", all - ended, all);
    return ended == 0;
}

static const struct check live_checks[] = {{"http", answers}, {NULL, NULL}};
static const struct check ready_checks[] = {
    {"not-stopping", goes_on}, {"store", store_is_readable},   {"writer", writer_answers},
    {"disk", disk_has_room},   {"workers", workers_are_there}, {NULL, NULL}};

/* What became of the checks, in the forms that may be asked for. */
struct report {
    struct body lines, items, errors;
    char first[WORD_SIZE + 32]; /* what failed first; "": nothing */
};

static void drop_report(struct report *report)
{
    body_drop(&report->lines);
    body_drop(&report->items);
    body_drop(&report->errors);
}

static void put_check(struct report *report, const char *name, bool passed, const char *word)
{
    body_print(&report->lines, passed ? "[+]%s ok\n" : "[-]%s failed: %s\n", name, word);
    body_print(&report->items, "%s{\"name\":\"%s\",\"status\":\"%s\",\"detail\":",
               report->items.size > 0 ? "," : "", name, passed ? "ok" : "failed");
    body_string(&report->items, word);
    body_text(&report->items, "}");
    if (passed)
        return;
    body_print(&report->errors,
               "%s{\"pointer\":\"/checks/%s\",\"detail\":", report->errors.size > 0 ? "," : "[",
               name);
    body_string(&report->errors, word);
    body_text(&report->errors, "}");
    if (report->first[0] == '\0')
        (void)snprintf(report->first, sizeof(report->first), "%s: %s", name, word);
}

/* Who may not look hears no numbers. */
static void run_checks(const struct http_request *request, const struct check *checks,
                       struct report *report)
{
    bool may_look = request->scope >= SCOPE_READ;
    char word[WORD_SIZE];

    for (; checks->name; checks++) {
        bool passed = checks->passes(request, word);

        put_check(report, checks->name, passed, may_look ? word : passed ? "" : "reason withheld");
    }
    body_text(&report->errors, report->errors.size > 0 ? "]" : "");
}

/* As Kubernetes' own servers answer: a line a check. */
static bool answer_lines(const char *what, struct report *report, struct http_response *response,
                         struct error *error)
{
    bool good = report->first[0] == '\0';

    body_print(&report->lines, "%s check %s\n", what, good ? "passed" : "failed");
    response->body = body_take(&report->lines, &response->body_size, error);
    response->status = good ? 200 : 503;
    response->content_type = "text/plain; charset=utf-8";
    return response->body != NULL;
}

static void put_jobs(struct body *body, const struct http_request *request)
{
    struct pool *pool = request->app->pool;
    int64_t counts[JOB_STATES] = {0};
    struct error error = {0};

    body_print(body, ",\"version\":\"%s\",\"workers\":%d,\"busy\":%d", TRAIND_VERSION,
               pool_workers(pool), pool_busy(pool));
    if (!store_job_counts(request->db, counts, &error))
        return;
    for (int state = 0; state < JOB_STATES; state++)
        body_print(body, "%s\"%s\":%" PRId64, state > 0 ? "," : ",\"jobs\":{",
                   job_state_name((enum job_state)state), counts[state]);
    body_text(body, "}");
}

static bool answer_json(const struct http_request *request, bool with_jobs, struct report *report,
                        struct http_response *response, struct error *error)
{
    struct body body = {0};

    body_text(&body, "{\"status\":\"ok\"");
    if (with_jobs && request->scope >= SCOPE_READ)
        put_jobs(&body, request);
    if (http_query(request, "verbose"))
        body_print(&body, ",\"checks\":[%s]", report->items.bytes ? report->items.bytes : "");
    body_text(&body, "}");
    return http_response_json(response, 200, &body, error);
}

static bool wants_lines(const struct http_request *request)
{
    return http_accepts(request, "text/plain") && !http_accepts(request, "application/json");
}

bool api_livez(const struct http_request *request, struct http_response *response,
               struct error *error)
{
    struct report report = {.first = ""};
    bool good;

    run_checks(request, live_checks, &report);
    if (wants_lines(request))
        good = answer_lines("livez", &report, response, error);
    else
        good = answer_json(request, false, &report, response, error);
    drop_report(&report);
    return good;
}

/* Ready: what is stored can be read, work is taken, and what comes of it can be kept. */
bool api_readyz(const struct http_request *request, struct http_response *response,
                struct error *error)
{
    struct report report = {.first = ""};
    bool good = true;

    run_checks(request, ready_checks, &report);
    if (wants_lines(request))
        good = answer_lines("readyz", &report, response, error);
    else if (report.first[0] != '\0')
        http_problem(response, 503, report.errors.bytes, "not ready: %s", report.first);
    else
        good = answer_json(request, true, &report, response, error);
    drop_report(&report);
    return good;
}
