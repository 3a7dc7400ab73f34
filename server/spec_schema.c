/* JSON Schema (2020-12) of a job, from the same rows that read it. What the rules between fields
 * say (epochs or max_steps) is not in rows and therefore not here. */
#include "server/spec_walk.h"

#include <stdio.h>
#include <string.h>

struct schema {
    json_t *definitions; /* "$defs": one per family of kinds, so that a layer may hold layers */
    bool failed;
};

static json_t *value_schema(struct schema *schema, const struct field *field);

/* Takes `value`. */
static void set(struct schema *schema, json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value) != 0)
        schema->failed = true;
}

static void append(struct schema *schema, json_t *list, json_t *value)
{
    if (json_array_append_new(list, value) != 0)
        schema->failed = true;
}

/* Bounds that are whole are written as integers: 1, not 1.0. */
static json_t *number_json(double number)
{
    if (floor(number) == number && fabs(number) <= FIELD_INT_MAX)
        return json_integer((json_int_t)number);
    return json_real(number);
}

static json_t *number_schema(struct schema *schema, const struct field *field, const char *type)
{
    json_t *object = json_pack("{s:s}", "type", type);

    if (isfinite(field->min))
        set(schema, object, field->flags & FIELD_ABOVE_MIN ? "exclusiveMinimum" : "minimum",
            number_json(field->min));
    if (isfinite(field->max))
        set(schema, object, field->flags & FIELD_BELOW_MAX ? "exclusiveMaximum" : "maximum",
            number_json(field->max));
    return object;
}

static json_t *two_of(struct schema *schema, const struct field *field, const char *type)
{
    return json_pack("{s:s, s:o, s:i, s:i}", "type", "array", "items",
                     number_schema(schema, field, type), "minItems", 2, "maxItems", 2);
}

static json_t *choices_schema(struct schema *schema, const struct field *field)
{
    json_t *names = json_array();

    for (size_t i = 0; field->choices[i]; i++)
        append(schema, names, json_string(field->choices[i]));
    return json_pack("{s:o}", "enum", names);
}

static json_t *text_schema(struct schema *schema, const struct field *field)
{
    json_t *object = json_pack("{s:s, s:I}", "type", "string", "maxLength", (json_int_t)field->max);

    if (field->min > 0)
        set(schema, object, "minLength", json_integer((json_int_t)field->min));
    return object;
}

static json_t *labels_schema(void)
{
    return json_pack("{s:s, s:i, s:{s:i, s:i}, s:{s:s, s:i}}", "type", "object", "maxProperties",
                     LABELS_MAX, "propertyNames", "minLength", 1, "maxLength", LABEL_KEY_MAX,
                     "additionalProperties", "type", "string", "maxLength", LABEL_VALUE_MAX);
}

/* Whether a row alone says what happens when its key is left out. A number outside the bounds
 * stands for "worked out from other fields". */
static bool has_default(const struct field *field)
{
    bool in_bounds = field->fallback >= field->min && field->fallback <= field->max;

    if (field->flags & (FIELD_REQUIRED | FIELD_OPTIONAL))
        return false;
    switch (field->type) {
    case FIELD_BOOL:
    case FIELD_REALS2:
        return true;
    case FIELD_INT:
    case FIELD_PAIR:
    case FIELD_PAIR_OR:
    case FIELD_REAL:
        return in_bounds;
    case FIELD_CHOICE:
    case FIELD_EITHER:
        return field->fallback >= 0;
    case FIELD_VARIANT:
        return field->fallback_kind != NULL;
    case FIELD_VARIANTS:
    case FIELD_VARIANT_LISTS:
    case FIELD_LIST:
        return field->min <= 0;
    default:
        return false;
    }
}

/* As it would be written. */
static json_t *default_variant(const struct field *field)
{
    const struct kind *untyped = field->kinds->untyped;

    if (!untyped)
        return json_pack("{s:s}", "type", field->fallback_kind);
    return strcmp(untyped->name, field->fallback_kind) == 0 ? json_object()
                                                            : json_string(field->fallback_kind);
}

