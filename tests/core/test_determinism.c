/* Determinism: the numbers of a run depend on its spec, seed and data, and on nothing else. */
#include "tests/harness.h"

#include "core/checkpoint.h"
#include "tests/core/support.h"
#include "tests/core/support_job.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct data_shape images = {{1, 28, 28, 0}, 10, 500, 70};
static const struct data_shape odd_images = {{3, 13, 11, 0}, 3, 101, 20};

/* One job of each kind that could differ: layers, optimizers, a last batch that is not full,
 * several epochs. */
struct net {
    const struct data_shape *data;
    struct job_words words;
};

/* Draws in training, in blocks of channels and behind a layer whose output must stay. */
static const char random_words[] =
    "conv2d out_channels=6 kernel_size=3 padding=1 | sigmoid | dropout p=0.3 | avg_pool2d "
    "kernel_size=2 ceil_mode=true | conv2d out_channels=17 kernel_size=3 | gelu | dropout2d p=0.2 "
    "| "
    "adaptive_avg_pool2d output_size=2 | flatten | linear out_features=9 | tanh | dropout | "
    "linear out_features=3";

static const char augment_words[] =
    "random_crop padding=2 | random_horizontal_flip | random_rotation degrees=15 "
    "interpolation=bilinear | cutout size=3 | random_erasing | random_brightness | random_contrast";
/* Every way of a convolution: groups, padding modes, dilation, and weights that are not shared. */
static const char convolving_words[] =
    "conv2d out_channels=8 kernel_size=3 padding=same padding_mode=circular | relu | "
    "conv2d out_channels=16 kernel_size=2,3 groups=8 padding=same dilation=2 padding_mode=reflect "
    "| "
    "silu | conv2d out_channels=16 kernel_size=3 groups=16 stride=2 padding=1 flip_kernel=true | "
    "locally_connected2d out_channels=5 kernel_size=3 padding=1 padding_mode=replicate | gelu | "
    "flatten | linear out_features=3";

/* Shards meet in the middle; outputs have several readers; a shard's draws outlive its thread's
 * buffers; one activation in front of a barrier keeps what its derivative needs. */
static const char joined_words[] =
    "conv2d out_channels=6 kernel_size=3 padding=1 bias=false | batch_norm2d | relu | "
    "residual body=(conv2d out_channels=6 kernel_size=3 padding=1 | batch_norm2d | gelu | dropout "
    "p=0.3 | conv2d out_channels=6 kernel_size=1 | batch_norm2d) | relu | dropout2d p=0.2 | "
    "concat branches=(conv2d out_channels=10 kernel_size=1 | batch_norm2d | tanh)()(residual "
    "body=(batch_norm2d affine=false | sigmoid)) | max_pool2d kernel_size=2 | batch_norm2d | "
    "flatten | linear out_features=3";

static const struct net nets[] = {
    {&images,
     {.model = lenet5_words,
      .optimizer = "adam lr=0.002",
      .epochs = 2,
      .shuffle = true,
      .seed = 5,
      .schedule = "cosine unit=step"}},
    {&odd_images,
     {.model = odd_net_words,
      .optimizer = "sgd lr=0.05 momentum=0.9 nesterov=true",
      .epochs = 4,
      .shuffle = true,
      .seed = 6,
      .batch_size = 24}},
    {&odd_images,
     {.model = odd_net_words, .epochs = 3, .seed = 6, .batch_size = 31, .drop_last = true}},
    {&odd_images,
     {.model = random_words, .epochs = 4, .shuffle = true, .seed = 8, .batch_size = 24}},
    {&odd_images,
     {.model = convolving_words,
      .optimizer = "adam lr=0.003",
      .epochs = 3,
      .shuffle = true,
      .seed = 10,
      .batch_size = 24}},
    {&odd_images,
     {.model = joined_words,
      .epochs = 3,
      .shuffle = true,
      .seed = 10,
      .batch_size = 24,
      .normalize = "standard",
      .augment = augment_words,
      .validation = 0.2}},
    {&odd_images,
     {.model = joined_words,
      .optimizer = "sgd lr=0.02 momentum=0.9",
      .epochs = 4,
      .shuffle = true,
      .seed = 9,
      .batch_size = 24}},
};

/* Channels and tiles enough for Winograd in every direction; the reference would take minutes. */
static const struct net wide_net = {
    &odd_images,
    {.model =
         "conv2d out_channels=64 kernel_size=3 padding=1 | relu | conv2d out_channels=64 "
         "kernel_size=3 padding=1 | relu | conv2d out_channels=70 kernel_size=3 | batch_norm2d | "
         "relu | max_pool2d kernel_size=2 | conv2d out_channels=32 kernel_size=3 padding=1 | "
         "flatten | linear out_features=3",
     .epochs = 3,
     .shuffle = true,
     .seed = 11,
     .batch_size = 50}};

