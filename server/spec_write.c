/* Writing a spec back: the same rows, the other way. What is absent is not written, everything else
 * is, so that the stored spec says what really ran. */
#include "server/spec_walk.h"

#include <math.h>
#include <string.h>

/* New reference, or NULL with *failed set when memory is gone, or NULL alone where nothing is to be
 * written. */
static json_t *value_to_json(const struct field *field, const void *at, bool *failed);

static json_t *made(json_t *json, bool *failed)
{
    if (!json)
        *failed = true;
    return json;
}

static void fields_to_json(const struct fields *fields, const void *base, json_t *object,
                           bool *failed)
{
    for (size_t i = 0; fields && i < fields->count && !*failed; i++) {
        const struct field *field = &fields->rows[i];
        json_t *value = value_to_json(field, field_at(field, base), failed);

        if (value && json_object_set_new(object, field->name, value) != 0)
            *failed = true;
    }
}

/* A family with an untyped kind is written as its users write it: see struct kinds. */
static json_t *variant_to_json(const struct kinds *kinds, const struct variant *variant,
                               bool *failed)
{
    json_t *object;

    if (!variant->kind)
        return NULL;
    if (variant->kind == kinds->untyped)
        object = made(json_object(), failed);
    else if (kinds->untyped && variant->kind->options.count == 0 && !kinds->common)
        return made(json_string(variant->kind->name), failed);
    else
        object = made(json_pack("{s:s}", "type", variant->kind->name), failed);
    fields_to_json(&variant->kind->options, variant->options, object, failed);
    fields_to_json(kinds->common, variant->common, object, failed);
    return object;
}

/* Takes `value`, which is in every item. */
static void append_to(json_t *list, json_t *value, bool *failed)
{
    if (json_array_append_new(list, value) != 0)
        *failed = true;
}

static json_t *variants_to_json(const struct kinds *kinds, const struct variants *variants,
                                bool *failed)
{
    json_t *list = made(json_array(), failed);

    for (size_t i = 0; i < variants->count && !*failed; i++) {
        json_t *item = variant_to_json(kinds, &variants->items[i], failed);

        if (item)
            append_to(list, item, failed);
    }
    return list;
}

static json_t *variant_lists_to_json(const struct kinds *kinds, const struct variant_lists *lists,
                                     bool *failed)
{
    json_t *list = made(json_array(), failed);

    for (size_t i = 0; i < lists->count && !*failed; i++)
        append_to(list, variants_to_json(kinds, &lists->items[i], failed), failed);
    return list;
}

static json_t *list_to_json(const struct fields *fields, const struct list *list, bool *failed)
{
    json_t *array = made(json_array(), failed);

    for (size_t i = 0; i < list->count && !*failed; i++) {
        const char *item = (const char *)list->items + i * fields->size;
        json_t *parts = fields->count == 1 ? array : made(json_array(), failed);

        for (size_t k = 0; k < fields->count && !*failed; k++)
            append_to(parts,
                      value_to_json(&fields->rows[k], field_at(&fields->rows[k], item), failed),
                      failed);
        if (parts != array)
            append_to(array, parts, failed);
    }
    return array;
}

static json_t *labels_to_json(const struct labels *labels, bool *failed)
{
    json_t *object = made(json_object(), failed);

    for (size_t i = 0; i < labels->count && !*failed; i++)
        if (json_object_set_new(object, labels->items[i].key,
                                json_string(labels->items[i].value)) != 0)
            *failed = true;
    return object;
}

static json_t *object_to_json(const struct field *field, const void *at, bool *failed)
{
    json_t *object;

    if ((field->flags & FIELD_OPTIONAL) && !*(const bool *)at)
        return NULL;
    object = made(json_object(), failed);
    fields_to_json(field->fields, at, object, failed);
    return object;
}

static json_t *pair_to_json(const int64_t *pair, bool *failed)
{
    if (pair[0] == FIELD_ABSENT)
        return NULL;
    if (pair[0] == pair[1])
        return made(json_integer(pair[0]), failed);
    return made(json_pack("[I,I]", (json_int_t)pair[0], (json_int_t)pair[1]), failed);
}

