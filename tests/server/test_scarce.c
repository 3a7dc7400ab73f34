/* Tests of what happens when memory runs out: each allocation of a whole training run and of the
 * store's calls is refused in turn, then all behind it too. Under AddressSanitizer what is lost on
 * the way is a failure as well. */
#include "tests/scarce.h"

#include "core/checkpoint.h"
#include "core/trainer.h"
#include "server/spec_json.h"
#include "server/store_control.h"
#include "server/store_list.h"
#include "server/store_network.h"
#include "server/store_weights.h"
#include "tests/harness.h"
#include "tests/server/workshop.h"

#include <stdlib.h>
#include <string.h>

/* ---- training ---- */

struct course {
    json_t *job; /* parsed: jansson may lose a letter of a text when it has no memory */
    enum kernel_choice kernels;
    int threads;
};

static bool train_with(const struct trainer_setup *setup, struct error *error)
{
    struct trainer *trainer = NULL;
    struct step_report report;
    struct evaluation evaluation;
    uint8_t *bytes = NULL;
    bool good = trainer_new(setup, &trainer, error);

    for (int i = 0; i < 2 && good; i++)
        good = trainer_step(trainer, &report, error);
    if (good) {
        trainer_evaluation_begin(trainer, SPLIT_TEST, &evaluation);
        while (!evaluation.done)
            trainer_evaluate_batch(trainer, &evaluation);
        bytes = malloc(checkpoint_size(setup->plan));
        good = bytes || error_set(error, ERROR_MEMORY, "", "no memory for the checkpoint");
    }
    if (good) {
        trainer_save(trainer, bytes);
        good = trainer_load(trainer, bytes, checkpoint_size(setup->plan), error) &&
               trainer_step(trainer, &report, error);
    }
    free(bytes);
    trainer_free(trainer);
    return good;
}

static bool train_on(const struct spec *spec, struct dataset *dataset, const struct course *course,
                     struct error *error)
{
    static struct problems problems;
    struct plan plan = {0};

    problems = (struct problems){0};
    bool good = plan_make(spec, dataset_shape(dataset), &plan, &problems, NULL, error);
    if (good) {
        CHECK(problems.count == 0);
        const struct trainer_setup setup = {spec, &plan, dataset, course->threads, course->kernels,
                                            NULL};
        good = train_with(&setup, error);
    }
    plan_drop(&plan);
    return good;
}

/* From a job's JSON to its third step. */
static bool train(void *context, struct error *error)
{
    const struct course *course = context;
    static struct problems problems;
    struct job_meta meta;
    struct spec spec = {0};
    struct dataset *dataset = NULL;

    problems = (struct problems){0};
    bool good = spec_from_json(course->job, &spec, &meta, &problems, error) &&
                problems.count == 0 && dataset_open("tiny", &dataset, error) &&
                spec_settle(&spec, dataset_shape(dataset), NULL, error) &&
                train_on(&spec, dataset, course, error);
    if (problems.count > 0)
        FAIL("%s: %s", problems.items[0].pointer, problems.items[0].detail);
    dataset_release(dataset);
    spec_drop(&spec);
    return good;
}

static void starve_training(const char *model, const char *rest, enum kernel_choice kernels)
{
    char text[4096];
    static struct problems problems;
    struct error error = {0};
    struct course course = {NULL, kernels, 2};
    const struct scarce_rules rules = {.least = 50};

    snprintf(text, sizeof(text),
             "{\"dataset\": {\"name\": \"tiny\"}, \"batch_size\": 8, \"epochs\": 2, \"seed\": 1,"
             " \"model\": [%s], %s}",
             model, rest);
    tiny_dataset("tiny");
    scarce_libraries();
    CHECK(json_parse_strict(text, strlen(text), &course.job, &problems, &error));
    scarce_sweep(train, &course, &rules);
    json_decref(course.job);
}

static const char plain_net[] =
    "{\"type\": \"conv2d\", \"out_channels\": 4, \"kernel_size\": 3}, {\"type\": \"batch_norm2d\"},"
    " \"relu\", {\"type\": \"max_pool2d\", \"kernel_size\": 2}, \"flatten\","
    " {\"type\": \"dropout\", \"p\": 0.5}, {\"type\": \"linear\", \"out_features\": 4}";

