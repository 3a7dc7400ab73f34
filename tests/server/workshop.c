/* Workshop: see workshop.h. */
#include "tests/server/workshop.h"

#include "server/spec_json.h"
#include "tests/core/support.h"
#include "tests/harness.h"

#include <jansson.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void nap(void)
{
    struct timespec moment = {.tv_nsec = 2 * 1000 * 1000};
    (void)nanosleep(&moment, NULL);
}

void tiny_dataset(const char *path)
{
    const struct data_shape shape = {
        .sample = {.channels = 1, .height = 10, .width = 10},
        .classes = 4,
        .train_samples = TINY_TRAIN,
        .test_samples = TINY_TEST,
    };
    make_idx_dataset(path, &shape, 7);
}

char *tiny_spec(const char *extra)
{
    char *text = NULL;
    int length = asprintf(
        &text,
        "{\"dataset\": {\"name\": \"tiny\"}, \"model\": ["
        "{\"type\": \"conv2d\", \"out_channels\": 4, \"kernel_size\": 3}, {\"type\": \"relu\"},"
        "{\"type\": \"max_pool2d\", \"kernel_size\": 2}, {\"type\": \"flatten\"},"
        "{\"type\": \"linear\", \"out_features\": 4}],"
        "\"optimizer\": {\"type\": \"adam\", \"lr\": 0.002}, \"batch_size\": %d%s%s}",
        TINY_BATCH, extra[0] != '\0' ? ", " : "", extra);
    CHECK(length > 0);
    return text;
}

void workshop_open(struct workshop *shop, const char *dir)
{
    struct error error = {0};
    char path[512];
    *shop = (struct workshop){.log = {.level = LOG_ERROR}};
    memory_init(&shop->memory, INT64_MAX);
    (void)snprintf(path, sizeof(path), "%s/tiny", test_dir());
    if (access(path, F_OK) != 0)
        tiny_dataset(path);
    if (!store_open(dir, &shop->store, &error) ||
        !catalog_new(shop->store, &shop->catalog, &error) ||
        !catalog_register(shop->catalog, "tiny", path, &error) ||
        !store_reader(shop->store, &shop->db, &error))
        FAIL("%s: %s", error.where, error.text);
    shop->world = (struct runner_world){.store = shop->store,
                                        .catalog = shop->catalog,
                                        .log = &shop->log,
                                        .threads = {1, 8},
                                        .kernels = KERNELS_REFERENCE};
}

void workshop_work(struct workshop *shop, int workers)
{
    struct error error = {0};
    struct pool_setup setup = {
        .store = shop->store, .world = &shop->world, .memory = &shop->memory, .workers = workers};
    if (!pool_new(&setup, &shop->pool, &error) || !pool_start(shop->pool, &error))
        FAIL("%s: %s", error.where, error.text);
}

void workshop_rest(struct workshop *shop)
{
    if (!shop->pool)
        return;
    pool_stop(shop->pool);
    pool_free(shop->pool);
    shop->pool = NULL;
}

void workshop_close(struct workshop *shop)
{
    workshop_rest(shop);
    db_close(shop->db);
    catalog_free(shop->catalog);
    store_close(shop->store);
    memory_drop(&shop->memory);
}

/* ---- submitting ---- */

struct submission {
    struct job_new job;
    int64_t number;
};

static bool submit_work(struct db *db, void *context, struct error *error)
{
    struct submission *submission = context;
    struct job_row row = {0};
    if (!store_job_add(db, &submission->job, &row, error))
        return false;
    submission->number = row.number;
    job_row_drop(&row);
    return true;
}

int64_t workshop_submit_raw(struct workshop *shop, const char *spec)
{
    struct error error = {0};
    struct submission submission = {.job = {.meta = "{}", .spec = spec, .plan = "{}"}};
    if (!store_write(shop->store, submit_work, &submission, &error))
        FAIL("%s: %s", error.where, error.text);
    if (shop->pool)
        pool_wake(shop->pool);
    return submission.number;
}

