/* A run whose rate, schedule, optimizer or length changes on its way: exactly from the next step
 * on, and the same again from every checkpoint. */
#include "tests/harness.h"

#include "core/checkpoint.h"
#include "core/divergence.h"
#include "tests/core/support.h"
#include "tests/core/support_job.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char network[] = "flatten | linear out_features=6 | relu | linear out_features=3";

/* A run and the specs that it may go on with. */
struct stage {
    struct dataset *dataset;
    struct job jobs[3]; /* the first is the one it begins with */
    int count;
    struct trainer *trainer;
    size_t size;
};

static struct job_words words_of(const char *optimizer, const char *schedule, int64_t max_steps)
{
    return (struct job_words){.model = network,
                              .optimizer = optimizer,
                              .schedule = schedule,
                              .batch_size = 8,
                              .shuffle = true,
                              .max_steps = max_steps};
}

static void begin(struct stage *stage)
{
    trainer_free(stage->trainer);
    stage->trainer = job_trainer(&stage->jobs[0], 1, KERNELS_REFERENCE);
}

static void set_up(struct stage *stage, const struct job_words *words, int count)
{
    const struct data_shape shape = {{1, 5, 4, 0}, 3, 44, 12};

    *stage = (struct stage){.count = count};
    make_idx_dataset("set", &shape, 1);
    stage->dataset = open_dataset("set");
    for (int i = 0; i < count; i++)
        job_make(&stage->jobs[i], &words[i], stage->dataset);
    stage->size = checkpoint_size(&stage->jobs[0].plan);
    begin(stage);
}

static void tear_down(struct stage *stage)
{
    trainer_free(stage->trainer);
    for (int i = 0; i < stage->count; i++)
        job_drop(&stage->jobs[i]);
    dataset_release(stage->dataset);
}

static struct trainer_edit edit_to(const struct stage *stage, int job)
{
    return (struct trainer_edit){.spec = &stage->jobs[job].spec, .plan = &stage->jobs[job].plan};
}

static void edit(struct stage *stage, const struct trainer_edit *wanted)
{
    struct error error = {0};

    if (!trainer_edit(stage->trainer, wanted, &error))
        FAIL("%s", error.text);
}

static void run_to(struct stage *stage, int64_t until)
{
    while (trainer_steps_done(stage->trainer) < until)
        CHECK(step(stage->trainer).finite);
}

static uint8_t *saved(const struct stage *stage)
{
    uint8_t *bytes = malloc(stage->size);

    CHECK(bytes != NULL);
    trainer_save(stage->trainer, bytes);
    return bytes;
}

/* Weights and what the optimizer remembers. */
static bool same_numbers(const struct stage *stage, const uint8_t *one, const uint8_t *other)
{
    return memcmp(one + CHECKPOINT_HEADER, other + CHECKPOINT_HEADER,
                  stage->size - CHECKPOINT_HEADER - 32) == 0;
}

/* ---- from the next step on ---- */

/* A rate that a user halves after six steps, and a schedule that does. */
static void check_halved(const char *whole, const char *half)
{
    const struct job_words words[] = {words_of(whole, NULL, 14), words_of(half, NULL, 14)};
    const struct job_words scheduled =
        words_of(whole, "multistep milestones=6 gamma=0.5 unit=step", 14);
    struct stage stage, other;

    set_up(&stage, words, 2);
    set_up(&other, &scheduled, 1);
    struct trainer_edit wanted = edit_to(&stage, 1);
    wanted.lr = true;
    run_to(&stage, 6);
    edit(&stage, &wanted);
    while (!trainer_ended(stage.trainer))
        CHECK(step(stage.trainer).lr > 0);
    run_to(&other, 14);
    uint8_t *got = saved(&stage), *planned = saved(&other);
    if (!same_numbers(&stage, got, planned))
        FAIL("%s is another run when the user halves its rate than when a schedule does", whole);
    free(got);
    free(planned);
    tear_down(&stage);
    tear_down(&other);
}

