/* Reading variants: a kind with its options, lists of them, and lists of such lists. Knows no kind
 * by name. */
#include "server/spec_walk.h"

#include "core/layer.h"

#include <stdio.h>

static bool misses_type(const struct spec_value *value)
{
    return json_is_object(value->json) && !json_object_get(value->json, "type");
}

/* Whatever stands where a kind's name should stand. NULL after adding the problem. */
static const struct kind *find_kind(struct spec_reader *reader, const struct kinds *kinds,
                                    const json_t *type, const char *pointer)
{
    const struct kind *kind = kinds_find(kinds, json_string_value(type));
    struct problem *problem;
    char found[96];

    if (kind)
        return kind;
    spec_describe_found(type, found, sizeof(found));
    problem =
        problem_add(reader->problems, pointer, "found %s, which is no %s", found, kinds->noun);
    problem->kinds = kinds;
    if (reader->problems->dropped == 0)
        problem_suggest(problem, json_string_value(type));
    return NULL;
}

/* The kind that a variant names; NULL after adding the problem. */
static const struct kind *read_kind(struct spec_reader *reader, const struct spec_value *value)
{
    const struct kinds *kinds = value->field->kinds;
    const json_t *type = value->json;
    char pointer[POINTER_BYTES], found[96], wanted[128] = "a name";

    if (misses_type(value) && kinds->untyped)
        return kinds->untyped;
    snprintf(pointer, sizeof(pointer), "%s", value->pointer);
    if (json_is_object(value->json)) {
        pointer_push(pointer, sizeof(pointer), "type");
        type = json_object_get(value->json, "type");
    } else {
        spec_describe_variant(kinds, wanted, sizeof(wanted));
    }
    if (!type) {
        problem_add(reader->problems, pointer, "is required: which %s", kinds->noun)->kinds = kinds;
        return NULL;
    }
    if (json_is_string(type))
        return find_kind(reader, kinds, type, pointer);
    spec_describe_found(type, found, sizeof(found));
    problem_add(reader->problems, pointer, "found %s; want %s", found, wanted)->kinds = kinds;
    return NULL;
}

void spec_read_variant(struct spec_reader *reader, const struct spec_value *value)
{
    const struct kinds *kinds = value->field->kinds;
    const struct kind *kind = read_kind(reader, value);
    struct spec_object object = {.pointer = value->pointer, .has_type = true};
    struct variant *out = value->at;

    if (!kind)
        return;
    if (!variant_make(reader->arena, kinds, kind, out)) {
        out->kind = NULL;
        reader->memory_gone = true;
        return;
    }
    object.json = json_is_object(value->json) ? value->json : NULL;
    object.owner = kind->name;
    object.blocks[0] = (struct spec_block){&kind->options, out->options};
    object.blocks[1] = (struct spec_block){kinds->common, out->common};
    spec_read_object(reader, &object);
}

/* The variants of a list that is known to be one. */
static void read_items(struct spec_reader *reader, const struct spec_value *value)
{
    struct variants *variants = value->at;
    size_t count = json_array_size(value->json);

    variants->items = arena_take_array(reader->arena, count, sizeof(variants->items[0]));
    if (!variants->items) {
        reader->memory_gone = true;
        return;
    }
    variants->count = count;
    reader->lists++;
    for (size_t i = 0; i < count; i++) {
        char pointer[POINTER_BYTES];

        snprintf(pointer, sizeof(pointer), "%s", value->pointer);
        pointer_push_index(pointer, sizeof(pointer), i);
        spec_read_variant(reader, &(struct spec_value){value->field, json_array_get(value->json, i),
                                                       &variants->items[i], pointer});
    }
    reader->lists--;
}

/* Whether it is a list of as many as its row allows, and not too deep inside others: all that
 * walks a spec afterwards relies on that. */
static bool is_list(struct spec_reader *reader, const struct spec_value *value)
{
    size_t count = json_array_size(value->json);

    if (!json_is_array(value->json) || (double)count < value->field->min ||
        count > spec_list_max(value->field)) {
        spec_wrong(reader, value)->kinds = value->field->kinds;
        return false;
    }
    if (reader->lists > LAYER_DEPTH_MAX) {
        problem_add(reader->problems, value->pointer, "%ss are nested more than %d deep",
                    value->field->kinds->noun, LAYER_DEPTH_MAX);
        return false;
    }
    return true;
}

void spec_read_variants(struct spec_reader *reader, const struct spec_value *value)
{
    if (is_list(reader, value))
        read_items(reader, value);
}

/* One of a list's lists, whose length no row bounds. */
static void read_inner(struct spec_reader *reader, const struct spec_value *value)
{
    char found[96];

    if (json_is_array(value->json) && json_array_size(value->json) <= LIST_MAX) {
        read_items(reader, value);
        return;
    }
    spec_describe_found(value->json, found, sizeof(found));
    problem_add(reader->problems, value->pointer,
                "found %s; want a list of at most %d objects {\"type\": …}, which may be empty",
                found, LIST_MAX)
        ->kinds = value->field->kinds;
}

void spec_read_variant_lists(struct spec_reader *reader, const struct spec_value *value)
{
    struct variant_lists *lists = value->at;
    size_t count = json_array_size(value->json);

    if (!is_list(reader, value))
        return;
    lists->items = arena_take_array(reader->arena, count, sizeof(lists->items[0]));
    if (!lists->items) {
        reader->memory_gone = true;
        return;
    }
    lists->count = count;
    for (size_t i = 0; i < count; i++) {
        char pointer[POINTER_BYTES];

        snprintf(pointer, sizeof(pointer), "%s", value->pointer);
        pointer_push_index(pointer, sizeof(pointer), i);
        read_inner(reader, &(struct spec_value){value->field, json_array_get(value->json, i),
                                                &lists->items[i], pointer});
    }
}
