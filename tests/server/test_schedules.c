/* Tests of the learning-rate schedules, written as users write them: against PyTorch's rates in
 * tests/golden/schedules.txt, and each place where such formulas go wrong by one. */
#include "core/schedule.h"
#include "server/spec_json.h"
#include "tests/core/support_golden_file.h"
#include "tests/harness.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { RATES_MAX = 256, SAMPLES = 7 };

struct job {
    struct spec spec;
    struct plan plan;
    struct plan_warnings warnings;
};

/* The problems of a job with that schedule, lr 0.1 and batches of one of seven samples; what can be
 * planned is in *job. */
static void read_job(const char *schedule, const char *length, struct job *job,
                     struct problems *problems)
{
    static const struct data_shape data = {{1, 2, 2, 0}, 3, SAMPLES, 0};
    char text[1024];
    struct error error = {0};
    struct job_meta meta;
    json_t *json;

    snprintf(text, sizeof(text),
             "{\"dataset\": {\"name\": \"d\"}, \"model\": [\"flatten\", {\"type\": \"linear\", "
             "\"out_features\": 3}], \"optimizer\": {\"type\": \"sgd\", \"lr\": 0.1}, "
             "\"batch_size\": 1, \"lr_schedule\": %s, %s}",
             schedule, length);
    *problems = (struct problems){0};
    *job = (struct job){0};
    if (!json_parse_strict(text, strlen(text), &json, problems, &error))
        FAIL("%s: %s", schedule, error.text);
    CHECK(spec_from_json(json, &job->spec, &meta, problems, &error));
    json_decref(json);
    if (problems->count == 0)
        CHECK(spec_settle(&job->spec, &data, NULL, &error) &&
              plan_make(&job->spec, &data, &job->plan, problems, &job->warnings, &error));
}

static void drop_job(struct job *job)
{
    plan_drop(&job->plan);
    spec_drop(&job->spec);
}

static void make_job(const char *schedule, const char *length, struct job *job)
{
    static struct problems problems;

    read_job(schedule, length, job, &problems);
    if (problems.count > 0)
        FAIL("%s: %s: %s", schedule, problems.items[0].pointer, problems.items[0].detail);
}

static double rate(const struct job *job, int64_t step)
{
    return plan_lr(&job->spec, &job->plan, step);
}

/* The list has a rate for each step, or one for each epoch. */
static void check_rates(const char *schedule, const char *length, const double *rates,
                        int64_t count)
{
    struct job job;
    char run[64];
    int64_t each;

    snprintf(run, sizeof(run), "\"%.*s\": %s", (int)strcspn(length, "="), length,
             strchr(length, '=') + 1);
    make_job(schedule, run, &job);
    each = job.plan.steps / count;
    CHECK_INT(each * count, job.plan.steps);
    for (int64_t step = 1; step <= job.plan.steps; step++) {
        double wanted = rates[(step - 1) / each], got = rate(&job, step);

        if (!(fabs(got - wanted) <= 1e-12 * fabs(wanted)))
            FAIL("%s, step %lld: the rate is %.17g, not %.17g", schedule, (long long)step, got,
                 wanted);
    }
    drop_job(&job);
}

TEST("every schedule has PyTorch's rates, by step and by epoch, with warm-up and without")
{
    static double rates[RATES_MAX];
    char schedule[256] = "", length[64] = "", *rest;
    bool seen[64] = {false};
    struct golden golden;

    golden_open(&golden, "schedules.txt");
    while (golden_next(&golden)) {
        if ((rest = golden_rest(&golden, "schedule")) != NULL)
            snprintf(schedule, sizeof(schedule), "%s", rest);
        else if ((rest = golden_rest(&golden, "length")) != NULL)
            snprintf(length, sizeof(length), "%s", rest);
        else if ((rest = golden_rest(&golden, "rates")) != NULL)
            check_rates(schedule, length, rates, golden_numbers(rest, rates, RATES_MAX));
        for (size_t i = 0; i < schedule_kinds.count; i++) {
            char type[64];

            snprintf(type, sizeof(type), "{\"type\": \"%s\"", schedule_kinds.rows[i]->name);
            seen[i] |= strncmp(schedule, type, strlen(type)) == 0;
        }
    }
    golden_close(&golden);
    /* What counts evaluations has its rates in plateaus.txt. */
    for (size_t i = 0; i < schedule_kinds.count; i++)
        if (!seen[i] && ((const struct schedule_kind *)schedule_kinds.rows[i])->unit != UNIT_NONE)
            FAIL("no golden rates for %s", schedule_kinds.rows[i]->name);
}