TEST("a rate that is changed between two steps gives the same run as a schedule that changes it "
     "there, with every optimizer")
{
    check_halved("sgd lr=0.5 momentum=0.9", "sgd lr=0.25 momentum=0.9");
    check_halved("sgd lr=0.5 momentum=0.9 formulation=classic",
                 "sgd lr=0.25 momentum=0.9 formulation=classic");
    check_halved("adagrad lr=0.5 lr_decay=0.1", "adagrad lr=0.25 lr_decay=0.1");
    check_halved("rmsprop lr=0.03125", "rmsprop lr=0.015625");
    check_halved("adam lr=0.03125 weight_decay=0.1", "adam lr=0.015625 weight_decay=0.1");
    check_halved("adamw lr=0.03125", "adamw lr=0.015625");
    check_halved("nadam lr=0.03125", "nadam lr=0.015625");
    check_halved("adabound lr=0.03125 final_lr=0.5", "adabound lr=0.015625 final_lr=0.5");
}

TEST("weight decay and momentum change from the next step on, and no earlier one is another")
{
    const struct job_words words[] = {words_of("sgd lr=0.1 momentum=0.9", NULL, 8),
                                      words_of("sgd lr=0.1 momentum=0.9 weight_decay=0.5", NULL, 8),
                                      words_of("sgd lr=0.1 momentum=0.5", NULL, 8)};
    struct stage stage;
    double plain[8];

    set_up(&stage, words, 3);
    for (int i = 0; i < 8; i++)
        plain[i] = step(stage.trainer).train_loss;
    for (int other = 1; other < 3; other++) {
        const struct trainer_edit wanted = edit_to(&stage, other);
        begin(&stage);
        for (int i = 0; i < 8; i++) {
            double loss = step(stage.trainer).train_loss;
            /* The update of step 4 is the last one as before; step 6 sees that of step 5. */
            CHECK((loss == plain[i]) == (i < 5));
            if (i == 3)
                edit(&stage, &wanted);
        }
    }
    tear_down(&stage);
}

TEST("a run is refused another network, other batches, another optimizer or one that remembers "
     "something else, and stays what it was")
{
    static const char *const optimizers[] = {"adam", "sgd momentum=0.9",
                                             "sgd momentum=0.9 formulation=classic"};
    struct job_words words[] = {words_of("sgd", NULL, 8), words_of("sgd", NULL, 8)};
    struct error error = {0};
    struct stage stage;

    for (size_t i = 0; i < 5; i++) {
        words[1] = words_of(i < 3 ? optimizers[i] : "sgd", NULL, 8);
        if (i == 3)
            words[1].batch_size = 4;
        if (i == 4)
            words[1].model = "flatten | linear out_features=7 | relu | linear out_features=3";
        set_up(&stage, words, 2);
        run_to(&stage, 2);
        uint8_t *before = saved(&stage);
        const struct trainer_edit wanted = edit_to(&stage, 1);
        error = (struct error){0};
        CHECK(!trainer_edit(stage.trainer, &wanted, &error));
        CHECK_INT(error.kind, ERROR_INVALID);
        uint8_t *after = saved(&stage);
        CHECK(memcmp(before, after, stage.size) == 0);
        CHECK_INT(trainer_edits(stage.trainer), 0);
        free(before);
        free(after);
        tear_down(&stage);
    }
}

/* ---- length ---- */

TEST("a schedule over the whole run takes a new length as if it had had it from the beginning")
{
    static const char cosine[] = "cosine unit=step", cycle[] = "one_cycle max_lr=0.3 unit=step";
    const char *const schedules[] = {cosine, cycle};
    struct stage stage;

    for (size_t i = 0; i < COUNT_OF(schedules); i++) {
        const struct job_words words[] = {words_of("sgd lr=0.1", schedules[i], 10),
                                          words_of("sgd lr=0.1", schedules[i], 30),
                                          words_of("sgd lr=0.1", schedules[i], 20)};
        set_up(&stage, words, 3);
        for (int64_t at = 1; at <= 20; at++) {
            int job = at <= 4 ? 0 : at <= 12 ? 1 : 2;
            struct trainer_edit wanted = edit_to(&stage, job);
            if (at == 5 || at == 13)
                edit(&stage, &wanted);
            CHECK_INT(trainer_length(stage.trainer), stage.jobs[job].plan.steps);
            double wanted_lr = plan_lr(&stage.jobs[job].spec, &stage.jobs[job].plan, at);
            CHECK(trainer_next_lr(stage.trainer) == wanted_lr);
            struct step_report report = step(stage.trainer);
            CHECK(report.lr == wanted_lr);
            CHECK(report.ended == (at == 20));
        }
        CHECK(trainer_ended(stage.trainer));
        tear_down(&stage);
    }
}

