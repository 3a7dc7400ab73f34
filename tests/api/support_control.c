/* Support: see support_control.h. */
#include "tests/api/support_control.h"

#include "tests/harness.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

json_t *api_job(const struct api *api, const char *id)
{
    char path[160];

    return api_get(api, job_path(id, "", path), 200);
}

json_t *api_patch(const struct api *api, const char *id, const char *body, int status)
{
    char path[160];
    struct answer answer = api_call(
        api, &(struct call){.method = "PATCH", .path = job_path(id, "", path), .body = body});
    json_t *json = json_incref(answer.json);

    if (answer.status != status)
        FAIL("PATCH %s gave %d and not %d: %s", body, answer.status, status, answer.body);
    answer_drop(&answer);
    return json;
}

void api_wait_step(const struct api *api, const char *id, int64_t step)
{
    for (int64_t seen = -1; seen < step; nap(0.005)) {
        json_t *job = api_job(api, id);
        const json_t *newest = json_at(job, "latest.train_loss.step");

        seen = newest ? json_integer_value(newest) : 0;
        json_decref(job);
    }
}

double api_value(const struct api *api, const char *id, const char *series, int64_t step)
{
    char rest[96], path[160];

    (void)snprintf(rest, sizeof(rest), "/metrics?names=%s&from=%lld&to=%lld", series,
                   (long long)step, (long long)step);
    json_t *answer = api_get(api, job_path(id, rest, path), 200);
    const json_t *values =
        json_object_get(json_object_get(json_at(answer, "series"), series), "value");
    CHECK_COUNT(json_array_size(values), 1);
    double value = json_number_value(json_array_get(values, 0));
    json_decref(answer);
    return value;
}

json_t *api_event(const struct api *api, const char *id, const char *name, int n)
{
    struct event_log log = {0};
    char path[160];
    json_t *data = NULL;
    int handle = events_open(api, job_path(id, "/events", path), 0);

    for (int found = -1, seen = 0; found < n;) {
        events_read(handle, &log, name);
        for (; seen < log.count; seen++)
            if (strcmp(log.items[seen].name, name) == 0 && ++found == n)
                data = json_loads(log.items[seen].data, 0, NULL);
    }
    (void)close(handle);
    events_drop_log(&log);
    CHECK(data);
    return data;
}