static json_t *default_json(const struct field *field)
{
    switch (field->type) {
    case FIELD_BOOL:
        return json_boolean(field->fallback != 0);
    case FIELD_REALS2:
        return json_pack("[o,o]", number_json(field->fallback), number_json(field->fallback2));
    case FIELD_CHOICE:
    case FIELD_EITHER:
        return json_string(field->choices[(int)field->fallback]);
    case FIELD_VARIANT:
        return default_variant(field);
    case FIELD_VARIANTS:
    case FIELD_VARIANT_LISTS:
    case FIELD_LIST:
        return json_array();
    default:
        return number_json(field->fallback);
    }
}

/* Adds one table's rows to "properties" and "required". */
static void add_rows(struct schema *schema, const struct fields *fields, json_t *properties,
                     json_t *required)
{
    for (size_t i = 0; fields && i < fields->count; i++) {
        const struct field *field = &fields->rows[i];
        json_t *value = value_schema(schema, field);

        if (field->help)
            set(schema, value, "description", json_string(field->help));
        if (has_default(field))
            set(schema, value, "default", default_json(field));
        set(schema, properties, field->name, value);
        if (field->flags & FIELD_REQUIRED)
            append(schema, required, json_string(field->name));
    }
}

/* An object that takes the rows of both tables and nothing else. Takes `properties`; required names
 * so far are in `required`, taken too. */
static json_t *closed_object(struct schema *schema, const struct fields *tables[2],
                             json_t *properties, json_t *required)
{
    json_t *object = json_pack("{s:s, s:O, s:b}", "type", "object", "properties", properties,
                               "additionalProperties", 0);

    /* An absent list of required names would read as an empty one. */
    if (!properties || !required)
        schema->failed = true;
    add_rows(schema, tables[0], properties, required);
    add_rows(schema, tables[1], properties, required);
    if (json_array_size(required) > 0)
        set(schema, object, "required", json_incref(required));
    json_decref(properties);
    json_decref(required);
    return object;
}

static json_t *object_schema(struct schema *schema, const struct field *field)
{
    const struct fields *tables[2] = {field->fields, NULL};
    json_t *object = closed_object(schema, tables, json_object(), json_array());

    if (field->flags & FIELD_ONE_KEY) {
        set(schema, object, "minProperties", json_integer(1));
        set(schema, object, "maxProperties", json_integer(1));
    }
    return object;
}

static bool needs_options(const struct kind *kind, const struct kinds *kinds)
{
    const struct fields *tables[2] = {&kind->options, kinds->common};

    for (size_t t = 0; t < COUNT_OF(tables); t++)
        for (size_t i = 0; tables[t] && i < tables[t]->count; i++)
            if (tables[t]->rows[i].flags & FIELD_REQUIRED)
                return true;
    return false;
}

static json_t *kind_schema(struct schema *schema, const struct kinds *kinds,
                           const struct kind *kind)
{
    const struct fields *tables[2] = {&kind->options, kinds->common};
    json_t *properties = json_pack("{s:{s:s}}", "type", "const", kind->name);
    json_t *required = kind == kinds->untyped ? json_array() : json_pack("[s]", "type");
    json_t *object = closed_object(schema, tables, properties, required);

    set(schema, object, "title", json_string(kind->name));
    if (kind->help)
        set(schema, object, "description", json_string(kind->help));
    return object;
}

/* One alternative for each kind, and the bare names of those that need no options. */
static void define_kinds(struct schema *schema, const struct kinds *kinds, const char *name)
{
    json_t *alternatives = json_array(), *names = json_array();
    json_t *definition = json_pack("{s:o}", "oneOf", alternatives);

    /* Set before it is filled: a family that holds itself must find it. */
    set(schema, schema->definitions, name, definition);
    for (size_t i = 0; i < kinds->count; i++) {
        const struct kind *kind = kinds->rows[i];

        append(schema, alternatives, kind_schema(schema, kinds, kind));
        if (!needs_options(kind, kinds))
            append(schema, names, json_string(kind->name));
    }
    if (json_array_size(names) > 0)
        append(schema, alternatives, json_pack("{s:O}", "enum", names));
    json_decref(names);
}