int64_t workshop_submit(struct workshop *shop, const char *text)
{
    struct error error = {0};
    struct problems *problems = calloc(1, sizeof(*problems));
    struct spec spec;
    struct job_meta meta;
    json_t *json = json_loads(text, 0, NULL);
    CHECK(problems && json);
    if (!spec_from_json(json, &spec, &meta, problems, &error) || problems->count > 0)
        FAIL("%s %s %s", error.text, problems->items[0].pointer, problems->items[0].detail);
    json_t *written = spec_to_json(&spec);
    char *stored = written ? json_dumps(written, JSON_COMPACT) : NULL;
    CHECK(stored);
    int64_t number = workshop_submit_raw(shop, stored);
    free(stored);
    json_decref(written);
    json_decref(json);
    spec_drop(&spec);
    free(problems);
    return number;
}

int64_t submit_tiny(struct workshop *shop, const char *extra)
{
    char *spec = tiny_spec(extra);
    int64_t job = workshop_submit(shop, spec);
    free(spec);
    return job;
}

struct cancellation {
    struct workshop *shop;
    int64_t job;
};

static bool cancel_work(struct db *db, void *context, struct error *error)
{
    const struct cancellation *cancellation = context;
    struct job_move move = {.number = cancellation->job, .from = JOB_QUEUED, .to = JOB_CANCELLED};
    struct error conflict = {0};
    if (store_job_move(db, &move, &conflict))
        return true;
    move.from = JOB_RUNNING;
    move.to = JOB_CANCELLING;
    if (!store_job_move(db, &move, error))
        return false;
    if (cancellation->shop->pool)
        pool_tell(cancellation->shop->pool, cancellation->job);
    return true;
}

void workshop_cancel(struct workshop *shop, int64_t job)
{
    struct cancellation cancellation = {.shop = shop, .job = job};
    struct error error = {0};
    if (!store_write(shop->store, cancel_work, &cancellation, &error))
        FAIL("%s: %s", error.where, error.text);
}

/* ---- looking ---- */

static void job_get(struct db *db, int64_t job, struct job_row *out)
{
    struct error error = {0};
    if (!store_job_get_number(db, job, out, &error))
        FAIL("%s: %s", error.where, error.text);
}

enum job_state workshop_state(struct db *db, int64_t job)
{
    struct job_row row = {0};
    job_get(db, job, &row);
    enum job_state state = row.state;
    job_row_drop(&row);
    return state;
}

void check_state(struct db *db, int64_t job, enum job_state state, const char *reason)
{
    struct job_row row = {0};
    job_get(db, job, &row);
    if (row.state != state)
        FAIL("the job is %s (%s) and not %s", job_state_name(row.state),
             row.reason ? row.reason : "no reason", job_state_name(state));
    if (reason && (!row.reason || !strstr(row.reason, reason)))
        FAIL("the reason is '%s' and does not say '%s'", row.reason ? row.reason : "", reason);
    if (!reason && row.reason)
        FAIL("there is a reason: %s", row.reason);
    job_row_drop(&row);
}

void workshop_wait_end(struct workshop *shop, int64_t job)
{
    while (!job_state_ended(workshop_state(shop->db, job)))
        nap();
}

void workshop_wait_step(struct workshop *shop, int64_t job, int64_t step)
{
    while (count_series(shop->db, job, "train_loss").last < step) {
        if (job_state_ended(workshop_state(shop->db, job)))
            FAIL("the job ended before step %lld", (long long)step);
        nap();
    }
}

static bool count_row(void *context, const struct metric_row *row)
{
    struct series_count *count = context;
    count->rows++;
    count->last = row->step;
    return true;
}

struct series_count count_series(struct db *db, int64_t job, const char *series)
{
    const char *const names[] = {series, NULL};
    struct metric_query query = {.job = job, .names = names, .from = 1};
    struct series_count count = {0};
    struct error error = {0};
    if (!store_metrics_read(db, &query, count_row, &count, &error))
        FAIL("%s: %s", error.where, error.text);
    return count;
}

struct event_count {
    const char *name;
    int64_t count, newest;
};

static bool count_event(void *context, const struct event_row *row)
{
    struct event_count *count = context;
    count->count += strcmp(row->name, count->name) == 0;
    count->newest = row->number;
    return true;
}

int64_t count_events(struct db *db, int64_t job, const char *name)
{
    struct event_count count = {.name = name};
    struct error error = {0};
    for (int64_t after = -1; after != count.newest;) {
        after = count.newest;
        if (!store_events_read(db, &(struct event_query){job, after, 500}, count_event, &count,
                               &error))
            FAIL("%s: %s", error.where, error.text);
    }
    return count.count;
}

