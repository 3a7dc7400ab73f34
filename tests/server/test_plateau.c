/* reduce_on_plateau as users write it: against PyTorch's rates in tests/golden/plateaus.txt, and
 * what is said when nothing can be watched. */
#include "core/control.h"
#include "server/spec_json.h"
#include "tests/core/support_golden_file.h"
#include "tests/harness.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { VALUES_MAX = 256 };

struct job {
    struct spec spec;
    struct plan plan;
    struct plan_warnings warnings;
    struct problems *problems;
};

/* A job of 200 steps, on a data set with so many test samples, with these further members. */
static void make_job(const char *members, int64_t test_samples, struct job *job)
{
    const struct data_shape data = {{1, 2, 2, 0}, 3, 20, test_samples, false};
    char text[1024];
    struct error error = {0};
    struct job_meta meta;
    json_t *json;

    snprintf(text, sizeof(text),
             "{\"dataset\": {\"name\": \"d\"}, \"model\": [\"flatten\", {\"type\": \"linear\", "
             "\"out_features\": 3}], \"optimizer\": {\"type\": \"sgd\", \"lr\": 0.1}, "
             "\"max_steps\": 200, \"batch_size\": 1, \"evaluate_every\": {\"steps\": 10}, %s}",
             members);
    *job = (struct job){.problems = calloc(1, sizeof(*job->problems))};
    CHECK(job->problems != NULL);
    if (!json_parse_strict(text, strlen(text), &json, job->problems, &error))
        FAIL("%s: %s", members, error.text);
    CHECK(spec_from_json(json, &job->spec, &meta, job->problems, &error));
    json_decref(json);
    if (job->problems->count > 0)
        FAIL("%s: %s", job->problems->items[0].pointer, job->problems->items[0].detail);
    CHECK(spec_settle(&job->spec, &data, &job->warnings, &error));
    CHECK(plan_make(&job->spec, &data, &job->plan, job->problems, &job->warnings, &error));
}

static void drop_job(struct job *job)
{
    plan_drop(&job->plan);
    spec_drop(&job->spec);
    free(job->problems);
}

static void check_rates(const char *schedule, const double *metrics, const double *rates,
                        int64_t count)
{
    char members[512];
    struct job job;

    snprintf(members, sizeof(members), "\"lr_schedule\": %s", schedule);
    make_job(members, 10, &job);
    struct control control = control_begin(&job.spec);
    int metric = plateau_metric(&job.spec.lr_schedule);
    for (int64_t step = 1; step <= count; step++) {
        struct observation observation = {{NAN, NAN, NAN, NAN}};
        double got = control_lr(&job.spec, &job.plan, &control, step), wanted = rates[step - 1];

        if (!(fabs(got - wanted) <= 1e-12 * fabs(wanted)))
            FAIL("%s, step %lld: the rate is %.17g, not %.17g", schedule, (long long)step, got,
                 wanted);
        observation.values[metric] = metrics[step - 1];
        control_observe(&job.spec, &control, step, &observation);
    }
    drop_job(&job);
}

TEST("reduce_on_plateau has PyTorch's rates for every mode, also where metrics are not finite")
{
    static double metrics[VALUES_MAX], rates[VALUES_MAX];
    char schedule[300] = "", *rest;
    struct golden golden;
    int schedules = 0;

    golden_open(&golden, "plateaus.txt");
    while (golden_next(&golden)) {
        if ((rest = golden_rest(&golden, "schedule")) != NULL)
            snprintf(schedule, sizeof(schedule), "%s", rest);
        else if ((rest = golden_rest(&golden, "metrics")) != NULL)
            golden_numbers(rest, metrics, VALUES_MAX);
        else if ((rest = golden_rest(&golden, "rates")) != NULL) {
            check_rates(schedule, metrics, rates, golden_numbers(rest, rates, VALUES_MAX));
            schedules++;
        }
    }
    golden_close(&golden);
    CHECK(schedules > 10);
}

/* How many values of 1 it takes until the rate falls for the first and for the second time. */
static void check_falls(const char *members, int first, int second)
{
    struct observation same = {{1, 1, 1, 1}};
    char all[300];
    struct job job;
    int falls[2] = {0, 0}, count = 0;

    snprintf(all, sizeof(all), "\"lr_schedule\": {\"type\": \"reduce_on_plateau\", %s}", members);
    make_job(all, 10, &job);
    struct control control = control_begin(&job.spec);
    for (int i = 1; count < 2; i++) {
        CHECK(i < 100);
        if (control_observe(&job.spec, &control, i, &same).reduced)
            falls[count++] = i;
    }
    CHECK_INT(falls[0], first);
    CHECK_INT(falls[1], second);
    drop_job(&job);
}

TEST("the first value is an improvement, patience evaluations are borne, and a cooldown bears as "
     "many "
     "as it says")
{
    check_falls("\"patience\": 0", 2, 3);
    check_falls("\"patience\": 1", 3, 5);
    check_falls("\"patience\": 10", 12, 23);
    check_falls("\"patience\": 1, \"cooldown\": 3", 3, 8);
}

static json_t *plan_of(const struct job *job)
{
    return plan_to_json(
        &(struct plan_view){
            .spec = &job->spec, .plan = &job->plan, .warnings = &job->warnings, .bytes = 1},
        true);
}