static struct dataset *dataset_of(const struct net *net)
{
    make_idx_dataset("set", net->data, 3);
    return open_dataset("set");
}

enum { STEPS_MAX = 64 };

/* What a run leaves behind, to the bit. */
struct trace {
    int64_t steps;
    double losses[STEPS_MAX], norms[STEPS_MAX];
    double validation; /* the sum of the losses at the end */
    real *parameters;
    int64_t count;
};

static double validation_loss(struct trainer *trainer)
{
    struct evaluation evaluation;

    trainer_evaluation_begin(trainer, SPLIT_VALIDATION, &evaluation);
    CHECK(evaluation.total > 0);
    while (!evaluation.done)
        trainer_evaluate_batch(trainer, &evaluation);
    return evaluation.loss_sum;
}

static void trace_rest(struct trainer *trainer, const struct job *job, struct trace *trace)
{
    memset(trace, 0, sizeof(*trace));
    while (!trainer_ended(trainer)) {
        struct step_report report = step(trainer);

        CHECK(report.finite && trace->steps < STEPS_MAX);
        trace->losses[trace->steps] = report.train_loss;
        trace->norms[trace->steps++] = report.grad_norm;
    }
    trace->validation = validation_loss(trainer);
    trace->count = job->plan.numbers;
    trace->parameters = malloc((size_t)trace->count * sizeof(real));
    CHECK(trace->parameters != NULL);
    memcpy(trace->parameters, trainer_parameters(trainer), (size_t)trace->count * sizeof(real));
}

/* The last steps of `whole` are those of `part`. */
static void check_same_end(const struct trace *whole, const struct trace *part)
{
    int64_t skipped = whole->steps - part->steps;

    CHECK(skipped >= 0);
    for (int64_t i = 0; i < part->steps; i++)
        if (memcmp(&whole->losses[skipped + i], &part->losses[i], sizeof(double)) != 0 ||
            memcmp(&whole->norms[skipped + i], &part->norms[i], sizeof(double)) != 0)
            FAIL("step %" PRId64 ": loss %.17g and norm %.17g, not %.17g and %.17g",
                 skipped + i + 1, part->losses[i], part->norms[i], whole->losses[skipped + i],
                 whole->norms[skipped + i]);
    CHECK(memcmp(&whole->validation, &part->validation, sizeof(double)) == 0);
    CHECK(memcmp(whole->parameters, part->parameters, (size_t)whole->count * sizeof(real)) == 0);
}

/* `threads` ends with 0; the first is what the others are compared with. */
static void check_net(const struct net *net, enum kernel_choice kernels, const int *threads)
{
    struct dataset *dataset = dataset_of(net);
    struct trace first = {0};
    struct job job;

    job_make(&job, &net->words, dataset);
    for (int t = 0; threads[t] != 0; t++) {
        struct trainer *trainer = job_trainer(&job, threads[t], kernels);
        struct trace trace;

        trace_rest(trainer, &job, &trace);
        CHECK_INT(trace.steps, job.plan.steps);
        trainer_free(trainer);
        if (t == 0) {
            first = trace;
            continue;
        }
        check_same_end(&first, &trace);
        free(trace.parameters);
    }
    CHECK(first.losses[0] != first.losses[first.steps - 1]);
    free(first.parameters);
    job_drop(&job);
    dataset_release(dataset);
}

static void check_threads(enum kernel_choice kernels, const int *threads)
{
    for (size_t n = 0; n < COUNT_OF(nets); n++)
        check_net(&nets[n], kernels, threads);
}

TEST_SLOW("one, two, three, four and eight threads give bit-identical losses and weights", 120)
{
    check_threads(KERNELS_BEST, (const int[]){1, 2, 3, 4, 8, 0});
}

TEST_SLOW("so they do with channels enough for Winograd", 120)
{
    check_net(&wide_net, KERNELS_BEST, (const int[]){1, 2, 3, 4, 8, 0});
}

TEST_SLOW("so they do in bf16", 240)
{
    const int threads[] = {1, 2, 3, 4, 0};
    struct error error = {0};
    struct net net;

    if (!kernels_have_bf16(KERNELS_BEST, &error))
        SKIP("%s", error.text);
    for (size_t n = 0; n <= COUNT_OF(nets); n++) {
        net = n < COUNT_OF(nets) ? nets[n] : wide_net;
        net.words.precision = PRECISION_BF16;
        check_net(&net, KERNELS_BEST, threads);
    }
}

