/* Checkpoints: what the bytes say, and that bytes which are not a checkpoint are refused. That a
 * run continues from one bit for bit stands in test_determinism.c. */
#include "tests/harness.h"

#include "core/checkpoint.h"
#include "core/digest.h"
#include "tests/core/support.h"
#include "tests/core/support_job.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char tiny_words[] =
    "conv2d out_channels=3 kernel_size=2 | relu | flatten | linear out_features=3";

/* A trainer after three steps, and its checkpoint. */
struct stage {
    struct dataset *dataset;
    struct job job;
    struct trainer *trainer;
    uint8_t *bytes;
    size_t size;
};

/* In place: the trainer keeps the addresses of the job's spec and plan. */
static void set_up(struct stage *stage, const char *model, const char *optimizer)
{
    const struct data_shape shape = {{1, 5, 4, 0}, 3, 40, 0};
    const struct job_words words = {
        .model = model, .optimizer = optimizer, .batch_size = 8, .epochs = 2};

    make_idx_dataset("set", &shape, 1);
    stage->dataset = open_dataset("set");
    job_make(&stage->job, &words, stage->dataset);
    stage->trainer = job_trainer(&stage->job, 1, KERNELS_REFERENCE);
    for (int i = 0; i < 3; i++)
        step(stage->trainer);
    stage->size = checkpoint_size(&stage->job.plan);
    stage->bytes = malloc(stage->size);
    CHECK(stage->bytes != NULL);
    trainer_save(stage->trainer, stage->bytes);
}

static void tear_down(struct stage *stage)
{
    free(stage->bytes);
    trainer_free(stage->trainer);
    job_drop(&stage->job);
    dataset_release(stage->dataset);
}

/* Loading fails with that error, and the trainer is as it was. */
static void check_refused(struct stage *stage, const uint8_t *bytes, size_t size,
                          enum error_kind kind)
{
    const size_t weights = (size_t)stage->job.plan.parameters * sizeof(real);
    int64_t steps = trainer_steps_done(stage->trainer);
    struct error error = {0};
    real *before = malloc(weights);

    CHECK(before != NULL);
    memcpy(before, trainer_parameters(stage->trainer), weights);
    CHECK(!trainer_load(stage->trainer, bytes, size, &error));
    CHECK(error.text[0] != '\0');
    CHECK_TEXT(error_kind_name(error.kind), error_kind_name(kind));
    CHECK_INT(trainer_steps_done(stage->trainer), steps);
    CHECK(memcmp(before, trainer_parameters(stage->trainer), weights) == 0);
    free(before);
}

static int64_t number_at(const uint8_t *bytes, size_t at, size_t size)
{
    uint64_t value = 0;

    for (size_t i = 0; i < size; i++)
        value |= (uint64_t)bytes[at + i] << (8 * i);
    return (int64_t)value;
}

static double real_at(const uint8_t *bytes, size_t at)
{
    double value;

    memcpy(&value, bytes + at, sizeof(value));
    return value;
}

/* Of a run of three steps with batches of eight, without evaluation, plateau or early stopping. */
static void check_control(const uint8_t *bytes)
{
    CHECK(real_at(bytes, 96) == 0.01 && real_at(bytes, 128) == INFINITY);
    CHECK(real_at(bytes, 144) == 1);
    for (size_t at = 104; at < 128; at += 8)
        CHECK_INT(number_at(bytes, at, 8), 0);
    CHECK_INT(number_at(bytes, 136, 8), 0);
    CHECK_INT(number_at(bytes, 152, 8), 0);
    CHECK_INT(number_at(bytes, 160, 8), 0);
    CHECK_INT(number_at(bytes, 168, 8), 3 * 8);
    CHECK(number_at(bytes, 176, 8) >= 0 && number_at(bytes, 176, 8) <= 24);
    CHECK(real_at(bytes, 184) > 0);
    CHECK_INT(number_at(bytes, 192, 4), 0xffffffff);
    CHECK_INT(number_at(bytes, 196, 4), 0xffffffff);
}

