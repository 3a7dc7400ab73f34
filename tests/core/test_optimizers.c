/* Optimizers: the golden numbers, and the places where others have gone wrong, by hand. */
#include "tests/harness.h"

#include "tests/core/support.h"
#include "tests/core/support_job.h"
#include "tests/core/support_optimizer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TEST("every optimizer moves the weights as PyTorch's or its formula in numpy does")
{
    check_golden_optimizers(1e-6);
}

TEST("clipped by norm, by value and by both, gradients move the weights as PyTorch's do")
{
    check_golden_clips(1e-6);
}

/* One weight that starts at `weight`; where it is after each of `steps` updates, the gradient
 * always the same. */
static void path(const char *words, double weight, double gradient, int steps, double *out)
{
    struct optimizer_run run;

    optimizer_open(&run, words, 1);
    run.w[0] = (real)weight;
    run.g[0] = (real)gradient;
    for (int i = 0; i < steps; i++) {
        optimizer_step(&run, 1);
        out[i] = (double)run.w[0];
    }
    optimizer_close(&run);
}

TEST("Adam's corrections divide: under a constant gradient every step is the whole rate")
{
    static const char *const words[] = {"adam lr=0.25", "adam lr=0.25 betas=0.5,0.9",
                                        "adam lr=0.25 amsgrad=true",
                                        "adamw lr=0.25 weight_decay=0"};

    for (size_t i = 0; i < COUNT_OF(words); i++) {
        double w[5];

        path(words[i], 0, 0.5, 5, w);
        for (int t = 0; t < 5; t++)
            CHECK_NEAR(w[t], -0.25 * (t + 1), 1e-6);
    }
}

TEST("without Adam's corrections the first step is the running means' alone")
{
    double w;

    path("adam lr=0.25 betas=0.9,0.999 bias_correction=false", 0, 0.5, 1, &w);
    CHECK_NEAR(w, -0.25 * (0.1 * 0.5) / (sqrt(0.001 * 0.25) + 1e-8), 1e-6);
}

/* What adam does in a trainer, parameter by parameter, from the gradients of its steps. */
struct replay {
    double *w, *m, *v;
    int64_t count;
};

static void replay_step(struct replay *replay, const real *g, int64_t step, double lr)
{
    for (int64_t i = 0; i < replay->count; i++) {
        double d = (double)g[i];

        replay->m[i] = 0.9 * replay->m[i] + 0.1 * d;
        replay->v[i] = 0.999 * replay->v[i] + 0.001 * d * d;
        replay->w[i] -= lr * (replay->m[i] / (1 - pow(0.9, (double)step))) /
                        (sqrt(replay->v[i] / (1 - pow(0.999, (double)step))) + 1e-8);
    }
}

TEST("Adam's corrections advance once a step, however many tensors and ranges there are")
{
    const struct data_shape shape = {{1, 28, 28, 0}, 3, 60, 0};
    const struct job_words words = {
        .model = "flatten | linear out_features=100 | relu | linear out_features=3",
        .optimizer = "adam lr=0.01",
        .batch_size = 20};
    struct dataset *dataset;
    struct trainer *trainer;
    struct replay replay;
    struct job job;

    make_idx_dataset("set", &shape, 1);
    dataset = open_dataset("set");
    job_make(&job, &words, dataset);
    trainer = job_trainer(&job, 2, KERNELS_BEST);
    replay.count = job.plan.parameters;
    replay.w = calloc(3 * (size_t)replay.count, sizeof(double));
    CHECK(replay.w != NULL);
    replay.m = replay.w + replay.count;
    replay.v = replay.m + replay.count;
    for (int64_t i = 0; i < replay.count; i++)
        replay.w[i] = (double)trainer_parameters(trainer)[i];
    for (int64_t t = 1; t <= 3; t++) {
        step(trainer);
        replay_step(&replay, trainer_gradients(trainer), t, 0.01);
        for (int64_t i = 0; i < replay.count; i++)
            CHECK(fabs((double)trainer_parameters(trainer)[i] - replay.w[i]) <= 1e-6);
    }
    free(replay.w);
    trainer_free(trainer);
    job_drop(&job);
    dataset_release(dataset);
}

