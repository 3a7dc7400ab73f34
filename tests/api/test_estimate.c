/* Tests of the estimate in plans. */
#include "tests/api/support.h"
#include "tests/harness.h"
#include "tests/server/workshop.h"

#include <stdlib.h>

TEST("soon after its start the daemon knows how long a job would take, and until then says so")
{
    struct api api;
    char *spec = tiny_spec("\"epochs\": 3");
    bool known = false;

    if (test_slowdown() > 4)
        SKIP("a build as slow as this does not get round to all kinds of layers");
    api_start(&api);
    while (!known) { /* or the test's own deadline comes */
        json_t *answer = api_post(&api, "/v1/jobs?dry_run=true", spec, 200);
        const json_t *epoch = json_at(answer, "plan.estimate.seconds_per_epoch");
        const json_t *whole = json_at(answer, "plan.estimate.seconds");

        known = json_is_real(epoch);
        CHECK(known ? json_real_value(epoch) > 0 && json_real_value(whole) > json_real_value(epoch)
                    : json_is_null(epoch) && json_is_null(whole));
        json_decref(answer);
        nap(0.05);
    }
    api_stop(&api);
    free(spec);
}
