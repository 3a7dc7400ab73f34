/* Defaults that are written back: a job says what it does without a look into the manual, and what
 * stands for the whole run goes on doing so when the run gets another length. */
#include "tests/api/support.h"
#include "tests/api/support_control.h"
#include "tests/harness.h"
#include "tests/server/workshop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *submit(const struct api *api, const char *schedule, const char *length)
{
    char extra[300];

    (void)snprintf(extra, sizeof(extra), "\"lr_schedule\": %s, %s", schedule, length);
    char *spec = tiny_spec(extra);
    json_t *job = api_post(api, "/v1/jobs", spec, 201);
    free(spec);
    return job;
}

TEST("every schedule's defaults stand in the spec that comes back")
{
    static const char *const cases[][2] = {
        {"\"constant\"", "unit"},
        {"{\"type\": \"step\", \"step_size\": 2}", "step_size gamma unit"},
        {"{\"type\": \"multistep\", \"milestones\": [2]}", "milestones gamma unit"},
        {"{\"type\": \"exponential\", \"gamma\": 0.5}", "gamma unit"},
        {"\"cosine\"", "t_max eta_min unit"},
        {"{\"type\": \"cosine_restarts\", \"t_0\": 2}", "t_0 t_mult eta_min unit"},
        {"{\"type\": \"cyclic\", \"base_lr\": 0.1, \"max_lr\": 1}",
         "base_lr max_lr step_size_up step_size_down mode gamma unit"},
        {"{\"type\": \"one_cycle\", \"max_lr\": 1}",
         "max_lr pct_start div_factor final_div_factor unit"},
        {"\"linear\"", "unit"},
        {"\"polynomial\"", "unit"},
        {"{\"type\": \"piecewise\", \"points\": [[1, 0.1]]}", "points unit"},
        {"\"reduce_on_plateau\"", "metric factor patience min_lr"},
    };
    struct api api;

    api_start(&api);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char words[120], path[80], *rest = NULL;
        json_t *job = submit(&api, cases[i][0], "\"epochs\": 3");

        (void)snprintf(words, sizeof(words), "%s", cases[i][1]);
        for (char *word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
            (void)snprintf(path, sizeof(path), "spec.lr_schedule.%s", word);
            if (!json_at(job, path) || json_is_null(json_at(job, path)))
                FAIL("%s comes back without %s", cases[i][0], word);
        }
        json_decref(job);
    }
    api_stop(&api);
}

static void check_length(json_t *job, int64_t units)
{
    CHECK_INT(integer_at(job, "spec.lr_schedule.t_max"), units);
    json_decref(job);
}

TEST("a cosine of the whole run says how long that is, and stays one when the run's length changes")
{
    static const char in_steps[] = "{\"type\": \"cosine\", \"unit\": \"step\"}";
    struct api api;
    char id[16], path[160];
    json_t *job;

    api_start(&api);
    check_length(submit(&api, "\"cosine\"", "\"epochs\": 3"), 3);
    check_length(submit(&api, in_steps, "\"epochs\": 3"), 3 * TINY_STEPS_PER_EPOCH);
    check_length(submit(&api, "\"cosine\"", "\"max_steps\": 9"), 9);

    job = submit(&api, "\"cosine\"", "\"epochs\": 90000");
    (void)snprintf(id, sizeof(id), "%s", text_at(job, "id"));
    check_length(job, 90000);
    api_wait_step(&api, id, 2);
    check_length(api_patch(&api, id, "{\"epochs\": 80000}", 200), 80000);
    job = api_event(&api, id, "edit", 0);
    CHECK_INT(integer_at(job, "changes.lr_schedule.to.t_max"), 80000);
    CHECK(json_is_true(json_at(job, "changes.lr_schedule.implied")));
    CHECK(!json_at(job, "changes.epochs.implied"));
    json_decref(job);
    check_length(api_post(&api, job_path(id, "/fork", path), "{\"spec\": {\"epochs\": 7}}", 201),
                 7);
    /* A length of one's own stays. */
    check_length(api_patch(&api, id, "{\"lr_schedule\": {\"t_max\": 5}}", 200), 5);
    check_length(api_patch(&api, id, "{\"epochs\": 70000}", 200), 5);
    check_length(api_patch(&api, id, "{\"lr_schedule\": {\"t_max\": null}}", 200), 70000);
    api_stop(&api);
}