TEST("a checkpoint has the layout of core/checkpoint.h")
{
    struct stage stage;
    const struct plan *plan = &stage.job.plan;
    struct checkpoint_view view;
    struct error error = {0};
    uint8_t digest[DIGEST_BYTES];

    set_up(&stage, tiny_words, "adam lr=0.01");
    CHECK_INT((int64_t)stage.size, 256 + 4 * 3 * plan->parameters + 32);
    CHECK_INT(CHECKPOINT_HEADER, 256);
    CHECK_INT((int64_t)checkpoint_numbers_at(plan, (int64_t)stage.size), 256);
    CHECK(memcmp(stage.bytes, "TRAINDCK", 8) == 0);
    CHECK_INT(number_at(stage.bytes, 8, 4), CHECKPOINT_VERSION);
    CHECK_INT(number_at(stage.bytes, 12, 4), 2);
    CHECK_INT(number_at(stage.bytes, 16, 8), 3);
    CHECK_INT(number_at(stage.bytes, 24, 8), plan->parameters);
    CHECK_INT(number_at(stage.bytes, 32, 8), 3);
    CHECK_INT(number_at(stage.bytes, 40, 8), (int64_t)stage.size);
    CHECK_INT(number_at(stage.bytes, 80, 8), plan->numbers);
    CHECK_INT(number_at(stage.bytes, 88, 8), 0);
    check_control(stage.bytes);
    for (size_t i = 200; i < CHECKPOINT_HEADER; i++)
        CHECK_INT(stage.bytes[i], 0);
    CHECK(memcmp(stage.bytes + CHECKPOINT_HEADER, trainer_parameters(stage.trainer),
                 (size_t)plan->parameters * sizeof(float)) == 0);
    digest_sha256(stage.bytes, stage.size - 32, digest);
    CHECK(memcmp(stage.bytes + stage.size - 32, digest, 32) == 0);

    CHECK(checkpoint_open(stage.bytes, stage.size, &view, &error));
    CHECK_INT(view.steps, 3);
    CHECK_INT(view.optimizer_steps, 3);
    CHECK_INT(view.version, 2);
    CHECK_INT(view.parameter_count, plan->parameters);
    CHECK_INT(view.number_count, plan->numbers);
    CHECK_INT(view.optimizer_slots, 2);
    CHECK(view.parameters == (const float *)(const void *)(stage.bytes + CHECKPOINT_HEADER));
    CHECK(view.optimizer_state == view.parameters + plan->parameters);
    tear_down(&stage);
}

TEST("saving twice gives the same bytes")
{
    struct stage stage;
    uint8_t *again;

    set_up(&stage, tiny_words, "sgd lr=0.01 momentum=0.5");
    again = malloc(stage.size);
    CHECK(again != NULL);
    memset(again, 0xaa, stage.size);
    trainer_save(stage.trainer, again);
    CHECK(memcmp(again, stage.bytes, stage.size) == 0);
    free(again);
    tear_down(&stage);
}

TEST("a checkpoint cut off at any length is refused")
{
    struct stage stage;

    set_up(&stage, tiny_words, "adam lr=0.01");
    for (size_t size = 0; size < stage.size; size++) {
        /* A copy of its own, so that a sanitizer sees a read past the end. */
        uint8_t *cut = malloc(size + (size == 0));

        CHECK(cut != NULL);
        memcpy(cut, stage.bytes, size);
        check_refused(&stage, cut, size, ERROR_CORRUPT);
        free(cut);
    }
    tear_down(&stage);
}