TEST("a length that lies behind ends the run where it stands, and its checkpoint is one to load")
{
    const struct job_words words[] = {words_of("sgd lr=0.1", NULL, 10),
                                      words_of("sgd lr=0.1", NULL, 3),
                                      words_of("sgd lr=0.1", NULL, 12)};
    struct error error = {0};
    struct stage stage;

    set_up(&stage, words, 3);
    run_to(&stage, 5);
    struct trainer_edit wanted = edit_to(&stage, 1);
    edit(&stage, &wanted);
    CHECK(trainer_ended(stage.trainer));
    CHECK_INT(trainer_length(stage.trainer), 5);
    uint8_t *bytes = saved(&stage);
    begin(&stage);
    CHECK(trainer_suppose(stage.trainer, &wanted, 1, &error));
    CHECK(trainer_load(stage.trainer, bytes, stage.size, &error));
    CHECK(trainer_ended(stage.trainer));
    CHECK_INT(trainer_length(stage.trainer), 5);
    /* It can be made longer once more. */
    wanted = edit_to(&stage, 2);
    edit(&stage, &wanted);
    CHECK(!trainer_ended(stage.trainer));
    run_to(&stage, 12);
    CHECK(trainer_ended(stage.trainer));
    free(bytes);
    tear_down(&stage);
}

/* ---- what evaluations have found ---- */

static void observe(struct stage *stage, double loss)
{
    const struct observation found = {{loss, NAN, loss, NAN}};

    (void)trainer_observe(stage->trainer, &found);
}

TEST("a plateau keeps its reduced rate under other options and loses it under another metric or "
     "schedule, and a rate that is named counts")
{
    static const char plateau[] = "reduce_on_plateau factor=0.5 patience=0";
    const struct job_words words[] = {
        words_of("sgd lr=0.1", plateau, 40),
        words_of("sgd lr=0.1", "reduce_on_plateau factor=0.1 patience=0", 40),
        words_of("sgd lr=0.1", "reduce_on_plateau factor=0.5 patience=0 metric=train_loss", 40)};
    struct stage stage;

    set_up(&stage, words, 3);
    for (int i = 0; i < 3; i++) {
        run_to(&stage, i + 1);
        observe(&stage, 1);
    }
    CHECK(trainer_next_lr(stage.trainer) == 0.025);
    struct trainer_edit wanted = edit_to(&stage, 1);
    wanted.schedule = true;
    edit(&stage, &wanted);
    CHECK(trainer_next_lr(stage.trainer) == 0.025);
    run_to(&stage, 4);
    observe(&stage, 1); /* no better than the best before the edit */
    CHECK_NEAR(trainer_next_lr(stage.trainer), 0.0025, 1e-12);
    wanted.schedule = false;
    wanted.lr = true;
    edit(&stage, &wanted);
    CHECK(trainer_next_lr(stage.trainer) == 0.1);
    run_to(&stage, 5);
    observe(&stage, 1);
    CHECK_NEAR(trainer_next_lr(stage.trainer), 0.01, 1e-12);
    wanted = edit_to(&stage, 2);
    edit(&stage, &wanted);
    CHECK(trainer_next_lr(stage.trainer) == 0.1);
    run_to(&stage, 6);
    observe(&stage, 7); /* the first of its kind is the best so far */
    CHECK(trainer_next_lr(stage.trainer) == 0.1);
    tear_down(&stage);
}

