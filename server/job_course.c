/* Job's course: see job_course.h. */
#include "server/job_course.h"

#include "core/schedule.h"
#include "server/spec_json.h"

#include <string.h>

const struct course_part course_parts[] = {
    {"lr", "optimizer"},   {"momentum", "optimizer"}, {"weight_decay", "optimizer"},
    {"lr_schedule", NULL}, {"epochs", NULL},          {"max_steps", NULL},
};
const size_t course_part_count = COUNT_OF(course_parts);

const struct course_part *course_part_find(const char *key)
{
    for (size_t i = 0; i < course_part_count; i++)
        if (strcmp(course_parts[i].key, key) == 0)
            return &course_parts[i];
    return NULL;
}

static json_t *owner_of(const json_t *spec, const struct course_part *part)
{
    return part->parent ? json_object_get(spec, part->parent) : (json_t *)spec;
}

static const json_t *value_of(const json_t *spec, const struct course_part *part)
{
    return json_object_get(owner_of(spec, part), part->key);
}

json_t *course_patch(const json_t *request)
{
    json_t *patch = json_object();
    bool good = patch != NULL;

    for (size_t i = 0; i < course_part_count && good; i++) {
        const struct course_part *part = &course_parts[i];
        json_t *value = json_object_get(request, part->key);

        if (!value)
            continue;
        if (part->parent && !json_object_get(patch, part->parent))
            good = json_object_set_new(patch, part->parent, json_object()) == 0;
        good = good && json_object_set(owner_of(patch, part), part->key, value) == 0;
    }
    if (good)
        return patch;
    json_decref(patch);
    return NULL;
}

static json_t *or_null(const json_t *value)
{
    return value ? json_deep_copy(value) : json_null();
}

json_t *course_changes(const json_t *request, const json_t *before, const json_t *after)
{
    json_t *changes = json_object();
    bool good = changes != NULL;

    for (size_t i = 0; i < course_part_count && good; i++) {
        const struct course_part *part = &course_parts[i];
        const json_t *from = value_of(before, part), *to = value_of(after, part);
        bool same = from == to || (from && to && json_equal(from, to));
        bool named = json_object_get(request, part->key) != NULL;
        json_t *change;

        if (!named && same)
            continue;
        change = json_pack("{s:o, s:o}", "from", or_null(from), "to", or_null(to));
        good = (named || json_object_set_new(change, "implied", json_true()) == 0) &&
               json_object_set_new(changes, part->key, change) == 0;
    }
    if (good)
        return changes;
    json_decref(changes);
    return NULL;
}

json_t *course_unsettle(const char *spec, const char *plan)
{
    json_t *out = json_loads(spec, 0, NULL), *run_of = json_loads(plan, 0, NULL);
    json_int_t steps = 0, steps_per_epoch = 0;
    struct spec read;
    struct error none = {0};

    spec_init(&read);
    if (out &&
        json_unpack(run_of, "{s:I, s:I}", "steps", &steps, "steps_per_epoch", &steps_per_epoch) ==
            0 &&
        steps_per_epoch > 0 && spec_from_stored(spec, &read, &none)) {
        const struct schedule_run run = {.steps = steps, .steps_per_epoch = steps_per_epoch};
        const char *name = schedule_whole_run(&read.lr_schedule, &run);

        if (name)
            (void)json_object_del(json_object_get(out, "lr_schedule"), name);
    }
    spec_drop(&read);
    json_decref(run_of);
    return out;
}

bool course_names(const json_t *changes, const char *key)
{
    const json_t *change = json_object_get(changes, key);

    return change && !json_is_true(json_object_get(change, "implied"));
}

bool course_apply(json_t *spec, const json_t *changes, struct error *error)
{
    const char *key;
    json_t *change;

    json_object_foreach ((json_t *)changes, key, change) {
        const struct course_part *part = course_part_find(key);
        json_t *owner = part ? owner_of(spec, part) : NULL, *to = json_object_get(change, "to");

        if (!json_is_object(owner) || !to)
            return error_set(error, ERROR_CORRUPT, key, "a stored edit is not one: \"%s\"", key);
        if (json_is_null(to))
            (void)json_object_del(owner, key);
        else if (json_object_set_new(owner, key, json_deep_copy(to)) != 0)
            return error_set(error, ERROR_MEMORY, "", "no memory for an edit");
    }
    return true;
}
