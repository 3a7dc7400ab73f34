/* Support: see support_delete.h. */
#include "tests/api/support_delete.h"

#include "tests/api/support_control.h"
#include "tests/harness.h"

#include "core/field.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

struct answer delete_job(const struct api *api, const char *id, const char *header)
{
    char path[160];

    return api_call(
        api,
        &(struct call){.method = "DELETE", .path = job_path(id, "", path), .headers = {header}});
}

void check_deleted(const struct api *api, const char *id)
{
    struct answer answer = delete_job(api, id, NULL);

    if (answer.status != 204 || answer.size != 0)
        FAIL("DELETE gave %d: %s", answer.status, answer.body);
    answer_drop(&answer);
}

void check_gone(const struct api *api, const char *id)
{
    static const char *const rest[] = {"",          "/metrics",     "/events",
                                       "/schedule", "/checkpoints", "/checkpoints/last"};
    char path[160];

    for (size_t i = 0; i < COUNT_OF(rest); i++)
        json_decref(api_get(api, job_path(id, rest[i], path), 404));
    check_problem(api_patch(api, id, "{\"name\": \"x\"}", 404), 404, "job");
    json_decref(api_post(api, job_path(id, "/cancel", path), NULL, 404));
    json_decref(api_post(api, job_path(id, "/fork", path), "{}", 404));
    json_t *list = api_get(api, "/v1/jobs?limit=200", 200), *item;
    size_t i;
    json_array_foreach (json_at(list, "items"), i, item)
        CHECK(strcmp(text_at(item, "id"), id) != 0);
    json_decref(list);
}

/* ---- the store behind the daemon's back ---- */

static sqlite3 *open_store(void)
{
    sqlite3 *handle = NULL;

    CHECK(sqlite3_open("data/traind.db", &handle) == SQLITE_OK);
    CHECK(sqlite3_busy_timeout(handle, 30000) == SQLITE_OK);
    return handle;
}

void run_sql(const char *text)
{
    sqlite3 *handle = open_store();
    char *why = NULL;

    if (sqlite3_exec(handle, text, NULL, NULL, &why) != SQLITE_OK)
        FAIL("%s: %s", text, why);
    CHECK(sqlite3_close(handle) == SQLITE_OK);
}

int64_t ask_sql(const char *text)
{
    sqlite3 *handle = open_store();
    sqlite3_stmt *statement = NULL;

    if (sqlite3_prepare_v2(handle, text, -1, &statement, NULL) != SQLITE_OK)
        FAIL("%s: %s", text, sqlite3_errmsg(handle));
    CHECK(sqlite3_step(statement) == SQLITE_ROW);
    int64_t number = sqlite3_column_int64(statement, 0);
    CHECK(sqlite3_finalize(statement) == SQLITE_OK && sqlite3_close(handle) == SQLITE_OK);
    return number;
}

/* Waits until deleted jobs have left nothing. */
void wait_swept(void)
{
    static const char *const tables[] = {
        "metric",   "stretch", "arrival", "withdrawal", "event",       "checkpoint", "job_text",
        "job_data", "summary", "label",   "edit",       "idempotency", "job"};
    char text[160];

    while (ask_sql("SELECT count(*) FROM deletion WHERE swept = 0") > 0)
        nap(0.01);
    for (size_t i = 0; i < COUNT_OF(tables); i++) {
        (void)snprintf(text, sizeof(text),
                       "SELECT count(*) FROM %s WHERE %s IN (SELECT job FROM deletion)", tables[i],
                       i + 1 < COUNT_OF(tables) ? "job" : "number");
        if (ask_sql(text) != 0)
            FAIL("something is left in %s", tables[i]);
    }
    CHECK_INT(ask_sql("SELECT count(*) FROM chunk WHERE checkpoint NOT IN"
                      " (SELECT number FROM checkpoint)"),
              0);
}
