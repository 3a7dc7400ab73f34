/* Allocations: all memory of a job is taken before its first step. What is counted is the whole
 * process's, its libraries included. */
#include "tests/harness.h"

#include "core/augment.h"
#include "core/layer.h"
#include "core/loss.h"
#include "core/optimizer.h"
#include "core/schedule.h"
#include "tests/core/support.h"
#include "tests/core/support_allocations.h"
#include "tests/core/support_job.h"

#include <archive_entry.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Enough for a batch that is not full and for the begin of an epoch. */
enum { STEPS = 8 };
static const struct data_shape images = {{3, 20, 18, 0}, 10, 101, 20};

static const char augment_words[] =
    "random_crop padding=2 | random_horizontal_flip | random_vertical_flip | random_rotation "
    "degrees=15 | random_rotation degrees=15 interpolation=bilinear | cutout size=3 | "
    "random_erasing | random_brightness | random_contrast";

/* Together every kind of layer, and every way that kernels differ in: few and many channels,
 * groups, windows that must be staged, ops of several layers, barriers. */
static const struct {
    int64_t batch_size;
    const char *model;
} nets[] = {
    {24, lenet5_words},
    {24,
     "conv2d out_channels=5 kernel_size=3,2 stride=1,2 padding=1,0 | relu | conv2d out_channels=18 "
     "kernel_size=3 bias=false | relu | max_pool2d kernel_size=3,2 stride=2 | flatten | linear "
     "out_features=7 bias=false | relu | linear out_features=10"},
    {24,
     "conv2d out_channels=32 kernel_size=3 padding=1 bias=false | batch_norm2d | relu | residual "
     "body=(conv2d out_channels=32 kernel_size=3 padding=1 | batch_norm2d | relu | conv2d "
     "out_channels=32 kernel_size=3 padding=1 | batch_norm2d) | relu | max_pool2d kernel_size=2 | "
     "conv2d out_channels=48 kernel_size=3 stride=2 padding=1 | relu | conv2d out_channels=64 "
     "kernel_size=1 | adaptive_avg_pool2d output_size=1 | flatten | linear out_features=10"},
    {24,
     "conv2d out_channels=32 kernel_size=3 padding=1 | relu | max_pool2d kernel_size=2 | conv2d "
     "out_channels=32 kernel_size=3 groups=32 padding=1 | relu | conv2d out_channels=32 "
     "kernel_size=3 | flatten | linear out_features=40 | relu | linear out_features=10"},
    {24,
     "conv2d out_channels=6 kernel_size=3 padding=1 | sigmoid | dropout p=0.3 | avg_pool2d "
     "kernel_size=2 ceil_mode=true | conv2d out_channels=17 kernel_size=3 | gelu | dropout2d p=0.2 "
     "| adaptive_avg_pool2d output_size=2 | flatten | linear out_features=9 | tanh | dropout | "
     "linear out_features=10"},
    {24,
     "conv2d out_channels=8 kernel_size=3 padding=same padding_mode=circular | leaky_relu | "
     "conv2d out_channels=16 kernel_size=2,3 groups=8 padding=same dilation=2 padding_mode=reflect "
     "| silu | conv2d out_channels=16 kernel_size=3 groups=16 stride=2 padding=1 flip_kernel=true "
     "| "
     "locally_connected2d out_channels=5 kernel_size=3 padding=1 padding_mode=replicate | elu | "
     "flatten | linear out_features=10"},
    {24,
     "conv2d out_channels=6 kernel_size=3 padding=1 bias=false | batch_norm2d | relu | concat "
     "branches=(conv2d out_channels=10 kernel_size=1 | batch_norm2d | tanh)()(residual "
     "body=(batch_norm2d affine=false | sigmoid)) | dropout2d p=0.2 | max_pool2d kernel_size=2 | "
     "batch_norm2d | flatten | linear out_features=10"},
    /* large enough for Winograd's algorithm */
    {96, "conv2d out_channels=64 kernel_size=3 padding=1 | relu | conv2d out_channels=64 "
         "kernel_size=3 padding=1 | relu | conv2d out_channels=64 kernel_size=3 padding=1 | relu | "
         "max_pool2d kernel_size=2 | flatten | linear out_features=10"},
};

static const char small_words[] = "conv2d out_channels=4 kernel_size=3 | relu | flatten | "
                                  "linear out_features=10";

/* Bookkeeping of a call, dropped when it ends, about which users of oneDNN can do nothing: its
 * table of a primitive's arguments, some tens of bytes at a time, and, of Winograd's kernels,
 * OpenMP's description of a team that is one thread. */