TEST_SLOW("so they do with our own kernels", 120)
{
    check_threads(KERNELS_PORTABLE, (const int[]){1, 2, 3, 4, 8, 0});
}

TEST_SLOW("so they do with the reference kernels", 300)
{
    check_threads(KERNELS_REFERENCE, (const int[]){1, 3, 0});
}

static uint8_t *save(const struct trainer *trainer, const struct job *job, size_t *size)
{
    uint8_t *bytes;

    *size = checkpoint_size(&job->plan);
    bytes = malloc(*size);
    CHECK(bytes != NULL);
    trainer_save(trainer, bytes);
    return bytes;
}

static void load(struct trainer *trainer, const uint8_t *bytes, size_t size)
{
    struct error error = {0};

    if (!trainer_load(trainer, bytes, size, &error))
        FAIL("%s", error.text);
}

/* Saves after step k; a new trainer, with another number of threads, and then an old one that has
 * gone on, continue from there. */
static void check_resume_at(const struct job *job, const struct trace *whole, int64_t k)
{
    struct trainer *trainer = job_trainer(job, 2, KERNELS_BEST), *other;
    struct trace rest;
    size_t size;
    uint8_t *bytes;

    for (int64_t i = 0; i < k; i++)
        step(trainer);
    bytes = save(trainer, job, &size);
    other = job_trainer(job, 3, KERNELS_BEST);
    load(other, bytes, size);
    CHECK_INT(trainer_steps_done(other), k);
    trace_rest(other, job, &rest);
    check_same_end(whole, &rest);
    free(rest.parameters);

    while (!trainer_ended(trainer))
        step(trainer);
    load(trainer, bytes, size);
    trace_rest(trainer, job, &rest);
    check_same_end(whole, &rest);
    free(rest.parameters);

    free(bytes);
    trainer_free(trainer);
    trainer_free(other);
}

TEST_SLOW("saving after any step and continuing is the straight run, bit for bit", 240)
{
    for (size_t n = 0; n < COUNT_OF(nets); n++) {
        struct dataset *dataset = dataset_of(&nets[n]);
        struct trainer *trainer;
        struct trace whole;
        struct job job;

        job_make(&job, &nets[n].words, dataset);
        trainer = job_trainer(&job, 1, KERNELS_BEST);
        trace_rest(trainer, &job, &whole);
        trainer_free(trainer);
        for (int64_t k = 0; k <= job.plan.steps; k++)
            check_resume_at(&job, &whole, k);
        free(whole.parameters);
        job_drop(&job);
        dataset_release(dataset);
    }
}

TEST("evaluating between steps changes nothing, in pieces or twice")
{
    const struct net *net = &nets[0];
    struct dataset *dataset = dataset_of(net);
    struct trace plain, watched = {0};
    struct trainer *trainer;
    double loss = NAN;
    struct job job;

    job_make(&job, &net->words, dataset);
    trainer = job_trainer(&job, 2, KERNELS_BEST);
    trace_rest(trainer, &job, &plain);
    trainer_free(trainer);
    trainer = job_trainer(&job, 2, KERNELS_BEST);
    for (int i = 0; i < 4; i++) {
        struct evaluation evaluation;
        enum data_split split = i % 2 == 0 ? SPLIT_TEST : SPLIT_TRAIN;

        trainer_evaluation_begin(trainer, split, &evaluation);
        while (!evaluation.done)
            trainer_evaluate_batch(trainer, &evaluation);
        CHECK_INT(evaluation.total, split == SPLIT_TEST ? 70 : 500);
        CHECK(evaluation.correct >= 0 && evaluation.correct <= evaluation.total);
        CHECK(isfinite(evaluation.loss_sum));
        if (i == 2)
            CHECK(evaluation.loss_sum != loss); /* two steps lie between */
        loss = evaluation.loss_sum;
        if (i % 2 == 1)
            step(trainer);
    }
    trace_rest(trainer, &job, &watched);
    check_same_end(&plain, &watched);
    free(plain.parameters);
    free(watched.parameters);
    trainer_free(trainer);
    job_drop(&job);
    dataset_release(dataset);
}

TEST("another seed gives another run, and the same seed the same")
{
    const struct net *net = &nets[1];
    struct dataset *dataset = dataset_of(net);
    double first[3];

    for (int i = 0; i < 3; i++) {
        struct job_words words = net->words;
        struct trainer *trainer;
        struct job job;

        words.seed += i == 2;
        job_make(&job, &words, dataset);
        trainer = job_trainer(&job, 1, KERNELS_BEST);
        first[i] = step(trainer).train_loss;
        trainer_free(trainer);
        job_drop(&job);
    }
    CHECK(first[0] == first[1] && first[0] != first[2]);
    dataset_release(dataset);
}
