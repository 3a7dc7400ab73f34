#include "tests/server/spec_kept.h"

#include <string.h>

static bool kept_object(const json_t *given, const json_t *written)
{
    const char *key;
    json_t *value;

    json_object_foreach ((json_t *)given, key, value) {
        /* An empty text and none are the same; what needs no "type" is written without it. */
        if (json_is_string(value) && json_string_length(value) == 0)
            continue;
        if (strcmp(key, "type") == 0 && !json_object_get(written, key))
            continue;
        if (!spec_kept(value, json_object_get(written, key)))
            return false;
    }
    return json_is_object(written);
}

static bool kept_list(const json_t *given, const json_t *written)
{
    size_t count = json_array_size(given);

    /* A pair of equal sizes may be written as one. */
    if (count == 2 && json_is_number(written))
        return spec_kept(json_array_get(given, 0), written) &&
               spec_kept(json_array_get(given, 1), written);
    for (size_t i = 0; i < count; i++)
        if (!spec_kept(json_array_get(given, i), json_array_get(written, i)))
            return false;
    return json_array_size(written) == count;
}

/* A variant of a name alone may be written as an object and the other way round, and one that needs
 * no "type" without it. */
static bool kept_name(const json_t *name, const json_t *variant)
{
    const json_t *type = json_object_get(variant, "type");

    return !type || json_equal(name, type);
}

bool spec_kept(const json_t *given, const json_t *written)
{
    if (json_is_string(given) && json_is_object(written))
        return kept_name(given, written);
    if (json_is_object(given) && json_is_string(written))
        return json_object_size(given) == 1 && kept_name(written, given);
    if (json_is_object(given))
        return kept_object(given, written);
    if (json_is_array(given))
        return kept_list(given, written);
    if (json_is_number(given))
        return json_is_number(written) && json_number_value(given) == json_number_value(written);
    return json_equal(given, written);
}
