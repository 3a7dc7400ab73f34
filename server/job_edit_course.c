/* Job's edit of the course: the job's spec with the request merged into it, read, planned and
 * checked like a new one, and what must be the same all through a run. */
#include "server/job_edit_parts.h"

#include "core/optimizer.h"
#include "core/schedule.h"
#include "server/catalog.h"
#include "server/job_course.h"
#include "server/json_merge.h"
#include "server/spec_json.h"
#include "server/store_control.h"

#include <inttypes.h>
#include <string.h>

/* Where the spec's own pointer stands in the request. */
static void map_pointer(const struct job_edit_making *making, char pointer[POINTER_BYTES])
{
    static const char parent[] = "/optimizer";
    const char *key = pointer + sizeof(parent);

    if (strncmp(pointer, parent, sizeof(parent) - 1) != 0)
        return;
    if (pointer[sizeof(parent) - 1] == '/' && course_part_find(key)) {
        memmove(pointer, key - 1, strlen(key) + 2);
        return;
    }
    /* A rule between two options: one of them is the user's. */
    pointer[0] = '\0';
    if (json_object_get(making->request, "momentum"))
        job_edit_point(pointer, "momentum");
}

static bool is_told(const struct problems *problems, const char *pointer)
{
    for (size_t i = 0; i < problems->count; i++)
        if (strcmp(problems->items[i].pointer, pointer) == 0)
            return true;
    return false;
}

static void hand_over(struct job_edit_making *making)
{
    for (size_t i = 0; i < making->found.count; i++) {
        struct problem problem = making->found.items[i];

        map_pointer(making, problem.pointer);
        if (!is_told(making->problems, problem.pointer))
            *problem_add(making->problems, "", "%s", "") = problem;
    }
    making->problems->dropped += making->found.dropped;
}

/* A key that this job's optimizer does not have. */
static void check_options(struct job_edit_making *making)
{
    const struct kind *optimizer = making->was.optimizer.kind;

    for (size_t i = 0; i < course_part_count; i++) {
        const struct course_part *part = &course_parts[i];
        char pointer[POINTER_BYTES];

        if (!part->parent || !json_object_get(making->request, part->key) ||
            fields_find(&optimizer->options, part->key))
            continue;
        job_edit_point(pointer, part->key);
        problem_add(making->problems, pointer, "the job's optimizer, %s, has no %s",
                    optimizer->name, part->key);
    }
}

static void check_length(struct job_edit_making *making, int64_t done)
{
    bool steps = json_object_get(making->request, "max_steps") != NULL;

    if (!steps && !json_object_get(making->request, "epochs"))
        return;
    if (making->plan.steps < done)
        problem_add(making->problems, steps ? "/max_steps" : "/epochs",
                    "the run would end at step %" PRId64 ", and it has done %" PRId64 " already",
                    making->plan.steps, done);
}

/* Neither of both is a length that a run could have. */
static void check_endless(struct job_edit_making *making)
{
    static const char *const keys[] = {"epochs", "max_steps"};
    bool given = false, asked = false;

    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        const json_t *value = json_object_get(making->request, keys[i]);

        asked |= value != NULL;
        given |= value && !json_is_null(value);
    }
    if (asked && !given)
        problem_add(making->problems,
                    json_object_get(making->request, "epochs") ? "/epochs" : "/max_steps",
                    "a run must have a length: give epochs or max_steps");
}

static void check_rate(struct job_edit_making *making, int64_t done)
{
    const struct schedule_run run = {.base_lr = optimizer_base_lr(&making->spec.optimizer),
                                     .steps = making->plan.steps,
                                     .steps_per_epoch = making->plan.steps_per_epoch};

    if (json_object_get(making->request, "lr") &&
        !schedule_uses_base(&making->spec.lr_schedule, &run, done + 1))
        problem_add(making->problems, "/lr",
                    "the schedule %s has rates of its own and does not ask for lr: change "
                    "lr_schedule instead",
                    making->spec.lr_schedule.kind->name);
}

/* What the optimizer remembers of each weight depends on whether there is a momentum. A momentum
 * that was refused is not in the spec, and says nothing. */