static const char nested_net[] =
    "{\"type\": \"residual\", \"body\": [{\"type\": \"conv2d\", \"out_channels\": 1,"
    " \"kernel_size\": 3, \"padding\": 1}]}, {\"type\": \"concat\", \"branches\": [[\"tanh\"],"
    " [{\"type\": \"locally_connected2d\", \"out_channels\": 2, \"kernel_size\": 3,"
    " \"padding\": 1}]]}, {\"type\": \"adaptive_avg_pool2d\", \"output_size\": 2}, \"flatten\","
    " {\"type\": \"linear\", \"out_features\": 4}";

static const char with_adam[] =
    "\"optimizer\": \"adam\", \"lr_schedule\": {\"type\": \"one_cycle\", \"max_lr\": 0.1}";
static const char with_much[] =
    "\"optimizer\": {\"type\": \"adabound\"}, \"lr_schedule\": {\"type\": \"reduce_on_plateau\"},"
    " \"clip_grad_norm\": 1, \"early_stopping\": {\"patience\": 3, \"metric\": \"train_loss\"}";

TEST_SLOW("whichever allocation of a training run fails, it says so and gives all back", 120)
{
    starve_training(plain_net, with_adam, KERNELS_BEST);
}

TEST_SLOW("… and with our own kernels", 120)
{
    starve_training(plain_net, with_adam, KERNELS_PORTABLE);
}

TEST_SLOW("… with networks inside networks, and all that looks at a run", 120)
{
    starve_training(nested_net, with_much, KERNELS_REFERENCE);
}

/* ---- the store ---- */

struct story {
    struct job_row job;
    struct edit_new edit;
};

static bool begin(struct db *db, void *context, struct error *error)
{
    struct story *story = context;
    const struct job_new job = {.meta = "{\"labels\":{\"a\":\"b\"}}", .spec = "{}", .plan = "{}"};

    return store_job_add(db, &job, &story->job, error) &&
           store_repeat_put(db, story->job.id, "0000", story->job.number, error) &&
           store_job_data_put(db, story->job.number, "{}", error);
}

static bool claim(struct db *db, void *context, struct error *error)
{
    struct story *story = context;

    (void)context;
    job_row_drop(&story->job);
    return store_job_claim(db, &story->job, error);
}

static bool work(struct db *db, void *context, struct error *error)
{
    int64_t job = ((struct story *)context)->job.number;
    struct metric_row rows[600];

    for (int i = 0; i < 600; i++)
        rows[i] = (struct metric_row){i % 2 ? "train_loss" : "lr", 1 + i / 2, i * 0.5, 1000 + i};
    return store_metrics_add(db, job, rows, 600, error) &&
           store_event_add(db, job, "evaluation", 300, "{}", error) &&
           store_job_progress(db, job, "{}", error);
}

static bool change(struct db *db, void *context, struct error *error)
{
    int64_t job = ((struct story *)context)->job.number;
    const struct edit_new edit = {job, "{\"lr\":1}", "{}", "{}", 10, 1};
    const struct job_naming naming = {job, "{\"name\":\"another\"}", 5, "{}"};
    struct edit_list list = {0};
    bool good =
        store_edit_add(db, &edit, error) && store_edit_list(db, job, EDITS_WAITING, &list, error);

    if (good) {
        const struct edit_taken taken = {list.rows[0].number, job, 300, 0, "{}"};
        good = store_edit_take(db, &taken, error) && store_job_name(db, &naming, error);
    }
    edit_list_drop(&list);
    return good;
}

static bool leave(struct db *db, void *context, struct error *error)
{
    struct story *story = context;
    const struct job_move move = {story->job.number, JOB_RUNNING, JOB_SUCCEEDED, NULL};

    return store_job_move(db, &move, error) && store_job_delete(db, story->job.number, error);
}

static bool keep(struct db *db, void *context, struct error *error)
{
    struct weights_row weights = {.name = "w", .file = "f", .sha256 = "0", .bytes = 1};

    (void)context;
    return store_dataset_put(db, "set", "/nowhere", "{}", error) &&
           store_weights_put(db, &weights, error) && store_weights_delete(db, "w", error);
}

