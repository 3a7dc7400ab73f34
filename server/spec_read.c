/* Reading a job object: walks rows and hands plain values to spec_scalar and kinds to spec_variant.
 * Everything wrong is collected; reading goes on, so that the user hears all of it at once. */
#include "server/spec_walk.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct field meta_rows[] = {
    {.name = "name",
     .type = FIELD_TEXT,
     .offset = offsetof(struct job_meta, name),
     .min = 0,
     .max = sizeof(((struct job_meta *)0)->name) - 1,
     .help = "free text, to find the job again"},
    {.name = "labels",
     .type = FIELD_LABELS,
     .offset = offsetof(struct job_meta, labels),
     .help = "strings of your own, by key"},
    {.name = "priority",
     .type = FIELD_INT,
     .offset = offsetof(struct job_meta, priority),
     .min = -1000000,
     .max = 1000000,
     .help = "higher first; equal ones run in order of arrival"},
};

const struct fields job_meta_fields = {meta_rows, COUNT_OF(meta_rows), sizeof(struct job_meta)};

static void read_value(struct spec_reader *reader, const struct spec_value *value);

static void point(char pointer[POINTER_BYTES], const char *parent, const char *token)
{
    snprintf(pointer, POINTER_BYTES, "%s", parent);
    pointer_push(pointer, POINTER_BYTES, token);
}

static bool kinds_have(const struct kinds *kinds, const char *key)
{
    for (size_t i = 0; kinds && i < kinds->count; i++)
        if (fields_find(&kinds->rows[i]->options, key))
            return true;
    return false;
}

/* The field whose value takes such a key, as the optimizer takes "lr"; NULL: there is none. */
static const char *home_of(const struct spec_object *object, const char *key)
{
    for (size_t block = 0; block < COUNT_OF(object->blocks); block++) {
        const struct fields *fields = object->blocks[block].fields;

        for (size_t i = 0; fields && i < fields->count; i++) {
            const struct field *field = &fields->rows[i];
            bool one = field->type == FIELD_VARIANT && kinds_have(field->kinds, key);

            if (one || (field->type == FIELD_OBJECT && fields_find(field->fields, key)))
                return field->name;
        }
    }
    return NULL;
}

static void unknown_key(struct spec_reader *reader, const struct spec_object *object,
                        const char *key)
{
    char pointer[POINTER_BYTES];
    struct problem *problem;

    point(pointer, object->pointer, key);
    const char *home = object->pointer[0] == '\0' ? home_of(object, key) : NULL;
    problem =
        problem_add(reader->problems, pointer, "%s has no such key%s%s%s", object->owner,
                    home ? "; perhaps it belongs into \"" : "", home ? home : "", home ? "\"" : "");
    problem->fields = object->blocks[0].fields;
    problem->common = object->blocks[1].fields;
    /* A flood of keys gets no more thought than it can be told about. */
    if (reader->problems->dropped == 0 && !home)
        problem_suggest(problem, key);
}

static void read_keys(struct spec_reader *reader, const struct spec_object *object)
{
    const char *key;
    json_t *json;

    json_object_foreach ((json_t *)object->json, key, json) {
        const struct field *field = NULL;
        char pointer[POINTER_BYTES];

        if (object->has_type && strcmp(key, "type") == 0)
            continue;
        for (size_t i = 0; i < COUNT_OF(object->blocks) && !field; i++) {
            const struct spec_block *block = &object->blocks[i];

            field = fields_find(block->fields, key);
            if (!field)
                continue;
            point(pointer, object->pointer, key);
            read_value(reader,
                       &(struct spec_value){field, json, field_at(field, block->base), pointer});
        }
        if (!field)
            unknown_key(reader, object, key);
    }
}

static void check_required(struct spec_reader *reader, const struct spec_object *object,
                           const struct fields *fields)
{
    for (size_t i = 0; fields && i < fields->count; i++) {
        const struct field *field = &fields->rows[i];
        char pointer[POINTER_BYTES], wanted[192];
        struct problem *problem;

        if (!(field->flags & FIELD_REQUIRED) || json_object_get(object->json, field->name))
            continue;
        point(pointer, object->pointer, field->name);
        spec_describe_wanted(field, wanted, sizeof(wanted));
        problem = problem_add(reader->problems, pointer, "is required: %s%s%s%s", wanted,
                              field->help ? " (" : "", field->help ? field->help : "",
                              field->help ? ")" : "");
        problem->choices = field->choices;
        problem->kinds = field->kinds;
    }
}

void spec_read_object(struct spec_reader *reader, const struct spec_object *object)
{
    read_keys(reader, object);
    for (size_t i = 0; i < COUNT_OF(object->blocks); i++)
        check_required(reader, object, object->blocks[i].fields);
}

