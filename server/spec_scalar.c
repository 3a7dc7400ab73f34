/* Reading one plain value by its row. Knows nothing of objects and kinds. */
#include "server/spec_walk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Whether it is a number between quotes, where a number is wanted. */
static bool is_quoted_number(const struct spec_value *value)
{
    static const enum field_type numbers[] = {FIELD_INT,    FIELD_REAL,   FIELD_PAIR,
                                              FIELD_REALS2, FIELD_EITHER, FIELD_PAIR_OR};
    const char *text = json_string_value(value->json);
    char *end = NULL;

    if (!text || !*text)
        return false;
    (void)strtod(text, &end);
    for (size_t i = 0; i < COUNT_OF(numbers); i++)
        if (value->field->type == numbers[i])
            return *end == '\0';
    return false;
}

/* What helps besides what is wanted. */
static const char *hint(const struct spec_value *value)
{
    if (is_quoted_number(value))
        return "; a number stands without quotes";
    if (json_is_null(value->json) && !(value->field->flags & FIELD_REQUIRED))
        return "; leave the key out to get the default";
    return "";
}

struct problem *spec_wrong(struct spec_reader *reader, const struct spec_value *value)
{
    char found[96], wanted[224];
    struct problem *problem;

    spec_describe_found(value->json, found, sizeof(found));
    spec_describe_wanted(value->field, wanted, sizeof(wanted));
    problem = problem_add(reader->problems, value->pointer, "found %s; want %s%s", found, wanted,
                          hint(value));
    problem->choices = value->field->choices;
    return problem;
}

/* Wrong, and the nearest name helps. */
static void wrong_name(struct spec_reader *reader, const struct spec_value *value)
{
    struct problem *problem = spec_wrong(reader, value);

    if (json_is_string(value->json) && reader->problems->dropped == 0)
        problem_suggest(problem, json_string_value(value->json));
}

static bool in_range(const struct field *field, double number)
{
    if (field->flags & FIELD_ABOVE_MIN ? number <= field->min : number < field->min)
        return false;
    return field->flags & FIELD_BELOW_MAX ? number < field->max : number <= field->max;
}

static bool read_integer(const struct field *field, const json_t *json, int64_t *out)
{
    double number = json_real_value(json); /* 0 unless it is a real */
    int64_t whole;

    if (json_is_integer(json))
        whole = json_integer_value(json);
    else if (json_is_real(json) && fabs(number) <= FIELD_INT_MAX && floor(number) == number)
        whole = (int64_t)number;
    else
        return false;
    if (!in_range(field, (double)whole))
        return false;
    *out = whole;
    return true;
}

static bool read_real(const struct field *field, const json_t *json, double *out)
{
    if (!json_is_number(json) || !in_range(field, json_number_value(json)))
        return false;
    *out = json_number_value(json);
    return true;
}

static bool read_pair(const struct field *field, const json_t *json, int64_t *out)
{
    int64_t height, width;

    if (!json_is_array(json)) {
        if (!read_integer(field, json, &height))
            return false;
        out[0] = out[1] = height;
        return true;
    }
    if (json_array_size(json) != 2 || !read_integer(field, json_array_get(json, 0), &height) ||
        !read_integer(field, json_array_get(json, 1), &width))
        return false;
    out[0] = height;
    out[1] = width;
    return true;
}

static bool read_reals2(const struct field *field, const json_t *json, double *out)
{
    double first, second;

    if (json_array_size(json) != 2 || !read_real(field, json_array_get(json, 0), &first) ||
        !read_real(field, json_array_get(json, 1), &second))
        return false;
    out[0] = first;
    out[1] = second;
    return true;
}

static bool read_choice(const struct field *field, const json_t *json, int *out)
{
    if (!json_is_string(json))
        return false;
    for (int i = 0; field->choices[i]; i++) {
        if (strcmp(field->choices[i], json_string_value(json)) == 0) {
            *out = i;
            return true;
        }
    }
    return false;
}

