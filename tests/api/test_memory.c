/* One budget of memory for running jobs and uploads: who comes when it is used waits or is told to
 * come again, and nobody is refused for what others use. */
#include "tests/api/daemon.h"
#include "tests/api/support.h"
#include "tests/api/support_control.h"
#include "tests/core/support.h"
#include "tests/core/support_archive.h"
#include "tests/harness.h"

#include <stdio.h>
#include <string.h>

/* 20 MiB of images. */
static const struct data_shape large = {.sample = {.channels = 1, .height = 64, .width = 64},
                                        .classes = 3,
                                        .train_samples = 5000,
                                        .test_samples = 120};

/* A daemon that may use 64 MiB, and has threads for two jobs. */
static void start(struct api *api, struct daemon *daemon)
{
    static const char *const extra[] = {"--memory", "64", "--workers", "2", NULL};

    daemon_start(daemon, "data", "none", extra);
    *api = (struct api){.pid = daemon->pid};
    (void)snprintf(api->address, sizeof(api->address), "%.63s", daemon->address);
    CHECK(sscanf(strrchr(api->address, ':'), ":%d", &api->port) == 1);
}

/* A job with `samples` images of 12 KiB. */
static json_t *submit(const struct api *api, int samples, int status)
{
    char spec[400];

    (void)snprintf(spec, sizeof(spec),
                   "{\"dataset\": {\"synthetic\": {\"shape\": [3, 64, 64], \"classes\": 4,"
                   " \"samples\": %d}}, \"optimizer\": \"sgd\", \"max_steps\": 100000000,"
                   " \"batch_size\": 1, \"model\": [\"flatten\", {\"type\": \"linear\","
                   " \"out_features\": 4}]}",
                   samples);
    return api_post(api, "/v1/jobs", spec, status);
}

static void submit_large(const struct api *api, char id[16])
{
    json_t *job = submit(api, 3400, 201);

    (void)snprintf(id, 16, "%s", text_at(job, "id"));
    json_decref(job);
}

static void cancel(const struct api *api, const char *id)
{
    char path[160];

    json_decref(api_post(api, job_path(id, "/cancel", path), "", 200));
    api_wait(api, id, "cancelled");
}

TEST("an upload that running jobs leave no memory for is told to come again, and then it fits")
{
    struct daemon daemon;
    struct api api;
    char id[16];

    make_idx_dataset("set", &large, 1);
    pack_folder("set", "archive", PACK_TAR, "");
    start(&api, &daemon);
    submit_large(&api, id);
    api_wait_step(&api, id, 1);
    struct answer answer = api_put_file(&api, "/v1/datasets/large", "archive", NULL);
    CHECK_INT(answer.status, 503);
    CHECK(strcmp(answer_header(&answer, "Retry-After"), "") != 0);
    check_problem(json_incref(answer.json), 503, "running jobs leave");
    answer_drop(&answer);
    check_problem(api_get(&api, "/v1/datasets/large", 404), 404, "large");
    cancel(&api, id);
    json_decref(api_put(&api, "/v1/datasets/large", "archive", 201));
    CHECK_INT(daemon_stop(&daemon), 0);
}

TEST("a job waits in the queue for the memory that others use, and no later one overtakes it")
{
    struct daemon daemon;
    struct api api;
    char first[16], second[16], third[16];
    json_t *job;

    start(&api, &daemon);
    check_problem(submit(&api, 5400, 422), 422, "cannot be trained");
    submit_large(&api, first);
    api_wait_step(&api, first, 1);
    submit_large(&api, second);
    job = submit(&api, 10, 201);
    (void)snprintf(third, sizeof(third), "%s", text_at(job, "id"));
    json_decref(job);
    nap(4.0); /* longer than a worker sleeps without being woken */
    job = api_job(&api, second);
    CHECK_TEXT(text_at(job, "state"), "queued");
    json_decref(job);
    job = api_job(&api, third);
    CHECK_TEXT(text_at(job, "state"), "queued");
    json_decref(job);
    cancel(&api, first);
    api_wait_step(&api, second, 1);
    api_wait_step(&api, third, 1);
    CHECK_INT(daemon_stop(&daemon), 0);
}
