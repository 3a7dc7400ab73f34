/* Checkpoints: what the bytes say, and that bytes which are not a checkpoint are refused. That a
 * run continues from one bit for bit stands in test_determinism.c. */
#include "tests/harness.h"

#include "core/checkpoint.h"
#include "core/digest.h"
#include "tests/core/support.h"
#include "tests/core/support_job.h"
#include "tests/core/support_stage.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

    stage_set_up(&stage, stage_words, "adam lr=0.01");
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
    stage_tear_down(&stage);
}

TEST("saving twice gives the same bytes")
{
    struct stage stage;
    uint8_t *again;

    stage_set_up(&stage, stage_words, "sgd lr=0.01 momentum=0.5");
    again = malloc(stage.size);
    CHECK(again != NULL);
    memset(again, 0xaa, stage.size);
    trainer_save(stage.trainer, again);
    CHECK(memcmp(again, stage.bytes, stage.size) == 0);
    free(again);
    stage_tear_down(&stage);
}

TEST("a checkpoint cut off at any length is refused")
{
    struct stage stage;

    stage_set_up(&stage, stage_words, "adam lr=0.01");
    for (size_t size = 0; size < stage.size; size++) {
        /* A copy of its own, so that a sanitizer sees a read past the end. */
        uint8_t *cut = malloc(size + (size == 0));

        CHECK(cut != NULL);
        memcpy(cut, stage.bytes, size);
        stage_check_refused(&stage, cut, size, ERROR_CORRUPT);
        free(cut);
    }
    stage_tear_down(&stage);
}

TEST("a checkpoint with any one bit flipped is refused")
{
    struct stage stage;

    stage_set_up(&stage, stage_words, "sgd lr=0.01");
    for (size_t bit = 0; bit < 8 * stage.size; bit++) {
        stage.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        stage_check_refused(&stage, stage.bytes, stage.size, ERROR_CORRUPT);
        stage.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    stage_tear_down(&stage);
}

TEST("a checkpoint with bytes behind it is refused")
{
    struct stage stage;
    uint8_t *longer;

    stage_set_up(&stage, stage_words, "sgd lr=0.01");
    longer = calloc(stage.size + 64, 1);
    CHECK(longer != NULL);
    memcpy(longer, stage.bytes, stage.size);
    for (size_t extra = 1; extra <= 64; extra++)
        stage_check_refused(&stage, longer, stage.size + extra, ERROR_CORRUPT);
    free(longer);
    stage_tear_down(&stage);
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
    {88, 8, 1, ERROR_INVALID},  /* edits that nobody knows */
    {200, 8, 4, ERROR_INVALID}, /* of three updates four inherited */
    {200, 8, UINT64_MAX, ERROR_INVALID},
};

TEST("a header that lies under a right digest is refused")
{
    struct stage stage;
    uint8_t *bytes;

    stage_set_up(&stage, stage_words, "adam lr=0.01");
    bytes = malloc(stage.size);
    CHECK(bytes != NULL);
    for (size_t i = 0; i < COUNT_OF(lies); i++) {
        memcpy(bytes, stage.bytes, stage.size);
        for (size_t k = 0; k < lies[i].size; k++)
            bytes[lies[i].at + k] = (uint8_t)(lies[i].value >> (8 * k));
        digest_sha256(bytes, stage.size - 32, bytes + stage.size - 32);
        stage_check_refused(&stage, bytes, stage.size, lies[i].kind);
    }
    free(bytes);
    stage_tear_down(&stage);
}

TEST("a checkpoint of another network or optimizer is refused as such")
{
    static const char *const others[][2] = {
        {"conv2d out_channels=3 kernel_size=2 | flatten | linear out_features=3", "adam lr=0.01"},
        {"conv2d out_channels=2 kernel_size=2 | relu | flatten | linear out_features=3",
         "adam lr=0.01"},
        {stage_words, "sgd lr=0.01"},
        {stage_words, "sgd lr=0.01 momentum=0.9"},
    };
    struct stage stage;

    stage_set_up(&stage, stage_words, "adam lr=0.01");
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        struct stage other;
        struct checkpoint_view view;
        struct error error = {0};

        stage_set_up(&other, others[i][0], others[i][1]);
        CHECK(checkpoint_open(other.bytes, other.size, &view, &error));
        stage_check_refused(&stage, other.bytes, other.size, ERROR_INVALID);
        stage_tear_down(&other);
    }
    stage_tear_down(&stage);
}
