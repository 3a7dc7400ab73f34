/* JSON as text. jansson writes every number with one precision for the whole document, so that 0.1
 * becomes 0.10000000000000001; here each number gets the fewest digits that read back as the same
 * one. Knows nothing of what the values mean. */
#include "server/spec_json.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct text {
    char *bytes;
    size_t used, room;
    bool failed;
};

static void put(struct text *text, const char *bytes, size_t size)
{
    if (text->failed)
        return;
    /* One byte is always left for the NUL. */
    if (size >= text->room - text->used) {
        size_t room = text->room;
        char *grown;

        while (size >= room - text->used)
            room *= 2;
        grown = realloc(text->bytes, room);
        if (!grown) {
            text->failed = true;
            return;
        }
        text->bytes = grown;
        text->room = room;
    }
    memcpy(text->bytes + text->used, bytes, size);
    text->used += size;
}

static void put_text(struct text *text, const char *bytes)
{
    put(text, bytes, strlen(bytes));
}

static void put_string(struct text *text, const char *bytes, size_t size)
{
    size_t plain = 0; /* start of what needs no escape */

    put(text, "\"", 1);
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        char escape[8];

        if (byte >= 0x20 && byte != 0x7F && byte != '"' && byte != '\\')
            continue;
        put(text, bytes + plain, i - plain);
        plain = i + 1;
        if (byte == '"' || byte == '\\')
            snprintf(escape, sizeof(escape), "\\%c", byte);
        else if (byte == '\n')
            snprintf(escape, sizeof(escape), "\\n");
        else if (byte == '\t')
            snprintf(escape, sizeof(escape), "\\t");
        else
            snprintf(escape, sizeof(escape), "\\u%04x", byte);
        put_text(text, escape);
    }
    put(text, bytes + plain, size - plain);
    put(text, "\"", 1);
}

void json_real_text(double value, char out[JSON_REAL_TEXT])
{
    /* 15 significant digits survive decimal → binary → decimal, so when there is a text of 15
     * digits or fewer,
     * %.15g finds it and drops its trailing zeros; 17 always suffice (IEEE 754). Subnormals have
     * fewer digits. */
    for (int digits = fabs(value) < DBL_MIN ? 1 : 15; digits <= 17; digits++) {
        snprintf(out, JSON_REAL_TEXT, "%.*g", digits, value);
        if (strtod(out, NULL) == value)
            break;
    }
    /* A real stays a real when it is read again. */
    if (!strpbrk(out, ".e"))
        strncat(out, ".0", JSON_REAL_TEXT - strlen(out) - 1);
}

static void put_value(struct text *text, const json_t *value);

static void put_object(struct text *text, const json_t *value)
{
    const char *key, *comma = "";
    json_t *item;

    put_text(text, "{");
    json_object_foreach ((json_t *)value, key, item) {
        put_text(text, comma);
        put_string(text, key, strlen(key));
        put_text(text, ":");
        put_value(text, item);
        comma = ",";
    }
    put_text(text, "}");
}

static void put_array(struct text *text, const json_t *value)
{
    put_text(text, "[");
    for (size_t i = 0; i < json_array_size(value); i++) {
        if (i > 0)
            put_text(text, ",");
        put_value(text, json_array_get(value, i));
    }
    put_text(text, "]");
}

static void put_number(struct text *text, const json_t *value)
{
    char number[JSON_REAL_TEXT];

    if (json_is_real(value))
        json_real_text(json_real_value(value), number);
    else
        snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    put_text(text, number);
}

static void put_value(struct text *text, const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        put_object(text, value);
        break;
    case JSON_ARRAY:
        put_array(text, value);
        break;
    case JSON_STRING:
        put_string(text, json_string_value(value), json_string_length(value));
        break;
    case JSON_INTEGER:
    case JSON_REAL:
        put_number(text, value);
        break;
    case JSON_TRUE:
        put_text(text, "true");
        break;
    case JSON_FALSE:
        put_text(text, "false");
        break;
    case JSON_NULL:
        put_text(text, "null");
        break;
    }
}

char *json_text(const json_t *value, size_t *size)
{
    struct text text = {.room = 1024};

    if (!value)
        return NULL;
    text.bytes = malloc(text.room);
    if (!text.bytes)
        return NULL;
    put_value(&text, value);
    if (text.failed) {
        free(text.bytes);
        return NULL;
    }
    text.bytes[text.used] = '\0';
    if (size)
        *size = text.used;
    return text.bytes;
}