static void read_nested(struct spec_reader *reader, const struct spec_value *value)
{
    const struct field *field = value->field;
    char owner[80];
    struct spec_object object = {.json = value->json,
                                 .pointer = value->pointer,
                                 .owner = owner,
                                 .blocks = {{field->fields, value->at}}};
    size_t given = 0;

    if (!json_is_object(value->json)) {
        spec_wrong(reader, value)->fields = field->fields;
        return;
    }
    snprintf(owner, sizeof(owner), "\"%s\"", field->name);
    if (field->flags & FIELD_OPTIONAL)
        *(bool *)value->at = true;
    spec_read_object(reader, &object);
    for (size_t i = 0; i < field->fields->count; i++)
        given += json_object_get(value->json, field->fields->rows[i].name) != NULL;
    if ((field->flags & FIELD_ONE_KEY) && given != 1)
        problem_add(reader->problems, value->pointer, "found %zu of its keys; want exactly one",
                    given)
            ->fields = field->fields;
}

size_t spec_list_max(const struct field *field)
{
    return field->max > 0 ? (size_t)field->max : LIST_MAX;
}

static void read_item(struct spec_reader *reader, const struct spec_value *item)
{
    const struct fields *fields = item->field->fields;
    char pointer[POINTER_BYTES], found[96], wanted[64];

    if (fields->count == 1) {
        const struct field *row = &fields->rows[0];

        spec_read_scalar(
            reader, &(struct spec_value){row, item->json, field_at(row, item->at), item->pointer});
        return;
    }
    if (!json_is_array(item->json) || json_array_size(item->json) != fields->count) {
        spec_describe_found(item->json, found, sizeof(found));
        spec_describe_item(fields, wanted, sizeof(wanted));
        problem_add(reader->problems, item->pointer, "found %s; want %s", found, wanted);
        return;
    }
    for (size_t i = 0; i < fields->count; i++) {
        const struct field *row = &fields->rows[i];

        snprintf(pointer, sizeof(pointer), "%s", item->pointer);
        pointer_push_index(pointer, sizeof(pointer), i);
        spec_read_scalar(reader, &(struct spec_value){row, json_array_get(item->json, i),
                                                      field_at(row, item->at), pointer});
    }
}

static void read_list(struct spec_reader *reader, const struct spec_value *value)
{
    const struct fields *fields = value->field->fields;
    struct list *list = value->at;
    size_t count = json_array_size(value->json);

    if (!json_is_array(value->json) || (double)count < value->field->min ||
        count > spec_list_max(value->field)) {
        spec_wrong(reader, value);
        return;
    }
    list->items = arena_take_array(reader->arena, count, fields->size);
    if (!list->items) {
        reader->memory_gone = true;
        return;
    }
    list->count = count;
    for (size_t i = 0; i < count; i++) {
        void *at = (char *)list->items + i * fields->size;
        char pointer[POINTER_BYTES];

        fields_defaults(fields, at);
        snprintf(pointer, sizeof(pointer), "%s", value->pointer);
        pointer_push_index(pointer, sizeof(pointer), i);
        read_item(reader,
                  &(struct spec_value){value->field, json_array_get(value->json, i), at, pointer});
    }
}

static void read_value(struct spec_reader *reader, const struct spec_value *value)
{
    switch (value->field->type) {
    case FIELD_OBJECT:
        read_nested(reader, value);
        break;
    case FIELD_VARIANT:
        spec_read_variant(reader, value);
        break;
    case FIELD_VARIANTS:
        spec_read_variants(reader, value);
        break;
    case FIELD_VARIANT_LISTS:
        spec_read_variant_lists(reader, value);
        break;
    case FIELD_LIST:
        read_list(reader, value);
        break;
    case FIELD_LABELS:
        spec_read_labels(reader, value);
        break;
    default:
        spec_read_scalar(reader, value);
        break;
    }
}

bool spec_read_rows(const json_t *job, struct spec *spec, struct job_meta *meta,
                    struct problems *problems, struct error *error)
{
    struct spec_reader reader = {.arena = &spec->arena, .problems = problems};
    struct spec_object object = {.json = job,
                                 .pointer = "",
                                 .owner = "a job",
                                 .blocks = {{&spec_fields, spec}, {&job_meta_fields, meta}}};

    spec_init(spec);
    memset(meta, 0, sizeof(*meta));
    fields_defaults(&job_meta_fields, meta);
    if (!json_is_object(job)) {
        problem_add(problems, "", "want a JSON object");
        return true;
    }
    spec_read_object(&reader, &object);
    if (reader.memory_gone)
        return error_set(error, ERROR_MEMORY, "spec", "no memory to read the job");
    return true;
}

bool spec_from_json(const json_t *job, struct spec *spec, struct job_meta *meta,
                    struct problems *problems, struct error *error)
{
    return spec_read_rows(job, spec, meta, problems, error) && spec_complete(spec, problems, error);
}

bool spec_from_stored(const char *text, struct spec *spec, struct error *error)
{
    struct problems *problems = calloc(1, sizeof(*problems));
    struct job_meta meta = {0};
    json_error_t place;
    json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, &place);
    bool good = problems && json;

    spec_init(spec);
    if (!problems)
        error_set(error, ERROR_MEMORY, "spec", "no memory to read the spec");
    else if (!json)
        error_set(error, ERROR_CORRUPT, "spec", "the stored spec is not JSON: %s", place.text);
    good = good && spec_from_json(json, spec, &meta, problems, error);
    if (good && problems->count > 0)
        good = error_set(error, ERROR_INVALID, problems->items[0].pointer, "%s",
                         problems->items[0].detail);
    json_decref(json);
    free(problems);
    return good;
}
