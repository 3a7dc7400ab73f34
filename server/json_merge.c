/* JSON merge patches: see json_merge.h. */
#include "server/json_merge.h"

#include "core/field.h"

#include <string.h>

static const char *const rivals[][2] = {
    {"epochs", "max_steps"},
    {"epochs", "steps"},
};

static bool is_given(const json_t *patch, const char *key)
{
    const json_t *value = json_object_get(patch, key);

    return value && !json_is_null(value);
}

static void put_out_rivals(json_t *object, const json_t *patch)
{
    for (size_t i = 0; i < COUNT_OF(rivals); i++)
        for (int one = 0; one < 2; one++)
            if (is_given(patch, rivals[i][one]) && !is_given(patch, rivals[i][1 - one]))
                (void)json_object_del(object, rivals[i][1 - one]);
}

static bool same_kind(const json_t *target, const json_t *patch)
{
    const char *wanted = json_string_value(json_object_get(patch, "type"));
    const char *found = json_string_value(json_object_get(target, "type"));

    return !wanted || (found && strcmp(found, wanted) == 0);
}

json_t *json_merge(const json_t *target, const json_t *patch)
{
    const char *key;
    json_t *value, *out;

    if (!json_is_object(patch))
        return json_deep_copy(patch);
    out = json_is_object(target) && same_kind(target, patch) ? json_copy((json_t *)target)
                                                             : json_object();
    put_out_rivals(out, patch);
    json_object_foreach ((json_t *)patch, key, value) {
        if (json_is_null(value))
            (void)json_object_del(out, key);
        else if (json_object_set_new(out, key, json_merge(json_object_get(out, key), value)) != 0) {
            json_decref(out);
            return NULL;
        }
    }
    return out;
}
