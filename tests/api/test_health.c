/* Health: what /livez and /readyz say, to people, to programs and as Kubernetes' servers say it. */
#include "tests/api/daemon.h"
#include "tests/api/support.h"
#include "tests/harness.h"
#include "tests/server/store_support.h"

#include "server/store_watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = {"not-stopping", "store", "writer", "disk", "workers"};

static struct answer plain(const struct api *api, const char *path)
{
    return api_call(api, &(struct call){.path = path, .headers = {"Accept: text/plain"}});
}

TEST("readiness is made of checks, each with its name and a word, as JSON and as lines")
{
    struct api api;

    api_start(&api);
    json_t *ready = api_get(&api, "/readyz?verbose", 200);
    CHECK_TEXT(text_at(ready, "status"), "ok");
    const json_t *checks = json_at(ready, "checks");
    CHECK_COUNT(json_array_size(checks), sizeof(names) / sizeof(names[0]));
    for (size_t i = 0; i < json_array_size(checks); i++) {
        CHECK_TEXT(text_at(json_array_get(checks, i), "name"), names[i]);
        CHECK_TEXT(text_at(json_array_get(checks, i), "status"), "ok");
        CHECK(strlen(text_at(json_array_get(checks, i), "detail")) > 5);
    }
    json_decref(ready);
    ready = api_get(&api, "/readyz", 200);
    CHECK(!json_at(ready, "checks"));
    json_decref(ready);

    struct answer lines = plain(&api, "/readyz?verbose");
    CHECK_INT(lines.status, 200);
    CHECK_TEXT(answer_header(&lines, "Content-Type"), "text/plain; charset=utf-8");
    CHECK_TEXT(lines.body, "[+]not-stopping ok\n[+]store ok\n[+]writer ok\n[+]disk ok\n"
                           "[+]workers ok\nreadyz check passed\n");
    answer_drop(&lines);
    lines = plain(&api, "/livez");
    CHECK_TEXT(lines.body, "[+]http ok\nlivez check passed\n");
    answer_drop(&lines);
    json_t *live = api_get(&api, "/livez?verbose=1", 200);
    CHECK_TEXT(text_at(live, "checks.0.name"), "http");
    json_decref(live);
    api_stop(&api);
}

TEST("a daemon whose disk is nearly full lives and is not ready, and says why")
{
    const char *const options[] = {"--free-disk", "1073741824", NULL};
    struct daemon daemon;
    char *text = NULL;

    daemon_start(&daemon, "data", "sets", options);
    CHECK_INT(daemon_ask(&daemon, "/livez", NULL, NULL), 200);
    CHECK_INT(daemon_ask(&daemon, "/readyz?verbose", NULL, &text), 503);
    json_t *problem = json_loads(text, 0, NULL);
    CHECK_TEXT(text_at(problem, "errors.0.pointer"), "/checks/disk");
    CHECK(strstr(text_at(problem, "errors.0.detail"), "MiB are free"));
    check_problem(problem, 503, "not ready: disk: ");
    free(text);
    CHECK_INT(daemon_stop(&daemon), 0);
}

TEST("a write that gets no answer has a delay, which ends with the answer")
{
    struct store *store = must_open();
    struct db *db = must_read(store);
    struct error error = {0};

    CHECK(store_writer_delay(store) == 0);
    struct gate *gate = gate_close(store);
    nap(0.03);
    CHECK(store_writer_delay(store) >= 0.03);
    gate_open(gate);
    GOOD(try_sql(store, "SELECT 1", &error));
    while (store_writer_delay(store) > 0)
        nap(0.001);
    db_close(db);
    must_finish(store);
}

TEST("a job waits in the queue since it came there")
{
    struct store *store = must_open();
    struct db *db = must_read(store);
    struct error error = {0};
    struct job_row row;
    int64_t since = -1, first;

    GOOD(store_queued_since(db, &since, &error));
    CHECK_INT(since, 0);
    first = must_add(store, 0);
    GOOD(store_queued_since(db, &since, &error));
    struct job_row job = must_look(db, first);
    CHECK(since >= job.created_at && since < job.created_at + 1000);
    int64_t of_first = since;
    nap(0.01);
    (void)must_add(store, 0);
    GOOD(store_queued_since(db, &since, &error));
    CHECK_INT(since, of_first);
    GOOD(try_claim(store, &row, &error));
    CHECK_INT(row.number, first);
    job_row_drop(&row);
    GOOD(store_queued_since(db, &since, &error));
    CHECK(since > of_first);
    struct store_sizes sizes = store_sizes(store);
    CHECK(sizes.file > 0 && sizes.log > 0);
    db_close(db);
    must_finish(store);
}