static const struct allocation_pardon bookkeeping[] = {
    {"dnnl_primitive_execute", 256}, {"GOMP_parallel", 2048}, {NULL, 0}};

static void evaluate(struct trainer *trainer, enum data_split split)
{
    struct evaluation evaluation;

    trainer_evaluation_begin(trainer, split, &evaluation);
    CHECK(evaluation.total > 0);
    while (!evaluation.done)
        trainer_evaluate_batch(trainer, &evaluation);
}

/* Everything between a job's begin and its end, checkpoints apart. */
static void run_watched(struct trainer *trainer)
{
    struct observation observation;

    allocations_begin(bookkeeping);
    for (int i = 0; i < STEPS; i++)
        step(trainer);
    evaluate(trainer, SPLIT_TEST);
    evaluate(trainer, SPLIT_TRAIN);
    observation = trainer_training(trainer);
    (void)trainer_observe(trainer, &observation);
    step(trainer);
}

/* How many allocations there were; shows who took memory first. */
static int count(const struct job *job, int threads, enum kernel_choice kernels, bool *shown)
{
    struct trainer *trainer = job_trainer(job, threads, kernels);
    const struct allocations *allocations;

    run_watched(trainer);
    allocations = allocations_end();
    if (allocations->count > 0) {
        printf("%d allocations by %s kernels, %d threads, %s, in a network with %s …\n",
               allocations->count, kernel_choice_names[kernels], threads,
               job->spec.run.precision == PRECISION_BF16 ? "bf16" : "fp32",
               trainer_kernel(trainer, 0));
        if (!*shown)
            allocations_show(allocations);
        *shown = true;
    }
    trainer_free(trainer);
    return allocations->count;
}

/* At one, two and three threads, with all sets of kernels (the reference is slow) and in both
 * precisions. */
static int count_everywhere(struct job *job, bool *shown)
{
    struct error error = {0};
    int sum = 0, last = job->plan.batch_size > 24 ? KERNELS_PORTABLE : KERNELS_REFERENCE;

    for (int threads = 1; threads <= 3; threads++) {
        for (int kernels = KERNELS_BEST; kernels <= last; kernels++)
            sum += count(job, threads, (enum kernel_choice)kernels, shown);
        if (!kernels_have_bf16(KERNELS_BEST, &error))
            continue;
        job->spec.run.precision = PRECISION_BF16;
        sum += count(job, threads, KERNELS_BEST, shown);
        job->spec.run.precision = PRECISION_FP32;
    }
    return sum;
}

static struct dataset *begin(void)
{
    if (!allocations_seen())
        SKIP("a sanitizer, or another C library, has its own malloc");
    make_idx_dataset("set", &images, 3);
    return open_dataset("set");
}