static json_t *variant_schema(struct schema *schema, const struct kinds *kinds)
{
    char reference[96] = "#/$defs/";
    char *name = reference + strlen(reference);

    /* A reference is a part of an address, where a space may not stand. */
    snprintf(name, sizeof(reference) - strlen(reference), "%s", kinds->noun);
    for (char *at = name; *at; at++)
        *at = *at == ' ' ? '_' : *at;
    /* A family that holds itself and could not be set would be defined for ever. */
    if (!schema->failed && !json_object_get(schema->definitions, name))
        define_kinds(schema, kinds, name);
    return json_pack("{s:s}", "$ref", reference);
}

static json_t *array_schema(json_t *items, size_t min, size_t max)
{
    return json_pack("{s:s, s:o, s:I, s:I}", "type", "array", "items", items, "minItems",
                     (json_int_t)min, "maxItems", (json_int_t)max);
}

/* A list whose row bounds the number of its items. */
static json_t *bounded(const struct field *field, json_t *items)
{
    return array_schema(items, (size_t)field->min, spec_list_max(field));
}

/* The items of a list: one value each, or as many as there are rows, in their order. */
static json_t *item_schema(struct schema *schema, const struct fields *fields)
{
    json_t *parts;

    if (fields->count == 1)
        return value_schema(schema, &fields->rows[0]);
    parts = json_array();
    for (size_t i = 0; i < fields->count; i++) {
        json_t *part = value_schema(schema, &fields->rows[i]);

        set(schema, part, "title", json_string(fields->rows[i].name));
        append(schema, parts, part);
    }
    return json_pack("{s:s, s:o, s:i, s:i}", "type", "array", "prefixItems", parts, "minItems",
                     (int)fields->count, "maxItems", (int)fields->count);
}

static json_t *pair_schema(struct schema *schema, const struct field *field)
{
    json_t *ways = json_pack("[o,o]", number_schema(schema, field, "integer"),
                             two_of(schema, field, "integer"));

    if (field->type == FIELD_PAIR_OR)
        append(schema, ways, choices_schema(schema, field));
    return json_pack("{s:o}", "oneOf", ways);
}

static json_t *value_schema(struct schema *schema, const struct field *field)
{
    switch (field->type) {
    case FIELD_BOOL:
        return json_pack("{s:s}", "type", "boolean");
    case FIELD_INT:
        return number_schema(schema, field, "integer");
    case FIELD_REAL:
        return number_schema(schema, field, "number");
    case FIELD_TEXT:
        return text_schema(schema, field);
    case FIELD_CHOICE:
        return choices_schema(schema, field);
    case FIELD_PAIR:
    case FIELD_PAIR_OR:
        return pair_schema(schema, field);
    case FIELD_REALS2:
        return two_of(schema, field, "number");
    case FIELD_EITHER:
        return json_pack("{s:[o,o]}", "oneOf", choices_schema(schema, field),
                         number_schema(schema, field, "number"));
    case FIELD_OBJECT:
        return object_schema(schema, field);
    case FIELD_VARIANT:
        return variant_schema(schema, field->kinds);
    case FIELD_VARIANTS:
        return bounded(field, variant_schema(schema, field->kinds));
    case FIELD_VARIANT_LISTS:
        return bounded(field, array_schema(variant_schema(schema, field->kinds), 0, LIST_MAX));
    case FIELD_LIST:
        return bounded(field, item_schema(schema, field->fields));
    case FIELD_LABELS:
        return labels_schema();
    }
    return NULL;
}

json_t *spec_fields_schema(const struct fields *first, const struct fields *second,
                           const char *title)
{
    const struct fields *tables[2] = {first, second};
    struct schema schema = {.definitions = json_object()};
    json_t *object = closed_object(&schema, tables, json_object(), json_array());

    set(&schema, object, "$schema", json_string("https://json-schema.org/draft/2020-12/schema"));
    set(&schema, object, "title", json_string(title));
    set(&schema, object, "$defs", schema.definitions);
    if (schema.failed || !object) {
        json_decref(object);
        return NULL;
    }
    return object;
}

json_t *spec_schema(void)
{
    return spec_fields_schema(&job_meta_fields, &spec_fields, "traind job");
}