static json_t *real_to_json(double number, bool *failed)
{
    return isnan(number) ? NULL : made(json_real(number), failed);
}

static json_t *reals2_to_json(const double *reals, bool *failed)
{
    return isnan(reals[0]) ? NULL : made(json_pack("[f,f]", reals[0], reals[1]), failed);
}

static json_t *choice_to_json(const struct field *field, int choice, bool *failed)
{
    return choice < 0 ? NULL : made(json_string(field->choices[choice]), failed);
}

static json_t *either_to_json(const struct field *field, const struct either *either, bool *failed)
{
    if (either->choice >= 0)
        return choice_to_json(field, either->choice, failed);
    /* A step is a whole number and reads as one. */
    if (either->number == floor(either->number) && fabs(either->number) <= FIELD_INT_MAX)
        return made(json_integer((json_int_t)either->number), failed);
    return real_to_json(either->number, failed);
}

static json_t *text_to_json(const struct field *field, const char *text, bool *failed)
{
    if ((field->flags & FIELD_OPTIONAL) && text[0] == '\0')
        return NULL;
    return made(json_string(text), failed);
}

static json_t *integer_to_json(int64_t number, bool *failed)
{
    return number == FIELD_ABSENT ? NULL : made(json_integer(number), failed);
}

static json_t *pair_or_to_json(const struct field *field, const struct pair_or *value, bool *failed)
{
    if (value->choice >= 0)
        return choice_to_json(field, value->choice, failed);
    return pair_to_json(value->pair, failed);
}

/* How many items a list has; SIZE_MAX for what is no list. */
static size_t count_of(const struct field *field, const void *at)
{
    switch (field->type) {
    case FIELD_VARIANTS:
        return ((const struct variants *)at)->count;
    case FIELD_VARIANT_LISTS:
        return ((const struct variant_lists *)at)->count;
    case FIELD_LIST:
        return ((const struct list *)at)->count;
    case FIELD_LABELS:
        return ((const struct labels *)at)->count;
    default:
        return SIZE_MAX;
    }
}

static json_t *value_to_json(const struct field *field, const void *at, bool *failed)
{
    if ((field->flags & FIELD_OPTIONAL) && count_of(field, at) == 0)
        return NULL;
    switch (field->type) {
    case FIELD_BOOL:
        return made(json_boolean(*(const bool *)at), failed);
    case FIELD_INT:
        return integer_to_json(*(const int64_t *)at, failed);
    case FIELD_REAL:
        return real_to_json(*(const double *)at, failed);
    case FIELD_TEXT:
        return text_to_json(field, at, failed);
    case FIELD_CHOICE:
        return choice_to_json(field, *(const int *)at, failed);
    case FIELD_PAIR:
        return pair_to_json(at, failed);
    case FIELD_REALS2:
        return reals2_to_json(at, failed);
    case FIELD_EITHER:
        return either_to_json(field, at, failed);
    case FIELD_OBJECT:
        return object_to_json(field, at, failed);
    case FIELD_VARIANT:
        return variant_to_json(field->kinds, at, failed);
    case FIELD_VARIANTS:
        return variants_to_json(field->kinds, at, failed);
    case FIELD_VARIANT_LISTS:
        return variant_lists_to_json(field->kinds, at, failed);
    case FIELD_PAIR_OR:
        return pair_or_to_json(field, at, failed);
    case FIELD_LIST:
        return list_to_json(field->fields, at, failed);
    case FIELD_LABELS:
        return labels_to_json(at, failed);
    }
    return NULL;
}

json_t *spec_fields_to_json(const struct fields *fields, const void *base)
{
    bool failed = false;
    json_t *object = made(json_object(), &failed);

    fields_to_json(fields, base, object, &failed);
    if (failed) {
        json_decref(object);
        return NULL;
    }
    return object;
}

json_t *spec_to_json(const struct spec *spec)
{
    return spec_fields_to_json(&spec_fields, spec);
}

json_t *job_meta_to_json(const struct job_meta *meta)
{
    return spec_fields_to_json(&job_meta_fields, meta);
}
