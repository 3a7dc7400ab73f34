/* Progress: what it promises, against the clock. */
#include "tests/api/support.h"
#include "tests/harness.h"

#include <stdio.h>

/* Steps so short that storing their rows takes most of the time. */
static const char spec[] =
    "{\"dataset\": {\"synthetic\": {\"shape\": [1, 1, 2], \"classes\": 2, \"samples\": 64}},"
    "\"model\": [\"flatten\", {\"type\": \"linear\", \"out_features\": 2}], \"optimizer\": \"sgd\","
    "\"max_steps\": 100000000, \"batch_size\": 2, \"evaluate_every\": {\"steps\": 50000000},"
    "\"checkpoint\": {\"every\": {\"steps\": 50000000}}, \"seed\": 1}";

TEST("samples a second and the time that remains are of one rate, which is that of the clock")
{
    struct api api;
    char id[16], path[160];

    api_start(&api);
    json_t *job = api_post(&api, "/v1/jobs", spec, 201);
    (void)snprintf(id, sizeof(id), "%s", text_at(job, "id"));
    json_decref(job);
    api_wait(&api, id, "running");
    double began = seconds_now();
    nap(2.5);
    job = api_get(&api, job_path(id, "", path), 200);
    double passed = seconds_now() - began;
    double step = json_number_value(json_at(job, "progress.step")),
           steps = json_number_value(json_at(job, "progress.steps")),
           rate = json_number_value(json_at(job, "progress.samples_per_second")),
           left = json_number_value(json_at(job, "progress.eta_seconds"));
    CHECK(step > 0 && rate > 0);
    CHECK_NEAR(rate * left / (2 * (steps - step)), 1, 1e-3);
    /* Far from the truth on a busy machine, and not as far as what leaves out the waiting. */
    CHECK_NEAR(rate * passed / (2 * step), 1, 0.6);
    json_decref(job);
    json_decref(api_post(&api, job_path(id, "/cancel", path), NULL, 200));
    api_stop(&api);
}
