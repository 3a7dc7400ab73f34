/* Support for tests: golden training runs of whole networks. */
#include "tests/core/support_golden.h"

#include "core/rng.h"
#include "tests/core/support.h"
#include "tests/core/support_golden_file.h"
#include "tests/core/support_job.h"
#include "tests/harness.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS_MAX = 64, WORDS_MAX = 4096 };

/* The sizes that the file's first line tells. */
struct setting {
    int64_t seed, factor, samples, channels, side, classes, batch;
};

struct golden_network {
    char name[100], model[WORDS_MAX], optimizer[200];
    int64_t parameters, steps;
    bool as_float; /* rounding to float leaves its losses alone */
    double losses[STEPS_MAX], evaluation;
};

static uint8_t pixel(const struct setting *s, int c, int64_t at, const struct rng *noise)
{
    int64_t plane = s->side * s->side, image = plane * s->channels;
    int64_t channel = at % image / plane, y = at % plane / s->side, x = at % s->side;
    int64_t distance = 2 * y - 6 * (c % 3) - 6 + 3 * channel - (c < 3 ? x - 8 : 8 - x);
    int dots = (int)(176 * rng_uniform(noise, (uint64_t)at));

    return (uint8_t)(dots + (distance > -3 && distance < 3 ? 79 : 0));
}

/* The images of networks.py, as IDX files in the folder "networks". */
static struct dataset *network_images(const struct setting *s)
{
    const struct rng noise = {(uint64_t)s->seed, RNG_SYNTHETIC, 0};
    const struct rng choice = {(uint64_t)s->seed, RNG_SPLIT, 0};
    const int64_t sizes[] = {s->samples, s->channels, s->side, s->side};
    const struct data_shape nothing = {{1, 1, 1, 0}, 2, 1, 0};
    int64_t each = s->channels * s->side * s->side;
    size_t room = (size_t)(s->samples * each) + 32, at, label_at;
    uint8_t *images = malloc(room), *labels = malloc(room);

    CHECK(images != NULL && labels != NULL);
    make_idx_dataset("networks", &nothing, 0);
    at = idx_header(images, 4, sizes);
    label_at = idx_header(labels, 1, sizes);
    for (int64_t i = 0; i < s->samples; i++) {
        int c = (int)((double)s->classes * rng_uniform(&choice, (uint64_t)i));

        labels[label_at++] = (uint8_t)c;
        for (int64_t k = 0; k < each; k++)
            images[at++] = pixel(s, c, i * each + k, &noise);
    }
    write_bytes("networks/train-images-idx3-ubyte", images, at);
    write_bytes("networks/train-labels-idx1-ubyte", labels, label_at);
    free(images);
    free(labels);
    return open_dataset("networks");
}

/* Losses shrink, and rounding does not shrink with them: below this they are compared absolutely.
 */
static const double small = 0.1;

static void check_loss(const struct golden_network *network, const char *what,
                       const double numbers[3])
{
    double got = numbers[0], wanted = numbers[1], tolerance = numbers[2];

    if (!(fabs(got - wanted) <= tolerance * fmax(wanted, small)))
        FAIL("%s: %s is %.9g, not %.9g (%.2g of it, allowed %.2g)", network->name, what, got,
             wanted, fabs(got - wanted) / fmax(wanted, small), tolerance);
}

static double evaluate(struct trainer *trainer)
{
    struct evaluation evaluation;

    trainer_evaluation_begin(trainer, SPLIT_TRAIN, &evaluation);
    while (!evaluation.done)
        trainer_evaluate_batch(trainer, &evaluation);
    return evaluation.loss_sum / (double)evaluation.total;
}

/* PyTorch was given what float holds of the initial weights, times the factor. */
static void set_weights(const struct job *job, const struct setting *s, struct trainer *trainer)
{
    const struct plan *plan = &job->plan;
    real *numbers = calloc((size_t)plan->numbers, sizeof(*numbers));

    CHECK(numbers != NULL);
    for (int i = 0; i < plan->tensor_count; i++) {
        const struct plan_tensor *tensor = &plan->tensors[i];
        const real *drawn = trainer_parameters(trainer) + tensor->offset;
        real factor = tensor->fan_in > 0 ? (real)s->factor : 1;

        for (int64_t k = 0; k < tensor->count; k++)
            numbers[tensor->offset + k] = (real)(float)drawn[k] * factor;
    }
    trainer_set_parameters(trainer, numbers);
    free(numbers);
}

static void run_network(const struct golden_network *network, const struct setting *s,
                        enum kernel_choice kernels, double tolerance)
{
    if (!network->as_float && sizeof(real) == sizeof(float))
        return;
    struct dataset *dataset = network_images(s);
    const struct job_words words = {.model = network->model,
                                    .optimizer = network->optimizer,
                                    .seed = s->seed,
                                    .max_steps = network->steps,
                                    .batch_size = s->batch};
    struct job job;
    struct trainer *trainer;

    job_make(&job, &words, dataset);
    CHECK_INT(job.plan.totals.learned, network->parameters);
    trainer = job_trainer(&job, 2, kernels);
    set_weights(&job, s, trainer);
    for (int64_t i = 0; i < network->steps; i++) {
        char what[40];

        snprintf(what, sizeof(what), "the loss of step %" PRId64, i + 1);
        check_loss(network, what,
                   (const double[]){step(trainer).train_loss, network->losses[i], tolerance});
    }
    check_loss(network, "the loss in evaluation",
               (const double[]){evaluate(trainer), network->evaluation, tolerance});
    trainer_free(trainer);
    job_drop(&job);
    dataset_release(dataset);
}

