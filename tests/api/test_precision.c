/* Tests of precision: bf16 where it cannot be had is refused by name, before a job is accepted and
 * before one begins. */
#include "tests/api/daemon.h"
#include "tests/api/support.h"
#include "tests/harness.h"
#include "tests/server/workshop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TEST("a job in bf16 is refused at /precision by kernels that cannot compute it")
{
    struct api api;
    char *spec = tiny_spec("\"precision\": \"bf16\"");

    api_start(&api); /* with the reference kernels */
    json_t *problem = api_post(&api, "/v1/jobs?dry_run=true", spec, 422);
    CHECK_TEXT(text_at(problem, "errors.0.pointer"), "/precision");
    CHECK(strstr(text_at(problem, "errors.0.detail"), "fp32 works") != NULL);
    json_decref(problem);
    json_decref(api_post(&api, "/v1/jobs", spec, 422));
    json_t *jobs = api_get(&api, "/v1/jobs", 200);
    CHECK_COUNT(json_array_size(json_at(jobs, "items")), 0);
    json_decref(jobs);
    api_stop(&api);
    free(spec);
}

TEST("traind train refuses bf16 on a processor without it, and says what is missing")
{
    char text[4096] = "";
    const char *const train[] = {"train", "bf16.json", NULL};
    FILE *file = fopen("bf16.json", "w");

    CHECK(file != NULL);
    fputs("{\"dataset\": {\"synthetic\": {\"shape\": [1, 4, 4], \"classes\": 10, \"samples\": "
          "20}}, \"model\": "
          "[\"flatten\", {\"type\": \"linear\", \"out_features\": 10}], \"optimizer\": \"sgd\", "
          "\"max_steps\": 1, \"precision\": \"bf16\"}",
          file);
    CHECK(fclose(file) == 0);
    CHECK(setenv("ONEDNN_MAX_CPU_ISA", "AVX2", 1) == 0);
    CHECK_INT(traind_run(train, "output"), 1);
    CHECK(unsetenv("ONEDNN_MAX_CPU_ISA") == 0);
    file = fopen("output", "r");
    CHECK(file != NULL);
    size_t size = fread(text, 1, sizeof text - 1, file);
    text[size] = '\0';
    CHECK(fclose(file) == 0);
    if (!strstr(text, "/precision: bf16 needs"))
        FAIL("it said: %s", text);
}
