/* Body: a growing text and the ways JSON spells things. */
#include "server/body.h"

#include "server/spec_json.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void body_drop(struct body *body)
{
    free(body->bytes);
    *body = (struct body){0};
}

/* Room for `size` more bytes and a NUL. */
static bool body_grow(struct body *body, size_t size)
{
    size_t room = body->room ? body->room : 512;
    char *grown;

    if (body->failed || size >= SIZE_MAX / 2 - body->size) {
        body->failed = true;
        return false;
    }
    while (room <= body->size + size)
        room *= 2;
    if (room == body->room)
        return true;
    grown = realloc(body->bytes, room);
    if (!grown) {
        body->failed = true;
        return false;
    }
    body->bytes = grown;
    body->room = room;
    return true;
}

void body_put(struct body *body, const void *bytes, size_t size)
{
    if (!body_grow(body, size))
        return;
    if (size > 0)
        memcpy(body->bytes + body->size, bytes, size);
    body->size += size;
    body->bytes[body->size] = '\0';
}

void body_text(struct body *body, const char *text)
{
    body_put(body, text, strlen(text));
}

void body_print(struct body *body, const char *format, ...)
{
    va_list arguments;
    int wanted;

    va_start(arguments, format);
    wanted = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (wanted < 0 || !body_grow(body, (size_t)wanted)) {
        body->failed = true;
        return;
    }
    va_start(arguments, format);
    (void)vsnprintf(body->bytes + body->size, (size_t)wanted + 1, format, arguments);
    va_end(arguments);
    body->size += (size_t)wanted;
}

/* Length of the well-formed UTF-8 character at `text` (Unicode 15, table 3-7), 0 when it is none.
 */
static size_t utf8_length(const unsigned char *text)
{
    size_t length = text[0] < 0x80   ? 1
                    : text[0] < 0xC2 ? 0
                    : text[0] < 0xE0 ? 2
                    : text[0] < 0xF0 ? 3
                                     : 4;
    unsigned char low = 0x80, high = 0xBF;

    if (text[0] > 0xF4)
        return 0;
    if (length < 2)
        return length;
    low = text[0] == 0xE0 ? 0xA0 : text[0] == 0xF0 ? 0x90 : low;
    high = text[0] == 0xED ? 0x9F : text[0] == 0xF4 ? 0x8F : high;
    if (text[1] < low || text[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++)
        if (text[i] < 0x80 || text[i] > 0xBF)
            return 0;
    return length;
}

static void body_escape(struct body *body, unsigned char byte)
{
    if (byte == '"' || byte == '\\')
        body_print(body, "\\%c", byte);
    else if (byte < 0x80)
        body_print(body, "\\u%04x", byte);
    else
        body_text(body, "\xEF\xBF\xBD"); /* no part of UTF-8 */
}

/* Length of the character at `at` where it may stand in a JSON string as it is, else 0. */
static size_t plain_length(const unsigned char *at)
{
    if (*at < 0x20 || *at == 0x7F || *at == '"' || *at == '\\')
        return 0;
    return utf8_length(at);
}

void body_string(struct body *body, const char *text)
{
    const unsigned char *at = (const unsigned char *)text;

    if (!text) {
        body_text(body, "null");
        return;
    }
    body_text(body, "\"");
    while (*at) {
        const unsigned char *start = at;
        size_t length;

        while ((length = plain_length(at)) > 0)
            at += length;
        body_put(body, start, (size_t)(at - start));
        if (*at)
            body_escape(body, *at++);
    }
    body_text(body, "\"");
}

void body_real(struct body *body, double value)
{
    char number[JSON_REAL_TEXT];

    if (!isfinite(value)) {
        body_text(body, "null");
        return;
    }
    json_real_text(value, number);
    body_text(body, number);
}

const char *body_nonfinite_name(double value)
{
    return isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
}

void body_time(struct body *body, int64_t milliseconds)
{
    time_t seconds = (time_t)(milliseconds / 1000);
    struct tm utc;
    char text[32];

    if (milliseconds <= 0 || !gmtime_r(&seconds, &utc) ||
        strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc) == 0) {
        body_text(body, "null");
        return;
    }
    body_print(body, "\"%s.%03dZ\"", text, (int)(milliseconds % 1000));
}

char *body_take(struct body *body, size_t *size, struct error *error)
{
    char *bytes;

    body_put(body, "", 0); /* an empty answer is a valid pointer too */
    bytes = body->bytes;
    if (body->failed) {
        body_drop(body);
        (void)error_set(error, ERROR_MEMORY, "http", "no memory for the answer");
        return NULL;
    }
    if (size)
        *size = body->size;
    *body = (struct body){0};
    return bytes;
}
