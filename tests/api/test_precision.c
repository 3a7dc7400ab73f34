/* Precision, as the interface sees it. */
#include "tests/api/support.h"
#include "tests/harness.h"
#include "tests/server/workshop.h"

#include <stdlib.h>
#include <string.h>

TEST("a job in bf16 is refused when it is submitted, where the daemon's kernels have none")
{
    struct api api;
    char *spec = tiny_spec("\"precision\": \"bf16\"");

    api_start(&api); /* with the reference kernels */
    json_t *problem = api_post(&api, "/v1/jobs", spec, 422);
    const json_t *errors = json_object_get(problem, "errors");

    CHECK_COUNT(json_array_size(errors), 1);
    CHECK_TEXT(text_at(json_array_get(errors, 0), "pointer"), "/precision");
    CHECK(strstr(text_at(json_array_get(errors, 0), "detail"), "computed by oneDNN alone"));
    json_decref(problem);
    api_stop(&api);
    free(spec);
}