static bool take_value(void *context, const struct metric_row *row)
{
    *(double *)context = row->value;
    return true;
}

double value_at(struct db *db, int64_t job, const char *series, int64_t step)
{
    const char *const names[] = {series, NULL};
    struct metric_query query = {.job = job, .names = names, .from = step, .to = step};
    double value = NAN;
    CHECK(store_metrics_read(db, &query, take_value, &value, NULL));
    return value;
}

struct event_hunt {
    const char *name, *part;
    int64_t count;
};

static bool hunt_event(void *context, const struct event_row *row)
{
    struct event_hunt *hunt = context;
    hunt->count += strcmp(row->name, hunt->name) == 0 && strstr(row->data, hunt->part) != NULL;
    return true;
}

int64_t events_with(struct db *db, int64_t job, const char *name, const char *part)
{
    struct event_hunt hunt = {.name = name, .part = part};
    const struct event_query query = {.job = job, .limit = 100000};
    CHECK(store_events_read(db, &query, hunt_event, &hunt, NULL));
    return hunt.count;
}

int64_t newest_step(struct db *db, int64_t job)
{
    struct checkpoint_row row = {0};
    CHECK(store_checkpoint_find(db, job, CHECKPOINT_NEWEST, &row, NULL));
    int64_t step = row.step;
    checkpoint_row_drop(&row);
    return step;
}

/* ---- comparing ---- */

struct curve {
    struct curve_point {
        char series[16];
        int64_t step;
        double value;
    } * points;
    size_t count, room;
};

static bool curve_row(void *context, const struct metric_row *row)
{
    struct curve *curve = context;
    if (curve->count == curve->room) {
        curve->room = curve->room * 2 + 1024;
        curve->points = realloc(curve->points, curve->room * sizeof(*curve->points));
        CHECK(curve->points);
    }
    struct curve_point *point = &curve->points[curve->count++];
    *point = (struct curve_point){.step = row->step, .value = row->value};
    (void)snprintf(point->series, sizeof(point->series), "%s", row->series);
    return true;
}

static struct curve curve_read(struct db *db, int64_t job)
{
    struct curve curve = {0};
    struct metric_query query = {.job = job, .from = 1};
    struct error error = {0};
    if (!store_metrics_read(db, &query, curve_row, &curve, &error))
        FAIL("%s: %s", error.where, error.text);
    return curve;
}

static void check_contiguous(const struct curve *curve)
{
    int64_t step = 0;
    for (size_t i = 0; i < curve->count; i++) {
        if (strcmp(curve->points[i].series, "train_loss") == 0)
            CHECK_INT(curve->points[i].step, ++step);
    }
    CHECK(step > 0);
}

static void check_same_checkpoint(struct db *one, int64_t a, struct db *other, int64_t b)
{
    struct checkpoint_row rows[2] = {{0}, {0}};
    struct error error = {0};
    if (!store_checkpoint_find(one, a, CHECKPOINT_NEWEST, &rows[0], &error) ||
        !store_checkpoint_find(other, b, CHECKPOINT_NEWEST, &rows[1], &error))
        FAIL("%s: %s", error.where, error.text);
    CHECK_INT(rows[0].step, rows[1].step);
    CHECK_TEXT(rows[0].sha256, rows[1].sha256);
    for (int i = 0; i < 2; i++)
        checkpoint_row_drop(&rows[i]);
}

void check_same_run(struct db *one, int64_t a, struct db *other, int64_t b)
{
    struct curve left = curve_read(one, a), right = curve_read(other, b);
    check_contiguous(&left);
    CHECK_INT((int64_t)left.count, (int64_t)right.count);
    for (size_t i = 0; i < left.count; i++) {
        const struct curve_point *x = &left.points[i], *y = &right.points[i];
        CHECK_TEXT(x->series, y->series);
        CHECK_INT(x->step, y->step);
        if (x->value != y->value && !(isnan(x->value) && isnan(y->value)))
            FAIL("%s of step %lld is %.17g and %.17g", x->series, (long long)x->step, x->value,
                 y->value);
    }
    free(left.points);
    free(right.points);
    check_same_checkpoint(one, a, other, b);
}