TEST("who watches sees what threads and libraries take, and nothing else")
{
    char *copy;
    void *memory, *place;
    const struct allocations *allocations;

    if (!allocations_seen())
        SKIP("a sanitizer, or another C library, has its own malloc");
    free(malloc(10));
    allocations_begin(NULL);
    CHECK_INT(allocations_end()->count, 0);

    allocations_begin(NULL);
    copy = strdup(test_dir()); /* the C library's call, not ours */
    allocations = allocations_end();
    CHECK_INT(allocations->count, 1);
    CHECK_TEXT(allocations->kept[0].call, "malloc");
    CHECK_INT((int64_t)allocations->kept[0].size, (int64_t)strlen(test_dir()) + 1);
    CHECK(allocations->kept[0].depth > 2);
    free(copy);

    allocations_begin(NULL);
    CHECK(posix_memalign(&memory, 64, 100) == 0);
    place = mmap(NULL, 5000, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    copy = realloc(NULL, 7);
    allocations = allocations_end();
    CHECK_INT(allocations->count, 3);
    CHECK_TEXT(allocations->kept[0].call, "posix_memalign");
    CHECK_TEXT(allocations->kept[1].call, "mmap");
    CHECK_INT((int64_t)allocations->kept[2].size, 7);
    CHECK_INT(allocations->pardoned, 0);
    CHECK((uintptr_t)memory % 64 == 0 && place != MAP_FAILED && copy != NULL);
    allocations_show(allocations);
    free(memory);
    free(copy);
    CHECK(munmap(place, 5000) == 0);
}

TEST("what a library's function is pardoned is counted apart, as far as it stays small")
{
    struct allocation_pardon pardons[] = {{"archive_entry", 4096}, {"archive_entry_new2", 0}, {0}};
    const struct allocations *allocations;

    if (!allocations_seen())
        SKIP("a sanitizer, or another C library, has its own malloc");
    for (int i = 0; i < 3; i++) {
        struct archive_entry *entry;

        allocations_begin(i == 2 ? NULL : pardons);
        entry = archive_entry_new2(NULL);
        allocations = allocations_end();
        CHECK_INT(allocations->count, i != 1);
        CHECK_INT(allocations->pardoned, i == 1);
        pardons[1].most = allocations->kept[0].size;
        archive_entry_free(entry);
    }
}

TEST_SLOW("no step and no evaluation takes memory, whatever the layers, the kernels and the number "
          "of threads",
          300)
{
    bool found[64] = {false}, shown = false;
    struct dataset *dataset = begin();
    int sum = 0;

    CHECK(layer_kinds.count <= COUNT_OF(found));
    for (size_t n = 0; n < COUNT_OF(nets); n++) {
        const struct job_words words = {.model = nets[n].model,
                                        .optimizer = "sgd lr=0.01 momentum=0.9",
                                        .max_steps = STEPS + 1,
                                        .shuffle = true,
                                        .seed = 5,
                                        .batch_size = nets[n].batch_size,
                                        .normalize = n % 2 == 0 ? "standard" : NULL,
                                        .augment = augment_words};
        struct job job;

        job_make(&job, &words, dataset);
        for (int i = 0; i < job.plan.layer_count; i++)
            for (size_t kind = 0; kind < layer_kinds.count; kind++)
                found[kind] |= layer_kinds.rows[kind] == job.plan.layers[i].kind;
        sum += count_everywhere(&job, &shown);
        job_drop(&job);
    }
    for (size_t kind = 0; kind < layer_kinds.count; kind++)
        if (!found[kind])
            FAIL("no network here has a layer %s", layer_kinds.rows[kind]->name);
    if (sum > 0)
        FAIL("%d allocations, shown above", sum);
    dataset_release(dataset);
}

/* A job of which one thing is of that kind. */
static int count_with(struct dataset *dataset, const struct job_words *words, bool *shown)
{
    struct job job;
    int sum;

    job_make(&job, words, dataset);
    job.spec.run.clip_grad_norm = 0.5;
    job.spec.run.clip_grad_value = 0.1;
    job.spec.early_stopping =
        (struct spec_early_stopping){.given = true, .metric = METRIC_TRAIN_LOSS, .patience = 3};
    sum = count(&job, 2, KERNELS_PORTABLE, shown);
    job_drop(&job);
    return sum;
}

TEST("no step takes memory, whatever the optimizer, the loss and the schedule, with clipping and "
     "early stopping")
{
    struct job_words words = {.model = small_words,
                              .epochs = 3,
                              .batch_size = 24,
                              .seed = 1,
                              .schedule = "reduce_on_plateau metric=train_loss"};
    struct dataset *dataset = begin();
    bool shown = false;
    int sum = 0;

    for (size_t i = 0; i < optimizer_kinds.count; i++) {
        char text[80];

        snprintf(text, sizeof(text), "%s lr=0.01", optimizer_kinds.rows[i]->name);
        words.optimizer = text;
        sum += count_with(dataset, &words, &shown);
    }
    words.optimizer = NULL;
    for (size_t i = 0; i < loss_kinds.count; i++) {
        words.loss = loss_kinds.rows[i]->name;
        sum += count_with(dataset, &words, &shown);
    }
    words.loss = NULL;
    static const char *const schedules[] = {"one_cycle max_lr=0.1", "cosine unit=step",
                                            "multistep milestones=1,2"};
    for (size_t i = 0; i < COUNT_OF(schedules); i++) {
        words.schedule = schedules[i];
        sum += count_with(dataset, &words, &shown);
    }
    if (sum > 0)
        FAIL("%d allocations, shown above", sum);
    dataset_release(dataset);
}

TEST("no step takes memory, whatever the augmentation")
{
    struct dataset *dataset = begin();
    struct job_words words = {
        .model = small_words, .epochs = 3, .batch_size = 24, .seed = 1, .shuffle = true};
    bool found[64] = {false};
    struct job job;
    int sum;

    words.augment = augment_words;
    words.validation = 0.2;
    job_make(&job, &words, dataset);
    for (size_t i = 0; i < job.spec.dataset.augment.count; i++)
        for (size_t kind = 0; kind < augment_kinds.count; kind++)
            found[kind] |= augment_kinds.rows[kind] == job.spec.dataset.augment.items[i].kind;
    for (size_t kind = 0; kind < augment_kinds.count; kind++)
        if (!found[kind])
            FAIL("no %s here", augment_kinds.rows[kind]->name);
    sum = count(&job, 2, KERNELS_PORTABLE, &(bool){false});
    job_drop(&job);
    if (sum > 0)
        FAIL("%d allocations, shown above", sum);
    dataset_release(dataset);
}
