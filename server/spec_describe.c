/* Words for what was found and what is wanted, from a row alone, so that every option of every
 * layer complains in the same way. */
#include "server/spec_walk.h"

#include "core/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_MAX = 32 }; /* bytes of a found string */

/* Control characters would move a terminal's cursor; names are shown on some. */
static void describe_string(const json_t *json, char *out, size_t size)
{
    const char *text = json_string_value(json);
    size_t length = json_string_length(json);
    size_t shown = length > SHOWN_MAX ? text_whole(text, SHOWN_MAX) : length;
    char copy[SHOWN_MAX + 1];

    for (size_t i = 0; i < shown; i++)
        copy[i] = (unsigned char)text[i] < 0x20 || text[i] == 0x7F ? '?' : text[i];
    copy[shown] = '\0';
    snprintf(out, size, "the string \"%s\"%s", copy, shown < length ? " (cut)" : "");
}

/* Short lists are shown, so that the wrong one of two numbers can be seen. */
static void describe_list(const json_t *json, char *out, size_t size)
{
    size_t count = json_array_size(json);
    char *text;

    snprintf(out, size, "a list of %zu", count);
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(json, i);

        if (i >= 4 || json_is_object(item) || json_is_array(item) ||
            json_string_length(item) > SHOWN_MAX)
            return;
    }
    text = json_text(json, NULL);
    if (text && strlen(text) <= SHOWN_MAX)
        snprintf(out, size, "the list %s", text);
    free(text);
}

void spec_describe_found(const json_t *json, char *out, size_t size)
{
    char number[JSON_REAL_TEXT];

    switch (json_typeof(json)) {
    case JSON_STRING:
        describe_string(json, out, size);
        break;
    case JSON_INTEGER:
        snprintf(out, size, "%" JSON_INTEGER_FORMAT, json_integer_value(json));
        break;
    case JSON_REAL:
        json_real_text(json_real_value(json), number);
        snprintf(out, size, "%s", number);
        break;
    case JSON_ARRAY:
        describe_list(json, out, size);
        break;
    case JSON_OBJECT:
        snprintf(out, size, "an object");
        break;
    case JSON_TRUE:
        snprintf(out, size, "true");
        break;
    case JSON_FALSE:
        snprintf(out, size, "false");
        break;
    case JSON_NULL:
        snprintf(out, size, "null");
        break;
    }
}

/* A bound without needless digits: 4096, 0.1, 1e+06 as 1000000. */
static void bound_text(double bound, char out[JSON_REAL_TEXT])
{
    snprintf(out, JSON_REAL_TEXT, fabs(bound) < 1e16 && floor(bound) == bound ? "%.0f" : "%.15g",
             bound);
}

static void describe_range(const struct field *field, const char *noun, char *out, size_t size)
{
    char min[JSON_REAL_TEXT], max[JSON_REAL_TEXT];
    bool above = field->flags & FIELD_ABOVE_MIN, below = field->flags & FIELD_BELOW_MAX;
    bool has_min = field->min >= -FIELD_INT_MAX, has_max = field->max <= FIELD_INT_MAX;

    bound_text(field->min, min);
    bound_text(field->max, max);
    if (has_min && has_max && !above && !below)
        snprintf(out, size, "%s from %s to %s", noun, min, max);
    else if (has_min && has_max)
        snprintf(out, size, "%s %s %s and %s %s", noun, above ? "above" : "of at least", min,
                 below ? "below" : "at most", max);
    else if (has_min)
        snprintf(out, size, "%s %s %s", noun, above ? "above" : "of at least", min);
    else if (has_max)
        snprintf(out, size, "%s %s %s", noun, below ? "below" : "of at most", max);
    else
        snprintf(out, size, "%s", noun);
}

static void describe_text(const struct field *field, char *out, size_t size)
{
    if (field->min > 0)
        snprintf(out, size, "a string of %.0f to %.0f bytes", field->min, field->max);
    else
        snprintf(out, size, "a string of at most %.0f bytes", field->max);
}

