/* Problems as JSON: what an HTTP client gets in `errors`. */
#include "server/spec_json.h"

#include <stdio.h>
#include <string.h>

/* A text that came from outside by a way that did not check its UTF-8 must not swallow the whole
 * answer. */
static json_t *safe_string(const char *text)
{
    json_t *json = json_string(text);
    char copy[sizeof(((struct problem *)0)->detail)];
    size_t i;

    if (json)
        return json;
    for (i = 0; text[i] && i < sizeof(copy) - 1; i++)
        copy[i] = (unsigned char)text[i] < 0x80 ? text[i] : '?';
    copy[i] = '\0';
    return json_string(copy);
}

static bool append_name(json_t *list, const char *name)
{
    return json_array_append_new(list, json_string(name)) == 0;
}

static bool append_fields(json_t *list, const struct fields *fields)
{
    bool right = true;

    for (size_t i = 0; fields && i < fields->count; i++)
        right = right && append_name(list, fields->rows[i].name);
    return right;
}

/* The allowed names, an empty list when none are attached; NULL when memory is gone. */
static json_t *allowed(const struct problem *problem)
{
    json_t *list = json_array();
    bool right = list != NULL;

    for (size_t i = 0; problem->choices && problem->choices[i]; i++)
        right = right && append_name(list, problem->choices[i]);
    for (size_t i = 0; problem->kinds && i < problem->kinds->count; i++)
        right = right && append_name(list, problem->kinds->rows[i]->name);
    right = right && append_fields(list, problem->fields) && append_fields(list, problem->common);
    if (!right) {
        json_decref(list);
        return NULL;
    }
    return list;
}

static json_t *problem_to_json(const struct problem *problem)
{
    json_t *object = json_object();
    json_t *names = allowed(problem);
    bool right = object && names;

    right = right && json_object_set_new(object, "pointer", safe_string(problem->pointer)) == 0;
    right = right && json_object_set_new(object, "detail", safe_string(problem->detail)) == 0;
    if (right && json_array_size(names) > 0)
        right = json_object_set(object, "allowed", names) == 0;
    if (right && problem->suggestion[0])
        right = json_object_set_new(object, "suggestion", safe_string(problem->suggestion)) == 0;
    json_decref(names);
    if (!right) {
        json_decref(object);
        return NULL;
    }
    return object;
}

static bool append_dropped(json_t *list, size_t dropped)
{
    struct problem last = {.pointer = ""};

    if (dropped == 0)
        return true;
    snprintf(last.detail, sizeof(last.detail), "%zu more problems are not shown", dropped);
    return json_array_append_new(list, problem_to_json(&last)) == 0;
}

json_t *problems_to_json(const struct problems *problems)
{
    json_t *list = json_array();
    bool right = list != NULL;

    for (size_t i = 0; i < problems->count; i++)
        right = right && json_array_append_new(list, problem_to_json(&problems->items[i])) == 0;
    if (!right || !append_dropped(list, problems->dropped)) {
        json_decref(list);
        return NULL;
    }
    return list;
}
