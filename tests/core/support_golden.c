/* Support for tests: golden numbers. */
#include "tests/core/support_golden.h"

#include "core/loss.h"
#include "core/rng.h"
#include "tests/core/support.h"
#include "tests/core/support_job.h"
#include "tests/core/support_layer.h"
#include "tests/harness.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLES = 1280, SIDE = 28, CLASSES = 10, STEPS_MAX = 64 };

/* ---- the files: lines of a first word and the rest; numbers as "NAME COUNT v v v" ---- */

struct golden {
    FILE *file;
    char *line; /* of the newest line, without its end */
    size_t room;
};

static void golden_open(struct golden *golden, const char *name)
{
    char path[4096];

    snprintf(path, sizeof(path), "%s/tests/golden/%s", test_root(), name);
    *golden = (struct golden){.file = fopen(path, "r")};
    if (golden->file == NULL)
        FAIL("%s cannot be opened", path);
}

static void golden_close(struct golden *golden)
{
    fclose(golden->file);
    free(golden->line);
}

static bool golden_next(struct golden *golden)
{
    ssize_t length = getline(&golden->line, &golden->room, golden->file);

    if (length <= 0)
        return false;
    golden->line[strcspn(golden->line, "\n")] = '\0';
    return true;
}

/* What follows `word` and a space in the newest line; NULL when it begins otherwise. */
static char *rest_of(const struct golden *golden, const char *word)
{
    size_t length = strlen(word);

    if (strncmp(golden->line, word, length) != 0 || golden->line[length] != ' ')
        return NULL;
    return golden->line + length + 1;
}

/* Reads the numbers after their count. */
static int64_t read_numbers(char *text, double *out, int64_t room)
{
    char *end = text;
    int64_t count = strtoll(text, &end, 10);

    CHECK(count > 0 && count <= room);
    for (int64_t i = 0; i < count; i++)
        out[i] = strtod(end, &end);
    CHECK(*end == '\0');
    return count;
}

static int64_t word_value(const char *line, const char *name)
{
    const char *at = strstr(line, name);

    CHECK(at != NULL && at[strlen(name)] == '=');
    return strtoll(at + strlen(name) + 1, NULL, 10);
}

/* ---- training runs ---- */

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
    CHECK_INT(run->job.plan.learned, 61706);
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
    char *space = strchr(text, ' ');
    double wanted[2], sum = 0, squares = 0;

    CHECK(space != NULL);
    *space = '\0';
    CHECK_INT(read_numbers(space + 1, wanted, 2), 2);
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
    if ((rest = rest_of(golden, "run")) != NULL)
        snprintf(run->name, sizeof(run->name), "%s", rest);
    else if ((rest = rest_of(golden, "model")) != NULL)
        snprintf(run->model, sizeof(run->model), "%s", rest);
    else if ((rest = rest_of(golden, "optimizer")) != NULL)
        snprintf(run->optimizer, sizeof(run->optimizer), "%s", rest);
    else if ((rest = rest_of(golden, "schedule")) != NULL)
        snprintf(run->schedule, sizeof(run->schedule), "%s", rest);
    else if ((rest = rest_of(golden, losses)) != NULL)
        run->steps = read_numbers(rest, run->losses, STEPS_MAX);
    else if ((rest = rest_of(golden, norms)) != NULL)
        read_numbers(rest, run->norms, STEPS_MAX);
    else if ((rest = rest_of(golden, "rates")) != NULL)
        read_numbers(rest, run->rates, STEPS_MAX);
    else if ((rest = rest_of(golden, "length")) != NULL) {
        run->samples = word_value(rest, "samples");
        run->epochs = word_value(rest, "epochs");
    } else if ((rest = rest_of(golden, "start")) != NULL) {
        run->seed = word_value(rest, "seed");
        run->factor = word_value(rest, "factor");
    }
}