TEST("eps stands outside the root, and inside it by option")
{
    static const char *const words[] = {"adagrad lr=1 eps=0.01", "rmsprop lr=1 alpha=0 eps=0.01",
                                        "rmsprop lr=1 alpha=0 eps=0.01 momentum=0.5",
                                        "adam lr=1 eps=0.01", "adam lr=1 eps=0.01 amsgrad=true"};

    for (size_t i = 0; i < COUNT_OF(words); i++) {
        char inside[100];
        double w;

        path(words[i], 0, 0.001, 1, &w);
        CHECK_NEAR(w, -0.001 / (0.001 + 0.01), 1e-5);
        snprintf(inside, sizeof(inside), "%s eps_inside_sqrt=true", words[i]);
        path(inside, 0, 0.001, 1, &w);
        CHECK_NEAR(w, -0.001 / sqrt(0.000001 + 0.01), 1e-5);
    }
}

TEST("dampening spares the first step")
{
    double w[3];

    path("sgd lr=1 momentum=0.5 dampening=0.75", 0, 1, 3, w);
    CHECK(w[0] == -1);            /* v = 1 */
    CHECK(w[1] == -1.75);         /* v = 0.5 · 1 + 0.25 */
    CHECK(w[2] == -1.75 - 0.625); /* v = 0.5 · 0.75 + 0.25 */
}

TEST("Nesterov's form adds the gradient to the velocity it has just made")
{
    double w[2], classic[2];

    path("sgd lr=1 momentum=0.5 nesterov=true", 0, 1, 2, w);
    CHECK(w[0] == -1.5);        /* v = 1: 1 + 0.5 · 1 */
    CHECK(w[1] == -1.5 - 1.75); /* v = 1.5: 1 + 0.5 · 1.5 */
    path("sgd lr=1 momentum=0.5 nesterov=true formulation=classic", 0, 1, 2, classic);
    CHECK(classic[0] == w[0] && classic[1] == w[1]);
}

TEST("the classic momentum is PyTorch's at a constant rate, and keeps old rates when it changes")
{
    static const char *const words[] = {"sgd lr=0.1 momentum=0.9 weight_decay=0.1",
                                        "sgd lr=0.1 momentum=0.9 nesterov=true"};

    for (size_t i = 0; i < COUNT_OF(words); i++) {
        struct optimizer_run runs[2];
        char classic[100];
        real before[2];

        snprintf(classic, sizeof(classic), "%s formulation=classic", words[i]);
        optimizer_open(&runs[0], words[i], 1);
        optimizer_open(&runs[1], classic, 1);
        runs[0].w[0] = runs[1].w[0] = 1;
        for (int t = 0; t < 20; t++) {
            runs[0].g[0] = runs[1].g[0] = (real)sin(t);
            optimizer_step(&runs[0], 1);
            optimizer_step(&runs[1], 1);
            CHECK(fabs((double)(runs[0].w[0] - runs[1].w[0])) < 1e-6);
        }
        for (int k = 0; k < 2; k++) {
            before[k] = runs[k].w[0];
            optimizer_step(&runs[k], 0);
        }
        CHECK(runs[0].w[0] == before[0]);
        CHECK(fabs((double)(runs[1].w[0] - before[1])) > 1e-3);
        optimizer_close(&runs[0]);
        optimizer_close(&runs[1]);
    }
}

TEST("adamw's decay is a share of the weight, and adam's a gradient like any other")
{
    double w;

    path("adamw lr=0.5 weight_decay=0.25", 2, 0, 1, &w);
    CHECK(w == 2 * (1 - 0.5 * 0.25));
    path("adam lr=0.5 weight_decay=0.25", 2, 0, 1, &w);
    CHECK_NEAR(w, 2 - 0.5, 1e-6);
}