static bool take_any(void *context, const struct metric_row *row)
{
    (void)context;
    (void)row;
    return true;
}

static bool take_event(void *context, const struct event_row *row)
{
    (void)context;
    (void)row;
    return true;
}

static bool look_at_job(struct db *db, int64_t job, struct error *error)
{
    const struct metric_query query = {.job = job};
    const struct event_query events = {.job = job, .limit = 100};
    struct metric_summary summary[4];
    struct job_row row = {0};
    int count;
    bool good = store_job_get_number(db, job, &row, error) &&
                store_metrics_read(db, &query, take_any, NULL, error) &&
                store_metrics_summary(db, job, summary, 4, &count, error) &&
                store_events_read(db, &events, take_event, NULL, error);

    job_row_drop(&row);
    return good;
}

static bool look_at_checkpoints(struct db *db, int64_t job, struct error *error)
{
    struct checkpoint_row *rows = NULL;
    int count = 0;
    bool good = store_checkpoint_list(db, job, &rows, &count, error);

    for (int i = 0; i < count; i++)
        checkpoint_row_drop(&rows[i]);
    free(rows);
    return good;
}

static bool look_at_lists(struct db *db, struct error *error)
{
    const struct job_query query = {.name = "no", .order = ORDER_NAME, .limit = 10};
    struct job_page *page = calloc(1, sizeof(*page));
    struct dataset_row *sets = NULL;
    int count = 0;
    bool good = page || error_set(error, ERROR_MEMORY, "", "no memory for a page");

    if (good) {
        good = store_job_list(db, &query, page, error);
        if (good)
            job_page_drop(page);
    }
    good = good && store_dataset_list(db, &sets, &count, error);
    for (int i = 0; i < count; i++)
        dataset_row_drop(&sets[i]);
    free(sets);
    free(page);
    return good;
}

static bool look(struct store *store, int64_t job, struct error *error)
{
    struct db *db = NULL;
    bool good = store_reader(store, &db, error) && look_at_job(db, job, error) &&
                look_at_checkpoints(db, job, error) && look_at_lists(db, error);

    db_close(db);
    return good;
}

static bool tell(struct store *store, struct error *error)
{
    static const uint8_t bytes[5000];
    struct story story = {.job = {.number = 0}};
    bool good =
        store_write(store, begin, &story, error) && store_write(store, claim, &story, error) &&
        store_write(store, work, &story, error) && store_write(store, change, &story, error) &&
        store_write(store, keep, &story, error);

    if (good) {
        const struct checkpoint_new checkpoint = {.job = story.job.number,
                                                  .step = 300,
                                                  .bytes = bytes,
                                                  .size = sizeof(bytes),
                                                  .score = 1,
                                                  .keep_last = 1,
                                                  .keep_best = 1};
        good = store_checkpoint_add(store, &checkpoint, error) &&
               look(store, story.job.number, error) && store_write(store, leave, &story, error);
    }
    job_row_drop(&story.job);
    return good;
}

/* A daemon's life in short: the jobs that earlier lives left behind are claimed too. */
static bool keep_store(void *context, struct error *error)
{
    struct store *store = NULL;
    struct error at_the_end = {0};
    bool good = store_open(context, &store, error);

    if (!good)
        return false;
    good = tell(store, error);
    return store_finish(store, good ? error : &at_the_end) && good;
}

static void check_store(void *context, long at)
{
    struct store *store = NULL;
    struct error error = {0};

    if (at % 97 != 0)
        return;
    if (!store_open(context, &store, &error))
        FAIL("after allocation %ld: %s: %s", at, error.where, error.text);
    CHECK(store_checked(store));
    store_close(store);
}

TEST_SLOW("whichever allocation of the store fails, it says so, and the file stays whole", 240)
{
    const struct scarce_rules rules = {
        .least = 500, .stride = 29, .may_do = true, .after = check_store};

    scarce_libraries();
    scarce_sweep(keep_store, "data", &rules);
}