TEST("a step schedule changes after step_size whole units and not one before")
{
    struct job job;

    make_job("{\"type\": \"step\", \"step_size\": 3}", "\"max_steps\": 20", &job);
    CHECK(rate(&job, 1) == 0.1 && rate(&job, 3) == 0.1);
    CHECK_NEAR(rate(&job, 4), 0.01, 1e-15);
    CHECK_NEAR(rate(&job, 6), 0.01, 1e-15);
    CHECK_NEAR(rate(&job, 7), 0.001, 1e-15);
    drop_job(&job);
    /* An epoch is seven steps. */
    make_job("{\"type\": \"step\", \"step_size\": 3}", "\"epochs\": 8", &job);
    CHECK(rate(&job, 3 * SAMPLES) == 0.1);
    CHECK_NEAR(rate(&job, 3 * SAMPLES + 1), 0.01, 1e-15);
    drop_job(&job);
}

TEST("a multistep schedule changes exactly at its milestones, counted in whole units done")
{
    struct job job;

    make_job("{\"type\": \"multistep\", \"milestones\": [2, 3, 9], \"gamma\": 0.5}",
             "\"epochs\": 10", &job);
    CHECK(rate(&job, 2 * SAMPLES) == 0.1);
    CHECK(rate(&job, 2 * SAMPLES + 1) == 0.05);
    CHECK(rate(&job, 3 * SAMPLES) == 0.05);
    CHECK(rate(&job, 3 * SAMPLES + 1) == 0.025);
    CHECK(rate(&job, 9 * SAMPLES) == 0.025);
    CHECK(rate(&job, 9 * SAMPLES + 1) == 0.0125);
    drop_job(&job);
}

TEST("a cosine's last step is one unit before eta_min, t_max itself is eta_min, and past it the "
     "cosine rises again")
{
    struct job job;

    make_job("{\"type\": \"cosine\", \"eta_min\": 0.02}", "\"max_steps\": 50", &job);
    CHECK_NEAR(rate(&job, 50), 0.02 + 0.08 * pow(sin(M_PI / 100), 2), 1e-13);
    CHECK(rate(&job, 51) == 0.02);
    CHECK(rate(&job, 52) == rate(&job, 50));
    drop_job(&job);
    make_job("{\"type\": \"cosine\", \"t_max\": 4}", "\"epochs\": 9", &job);
    CHECK(rate(&job, 4 * SAMPLES) > 0.01);
    CHECK(rate(&job, 4 * SAMPLES + 1) == 0);
    CHECK(rate(&job, 8 * SAMPLES + 1) == 0.1);
    drop_job(&job);
}

TEST("a last epoch that is not full counts as one in the cosine's length")
{
    struct job job;

    /* 15 steps are two epochs and a step. */
    make_job("{\"type\": \"cosine\", \"unit\": \"epoch\"}", "\"max_steps\": 15", &job);
    CHECK_NEAR(rate(&job, 15), 0.05 * (1 + cos(M_PI * 2 / 3)), 1e-14);
    drop_job(&job);
}

TEST("cosine_restarts is back at the full rate at each restart, each stretch t_mult times as long")
{
    static const int64_t restarts[] = {0, 3, 9, 21, 45, 93};
    struct job job;

    make_job("{\"type\": \"cosine_restarts\", \"t_0\": 3, \"t_mult\": 2}", "\"max_steps\": 200",
             &job);
    for (size_t i = 0; i + 1 < COUNT_OF(restarts); i++) {
        double stretch = (double)(restarts[i + 1] - restarts[i]);

        CHECK(rate(&job, restarts[i] + 1) == 0.1);
        /* The step before a restart is the lowest of its stretch, and is above eta_min. */
        CHECK_NEAR(rate(&job, restarts[i + 1]), 0.1 * pow(sin(M_PI / 2 / stretch), 2), 1e-12);
    }
    /* Any step can be asked for, also where the next stretch is longer than any number. */
    CHECK(rate(&job, INT64_MAX) >= 0);
    drop_job(&job);
    make_job("{\"type\": \"cosine_restarts\", \"t_0\": 4}", "\"max_steps\": 200", &job);
    for (int64_t i = 0; i < 200; i += 4)
        CHECK(rate(&job, i + 1) == 0.1);
    drop_job(&job);
}

TEST("cyclic is at its rates exactly at the corners, in the first cycle and in the millionth")
{
    struct job job;

    make_job("{\"type\": \"cyclic\", \"base_lr\": 0.01, \"max_lr\": 0.31, \"step_size_up\": 3, "
             "\"step_size_down\": 7}",
             "\"max_steps\": 20", &job);
    for (int64_t cycle = 0; cycle < 1000000; cycle += cycle < 3 ? 1 : 199999) {
        CHECK(rate(&job, 10 * cycle + 1) == 0.01);
        CHECK_NEAR(rate(&job, 10 * cycle + 2), 0.11, 1e-15);
        CHECK(rate(&job, 10 * cycle + 4) == 0.31);
        CHECK_NEAR(rate(&job, 10 * cycle + 5), 0.01 + 0.3 * 6 / 7, 1e-15);
        CHECK_NEAR(rate(&job, 10 * cycle + 10), 0.01 + 0.3 / 7, 1e-15);
    }
    drop_job(&job);
}

