/* Support for tests: golden training runs. */
#include "tests/core/support_golden.h"

#include "core/rng.h"
#include "tests/core/support.h"
#include "tests/core/support_golden_file.h"
#include "tests/core/support_job.h"
#include "tests/core/support_layer.h"
#include "tests/harness.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLES = 1280, SIDE = 28, CLASSES = 10, STEPS_MAX = 64 };

/* The bars of make.py, as IDX files in the folder "golden". */
static struct dataset *golden_images(void)
{
    const struct rng noise = {20, RNG_SYNTHETIC, 0}, choice = {20, RNG_SPLIT, 0};
    const int64_t sizes[] = {SAMPLES, SIDE, SIDE};
    uint8_t *images = malloc(16 + SAMPLES * SIDE * SIDE), labels[8 + SAMPLES];
    const struct data_shape nothing = {{1, 1, 1, 0}, 2, 1, 0};

    CHECK(images != NULL);
    make_idx_dataset("golden", &nothing, 0);
    idx_header(images, 3, sizes);
    idx_header(labels, 1, sizes);
    for (int i = 0; i < SAMPLES; i++) {
        int c = (int)(CLASSES * rng_uniform(&choice, (uint64_t)i));

        labels[8 + i] = (uint8_t)c;
        for (int p = 0; p < SIDE * SIDE; p++) {
            int y = p / SIDE, x = p % SIDE;
            int distance = 2 * y - 10 * (c % 5) - 8 - (c < 5 ? x - 14 : 14 - x);
            int dots = (int)(96 * rng_uniform(&noise, (uint64_t)(i * SIDE * SIDE + p)));

            images[16 + i * SIDE * SIDE + p] = (uint8_t)(dots + (abs(distance) < 6 ? 159 : 0));
        }
    }
    write_bytes("golden/train-images-idx3-ubyte", images, 16 + SAMPLES * SIDE * SIDE);
    write_bytes("golden/train-labels-idx1-ubyte", labels, sizeof(labels));
    free(images);
    return open_dataset("golden");
}

/* One run as the file tells it. */
struct run {
    char name[100], model[512], optimizer[200], schedule[200];
    int64_t samples, epochs, seed, factor;
    int64_t steps;
    double losses[STEPS_MAX], norms[STEPS_MAX], rates[STEPS_MAX];
    struct job job;
    struct trainer *trainer;
};

static void begin_run(struct run *run, struct dataset *dataset, enum kernel_choice kernels)
{
    const struct job_words words = {.model = run->model,
                                    .optimizer = run->optimizer,
                                    .schedule = run->schedule,
                                    .epochs = run->epochs,
                                    .max_steps = run->epochs == 0 ? run->steps : 0,
                                    .limit = run->samples,
                                    .seed = run->seed};
    real *parameters;

    job_make(&run->job, &words, dataset);
    CHECK_INT(run->job.plan.steps, run->steps);
    CHECK_INT(run->job.plan.totals.learned, 61706);
    run->trainer = job_trainer(&run->job, 2, kernels);
    parameters = calloc((size_t)run->job.plan.parameters, sizeof(*parameters));
    CHECK(parameters != NULL);
    fill_parameters(&run->job.plan, (uint64_t)run->seed, (double)run->factor, parameters);
    trainer_set_parameters(run->trainer, parameters);
    free(parameters);
}

static void check_near(const struct run *run, int64_t at, const char *what, const double numbers[3])
{
    double got = numbers[0], wanted = numbers[1], tolerance = numbers[2];

    if (!(fabs(got - wanted) <= tolerance * fabs(wanted)))
        FAIL("%s, step %" PRId64 ": %s is %.9g, not %.9g (relative %.2g, allowed %.2g)", run->name,
             at, what, got, wanted, fabs(got / wanted - 1), tolerance);
}

static void check_steps(struct run *run, const struct golden_tolerance *tolerance)
{
    for (int64_t i = 0; i < run->steps; i++) {
        struct step_report report = step(run->trainer);

        CHECK_INT(report.step, i + 1);
        CHECK(report.finite);
        check_near(run, i + 1, "the loss",
                   (const double[]){report.train_loss, run->losses[i], tolerance->losses});
        check_near(run, i + 1, "the gradient norm",
                   (const double[]){report.grad_norm, run->norms[i], tolerance->norms});
        check_near(run, i + 1, "the rate", (const double[]){report.lr, run->rates[i], 1e-14});
    }
    CHECK(trainer_ended(run->trainer));
}

/* "NAME COUNT sum norm" of one tensor's final values. */
static void check_final(const struct run *run, char *text, const struct golden_tolerance *tolerance)
{
    const struct plan *plan = &run->job.plan;
    const real *parameters = trainer_parameters(run->trainer);
    char *rest = golden_cut(text);
    double wanted[2], sum = 0, squares = 0;

    CHECK_INT(golden_numbers(rest, wanted, 2), 2);
    for (int i = 0; i < plan->tensor_count; i++) {
        const struct plan_tensor *tensor = &plan->tensors[i];

        if (strcmp(tensor->name, text) != 0)
            continue;
        for (int64_t k = 0; k < tensor->count; k++) {
            double value = (double)parameters[tensor->offset + k];

            sum += value;
            squares += value * value;
        }
        check_near(run, run->steps, text,
                   (const double[]){sqrt(squares), wanted[1], tolerance->norms});
        /* A sum of values of both signs has only the digits that its norm leaves it. */
        CHECK(fabs(sum - wanted[0]) <= tolerance->norms * wanted[1] * sqrt((double)tensor->count));
        return;
    }
    FAIL("the plan has no tensor %s", text);
}

