/* Samples as JSON: {"instances": [sample, …]}, a sample being a list of channels, which are lists
 * of rows, which are lists of numbers. One sample alone, and grey ones without their one channel,
 * are taken too. */
#include "server/samples.h"

#include "server/spec_json.h"

#include <float.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEVELS_MAX = 4 };

/* The lists inside each other, from the outermost. */
struct nest {
    const struct samples_wish *wish;
    struct problems *problems;
    struct {
        int64_t size;
        const char *noun;
    } level[LEVELS_MAX];
    int levels;
    float *next; /* where the next number goes */
};

/* Where jansson takes far more memory than the text has bytes, numbers are counted first. */
static bool count_numbers(const char *text, size_t size, struct error *error)
{
    size_t commas = 0;

    for (size_t i = 0; i < size; i++)
        commas += text[i] == ',';
    return commas <= SAMPLES_JSON_NUMBERS ||
           error_set(error, ERROR_TOO_LARGE, "",
                     "there are more than %d numbers; so many are taken as application/x-npy only",
                     SAMPLES_JSON_NUMBERS);
}

static int depth_of(const json_t *value)
{
    int depth = 0;

    for (; json_is_array(value) && depth <= LEVELS_MAX; depth++)
        value = json_array_get(value, 0);
    return depth;
}

static const char *kind_of(const json_t *value)
{
    static const char *const names[] = {
        [JSON_OBJECT] = "an object", [JSON_ARRAY] = "a list",  [JSON_STRING] = "a string",
        [JSON_INTEGER] = "a number", [JSON_REAL] = "a number", [JSON_TRUE] = "true",
        [JSON_FALSE] = "false",      [JSON_NULL] = "null"};

    return names[json_typeof(value)];
}

static void put_number(struct nest *nest, const json_t *value, const char *pointer)
{
    double number = json_number_value(value);
    bool bytes = !nest->wish->real_pixels;

    if (!json_is_number(value))
        problem_add(nest->problems, pointer, "found %s; a number is wanted", kind_of(value));
    else if (bytes && (number < 0 || number > 255))
        problem_add(nest->problems, pointer,
                    "found %g; the network has learned from pixels of 0 … 255, and wants them "
                    "before any normalization",
                    number);
    else if (number > (double)FLT_MAX || number < -(double)FLT_MAX)
        problem_add(nest->problems, pointer, "found %g, which no float holds", number);
    else
        *nest->next = (float)number;
    nest->next++;
}

/* As deep as the nest has levels. A list of a wrong length is not looked into. */
static void walk(struct nest *nest, const json_t *value, int level, const char *pointer)
{
    int64_t size = level < nest->levels ? nest->level[level].size : 0;
    char inner[POINTER_BYTES];

    if (level == nest->levels) {
        put_number(nest, value, pointer);
    } else if (!json_is_array(value)) {
        problem_add(nest->problems, pointer, "found %s; a list of %" PRId64 " %s is wanted",
                    kind_of(value), size, nest->level[level].noun);
    } else if ((int64_t)json_array_size(value) != size) {
        problem_add(nest->problems, pointer, "found a list of %zu; %" PRId64 " %s are wanted",
                    json_array_size(value), size, nest->level[level].noun);
    } else {
        for (size_t i = 0; i < json_array_size(value); i++) {
            (void)snprintf(inner, sizeof(inner), "%s", pointer);
            pointer_push_index(inner, sizeof(inner), i);
            walk(nest, json_array_get(value, i), level + 1, inner);
        }
    }
}

/* Which levels there are follows from how deep the first member is. False: from no such depth. */
static bool make_levels(struct nest *nest, const json_t *instances)
{
    const struct shape *shape = &nest->wish->shape;
    bool grey = shape->channels == 1;
    int depth = depth_of(instances);
    bool several = depth == 4 || (depth == 3 && grey), channels = depth == 4 || !grey;

    if (depth > 4 || depth < 2 || (depth == 2 && !grey))
        return false;
    if (several) {
        nest->level[nest->levels].noun = "samples";
        nest->level[nest->levels++].size = (int64_t)json_array_size(instances);
    }
    if (channels) {
        nest->level[nest->levels].noun = "channels";
        nest->level[nest->levels++].size = shape->channels;
    }
    nest->level[nest->levels].noun = "rows";
    nest->level[nest->levels++].size = shape->height;
    nest->level[nest->levels].noun = "columns";
    nest->level[nest->levels++].size = shape->width;
    return true;
}

