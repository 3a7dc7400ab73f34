/* Job's edit: see job_edit.h. */
#include "server/job_edit_parts.h"

#include "server/job_course.h"
#include "server/json_merge.h"
#include "server/spec_json.h"

#include <stdlib.h>
#include <string.h>

static const char *const meta_keys[] = {"name", "labels", "priority"};

/* All that may be written, for who wrote something else. */
static const char *const all_keys[] = {"name",        "labels",   "priority",     "lr",
                                       "lr_schedule", "momentum", "weight_decay", "epochs",
                                       "max_steps",   NULL};

void job_edit_drop(struct job_edit *edit)
{
    free(edit->meta);
    free(edit->meta_event);
    free(edit->spec);
    free(edit->plan);
    free(edit->changes);
    *edit = (struct job_edit){0};
}

static bool is_meta_key(const char *key)
{
    for (size_t i = 0; i < COUNT_OF(meta_keys); i++)
        if (strcmp(meta_keys[i], key) == 0)
            return true;
    return false;
}

bool job_edit_wants_course(const json_t *request)
{
    for (size_t i = 0; i < course_part_count; i++)
        if (json_object_get(request, course_parts[i].key))
            return true;
    return false;
}

bool job_edit_no_memory(struct error *error)
{
    return error_set(error, ERROR_MEMORY, "", "no memory to change the job");
}

char *job_edit_text(json_t *json)
{
    char *text = json_text(json, NULL);

    json_decref(json);
    return text;
}

void job_edit_point(char pointer[POINTER_BYTES], const char *key)
{
    pointer[0] = '\0';
    pointer_push(pointer, POINTER_BYTES, key);
}

static void check_keys(struct job_edit_making *making)
{
    const char *key;
    json_t *value;

    json_object_foreach ((json_t *)making->request, key, value) {
        char pointer[POINTER_BYTES];
        struct problem *problem;

        if (is_meta_key(key) || course_part_find(key))
            continue;
        job_edit_point(pointer, key);
        if (fields_find(&spec_fields, key)) {
            problem_add(making->problems, pointer,
                        "is what the job began with and cannot change any more: submit another "
                        "job, or fork this one");
            continue;
        }
        problem = problem_add(making->problems, pointer, "there is nothing of that name to change");
        problem->choices = all_keys;
        problem_suggest(problem, key);
    }
}

/* ---- name, labels, priority ---- */

/* Of what is another than before; *any: something is. */
static json_t *meta_event(const struct job_edit_making *making, const json_t *before,
                          const json_t *after, bool *any)
{
    json_t *changes = json_object();

    for (size_t i = 0; i < COUNT_OF(meta_keys); i++) {
        const char *key = meta_keys[i];
        json_t *from = json_object_get(before, key), *to = json_object_get(after, key);
        bool same = from == to || (from && to && json_equal(from, to));

        if (same || !json_object_get(making->request, key))
            continue;
        *any = true;
        if (json_object_set_new(changes, key, json_pack("{s:O?, s:O?}", "from", from, "to", to)) !=
            0) {
            json_decref(changes);
            return NULL;
        }
    }
    return json_pack("{s:o}", "changes", changes);
}

/* The three keys of the stored object as the request wants them. */
static json_t *merge_meta(const struct job_edit_making *making, const json_t *stored)
{
    json_t *kept = json_object(), *patch = json_object(), *merged;

    for (size_t i = 0; i < COUNT_OF(meta_keys); i++) {
        json_t *old = json_object_get(stored, meta_keys[i]);
        json_t *new = json_object_get(making->request, meta_keys[i]);

        if ((old && json_object_set(kept, meta_keys[i], old) != 0) ||
            (new &&json_object_set(patch, meta_keys[i], new) != 0)) {
            json_decref(kept);
            kept = NULL;
        }
    }
    merged = kept && patch ? json_merge(kept, patch) : NULL;
    json_decref(kept);
    json_decref(patch);
    return merged;
}

/* Who asks for what is there already has changed nothing, and no event tells of it. */
static void forget_meta(struct job_edit *edit)
{
    free(edit->meta);
    free(edit->meta_event);
    edit->meta = edit->meta_event = NULL;
}

static bool make_meta(struct job_edit_making *making, struct error *error)
{
    json_t *stored = json_loads(making->job->meta, 0, NULL);
    json_t *merged = merge_meta(making, stored), *written = NULL;
    struct arena arena = {0};
    struct job_meta meta;
    bool good = stored && merged, any = false;

    if (!good)
        error_set(error, ERROR_CORRUPT, making->job->id, "the stored name and labels are not JSON");
    good = good && job_meta_from_json(merged, &arena, &meta, making->problems, error);
    if (good && making->problems->count == 0) {
        written = job_meta_to_json(&meta);
        making->out->priority = meta.priority;
        making->out->meta_event = job_edit_text(meta_event(making, stored, written, &any));
        /* What else is there stays. */
        if (json_object_update(stored, written) == 0)
            making->out->meta = json_text(stored, NULL);
        good = (making->out->meta && making->out->meta_event) || job_edit_no_memory(error);
        if (!any)
            forget_meta(making->out);
    }
    arena_drop(&arena);
    json_decref(written);
    json_decref(merged);
    json_decref(stored);
    return good;
}

static bool make(struct job_edit_making *making, struct error *error)
{
    bool meta = false;

    check_keys(making);
    for (size_t i = 0; i < COUNT_OF(meta_keys); i++)
        meta |= json_object_get(making->request, meta_keys[i]) != NULL;
    return (!meta || make_meta(making, error)) &&
           (!job_edit_wants_course(making->request) || job_edit_make_course(making, error));
}

bool job_edit_make(const struct job_edit_world *world, const struct job_row *job,
                   const json_t *request, struct job_edit *out, struct problems *problems,
                   struct error *error)
{
    struct job_edit_making *making = calloc(1, sizeof(*making));

    *out = (struct job_edit){0};
    if (!making)
        return job_edit_no_memory(error);
    making->world = world;
    making->job = job;
    making->request = request;
    making->out = out;
    making->problems = problems;
    spec_init(&making->was);
    spec_init(&making->spec);
    bool good = make(making, error);
    json_decref(making->before);
    json_decref(making->after);
    plan_drop(&making->plan);
    spec_drop(&making->spec);
    spec_drop(&making->was);
    free(making);
    if (!good)
        job_edit_drop(out);
    return good;
}