static bool read_either(const struct field *field, const json_t *json, struct either *out)
{
    double number;

    if (read_choice(field, json, &out->choice))
        return true;
    if (!read_real(field, json, &number))
        return false;
    *out = (struct either){.choice = -1, .number = number};
    return true;
}

static bool read_pair_or(const struct field *field, const json_t *json, struct pair_or *out)
{
    if (read_choice(field, json, &out->choice))
        return true;
    if (!read_pair(field, json, out->pair))
        return false;
    out->choice = -1;
    return true;
}

static bool has_control(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7F)
            return true;
    return false;
}

static void read_text(struct spec_reader *reader, const struct spec_value *value)
{
    const struct field *field = value->field;
    size_t length = json_string_length(value->json);

    if (!json_is_string(value->json) || (double)length < field->min || (double)length > field->max)
        spec_wrong(reader, value);
    else if (has_control(json_string_value(value->json)))
        problem_add(reader->problems, value->pointer, "the text has control characters in it");
    else
        memcpy(value->at, json_string_value(value->json), length + 1);
}

void spec_read_scalar(struct spec_reader *reader, const struct spec_value *value)
{
    const struct field *field = value->field;
    const json_t *json = value->json;
    bool right = false;

    switch (field->type) {
    case FIELD_BOOL:
        right = json_is_boolean(json);
        if (right)
            *(bool *)value->at = json_is_true(json);
        break;
    case FIELD_INT:
        right = read_integer(field, json, value->at);
        break;
    case FIELD_REAL:
        right = read_real(field, json, value->at);
        break;
    case FIELD_PAIR:
        right = read_pair(field, json, value->at);
        break;
    case FIELD_REALS2:
        right = read_reals2(field, json, value->at);
        break;
    case FIELD_CHOICE:
        right = read_choice(field, json, value->at);
        break;
    case FIELD_EITHER:
        right = read_either(field, json, value->at);
        break;
    case FIELD_PAIR_OR:
        right = read_pair_or(field, json, value->at);
        break;
    case FIELD_TEXT:
        read_text(reader, value);
        return;
    default:
        break;
    }
    if (!right)
        wrong_name(reader, value);
}

static bool label_fits(const struct spec_reader *reader, const char *pointer, const char *key,
                       const json_t *json)
{
    char found[96];

    spec_describe_found(json, found, sizeof(found));
    if (key[0] == '\0' || strlen(key) > LABEL_KEY_MAX || has_control(key))
        problem_add(reader->problems, pointer,
                    "a label's key has 1 to %d bytes and no control characters", LABEL_KEY_MAX);
    else if (!json_is_string(json) || json_string_length(json) > LABEL_VALUE_MAX)
        problem_add(reader->problems, pointer, "found %s; want a string of at most %d bytes", found,
                    LABEL_VALUE_MAX);
    else if (has_control(json_string_value(json)))
        problem_add(reader->problems, pointer, "the text has control characters in it");
    else
        return true;
    return false;
}

void spec_read_labels(struct spec_reader *reader, const struct spec_value *value)
{
    struct labels *labels = value->at;
    size_t count = json_object_size(value->json);
    const char *key;
    json_t *json;

    if (!json_is_object(value->json)) {
        spec_wrong(reader, value);
        return;
    }
    if (count > LABELS_MAX) {
        problem_add(reader->problems, value->pointer, "found %zu labels; want at most %d", count,
                    LABELS_MAX);
        return;
    }
    labels->items = arena_take_array(reader->arena, count, sizeof(labels->items[0]));
    if (!labels->items) {
        reader->memory_gone = true;
        return;
    }
    json_object_foreach ((json_t *)value->json, key, json) {
        struct label *label = &labels->items[labels->count];
        char pointer[POINTER_BYTES];

        snprintf(pointer, sizeof(pointer), "%s", value->pointer);
        pointer_push(pointer, sizeof(pointer), key);
        if (!label_fits(reader, pointer, key, json))
            continue;
        label->key = arena_copy_text(reader->arena, key);
        label->value = arena_copy_text(reader->arena, json_string_value(json));
        if (!label->key || !label->value) {
            reader->memory_gone = true;
            return;
        }
        labels->count++;
    }
}
