/* Runner's course: edits of the job, new ones and those of earlier lives. An edit takes its place
 * in one write, with its event, before the trainer makes it: from then on every life makes it
 * there. So what comes behind it is the same in each of them, and what was shown before is never
 * taken anew in another way. */
#include "server/runner_parts.h"

#include "server/job_course.h"
#include "server/spec_json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void version_free(struct runner_version *version)
{
    if (!version)
        return;
    json_decref(version->json);
    plan_drop(&version->plan);
    spec_drop(&version->spec);
    free(version);
}

bool course_open(struct runner *runner, struct error *error)
{
    struct runner_course *course = &runner->course;

    return store_edit_first_spec(runner->reader, runner->job->number, &course->first, error) &&
           store_edit_frontier(runner->reader, runner->job->number, &course->frontier, error) &&
           store_edit_list(runner->reader, runner->job->number, EDITS_TAKEN, &course->edits, error);
}

void course_close(struct runner *runner)
{
    version_free(runner->course.version);
    edit_list_drop(&runner->course.edits);
    free(runner->course.first);
}

/* ---- versions ---- */

static bool apply_text(json_t *spec, const char *text, struct error *error)
{
    json_t *changes = json_loads(text, 0, NULL);
    bool good = changes ? course_apply(spec, changes, error)
                        : error_set(error, ERROR_CORRUPT, "", "a stored edit is no JSON");

    json_decref(changes);
    return good;
}

static json_t *first_spec(const struct runner *runner, struct error *error)
{
    json_t *spec = json_loads(runner->course.first, 0, NULL);

    if (!spec)
        error_set(error, ERROR_CORRUPT, "", "the stored spec is no JSON");
    return spec;
}

static bool plan_version(const struct runner *runner, struct runner_version *version,
                         struct error *error)
{
    const struct data_shape *shape = dataset_shape(runner->dataset);
    struct problems *problems = calloc(1, sizeof(*problems));
    struct job_meta none;

    if (!problems)
        return error_set(error, ERROR_MEMORY, "", "no memory for an edit");
    bool good = spec_from_json(version->json, &version->spec, &none, problems, error) &&
                (problems->count > 0 ||
                 (spec_settle(&version->spec, shape, NULL, error) &&
                  plan_make(&version->spec, shape, &version->plan, problems, NULL, error)));
    if (good && problems->count > 0)
        good = error_set(error, ERROR_INVALID, problems->items[0].pointer, "%s",
                         problems->items[0].detail);
    free(problems);
    return good;
}

/* Of a spec, which is taken. NULL: *error, or what made that NULL. */
static struct runner_version *version_of(const struct runner *runner, json_t *json,
                                         struct error *error)
{
    struct runner_version *version = calloc(1, sizeof(*version));

    if (!version) {
        json_decref(json);
        error_set(error, ERROR_MEMORY, "", "no memory for an edit");
        return NULL;
    }
    version->json = json;
    spec_init(&version->spec);
    if (json && plan_version(runner, version, error))
        return version;
    version_free(version);
    return NULL;
}

/* The first spec with so many edits. */
static struct runner_version *version_after(const struct runner *runner, int64_t edits,
                                            struct error *error)
{
    json_t *spec = first_spec(runner, error);
    bool good = spec != NULL;

    for (int64_t i = 0; i < edits && good; i++)
        good = apply_text(spec, runner->course.edits.rows[i].changes, error);
    if (good)
        return version_of(runner, spec, error);
    json_decref(spec);
    return NULL;
}

/* What the trainer has, with one edit more. */
static struct runner_version *version_next(const struct runner *runner, const char *changes,
                                           struct error *error)
{
    const struct runner_version *now = runner->course.version;
    json_t *spec = now ? json_deep_copy(now->json) : first_spec(runner, error);

    if (!spec)
        error_set(error, ERROR_MEMORY, "", "no memory for an edit");
    else if (apply_text(spec, changes, error))
        return version_of(runner, spec, error);
    json_decref(spec);
    return NULL;
}

/* The trainer has let go of the version before. */
static void keep_version(struct runner *runner, struct runner_version *version)
{
    version_free(runner->course.version);
    runner->course.version = version;
}

bool course_suppose(struct runner *runner, int64_t edits, struct error *error)
{
    struct runner_version *version = NULL;
    struct trainer_edit edit = {.spec = &runner->spec, .plan = &runner->plan};

    if (edits < 0 || edits > runner->course.edits.count)
        return error_set(error, ERROR_CORRUPT, "checkpoint",
                         "it knows of %" PRId64 " edits, and the job has had %d", edits,
                         runner->course.edits.count);
    if (edits == trainer_edits(runner->trainer))
        return true;
    if (edits > 0) {
        version = version_after(runner, edits, error);
        if (!version)
            return false;
        edit.spec = &version->spec;
        edit.plan = &version->plan;
    }
    if (!trainer_suppose(runner->trainer, &edit, edits, error)) {
        version_free(version);
        return false;
    }
    keep_version(runner, version);
    return true;
}