/* Reads one line of a run. Numbers of the other width are passed over. */
static void read_run_line(const struct golden *golden, struct run *run, int bits)
{
    char losses[16], norms[16], *rest;

    snprintf(losses, sizeof(losses), "losses%d", bits);
    snprintf(norms, sizeof(norms), "norms%d", bits);
    if ((rest = golden_rest(golden, "run")) != NULL)
        snprintf(run->name, sizeof(run->name), "%s", rest);
    else if ((rest = golden_rest(golden, "model")) != NULL)
        snprintf(run->model, sizeof(run->model), "%s", rest);
    else if ((rest = golden_rest(golden, "optimizer")) != NULL)
        snprintf(run->optimizer, sizeof(run->optimizer), "%s", rest);
    else if ((rest = golden_rest(golden, "schedule")) != NULL)
        snprintf(run->schedule, sizeof(run->schedule), "%s", rest);
    else if ((rest = golden_rest(golden, losses)) != NULL)
        run->steps = golden_numbers(rest, run->losses, STEPS_MAX);
    else if ((rest = golden_rest(golden, norms)) != NULL)
        golden_numbers(rest, run->norms, STEPS_MAX);
    else if ((rest = golden_rest(golden, "rates")) != NULL)
        golden_numbers(rest, run->rates, STEPS_MAX);
    else if ((rest = golden_rest(golden, "length")) != NULL) {
        run->samples = golden_value(rest, "samples");
        run->epochs = golden_value(rest, "epochs");
    } else if ((rest = golden_rest(golden, "start")) != NULL) {
        run->seed = golden_value(rest, "seed");
        run->factor = golden_value(rest, "factor");
    }
}

void check_golden_runs(int bits, enum kernel_choice kernels,
                       const struct golden_tolerance *tolerance)
{
    struct golden golden;
    struct dataset *dataset = golden_images();
    struct run run = {0};
    char final[16], *rest;
    int runs = 0, enough = test_slowdown() > 1 ? 3 : INT_MAX;

    snprintf(final, sizeof(final), "final%d", bits);
    golden_open(&golden, "lenet5.txt");
    /* A sanitizer looks at the code, for which some runs will do; the plain build looks at all
     * numbers. */
    while (runs < enough && golden_next(&golden)) {
        read_run_line(&golden, &run, bits);
        /* The rates are the last list that a run needs to begin; what its weights end as follows.
         */
        if (golden_rest(&golden, "rates") != NULL) {
            begin_run(&run, dataset, kernels);
            check_steps(&run, tolerance);
        } else if ((rest = golden_rest(&golden, final)) != NULL) {
            check_final(&run, rest, tolerance);
        } else if (strcmp(golden.line, "end") == 0) {
            trainer_free(run.trainer);
            job_drop(&run.job);
            runs++;
        }
    }
    CHECK(runs > 0);
    golden_close(&golden);
    dataset_release(dataset);
}

/* "initial NAME COUNT v v v": the first weights of each tensor. */
static void check_first_weights(const struct run *run, const real *parameters, char *text)
{
    const struct plan *plan = &run->job.plan;
    double wanted[8];
    char *rest = golden_cut(text);

    for (int i = 0; i < plan->tensor_count; i++) {
        const struct plan_tensor *tensor = &plan->tensors[i];

        if (strcmp(tensor->name, text) != 0)
            continue;
        for (int64_t k = golden_numbers(rest, wanted, 8) - 1; k >= 0; k--)
            CHECK(fabs((double)parameters[tensor->offset + k] - wanted[k]) <=
                  1e-7 * fabs(wanted[k]));
        return;
    }
    FAIL("the plan has no tensor %s", text);
}

void check_golden_start(void)
{
    struct golden golden;
    struct dataset *dataset = golden_images();
    struct run run = {0};
    int tensors = 0;
    char *rest;

    golden_open(&golden, "lenet5.txt");
    while (golden_next(&golden)) {
        read_run_line(&golden, &run, 64);
        if ((rest = golden_rest(&golden, "initial")) == NULL)
            continue;
        if (tensors++ == 0) {
            const struct job_words words = {.model = run.model, .seed = run.seed};

            job_make(&run.job, &words, dataset);
            run.trainer = job_trainer(&run.job, 1, KERNELS_REFERENCE);
        }
        check_first_weights(&run, trainer_parameters(run.trainer), rest);
    }
    CHECK_INT(tensors, run.job.plan.tensor_count);
    trainer_free(run.trainer);
    job_drop(&run.job);
    golden_close(&golden);
    dataset_release(dataset);
}