static void append(char *out, size_t size, const char *format, ...) PRINTF_LIKE(3, 4);
static void append(char *out, size_t size, const char *format, ...)
{
    size_t used = strlen(out);
    va_list arguments;
    int wanted;

    va_start(arguments, format);
    wanted = vsnprintf(out + used, size - used, format, arguments);
    va_end(arguments);
    text_end_whole(out + used, size - used, wanted);
}

static void describe_choices(const struct field *field, char *out, size_t size)
{
    out[0] = '\0';
    for (size_t i = 0; field->choices[i]; i++)
        append(out, size, "%s\"%s\"",
               i == 0                  ? ""
               : field->choices[i + 1] ? ", "
                                       : " or ",
               field->choices[i]);
}

void spec_describe_item(const struct fields *fields, char *out, size_t size)
{
    snprintf(out, size, "[");
    for (size_t i = 0; i < fields->count; i++)
        append(out, size, "%s%s", i == 0 ? "" : ", ", fields->rows[i].name);
    append(out, size, "]");
}

static void describe_items(const struct field *field, char *out, size_t size)
{
    char item[128];

    if (field->fields->count == 1)
        spec_describe_wanted(&field->fields->rows[0], item, sizeof(item));
    else
        spec_describe_item(field->fields, item, sizeof(item));
    if ((size_t)field->min == spec_list_max(field))
        snprintf(out, size, "a list of %.0f, each %s", field->min, item);
    else
        snprintf(out, size, "a list of %.0f to %zu, each %s", field->min, spec_list_max(field),
                 item);
}

void spec_describe_variant(const struct kinds *kinds, char *out, size_t size)
{
    const struct kind *untyped = kinds->untyped;

    if (!untyped) {
        snprintf(out, size, "an object {\"type\": …} or a name alone");
        return;
    }
    snprintf(out, size, "a name or an object {");
    for (size_t i = 0; i < untyped->options.count; i++)
        append(out, size, "%s\"%s\": …", i == 0 ? "" : ", ", untyped->options.rows[i].name);
    append(out, size, "}");
}

static void describe_pair(const struct field *field, char *out, size_t size)
{
    describe_range(field, "an integer", out, size);
    append(out, size, ", or two of them as [height, width]");
}

/* One of the names, or a number or pair. */
static void describe_or(const struct field *field, char *out, size_t size)
{
    size_t used;

    describe_choices(field, out, size);
    append(out, size, ", or ");
    used = strlen(out);
    if (field->type == FIELD_PAIR_OR)
        describe_pair(field, out + used, size - used);
    else
        describe_range(field, "a number", out + used, size - used);
}

void spec_describe_wanted(const struct field *field, char *out, size_t size)
{
    switch (field->type) {
    case FIELD_BOOL:
        snprintf(out, size, "true or false");
        break;
    case FIELD_INT:
        describe_range(field, "an integer", out, size);
        break;
    case FIELD_REAL:
        describe_range(field, "a number", out, size);
        break;
    case FIELD_TEXT:
        describe_text(field, out, size);
        break;
    case FIELD_CHOICE:
        describe_choices(field, out, size);
        break;
    case FIELD_PAIR:
        describe_pair(field, out, size);
        break;
    case FIELD_REALS2:
        describe_range(field, "a list of two numbers, each", out, size);
        break;
    case FIELD_EITHER:
    case FIELD_PAIR_OR:
        describe_or(field, out, size);
        break;
    case FIELD_OBJECT:
        snprintf(out, size, "an object");
        break;
    case FIELD_VARIANT:
        spec_describe_variant(field->kinds, out, size);
        break;
    case FIELD_VARIANTS:
        snprintf(out, size, "a list of %.0f to %zu objects {\"type\": …}", field->min,
                 spec_list_max(field));
        break;
    case FIELD_VARIANT_LISTS:
        snprintf(out, size, "a list of %.0f to %zu lists of objects {\"type\": …}", field->min,
                 spec_list_max(field));
        break;
    case FIELD_LIST:
        describe_items(field, out, size);
        break;
    case FIELD_LABELS:
        snprintf(out, size, "an object of at most %d strings", LABELS_MAX);
        break;
    }
}