TEST("triangular2 halves its peaks, exp_range shrinks with every step, and down defaults to up")
{
    struct job job;

    make_job("{\"type\": \"cyclic\", \"base_lr\": 0.5, \"max_lr\": 1.5, \"step_size_up\": 4, "
             "\"mode\": \"triangular2\"}",
             "\"max_steps\": 40", &job);
    CHECK(rate(&job, 5) == 1.5 && rate(&job, 9) == 0.5);
    CHECK(rate(&job, 13) == 1 && rate(&job, 21) == 0.75);
    drop_job(&job);
    make_job("{\"type\": \"cyclic\", \"base_lr\": 0.5, \"max_lr\": 1.5, \"step_size_up\": 4, "
             "\"mode\": \"exp_range\", \"gamma\": 0.5}",
             "\"max_steps\": 40", &job);
    CHECK(rate(&job, 5) == 0.5 + 1.0 / 16);
    CHECK(rate(&job, 13) == 0.5 + 1.0 / 4096);
    drop_job(&job);
}

TEST("one_cycle begins at max_lr / div_factor, ends at its smallest rate in the last step, and "
     "stays there")
{
    struct job job;

    make_job("{\"type\": \"one_cycle\", \"max_lr\": 0.8, \"pct_start\": 0.25, \"div_factor\": 16, "
             "\"final_div_factor\": 100}",
             "\"epochs\": 4", &job);
    CHECK_INT(job.plan.steps, 28);
    CHECK_NEAR(rate(&job, 1), 0.05, 1e-15);
    /* 0.25 · 28 − 1 = 6 */
    CHECK(rate(&job, 7) == 0.8);
    CHECK(rate(&job, 6) < 0.8 && rate(&job, 8) < 0.8);
    CHECK(rate(&job, 27) > 0.0005);
    CHECK_NEAR(rate(&job, 28), 0.0005, 1e-15);
    CHECK(rate(&job, 29) == rate(&job, 28) && rate(&job, 1000) == rate(&job, 28));
    drop_job(&job);
}

TEST("one_cycle has finite rates when the run is too short to rise")
{
    struct job job;

    make_job("{\"type\": \"one_cycle\", \"max_lr\": 0.8}", "\"max_steps\": 1", &job);
    CHECK_NEAR(rate(&job, 1), 0.8 / 25 / 1e4, 1e-15);
    drop_job(&job);
    /* 0.25 · 4 − 1 = 0, which PyTorch divides by. */
    make_job("{\"type\": \"one_cycle\", \"max_lr\": 0.8, \"pct_start\": 0.25}", "\"max_steps\": 4",
             &job);
    CHECK(rate(&job, 1) == 0.8);
    CHECK_NEAR(rate(&job, 4), 0.8 / 25 / 1e4, 1e-15);
    drop_job(&job);
}

TEST("warm-up begins with start_factor in the first step and is over after its last one")
{
    struct job job;

    make_job("{\"type\": \"constant\", \"warmup\": {\"steps\": 4, \"start_factor\": 0.2}}",
             "\"epochs\": 3", &job);
    CHECK_NEAR(rate(&job, 1), 0.02, 1e-15);
    CHECK_NEAR(rate(&job, 2), 0.04, 1e-15);
    CHECK_NEAR(rate(&job, 4), 0.08, 1e-15);
    CHECK(rate(&job, 5) == 0.1 && rate(&job, 21) == 0.1);
    drop_job(&job);
    /* It multiplies what the schedule says, which may fall meanwhile. */
    make_job("{\"type\": \"step\", \"step_size\": 2, \"gamma\": 0.5, \"warmup\": {\"steps\": 4, "
             "\"start_factor\": 0}}",
             "\"max_steps\": 9", &job);
    CHECK(rate(&job, 1) == 0 && rate(&job, 2) == 0.025);
    CHECK(rate(&job, 3) == 0.025);
    CHECK_NEAR(rate(&job, 4), 0.0375, 1e-15);
    CHECK(rate(&job, 5) == 0.025);
    drop_job(&job);
}