TEST("a checkpoint with any one bit flipped is refused")
{
    struct stage stage;

    set_up(&stage, tiny_words, "sgd lr=0.01");
    for (size_t bit = 0; bit < 8 * stage.size; bit++) {
        stage.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        check_refused(&stage, stage.bytes, stage.size, ERROR_CORRUPT);
        stage.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    tear_down(&stage);
}

TEST("a checkpoint with bytes behind it is refused")
{
    struct stage stage;
    uint8_t *longer;

    set_up(&stage, tiny_words, "sgd lr=0.01");
    longer = calloc(stage.size + 64, 1);
    CHECK(longer != NULL);
    memcpy(longer, stage.bytes, stage.size);
    for (size_t extra = 1; extra <= 64; extra++)
        check_refused(&stage, longer, stage.size + extra, ERROR_CORRUPT);
    free(longer);
    tear_down(&stage);
}

#define NAN_BITS 0x7ff8000000000000
#define TWO_BITS 0x4000000000000000

struct lie {
    size_t at, size;
    uint64_t value;
    enum error_kind kind;
};

/* Headers that lie and have the right digest over the lie. */
static const struct lie lies[] = {
    {8, 4, 0, ERROR_CORRUPT},
    {8, 4, 1, ERROR_CORRUPT}, /* whose header is shorter */
    {8, 4, 3, ERROR_CORRUPT},
    {12, 4, 0, ERROR_CORRUPT},
    {12, 4, 0xffffffff, ERROR_CORRUPT},
    {16, 8, 11, ERROR_INVALID}, /* the run has ten steps */
    {16, 8, UINT64_MAX, ERROR_INVALID},
    {16, 8, (uint64_t)1 << 63, ERROR_INVALID},
    {24, 8, 0, ERROR_CORRUPT},
    {24, 8, UINT64_MAX, ERROR_CORRUPT},
    {24, 8, (uint64_t)1 << 62, ERROR_CORRUPT},
    {24, 8, (uint64_t)1 << 32, ERROR_CORRUPT},
    {32, 8, 4, ERROR_INVALID}, /* more updates than steps */
    {32, 8, UINT64_MAX, ERROR_INVALID},
    {40, 8, 0, ERROR_CORRUPT},
    {40, 8, UINT64_MAX, ERROR_CORRUPT},
    {48, 8, 1, ERROR_INVALID},
    {80, 8, 0, ERROR_CORRUPT}, /* fewer numbers than parameters */
    {80, 8, UINT64_MAX, ERROR_CORRUPT},
    {80, 8, (uint64_t)1 << 62, ERROR_CORRUPT},
    {144, 8, NAN_BITS, ERROR_INVALID}, /* the factor of all rates */
    {144, 8, TWO_BITS, ERROR_INVALID},
    {144, 8, (uint64_t)1 << 63 | TWO_BITS, ERROR_INVALID},
    {152, 8, UINT64_MAX, ERROR_INVALID},
    {160, 8, 4, ERROR_INVALID}, /* observed after the last step */
    {160, 8, UINT64_MAX, ERROR_INVALID},
    {168, 8, 0, ERROR_INVALID}, /* fewer samples than correct ones */
    {176, 8, 25, ERROR_INVALID},
    {176, 8, UINT64_MAX, ERROR_INVALID},
    {184, 8, NAN_BITS, ERROR_INVALID},
};

TEST("a header that lies under a right digest is refused")
{
    struct stage stage;
    uint8_t *bytes;

    set_up(&stage, tiny_words, "adam lr=0.01");
    bytes = malloc(stage.size);
    CHECK(bytes != NULL);
    for (size_t i = 0; i < COUNT_OF(lies); i++) {
        memcpy(bytes, stage.bytes, stage.size);
        for (size_t k = 0; k < lies[i].size; k++)
            bytes[lies[i].at + k] = (uint8_t)(lies[i].value >> (8 * k));
        digest_sha256(bytes, stage.size - 32, bytes + stage.size - 32);
        check_refused(&stage, bytes, stage.size, lies[i].kind);
    }
    free(bytes);
    tear_down(&stage);
}

TEST("a checkpoint of another network or optimizer is refused as such")
{
    static const char *const others[][2] = {
        {"conv2d out_channels=3 kernel_size=2 | flatten | linear out_features=3", "adam lr=0.01"},
        {"conv2d out_channels=2 kernel_size=2 | relu | flatten | linear out_features=3",
         "adam lr=0.01"},
        {tiny_words, "sgd lr=0.01"},
        {tiny_words, "sgd lr=0.01 momentum=0.9"},
    };
    struct stage stage;

    set_up(&stage, tiny_words, "adam lr=0.01");
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        struct stage other;
        struct checkpoint_view view;
        struct error error = {0};

        set_up(&other, others[i][0], others[i][1]);
        CHECK(checkpoint_open(other.bytes, other.size, &view, &error));
        check_refused(&stage, other.bytes, other.size, ERROR_INVALID);
        tear_down(&other);
    }
    tear_down(&stage);
}

/* tests/cases/checkpoint/version-1: what the program of that version saved of this very stage. */
static uint8_t *read_version_1(size_t *size)
{
    char path[1100];

    snprintf(path, sizeof(path), "%s/tests/cases/checkpoint/version-1", test_root());
    return read_bytes(path, size);
}