TEST("adabound's first steps are adam's, and its last are sgd's with momentum")
{
    struct optimizer_run run;
    double w, adam;

    path("adabound lr=0.01", 0, 0.5, 1, &w);
    path("adam lr=0.01", 0, 0.5, 1, &adam);
    CHECK_NEAR(w, adam, 1e-6);
    optimizer_open(&run, "adabound lr=0.001 final_lr=0.5 gamma=0.9 betas=0,0.999", 1);
    run.step = 100000000;
    run.g[0] = 2;
    optimizer_step(&run, 1);
    CHECK_NEAR((double)run.w[0], -0.5 * 2, 1e-6);
    optimizer_close(&run);
}

TEST("nadam's momenta are found at any step, at once and whatever the options")
{
    static const char *const words[] = {"nadam lr=0.5",
                                        "nadam lr=0.5 momentum_decay=0",
                                        "nadam lr=0.5 betas=0,0.9",
                                        "nadam lr=0.5 betas=0.99999999,0.9",
                                        "nadam lr=0.5 betas=0.99999999,0.9 momentum_decay=0.4",
                                        "nadam lr=0.5 betas=0.99999999,0.9 momentum_decay=1000000"};

    for (size_t i = 0; i < COUNT_OF(words); i++) {
        struct optimizer_run run;

        optimizer_open(&run, words[i], 1);
        run.step = 9000000000000000;
        run.g[0] = 1;
        for (int k = 0; k < 100; k++)
            optimizer_step(&run, 1);
        CHECK(isfinite((double)run.w[0]) && run.w[0] < 0);
        optimizer_close(&run);
    }
}

TEST("a gradient that never changes has no deviation, and centered rmsprop stays finite on it")
{
    for (int i = 1; i <= 50; i++) {
        double w[200];

        path("rmsprop lr=0.001 centered=true alpha=0.9", 0, 0.02 * i, 200, w);
        for (int t = 0; t < 200; t++)
            CHECK(isfinite(w[t]));
    }
}

TEST("a rate of 0 moves nothing, whatever the optimizer")
{
    for (size_t i = 0; i < optimizer_kinds.count; i++) {
        char words[100];
        double w[5];

        snprintf(words, sizeof(words), "%s lr=0 weight_decay=0.5", optimizer_kinds.rows[i]->name);
        path(words, 1, 0.5, 5, w);
        CHECK(w[4] == 1);
    }
}

TEST("every optimizer's default rate is within its usual range")
{
    for (size_t i = 0; i < optimizer_kinds.count; i++) {
        const struct optimizer_kind *kind = (const struct optimizer_kind *)optimizer_kinds.rows[i];
        double lr = fields_find(&kind->kind.options, "lr")->fallback;

        CHECK(kind->usual_lr[0] <= lr && lr <= kind->usual_lr[1]);
    }
}

static void problems_of(const char *words, struct problems *problems)
{
    struct optimizer_run run;
    const struct optimizer_kind *kind;

    memset(problems, 0, sizeof(*problems));
    optimizer_open(&run, words, 1);
    kind = (const struct optimizer_kind *)run.optimizer.kind;
    if (kind->check)
        kind->check(run.optimizer.options, "/optimizer", problems);
    optimizer_close(&run);
}

TEST("options that contradict each other are refused with a reason")
{
    static const char *const wrong[][2] = {
        {"sgd nesterov=true", "nesterov needs a momentum"},
        {"sgd nesterov=true momentum=0.9 dampening=0.1", "dampening 0"},
        {"sgd formulation=classic momentum=0.9 dampening=0.1", "classic formulation"},
        {"sgd formulation=classic nesterov=true", "nesterov needs a momentum"},
    };
    struct problems problems;

    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        problems_of(wrong[i][0], &problems);
        CHECK_INT((int64_t)problems.count, 1);
        CHECK_TEXT(problems.items[0].pointer, "/optimizer");
        if (strstr(problems.items[0].detail, wrong[i][1]) == NULL)
            FAIL("%s: %s", wrong[i][0], problems.items[0].detail);
    }
    for (size_t i = 0; i < optimizer_kinds.count; i++) {
        problems_of(optimizer_kinds.rows[i]->name, &problems);
        CHECK_INT((int64_t)problems.count, 0);
    }
}
