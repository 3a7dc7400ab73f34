#include "tests/server/schema_check.h"

#include "tests/harness.h"

#include <math.h>
#include <string.h>

struct check {
    const json_t *root, *schema;
    const json_t *rule; /* what stands behind the keyword */
    const json_t *value;
};

static bool check_type(const struct check *c)
{
    const char *type = json_string_value(c->rule);
    double number = json_number_value(c->value);

    if (strcmp(type, "object") == 0)
        return json_is_object(c->value);
    if (strcmp(type, "array") == 0)
        return json_is_array(c->value);
    if (strcmp(type, "string") == 0)
        return json_is_string(c->value);
    if (strcmp(type, "boolean") == 0)
        return json_is_boolean(c->value);
    if (strcmp(type, "number") == 0)
        return json_is_number(c->value);
    CHECK_TEXT(type, "integer");
    return json_is_number(c->value) && floor(number) == number;
}

static bool check_enum(const struct check *c)
{
    for (size_t i = 0; i < json_array_size(c->rule); i++)
        if (json_equal(json_array_get(c->rule, i), c->value))
            return true;
    return false;
}

static bool check_const(const struct check *c)
{
    return json_equal(c->rule, c->value);
}

static bool check_minimum(const struct check *c)
{
    return !json_is_number(c->value) || json_number_value(c->value) >= json_number_value(c->rule);
}

static bool check_maximum(const struct check *c)
{
    return !json_is_number(c->value) || json_number_value(c->value) <= json_number_value(c->rule);
}

static bool check_above(const struct check *c)
{
    return !json_is_number(c->value) || json_number_value(c->value) > json_number_value(c->rule);
}

static bool check_below(const struct check *c)
{
    return !json_is_number(c->value) || json_number_value(c->value) < json_number_value(c->rule);
}

/* Characters, not bytes. */
static json_int_t length_of(const json_t *value)
{
    json_int_t count = 0;

    for (const char *at = json_string_value(value); *at; at++)
        count += ((unsigned char)*at & 0xC0) != 0x80;
    return count;
}

static bool check_min_length(const struct check *c)
{
    return !json_is_string(c->value) || length_of(c->value) >= json_integer_value(c->rule);
}

static bool check_max_length(const struct check *c)
{
    return !json_is_string(c->value) || length_of(c->value) <= json_integer_value(c->rule);
}

static bool check_min_items(const struct check *c)
{
    return !json_is_array(c->value) ||
           (json_int_t)json_array_size(c->value) >= json_integer_value(c->rule);
}

static bool check_max_items(const struct check *c)
{
    return !json_is_array(c->value) ||
           (json_int_t)json_array_size(c->value) <= json_integer_value(c->rule);
}

static bool check_items(const struct check *c)
{
    for (size_t i = 0; i < json_array_size(c->value); i++)
        if (!schema_accepts(c->root, c->rule, json_array_get(c->value, i)))
            return false;
    return true;
}

static bool check_prefix(const struct check *c)
{
    for (size_t i = 0; i < json_array_size(c->rule) && i < json_array_size(c->value); i++)
        if (!schema_accepts(c->root, json_array_get(c->rule, i), json_array_get(c->value, i)))
            return false;
    return true;
}

static bool check_properties(const struct check *c)
{
    const char *key;
    json_t *rule;

    json_object_foreach ((json_t *)c->rule, key, rule) {
        const json_t *value = json_object_get(c->value, key);

        if (value && !schema_accepts(c->root, rule, value))
            return false;
    }
    return true;
}

static bool check_required(const struct check *c)
{
    for (size_t i = 0; json_is_object(c->value) && i < json_array_size(c->rule); i++)
        if (!json_object_get(c->value, json_string_value(json_array_get(c->rule, i))))
            return false;
    return true;
}

static bool check_additional(const struct check *c)
{
    const json_t *properties = json_object_get(c->schema, "properties");
    const char *key;
    json_t *value;

    if (!json_is_object(c->value))
        return true;
    json_object_foreach ((json_t *)c->value, key, value) {
        if (json_object_get(properties, key))
            continue;
        if (!schema_accepts(c->root, c->rule, value))
            return false;
    }
    return true;
}

static bool check_names(const struct check *c)
{
    const char *key;
    json_t *value;

    if (!json_is_object(c->value))
        return true;
    json_object_foreach ((json_t *)c->value, key, value) {
        json_t *name = json_string(key);
        bool right = schema_accepts(c->root, c->rule, name);

        json_decref(name);
        if (!right)
            return false;
    }
    return true;
}

static bool check_min_properties(const struct check *c)
{
    return !json_is_object(c->value) ||
           (json_int_t)json_object_size(c->value) >= json_integer_value(c->rule);
}

static bool check_max_properties(const struct check *c)
{
    return !json_is_object(c->value) ||
           (json_int_t)json_object_size(c->value) <= json_integer_value(c->rule);
}

static bool check_one_of(const struct check *c)
{
    int accepted = 0;

    for (size_t i = 0; i < json_array_size(c->rule); i++)
        accepted += schema_accepts(c->root, json_array_get(c->rule, i), c->value);
    return accepted == 1;
}

static bool check_reference(const struct check *c)
{
    const char *reference = json_string_value(c->rule);
    static const char prefix[] = "#/$defs/";

    CHECK(strncmp(reference, prefix, sizeof(prefix) - 1) == 0);
    const json_t *target =
        json_object_get(json_object_get(c->root, "$defs"), reference + sizeof(prefix) - 1);
    CHECK(target != NULL);
    return schema_accepts(c->root, target, c->value);
}

static bool check_nothing(const struct check *c)
{
    (void)c;
    return true;
}

static const struct keyword {
    const char *name;
    bool (*check)(const struct check *c);
} keywords[] = {
    {"type", check_type},
    {"enum", check_enum},
    {"const", check_const},
    {"minimum", check_minimum},
    {"maximum", check_maximum},
    {"exclusiveMinimum", check_above},
    {"exclusiveMaximum", check_below},
    {"minLength", check_min_length},
    {"maxLength", check_max_length},
    {"minItems", check_min_items},
    {"maxItems", check_max_items},
    {"items", check_items},
    {"prefixItems", check_prefix},
    {"properties", check_properties},
    {"required", check_required},
    {"additionalProperties", check_additional},
    {"propertyNames", check_names},
    {"minProperties", check_min_properties},
    {"maxProperties", check_max_properties},
    {"oneOf", check_one_of},
    {"$ref", check_reference},
    {"$schema", check_nothing},
    {"$defs", check_nothing},
    {"title", check_nothing},
    {"description", check_nothing},
    {"default", check_nothing},
};

bool schema_accepts(const json_t *root, const json_t *schema, const json_t *value)
{
    const char *key;
    json_t *rule;

    if (json_is_boolean(schema))
        return json_is_true(schema);
    json_object_foreach ((json_t *)schema, key, rule) {
        const struct keyword *found = NULL;

        for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++)
            if (strcmp(keywords[i].name, key) == 0)
                found = &keywords[i];
        if (!found)
            FAIL("the schema uses the keyword \"%s\"", key);
        if (!found->check(&(struct check){root, schema, rule, value}))
            return false;
    }
    return true;
}