TEST("a piecewise rate holds from its step on, counted from 1; before the first it is the "
     "optimizer's")
{
    struct job job;

    make_job("{\"type\": \"piecewise\", \"points\": [[3, 0.5], [4, 0.25], [9, 0.125]]}",
             "\"epochs\": 3", &job);
    CHECK(rate(&job, 1) == 0.1 && rate(&job, 2) == 0.1);
    CHECK(rate(&job, 3) == 0.5 && rate(&job, 4) == 0.25);
    CHECK(rate(&job, 8) == 0.25 && rate(&job, 9) == 0.125 && rate(&job, 21) == 0.125);
    drop_job(&job);
    make_job("{\"type\": \"piecewise\", \"points\": [[1, 0.5], [2, 0.25]], \"unit\": \"epoch\"}",
             "\"epochs\": 3", &job);
    CHECK(rate(&job, SAMPLES) == 0.5 && rate(&job, SAMPLES + 1) == 0.25);
    drop_job(&job);
}

TEST("a polynomial is 0 from total_iters on, and a job that ends there is warned")
{
    struct job job;

    make_job("{\"type\": \"polynomial\"}", "\"epochs\": 6", &job);
    CHECK(rate(&job, 5 * SAMPLES) > 0 && rate(&job, 5 * SAMPLES + 1) == 0);
    CHECK_INT((int64_t)job.warnings.count,
              2); /* the other: nothing is evaluated, so none is best */
    CHECK_TEXT(job.warnings.items[0].pointer, "/lr_schedule");
    drop_job(&job);
    make_job("{\"type\": \"constant\", \"warmup\": {\"steps\": 42}}", "\"epochs\": 6", &job);
    CHECK_TEXT(job.warnings.items[0].pointer, "/lr_schedule/warmup/steps");
    drop_job(&job);
}

TEST("each schedule counts what PyTorch's users count, unless told otherwise or given max_steps")
{
    static const struct {
        const char *schedule;
        int epochs, max_steps;
    } rows[] = {
        {"{\"type\": \"cosine\"}", UNIT_EPOCH, UNIT_STEP},
        {"{\"type\": \"one_cycle\", \"max_lr\": 1}", UNIT_STEP, UNIT_STEP},
        {"{\"type\": \"cyclic\", \"base_lr\": 0, \"max_lr\": 1}", UNIT_STEP, UNIT_STEP},
        {"{\"type\": \"piecewise\", \"points\": [[1, 1]]}", UNIT_STEP, UNIT_STEP},
        {"{\"type\": \"linear\", \"unit\": \"step\"}", UNIT_STEP, UNIT_STEP},
        {"{\"type\": \"exponential\", \"gamma\": 0.5, \"unit\": \"epoch\"}", UNIT_EPOCH,
         UNIT_EPOCH},
    };
    struct job job;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        for (int way = 0; way < 2; way++) {
            make_job(rows[i].schedule, way ? "\"max_steps\": 5" : "\"epochs\": 5", &job);
            CHECK_INT(((struct schedule_common *)job.spec.lr_schedule.common)->unit,
                      way ? rows[i].max_steps : rows[i].epochs);
            drop_job(&job);
        }
    }
}

TEST("a rate that would grow without bound is refused before the job runs")
{
    static struct problems problems;
    struct job job;

    read_job("{\"type\": \"exponential\", \"gamma\": 2}", "\"max_steps\": 5000", &job, &problems);
    CHECK_INT((int64_t)problems.count, 1);
    CHECK_TEXT(problems.items[0].pointer, "/lr_schedule");
    drop_job(&job);
    read_job("{\"type\": \"exponential\", \"gamma\": 2}", "\"max_steps\": 20", &job, &problems);
    CHECK_INT((int64_t)problems.count, 0);
    drop_job(&job);
}

TEST("the stored schedule says all that it does, and lists look as they were given")
{
    struct job job;
    json_t *spec;
    char *text;

    make_job("{\"type\": \"piecewise\", \"points\": [[1, 0.1], [5.0, 1]], \"warmup\": {\"steps\": "
             "3}}",
             "\"epochs\": 5", &job);
    spec = spec_to_json(&job.spec);
    text = json_text(json_object_get(spec, "lr_schedule"), NULL);
    CHECK_TEXT(text, "{\"type\":\"piecewise\",\"points\":[[1,0.1],[5,1.0]],\"unit\":\"step\","
                     "\"warmup\":{\"steps\":3,\"start_factor\":0.3333333333333333}}");
    free(text);
    json_decref(spec);
    drop_job(&job);
    make_job("{\"type\": \"multistep\", \"milestones\": [1, 5, 7]}", "\"epochs\": 5", &job);
    spec = spec_to_json(&job.spec);
    text = json_text(json_object_get(spec, "lr_schedule"), NULL);
    CHECK_TEXT(text, "{\"type\":\"multistep\",\"milestones\":[1,5,7],\"gamma\":0.1,\"unit\":"
                     "\"epoch\"}");
    free(text);
    json_decref(spec);
    drop_job(&job);
}