/* ---- edits ---- */

/* The trainer's next edit; its changes are `text`. */
static bool edit_trainer(struct runner *runner, const char *text, struct error *error)
{
    struct runner_version *version = version_next(runner, text, error);
    json_t *changes = json_loads(text, 0, NULL);
    const struct trainer_edit edit = {.spec = version ? &version->spec : NULL,
                                      .plan = version ? &version->plan : NULL,
                                      .lr = course_names(changes, "lr"),
                                      .schedule = course_names(changes, "lr_schedule")};

    json_decref(changes);
    if (!version || !trainer_edit(runner->trainer, &edit, error)) {
        version_free(version);
        return false;
    }
    keep_version(runner, version);
    runner->last.ended = trainer_ended(runner->trainer);
    return true;
}

bool course_repeat(struct runner *runner, int64_t edits, struct error *error)
{
    while (trainer_edits(runner->trainer) < edits)
        if (!edit_trainer(runner, runner->course.edits.rows[trainer_edits(runner->trainer)].changes,
                          error))
            return false;
    return true;
}

static bool is_here(const struct runner *runner, const struct edit_row *edit)
{
    int64_t returns = trainer_retries(runner->trainer);

    return edit->returns < returns || (edit->returns == returns && edit->step <= runner->last.step);
}

/* {"step": 40, "changes": {"lr": {"from": 0.1, "to": 0.05}}, "rate": {"from": 0.1, "to": 0.05}}:
 * `rate` is that of the next step, without and with the edit; null behind the last one. */
static char *event_text(const struct runner *runner, const char *text, double before)
{
    bool over = trainer_ended(runner->trainer);
    json_t *changes = json_loads(text, 0, NULL);
    json_t *event =
        json_pack("{s:I, s:o}", "step", (json_int_t)runner->last.step, "changes", changes);
    json_t *rate =
        over ? json_null()
             : json_pack("{s:f, s:f}", "from", before, "to", trainer_next_lr(runner->trainer));
    char *out = NULL;

    if (event && json_object_set_new(event, "rate", rate) == 0)
        out = json_text(event, NULL);
    json_decref(event);
    return out;
}

static bool take_work(struct db *db, void *context, struct error *error)
{
    return store_edit_take(db, context, error);
}

/* Among those that have a place, as the newest. */
static bool remember(struct runner_course *course, struct edit_row *edit, struct error *error)
{
    struct edit_list *edits = &course->edits;
    struct edit_row *rows = realloc(edits->rows, ((size_t)edits->count + 1) * sizeof(*edits->rows));

    if (!rows)
        return error_set(error, ERROR_MEMORY, "", "no memory for the job's edits");
    edits->rows = rows;
    rows[edits->count++] = *edit;
    edit->changes = NULL;
    return true;
}

/* Gives an edit that waits its place here. The trainer has it first, since the event tells what
 * comes of it; without the write the job does not go on. */
static bool take_one(struct runner *runner, struct edit_row *edit, struct error *error)
{
    double before = trainer_next_lr(runner->trainer);

    if (!edit_trainer(runner, edit->changes, error))
        return false;
    edit->step = runner->last.step;
    edit->returns = trainer_retries(runner->trainer);
    char *event = event_text(runner, edit->changes, before);
    struct edit_taken taken = {.number = edit->number,
                               .job = runner->job->number,
                               .step = edit->step,
                               .returns = edit->returns,
                               .event = event};
    bool good = event ? store_write(runner->world->store, take_work, &taken, error)
                      : error_set(error, ERROR_MEMORY, "", "no memory for an edit");
    if (good)
        RUNNER_LOG(runner, LOG_INFO, "the job is edited: %s", edit->changes);
    free(event);
    return good && remember(&runner->course, edit, error);
}

/* Rows first: who reads the job's story then finds an edit between the steps where it is. */
static bool take_waiting(struct runner *runner, struct error *error)
{
    struct edit_list list;
    bool good = runner_flush(runner, error) &&
                store_edit_list(runner->reader, runner->job->number, EDITS_WAITING, &list, error);

    if (!good)
        return false;
    for (int i = 0; i < list.count && good; i++)
        good = take_one(runner, &list.rows[i], error);
    edit_list_drop(&list);
    return good;
}

bool course_take(struct runner *runner, struct error *error)
{
    struct runner_course *course = &runner->course;
    const struct edit_list *edits = &course->edits;

    while (trainer_edits(runner->trainer) < edits->count &&
           is_here(runner, &edits->rows[trainer_edits(runner->trainer)]))
        if (!course_repeat(runner, trainer_edits(runner->trainer) + 1, error))
            return false;
    if (!course->wait || trainer_edits(runner->trainer) < edits->count ||
        runner->last.step < course->frontier)
        return true;
    course->wait = false;
    return take_waiting(runner, error);
}