TEST("what returns have made of the rate is over when a rate or a schedule is named, and not when "
     "a length is")
{
    const struct job_words words[] = {words_of("sgd lr=0.1", NULL, 10),
                                      words_of("sgd lr=0.1", NULL, 20)};
    struct error error = {0};
    struct stage stage;

    set_up(&stage, words, 2);
    for (int i = 0; i < 2; i++)
        variant_from_words(&stage.jobs[i].spec.arena, &divergence_kinds, "rollback",
                           &stage.jobs[i].spec.on_divergence);
    CHECK(trainer_return(stage.trainer, NULL, 0, &error));
    CHECK(trainer_next_lr(stage.trainer) == 0.05);
    struct trainer_edit wanted = edit_to(&stage, 1);
    edit(&stage, &wanted);
    CHECK(trainer_next_lr(stage.trainer) == 0.05);
    wanted.schedule = true;
    edit(&stage, &wanted);
    CHECK(trainer_next_lr(stage.trainer) == 0.1);
    CHECK_INT(trainer_retries(stage.trainer), 1);
    /* The next return counts from there. */
    CHECK(trainer_return(stage.trainer, NULL, 0, &error));
    CHECK(trainer_next_lr(stage.trainer) == 0.05);
    CHECK_INT(trainer_edits(stage.trainer), 2);
    tear_down(&stage);
}

/* ---- checkpoints ---- */

/* At which step which job's spec is taken, by a user who edits twice. */
static void run_edited(struct stage *stage, int64_t until)
{
    while (trainer_steps_done(stage->trainer) <= until) {
        int64_t at = trainer_steps_done(stage->trainer);
        struct trainer_edit wanted = edit_to(stage, at < 9 ? 1 : 2);
        bool due = (at >= 4 && trainer_edits(stage->trainer) == 0) ||
                   (at >= 9 && trainer_edits(stage->trainer) == 1);
        wanted.lr = true;
        if (due)
            edit(stage, &wanted);
        if (at == until || trainer_ended(stage->trainer))
            return;
        (void)step(stage->trainer);
        if (at % 2 == 1)
            observe(stage, 1 + 0.25 * (double)(at * 7 % 5));
    }
}

TEST("an edited run goes on from a checkpoint of any step, taken before or after an edit of that "
     "step, bit for bit")
{
    const struct job_words words[] = {
        words_of("adam lr=0.01", "reduce_on_plateau factor=0.5 patience=0", 16),
        words_of("adam lr=0.02 weight_decay=0.1", "reduce_on_plateau factor=0.5 patience=1", 18),
        words_of("adam lr=0.03", "cosine unit=step", 20)};
    struct error error = {0};
    struct stage stage;

    set_up(&stage, words, 3);
    run_edited(&stage, 20);
    CHECK_INT(trainer_steps_done(stage.trainer), 20);
    uint8_t *whole = saved(&stage);
    for (int64_t k = 0; k <= 20; k++)
        for (int before = 0; before < 2; before++) {
            begin(&stage);
            run_edited(&stage, k - before);
            if (before && k > 0) { /* its last step, without what is due behind it */
                (void)step(stage.trainer);
                if (k % 2 == 0)
                    observe(&stage, 1 + 0.25 * (double)((k - 1) * 7 % 5));
            }
            uint8_t *bytes = saved(&stage);
            int64_t edits = trainer_edits(stage.trainer);
            begin(&stage);
            struct trainer_edit wanted = edit_to(&stage, (int)edits);
            if (edits > 0) {
                CHECK(!trainer_load(stage.trainer, bytes, stage.size, &error));
                CHECK_INT(error.kind, ERROR_INVALID);
                error = (struct error){0};
            }
            CHECK_INT(checkpoint_edits(bytes, stage.size), edits);
            CHECK(trainer_suppose(stage.trainer, &wanted, edits, &error));
            CHECK(trainer_load(stage.trainer, bytes, stage.size, &error));
            run_edited(&stage, 20);
            uint8_t *end = saved(&stage);
            CHECK(memcmp(end, whole, stage.size) == 0);
            free(bytes);
            free(end);
        }
    free(whole);
    tear_down(&stage);
}