TEST("the preview shows the rate before any reduction, and the plan says what it depends on")
{
    struct job job;
    json_t *plan;

    make_job("\"lr_schedule\": {\"type\": \"reduce_on_plateau\", \"metric\": \"train_loss\", "
             "\"warmup\": {\"steps\": 2, \"start_factor\": 0.5}}",
             10, &job);
    CHECK(plan_lr(&job.spec, &job.plan, 1) == 0.05);
    CHECK(plan_lr(&job.spec, &job.plan, 3) == 0.1 && plan_lr(&job.spec, &job.plan, 200) == 0.1);
    plan = plan_of(&job);
    CHECK_TEXT(json_string_value(json_object_get(plan, "schedule_metric")), "train_loss");
    json_decref(plan);
    drop_job(&job);
    make_job("\"lr_schedule\": \"cosine\"", 10, &job);
    plan = plan_of(&job);
    CHECK(json_is_null(json_object_get(plan, "schedule_metric")));
    json_decref(plan);
    drop_job(&job);
}

static void check_problem(const char *members, int64_t test_samples, const char *pointer)
{
    struct job job;

    make_job(members, test_samples, &job);
    if (pointer) {
        CHECK_INT((int64_t)job.problems->count, 1);
        CHECK_TEXT(job.problems->items[0].pointer, pointer);
    } else if (job.problems->count > 0) {
        FAIL("%s: %s", job.problems->items[0].pointer, job.problems->items[0].detail);
    }
    drop_job(&job);
}

TEST("what watches a validation that there is not is refused; the training can be watched always")
{
    static const char plateau[] = "\"lr_schedule\": \"reduce_on_plateau\"";
    static const char stopping[] = "\"early_stopping\": {\"metric\": \"val_accuracy\"}";

    check_problem(plateau, 10, NULL);
    check_problem(plateau, 0, "/lr_schedule/metric");
    check_problem(stopping, 10, NULL);
    check_problem(stopping, 0, "/early_stopping/metric");
    check_problem("\"early_stopping\": {\"metric\": \"train_loss\"}", 0, NULL);
    check_problem("\"lr_schedule\": {\"type\": \"reduce_on_plateau\", \"metric\": "
                  "\"train_accuracy\"}",
                  0, NULL);
}

static void check_warning(const char *members, const char *pointer, bool wanted)
{
    struct job job;
    bool found = false;

    make_job(members, 10, &job);
    for (size_t i = 0; i < job.warnings.count; i++)
        found = found || strcmp(job.warnings.items[i].pointer, pointer) == 0;
    if (found != wanted)
        FAIL("%s: a warning at %s was %sexpected", members, pointer, wanted ? "" : "not ");
    drop_job(&job);
}

TEST("a patience that the run is too short for, and a unit that counts nothing, are told of")
{
    /* 200 steps, evaluated after every tenth: 20 evaluations, the first an improvement. */
    check_warning("\"early_stopping\": {\"patience\": 19}", "/early_stopping/patience", false);
    check_warning("\"early_stopping\": {\"patience\": 20}", "/early_stopping/patience", true);
    check_warning("\"lr_schedule\": {\"type\": \"reduce_on_plateau\", \"patience\": 18}",
                  "/lr_schedule/patience", false);
    check_warning("\"lr_schedule\": {\"type\": \"reduce_on_plateau\", \"patience\": 19}",
                  "/lr_schedule/patience", true);
    check_warning("\"lr_schedule\": \"reduce_on_plateau\"", "/lr_schedule/unit", false);
    check_warning("\"lr_schedule\": {\"type\": \"reduce_on_plateau\", \"unit\": \"step\"}",
                  "/lr_schedule/unit", true);
}

TEST("what a run depends on is written back as it was meant, and without what it does not have")
{
    struct job job;
    json_t *spec;
    char *text;

    make_job("\"lr_schedule\": {\"type\": \"reduce_on_plateau\", \"patience\": 3}, "
             "\"on_divergence\": {\"rollback\": true, \"max_retries\": 2}, "
             "\"early_stopping\": {\"patience\": 4}, \"clip_grad_norm\": 1, "
             "\"init_from\": {\"job\": \"abc\"}",
             10, &job);
    spec = spec_to_json(&job.spec);
    text = json_text(json_object_get(spec, "lr_schedule"), NULL);
    CHECK_TEXT(text, "{\"type\":\"reduce_on_plateau\",\"metric\":\"val_loss\",\"factor\":0.1,"
                     "\"patience\":3,\"threshold\":0.0001,\"threshold_mode\":\"rel\","
                     "\"cooldown\":0,\"min_lr\":0.0,\"eps\":1e-08}");
    free(text);
    text = json_text(json_object_get(spec, "on_divergence"), NULL);
    CHECK_TEXT(text, "{\"rollback\":true,\"lr_factor\":0.5,\"max_retries\":2}");
    free(text);
    text = json_text(json_object_get(spec, "early_stopping"), NULL);
    CHECK_TEXT(text, "{\"metric\":\"val_loss\",\"patience\":4,\"min_delta\":0.0}");
    free(text);
    text = json_text(json_object_get(spec, "init_from"), NULL);
    CHECK_TEXT(text, "{\"job\":\"abc\",\"checkpoint\":\"last\"}");
    free(text);
    CHECK(json_real_value(json_object_get(spec, "clip_grad_norm")) == 1);
    CHECK(!json_object_get(spec, "clip_grad_value"));
    json_decref(spec);
    drop_job(&job);
    make_job("\"seed\": 1", 10, &job);
    spec = spec_to_json(&job.spec);
    CHECK_TEXT(json_string_value(json_object_get(spec, "on_divergence")), "fail");
    CHECK(!json_object_get(spec, "early_stopping") && !json_object_get(spec, "init_from"));
    json_decref(spec);
    drop_job(&job);
}
