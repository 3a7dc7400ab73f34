/* Weights between the daemon and PyTorch, both ways: the same predictions. */
#include "tests/api/support.h"
#include "tests/core/support.h"
#include "tests/harness.h"

#include <stdio.h>
#include <string.h>

static json_t *torch(const char *command, const char *file)
{
    const char *const arguments[] = {command, file, "sets/tiny", "result.json", NULL};
    int status = run_python("torch_weights.py", arguments);

    if (status == 3 || status == 127)
        SKIP("PyTorch for python3 is not installed");
    CHECK_INT(status, 0);
    json_t *result = json_load_file("result.json", 0, NULL);
    CHECK(result != NULL);
    return result;
}

/* The network of torch_weights.py. */
static void submit_torch(const struct api *api, const char *extra, char id[16])
{
    static const char model[] =
        "{\"dataset\": {\"name\": \"tiny\"}, \"batch_size\": 16, \"seed\": 3, \"model\": "
        "[{\"type\": "
        "\"conv2d\", \"out_channels\": 4, \"kernel_size\": 3}, {\"type\": \"batch_norm2d\", "
        "\"momentum\": %s}, \"relu\", {\"type\": \"max_pool2d\", \"kernel_size\": 2}, \"flatten\", "
        "{\"type\": \"linear\", \"out_features\": 4}], %s}";
    char spec[700];

    (void)snprintf(spec, sizeof(spec), model, strstr(extra, "init_from") ? "0" : "0.1", extra);
    json_t *job = api_post(api, "/v1/jobs", spec, 201);
    (void)snprintf(id, 16, "%s", text_at(job, "id"));
    json_decref(job);
    api_wait(api, id, "succeeded");
}

static void check_same_result(const struct api *api, const char *id, json_t *result)
{
    char path[160];
    json_t *job = api_get(api, job_path(id, "", path), 200);

    CHECK_NEAR(json_number_value(json_at(job, "latest.val_loss.value")),
               json_number_value(json_at(result, "loss")), 1e-5);
    CHECK_NEAR(json_number_value(json_at(job, "latest.val_accuracy.value")),
               json_number_value(json_at(result, "accuracy")), 1e-9);
    json_decref(job);
    json_decref(result);
}

TEST_SLOW("a checkpoint loads into PyTorch's nn.Sequential, strictly, and predicts the same", 300)
{
    struct api api;
    char id[16], path[160];

    api_start(&api);
    submit_torch(&api, "\"optimizer\": {\"type\": \"sgd\", \"lr\": 0.05}, \"epochs\": 4", id);
    struct answer file =
        api_call(&api, &(struct call){.path = job_path(id, "/checkpoints/last", path)});
    CHECK_INT(file.status, 200);
    write_bytes("checkpoint.safetensors", file.body, file.size);
    answer_drop(&file);
    check_same_result(&api, id, torch("load", "checkpoint.safetensors"));
    api_stop(&api);
}

TEST_SLOW(
    "weights of PyTorch's come in by PUT, and a job that begins with them evaluates as PyTorch "
    "does",
    300)
{
    struct api api;
    char id[16];

    api_start(&api);
    json_t *result = torch("make", "made.safetensors");
    json_decref(api_put(&api, "/v1/weights/of-torch", "made.safetensors", 201));
    /* A rate of 0, and statistics that stay: what is evaluated is what it began with. */
    submit_torch(&api,
                 "\"optimizer\": {\"type\": \"sgd\", \"lr\": 0}, \"max_steps\": 1,"
                 " \"init_from\": {\"weights\": \"of-torch\"}",
                 id);
    check_same_result(&api, id, result);
    api_stop(&api);
}