static void check_memory(struct job_edit_making *making)
{
    const struct optimizer_kind *kind = (const struct optimizer_kind *)making->was.optimizer.kind;
    const void *was = making->was.optimizer.options, *is = making->spec.optimizer.options;
    bool read = making->spec.optimizer.kind == making->was.optimizer.kind;
    bool refused = is_told(&making->found, "/optimizer/momentum");
    bool same = read && kind->slots(was) == kind->slots(is) &&
                (!kind->form || strcmp(kind->form(was), kind->form(is)) == 0);

    if (read && !same && !refused)
        problem_add(making->problems,
                    json_object_get(making->request, "momentum") ? "/momentum" : "",
                    "a run with momentum remembers what one without does not: it can neither begin "
                    "nor end on the way, but in a fork of the job");
}

static bool read_was(struct job_edit_making *making, struct error *error)
{
    struct error cause = {0};

    if (spec_from_stored(making->job->spec, &making->was, &cause))
        return true;
    return error_set(error, cause.kind == ERROR_INVALID ? ERROR_CONFLICT : cause.kind, cause.where,
                     "this version no longer understands the job: %s", cause.text);
}

static bool merge_course(struct job_edit_making *making, struct error *error)
{
    json_t *patch = course_patch(making->request), *merged;
    json_t *open = course_unsettle(making->job->spec, making->job->plan);
    struct job_meta none;

    making->before = json_loads(making->job->spec, 0, NULL);
    merged = patch && open && making->before ? json_merge(open, patch) : NULL;
    json_decref(open);
    json_decref(patch);
    if (!merged)
        return job_edit_no_memory(error);
    bool good = spec_from_json(merged, &making->spec, &none, &making->found, error);
    json_decref(merged);
    return good;
}

static bool plan_course(struct job_edit_making *making, struct error *error)
{
    struct data_shape shape;
    struct error cause = {0};

    if (!catalog_shape_spec(making->world->db, &making->spec, &shape, &cause))
        return error_set(error, cause.kind == ERROR_NOT_FOUND ? ERROR_CONFLICT : cause.kind,
                         cause.where, "%s", cause.text);
    return spec_settle(&making->spec, &shape, NULL, error) &&
           plan_make(&making->spec, &shape, &making->plan, &making->found, &making->warnings,
                     error);
}

/* Of memory: an edit changes nothing of it, and counting it takes long. */
static int64_t stored_bytes(const struct job_row *job)
{
    json_t *plan = json_loads(job->plan, 0, NULL);
    const json_t *bytes = json_object_get(json_object_get(plan, "totals"), "bytes");
    int64_t out = json_is_integer(bytes) ? json_integer_value(bytes) : -1;

    json_decref(plan);
    return out;
}

static json_t *plan_of(const struct job_edit_making *making)
{
    const struct job_edit_world *world = making->world;
    struct plan_view view = {.spec = &making->spec,
                             .plan = &making->plan,
                             .warnings = &making->warnings,
                             .bytes = stored_bytes(making->job)};

    view.estimate =
        speedometer_estimate(world->speedometer, &making->spec, &making->plan,
                             threads_of_job(world->threads, &making->spec, &making->plan));
    return plan_to_json(&view, false);
}

static bool write_course(struct job_edit_making *making, struct error *error)
{
    struct job_edit *out = making->out;

    plan_settle(&making->spec, &making->plan);
    making->after = spec_to_json(&making->spec);
    out->spec = json_text(making->after, NULL);
    out->plan = job_edit_text(plan_of(making));
    out->changes = job_edit_text(course_changes(making->request, making->before, making->after));
    out->steps = making->plan.steps;
    out->epochs = making->plan.epochs;
    return (out->spec && out->plan && out->changes) || job_edit_no_memory(error);
}

bool job_edit_make_course(struct job_edit_making *making, struct error *error)
{
    int64_t done = 0;

    if (job_state_ended(making->job->state))
        return error_set(error, ERROR_CONFLICT, "",
                         "the job has ended already, it is %s: only its name, labels and priority "
                         "can change",
                         job_state_name(making->job->state));
    if (!read_was(making, error) ||
        !store_edit_frontier(making->world->db, making->job->number, &done, error) ||
        !merge_course(making, error))
        return false;
    check_options(making);
    check_endless(making);
    check_memory(making);
    if (making->found.count == 0 && making->problems->count == 0 && !plan_course(making, error))
        return false;
    hand_over(making);
    if (making->problems->count > 0)
        return true;
    check_length(making, done);
    check_rate(making, done);
    return making->problems->count > 0 || write_course(making, error);
}