TEST("a checkpoint of version 1 still loads, and the run goes on from it to its end")
{
    struct stage stage;
    struct checkpoint_view view;
    struct error error = {0};
    size_t size;
    uint8_t *old = read_version_1(&size);

    set_up(&stage, tiny_words, "adam lr=0.01");
    CHECK_INT((int64_t)checkpoint_numbers_at(&stage.job.plan, (int64_t)size), 96);
    CHECK(checkpoint_open(old, size, &view, &error));
    CHECK_INT(view.version, 1);
    CHECK_INT(view.number_count, stage.job.plan.numbers);
    if (!trainer_load(stage.trainer, old, size, &error))
        FAIL("%s", error.text);
    CHECK_INT(trainer_steps_done(stage.trainer), 3);
    CHECK_INT(trainer_observed(stage.trainer), 0);
    CHECK(isnan(trainer_training(stage.trainer).values[METRIC_TRAIN_ACCURACY]));
    CHECK(memcmp(old + 96, trainer_parameters(stage.trainer),
                 (size_t)stage.job.plan.numbers * sizeof(float)) == 0);
    while (!trainer_ended(stage.trainer))
        CHECK(step(stage.trainer).finite);
    free(old);
    tear_down(&stage);
}

TEST("a checkpoint of version 1 that was cut or changed anywhere is refused")
{
    struct stage stage;
    size_t size;
    uint8_t *old = read_version_1(&size);

    set_up(&stage, tiny_words, "adam lr=0.01");
    for (size_t cut = 0; cut < size; cut++) {
        uint8_t *part = malloc(cut + (cut == 0));

        CHECK(part != NULL);
        memcpy(part, old, cut);
        check_refused(&stage, part, cut, ERROR_CORRUPT);
        free(part);
    }
    for (size_t bit = 0; bit < 8 * size; bit++) {
        old[bit / 8] ^= (uint8_t)(1 << bit % 8);
        check_refused(&stage, old, size, ERROR_CORRUPT);
        old[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    free(old);
    tear_down(&stage);
}

TEST(
    "the checkpoint of a run that takes its weights over is the one that a trainer with them saves")
{
    static const char *const optimizers[] = {"sgd", "adam lr=0.1",
                                             "adagrad initial_accumulator_value=0.25"};

    for (size_t i = 0; i < COUNT_OF(optimizers); i++) {
        struct stage stage;
        struct trainer *fresh;
        uint8_t *made;

        set_up(&stage, tiny_words, optimizers[i]);
        fresh = job_trainer(&stage.job, 1, KERNELS_REFERENCE);
        trainer_set_parameters(fresh, trainer_parameters(stage.trainer));
        trainer_save(fresh, stage.bytes);
        made = malloc(stage.size);
        CHECK(made != NULL);
        checkpoint_start(&(struct checkpoint_start){.spec = &stage.job.spec,
                                                    .plan = &stage.job.plan,
                                                    .numbers = trainer_parameters(fresh)},
                         made);
        CHECK(memcmp(made, stage.bytes, stage.size) == 0);
        free(made);
        trainer_free(fresh);
        tear_down(&stage);
    }
}

TEST("before its first step a run belongs to no data set, after it to that one alone")
{
    const struct data_shape shape = {{1, 5, 4, 0}, 3, 40, 0};
    const struct job_words words = {.model = tiny_words, .batch_size = 8, .epochs = 2};
    struct stage stage;
    struct trainer *elsewhere;
    struct dataset *other;
    struct job job;
    struct error error = {0};

    set_up(&stage, tiny_words, "sgd lr=0.01");
    make_idx_dataset("other", &shape, 2);
    other = open_dataset("other");
    job_make(&job, &words, other);
    elsewhere = job_trainer(&job, 1, KERNELS_REFERENCE);
    CHECK(!trainer_load(elsewhere, stage.bytes, stage.size, &error));
    CHECK_INT(error.kind, ERROR_INVALID);
    trainer_free(stage.trainer);
    stage.trainer = job_trainer(&stage.job, 1, KERNELS_REFERENCE);
    trainer_save(stage.trainer, stage.bytes);
    error = (struct error){0};
    if (!trainer_load(elsewhere, stage.bytes, stage.size, &error))
        FAIL("%s", error.text);
    trainer_free(elsewhere);
    job_drop(&job);
    dataset_release(other);
    tear_down(&stage);
}
