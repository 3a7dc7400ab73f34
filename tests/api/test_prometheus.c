/* What Prometheus sees of a daemon. */
#include "tests/api/exposition.h"
#include "tests/api/support.h"
#include "tests/api/support_control.h"
#include "tests/harness.h"
#include "tests/server/workshop.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct exposition_read look(const struct api *api)
{
    struct answer answer = api_call(api, &(struct call){.path = "/metrics"});
    struct exposition_read read;

    CHECK_INT(answer.status, 200);
    CHECK_TEXT(answer_header(&answer, "Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
    exposition_read(answer.body, false, &read);
    answer_drop(&answer);
    return read;
}

TEST("what a job does is counted at /metrics, as Prometheus' text format wants it")
{
    static const char posts[] = "traind_http_request_duration_seconds_count{method=\"POST\",route="
                                "\"/v1/jobs\",status=\"2xx\"}";
    struct api api;
    char id[16];

    api_start(&api);
    struct exposition_read before = look(&api);
    CHECK_INT((int64_t)exposition_value(&before, "traind_steps_total"), 0);
    CHECK(exposition_value(&before, "traind_disk_free_bytes") > 0);
    CHECK_INT((int64_t)exposition_value(&before, "traind_workers"), 1);
    CHECK_INT((int64_t)exposition_value(&before, "traind_clerks_busy"), 1);

    api_submit_tiny(&api, "\"epochs\": 3", id);
    api_wait(&api, id, "succeeded");
    struct exposition_read after = look(&api);
    int64_t steps = 3 * TINY_STEPS_PER_EPOCH;
    CHECK_INT((int64_t)exposition_value(&after, "traind_steps_total"), steps);
    CHECK_INT((int64_t)exposition_value(&after, "traind_samples_total"), 3 * TINY_TRAIN);
    CHECK_INT((int64_t)exposition_value(&after, "traind_step_duration_seconds_count"), steps);
    CHECK(exposition_value(&after, "traind_step_duration_seconds_sum") > 0);
    CHECK_INT((int64_t)exposition_value(&after, "traind_evaluations_total"), 3);
    CHECK_INT((int64_t)exposition_value(&after, "traind_checkpoint_store_seconds_count"), 3);
    CHECK(exposition_value(&after, "traind_checkpoint_bytes_total") > 1000);
    CHECK_INT((int64_t)exposition_value(&after, "traind_jobs{state=\"succeeded\"}"), 1);
    CHECK_INT((int64_t)exposition_value(&after, posts), 1);
    CHECK(exposition_value(&after, "traind_database_bytes") > 0);
    CHECK(exposition_value(&after, "traind_database_wal_bytes") > 0);
    CHECK(exposition_value(&after, "process_cpu_seconds_total") >=
          exposition_value(&before, "process_cpu_seconds_total"));
    CHECK(exposition_value(&after, "process_resident_memory_bytes") > 1e6);
    CHECK(exposition_value(&after, "process_open_fds") > 3);
    CHECK_INT((int64_t)exposition_value(&after, "traind_queue_age_seconds"), 0);
    exposition_drop(&before);
    exposition_drop(&after);
    api_stop(&api);
}

TEST("more jobs make no more series")
{
    struct api api;
    char id[16], path[160];
    int counts[2];

    api_start(&api);
    for (int turn = 0; turn < 2; turn++) {
        for (int i = 0; i < 1 + 6 * turn; i++) {
            api_submit_tiny(&api, "\"epochs\": 1", id);
            api_wait(&api, id, "succeeded");
            json_decref(api_get(&api, job_path(id, "/metrics", path), 200));
            json_decref(api_get(&api, job_path(id, "/nothing", path), 404));
        }
        (void)snprintf(path, sizeof(path), "/v1/nothing-%d", turn);
        json_decref(api_get(&api, path, 404));
        json_decref(api_get(&api, "/v1/jobs/aaaaaaaaaaaa", 404));
        struct exposition_read read = look(&api);
        exposition_drop(&read);
        read = look(&api); /* the first one has counted itself only now */
        counts[turn] = read.count;
        exposition_drop(&read);
    }
    CHECK_INT(counts[1], counts[0]);
    api_stop(&api);
}

TEST("who asks for OpenMetrics gets it")
{
    struct api api;
    struct exposition_read read;

    api_start(&api);
    struct answer answer = api_call(
        &api, &(struct call){.path = "/metrics",
                             .headers = {"Accept: application/openmetrics-text;version=1.0.0;q=0.5,"
                                         "text/plain;version=0.0.4;q=0.3"}});
    CHECK_INT(answer.status, 200);
    CHECK_TEXT(answer_header(&answer, "Content-Type"),
               "application/openmetrics-text; version=1.0.0; charset=utf-8");
    CHECK_TEXT(answer_header(&answer, "Vary"), "Accept");
    exposition_read(answer.body, true, &read);
    CHECK_INT((int64_t)exposition_value(&read, "traind_steps_total"), 0);
    exposition_drop(&read);
    answer_drop(&answer);
    api_stop(&api);
}

TEST("the queue has an age while a job waits, and streams are counted while they live")
{
    struct api api;
    char running[16], waiting[16], path[160];

    api_start(&api);
    api_submit_tiny(&api, "\"epochs\": 100000", running);
    api_wait(&api, running, "running");
    api_submit_tiny(&api, "\"epochs\": 1", waiting);
    int socket = events_open(&api, "/v1/events", 0);
    nap(0.05);
    struct exposition_read read = look(&api);
    while (exposition_value(&read, "traind_streams") == 0) {
        exposition_drop(&read);
        read = look(&api);
    }
    CHECK(exposition_value(&read, "traind_queue_age_seconds") >= 0.05);
    CHECK_INT((int64_t)exposition_value(&read, "traind_jobs{state=\"queued\"}"), 1);
    CHECK_INT((int64_t)exposition_value(&read, "traind_jobs{state=\"running\"}"), 1);
    CHECK_INT((int64_t)exposition_value(&read, "traind_workers_busy"), 1);
    CHECK_INT((int64_t)exposition_value(&read, "traind_streams"), 1);
    exposition_drop(&read);
    CHECK(close(socket) == 0);
    json_decref(api_post(&api, job_path(waiting, "/cancel", path), NULL, 200));
    json_decref(api_post(&api, job_path(running, "/cancel", path), NULL, 200));
    api_wait(&api, running, "cancelled");
    api_stop(&api);
}
