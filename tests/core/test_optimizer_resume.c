/* Every optimizer of the table through a checkpoint: what it continues from is what it was, to the
 * bit, and another's state is not taken for its own. */
#include "tests/harness.h"

#include "core/checkpoint.h"
#include "core/optimizer.h"
#include "tests/core/support.h"
#include "tests/core/support_job.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS = 300 };

/* The optimizer with every switch the other way, the last of every choice, and a number other than
 * zero where zero leaves something out: options that need state come alive, of rows to come too. */
static void all_options(const struct kind *kind, char words[WORDS])
{
    size_t at = (size_t)snprintf(words, WORDS, "%s", kind->name);

    for (size_t i = 0; i < kind->options.count; i++) {
        const struct field *field = &kind->options.rows[i];
        char value[32] = "";

        if (field->type == FIELD_BOOL)
            snprintf(value, sizeof(value), "%s", field->fallback != 0 ? "false" : "true");
        else if (field->type == FIELD_REAL && field->fallback == 0 &&
                 strcmp(field->name, "dampening") != 0)
            snprintf(value, sizeof(value), "0.1");
        for (int k = 0; field->type == FIELD_CHOICE && field->choices[k] != NULL; k++)
            snprintf(value, sizeof(value), "%s", field->choices[k]);
        if (value[0] != '\0')
            at += (size_t)snprintf(words + at, WORDS - at, " %s=%s", field->name, value);
        CHECK(at < WORDS);
    }
}

struct stage {
    struct dataset *dataset;
    struct job job;
    size_t size;
};

static void set_up(struct stage *stage, const char *optimizer)
{
    const struct data_shape shape = {{1, 5, 4, 0}, 3, 40, 0};
    const struct job_words words = {
        .model = "conv2d out_channels=3 kernel_size=2 | relu | flatten | linear out_features=3",
        .optimizer = optimizer,
        .schedule = "cosine unit=step",
        .shuffle = true,
        .batch_size = 8,
        .epochs = 2};

    make_idx_dataset("set", &shape, 1);
    stage->dataset = open_dataset("set");
    job_make(&stage->job, &words, stage->dataset);
    stage->size = checkpoint_size(&stage->job.plan);
}

static void tear_down(struct stage *stage)
{
    job_drop(&stage->job);
    dataset_release(stage->dataset);
}

static struct trainer *trainer_after(const struct stage *stage, int64_t steps)
{
    struct trainer *trainer = job_trainer(&stage->job, 1, KERNELS_REFERENCE);

    for (int64_t i = 0; i < steps; i++)
        CHECK(step(trainer).finite);
    return trainer;
}

static uint8_t *save(const struct stage *stage, const struct trainer *trainer)
{
    uint8_t *bytes = malloc(stage->size);

    CHECK(bytes != NULL);
    trainer_save(trainer, bytes);
    return bytes;
}

/* A trainer that was elsewhere continues from the bytes and ends with the whole state `wanted`. */
static void check_rest(const struct stage *stage, const uint8_t *bytes, const uint8_t *wanted,
                       int64_t elsewhere)
{
    struct trainer *trainer = trainer_after(stage, elsewhere);
    struct error error = {0};
    uint8_t *end;

    if (!trainer_load(trainer, bytes, stage->size, &error))
        FAIL("%s", error.text);
    while (!trainer_ended(trainer))
        step(trainer);
    end = save(stage, trainer);
    CHECK(memcmp(end, wanted, stage->size) == 0);
    free(end);
    trainer_free(trainer);
}

static void check_resume(const char *optimizer)
{
    struct stage stage;
    struct trainer *trainer;
    uint8_t *whole;

    set_up(&stage, optimizer);
    trainer = trainer_after(&stage, stage.job.plan.steps);
    whole = save(&stage, trainer);
    trainer_free(trainer);
    for (int64_t k = 0; k <= stage.job.plan.steps; k++) {
        uint8_t *bytes;

        trainer = trainer_after(&stage, k);
        bytes = save(&stage, trainer);
        trainer_free(trainer);
        check_rest(&stage, bytes, whole, 0);
        check_rest(&stage, bytes, whole, 4);
        free(bytes);
    }
    free(whole);
    tear_down(&stage);
}

TEST_SLOW("every optimizer goes on from a checkpoint of any step as the straight run, bit for bit",
          120)
{
    for (size_t i = 0; i < optimizer_kinds.count; i++)
        check_resume(optimizer_kinds.rows[i]->name);
}

TEST_SLOW("so does every optimizer with all of its options in use", 120)
{
    for (size_t i = 0; i < optimizer_kinds.count; i++) {
        char words[WORDS];

        all_options(optimizer_kinds.rows[i], words);
        check_resume(words);
    }
}

TEST("a trainer begins with the state that the options say")
{
    struct stage stage;
    struct trainer *trainer;
    struct checkpoint_view view;
    struct error error = {0};
    uint8_t *bytes;

    set_up(&stage, "adagrad initial_accumulator_value=0.25");
    trainer = trainer_after(&stage, 0);
    bytes = save(&stage, trainer);
    CHECK(checkpoint_open(bytes, stage.size, &view, &error));
    CHECK_INT(view.optimizer_slots, 1);
    for (int64_t i = 0; i < view.parameter_count; i++)
        CHECK(view.optimizer_state[i] == 0.25F);
    free(bytes);
    trainer_free(trainer);
    tear_down(&stage);
}

/* Whether a trainer of optimizer `to` takes a checkpoint of `from`. */
static bool takes(const char *from, const char *to)
{
    struct stage first, second;
    struct trainer *trainer;
    struct error error = {0};
    uint8_t *bytes;
    bool taken;

    set_up(&first, from);
    trainer = trainer_after(&first, 2);
    bytes = save(&first, trainer);
    trainer_free(trainer);
    set_up(&second, to);
    trainer = trainer_after(&second, 0);
    taken = trainer_load(trainer, bytes, first.size, &error);
    if (!taken)
        CHECK_TEXT(error_kind_name(error.kind), error_kind_name(ERROR_INVALID));
    free(bytes);
    trainer_free(trainer);
    tear_down(&first);
    tear_down(&second);
    return taken;
}

TEST("state of as many numbers that mean something else is refused, and the same with other rates "
     "is not")
{
    CHECK(!takes("sgd momentum=0.9", "sgd momentum=0.9 formulation=classic"));
    CHECK(!takes("sgd momentum=0.9 formulation=classic", "sgd momentum=0.9"));
    CHECK(!takes("rmsprop momentum=0.9", "rmsprop centered=true"));
    CHECK(!takes("rmsprop centered=true", "rmsprop momentum=0.9"));
    CHECK(!takes("adam", "adamw"));
    CHECK(!takes("adam amsgrad=true", "adam"));
    CHECK(takes("sgd", "sgd formulation=classic"));
    CHECK(takes("sgd momentum=0.9", "sgd momentum=0.5 nesterov=true lr=0.3"));
    CHECK(takes("rmsprop momentum=0.9 centered=true", "rmsprop momentum=0.5 centered=true"));
    CHECK(takes("adam", "adam bias_correction=false"));
}