static bool refuse(const struct problems *problems, struct error *error)
{
    size_t count = problems->count + problems->dropped;

    return error_set(error, ERROR_INVALID, "", "the instances cannot be read: %zu %s", count,
                     count == 1 ? "thing is wrong" : "things are wrong");
}

static bool refuse_depth(const struct nest *nest, const json_t *instances, struct error *error)
{
    const struct shape *shape = &nest->wish->shape;

    problem_add(nest->problems, "/instances",
                "found %s; wanted is a list of samples, each a list of %" PRId64
                " channels of %" PRId64 " rows of %" PRId64 " numbers",
                !json_is_array(instances)          ? kind_of(instances)
                : json_array_size(instances) == 0  ? "an empty list"
                : depth_of(instances) > LEVELS_MAX ? "lists that lie too deep in each other"
                                                   : "too few lists inside each other",
                shape->channels, shape->height, shape->width);
    return refuse(nest->problems, error);
}

static bool read_instances(struct nest *nest, const json_t *instances, struct samples *out,
                           struct error *error)
{
    int64_t elements = shape_elements(&nest->wish->shape);

    if (!make_levels(nest, instances))
        return refuse_depth(nest, instances, error);
    out->split.count = strcmp(nest->level[0].noun, "samples") == 0 ? nest->level[0].size : 1;
    if (out->split.count > SAMPLES_MAX)
        return error_set(error, ERROR_TOO_LARGE, "",
                         "there are %" PRId64 " samples; at most %d are taken at once",
                         out->split.count, SAMPLES_MAX);
    if (saturating_product(elements, out->split.count) > SAMPLES_JSON_NUMBERS)
        return error_set(error, ERROR_TOO_LARGE, "",
                         "%" PRId64 " samples of %" PRId64 " numbers are more than %d numbers; so "
                         "many are taken as application/x-npy only",
                         out->split.count, elements, SAMPLES_JSON_NUMBERS);
    out->reals = calloc((size_t)(out->split.count * elements), sizeof(*out->reals));
    if (!out->reals)
        return error_set(error, ERROR_MEMORY, "", "no memory for the samples");
    nest->next = out->reals;
    walk(nest, instances, 0, "/instances");
    return nest->problems->count == 0 || refuse(nest->problems, error);
}

/* The one member; others are told of. NULL: it is not there. */
static json_t *find_instances(json_t *object, struct problems *problems)
{
    static const char *const allowed[] = {"instances", NULL};
    char pointer[POINTER_BYTES];
    const char *key;
    json_t *value;

    json_object_foreach (object, key, value) {
        if (strcmp(key, allowed[0]) == 0)
            continue;
        pointer[0] = '\0';
        pointer_push(pointer, sizeof(pointer), key);
        struct problem *problem = problem_add(problems, pointer, "there is no such member");
        problem->choices = allowed;
        problem_suggest(problem, key);
    }
    if (!json_object_get(object, allowed[0]))
        problem_add(problems, "", "the member \"instances\" is missing: the list of samples");
    return json_object_get(object, allowed[0]);
}

bool samples_from_json(const struct samples_wish *wish, const char *text, size_t size,
                       struct samples *out, struct problems *problems, struct error *error)
{
    struct nest nest = {.wish = wish, .problems = problems};
    struct error cause = {0};
    json_t *object = NULL;

    if (!count_numbers(text, size, error))
        return false;
    if (!json_parse_strict(text, size, &object, problems, &cause))
        return error_set(error, cause.kind == ERROR_INVALID ? ERROR_CORRUPT : cause.kind, "", "%s",
                         cause.text);
    const json_t *instances = find_instances(object, problems);
    bool good = problems->count > 0 ? refuse(problems, error)
                                    : read_instances(&nest, instances, out, error);
    json_decref(object);
    return good;
}