void check_golden_runs(int bits, enum kernel_choice kernels,
                       const struct golden_tolerance *tolerance)
{
    struct golden golden;
    struct dataset *dataset = golden_images();
    struct run run = {0};
    char final[16], *rest;
    int runs = 0;

    snprintf(final, sizeof(final), "final%d", bits);
    golden_open(&golden, "lenet5.txt");
    while (golden_next(&golden)) {
        read_run_line(&golden, &run, bits);
        /* The rates are the last list that a run needs to begin; what its weights end as follows.
         */
        if (rest_of(&golden, "rates") != NULL) {
            begin_run(&run, dataset, kernels);
            check_steps(&run, tolerance);
            runs++;
        } else if ((rest = rest_of(&golden, final)) != NULL) {
            check_final(&run, rest, tolerance);
        } else if (strcmp(golden.line, "end") == 0) {
            trainer_free(run.trainer);
            job_drop(&run.job);
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
    char *space = strchr(text, ' ');

    CHECK(space != NULL);
    *space = '\0';
    for (int i = 0; i < plan->tensor_count; i++) {
        const struct plan_tensor *tensor = &plan->tensors[i];

        if (strcmp(tensor->name, text) != 0)
            continue;
        for (int64_t k = read_numbers(space + 1, wanted, 8) - 1; k >= 0; k--)
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
        if ((rest = rest_of(&golden, "initial")) == NULL)
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

/* ---- single layers and losses ---- */

static void check_values(const char *what, const real *got, char *text,
                         const struct golden_tolerance *tolerance)
{
    int64_t count = strtoll(text, NULL, 10);
    double *wanted = calloc((size_t)count + 1, sizeof(*wanted)), largest = 0;

    CHECK(wanted != NULL);
    read_numbers(text, wanted, count);
    for (int64_t i = 0; i < count; i++)
        largest = fmax(largest, fabs(wanted[i]));
    for (int64_t i = 0; i < count; i++)
        if (!(fabs((double)got[i] - wanted[i]) <= tolerance->values * largest))
            FAIL("%s, number %" PRId64 " is %.9g, not %.9g", what, i, (double)got[i], wanted[i]);
    free(wanted);
}

static void begin_layer(struct layer_run *run, const char *words, const char *shape,
                        uint64_t number)
{
    const struct shape input = {word_value(shape, "channels"), word_value(shape, "height"),
                                word_value(shape, "width"), (int)word_value(shape, "flat")};

    layer_open(run, words, &input, word_value(shape, "samples"));
    fill_parameters(&run->plan, number, 1, run->parameters);
    fill_symmetric(run->x, run->samples * run->x_count, number, 0);
    fill_symmetric(run->dy, run->samples * run->y_count, number, 1);
}

/* "gradient NAME COUNT v v v" */
static void check_gradient(const struct layer_run *run, char *text,
                           const struct golden_tolerance *tolerance)
{
    char *space = strchr(text, ' ');

    CHECK(space != NULL);
    *space = '\0';
    for (int i = 0; i < run->plan.tensor_count; i++) {
        const struct plan_tensor *tensor = &run->plan.tensors[i];

        if (strcmp(tensor->name, text) == 0) {
            CHECK_INT(strtoll(space + 1, NULL, 10), tensor->count);
            check_values(text, run->gradients + tensor->offset, space + 1, tolerance);
            return;
        }
    }
    FAIL("the plan has no tensor %s", text);
}

void check_golden_layers(enum kernel_choice kernels, int64_t shard_size,
                         const struct golden_tolerance *tolerance)
{
    const struct layer_way way = {kernels, shard_size, 1, true};
    struct golden golden;
    struct layer_run run;
    char words[200] = "", what[300], *rest;
    uint64_t number = 0;

    golden_open(&golden, "layers.txt");
    while (golden_next(&golden) && rest_of(&golden, "loss") == NULL) {
        if ((rest = rest_of(&golden, "layer")) != NULL) {
            snprintf(words, sizeof(words), "%s", rest);
        } else if ((rest = rest_of(&golden, "shape")) != NULL) {
            begin_layer(&run, words, rest, number++);
            layer_compute(&run, &way);
            snprintf(what, sizeof(what), "%s by %s", words, run.kernel);
        } else if ((rest = rest_of(&golden, "y")) != NULL) {
            CHECK_INT(strtoll(rest, NULL, 10), run.samples * run.y_count);
            check_values(what, run.y, rest, tolerance);
        } else if ((rest = rest_of(&golden, "dx")) != NULL) {
            check_values(what, run.dx, rest, tolerance);
        } else if ((rest = rest_of(&golden, "gradient")) != NULL) {
            check_gradient(&run, rest, tolerance);
        } else if (strcmp(golden.line, "end") == 0) {
            layer_close(&run);
        }
    }
    CHECK(number > 0);
    golden_close(&golden);
}

enum { SCORES_MAX = 64 };

/* Computes the loss that a "shape" line tells of; *sum and dy are what comes out. */
static void compute_loss(const char *shape, uint64_t number, double *sum, real *dy)
{
    int64_t samples = word_value(shape, "samples"), classes = word_value(shape, "classes");
    double factor = (double)word_value(shape, "factor");
    const struct rng choice = {number, RNG_SPLIT, 0};
    uint16_t labels[SCORES_MAX];
    real y[SCORES_MAX];
    struct loss_call call = {.y = y,
                             .labels = labels,
                             .dy = dy,
                             .samples = samples,
                             .classes = classes,
                             .batch = samples};

    CHECK(samples * classes <= SCORES_MAX);
    fill_symmetric(y, samples * classes, number, 0);
    for (int64_t i = 0; i < samples * classes; i++)
        y[i] = (real)(float)(factor * (double)y[i]);
    for (int64_t i = 0; i < samples; i++)
        labels[i] = (uint16_t)((double)classes * rng_uniform(&choice, (uint64_t)i));
    loss_cross_entropy.run(&call);
    *sum = call.loss_sum;
}

void check_golden_losses(const struct golden_tolerance *tolerance)
{
    struct golden golden;
    real dy[SCORES_MAX];
    double sum = 0, wanted;
    uint64_t number = 0;
    bool in_losses = false;
    char *rest;

    golden_open(&golden, "layers.txt");
    while (golden_next(&golden)) {
        in_losses |= rest_of(&golden, "loss") != NULL;
        if (!in_losses)
            continue;
        if ((rest = rest_of(&golden, "shape")) != NULL) {
            compute_loss(rest, number++, &sum, dy);
        } else if ((rest = rest_of(&golden, "sum")) != NULL) {
            read_numbers(rest, &wanted, 1);
            if (!(fabs(sum - wanted) <= tolerance->losses * fabs(wanted)))
                FAIL("the loss is %.12g, not %.12g", sum, wanted);
        } else if ((rest = rest_of(&golden, "dy")) != NULL) {
            check_values("the loss's gradient", dy, rest, tolerance);
        }
    }
    CHECK(number > 0);
    golden_close(&golden);
}