static void read_setting(const char *line, struct setting *s)
{
    *s = (struct setting){golden_value(line, "seed"),    golden_value(line, "factor"),
                          golden_value(line, "samples"), golden_value(line, "channels"),
                          golden_value(line, "side"),    golden_value(line, "classes"),
                          golden_value(line, "batch")};
}

static void read_size(const char *line, struct golden_network *network)
{
    network->parameters = golden_value(line, "parameters");
    network->as_float = golden_value(line, "float") != 0;
}

/* What is done with each network of the file. */
typedef void visit_network(const struct golden_network *network, const struct setting *s,
                           enum kernel_choice kernels, double tolerance);

static void each_network(visit_network *visit, enum kernel_choice kernels, double tolerance)
{
    struct golden golden;
    struct setting setting = {0};
    struct golden_network network = {0};
    int networks = 0;
    char *rest;

    golden_open(&golden, "networks.txt");
    while (golden_next(&golden)) {
        if ((rest = golden_rest(&golden, "start")) != NULL)
            read_setting(rest, &setting);
        else if ((rest = golden_rest(&golden, "network")) != NULL)
            snprintf(network.name, sizeof(network.name), "%s", rest);
        else if ((rest = golden_rest(&golden, "model")) != NULL)
            snprintf(network.model, sizeof(network.model), "%s", rest);
        else if ((rest = golden_rest(&golden, "optimizer")) != NULL)
            snprintf(network.optimizer, sizeof(network.optimizer), "%s", rest);
        else if ((rest = golden_rest(&golden, "size")) != NULL)
            read_size(rest, &network);
        else if ((rest = golden_rest(&golden, "losses")) != NULL)
            network.steps = golden_numbers(rest, network.losses, STEPS_MAX);
        else if ((rest = golden_rest(&golden, "evaluation")) != NULL)
            golden_numbers(rest, &network.evaluation, 1);
        else if (strcmp(golden.line, "end") == 0 && ++networks)
            visit(&network, &setting, kernels, tolerance);
    }
    CHECK(networks > 0);
    golden_close(&golden);
}

void check_golden_networks(enum kernel_choice kernels, double tolerance)
{
    each_network(run_network, kernels, tolerance);
}

/* The same network with dropout in front of its classifier. */
static void add_dropout(const char *model, char out[WORDS_MAX])
{
    const char *flatten = strstr(model, "flatten");

    CHECK(flatten != NULL);
    snprintf(out, WORDS_MAX, "%.*sflatten | dropout p=0.3%s", (int)(flatten - model), model,
             flatten + strlen("flatten"));
}

enum { THREADED_STEPS = 6 };

/* The losses of some steps and then all numbers, with everything that draws. Free them. */
static real *trace_network(const struct golden_network *network, const struct setting *s,
                           struct dataset *dataset, int threads, double losses[THREADED_STEPS + 1])
{
    char model[WORDS_MAX];
    const struct job_words words = {.model = model,
                                    .optimizer = network->optimizer,
                                    .seed = s->seed,
                                    .shuffle = true,
                                    .max_steps = THREADED_STEPS,
                                    .batch_size = 90, /* the last of an epoch is a smaller one */
                                    .augment = "random_crop padding=2 | random_horizontal_flip | "
                                               "random_rotation degrees=10 | cutout size=4"};
    struct job job;
    struct trainer *trainer;

    add_dropout(network->model, model);
    job_make(&job, &words, dataset);
    trainer = job_trainer(&job, threads, KERNELS_BEST);
    for (int i = 0; i < THREADED_STEPS; i++)
        losses[i] = step(trainer).train_loss;
    losses[THREADED_STEPS] = evaluate(trainer);
    size_t bytes = (size_t)job.plan.numbers * sizeof(real);
    real *numbers = malloc(bytes + sizeof(*numbers));
    CHECK(numbers != NULL);
    memcpy(numbers, trainer_parameters(trainer), bytes);
    numbers[job.plan.numbers] = 0;
    trainer_free(trainer);
    job_drop(&job);
    return numbers;
}

static void compare_threads(const struct golden_network *network, const struct setting *s,
                            enum kernel_choice kernels, double tolerance)
{
    const int threads[] = {1, 2, 3, 4, 8};
    struct dataset *dataset = network_images(s);
    double wanted[THREADED_STEPS + 1], got[THREADED_STEPS + 1];
    real *first = trace_network(network, s, dataset, threads[0], wanted);

    (void)kernels;
    (void)tolerance;
    for (size_t i = 1; i < COUNT_OF(threads); i++) {
        real *numbers = trace_network(network, s, dataset, threads[i], got);

        if (memcmp(wanted, got, sizeof(wanted)) != 0 ||
            memcmp(first, numbers, (size_t)network->parameters * sizeof(*first)) != 0)
            FAIL("%s is another run with %d threads", network->name, threads[i]);
        free(numbers);
    }
    free(first);
    dataset_release(dataset);
}

void check_golden_threads(void)
{
    each_network(compare_threads, KERNELS_BEST, 0);
}
